"""Checks of the exercises of lesson 02: formats of boxes, boxes that move, and a fair split."""

from collections.abc import Callable

from coursekit import boxes
from exercises.checks.core import Check
from minivoc import CLASSES

import numpy as np

LONGER = np.array([0, 0, 1, 1])  # what counting the last pixel adds to a box


def _boxes() -> list[np.ndarray]:
    whole = [12, 31, 80, 55], [1, 1, 100, 60], [40, 7, 41, 50], [640, 101, 1024, 768]
    return [np.array(box) for box in (*whole, [8.257, 1.75, 9.503, 44.25])]


voc_to_half_open = Check(
    right=lambda box: boxes.voc_to_xyxy(box),
    without={"boxes.voc_to_xyxy": "coursekit.boxes.voc_to_xyxy"},
    cases=lambda: [(box,) for box in _boxes()],
    wrong={
        "You subtracted one from all four sides. You counted from zero, and forgot that VOC's "
        "last pixel belongs to the box.": lambda box: box - 1,
        "You subtracted one from the ends of the box. Think of a box of one pixel, the first.": (
            lambda box: box - LONGER
        ),
        "You made the box longer at its end, and left its start. But VOC's first pixel is not "
        "ours.": lambda box: box + LONGER,
        "You moved the start the right way, but you made the box longer at its end, too.": (
            lambda box: boxes.voc_to_xyxy(box) + LONGER
        ),
        "You cut off the decimals. VOC 2012 has some.": lambda box: np.trunc(
            boxes.voc_to_xyxy(box)
        ),
        "You added one. That is the way back: from our boxes to VOC's.": (
            lambda box: boxes.xyxy_to_voc(box)
        ),
        "You changed nothing. VOC counts from one, and our boxes count from zero.": lambda box: box,
    },
)


def _turned(box: np.ndarray, height: float) -> np.ndarray:
    """Return a box upside down: its center moves, its size stays."""
    center = boxes.xyxy_to_cxcywh(box)
    return boxes.cxcywh_to_xyxy(center * [1, -1, 1, 1] + [0, height, 0, 0])


def _pictures() -> list[tuple]:
    rng = np.random.default_rng(0)
    return [
        (rng.integers(0, 255, (6, 9)), np.array([1, 0, 4, 2])),
        (rng.integers(0, 255, (8, 5, 3)), np.array([0, 3, 2, 7])),
        (np.arange(8).reshape(4, 2), np.array([0, 0, 1, 3])),
        (np.arange(8).reshape(4, 2), np.array([0.25, 0.75, 1.25, 3.27])),
    ]


flip_vertically = Check(
    right=lambda image, box: (np.flipud(image), _turned(box, len(image))),
    cases=_pictures,
    wrong={
        "You flipped the picture, and your box stayed behind.": (
            lambda image, box: (np.flipud(image), box)
        ),
        "You moved the box, and your picture stayed behind.": (
            lambda image, box: (image, _turned(box, len(image)))
        ),
        "Your ymin is larger than your ymax. After a flip the lower edge is the upper one.": (
            lambda image, box: (np.flipud(image), _turned(box, len(image))[[0, 3, 2, 1]])
        ),
        "You flipped left to right. The first index of a picture counts its rows.": (
            lambda image, box: (
                np.fliplr(image),
                _turned(box[[1, 0, 3, 2]], image.shape[1])[[1, 0, 3, 2]],
            )
        ),
        "You flipped the picture top to bottom, but your box left to right.": (
            lambda image, box: (
                np.flipud(image),
                _turned(box[[1, 0, 3, 2]], image.shape[1])[[1, 0, 3, 2]],
            )
        ),
        "Your box is one pixel too high. You mirrored pixels, but the sides of a half-open box "
        "lie between pixels.": lambda image, box: (
            np.flipud(image),
            _turned(box, len(image) - 1),
        ),
    },
)

