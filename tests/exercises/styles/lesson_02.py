"""Right answers to the exercises of lesson 02 in several styles, and what they may be given."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inputs import boxes, fractions, sizes


@st.composite
def voc_boxes(draw, decimals=1):
    """Return a box as VOC writes it: one-based, the last pixel included; 2012 has decimals."""
    xmin, ymin, xmax, ymax = draw(boxes(least=0, decimals=decimals))
    return np.array([xmin + 1, ymin + 1, xmax + 1, ymax + 1])


@st.composite
def pictures_with_boxes(draw):
    shape = draw(st.sampled_from([(1, 1), (4, 7), (6, 5, 3), (8, 8, 1)]))
    height, width = shape[:2]
    x = sorted(draw(st.tuples(*[st.integers(0, width)] * 2)))
    y = sorted(draw(st.tuples(*[st.integers(0, height)] * 2)))
    picture = draw(arrays.arrays(int, shape, elements=st.integers(0, 255)))
    return picture, np.array([x[0], y[0], x[1], y[1]])


@st.composite
def boxes_and_windows(draw):
    """Return two boxes that overlap."""
    box, window = [0.0] * 4, [0.0] * 4
    for low, high in ((0, 2), (1, 3)):
        numbers = st.lists(st.integers(0, 400), min_size=4, max_size=4, unique=True)
        a, b, c, d = sorted(draw(numbers))
        first, second = draw(
            st.sampled_from(
                [((a, c), (b, d)), ((b, d), (a, c)), ((a, d), (b, c)), ((b, c), (a, d))]
            )
        )
        (box[low], box[high]), (window[low], window[high]) = first, second
    return np.array(box) / 4, np.array(window) / 4


INPUTS = {
    "voc_to_half_open": st.tuples(voc_boxes()),
    "resize_box": st.tuples(boxes(), sizes(), sizes()),
    "from_source_001": st.tuples(arrays.arrays(float, 4, elements=fractions()), sizes()),
    "flip_vertically": pictures_with_boxes(),
    "crop_box": boxes_and_windows(),
    "flip_voc": st.tuples(voc_boxes(), st.integers(101, 500)),
    "hold_out": st.tuples(
        st.lists(st.sampled_from(["cat", "cow", "dog"]), min_size=1, max_size=40).map(np.array)
    ),
}


def voc_to_half_open_in_numpy(box):
    moved = box.copy()
    moved[:2] -= 1
    return moved


def voc_to_half_open_in_python(box):
    xmin, ymin, xmax, ymax = box
    return [xmin - 1, ymin - 1, xmax, ymax]


def resize_box_in_numpy(box, size, new_size):
    return box * np.tile(np.divide(new_size, size), 2)


def resize_box_in_python(box, size, new_size):
    return tuple(box[i] * new_size[i % 2] / size[i % 2] for i in range(4))


def from_source_001_in_numpy(numbers, size):
    return numbers[[0, 2, 1, 3]] * np.array([*size, *size])


def from_source_001_in_python(numbers, size):
    box = []
    for place, side in ((0, size[0]), (2, size[1]), (1, size[0]), (3, size[1])):
        box.append(numbers[place] * side)
    return box


def flip_vertically_in_numpy(image, box):
    flipped = box.copy()
    flipped[[1, 3]] = image.shape[0] - box[[3, 1]]
    return np.flip(image, axis=0), flipped


def flip_vertically_in_python(image, box):
    rows = list(image)
    rows.reverse()
    xmin, ymin, xmax, ymax = box
    return np.array(rows), (xmin, len(rows) - ymax, xmax, len(rows) - ymin)


def crop_box_in_numpy(box, window):
    low, high = window[:2], window[2:]
    cut = np.concatenate([np.clip(box[:2], low, high), np.clip(box[2:], low, high)])
    share = np.prod(cut[2:] - cut[:2]) / np.prod(box[2:] - box[:2])
    return cut - np.tile(low, 2), share


def crop_box_in_python(box, window):
    width, height = window[2] - window[0], window[3] - window[1]
    xmin = max(box[0] - window[0], 0)
    ymin = max(box[1] - window[1], 0)
    xmax = min(box[2] - window[0], width)
    ymax = min(box[3] - window[1], height)
    whole = (box[2] - box[0]) * (box[3] - box[1])
    return [xmin, ymin, xmax, ymax], (xmax - xmin) * (ymax - ymin) / whole


def flip_voc_in_numpy(box, width):
    flipped = box.copy()
    flipped[[0, 2]] = 1 + width - box[[2, 0]]
    return flipped


def flip_voc_in_python(box, width):
    xmin, ymin, xmax, ymax = box
    return width - xmax + 1, ymin, width - xmin + 1, ymax


def hold_out_in_pandas(names):
    return pd.Series(names).groupby(names).cumcount() % 4 == 3


def hold_out_in_numpy(names):
    held_out = np.zeros(len(names), dtype=bool)
    for name in np.unique(names):
        places = np.flatnonzero(names == name)
        held_out[places[3::4]] = True
    return held_out
