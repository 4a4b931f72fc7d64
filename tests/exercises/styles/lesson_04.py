"""Right answers to the exercises of lesson 04 in several styles, and what they may be given."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inputs import boxes, decimals, sizes


def tensor(values):
    import torch

    return torch.tensor(np.asarray(values), dtype=torch.float32)


@st.composite
def blocks(draw):
    """Return sides and blocks after which a cell is left."""
    kernel, padding = draw(st.integers(1, 7)), draw(st.integers(0, 3))
    count = draw(st.integers(0, 3))
    least = 1
    for _ in range(count):
        least = 2 * least + kernel - 1
    return draw(st.integers(least, least + 60)), count, kernel, padding


@st.composite
def pictures_with_boxes(draw):
    channels, height, width = draw(st.tuples(st.integers(1, 3), *[st.integers(1, 6)] * 2))
    x = sorted(draw(st.tuples(*[st.integers(0, width)] * 2)))
    y = sorted(draw(st.tuples(*[st.integers(0, height)] * 2)))
    picture = np.arange(channels * height * width).reshape(channels, height, width)
    return tensor(picture), tensor([x[0], y[0], x[1], y[1]])


INPUTS = {
    "map_side": blocks(),
    "as_fractions": st.tuples(boxes().map(tensor), sizes()),
    "torch_kernel": st.tuples(
        arrays.arrays(float, st.tuples(*[st.integers(1, 4)] * 4), elements=decimals(-1, 1)).map(
            tensor
        )
    ),
    "kept_epoch": st.tuples(
        st.lists(decimals(0.1, 0.9, 1), min_size=1, max_size=15), st.integers(1, 4)
    ),
    "rotate_left": pictures_with_boxes(),
}


def map_side_in_torch(side, blocks, kernel, padding):
    import torch
    from torch.nn import functional

    picture = torch.zeros(1, 1, side, 1)
    for _ in range(blocks):
        line = torch.ones(1, 1, kernel, 1)
        picture = functional.conv2d(picture, line, padding=(padding, 0))
        picture = functional.max_pool2d(picture, (2, 1))
    return picture.shape[2]


def map_side_in_python(side, blocks, kernel, padding):
    if blocks == 0:
        return side
    places = side + padding * 2 - kernel + 1
    return map_side_in_python(int(places / 2), blocks - 1, kernel, padding)


def as_fractions_in_torch(box, canvas):
    import torch

    corners = box.reshape(2, 2) / torch.tensor([canvas[1], canvas[0]])
    return torch.cat([corners.mean(dim=0), corners.diff(dim=0)[0]])


def as_fractions_in_python(box, canvas):
    xmin, ymin, xmax, ymax = box.tolist()
    height, width = canvas
    center = (xmin + xmax) / (2 * width), (ymin + ymax) / (2 * height)
    return *center, (xmax - xmin) / width, (ymax - ymin) / height


def torch_kernel_in_einsum(kernel):
    import torch

    return torch.einsum("rcio->oirc", kernel)


def torch_kernel_in_transposes(kernel):
    return kernel.transpose(0, 3).transpose(1, 2).transpose(2, 3)


def kept_epoch_in_counting(scores, patience):
    best, kept, without_best = scores[0], 0, 0
    for epoch in range(1, len(scores)):
        if scores[epoch] > best:
            best, kept = scores[epoch], epoch
            without_best = 0
        else:
            without_best += 1
        if without_best == patience:
            return kept
    return kept


def kept_epoch_in_slices(scores, patience):
    for end in range(1, len(scores) + 1):
        best = scores.index(max(scores[:end]))
        if end - 1 - best >= patience:
            return best
    return scores.index(max(scores))


def rotate_left_in_transposes(picture, box):
    turned = picture.transpose(1, 2).flip(1)
    xmin, ymin, xmax, ymax = box.tolist()
    width = picture.shape[-1]
    return turned, tensor([ymin, width - xmax, ymax, width - xmin])


def rotate_left_in_numpy(picture, box):
    turned = np.rot90(picture.numpy(), axes=(1, 2))
    moved = box.numpy()[[1, 2, 3, 0]].copy()
    moved[[1, 3]] = picture.shape[2] - moved[[1, 3]]
    return turned, moved
