"""How good are predictions? Every function takes the table that `lessons.load_predictions` returns.

That table has one row per image. Boxes are xyxy in pixels of the original image: the ground truth
in ``xmin … ymax``, the prediction in ``pred_xmin … pred_ymax``.

A prediction is a *hit* when its class is right and its IoU is above 0.5, as in the challenge
[Everingham et al., 2010, section 4.2].
"""

from coursekit import boxes
from coursekit.boxes import SIDES

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit  # scipy.stats takes a second more to import

PREDICTED = [f"pred_{side}" for side in SIDES]
RESAMPLES = 2000  # of a bootstrap

Floats = NDArray[np.float64]


def iou(table: pd.DataFrame) -> Floats:
    """Return the IoU of each image's predicted box with its true box, shape (n,)."""
    return boxes.iou(table[SIDES], table[PREDICTED])


def named(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each image whether its class is right, shape (n,)."""
    return table["name"].to_numpy(object) == table["pred_name"].to_numpy(object)


def outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns ``accuracy, mean_iou, accuracy_at_iou_50``, whose means are the scores.

    One row per image, float: 1 or 0 for a right or wrong class, the IoU, 1 or 0 for a hit.
    """
    overlap, right = iou(table), named(table)
    hit = right & (overlap > 0.5)
    columns = {"accuracy": right, "mean_iou": overlap, "accuracy_at_iou_50": hit}
    return pd.DataFrame(columns, table.index, dtype=float)


def scores(table: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0) -> dict:
    """Return ``n, accuracy, mean_iou, accuracy_at_iou_50``, and the 95 % interval of each.

    The interval of ``accuracy`` is the list ``[low, high]`` under ``accuracy_interval``, and so
    on. See `bootstrap` for `resamples` and `seed`.
    """
    each = outcomes(table)
    low, high = interval(bootstrap(each.to_numpy(), resamples, seed))
    found: dict = {"n": len(table)}
    for i, name in enumerate(each):
        found |= {name: float(each[name].mean()), f"{name}_interval": [low[i], high[i]]}
    return found


def bootstrap(values: ArrayLike, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return the means of `resamples` samples, drawn with replacement from the rows of `values`.

    From shape (n,) to (resamples,), or from (n, k) to (resamples, k): one row per image, whose k
    columns stay together. Equal seeds and equal n draw the same rows. `ValueError` without a row.
    """
    array, rng = np.asarray(values, dtype=np.float64), np.random.default_rng(seed)
    if len(array) == 0:
        raise ValueError("A bootstrap needs at least one image, and there is none.")
    drawn = (rng.integers(len(array), size=len(array)) for _ in range(resamples))
    return np.stack([array[rows].mean(axis=0) for rows in drawn])


def interval(means: ArrayLike, level: float = 0.95) -> list:
    """Return ``[low, high]``, between which the middle `level` of the resampled means lies.

    This is the percentile interval [Efron, 1979]. Shape () or (k,) each, as lists of floats.
    """
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    return np.quantile(np.asarray(means), tails, axis=0).tolist()


def over_runs(values: pd.Series, groups: ArrayLike) -> pd.DataFrame:
    """Return ``mean, low, high`` of each group of runs, in the order in which groups appear.

    `values` has one number for each run, such as the score of one seed. The 95 % interval of the
    mean is Student's; it knows the seeds and not the pictures. NaN for one run.
    """
    runs = values.groupby(np.asarray(groups), sort=False)
    mean, n = runs.mean(), runs.count()
    reach = runs.std() / np.sqrt(n) * stdtrit(n - 1, 0.975)
    return pd.DataFrame({"mean": mean, "low": mean - reach, "high": mean + reach})


def two_way(values: ArrayLike) -> pd.Series:
    """Return ``mean, low, high, p`` of outcomes, or of differences, shape (runs, images).

    Every run answers for the same images, and both are drawn by chance. The variance of the mean
    is (images + runs - rest) / size, from the mean squares of the two-way analysis of variance,
    where those of images and runs are at least the rest's. Interval (95 %) and two-sided p,
    against a mean of 0, are Student's, with the degrees of freedom of [Satterthwaite, 1946]. A
    single run knows the images only; of a single image they are NaN.
    """
    array = np.atleast_2d(np.asarray(values, dtype=np.float64))
    (runs, images), mean = array.shape, array.mean()
    if images < 2:
        return pd.Series({"mean": mean, "low": np.nan, "high": np.nan, "p": np.nan})
    of_image, of_run = array.mean(axis=0), array.mean(axis=1, keepdims=True)
    squares, degrees = [runs * of_image.var(ddof=1)], [images - 1]
    if runs > 1:
        squares.append(images * of_run.var(ddof=1))
        degrees += [runs - 1, (runs - 1) * (images - 1)]
        rest = ((array - of_image - of_run + mean) ** 2).sum() / degrees[-1]
        # what varies no more than the rest alone would make it adds nothing of its own
        squares = [square if square > rest else 0.0 for square in squares]
        squares.append(rest * (1 - np.count_nonzero(squares)))
    parts = np.array(squares)
    error = np.sqrt(parts.sum() / array.size)
    freedom = parts.sum() ** 2 / (parts**2 / degrees).sum() if error else np.inf
    reach = error * stdtrit(freedom, 0.975)
    p = 2 * stdtr(freedom, -abs(mean) / error) if error else float(mean == 0)
    return pd.Series({"mean": mean, "low": mean - reach, "high": mean + reach, "p": p})


def accuracy_at(table: pd.DataFrame, thresholds: ArrayLike) -> Floats:
    """Return the share of images with the right class and an IoU above each threshold."""
    overlap = np.where(named(table), iou(table), -1.0)
    return (overlap[:, None] > np.asarray(thresholds)).mean(axis=0)


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """Return probabilities, shape (n, classes), from logits that are divided by `temperature`."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
