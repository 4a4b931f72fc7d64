"""The backbone `tiny` in PyTorch."""

from collections import OrderedDict
from pathlib import Path

import tiny

import torch
from safetensors.torch import load_file
from torch import nn


class _Stage(nn.Module):
    """Half the width and the height; in some stages, refined by a residual connection."""

    def __init__(self, channels: int, width: int, refined: bool):
        super().__init__()
        self.reduce = _convolution(channels, width, stride=2)
        self.refine = _convolution(width, width, stride=1) if refined else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.reduce(x)
        return x if self.refine is None else x + self.refine(x)


def _convolution(channels: int, width: int, stride: int) -> nn.Sequential:
    layers = {
        "conv": nn.Conv2d(channels, width, 3, stride, padding=1, bias=False),
        "norm": nn.BatchNorm2d(width, eps=tiny.EPSILON),
        "relu": nn.ReLU(),
    }
    return nn.Sequential(OrderedDict(layers))


def build(weights: Path | None = tiny.FILE) -> nn.Sequential:
    """Return the backbone `tiny`, from images to the last feature map.

    From float32 of shape (batch, 3, height, width), RGB, from -1 to 1, to (batch, 160, height / 32,
    width / 32). Each stage can be reached by its name, as in ``build().stage_4``. `weights` is a
    safetensors file, or None for random weights.
    """
    stages, channels = OrderedDict(), 3
    for number, width in enumerate(tiny.WIDTHS, start=1):
        stages[f"stage_{number}"] = _Stage(channels, width, number in tiny.REFINED)
        channels = width
    network = nn.Sequential(stages)
    if weights is not None:
        network.load_state_dict(load_file(weights))
    return network
