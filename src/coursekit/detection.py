"""Scores of a detector, whose pictures hold any number of objects: average precision.

A *detection* is one predicted box with its class and its confidence. One picture may have many.
"""

from coursekit import boxes
from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED, Floats

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)


def average_precision(
    detections: pd.DataFrame, objects: pd.DataFrame, thresholds: ArrayLike = COCO_THRESHOLDS
) -> pd.DataFrame:
    """Return the average precision of each class (rows) at each IoU threshold (columns).

    Computed as in the COCO challenge [Lin et al., 2014]. Detections are taken by falling
    confidence, equal ones in the order of the rows; each finds the free object of its class and
    image with the largest IoU, if that is at least the threshold. Precision is made to fall with
    recall, and averaged over the recalls 0, 0.01, … 1. Difficult objects count neither as found
    nor as missed. The mean over both axes is COCO's AP; the mean of the column 0.5 is its AP50.

    `detections` has one row per predicted box: ``image_id, pred_name, confidence, pred_xmin …
    pred_ymax``. `objects` holds those of all images searched; ``difficult`` may be missing. Names
    and ids are compared as text, so that 1 and "1" are the same.
    """
    thresholds = np.atleast_1d(thresholds)
    detections = detections.astype({"image_id": str, "pred_name": str})
    objects = objects.astype({"image_id": str, "name": str})
    ordered = detections.sort_values("confidence", ascending=False, kind="stable")
    rows = {}
    for name, truth in objects.groupby("name"):
        found = ordered[ordered["pred_name"] == name].reset_index(drop=True)
        ignored = truth.get("difficult", pd.Series(False, truth.index)).astype(bool)
        if not ignored.all():
            hits = _hits(found, truth.assign(difficult=ignored), thresholds)
            rows[name] = [_area(column, int((~ignored).sum())) for column in hits.T]
    return pd.DataFrame.from_dict(rows, "index", columns=thresholds).rename_axis("name")


def _hits(found: pd.DataFrame, truth: pd.DataFrame, thresholds: Floats) -> Floats:
    """Return 1 (hit), 0 (false) or NaN (does not count), shape (detections, thresholds)."""
    hits = np.zeros((len(found), len(thresholds)))
    images = dict(tuple(truth.groupby("image_id")))
    inside = found[found["image_id"].isin(truth["image_id"])]
    for image_id, rows in inside.groupby("image_id").groups.items():
        there = images[image_id]
        overlap = boxes.pairwise_iou(found.loc[rows, PREDICTED], there[SIDES])
        for i, threshold in enumerate(thresholds):
            hits[rows, i] = _match(overlap, there["difficult"].to_numpy(), threshold)
    return hits


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


def _area(hits: Floats, n_objects: int) -> float:
    """Return the area under precision against recall, read at 101 recalls as COCO does."""
    hits = hits[~np.isnan(hits)]
    recall = np.cumsum(hits) / n_objects
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    reached = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(falling, 0.0)[reached].mean())
