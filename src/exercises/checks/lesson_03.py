"""Checks of the exercises of lesson 03. They work on NumPy arrays, without a framework."""

from coursekit import boxes, metrics
from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED
from exercises.checks.core import Check
from exercises.checks.lesson_01 import pairs

import numpy as np
import pandas as pd

# the share of solved pictures


def _solved(names, found_names, truth, found):
    table = pd.DataFrame({"name": names, "pred_name": found_names})
    table[SIDES], table[PREDICTED] = truth, found
    return metrics.outcomes(table)["accuracy_at_iou_50"].mean()


def _pictures():
    """Return pictures whose boxes have an IoU of 0.9, 0.5 or 0.14; then some with any IoU."""
    truth = np.array([[3, 1, 5, 3]] * 6, dtype=float)
    good, half, poor = [3, 1, 5, 2.8], [3, 1, 5, 2], [4, 2, 6, 4]
    names = np.array(["cat", "dog", "cat", "cow", "dog", "cat"])
    first = np.array(["cat", "cow", "cat", "cow", "dog", "dog"])
    second = np.array(["cat", "dog", "dog", "cow", "dog", "cat"])
    return [
        (names, first, truth, np.array([good, good, half, poor, good, poor])),
        (names, second, truth, np.array([good, good, good, half, half, poor])),
        # more boxes fit than names
        (names, names[::-1], truth, np.array([good, good, good, good, good, poor])),
        (names[:2], first[:2], truth[:2], np.array([good, good])),
        (names, names, *_mixed()),
        *(
            _with_iou(n / 100)
            for n in (2, 11, 19, 31, 39, 41, 49, 50.004, 51, 54, 59, 61, 69, 79, 89)
        ),
        _with_iou(0.99),
        # the found box around the true one, beyond it, and apart in both directions
        (names[:1], names[:1], np.array([[4.0, 4, 6, 6]]), np.array([[0.0, 0, 10, 10]])),
        (names[:1], names[:1], np.array([[0.0, 0, 8, 8]]), np.array([[2.0, 2, 11, 11]])),
        (names[:1], names[:1], np.array([[0.0, 0, 10, 10]]), np.array([[19.0, 19, 29, 29]])),
        (names[:1], names[:1], np.array([[2.54, 1, 4.54, 6]]), np.array([[3.53, 1, 4.54, 6]])),
        (names[:1], names[:1], np.array([[2.46, 1, 4.46, 6]]), np.array([[3.45, 1, 4.46, 6]])),
    ]


def _mixed():
    """Return different true boxes, and found ones that fit, or fit those of other pictures."""
    corners = np.array([[3.0, 1], [20, 8], [12, 30], [6, 16], [31, 24], [40, 2]])
    truth = np.hstack([corners, corners + np.array([5, 4])])
    return truth, truth[[3, 1, 2, 3, 0, 0]] + 0.1


def _with_iou(iou):
    """Return one picture with the right name, and a box of this IoU in each direction."""
    names, truth = np.array(["cow"] * 2), np.array([[2.0, 1, 4, 6]] * 2)
    return names, names, truth, np.array([[2, 1, 2 + 2 * iou, 6], [2, 6 - 5 * iou, 4, 6]])


def _parts(names, found_names, truth, found):
    return names == found_names, boxes.iou(truth, found)


def _judge(rule):
    return lambda *answers: rule(*_parts(*answers))


