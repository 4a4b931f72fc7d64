"""Right answers to the exercises of lesson 03 in several styles, and what they may be given."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special

from inputs import boxes, decimals, fractions


@st.composite
def pictures(draw):
    """Return names and boxes, true and predicted, of one picture or more; some IoUs are 0.5."""
    n = draw(st.integers(1, 6))
    names, found_names = (
        np.array(draw(st.lists(st.sampled_from(["cat", "dog"]), min_size=n, max_size=n)))
        for _ in range(2)
    )
    # Whole numbers, so that an IoU of exactly 0.5 is one in every style.
    truth = np.array([draw(boxes(decimals=0)) for _ in range(n)], dtype=float)
    found = truth.copy()
    for row in found:
        row[2] = row[0] + (row[2] - row[0]) * draw(st.sampled_from([0.2, 0.4, 0.5, 0.6, 0.8, 1]))
    return names, found_names, truth, found


@st.composite
def maps_with_boxes(draw):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)))
    numbers = draw(arrays.arrays(float, shape, elements=decimals(-5, 5)))
    return numbers, draw(arrays.arrays(float, 4, elements=fractions()))


INPUTS = {
    "solved": pictures(),
    "box_weights": st.tuples(*[st.integers(1, 20)] * 3),
    "soft_argmax": st.tuples(
        arrays.arrays(float, st.integers(1, 9), elements=decimals(-9, 9)),
    ),
    "mirror_map": maps_with_boxes(),
    "generalized_iou": st.tuples(boxes(), boxes()),
}


def solved_in_numpy(names, found_names, truth, found):
    low, high = np.maximum(truth[:, :2], found[:, :2]), np.minimum(truth[:, 2:], found[:, 2:])
    shared = (high - low).clip(0).prod(axis=1)
    first, second = ((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (truth, found))
    good = 2 * shared > first + second - shared
    return np.count_nonzero(good & (names == found_names)) / len(names)


def solved_in_python(names, found_names, truth, found):
    from coursekit import boxes

    count = 0
    for name, found_name, box, found_box in zip(names, found_names, truth, found, strict=True):
        if name == found_name and boxes.iou(box, found_box) > 0.5:
            count += 1
    return count / len(names)


def box_weights_in_python(side, channels, filters):
    weights = channels * filters + filters
    weights += side**2 * filters * 4
    return weights + 4


def box_weights_in_numpy(side, channels, filters):
    shapes = [(1, 1, channels, filters), (filters,), (side * side * filters, 4), (4,)]
    return np.sum([np.prod(shape) for shape in shapes])


def soft_argmax_in_scipy(scores):
    cells = len(scores)
    return special.softmax(scores) @ np.linspace(0.5 / cells, 1 - 0.5 / cells, cells)


def soft_argmax_in_python(scores):
    powers = [math.exp(score) for score in scores]
    total = 0
    for i, power in enumerate(powers):
        total += power * (2 * i + 1) / (2 * len(powers))
    return total / sum(powers)


def mirror_map_in_numpy(maps, box):
    mirrored = box.copy()
    mirrored[0] = 1 - mirrored[0]
    return np.fliplr(maps), mirrored


def mirror_map_in_python(maps, box):
    rows = [list(reversed(row)) for row in maps]
    return np.array(rows), [1 - box[0], *box[1:]]


def generalized_iou_in_numpy(a, b):
    both = np.stack([a, b])
    shared = (both[:, 2:].min(axis=0) - both[:, :2].max(axis=0)).clip(min=0).prod()
    hull = np.prod(both[:, 2:].max(axis=0) - both[:, :2].min(axis=0))
    union = (both[:, 2:] - both[:, :2]).prod(axis=1).sum() - shared
    return shared / union - 1 + union / hull


def generalized_iou_in_python(a, b):
    from coursekit import boxes

    iou = boxes.iou(a, b)
    union = (boxes.area(a) + boxes.area(b)) / (1 + iou)
    width = max(a[2], b[2]) - min(a[0], b[0])
    height = max(a[3], b[3]) - min(a[1], b[1])
    hull = width * height
    return iou - (hull - union) / hull
