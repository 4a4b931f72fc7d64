"""Write the picture under the threshold slider of the page "Figures to touch".

Run `python -m coursetools.publish.touch_figures` after the predictions of lesson 04 have
changed (`make execute` does), and commit what it writes: `book/touch/threshold.html` and the small
pictures.
"""

from pathlib import Path

from coursekit import datasets, lessons, metrics, settings
from coursekit.boxes import SIDES
from coursekit.files import write_whole

import numpy as np
import pandas as pd
from PIL import Image

BOOK = settings.CHECKOUT / "book"
PICTURES = BOOK / "_static" / "threshold"
MODEL, LESSON = "torch_fine_tuned", "04_pytorch_two_heads"
THRESHOLDS = np.arange(96) / 100
START = 50  # the threshold of the picture without JavaScript, in hundredths
SIZE = 500, 375  # of the pictures that are shown: all alike, so that they fit a grid
WIDTH = 160  # of a thumbnail
NAMED = np.linspace(0.05, 0.96, 16)  # the IoU wanted for the pictures with the right name …
MISNAMED = (0.45, 0.85)  # … and for those with a wrong one

# Where the curve is in its drawing: threshold 0 and 0.95, share 1 and 0. The slider in touch.css
# is as long.
LEFT, RIGHT, TOP, BOTTOM = 40, 376, 14, 144

PAGE = """\
<!-- Made by coursetools.publish.touch_figures. touch_threshold.js brings it to life. -->
<figure class="touch" id="touch-threshold" aria-label="A threshold for the IoU, and what it makes \
of real predictions" data-n="{n}" data-mean-iou="{mean_iou:.6f}"
  data-hits="{hits}">
  <div class="control">
    <div class="plot">
      <svg class="curve" viewBox="0 0 400 170" role="img" aria-label="The share of hits against \
the threshold: {first:.2f} at 0, {middle:.2f} at 0.5, {last:.2f} at 0.95.">
{axes}
        <line class="level" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>
        <polyline points="{points}"/>
        <circle r="6" cx="{x}" cy="{y}"/>
      </svg>
      <input id="touch-level" type="range" min="0" max="0.95" step="0.01" value="{threshold:.2f}">
    </div>
    <div class="side">
      <label for="touch-level">IoU must be above
        <strong data-show="threshold">{threshold:.2f}</strong></label>
      <p class="score">Share of hits <output for="touch-level">
        <strong data-show="share">{share:.3f}</strong>
        <span class="small"><span data-show="hits">{right}</span> of {n} test pictures are right\
</span></output></p>
      <p class="small"><i class="mark truth"></i>truth <i class="mark prediction"></i>prediction</p>
    </div>
  </div>
  <ol class="strip">
{pictures}
  </ol>
  <noscript><p class="small">Without JavaScript this is a picture for the threshold 0.5. With it, \
you can move the threshold.</p></noscript>
</figure>
"""
PICTURE = """\
    <li class="{kind}" data-last="{last}">
      <svg viewBox="0 0 {width} {height}" role="img" aria-label="A drawing of a {name} with the \
true and the predicted box">
        <image href="../_static/threshold/{image_id}.jpg" width="{width}" height="{height}"/>
        {truth}
        {prediction}
      </svg>
      <b>{mark}</b> <span>IoU {iou:.3f}</span>{remark}
    </li>"""
RECTANGLE = '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'


def predictions() -> pd.DataFrame:
    """Return the model's predictions on the test split, with two more columns.

    ``iou``, and ``last``: the highest threshold, in hundredths, at which the prediction is right;
    -1 when there is none.
    """
    table = lessons.load_predictions(MODEL, LESSON)
    table = table[table["split"] == "test"].reset_index(drop=True)
    iou = metrics.iou(table)
    passed = (iou[:, None] > THRESHOLDS) & metrics.named(table)[:, None]
    return table.assign(iou=iou, last=passed.sum(axis=1) - 1)


def choose(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to show, sorted by IoU: those nearest to `NAMED` and `MISNAMED`."""
    fits = table[(table[["width", "height"]] == list(SIZE)).all(axis=1)]
    named = metrics.named(fits)
    rows: list = []
    for part, wanted in ((fits[named], NAMED), (fits[~named], MISNAMED)):
        for iou in wanted:
            left = part.drop(index=rows, errors="ignore")
            rows.append((left["iou"] - iou).abs().idxmin())
    return table.loc[rows].sort_values("iou")


def rectangle(kind: str, sides: pd.Series) -> str:
    """Return one box as SVG."""
    xmin, ymin, xmax, ymax = sides
    return RECTANGLE.format(kind, xmin, ymin, xmax - xmin, ymax - ymin)


def picture(row: pd.Series) -> str:
    """Return one picture with its two boxes and its verdict at the first threshold."""
    right = row["last"] >= START
    says = f" <span>a {row['name']}, named {row['pred_name']}</span>"
    return PICTURE.format(
        **row[["last", "width", "height", "name", "image_id", "iou"]],
        kind="right" if right else "wrong",
        mark="✓ right" if right else "✗ wrong",
        truth=rectangle("truth", row[SIDES]),
        prediction=rectangle("prediction", row[metrics.PREDICTED]),
        remark=says if row["name"] != row["pred_name"] else "",
    )


def axes() -> str:
    """Return the lines and numbers of the curve's axes."""
    lines = []
    for share in (0, 0.5, 1):
        y = BOTTOM - share * (BOTTOM - TOP)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:g}" y2="{y:g}"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">{share:g}</text>')
    for threshold in (0, 0.25, 0.5, 0.75, 0.95):
        x = LEFT + threshold / 0.95 * (RIGHT - LEFT)
        text = f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{threshold:g}</text>'
        lines.append(text)
    return "\n".join(f"        {line}" for line in lines)


def page(table: pd.DataFrame) -> str:
    """Return the whole figure as HTML, at the threshold `START`."""
    shares = metrics.accuracy_at(table, THRESHOLDS)
    hits = (table["last"].to_numpy()[:, None] >= np.arange(len(THRESHOLDS))).sum(axis=0)
    across = LEFT + THRESHOLDS / THRESHOLDS[-1] * (RIGHT - LEFT)
    down = BOTTOM - shares * (BOTTOM - TOP)
    return PAGE.format(
        n=len(table),
        mean_iou=table["iou"].mean(),
        hits=" ".join(map(str, hits)),
        right=hits[START],
        share=shares[START],
        threshold=THRESHOLDS[START],
        first=shares[0],
        middle=shares[50],
        last=shares[-1],
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True)),
        x=f"{across[START]:.1f}",
        y=f"{down[START]:.1f}",
        top=TOP,
        bottom=BOTTOM,
        axes=axes(),
        pictures="\n".join(picture(row) for _, row in choose(table).iterrows()),
    )


def thumbnails(chosen: pd.DataFrame, mini: Path) -> None:
    """Write the chosen pictures, small, and remove those of an earlier choice."""
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.jpg"):
        old.unlink()
    for image_id in chosen["image_id"]:
        image = Image.open(mini / "JPEGImages" / f"{image_id}.jpg")
        small = image.resize((WIDTH, WIDTH * SIZE[1] // SIZE[0]), Image.Resampling.LANCZOS)
        small.save(PICTURES / f"{image_id}.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    if settings.dataset_name() != "mini":
        raise SystemExit("The figure shows drawings, never photographs. Unset COURSEKIT_DATASET.")
    table = predictions()
    write_whole(BOOK / "touch" / "threshold.html", page(table))
    thumbnails(choose(table), datasets.prepare("mini"))
