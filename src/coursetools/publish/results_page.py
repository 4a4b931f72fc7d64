"""Write the page of results, ``book/results.md``, from the files that hold the numbers.

The sentences between the tables are in ``book/results_template.md``, and the figures come out of
the lessons.

Run `python -m coursetools.publish.results_page` after a file of results or the outputs of a
notebook have changed, and commit the page and its pictures.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from string import Template

from coursekit import settings
from coursekit.claims import BOUNDS, in_words
from coursekit.files import write_whole
from coursetools.publish import gallery

import pandas as pd

BOOK = settings.CHECKOUT / "book"
NOTEBOOKS = sorted((settings.CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
LESSONS = {path.name[:2]: path.stem for path in NOTEBOOKS}
# Data set, as the tables over seeds name it: its file of results, and its name in a caption.
FILES = {
    "mini": ("results.json", "mini"),
    "voc2007_sample": ("results/voc2007_sample.json", "the photographs"),
}
SCORES = {
    "accuracy": "class accuracy",
    "mean_iou": "mean IoU",
    "accuracy_at_iou_50": "accuracy at IoU 0.5",
}
PACKAGES = ("python", "coursekit", "numpy", "tensorflow", "keras", "torch", "torchvision")

# Name of a model's file: name for the reader, lesson, and what it is.
MODELS = {
    "mean_box": ("mean box", "03", "always the average box, and the most frequent name"),
    "center_box": ("center box", "05", "always the box in the center that fits best on average"),
    "keras_two_losses_broken": ("broken loss", "03", "source 003's heads, with its loss"),
    "keras_two_losses_right": ("right loss", "03", "the same heads, with a loss for each output"),
    "keras_pooled": ("pooled head", "03", "source 000's first model: the box from averages"),
    "keras_spatial": ("spatial head", "03", "source 000's second model: the box from cells"),
    "keras_pointing": ("pointing head", "03", "a head that chooses where each side is"),
    "torch_small": ("small network", "04", "source 004's small network, trained on all pictures"),
    "torch_fine_tuned": (
        "fine-tuned",
        "04",
        "the pointing head in PyTorch, with the backbone's last layers trained",
    ),
}
# Where a model was trained with several seeds: the table in book/results, and the step in it.
MEASURED = {
    "keras_pooled": ("heads", "pooled"),
    "keras_spatial": ("heads", "spatial"),
    "keras_pointing": ("heads", "pointing"),
    "torch_small": ("two_heads", "small, L1"),
    "torch_fine_tuned": ("two_heads", "fine-tuned"),
}
RECTANGLES = {
    "rectangles_mean_box": "mean box",
    "rectangles_frozen_backbone": "one layer on a frozen backbone",
    "rectangles_plain_sigmoid": "plain network, sigmoid",
    "rectangles_no_sigmoid": "no sigmoid",
    "rectangles_larger_rate": "larger learning rate",
    "rectangles_schedule": "plain network, four numbers",
    "rectangles_larger_network": "larger network, schedule",
    "rectangles_plain_positions": "plain network, positions",
    "rectangles_axis_four_numbers": "axis network, four numbers",
    "rectangles_axis": "axis network, positions",
}
# Kind of a claim, as the table of margins names it, and the head of its column.
MARGIN_KINDS = {"exact": "exact", "trained": "trained", "report": "reported only"}
OMITTED: dict[str, str] = {}  # models that the page leaves out, and why


def read_results(file: Path) -> dict:
    """Return a file of results; `ValueError` when it has a model that this page does not know."""
    results = json.loads(file.read_text(encoding="utf-8"))
    unknown = set(results["models"]) - {*MODELS, *RECTANGLES, *OMITTED}
    if unknown:
        raise ValueError(
            f"{file.name} has the models {', '.join(sorted(unknown))}, which the page does not "
            "know. Add each to MODELS, RECTANGLES or OMITTED in coursetools.publish.results_page."
        )
    return results


def table(caption: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table with a caption, in Markdown."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f":::{{table}} {caption}\n:align: left\n\n{text}\n:::"


def lesson(number: str, text: str = "Lesson {}") -> str:
    """Return a link to a lesson, given by its two digits."""
    return f"[{text.format(number)}](../notebooks/{LESSONS[number]}.ipynb)"


def short(number: float, digits: int = 3) -> str:
    """Return a number without the zero before its point, so that a table fits on a phone."""
    return f"{number:.{digits}f}".removeprefix("0")


def score(scores: dict, name: str) -> str:
    """Return a score, with its interval in the line below."""
    low, high = (short(bound, 2) for bound in scores[f"{name}_interval"])
    return f"{short(scores[name])}<br>{low}–&NoBreak;{high}"


def gallery_text() -> str:
    """Return the figures of `gallery`, one below the other, each with a link to its lesson."""
    return "\n\n".join(
        f":::{{figure}} _static/gallery/{name}.png\n"
        f":alt: {gallery.figure(number, cell_id)[1]}\n\n{caption} {lesson(number)}\n:::"
        for name, (number, cell_id, caption) in gallery.FIGURES.items()
    )


def pictures(models: Iterable[dict], split: str) -> str:
    """Return how many pictures the models saw of a split: one number, if all is well."""
    return " or ".join(str(n) for n in sorted({m[split]["n"] for m in models if split in m}))


def shown(results: dict, models: Iterable[str]) -> dict[str, dict]:
    """Return the results of those models that have some, in the order given."""
    return {name: results["models"][name] for name in models if name in results["models"]}


def score_table(results: dict, data: str) -> str:
    """Return the table of the models on the test split."""
    found = shown(results, MODELS)
    rows = [
        [f"{reader}<br>{lesson(number, '{}')}", *(score(found[name]["test"], s) for s in SCORES)]
        for name, (reader, number, _what) in MODELS.items()
        if name in found
    ]
    number = pictures(found.values(), "test")
    caption = f"Test split of {data}, {number} pictures. Below each score is its 95 % interval."
    return table(caption, ["model, lesson", *SCORES.values()], rows)


def rectangle_table(results: dict) -> str:
    """Return the table of lesson 01, where every object is a rectangle."""
    found = shown(results, RECTANGLES)
    rows = [[RECTANGLES[name], score(each["test"], "mean_iou")] for name, each in found.items()]
    number = pictures(found.values(), "test")
    caption = f"{number} rectangles that no network has trained on, with the 95 % interval."
    return table(caption, ["model", SCORES["mean_iou"]], rows)


def spread_table(book: Path, data: str) -> str:
    """Return the table of mean ± standard deviation over the seeds."""
    rows, backbones = [], set()
    for model, (kind, step) in MEASURED.items():
        file = book / "results" / f"{kind}_{data}.csv"
        backbones |= set(re.findall(r"^#.*\bbackbone (\w+)", file.read_text(encoding="utf-8")))
        runs = pd.read_csv(file, comment="#")
        runs = runs[runs["step"] == step]
        if "share" in runs:
            runs = runs[runs["share"] == 100]  # with all training pictures
        if len(runs) > 1:
            cells = [f"{short(runs[s].mean())}<br>±&nbsp;{short(runs[s].std())}" for s in SCORES]
            rows.append([f"{MODELS[model][0]}<br>{len(runs)} seeds", *cells])
    caption = (
        "The same test pictures, several training runs with the backbone "
        f"`{' or '.join(backbones)}`: mean ± standard deviation."
    )
    return table(caption, ["model", *SCORES.values()], rows)


def provenance_table(results: dict) -> str:
    """Return what the notebooks ran with; what differs between lessons is listed."""
    runs = list(results["provenance"].values())
    weights = [name for run in runs for name in run.get("weights", [])]
    found = {
        "data set": [literal(run["dataset"]) for run in runs],
        "backbone": [code(run["backbone"]) for run in runs],
        "weights": [code(name) for name in weights] or ["those that come with the course"],
        "seed": [str(run["seed"]) for run in runs if "seed" in run],
        "packages": [f"{p} {run['versions'][p]}" for p in PACKAGES for run in runs],
    }
    rows = [[what, "<br>".join(dict.fromkeys(values))] for what, values in found.items() if values]
    return table("What the notebooks ran with.", ["what", "which"], rows)


def literal(text: str) -> str:
    """Return a text in which no sign means anything to Markdown, in one line."""
    return re.sub(r"([\\`*_<>\[\]|$&{}~])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a name as code, in a cell of a table."""
    return f"`{' '.join(text.replace('`', '').replace('|', '').split())}`"


