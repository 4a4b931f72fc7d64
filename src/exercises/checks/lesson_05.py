"""Checks of the exercises of lesson 05: intervals, confusion, calibration, average precision."""

import detection
from coursekit import metrics
from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED
from exercises.checks.core import Check

import numpy as np
import pandas as pd

# the middle 95 % of resampled means


def _resampled_means():
    rng = np.random.default_rng(0)
    levels = (
        0.6 + 0.1 * rng.random(1001) ** 2,
        0.8 - rng.exponential(0.05, 41),
        0.3 - rng.exponential(1, 121),  # such as differences
    )
    # All but the ends come twice, and 2.5 % lie between two that are equal: there are many
    # definitions of a percentile, and all of them give the same.
    return [(rng.permutation([*np.sort(some)[1:], *np.sort(some)[:-1]]),) for some in levels]


middle_95 = Check(
    right=lambda means: metrics.interval(means),
    without={"metrics.interval": "coursekit.metrics.interval"},
    cases=_resampled_means,
    wrong={
        "You cut off 5 % on each side. Then 90 % are left.": lambda means: metrics.interval(
            means, 0.9
        ),
        "You return the upper end first.": lambda means: metrics.interval(means)[::-1],
        "Your ends hardly leave anything below them. `np.percentile` counts to 100, not to 1.": (
            lambda means: np.percentile(means, [0.025, 0.975])
        ),
        "You took the smallest and the largest mean. That is all of them.": (
            lambda means: metrics.interval(means, 1)
        ),
        "You took one standard deviation to both sides. In a bell curve, that is about 68 %.": (
            lambda means: means.mean() + np.array([-1, 1]) * means.std()
        ),
        "You took 1.96 standard deviations to both sides. That is right for a bell curve; the "
        "means themselves tell you more.": lambda means: (
            means.mean() + np.array([-1.96, 1.96]) * means.std()
        ),
        "You divided by the root of the number of resamples. Their spread is what you want; "
        "it does not shrink when you draw more often.": lambda means: (
            means.mean() + np.array([-1.96, 1.96]) * means.std() / np.sqrt(len(means))
        ),
    },
)

# probabilities at a temperature


with_temperature = Check(
    right=metrics.softmax,
    without={"metrics.softmax": "coursekit.metrics.softmax"},
    cases=lambda: [
        (np.array([[1.5, 0.25, -0.5]]), 4.0),
        (np.array([[2.0, 0.5, -1.0], [0.2, 0.1, 1.4]]), 2.0),
        (np.array([[0.317, 1.248], [1.0, -0.5], [0.0, 0.8]]), 0.657),
        (np.array([[40.0, 39.5, 40.25], [-40.0, -40.5, -40.25]]), 0.5),
    ],
    wrong={
        "You multiply by the temperature. A high one should make the model less sure.": (
            lambda logits, temperature: metrics.softmax(logits, 1 / temperature)
        ),
        "Your temperature changes nothing. Do you use it after the exponential, or subtract it? "
        "The sum takes that back.": lambda logits, _: metrics.softmax(logits),
        "You divide the probabilities. The temperature belongs to the logits.": (
            lambda logits, temperature: metrics.softmax(logits) / temperature
        ),
        "You take the softmax twice. The second one gets probabilities in place of logits.": (
            lambda logits, temperature: metrics.softmax(metrics.softmax(logits), temperature)
        ),
        "Your columns add up to 1. Each row is a picture, and its classes share the 1.": (
            lambda logits, temperature: metrics.softmax(logits.T, temperature).T
        ),
    },
)

# which class is taken for which


def _confusion(truth, named, n):
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (truth, named), 1)  # counts a pair as often as it comes
    return counts