resize_box = Check(
    right=lambda box, size, new_size: boxes.denormalize(boxes.normalize(box, size), new_size),
    cases=lambda: [
        (np.array([12, 31, 80, 55]), (100, 60), (224, 224)),
        (np.array([123, 115, 379, 275]), (500, 375), (224, 112)),
        (np.array([3, 5, 7, 11]), (30, 40), (60, 60)),
        (np.array([1.75, 2.25, 28.28, 37.75]), (30, 40), (60, 70)),
        (np.array([0, 10, 30, 40]), (30, 40), (60, 60)),  # ends where the picture does
    ],
    wrong={
        "You swapped width and height: a size begins with the width, and scales x.": (
            lambda box, size, new_size: (
                boxes.normalize(box, size[::-1]) * [*new_size[::-1], *new_size[::-1]]
            )
        ),
        "You scaled x and y by the same factor. But the picture is squeezed in one direction.": (
            lambda box, size, new_size: box * (new_size[0] / size[0])
        ),
        "You went the wrong way: from the new picture to the old one.": (
            lambda box, size, new_size: boxes.denormalize(boxes.normalize(box, new_size), size)
        ),
        "You stopped halfway: your box is in fractions of the picture, not in pixels.": (
            lambda box, size, _: boxes.normalize(box, size)
        ),
        "You cut the box off at the last pixel. A half-open box may end at the width itself.": (
            lambda box, size, new_size: np.minimum(
                boxes.denormalize(boxes.normalize(box, size), new_size), np.tile(new_size, 2) - 1
            )
        ),
        "You cut off the decimals. Keep them as long as you compute.": (
            lambda box, size, new_size: np.trunc(
                boxes.denormalize(boxes.normalize(box, size), new_size)
            )
        ),
        "You rounded to whole pixels. Keep the decimals as long as you compute.": (
            lambda box, size, new_size: np.round(
                boxes.denormalize(boxes.normalize(box, size), new_size)
            )
        ),
        "You write into `box`, or into a copy of it. It may hold whole numbers, and then it keeps "
        "no decimals. Make an array of decimals.": lambda box, size, new_size: boxes.denormalize(
            boxes.normalize(box, size), new_size
        ).astype(box.dtype),
    },
)


def _as_xyxy(numbers: np.ndarray) -> np.ndarray:
    """Return x_min, y_min, x_max, y_max from x_min, x_max, y_min, y_max."""
    return numbers.reshape(2, 2).T.ravel()


from_source_001 = Check(
    right=lambda numbers, size: boxes.denormalize(_as_xyxy(numbers), size),
    cases=lambda: [
        (np.array([0.1, 0.5, 0.25, 0.75]), (640, 480)),
        (np.array([0.3, 0.4, 0.05, 0.95]), (333, 500)),
        (np.array([0.00042, 0.99956, 0.00043, 0.99958]), (500, 375)),
    ],
    wrong={
        "You took the four numbers in their order as xyxy. Which column is the second one?": (
            lambda numbers, size: boxes.denormalize(numbers, size)
        ),
        "You scaled each number the right way, but they are still in their old order.": (
            lambda numbers, size: numbers * np.repeat(size, 2)
        ),
        "Your numbers are in the right order. But they are fractions of the picture, not pixels.": (
            lambda numbers, _: _as_xyxy(numbers)
        ),
        "You swapped width and height: a size begins with the width, and scales x.": (
            lambda numbers, size: boxes.denormalize(_as_xyxy(numbers), size[::-1])
        ),
        "You swapped x and y: your box begins with the y of its corner.": (
            lambda numbers, size: boxes.denormalize(_as_xyxy(numbers), size)[[1, 0, 3, 2]]
        ),
        "You rounded to whole pixels. Keep the decimals as long as you compute.": (
            lambda numbers, size: np.round(boxes.denormalize(_as_xyxy(numbers), size))
        ),
    },
)


def _moved(box: np.ndarray, window: np.ndarray) -> np.ndarray:
    return box - np.tile(window[:2], 2)


def _size(window: np.ndarray) -> np.ndarray:
    """Return width, height, width, height: the limits of a box in the crop."""
    return np.tile(boxes.xyxy_to_xywh(window)[2:], 2)


def _cropped(box: np.ndarray, window: np.ndarray) -> np.ndarray:
    return boxes.clip(_moved(box, window), _size(window)[:2])


def _with_share(crop: Callable) -> Callable:
    """Return a function that gives what `crop` gives, and that box's share of the old area."""

    def cropped_and_share(box: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, float]:
        cropped = crop(box, window)
        areas = [np.prod(np.diff(one.reshape(2, 2), axis=0)) for one in (cropped, box)]
        return cropped, areas[0] / areas[1]

    return cropped_and_share


