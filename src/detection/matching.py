"""Scores of a detector, whose pictures hold any number of objects: average precision.

A *detection* is one predicted box with its class and its confidence. One picture may have many.
"""

from typing import NamedTuple

from coursekit import boxes
from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED, Floats

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
ANY_AREA = (0.0, np.inf)


class Matches(NamedTuple):
    """What `match` found; both tables have the index of those that they come from.

    `hits` has the detections by falling confidence, with ``image_id``, ``pred_name`` and a column
    for each threshold: 1 (a hit), 0 (false) or NaN (does not count). `objects` are the objects
    with ``counts``: whether finding them counts.
    """

    hits: pd.DataFrame
    objects: pd.DataFrame


def match(
    detections: pd.DataFrame,
    objects: pd.DataFrame,
    thresholds: ArrayLike = COCO_THRESHOLDS,
    areas: tuple[float, float] = ANY_AREA,
) -> Matches:
    """Return which detection finds which object, as the COCO challenge decides [Lin et al., 2014].

    Detections are taken by falling confidence, equal ones in the order of the rows; each finds the
    free object of its class and image with the largest IoU, if that is at least the threshold.
    Difficult objects, and those whose area in square pixels is not within `areas`, count neither
    as found nor as missed, and neither does a false detection of such an area.

    `detections` has one row per predicted box: ``image_id, pred_name, confidence, pred_xmin …
    pred_ymax``. `objects` holds those of all images searched; ``difficult`` may be missing. Names
    and ids are compared as text, so that 1 and "1" are the same.
    """
    thresholds = np.atleast_1d(thresholds)
    detections = detections.astype({"image_id": str, "pred_name": str})
    objects = objects.astype({"image_id": str, "name": str})
    difficult = objects.get("difficult", pd.Series(False, objects.index)).astype(bool)
    objects = objects.assign(counts=~difficult & _within(objects[SIDES], areas))
    ordered = detections.sort_values("confidence", ascending=False, kind="stable")
    hits = np.zeros((len(ordered), len(thresholds)))
    found, true = ordered[PREDICTED].to_numpy(float), objects[SIDES].to_numpy(float)
    counts = objects["counts"].to_numpy()
    there = objects.groupby(["image_id", "name"]).indices
    for key, rows in ordered.groupby(["image_id", "pred_name"]).indices.items():
        if key in there:
            overlap = boxes.pairwise_iou(found[rows], true[there[key]])
            for i, threshold in enumerate(thresholds):
                hits[rows, i] = _match(overlap, ~counts[there[key]], threshold)
    hits[(hits == 0) & ~_within(ordered[PREDICTED], areas)[:, None]] = np.nan
    each = pd.DataFrame(hits, ordered.index, thresholds)
    return Matches(pd.concat([ordered[["image_id", "pred_name"]], each], axis=1), objects)


def average_precision(
    detections: pd.DataFrame,
    objects: pd.DataFrame,
    thresholds: ArrayLike = COCO_THRESHOLDS,
    areas: tuple[float, float] = ANY_AREA,
) -> pd.DataFrame:
    """Return the average precision of each class (rows) at each IoU threshold (columns).

    Precision is made to fall with recall, and averaged over the recalls 0, 0.01, … 1. The mean over
    both axes is COCO's AP; the mean of the column 0.5 is its AP50. See `match` for the rest.
    """
    return area_under(match(detections, objects, thresholds, areas))


def area_under(matches: Matches, times: pd.Series | None = None) -> pd.DataFrame:
    """Return the average precision of each class (rows) at each threshold (columns), see above.

    `times` says how often each image counts, by ``image_id``: once, or as often as a bootstrap drew
    it. A class that has no object to find is left out.
    """
    hits, objects = matches
    often = [1.0 if times is None else t["image_id"].map(times).to_numpy(float) for t in matches]
    wanted = (objects["counts"] * often[1]).groupby(objects["name"]).sum()
    thresholds, rows = hits.columns[2:].astype(float), {}
    for name, n_objects in wanted[wanted > 0].items():
        chosen = (hits["pred_name"] == name).to_numpy()
        weights = np.broadcast_to(often[0], len(hits))[chosen]
        columns = hits.loc[chosen, thresholds].to_numpy(float).T
        rows[name] = [_area(column, weights, n_objects) for column in columns]
    return pd.DataFrame.from_dict(rows, "index", columns=thresholds).rename_axis("name")


def _within(sides: pd.DataFrame, areas: tuple[float, float]) -> NDArray[np.bool_]:
    """Return whether the area of each box is one of these; both ends belong to them, as in COCO."""
    area = boxes.area(sides)
    return (area >= areas[0]) & (area <= areas[1])


def _match(overlap: Floats, difficult: NDArray[np.bool_], threshold: float) -> Floats:
    """Return 1, 0 or NaN for each detection (row) of one image, the most confident first."""
    free, found = np.ones(len(difficult), dtype=bool), np.zeros(len(overlap))
    for i, row in enumerate(overlap):
        for wanted, value in ((~difficult, 1.0), (difficult, np.nan)):
            fits = np.flatnonzero(free & wanted & (row >= threshold))[::-1]  # ties: the last
            if fits.size:
                free[fits[row[fits].argmax()]], found[i] = False, value
                break
    return found


def _area(hits: Floats, weights: Floats, n_objects: float) -> float:
    """Return the area under precision against recall, read at 101 recalls as COCO does."""
    counts = ~np.isnan(hits)
    hits, weights = hits[counts], weights[counts]
    right, all_of_them = np.cumsum(weights * hits), np.cumsum(weights)
    precision = np.divide(right, all_of_them, out=np.zeros_like(right), where=all_of_them > 0)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    reached = np.searchsorted(right / n_objects, np.linspace(0, 1, 101), side="left")
    return float(np.append(falling, 0.0)[reached].mean())
