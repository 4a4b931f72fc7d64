"""Checks of the exercises of lesson 01: boxes, their overlap, and what a loss can reach."""

from coursekit import boxes
from exercises.checks.core import Check

import numpy as np

LONGER = np.array([0, 0, 1, 1])  # what counting the last pixel adds to a box
INSIDE = np.array([1, 1, -1, -1])  # what takes a frame of one pixel off a box


def pairs() -> list[tuple]:
    """Return pairs of boxes: overlapping, inside, apart in one direction and in two; then any."""
    known = [
        ([0, 0, 10, 10], [4, 2, 12, 22]),
        ([10, 20, 50, 40], [20, 24, 30, 36]),
        ([0, 0, 10, 10], [30, 2, 40, 8]),
        ([0, 5, 20, 15], [40, 35, 50, 40]),
        ([0, 0, 10, 10], [12, 13, 22, 23]),  # the gap is smaller than the boxes
        ([3, 5, 8, 14], [3, 5, 8, 14]),
        ([30, 2, 40, 8], [0, 0, 10, 10]),
        ([0, 0, 10, 10], [2, 30, 8, 40]),
        ([2, 30, 8, 40], [0, 0, 10, 10]),
        ([0, 0, 10, 10], [0, 10, 10, 14]),
        ([0, 0, 10, 50], [30, 2, 40, 8]),
        ([30, 2, 40, 8], [0, 0, 10, 50]),
        ([0.55, 1.25, 7.75, 6.62], [3.25, 2.62, 9.5, 8.75]),
        ([3.25, 2.62, 9.5, 8.75], [0.55, 1.25, 7.75, 6.62]),
        ([0, 0, 10, 10], [20.5, 0, 30.9, 10]),  # whole numbers, and decimals
        ([10, 60, 30, 90], [12, 50, 34, 95]),  # far from the diagonal, on both sides of it
        ([60, 10, 90, 30], [50, 12, 95, 34]),
        ([12, 50, 34, 95], [10, 60, 30, 90]),
        ([50, 12, 95, 34], [60, 10, 90, 30]),
        ([0, 0, 40, 10], [2, 20, 43, 31]),  # apart in one direction, and long in the other
        ([0, 0, 10, 40], [20, 2, 31, 43]),
        ([2, 20, 43, 31], [0, 0, 40, 10]),
        ([20, 2, 31, 43], [0, 0, 10, 40]),
    ]
    corners = np.random.default_rng(1).integers([0, 0, 12, 14], [12, 14, 30, 40], size=(9, 2, 4))
    return [(np.array(a), np.array(b)) for a, b in (*known, *corners)]


def _believed_iou(
    inclusive: int = 0,
    denominator: str = "union",
    clipped: str = "sides",
    order: tuple = (0, 1, 2, 3),
    heights: bool = False,
):
    """Return an IoU with one of its parts misunderstood."""

    def believed(a: np.ndarray, b: np.ndarray) -> float:
        a, b = (np.asarray(box)[list(order)] for box in (a, b))
        if heights:
            a, b = boxes.xywh_to_xyxy(a), boxes.xywh_to_xyxy(b)
        sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) + inclusive
        first, second = (np.prod(box[2:] - box[:2] + inclusive) for box in (a, b))
        common = np.prod(np.maximum(sides, 0) if clipped == "sides" else sides)
        common = max(common, 0) if clipped == "area" else common
        below = {"union": first + second - common, "sum": first + second, "first": first}
        believed = common / below[denominator]
        return max(believed, 0) if clipped == "result" else believed

    return believed


iou = Check(
    right=boxes.iou,
    without={
        "boxes.iou": "coursekit.boxes.iou",
        "boxes.pairwise_iou": "coursekit.boxes.pairwise_iou",
    },
    cases=pairs,
    wrong={
        "You divided by the sum of both areas. That counts what the boxes share twice.": (
            _believed_iou(denominator="sum")
        ),
        "You divided by the area of the first box only. Then the order of the boxes matters.": (
            _believed_iou(denominator="first")
        ),
        "Your boxes have a width of xmax and a height of ymax. But these are positions, not "
        "lengths.": _believed_iou(heights=True),
        "Your x and y are swapped in part: you read xmin, xmax, ymin, ymax. But both minima "
        "come first.": _believed_iou(order=(0, 2, 1, 3)),
        "Your IoU is right for boxes that touch, but you ignore those that do not. They share no "
        "area, neither a negative nor a positive one.": _believed_iou(clipped="nothing"),
        "You look for a negative area. But two negative sides have a positive product, so boxes "
        "that are apart in x and in y seem to overlap.": _believed_iou(clipped="area"),
        "You only look for a negative IoU. But two negative sides have a positive product, so "
        "boxes that are a little apart in x and in y seem to overlap.": _believed_iou(
            clipped="result"
        ),
        "You counted the last pixel as part of the box, with a `+ 1`. Our boxes are half-open.": (
            _believed_iou(inclusive=1)
        ),
    },
)

