"""The default backbone with its batch normalization, as its authors trained it, and a head.

The course uses it folded into the convolutions. So deep a network hardly learns from random weights
without it, and a comparison of random with pretrained weights would not be fair.
"""

from unittest import mock

import efficientnet
from efficientnet import converting, in_torch
from localizer.heads import PointingHead

import torch
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor

LAYERS = ("block_4", "block_10", "last")  # an eighth, a 16th and a 32nd of a picture's side


class Normalized(in_torch.Convolution):
    """A convolution and batch normalization, then ReLU6 where it is `active`."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, active=True):
        super().__init__(inputs, outputs, kernel, stride, groups, active=False)
        self.norm = nn.BatchNorm2d(outputs, eps=converting.EPSILON)
        self.activate = nn.ReLU6() if active else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps as `Convolution` does."""
        return self.activate(self.norm(super().forward(x)))


def unfolded() -> dict[str, torch.Tensor]:
    """Return the published weights, batch normalization apart, by the names of `Normalized`."""
    state = torch.load(converting.source(), map_location="cpu", weights_only=True)
    names = {"stem": ("_conv_stem", "_bn0"), "last": ("_conv_head", "_bn1")}
    for number, block in enumerate(efficientnet.blocks()):
        for part, pair in converting.PARTS.items():
            if part != "expand" or block.expansion > 1:
                names[f"block_{number}.{part}"] = [f"_blocks.{number}.{name}" for name in pair]
    weights = {}
    for name, (convolution, norm) in names.items():
        weights[f"{name}.weight"] = state[f"{convolution}.weight"]
        weights[f"{name}.bias"] = torch.zeros(len(weights[f"{name}.weight"]))
        for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            weights[f"{name}.norm.{part}"] = state[f"{norm}.{part}"]
    return weights


def build(weights: str) -> nn.Module:
    """Return the backbone, with random weights (He's) or the pretrained ones."""
    with mock.patch.object(in_torch, "Convolution", Normalized):
        network = in_torch.build()
    if weights == "pretrained":
        network.load_state_dict(unfolded())
        return network
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(part.bias)
    return network


class Whole(nn.Module):
    """Backbone and head, from pictures of 0 to 1 to logits and boxes; all weights learn."""

    def __init__(self, backbone: nn.Module, pictures: torch.Tensor, n_classes: int):
        super().__init__()
        self.backbone = create_feature_extractor(backbone, [*LAYERS])
        with torch.no_grad():
            maps = self.maps(pictures)
        shapes = {layer: (*one.shape[2:], one.shape[1]) for layer, one in maps.items()}
        self.head = PointingHead(shapes, n_classes)
        self.head.scale_to(maps)

    def maps(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the backbone's maps, in the order of the layers."""
        scaled = (pictures * 255 - efficientnet.MEAN) / efficientnet.DEVIATION
        maps = self.backbone(scaled)
        return {layer: maps[layer] for layer in LAYERS}

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and boxes."""
        return self.head(self.maps(pictures))