solved = Check(
    right=_solved,
    cases=_pictures,
    wrong={
        "You look at the boxes only. A good box with a wrong name solves nothing.": _judge(
            lambda _, iou: (iou > 0.5).mean()
        ),
        "You look at the names only. The box has to fit, too.": _judge(
            lambda right, _: right.mean()
        ),
        "You accept it when only one of the two is right, the name or the box.": _judge(
            lambda right, iou: (right | (iou > 0.5)).mean()
        ),
        "You multiply two shares. They do not say whether both were right on the same picture.": (
            _judge(lambda right, iou: right.mean() * (iou > 0.5).mean())
        ),
        "You count an IoU of exactly 0.5 as a hit. The course asks for more than that.": _judge(
            lambda right, iou: (right & (iou >= 0.5)).mean()
        ),
        "Your limit is below an IoU of 0.5.": _judge(
            lambda right, iou: (right & (iou > 0.3)).mean()
        ),
        "Your limit is above an IoU of 0.5.": _judge(
            lambda right, iou: (right & (iou > 0.7)).mean()
        ),
        "You count the pictures that are solved. Return their share.": _judge(
            lambda right, iou: (right & (iou > 0.5)).sum()
        ),
        "You ask whether all pictures are solved. Return which share of them is.": _judge(
            lambda right, iou: (right & (iou > 0.5)).all()
        ),
        "You divide by the pictures with the right name. All pictures count.": _judge(
            lambda right, iou: (iou[right] > 0.5).mean()
        ),
        "You compare each found box with all true boxes. Its own is the one in the same row.": (
            lambda names, found_names, truth, found: np.mean(
                (names == found_names) & (boxes.pairwise_iou(truth, found) > 0.5).any(axis=0)
            )
        ),
        "You average over all pairs of a true box and a found one. A picture has one pair, its "
        "row.": lambda names, found_names, truth, found: np.mean(
            (names == found_names) & (boxes.pairwise_iou(truth, found) > 0.5)
        ),
        "You compare each found box with the true box of the first picture.": (
            lambda names, found_names, truth, found: np.mean(
                (names == found_names) & (boxes.iou(truth[0], found) > 0.5)
            )
        ),
        "You average the IoU. Here each picture is solved or not, 1 or 0.": _judge(
            lambda right, iou: (right * iou).mean()
        ),
    },
)

# the number of weights of the spatial head's box


def _box_weights(side, channels, filters):
    layers = [(channels, filters), (1, filters), (side, side, filters, 4), (4,)]
    return sum(int(np.prod(shape)) for shape in layers)


box_weights = Check(
    right=_box_weights,
    cases=lambda: [(8, 1280, 4), (5, 32, 6), (14, 10, 3), (112, 3, 128)],
    wrong={
        "You forgot the biases. Each filter and each unit has one.": (
            lambda s, c, f: f * (c + 4 * s**2)
        ),
        "You count the convolution once for each cell. All cells share its weights.": (
            lambda s, c, f: s**2 * f * (c + 1) + 4 * s**2 * f + 4
        ),
        "You average over the cells before the last layer. This head keeps all of them.": (
            lambda _, c, f: f * (c + 5) + 4
        ),
        "Your last layer sees one row of cells only. How many cells does a square map have?": (
            lambda s, c, f: f * (c + 1 + 4 * s) + 4
        ),
        "Your last layer sees all channels of the backbone. What comes out of the convolution?": (
            lambda s, c, f: f * (c + 1) + 4 * s**2 * c + 4
        ),
    },
)

# the position that scores point to


def _softmax_at(places):
    return lambda scores: metrics.softmax(scores) @ places(len(scores))


def _centers(n):
    return np.linspace(0, 1, 2 * n + 1)[1::2]


soft_argmax = Check(
    right=lambda scores: np.average(_centers(len(scores)), weights=metrics.softmax(scores)),
    cases=lambda: [
        (np.array([0.0, 1.0, 3.0, 2.5, 0.5]),),
        (np.array([2.0, -1.0, 0.5, 0.3, 1.0, 0.2, 2.2]),),
        (np.array([0.4, 0.1]),),
        (np.array([80.0, 78.963, -30.0, 78.5]),),
        (np.array([-80.0, -81.0, -79.5]),),
    ],
    wrong={
        "You take the cell with the highest score. Then the others cannot pull, and the answer "
        "has no gradient.": lambda scores: _centers(len(scores))[scores.argmax()],
        "Your shares do not add up to 1.": lambda scores: np.exp(scores) @ _centers(len(scores)),
        "You divide the scores by their sum. A score may be negative, a share may not. Something "
        "is missing before that.": lambda scores: scores @ _centers(len(scores)) / scores.sum(),
        "You place each cell at its left edge.": _softmax_at(lambda n: np.arange(n) / n),
        "You place each cell at its right edge.": _softmax_at(lambda n: np.arange(1, n + 1) / n),
        "You place the first cell at 0 and the last one at 1. Those are their outer edges.": (
            _softmax_at(lambda n: np.linspace(0, 1, n))
        ),
        "You answer in cells. The whole line should run from 0 to 1.": _softmax_at(np.arange),
    },
)

