"""Right answers to the exercises of lesson 05 in several styles, and what they may be given."""

import math
import statistics
from bisect import bisect_left

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse, special, stats

from inputs import decimals


def numbers(shape, low=0.0, high=1.0):
    return arrays.arrays(float, shape, elements=decimals(low, high))


def whole(shape, low, high):
    return arrays.arrays(int, shape, elements=st.integers(low, high))


@st.composite
def named_pictures(draw):
    n, classes = draw(st.integers(0, 12)), draw(st.integers(1, 4))
    return draw(whole(n, 0, classes - 1)), draw(whole(n, 0, classes - 1)), classes


@st.composite
def two_models(draw):
    n, *shape = (draw(st.integers(1, most)) for most in (6, 5, 6))
    return draw(numbers(n)), draw(numbers(n)), draw(whole(tuple(shape), 0, n - 1))


@st.composite
def confident(draw):
    """Return confidences that are on no edge of a bin, and what was right."""
    n = draw(st.integers(1, 20))
    hundredths = whole(n, 0, 99).filter(lambda values: (values % 10).all())
    return draw(hundredths) / 100, draw(whole(n, 0, 1))


@st.composite
def ranked_hits(draw):
    hits = draw(whole(draw(st.integers(1, 9)), 0, 1))
    # No share of found objects lies on one of the 101 recalls, but for 0 and 1.
    return hits, draw(st.sampled_from([n for n in (3, 7, 9, 11, 13) if n >= hits.sum()]))


def twice(levels):
    """Return each number two times, but the lowest and the highest one."""
    levels = np.sort(levels)
    return np.array([*levels[1:], *levels[:-1]])


INPUTS = {
    # The 2.5 % lie between two equal numbers, so all definitions of a percentile give the same.
    "middle_95": st.tuples(numbers(st.sampled_from([41, 81])).map(twice)),
    "with_temperature": st.tuples(
        numbers(st.tuples(st.integers(1, 4), st.integers(1, 4)), -5, 5), decimals(0.3, 4, 1)
    ),
    "confusion_matrix": named_pictures(),
    "paired_means": two_models(),
    "calibration": confident(),
    "average_precision": ranked_hits(),
}


def middle_95_in_scipy(means):
    return stats.scoreatpercentile(means, 2.5), stats.scoreatpercentile(means, 97.5)


def middle_95_in_statistics(means):
    cuts = statistics.quantiles(means.tolist(), n=40)
    return cuts[0], cuts[-1]


def middle_95_in_numpy(means):
    return np.quantile(means, [0.025, 0.975], method="median_unbiased")


def middle_95_in_python(means):
    ordered = sorted(means)
    return [ordered[int(0.025 * len(means))], ordered[int(0.975 * len(means))]]


def middle_95_in_counts(means):
    """Return the smallest means that enough others do not exceed."""
    least = [sum(means <= mean) / len(means) for mean in means]
    return [min(m for m, n in zip(means, least, strict=True) if n >= s) for s in (0.025, 0.975)]


def with_temperature_in_scipy(logits, temperature):
    return special.softmax(logits / temperature, axis=1)


def with_temperature_in_python(logits, temperature):
    rows = []
    for row in logits:
        powers = [math.exp(logit / temperature) for logit in row]
        rows.append([power / sum(powers) for power in powers])
    return rows


def confusion_matrix_in_numpy(truth, named, n):
    return np.bincount(n * truth + named, minlength=n * n).reshape(n, n)


def confusion_matrix_in_scipy(truth, named, n):
    ones = np.ones(len(truth), int)
    return sparse.coo_array((ones, (truth, named)), shape=(n, n)).toarray()


def paired_means_in_numpy(first, second, rows):
    return first[rows].mean(axis=1) - second[rows].mean(axis=1)


def paired_means_in_python(first, second, rows):
    means = []
    for row in rows:
        total = 0.0
        for i in row:
            total += first[i] - second[i]
        means.append(total / len(row))
    return means


def calibration_in_numpy(confidence, right):
    edges = np.linspace(0, 1, 11)
    place = np.digitize(confidence, edges)
    error = 0
    for i in range(1, 11):
        inside = place == i
        if inside.any():
            error += abs((right[inside] - confidence[inside]).sum())
    return error / len(right)


def calibration_in_python(confidence, right):
    bins = [[] for _ in range(10)]
    for sure, hit in zip(confidence, right, strict=True):
        bins[int(sure * 10)].append(hit - sure)
    return sum(abs(math.fsum(gaps)) for gaps in bins) / len(confidence)


def average_precision_in_numpy(hits, objects):
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    falling = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
    first = np.searchsorted(found / objects, np.linspace(0, 1, 101))
    return falling[first].mean()


def average_precision_in_python(hits, objects):
    recall, precision, found = [], [], 0
    for rank, hit in enumerate(hits, 1):
        found += hit
        recall.append(found / objects)
        precision.append(found / rank)
    total = 0
    for percent in range(101):
        first = bisect_left(recall, percent / 100)
        total += max(precision[first:], default=0)
    return total / 101


def average_precision_in_pandas(hits, objects):
    table = pd.DataFrame({"found": np.cumsum(hits)})
    table["precision"] = table["found"] / (table.index + 1)
    best = table["precision"][::-1].cummax()[::-1]
    recalls = np.linspace(0, 1, 101)
    read = [best[table["found"] / objects >= recall].max() for recall in recalls]
    return np.nan_to_num(read).mean()
