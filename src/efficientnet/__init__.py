"""EfficientNet-Lite0, the default backbone: its structure, without a framework.

An inverted residual block widens its input with a 1 × 1 convolution (`expand`), filters each
channel by itself (`depthwise`) and narrows the result with another 1 × 1 convolution (`project`).
Where the shape stays the same, it adds its input to that. The first two end in ReLU6.

`efficientnet.in_keras` and `efficientnet.in_torch` build the network from the table below and give
its layers the same names; `efficientnet.converting` makes the file of weights that both read.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
ICML 2019. The Lite variant leaves out squeeze-and-excitation, and has ReLU6 in place of swish.
"""

from typing import NamedTuple


class Stage(NamedTuple):
    """Blocks that follow each other. Only the first has this stride and this number of inputs."""

    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int
    repeats: int


class Block(NamedTuple):
    """One inverted residual block."""

    kernel: int  # of the depthwise convolution, as is the stride
    stride: int
    expansion: int  # how many times wider it is inside; 1 means that it has no `expand`
    inputs: int  # channels
    outputs: int
    residual: bool  # whether it adds its input to its output


STAGES = (
    Stage(3, 1, 1, 32, 16, 1),
    Stage(3, 2, 6, 16, 24, 2),
    Stage(5, 2, 6, 24, 40, 2),
    Stage(3, 2, 6, 40, 80, 3),
    Stage(5, 1, 6, 80, 112, 3),
    Stage(5, 2, 6, 112, 192, 4),
    Stage(3, 1, 6, 192, 320, 1),
)
STEM, LAST = 32, 1280  # channels of the first convolution (3 × 3, stride 2) and the last (1 × 1)
CLASSES = 1000  # ImageNet's
MEAN, DEVIATION = 127, 128  # the network sees (x - 127) / 128, with x from 0 to 255
SIZE = 256  # pixels: the side of the course's pictures, chosen by measurement; it learned at 224


def blocks() -> list[Block]:
    """Return the blocks in their order, 16 of them."""
    rows = []
    for kernel, stride, expansion, inputs, outputs, repeats in STAGES:
        rows.append(Block(kernel, stride, expansion, inputs, outputs, residual=False))
        rows += [Block(kernel, 1, expansion, outputs, outputs, residual=True)] * (repeats - 1)
    return rows


LAYERS = (*(f"block_{number}" for number in range(len(blocks()))), "last")