# a mirrored map and its box


def _one_minus(box, *places):
    return np.array([1 - value if i in places else value for i, value in enumerate(box)])


mirror_map = Check(
    right=lambda maps, box: (np.flip(maps, axis=1), box * [-1, 1, 1, 1] + [1, 0, 0, 0]),
    cases=lambda: [
        (np.arange(24.0).reshape(3, 4, 2), np.array([0.3, 0.4, 0.2, 0.1])),
        (np.arange(-9.0, 9).reshape(3, 3, 2), np.array([0.75, 0.6, 0.3, 0.5])),
        (np.arange(8.0).reshape(2, 2, 2), np.array([0.25, 0.6, 0.4, 0.5])),
        (np.arange(8.0).reshape(2, 2, 2), np.array([0.99957, 0.00043, 0.00042, 0.00021])),
    ],
    wrong={
        "You mirror the map and leave the box where it was.": lambda maps, box: (
            maps[:, ::-1],
            box,
        ),
        "You mirror the box and leave the map as it was.": lambda maps, box: (
            maps,
            _one_minus(box, 0),
        ),
        "You turn the picture upside down: the first axis is the rows.": lambda maps, box: (
            maps[::-1],
            _one_minus(box, 1),
        ),
        "Your map is upside down, while the box changes sides. The first axis is the rows.": (
            lambda maps, box: (maps[::-1], _one_minus(box, 0))
        ),
        "You reverse the channels. They are the last axis, and have no place in the picture.": (
            lambda maps, box: (maps[..., ::-1], _one_minus(box, 0))
        ),
        "You treat the box as two corners. It is a center, a width and a height.": (
            lambda maps, box: (maps[:, ::-1], _one_minus(box, 0, 2)[[2, 1, 0, 3]])
        ),
        "You change the width as well. A mirror makes nothing wider.": lambda maps, box: (
            maps[:, ::-1],
            _one_minus(box, 0, 2),
        ),
        "You mirror in both directions. That is half a turn.": lambda maps, box: (
            maps[::-1, ::-1],
            _one_minus(box, 0, 1),
        ),
    },
)

# the generalized IoU


def _hull(a, b):
    return boxes.area(np.concatenate([np.minimum(a, b)[:2], np.maximum(a, b)[2:]]))


def _union(a, b):
    return (boxes.area(a) + boxes.area(b)) / (1 + boxes.iou(a, b))


def _generalized(a, b):
    return boxes.iou(a, b) + _union(a, b) / _hull(a, b) - 1


def _may_be_negative(a, b):
    width, height = np.minimum(a, b)[2:] - np.maximum(a, b)[:2]
    union = boxes.area(a) + boxes.area(b) - width * height
    return width * height / union + union / _hull(a, b) - 1


generalized_iou = Check(
    right=_generalized,
    cases=pairs,
    wrong={
        "You return the plain IoU. It is 0 for all boxes that do not touch, however far apart.": (
            boxes.iou
        ),
        "You return the loss. The generalized IoU itself is 1 for a perfect box.": lambda a, b: (
            1 - _generalized(a, b)
        ),
        "You add the penalty. Empty space in the hull should make the value smaller.": (
            lambda a, b: 2 * boxes.iou(a, b) - _generalized(a, b)
        ),
        "You divide the empty part by the union. Which share of the hull is empty?": lambda a, b: (
            boxes.iou(a, b) + 1 - _hull(a, b) / _union(a, b)
        ),
        "You divide the intersection by the hull. The IoU comes first, then the penalty.": (
            lambda a, b: boxes.iou(a, b) * _union(a, b) / _hull(a, b)
        ),
        "With you, boxes that do not touch still share something: two negative sides, or one, "
        "are multiplied.": _may_be_negative,
    },
)
