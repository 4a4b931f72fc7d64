"""Pretrained backbones for PyTorch: pictures in, feature maps of 7 × 7 cells out."""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import tiny
from coursekit import settings
from tiny import in_torch

import torch
from torch import nn
from torch.nn import functional
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

SIZE, CELLS = 224, 7
SUFFIXES = (".pth", ".pt", ".safetensors")  # of PyTorch's weight files
# the mean and the deviation of each color, from 0 to 1, by which a picture is scaled
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
DRAWINGS = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # from -1 to 1


class Backbone(nn.Module):
    """A pretrained network that gives the outputs of one or more of its layers as one map.

    The pictures are float32 of shape (batch, 3, 224, 224), RGB, from 0 to 1; the network's own
    scaling is done here. The maps are float32 of shape (batch, channels, 7, 7).

    Batch normalization stays as it was trained, in training mode too: the statistics of a few
    pictures of one's own would be worse than those that came with the weights.
    """

    def __init__(self, name: str, network: nn.Module, layers: Sequence[str], scale=IMAGENET):
        super().__init__()
        self.name = name
        self.network = create_feature_extractor(network, list(layers))
        for part, values in zip(("mean", "deviation"), scale, strict=True):
            self.register_buffer(part, torch.tensor(values)[:, None, None], persistent=False)
        self.eval()
        with torch.no_grad():
            outputs = self.network(torch.zeros(1, 3, SIZE, SIZE))
        shapes = [outputs[layer].shape[1:] for layer in layers]
        for layer, shape in zip(layers, shapes, strict=True):
            if len(shape) != 3 or shape[1] != shape[2] or shape[1] % CELLS:
                raise ValueError(
                    f"The output of {layer} has the shape {tuple(shape)}, which cannot be averaged "
                    f"to {CELLS} × {CELLS} cells."
                )
        ends = pairwise(accumulate((shape[0] for shape in shapes), initial=0))
        # where each layer's output lies
        self.channels = {layer: slice(*end) for layer, end in zip(layers, ends, strict=True)}

    def train(self, mode: bool = True) -> "Backbone":
        """Set the mode of the module, and leave the network in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the feature maps of a batch of pictures."""
        outputs = self.network((images - self.mean) / self.deviation)  # in the network's order
        maps = [functional.adaptive_avg_pool2d(outputs[layer], CELLS) for layer in self.channels]
        return torch.cat(maps, dim=1)


class Recipe(NamedTuple):
    """How to build one backbone."""

    build: Callable[..., nn.Module]
    published: object  # the weights that torchvision downloads
    layers: tuple[str, ...]  # by default, the output of these is taken
    scale: tuple = IMAGENET


V1 = "IMAGENET1K_V1"
RECIPES = {
    "tiny": Recipe(in_torch.build, tiny.FILE, ("stage_4", "stage_5"), DRAWINGS),
    "mobilenet_v2": Recipe(models.mobilenet_v2, V1, ("features.14.conv.0", "features.18")),
    "resnet50": Recipe(models.resnet50, V1, ("layer3", "layer4")),
    "vgg16": Recipe(models.vgg16, V1, ("features.22", "features.29")),
}


def load(
    name: str | None = None, layers: Sequence[str] = (), weights: str | Path | None = None
) -> Backbone:
    """Return a backbone that gives the outputs of one or more of its layers; see `Backbone`.

    It takes the arguments of `keras_backbones.load`, and raises its errors. Here the layers have
    torchvision's names, such as ``features.18`` or ``layer3.5.conv2``, and a weight file holds a
    state dict.
    """
    name = settings.backbone() if name is None else name
    recipe = RECIPES[name]
    weights = str(weights or settings.weights(SUFFIXES))
    if weights != "imagenet" and not weights.endswith(SUFFIXES):
        raise ValueError(
            f"{weights} is no file of PyTorch: its name ends in none of {', '.join(SUFFIXES)}. "
            "Name one for each framework, as in `--weights for_keras.h5 --weights for_torch.pth`."
        )
    with settings.loading(name, weights):
        network = _build(recipe, weights)
    return Backbone(name, network, tuple(layers) or recipe.layers, recipe.scale)


def _build(recipe: Recipe, weights: str) -> nn.Module:
    if weights == "imagenet":
        return recipe.build(weights=recipe.published)
    network = recipe.build(weights=None)
    # it reads safetensors, too
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network
