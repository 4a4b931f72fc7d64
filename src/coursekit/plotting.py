"""Every picture of the course, in one style.

The ground truth is drawn solid, a prediction dashed. Each has a color of its own as well, and
both colors are safe for color-blind readers.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

# course.mplstyle has the same colors
PAPER, INK, FAINT = "#fdfcf9", "#22303c", "#d9d6cd"
TRUTH, PREDICTION, OTHER = "#0a7d5a", "#c4420a", "#5b6770"
SERIES = ["#20639b", "#c4420a", "#0a7d5a", "#8a4f9e", "#b8860b", "#5b6770"]
BOX_STYLES = {
    "truth": {"edgecolor": TRUTH, "linestyle": "-"},
    "prediction": {"edgecolor": PREDICTION, "linestyle": (0, (4, 2))},
    "other": {"edgecolor": OTHER, "linestyle": ":"},
}


def use_style() -> None:
    """Set matplotlib to the look of the course. Call it once, in a notebook's first cell."""
    plt.style.use("coursekit.course")


def show_image(ax: Axes, image: np.ndarray, title: str = "") -> None:
    """Draw an image so that pixel (0, 0) covers the square from 0 to 1 on both axes.

    matplotlib would put the *center* of that pixel at 0. Then every half-open box would be drawn
    half a pixel too far to the right and too low. The image is of shape (height, width), (height,
    width, 1) or (height, width, 3), with values of 0 to 1 or of 0 to 255.
    """
    array = np.asarray(image)
    array = array[:, :, 0] if array.shape[2:] == (1,) else array
    height, width = array.shape[:2]
    limits = {"vmin": 0, "vmax": 1} if array.ndim == 2 and array.max() <= 1 else {}
    ax.imshow(array, extent=(0, width, height, 0), interpolation="nearest", **limits)
    ax.set_title(title)
    ax.set_axis_off()


def draw_box(ax: Axes, box: Sequence[float], kind: str = "truth", label: str = "") -> None:
    """Draw one xyxy box, in pixels.

    `kind` is ``truth`` (solid), ``prediction`` (dashed) or ``other`` (dotted). `label`, if given,
    is written on the upper edge: of the truth at its left end, of the others at the right, so
    that two labels do not cover each other.
    """
    style = BOX_STYLES[kind]
    xmin, ymin, xmax, ymax = (float(side) for side in box)
    edge = Rectangle((xmin, ymin), xmax - xmin, ymax - ymin, fill=False, linewidth=2, **style)
    if kind == "truth":
        edge.set_path_effects([patheffects.withStroke(linewidth=4, foreground="white")])
    ax.add_patch(edge)
    if label:
        x, side = (xmin, "left") if kind == "truth" else (xmax, "right")
        height = "bottom" if ymin > 12 else "top"
        paper = {"facecolor": style["edgecolor"], "edgecolor": "none", "pad": 1.5}
        ax.text(x, ymin, label, color="white", fontsize=8, ha=side, va=height, bbox=paper)


def gallery(
    images: Sequence[np.ndarray],
    truth: Sequence | None = None,
    prediction: Sequence | None = None,
    titles: Sequence[str] | None = None,
    columns: int = 4,
    width: float = 9.0,
) -> Figure:
    """Return a figure with a grid of images, and their boxes where they are given.

    For n images, as `show_image` takes them, `truth` and `prediction` hold n xyxy boxes each, in
    pixels (None where an image has no box), and `titles` n lines of text. A row has `columns`
    images. `width`, of the figure, is in inches; the height follows from the tallest image, up to
    eight times as tall as it is wide.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    tallest = max(np.shape(image)[0] / np.shape(image)[1] for image in images)
    tallest = np.clip(tallest, 1 / 8, 8)  # or there is no room, or matplotlib gives up
    size = (width, rows * (width / columns * tallest + 0.25))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for i, (ax, image) in enumerate(zip(axes.flat, images, strict=False)):
        show_image(ax, image, titles[i] if titles is not None else "")
        for kind, boxes in (("truth", truth), ("prediction", prediction)):
            if boxes is not None and boxes[i] is not None:
                draw_box(ax, boxes[i], kind)
    return figure


def curves(
    series: Mapping[str, Sequence[float]], xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Return axes with a legend and one line for each series, drawn against 1, 2, 3, …."""
    ax = ax or plt.subplots(figsize=(6.5, 3.2))[1]
    for name, values in series.items():
        ax.plot(np.arange(1, len(values) + 1), values, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    ax.legend()
    return ax


def forest(rows: pd.DataFrame, xlabel: str, ax: Axes | None = None, runs: Mapping = {}) -> Axes:
    """Return axes with one line for each row, from ``low`` to ``high``, and a dot at ``mean``.

    `rows` has these three columns, and names as its index, from top to bottom. `runs` may hold,
    for some of the names, single values to show as small circles.
    """
    ax = ax or plt.subplots(figsize=(6.5, 0.5 + 0.32 * len(rows)))[1]
    for place, (name, row) in enumerate(rows.iterrows()):
        ax.hlines(place, row["low"], row["high"], color=INK, linewidth=2)
        ax.plot(row["mean"], place, "o", color=SERIES[0], markersize=7)
        singles = list(runs.get(name, []))
        ax.plot(singles, [place + 0.25] * len(singles), "o", color=OTHER, mfc="none", markersize=3)
    ax.set_yticks(range(len(rows)), rows.index)
    ax.set(xlabel=xlabel, ylim=(len(rows) - 0.4, -0.6))
    return ax
