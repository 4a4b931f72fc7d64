"""Right answers to the exercises of lesson 01 in several styles, and what they may be given."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special

from inputs import boxes, fractions


@st.composite
def boxes_in_pictures(draw):
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    x = sorted(draw(st.tuples(*[st.integers(0, width)] * 2)))
    y = sorted(draw(st.tuples(*[st.integers(0, height)] * 2)))
    return np.array([x[0], y[0], x[1], y[1]]), width, height


@st.composite
def targets_and_outputs(draw):
    shape = draw(st.sampled_from([(1,), (4,), (1, 4), (3, 4)]))
    return tuple(draw(arrays.arrays(float, shape, elements=fractions(0.05))) for _ in range(2))


INPUTS = {
    "area": st.tuples(boxes(least=0, decimals=0)),
    "paint": boxes_in_pictures(),
    "iou": st.tuples(boxes(), boxes()),
    "decode": st.tuples(arrays.arrays(float, 4, elements=fractions(0.05)), st.integers(8, 512)),
    "above_floor": targets_and_outputs(),
}


def area_in_numpy(box):
    return np.prod(np.diff(np.reshape(box, (2, 2)), axis=0))


def area_in_python(box):
    xmin, ymin, xmax, ymax = box
    return (xmax - xmin) * (ymax - ymin)


def paint_in_numpy(box, width, height):
    x, y = np.arange(width), np.arange(height)
    across = (box[0] <= x) & (x < box[2])
    down = (box[1] <= y) & (y < box[3])
    return np.outer(down, across).astype(np.uint8)


def paint_in_python(box, width, height):
    picture = []
    for y in range(height):
        row = []
        for x in range(width):
            inside = box[0] <= x < box[2] and box[1] <= y < box[3]
            row.append(1 if inside else 0)
        picture.append(row)
    return np.array(picture)


def iou_in_numpy(a, b):
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    shared = sides.prod()
    union = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared
    return shared / union


def iou_in_python(a, b):
    if a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]:
        return 0.0
    shared = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    first = (a[2] - a[0]) * (a[3] - a[1])
    second = (b[2] - b[0]) * (b[3] - b[1])
    return float(shared) / float(first + second - shared)


def decode_in_scipy(output, size):
    top, left, height, width = (special.logit(output) + 1) * size / 2
    return [left, top, left + width, top + height]


def decode_in_python(output, size):
    half = size / 2
    numbers = [half * math.log(p / (1 - p)) + half for p in output]
    top, left = numbers[:2]
    bottom, right = top + numbers[2], left + numbers[3]
    return left, top, right, bottom


def above_floor_in_scipy(target, output):
    divergence = special.rel_entr(target, output) + special.rel_entr(1 - target, 1 - output)
    return divergence.mean()


def above_floor_in_python(target, output):
    total = 0
    for t, p in zip(np.ravel(target), np.ravel(output), strict=True):
        loss = -t * math.log(p) - (1 - t) * math.log(1 - p)
        floor = -t * math.log(t) - (1 - t) * math.log(1 - t)
        total += loss - floor
    return total / np.size(target)
