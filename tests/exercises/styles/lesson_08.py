"""Right answers to the exercises of lesson 08 in several styles, and what they may be given."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from inputs import decimals


@st.composite
def centers(draw):
    """Return a box whose center is in the picture, and on a line where no rounding can move it."""
    exact = draw(st.booleans())
    rows, columns = (
        draw(st.sampled_from([1, 2, 4, 8]) if exact else st.integers(1, 6)) for _ in "ab"
    )
    width, height = (
        draw(st.sampled_from([8, 16, 32]) if exact else st.integers(5, 40)) for _ in "ab"
    )
    center = [
        n if draw(st.booleans()) and draw(st.booleans()) else draw(decimals(0, n, 1))
        for n in (width, height)
    ]
    if exact:
        center = [math.floor(2 * n) / 2 for n in center]
    half = [draw(st.integers(1, 20)) / 2 for _ in "xy"]
    for n, side, place in zip((columns, rows), (width, height), center, strict=True):
        lines = place / side * n
        assume(exact or place == side or abs(lines - round(lines)) > 1e-6)
    box = np.array([*np.subtract(center, half), *np.add(center, half)])
    return box, (width, height), (rows, columns)


@st.composite
def maps(draw):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    return draw(arrays.arrays(float, shape, elements=decimals(0, 0.5, 1))), draw(
        decimals(0, 0.6, 1)
    )


@st.composite
def costs(draw):
    objects = draw(st.integers(1, 4))
    shape = draw(st.integers(objects, 5)), objects
    return (draw(arrays.arrays(float, shape, elements=decimals(-1, 1, 1))),)


@st.composite
def ranked_hits(draw):
    hits = draw(st.lists(st.integers(0, 1), max_size=9))
    return hits, draw(st.integers(max(sum(hits), 1), 11))


INPUTS = {
    "center_cell": centers(),
    "focal_cell": st.tuples(decimals(0.05, 0.95), st.one_of(decimals(0, 1, 1), st.just(1.0))),
    "find_peaks": maps(),
    "greedy_cost": costs(),
    "eleven_point_ap": ranked_hits(),
}


def center_cell_in_numpy(box, size, grid):
    center = (box[:2] + box[2:]) / 2
    row, column = (center / size * grid[::-1]).astype(int)[::-1]
    return np.clip([row, column], 0, np.array(grid) - 1)


def center_cell_in_python(box, size, grid):
    cells = []
    for axis, n in ((1, grid[0]), (0, grid[1])):
        middle = float(box[axis] + box[axis + 2]) * n
        cell = int(middle // (2 * size[axis]))
        cells.append(cell if cell < n else n - 1)
    return cells


def center_cell_in_lines(box, size, grid):
    (width, height), (rows, columns) = size, grid
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    down = np.linspace(0, height, rows + 1)[1:-1]
    along = np.linspace(0, width, columns + 1)[1:-1]
    return int((y >= down).sum()), int((x >= along).sum())


def focal_cell_in_numpy(p, target):
    here = (1 - p) ** 2 * np.log(p)
    empty = (1 - target) ** 4 * p**2 * np.log(1 - p)
    return -np.where(target == 1, here, empty)


def focal_cell_in_python(p, target):
    good, weight = (p, 1) if target == 1 else (1 - p, (1 - target) ** 4)
    return weight * (1 - good) ** 2 * math.log(1 / good)


def find_peaks_in_python(scores, limit):
    rows, columns = len(scores), len(scores[0])
    found = []
    for i, j in product(range(rows), range(columns)):
        higher = False
        for k, m in product((i - 1, i, i + 1), (j - 1, j, j + 1)):
            if 0 <= k < rows and 0 <= m < columns and scores[k][m] > scores[i][j]:
                higher = True
        if not higher and scores[i][j] >= limit:
            found.append((i, j))
    return found


def find_peaks_in_scipy(scores, limit):
    highest = ndimage.maximum_filter(scores, size=3, mode="nearest")
    return list(zip(*np.nonzero((scores == highest) & (scores >= limit)), strict=True))


def find_peaks_in_numpy(scores, limit):
    padded = np.pad(scores, 1, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    highest = windows.max(axis=(2, 3))
    return np.argwhere(scores >= np.maximum(highest, limit))


def greedy_cost_in_python(cost):
    pairs = sorted(
        (value, i, j) for i, row in enumerate(cost.tolist()) for j, value in enumerate(row)
    )
    answers, objects, total = set(), set(), 0
    for value, i, j in pairs:
        if i not in answers and j not in objects:
            answers.add(i)
            objects.add(j)
            total += value
    return total


def greedy_cost_in_numpy(cost):
    total = 0
    for _ in range(cost.shape[1]):
        i, j = divmod(int(cost.argmin()), cost.shape[1])
        total += cost[i, j]
        cost = np.delete(np.delete(cost, i, axis=0), j, axis=1)
    return total


def greedy_cost_in_masks(cost):
    left = np.ma.array(cost)
    total = 0
    for _ in cost.T:
        i, j = np.unravel_index(left.argmin(), left.shape)
        total += cost[i, j]
        left[i, :] = np.ma.masked
        left[:, j] = np.ma.masked
    return total


def eleven_point_ap_in_numpy(hits, n_objects):
    found = np.cumsum(hits)
    recall, precision = found / n_objects, found / (np.arange(len(hits)) + 1)
    best = np.zeros(11)
    for i, level in enumerate(np.arange(0, 1.1, 0.1)):
        reached = precision[recall >= level - 1e-9]
        best[i] = max(reached, default=0)
    return best.mean()


def eleven_point_ap_in_python(hits, n_objects):
    best, found = [0] * 11, 0
    for rank, hit in enumerate(hits, 1):
        found += hit
        for tenth in range(10 * found // n_objects + 1):
            best[tenth] = max(best[tenth], found / rank)
    return sum(best) / 11


def eleven_point_ap_in_fractions(hits, n_objects):
    total = Fraction(0)
    for tenth in range(11):
        shares = [Fraction(0)]
        for rank in range(1, len(hits) + 1):
            found = sum(hits[:rank])
            if Fraction(found, n_objects) >= Fraction(tenth, 10):
                shares.append(Fraction(found, rank))
        total += max(shares)
    return float(total / 11)


def eleven_point_ap_in_division(hits, n_objects):
    # k / n and i / 10 are rounded alike: where they are equal, so are the numbers
    found = np.cumsum(hits)
    falling = np.append(found / np.arange(1, len(hits) + 1), 0.0)
    falling = np.maximum.accumulate(falling[::-1])[::-1]
    return falling[np.searchsorted(found / n_objects, np.arange(11) / 10)].mean()