def claims_text(results: dict) -> str:
    """Return how many claims hold, and a list of those that do not."""
    claims = [(name[:2], claim) for name, found in results["claims"].items() for claim in found]
    measured = [(number, claim) for number, claim in claims if claim["holds"] is not None]
    failed = [(number, claim) for number, claim in measured if not claim["holds"]]
    held = len(measured) - len(failed)
    text = f"{held} of {len(measured)} claims hold."
    if len(measured) < len(claims):
        text += f" For {len(claims) - len(measured)} more there is nothing to measure."
    if not failed:
        return text
    lines = []
    for number, claim in failed:
        lines.append(
            f"- {lesson(number)}. *{literal(claim['sentence'])}*: promised {in_words(claim)}, "
            f"measured {claim['measured']:.4g}."
        )
    return f"{text} These do not:\n\n" + "\n".join(lines)


def margins_text(book: Path) -> str:
    """Return how far the claims of each lesson are from their bounds; folded, each claim."""
    file = book / "results" / "margins.csv"
    if not file.exists():
        return "This has not been measured yet."
    rows = pd.read_csv(file).fillna({"bound": ""})
    summary = [
        [
            lesson(name[:2]),
            *(str((part["kind"] == kind).sum()) for kind in MARGIN_KINDS),
            least(part),
        ]
        for name, part in rows.groupby("lesson")
    ]
    runs = " or ".join(str(n) for n in sorted(set(rows["runs"])))
    caption = f"Claims and reported numbers of each lesson, in {runs} runs."
    every = [
        [
            f"{lesson(row.lesson[:2], '{}')} {literal(row.claim)}",
            "<br>".join(readable_bound(bound) for bound in row.bound.split()) or "–",
            (f"{row.mean:.4g}" if abs(row.mean) < 1e4 else f"{row.mean:.0f}")
            + (f"<br>±&nbsp;{row.sd:.2g}" if row.sd else ""),
            f"{row.margin:.1f}" if row.kind == "trained" else row.kind,
        ]
        for row in rows.itertuples()
    ]
    columns = ["lesson, claim", "promised", "mean ± standard deviation", "margin"]
    return f"""{table(caption, ["lesson", *MARGIN_KINDS.values(), "smallest margin"], summary)}

::::{{admonition}} Every claim, and its margin
:class: dropdown

{table("Every claim and every reported number.", columns, every)}
::::"""