area = Check(
    right=lambda box: boxes.area(box),
    without={"boxes.area": "coursekit.boxes.area"},
    cases=lambda: [
        (np.array(box),)
        for box in ([10, 20, 50, 40], [0, 3, 7, 5], [4, 9, 4, 30], [120, 30, 431, 275])
    ],
    wrong={
        "You took xmax for the width and ymax for the height. They say where the box ends, not "
        "how long it is.": lambda box: box[2] * box[3],
        "You read the numbers as xmin, xmax, ymin, ymax. But both minima come first.": (
            lambda box: (box[1] - box[0]) * (box[3] - box[2])
        ),
        "You counted the last pixel as part of the box, with a `+ 1`. Our boxes are half-open.": (
            lambda box: (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
        ),
        "You added the sides. That is half the way around the box, not what is inside.": (
            lambda box: box[2] - box[0] + box[3] - box[1]
        ),
    },
)


def _painted(box: np.ndarray, width: int, height: int) -> np.ndarray:
    rows, columns = np.indices((height, width))
    across = (columns >= box[0]) & (columns < box[2])
    return np.float64(across & (rows >= box[1]) & (rows < box[3]))


paint = Check(
    right=_painted,
    cases=lambda: [
        (np.array([1, 2, 5, 4]), 9, 8),
        (np.array([0, 1, 2, 3]), 6, 9),
        (np.array([2, 2, 2, 6]), 8, 8),
        (np.array([1, 1, 7, 6]), 9, 8),
        (np.array([1, 0, 3, 1]), 4, 2),
        (np.array([2, 1, 5, 7]), 5, 7),  # to the right and the lower edge
        (np.array([2, 3, 5, 3]), 6, 6),
        (np.array([0, 1, 2, 9]), 4, 10),
    ],
    wrong={
        "You drew the outline only. The inside belongs to the box, too.": (
            lambda box, width, height: (
                _painted(box, width, height) - _painted(box + INSIDE, width, height)
            )
        ),
        "Your x and y are swapped: the first index of a picture counts its rows.": (
            lambda box, width, height: _painted(box[[1, 0, 3, 2]], width, height)
        ),
        "Your picture is on its side: its shape begins with the number of rows.": (
            lambda box, width, height: _painted(box, width, height).T
        ),
        "You painted the row ymax and the column xmax, too. A half-open box ends before them.": (
            lambda box, width, height: _painted(box + LONGER, width, height)
        ),
        "Your rectangle has a width of xmax and a height of ymax. They are positions, not "
        "lengths.": lambda box, width, height: _painted(boxes.xywh_to_xyxy(box), width, height),
        "You painted the ground and left the rectangle out.": (
            lambda box, width, height: 1 - _painted(box, width, height)
        ),
    },
)


def _decoded(output: np.ndarray, size: float, middle: float = 1) -> np.ndarray:
    """Return top, left, height, width; the inverse of the sigmoid as a hyperbolic tangent's."""
    return size / 2 * (middle + 2 * np.arctanh(2 * np.asarray(output) - 1))


def _corners(output: np.ndarray) -> np.ndarray:
    return boxes.xywh_to_xyxy(output[[1, 0, 3, 2]])


decode = Check(
    right=lambda output, size: _corners(_decoded(output, size)),
    cases=lambda: [
        (np.array([0.31, 0.42, 0.35, 0.29]), 224),
        (np.array([0.5, 0.3, 0.33, 0.45]), 97),
        (np.array([0.2, 0.1, 0.5, 0.5]), 100),  # begins outside of the picture
        (np.array([0.6, 0.5, 0.4, 0.7]), 100),  # ends outside of it
        (np.array([0.00042, 0.99957, 0.73, 0.9996]), 100),  # near 0 and 1
    ],
    wrong={
        "Your x and y are swapped: the first output is the top, which is a y.": (
            lambda output, size: boxes.xywh_to_xyxy(_decoded(output, size))
        ),
        "Your last two numbers are a width and a height. A box ends with the position of its "
        "lower right corner.": lambda output, size: _decoded(output, size)[[1, 0, 3, 2]],
        "You took the whole side of the picture. The source takes half of it.": (
            lambda output, size: _corners(_decoded(output, 2 * size))
        ),
        "You multiplied by 112. That is right only for pictures of one size.": (
            lambda output, _: _corners(_decoded(output, 224))
        ),
        "You undid the sigmoid, but your 0 is still in the middle of the picture.": (
            lambda output, size: _corners(_decoded(output, size, middle=0))
        ),
        "You undid the scaling, but not the sigmoid.": (
            lambda output, size: _corners(size / 2 * (np.asarray(output) + 1))
        ),
        "You cut the box off at the border of the picture. Return what the outputs say.": (
            lambda output, size: np.clip(_corners(_decoded(output, size)), 0, size)
        ),
        "You cut the four numbers off at the border, as `from_sigmoid` does. Return what the "
        "outputs say.": lambda output, size: _corners(np.clip(_decoded(output, size), 0, size)),
        "You cut the box off at 0. Return what the outputs say.": (
            lambda output, size: np.maximum(_corners(_decoded(output, size)), 0)
        ),
        "You cut the box off at the right and the lower border. Return what the outputs say.": (
            lambda output, size: np.minimum(_corners(_decoded(output, size)), size)
        ),
        "You dropped the sign of the box. It may begin outside of the picture.": (
            lambda output, size: abs(_corners(_decoded(output, size)))
        ),
        "You took the outputs for fractions of the picture. First came a sigmoid.": (
            lambda output, size: _corners(size * np.asarray(output))
        ),
    },
)


def _cross_entropy(target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return the loss of each output, from its logit."""
    logit = 2 * np.arctanh(2 * output - 1)
    return np.logaddexp(0, logit) - target * logit


def _divergence(target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return the Kullback-Leibler divergence of one coin from another."""
    heads = target * np.log(target / output)
    return heads + (1 - target) * np.log((1 - target) / (1 - output))


above_floor = Check(
    right=lambda target, output: _divergence(target, output).mean(),
    close=2e-5,  # as much as an epsilon of 1e-7 makes, which frameworks add before a logarithm
    cases=lambda: [
        (np.array([0.31, 0.42, 0.35, 0.29]), np.array([0.4, 0.4, 0.3, 0.6])),
        (np.array([0.5, 0.3]), np.array([0.5, 0.3])),
        (np.array([0.7, 0.2, 0.45]), np.array([0.5, 0.1, 0.9])),
        (np.array([[0.4, 0.6]]), np.array([[0.3, 0.3]])),
        (np.array([[0.2, 0.5], [0.6, 0.9]]), np.array([[0.3, 0.4], [0.6, 0.7]])),
        (np.array([0.99907, 0.2, 0.00093]), np.array([0.00092, 0.99908, 0.4])),  # near 0 and 1
    ],
    wrong={
        "Your loss still includes its floor: a perfect output does not give 0.": (
            lambda target, output: _cross_entropy(target, output).mean()
        ),
        "You subtracted the entropy of the output. But the floor is there whatever the network "
        "says.": lambda target, output: (
            _cross_entropy(target, output) - _cross_entropy(output, output)
        ).mean(),
        "You swapped target and output. The logarithm belongs to what the network says.": (
            lambda target, output: _divergence(output, target).mean()
        ),
        "You subtracted ln 2. That is the floor of a target of 0.5; others are lower.": (
            lambda target, output: _cross_entropy(target, output).mean() - np.log(2)
        ),
        "You average over the last axis only. The loss is one number, over all of them.": (
            lambda target, output: _divergence(target, output).mean(axis=-1)
        ),
        "You added the numbers up. A loss is their mean, or it depends on how many there are.": (
            lambda target, output: _divergence(target, output).sum()
        ),
    },
)