confusion_matrix = Check(
    right=_confusion,
    without={"pandas": "pandas"},
    cases=lambda: [
        (np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]), np.array([0, 1, 1, 1, 0, 2, 0, 2, 2]), 3),
        (np.array([0, 1, 1, 2, 2, 0, 1]), np.array([0, 1, 1, 2, 2, 2, 0]), 4),
        (np.array([1]), np.array([0]), 2),
        (np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0]), 2),
    ],
    wrong={
        "You swapped rows and columns. A row is what a picture shows.": lambda truth, named, n: (
            _confusion(named, truth, n)
        ),
        "You count each pair once, however often it occurs: with a list of places, `+=` adds one "
        "to each.": lambda truth, named, n: _confusion(truth, named, n).clip(max=1),
        "You count the right names only. The mistakes are what the other cells are for.": (
            lambda truth, named, n: np.diag(np.diag(_confusion(truth, named, n)))
        ),
        "You have no row for a class that never occurs. It needs one, with zeros.": (
            lambda truth, named, _: _confusion(truth, named, max(*truth, *named) + 1)
        ),
        "You return shares of all pictures. Return the counts.": lambda truth, named, n: (
            _confusion(truth, named, n) / len(truth)
        ),
    },
)

# two models on the same resampled pictures


def _two_models():
    rng = np.random.default_rng(0)
    drawn = [
        (rng.random(n).round(5), rng.random(n).round(5), rng.integers(n, size=shape))
        for n, *shape in ((6, 4, 6), (5, 5, 5), (3, 2, 3), (4, 3, 2))
    ]
    near = np.array([0.00042, 1.0]), np.array([0.0, 0.99957]), np.array([[0, 1, 1], [0, 0, 1]])
    return [*drawn, near]  # near 0 and 1


def _drawn(values, rows):
    counts = np.array([np.bincount(row, minlength=len(values)) for row in rows])
    return counts @ values / rows.shape[1]


paired_means = Check(
    right=lambda first, second, rows: _drawn(first - second, rows),
    cases=_two_models,
    wrong={
        "You resample the first model only. Both have to be judged on the same draw.": (
            lambda first, second, rows: _drawn(first, rows) - second.mean()
        ),
        "You reversed the sign. How far is the first model ahead?": (
            lambda first, second, rows: _drawn(second - first, rows)
        ),
        "You dropped the sign of each difference. Then no model can be behind.": (
            lambda first, second, rows: _drawn(abs(first - second), rows)
        ),
        "You average over the resamples. Each resample gives one number, its mean over pictures.": (
            lambda first, second, rows: (first - second)[rows].mean(axis=0)
        ),
        "You return the difference itself, without any resampling.": lambda first, second, _: (
            first.mean() - second.mean()
        ),
    },
)

# the calibration error


def _confident():
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.31, 0.99, 40).round(3)
    return [
        (confidence, (rng.random(40) < confidence**2).astype(float)),
        (np.array([0.55, 0.58, 0.93, 0.97, 0.91, 0.72]), np.array([1.0, 1, 1, 0, 1, 0])),
        (np.array([0.04, 0.07, 0.33]), np.array([1.0, 0, 1])),
        (np.array([0.62]), np.array([0.0])),
        (np.array([0.00042, 0.0513, 0.99957]), np.array([0.0, 0, 1])),
        (np.array([0.50042]), np.array([1.0])),
        (np.array([0.24, 0.31, 0.62, 0.67]), np.array([1.0, 0, 1, 0])),
        # neighboring bins, too sure in one and not sure enough in the other
        *((np.array([0.053, 0.157]) + n / 10, np.array([1.0, 0])) for n in range(9)),
    ]


def _bins(rule):
    def error(confidence, right):
        """Return what `rule` makes of the ten bins: n, confidence and accuracy of each."""
        table = pd.DataFrame({"confidence": confidence, "accuracy": right})
        bins = table.groupby(np.floor(confidence * 10))
        return rule(bins.mean().assign(n=bins.size()))

    return error


def _gaps(table):
    return table["accuracy"] - table["confidence"]


def _weighted(gaps, table):
    return np.average(gaps, weights=table["n"])