def least(rows: pd.DataFrame) -> str:
    """Return the smallest margin among some rows of the table of margins."""
    margins = rows.loc[rows["kind"] == "trained", "margin"]
    return f"{margins.min():.1f}" if len(margins) else "–"


def readable_bound(bound: str) -> str:
    """Return a bound in words: ``at_least=0.5`` is at least 0.5."""
    name, value = bound.split("=")
    return f"{BOUNDS[name][0]} {value}"


def source_text(source: dict) -> str:
    """Return the section on one of the five sources."""
    names = dict.fromkeys(source["names"].values())
    rows = []
    for row in source["rows"]:
        values = {source["names"][printed]: value for printed, value in row["values"].items()}
        rows.append([f"{row['run']}<br>{row['split']}", *(values.get(name, "–") for name in names)])
    why = re.sub(r"Lesson (\d\d)", lambda found: lesson(found[1]), source["why"])
    return f"""### Source {source["file"]}: {source["title"]}

- **Source:** [its entry in the bibliography](bibliography.md#source-{source["file"]})
- **Framework:** {source["framework"]}
- **Data:** {source["data"]}
- **Model:** {source["model"]}

{table("What it reported.", ["run, split", *names], rows)}

**Comparable with ours? {source["comparable"].capitalize()}.** {why}"""


def parts(book: Path, data: str) -> dict[str, str]:
    """Return what the page says about one data set."""
    results = read_results(book / FILES[data][0])
    models = shown(results, MODELS)
    return {
        "scores": score_table(results, FILES[data][1]),
        "spread": spread_table(book, data),
        "provenance": provenance_table(results),
        "claims": claims_text(results),
        "rectangles": rectangle_table(results),
        "which": "\n".join(f"- **{MODELS[name][0]}**: {MODELS[name][2]}." for name in models),
        **{split: pictures(models.values(), split) for split in ("train", "val", "test")},
    }


def page(book: Path = BOOK) -> str:
    """Return the page, made from the files in a folder like ``book``."""
    published = json.loads((book / "results" / "published.json").read_text(encoding="utf-8"))
    found = {
        "sources": "\n\n".join(source_text(source) for source in published["sources"]),
        "margins": margins_text(book),
        "gallery": gallery_text(),
    }
    for data in FILES:
        found |= {f"{data}_{part}": text for part, text in parts(book, data).items()}
    template = (book / "results_template.md").read_text(encoding="utf-8")
    return Template(template).substitute(found)


if __name__ == "__main__":
    gallery.write()
    write_whole(BOOK / "results.md", page())
