"""Right answers to the exercises of lesson 07 in several styles, and what they may be given."""

import math
from collections import Counter

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inputs import decimals


@st.composite
def keypoints(draw):
    joint = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2))
    return ([number for one in draw(st.lists(joint, max_size=8)) for number in one],)


@st.composite
def heat_maps(draw):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    heat = draw(arrays.arrays(float, shape, elements=decimals(0.1, 5)))
    return (heat / heat.sum(),)


def places(shape):
    return arrays.arrays(float, shape, elements=decimals(0, 90, 1))


def flags_of(shape):
    return arrays.arrays(int, shape, elements=st.integers(0, 2))


@st.composite
def poses(draw):
    """Return figures, at least one of which has a head of a known size."""
    n, joints = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    neck, top = draw(st.permutations(range(joints)))[:2]
    true, off = draw(places((n, joints, 2))), draw(places((n, joints, 2)))
    flags = draw(flags_of((n, joints)))
    flags[0, [neck, top]] = draw(st.integers(1, 2))
    # With this factor, no joint is just half a head away.
    return true + 0.3317 * off, true, flags, neck, top


@st.composite
def figures(draw):
    joints = 5
    partner = np.array(draw(st.sampled_from([[3, 4, 2, 0, 1], [1, 0, 3, 2, 4]])))
    true, points = draw(places((joints, 2))), draw(places((joints, 2)))
    flags = draw(flags_of(joints))
    # Both ways are just as far only where no joint is known: else rounding would decide.
    off, exchanged = (
        np.linalg.norm(one - true, axis=-1)[flags > 0].sum() for one in (points, points[partner])
    )
    assume(not flags.any() or abs(off - exchanged) > 1e-6)
    return points, true, flags, partner


INPUTS = {
    "count_flags": keypoints(),
    "average_place": heat_maps(),
    "allowed": st.tuples(decimals(0.05, 0.95), decimals(1, 9000, 0), decimals(0.02, 0.2)),
    "pckh": poses(),
    "untangle": figures(),
}


def count_flags_in_python(keypoints):
    counts = Counter(keypoints[i] for i in range(2, len(keypoints), 3))
    return [counts[0], counts[1], counts[2]]


def count_flags_in_numpy(keypoints):
    flags = np.array(keypoints, int).reshape(-1, 3)[:, 2]
    return np.bincount(flags, minlength=3)


def average_place_in_numpy(heat):
    y, x = np.indices(heat.shape)
    rows, columns = heat.shape
    return ((x + 0.5) / columns * heat).sum(), ((y + 0.5) / rows * heat).sum()


def average_place_in_python(heat):
    rows, columns = len(heat), len(heat[0])
    x = y = 0.0
    for i in range(rows):
        for j in range(columns):
            x += heat[i][j] * (2 * j + 1) / (2 * columns)
            y += heat[i][j] * (2 * i + 1) / (2 * rows)
    return [x, y]


def allowed_in_python(value, area, sigma):
    size = math.sqrt(area)
    return 2 * sigma * size * math.sqrt(2 * math.log(1 / value))


def allowed_in_numpy(value, area, sigma):
    squared = -8 * area * np.square(sigma) * np.log(value)
    return squared**0.5


def pckh_in_numpy(points, true, flags, neck, top):
    known = flags > 0
    figures = known[:, neck] & known[:, top]
    points, true, known = points[figures], true[figures], known[figures]
    head = np.hypot(*np.moveaxis(true[:, neck] - true[:, top], -1, 0))
    off = np.hypot(*np.moveaxis(points - true, -1, 0))
    return np.average(2 * off <= head[:, None], weights=known)


def pckh_in_python(points, true, flags, neck, top):
    near = known = 0
    for predicted, joints, flag in zip(points, true, flags, strict=True):
        if not flag[neck] or not flag[top]:
            continue
        head = math.dist(joints[neck], joints[top])
        for place, right, seen in zip(predicted, joints, flag, strict=True):
            if seen:
                known += 1
                near += math.dist(place, right) <= head / 2
    return near / known


def untangle_in_numpy(points, true, flags, partner):
    both = np.stack([points, points[partner]])
    off = np.linalg.norm(both - true, axis=-1)
    sums = (off * (flags > 0)).sum(axis=-1)
    return both[1] if sums[1] < sums[0] else both[0]


def untangle_in_python(points, true, flags, partner):
    kept, exchanged = [], []
    for i, flag in enumerate(flags):
        if flag > 0:
            kept.append(math.dist(points[i], true[i]))
            exchanged.append(math.dist(points[partner[i]], true[i]))
    if math.fsum(exchanged) < math.fsum(kept):
        return [points[j] for j in partner]
    return points