calibration = Check(
    right=_bins(lambda table: _weighted(_gaps(table).abs(), table)),
    without={
        "reliability": "__main__.reliability",
        "calibration_error": "__main__.calibration_error",
        "pandas": "pandas",
    },
    cases=_confident,
    wrong={
        "You weigh all bins alike. A bin with more pictures counts for more.": _bins(
            lambda table: _gaps(table).abs().mean()
        ),
        "Your gaps cancel each other: too sure in one bin, not sure enough in another.": _bins(
            lambda table: _weighted(_gaps(table), table)
        ),
        "Your bins cancel each other, as if you compared two means over all pictures: too sure in "
        "one bin, not sure enough in another. Each bin's gap counts without its sign.": (
            lambda confidence, right: abs(right.mean() - confidence.mean())
        ),
        "You compare with the middle of each bin. Take the mean of the confidences in it.": _bins(
            lambda table: _weighted(abs(table["accuracy"] - (table.index + 0.5) / 10), table)
        ),
        "You take the largest gap, not the mean one.": _bins(
            lambda table: _gaps(table).abs().max()
        ),
        "You compare each single picture with its confidence. A single one is right or wrong; "
        "only a bin has a share.": lambda confidence, right: abs(right - confidence).mean(),
    },
)

# average precision from hits


RECALLS = np.linspace(0, 1, 101)


def _measured_precision(hits, objects):
    side = np.arange(objects)[:, None] * 20.0 + [0, 0, 10, 10]
    truth = pd.DataFrame(side, columns=SIDES).assign(image_id="a", name="dog")
    place = np.where(hits == 1, np.cumsum(hits) - 1, 0).astype(int)
    found = pd.DataFrame(side[place] - 500.0 * (hits == 0)[:, None], columns=PREDICTED)
    order = np.linspace(0.9, 0.1, len(hits))
    found = found.assign(image_id="a", pred_name="dog", confidence=order)
    return detection.average_precision(found, truth, [0.5]).loc["dog", 0.5]


def _precision(hits):
    return np.cumsum(hits) / np.arange(1, len(hits) + 1)


def _read(precision, recall, recalls=RECALLS):
    """Return the best precision that is left at each recall, 0 where there is none."""
    return np.array([precision[recall >= one].max(initial=0) for one in recalls])


def _mean(values):
    return values.sum() / max(len(values), 1)


def _reached(read):
    return _mean(read[read > 0])


average_precision = Check(
    right=_measured_precision,
    cases=lambda: [
        (np.array([1, 0, 1, 1, 0, 0]), 4),
        (np.array([0, 1, 1, 0, 1, 1, 0]), 8),
        (np.array([0, 0, 1, 0, 1]), 2),
        (np.array([1, 0, 1]), 3),
        (np.array([0, 1, 1, 0, 1]), 7),
        (np.array([0]), 1),
        (np.array([1, 1]), 201),  # just below a recall of 0.01
        (np.array([0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1]), 9),
    ],
    wrong={
        "You read the precision as it is. Make it fall first: at each recall, take the "
        "best that is still to come.": lambda hits, objects: np.mean(
            [
                np.append(_precision(hits), 0)[np.searchsorted(np.cumsum(hits) / objects, recall)]
                for recall in RECALLS
            ]
        ),
        "Your recall ends at 1, though some objects are never found. Divide by all objects.": (
            lambda hits, _: _read(_precision(hits), np.cumsum(hits) / max(hits.sum(), 1)).mean()
        ),
        "You divide by the number of boxes in the recall. It is a share of the objects.": (
            lambda hits, _: _read(_precision(hits), np.cumsum(hits) / len(hits)).mean()
        ),
        "You leave out the recalls that are never reached. They count, with 0.": (
            lambda hits, objects: _reached(_read(_precision(hits), np.cumsum(hits) / objects))
        ),
        "You read at 11 recalls, as in 2007. COCO reads at 101.": lambda hits, objects: _read(
            _precision(hits), np.cumsum(hits) / objects, np.linspace(0, 1, 11)
        ).mean(),
        "You average the precision over the boxes. Average it over the recalls.": (
            lambda hits, _: _precision(hits).mean()
        ),
        "You average the precision at the hits. That ignores objects that are never found.": (
            lambda hits, _: _mean(_precision(hits)[hits == 1])
        ),
    },
)
