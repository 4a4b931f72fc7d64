"""EfficientNet-Lite0 in PyTorch."""

from pathlib import Path

import efficientnet

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional


def build(weights: str | Path | None = None, classify: bool = False) -> nn.Sequential:
    """Return the network, from pictures to the maps of its last layer, or to logits.

    The input is float32 of shape (batch, 3, height, width), RGB, already scaled: (x - 127) / 128
    with x from 0 to 255. The output has the shape (batch, 1280, height / 32, width / 32), or
    (batch, 1000) with `classify`. Each of `efficientnet.LAYERS` is a module of that name, so that
    ``create_feature_extractor(network, ["block_10", "last"])`` reaches its output.

    `weights` is the file of `converting.weights_file`, or None for random weights. One that lacks
    a weight, or has it in another shape, raises a `RuntimeError`.
    """
    network = nn.Sequential()
    network.add_module("stem", Convolution(3, efficientnet.STEM, kernel=3, stride=2))
    for number, block in enumerate(efficientnet.blocks()):
        network.add_module(f"block_{number}", InvertedResidual(block))
    network.add_module("last", Convolution(block.outputs, efficientnet.LAST))
    if classify:
        network.add_module("pool", nn.AdaptiveAvgPool2d(1))
        network.add_module("flatten", nn.Flatten())
        network.add_module("classify", nn.Linear(efficientnet.LAST, efficientnet.CLASSES))
    if weights is not None:
        tensors = load_file(weights)
        if not classify:
            tensors = {n: one for n, one in tensors.items() if not n.startswith("classify.")}
        network.load_state_dict(tensors)
    return network


class Convolution(nn.Conv2d):
    """A convolution with TensorFlow's padding `same`, followed by ReLU6 where it is `active`."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, active=True):
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        self.active = active
        if stride == 1:  # the same on both sides
            self.padding = (kernel // 2, kernel // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps whose sides are those of `x` divided by the stride, rounded up."""
        if self.stride == (2, 2):
            height, width = x.shape[-2:]
            x = functional.pad(x, (*self.around(width), *self.around(height)))
        x = super().forward(x)
        return functional.relu6(x) if self.active else x

    def around(self, side: int) -> tuple[int, int]:
        """Return the zeros before and after a side, as TensorFlow adds them where the stride is 2.

        Each output of the ceil(side / 2) needs `kernel` inputs, and starts two after the previous.
        """
        zeros = self.kernel_size[0] - 2 + side % 2
        return zeros // 2, zeros - zeros // 2


class InvertedResidual(nn.Module):
    """One block of the table `efficientnet.STAGES`."""

    def __init__(self, block: efficientnet.Block):
        super().__init__()
        wide = block.inputs * block.expansion
        self.expand = Convolution(block.inputs, wide) if block.expansion > 1 else nn.Identity()
        self.depthwise = Convolution(wide, wide, block.kernel, block.stride, groups=wide)
        self.project = Convolution(wide, block.outputs, active=False)
        self.residual = block.residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output; its sides are halved, rounded up, where the stride is 2."""
        changed = self.project(self.depthwise(self.expand(x)))
        return x + changed if self.residual else changed