crop_box = Check(
    right=_with_share(_cropped),
    cases=lambda: [
        (np.array([12, 31, 80, 55]), np.array([20, 10, 70, 60])),
        (np.array([12, 31, 80, 55]), np.array([10, 40, 60, 50])),
        (np.array([50, 5, 90, 35]), np.array([30, 20, 85, 60])),
        (np.array([25, 15, 40, 72]), np.array([20, 10, 70, 60])),
        (np.array([31, 22, 52, 48]), np.array([10, 6, 70, 60])),
        (np.array([12.25, 31.75, 80.5, 55.25]), np.array([20.75, 10.25, 70.25, 50.75])),
        (np.array([20.75, 10.25, 70.25, 50.75]), np.array([12.25, 31.75, 80.5, 55.25])),
        (np.array([12, 31, 80, 55]), np.array([20.5, 10.25, 70.5, 60.0])),
    ],
    wrong={
        "You moved the box, but it sticks out of the crop. Cut off what lies outside.": (
            _with_share(_moved)
        ),
        "You cut the box at the left and the upper edge only. It may stick out on the others.": (
            _with_share(lambda box, window: np.maximum(_moved(box, window), 0))
        ),
        "You cut the box at the right and the lower edge only. It may stick out on the others.": (
            _with_share(lambda box, window: np.minimum(_moved(box, window), _size(window)))
        ),
        "Your box is right, but your share is that of a box that was not cut.": (
            lambda box, window: (_cropped(box, window), 1.0)
        ),
        "You cut the box, but you still count from the old corner. A crop moves the origin.": (
            _with_share(lambda box, window: _cropped(box, window) + np.tile(window[:2], 2))
        ),
        "You cut at the right and the lower edge with the window's xmax and ymax. But the crop is "
        "only as large as the window.": _with_share(
            lambda box, window: boxes.clip(_moved(box, window), window[2:])
        ),
        "You moved the upper left corner only. The other one has the same origin.": _with_share(
            lambda box, window: _cropped(box, window) + LONGER * np.tile(window[:2], 2)
        ),
        "You swapped x and y of the window's corner.": _with_share(
            lambda box, window: _cropped(box, window) + window[[0, 1, 0, 1]] - window[[1, 0, 1, 0]]
        ),
        "Your box is right, but your share is a part of the window. Whose share is it?": (
            lambda box, window: (
                _cropped(box, window),
                boxes.area(_cropped(box, window)) / boxes.area(window),
            )
        ),
        "Your box is right, but your share is the part that is lost, not what is left.": (
            lambda box, window: (
                _cropped(box, window),
                1 - boxes.area(_cropped(box, window)) / boxes.area(box),
            )
        ),
        "Your box is right, but your share is an IoU. The share is about the object alone, not "
        "about what else the window holds.": lambda box, window: (
            _cropped(box, window),
            boxes.iou(box, window),
        ),
    },
)


def _mirrored(box: np.ndarray, width: float) -> np.ndarray:
    """Return a VOC box flipped left to right, by way of our boxes."""
    ours = boxes.voc_to_xyxy(box) * [-1, 1, -1, 1] + [width, 0, width, 0]
    return boxes.xyxy_to_voc(ours[[2, 1, 0, 3]])


flip_voc = Check(
    right=_mirrored,
    cases=lambda: [
        (box, width) for box, width in zip(_boxes(), (100, 101, 64, 1024, 9), strict=True)
    ],
    without={
        "boxes.voc_to_xyxy": "coursekit.boxes.voc_to_xyxy",
        "boxes.xyxy_to_voc": "coursekit.boxes.xyxy_to_voc",
    },
    wrong={
        "You took the flip of a half-open box. Flip the first pixel by hand: where does it go?": (
            lambda box, width: _mirrored(box, width - 1)
        ),
        "Your pixels count from zero. Flip the first pixel, VOC's number 1: where does it go?": (
            lambda box, width: _mirrored(box, width - 2)
        ),
        "Your xmin is larger than your xmax. After a flip the right edge is the left one.": (
            lambda box, width: _mirrored(box, width)[[2, 1, 0, 3]]
        ),
        "Your box is one pixel too wide. Both of its edges name a pixel, so you need the same "
        "rule for both.": lambda box, width: _mirrored(box, width) - [1, 0, 0, 0],
        "Your box is one pixel too narrow. Both of its edges name a pixel, so you need the same "
        "rule for both.": lambda box, width: _mirrored(box, width) - [0, 0, 1, 0],
    },
)


def _names() -> list[tuple]:
    rng = np.random.default_rng(2)
    many = rng.choice(["cat", "cow", "dog"], 43, p=[0.6, 0.1, 0.3])
    few = np.array(["cat", "dog", "cat", "cat", "dog", "cat", "cow", "cat"])
    return [(np.repeat(["cow", "sheep"], [6, 9]),), (many,), (few,)]


def _every_fourth(names: np.ndarray, which: int) -> np.ndarray:
    """Return which names are number `which` of four, each name counted for itself."""
    earlier = np.tril(names[:, None] == names, k=-1).sum(axis=1)
    return earlier % 4 == which


hold_out = Check(
    right=lambda names: _every_fourth(names, 3),
    cases=_names,
    wrong={
        "You took every fourth picture of the table. But some classes have more than their share "
        "of these.": lambda names: np.arange(len(names)) % 4 == 3,
        "You took the last quarter of the table. Its order means something, and nothing keeps "
        "the classes in proportion.": lambda names: (
            np.arange(len(names)) >= len(names) - len(names) // 4
        ),
        "You kept the classes in proportion, but took the first of every four, not the fourth.": (
            lambda names: _every_fourth(names, 0)
        ),
        "You look for the classes of the course only. Take the classes from `names`.": (
            lambda names: np.isin(names, CLASSES) & _every_fourth(names, 3)
        ),
        "You return the places of the test pictures. Return True or False for each picture.": (
            lambda names: np.flatnonzero(_every_fourth(names, 3))
        ),
        "You return the names of the test pictures. Return True or False for each picture.": (
            lambda names: names[_every_fourth(names, 3)]
        ),
        "You marked what stays for training. The test pictures should be true.": (
            lambda names: _every_fourth(names, 3) == 0
        ),
    },
)
