"""Checks of the exercises of lesson 04. Some of them hand over tensors of PyTorch."""

from itertools import pairwise

from coursekit import boxes
from exercises.checks.core import Check

import numpy as np


def _tensors(*values):
    import torch

    return tuple(torch.tensor(value, dtype=torch.float32) for value in values)


# the side of a map after several blocks


def _map_side(side, blocks, kernel, padding):
    line = np.arange(side)  # do it to a line of numbers, and count what is left
    for _ in range(blocks):
        line = np.convolve(np.pad(line, padding), np.ones(kernel), "valid")
        line = line[: len(line) // 2 * 2].reshape(-1, 2).max(axis=1)
    return len(line)


def _each_block(change):
    def side_after(side, blocks, kernel, padding):
        for _ in range(blocks):
            side = change(side, kernel, padding)
        return side

    return side_after


map_side = Check(
    right=_map_side,
    cases=lambda: [
        (100, 4, 3, 1),
        (224, 3, 5, 2),
        (61, 2, 5, 1),
        (90, 3, 3, 0),
        (37, 1, 7, 2),
        (31, 2, 4, 1),
        (20, 1, 4, 1),
    ],
    wrong={
        "You have one cell too many after a block that pools an odd number of cells. Does its "
        "pooling keep the odd one? Or is the line too long before: how often does a kernel of 3 "
        "fit into 3 pixels?": _each_block(
            lambda side, kernel, padding: -(-(side + 2 * padding - kernel + 1) // 2)
        ),
        "You pad on one side only. A picture has two edges in each direction.": _each_block(
            lambda side, kernel, padding: (side + padding - kernel + 1) // 2
        ),
        "You forgot the padding.": _each_block(lambda side, kernel, _: (side - kernel + 1) // 2),
        "Your convolution keeps the size. It does so only if the padding fits the kernel.": (
            _each_block(lambda side, *_: side // 2)
        ),
        "Your kernel takes away as many pixels as it is wide. In a line of 3 pixels, how often "
        "does a kernel of 3 fit?": _each_block(
            lambda side, kernel, padding: (side + 2 * padding - kernel) // 2
        ),
        "You take half of the kernel, rounded down, off each edge. With a kernel of 4, how often "
        "does it fit into a line of 5 pixels?": _each_block(
            lambda side, kernel, padding: (side + 2 * padding - 2 * (kernel // 2)) // 2
        ),
        "You take half of the kernel, without its middle, off each edge. An even kernel has no "
        "middle: how often does one of 4 fit into a line of 5 pixels?": _each_block(
            lambda side, kernel, padding: (side + 2 * padding - (kernel - 1) // 2 * 2) // 2
        ),
        "You forgot the pooling.": _each_block(
            lambda side, kernel, padding: side + 2 * padding - kernel + 1
        ),
    },
)

# a box as fractions of its canvas


def _as_fractions(box, canvas):
    return boxes.xyxy_to_cxcywh(boxes.normalize(np.asarray(box), canvas[::-1]))


as_fractions = Check(
    right=_as_fractions,
    without={"box_convert": "torchvision.ops.boxes.box_convert"},
    cases=lambda: [
        (*_tensors([20.0, 30.0, 120.0, 90.0]), (100, 400)),
        (*_tensors([8.0, 4.0, 24.0, 60.0]), (64, 32)),
        (*_tensors([3.25, 2.0, 10.75, 17.25]), (23, 31)),
        (*_tensors([0.0, 4998.0, 3999.0, 5000.0]), (5000, 4000)),
        (*_tensors([3998.0, 0.0, 4000.0, 4999.0]), (5000, 4000)),
    ],
    wrong={
        "You swapped height and width. A canvas begins with its height.": lambda box, canvas: (
            _as_fractions(box, canvas[::-1])
        ),
        "You return fractions, but still those of the two corners.": lambda box, canvas: (
            boxes.normalize(np.asarray(box), canvas[::-1])
        ),
        "You put the upper left corner first. The first two numbers should be the center.": (
            lambda box, canvas: boxes.xyxy_to_xywh(boxes.normalize(np.asarray(box), canvas[::-1]))
        ),
        "Your numbers are still pixels. Divide by the canvas.": lambda box, _: boxes.xyxy_to_cxcywh(
            np.asarray(box)
        ),
        "You return half of the width and of the height.": lambda box, canvas: (
            _as_fractions(box, canvas) * [1, 1, 0.5, 0.5]
        ),
        "You divide everything by the height. Then x no longer runs from 0 to 1.": (
            lambda box, canvas: _as_fractions(box, (canvas[0], canvas[0]))
        ),
    },
    close=1e-5,
)

# the axes of a kernel


def _kernel(*shape):
    import torch

    return (torch.arange(float(np.prod(shape))).reshape(shape) / 4,)


def _to_torch(kernel):
    return kernel.movedim((3, 2), (0, 1))  # the other two keep their order


torch_kernel = Check(
    right=_to_torch,
    without={"keras_to_torch": "__main__.keras_to_torch"},
    cases=lambda: [_kernel(3, 3, 3, 3), _kernel(2, 3, 4, 5), _kernel(2, 2, 1, 2)],
    wrong={
        "You keep Keras' order. PyTorch wants the outputs first.": lambda kernel: kernel,
        "You give the numbers a new shape. The axes have to move, and the numbers with them.": (
            lambda kernel: kernel.reshape(_to_torch(kernel).shape)
        ),
        "You swapped inputs and outputs: PyTorch's first axis is the outputs.": lambda kernel: (
            kernel.permute(2, 3, 0, 1)
        ),
        "You reversed all axes, so rows and columns of the kernel are swapped, too.": (
            lambda kernel: kernel.permute(3, 2, 1, 0)
        ),
        "You only swapped inputs and outputs. Rows and columns still come first.": (
            lambda kernel: kernel.permute(0, 1, 3, 2)
        ),
    },
)

# the epoch that early stopping keeps


def _stopped(scores, patience, late=0):
    epochs = range(1, len(scores))
    ends = [e for e in epochs if e - np.argmax(scores[:e]) > patience + late]
    return scores[: min([*ends, len(scores)])]


def _since_last_fall(scores, patience):
    falls = 0
    for epoch, (before, now) in enumerate(pairwise(scores), 1):
        falls = falls + 1 if now <= before else 0
        if falls == patience:
            return int(np.argmax(scores[: epoch + 1]))
    return int(np.argmax(scores))


def _never_reset(scores, patience):
    best = without_best = 0
    for epoch, score in enumerate(scores[1:], 1):
        best, without_best = (
            (epoch, without_best) if score > scores[best] else (best, without_best + 1)
        )
        if without_best == patience:
            break
    return best


def _later_of_two(scores, patience):
    best = 0
    for epoch, score in enumerate(scores):
        if epoch - best > patience:
            break
        best = epoch if score >= scores[best] else best
    return best


def _counted(start=None, waited=-1, restart=False, skip=False):
    """Return the epoch kept by a count of epochs, begun or restarted in another way."""

    def kept(scores, patience):
        best, kept, without_best = scores[0] if start is None else start, 0, waited
        for epoch, score in enumerate(scores):
            if score > best:
                best, kept, without_best = score, epoch, 0
            elif score == best and epoch and restart:
                without_best = 0
            elif score != best or epoch == 0 or not skip:
                without_best += 1
            if without_best == patience:
                break
        return kept

    return kept


kept_epoch = Check(
    right=lambda scores, patience: int(np.argmax(_stopped(scores, patience))),
    cases=lambda: [
        ([0.2, 0.5, 0.4, 0.5, 0.3, 0.7, 0.1, 0.2, 0.3, 0.1, 0.2, 0.9], 3),
        ([0.3, 0.6, 0.1, 0.2, 0.4, 0.5, 0.9], 4),
        ([0.3, 0.6, 0.1, 0.2, 0.7, 0.1], 3),
        ([0.5, 0.6, 0.4, 0.3, 0.2, 0.9], 2),
        ([0.1, 0.1, 0.2], 1),
        ([0.3, 0.2, 0.4, 0.3, 0.5, 0.4, 0.6], 3),
        ([0.4], 2),
        ([0.5, 0.4, 0.6], 2),
        ([0.0, 0.0, 0.3], 2),
        ([0.3, 0.5, 0.5, 0.1], 3),
        ([0.5, 0.4, 0.5, 0.4, 0.3, 0.7], 3),
        ([0.2, 0.1, 0.4, 0.1, 0.6, 0.1, 0.1], 2),
        ([0.61201, 0.61204, 0.3, 0.2, 0.9], 2),  # a little better is better
        ([n / 20 for n in range(15)], 2),
        ([0.99957, 0.9996, 0.3, 0.2, 0.9], 2),
        ([0.00042, 0.00045, 0.0004, 0.0003, 0.9], 2),
        ([-250.0, -200.5, -300.0, -400.0, -0.5], 2),
    ],
    wrong={
        "You look at all scores. The epochs after the stop are never run.": lambda scores, _: int(
            np.argmax(scores)
        ),
        "You return the last epoch that is run. The best state is older.": (
            lambda scores, patience: len(_stopped(scores, patience)) - 1
        ),
        "You stop one epoch too early.": lambda scores, patience: int(
            np.argmax(_stopped(scores, patience, -1))
        ),
        "You stop one epoch too late.": lambda scores, patience: int(
            np.argmax(_stopped(scores, patience, 1))
        ),
        "You never restart the count. A new best gives training all of its patience back.": (
            _never_reset
        ),
        "You compare each score with the one before it. What counts is the best so far.": (
            _since_last_fall
        ),
        "When two scores are equal, you take the later one. That is no improvement.": _later_of_two,
        "You restart the count when a score equals the best. That is no new best.": (
            _counted(restart=True)
        ),
        "You do not count an epoch whose score equals the best. It has no new best either.": (
            _counted(skip=True)
        ),
        "You count the first epoch as one without a new best. Nothing came before it, so it is the "
        "best.": _counted(waited=0),
        "You start from a best score that no epoch has reached. The first epoch is the best so "
        "far, whatever it scores.": _counted(start=0, waited=0),
        "You leave out the last epoch that is run. It may be the best.": lambda scores, patience: (
            int(np.argmax(_stopped(scores, patience)[:-1] or scores[:1]))
        ),
        "You take the lowest score. These are scores, not losses.": lambda scores, patience: int(
            np.argmin(_stopped(scores, patience))
        ),
        "You count from 1. The first epoch is 0.": lambda scores, patience: int(
            np.argmax(_stopped(scores, patience)) + 1
        ),
    },
)

# a quarter turn of a picture and its box


def _turned(picture):
    return np.swapaxes(np.asarray(picture), 1, 2)[:, ::-1]


def _turned_box(picture, box, extra=0):
    xmin, ymin, xmax, ymax = np.asarray(box)
    width = picture.shape[2] - extra
    return np.array([ymin, width - xmax, ymax, width - xmin])


def _clockwise(picture, box):
    xmin, ymin, xmax, ymax = np.asarray(box)
    height = picture.shape[1]
    return np.array([height - ymax, xmin, height - ymin, xmax])


def _exchanged(_, box):
    return np.asarray(box)[[1, 0, 3, 2]]


def _to_the_right(picture):
    return np.swapaxes(np.asarray(picture), 1, 2)[..., ::-1]


def _with_picture(turned_box, turned=_turned):
    return lambda picture, box: (turned(picture), turned_box(picture, box))


rotate_left = Check(
    right=_with_picture(_turned_box),
    cases=lambda: [
        (_kernel(2, 4, 7)[0], *_tensors([1, 0, 4, 2])),
        (_kernel(1, 6, 5)[0], *_tensors([2, 1, 5, 3])),
        (_kernel(1, 2, 3)[0], *_tensors([0, 1, 2, 2])),
        (_kernel(1, 2, 3)[0], *_tensors([0.25, 0.75, 1.25, 1.87])),
    ],
    wrong={
        "You turn the picture and leave the box where it was.": _with_picture(lambda _, box: box),
        "You turn both, but to the right.": _with_picture(_clockwise, _to_the_right),
        "You turn the picture to the left, and the box to the right.": _with_picture(_clockwise),
        "You turn the picture to the right, and the box to the left.": _with_picture(
            _turned_box, _to_the_right
        ),
        "You swap x and y. That is a mirror along the diagonal, not a turn.": _with_picture(
            _exchanged, lambda picture: np.swapaxes(np.asarray(picture), 1, 2)
        ),
        "In your box, x and y are only swapped. A turn also changes where y starts from.": (
            _with_picture(_exchanged)
        ),
        "Your box is upside down: its ymin is larger than its ymax.": _with_picture(
            lambda picture, box: _turned_box(picture, box)[[0, 3, 2, 1]]
        ),
        "Your box is one pixel too high. Its edges lie between pixels, not on them.": _with_picture(
            lambda picture, box: _turned_box(picture, box, extra=1)
        ),
    },
)
