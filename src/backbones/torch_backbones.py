"""Pretrained backbones for PyTorch: pictures in, a feature map for each layer out."""

import copy
import ctypes
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from backbones import weights as weight_files
from coursekit import settings
from efficientnet import DEVIATION, MEAN, SIZE, in_torch

import numpy as np
import torch
from torch import fx, nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

SUFFIXES = (".pth", ".pt", ".safetensors")  # of PyTorch's weight files
# the mean and the deviation of each color, from 0 to 1, by which a picture is scaled
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LITE = ((MEAN / 255,) * 3, (DEVIATION / 255,) * 3)
Maps = dict[str, torch.Tensor]

# an NVIDIA GPU would round to 10 bits, and the features would no longer be those of the CPU
torch.backends.cudnn.allow_tf32 = False
# and glibc would return the memory of each step to the system, only to ask for it again
with suppress(AttributeError, OSError, TypeError):  # other systems have no mallopt
    for option in (-3, -1):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
        ctypes.CDLL(None).mallopt(option, 2**30)


def device() -> torch.device:
    """Return the device to compute on: what ``COURSEKIT_DEVICE`` says, or the best there is.

    `ValueError` when it says one that this machine does not have.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there["cpu"] = True
    wanted = settings.device()
    if wanted and not there[wanted]:
        raise ValueError(f"COURSEKIT_DEVICE is {wanted}, which PyTorch does not find here.")
    return torch.device(wanted or next(name for name in settings.DEVICES if there[name]))


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """Return uint8 pictures (n, height, width, 3) as float32 (n, 3, height, width), 0 to 1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2) / 255


class Backbone(nn.Module):
    """A pretrained network that gives the outputs of one or more of its layers.

    The pictures are float32 of shape (batch, 3, size, size), RGB, from 0 to 1; the network's own
    scaling is done here. Each map is float32 of shape (batch, channels, height, width).

    Batch normalization, where a network has it, stays as it was trained, in training mode too: the
    statistics of your own few pictures would be worse than those that came with the weights.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        layers: Sequence[str],
        size: int = 224,
        scale=IMAGENET,
        weights: str = "",
    ):
        super().__init__()
        self.name, self.size, self.weights = name, size, weights
        self.network = create_feature_extractor(network, list(layers))
        for part, values in zip(("mean", "deviation"), scale, strict=True):
            self.register_buffer(part, torch.tensor(values)[:, None, None], persistent=False)
        self.eval()
        with torch.no_grad():
            outputs = self.network(torch.zeros(1, 3, size, size))
        # of one picture's maps, in Keras' order: height, width, channels
        self.shapes = {
            layer: (*outputs[layer].shape[2:], outputs[layer].shape[1]) for layer in layers
        }
        for layer, shape in self.shapes.items():
            if len(shape) != 3:
                raise ValueError(f"The output of {layer} is not a map: its shape is {shape}.")

    @property
    def identity(self) -> dict[str, object]:
        """What the numbers that come out depend on, apart from the pictures."""
        parts = {"backbone": self.name, "weights": self.weights}
        return parts | {"layers": [*self.shapes], "size": self.size}

    def train(self, mode: bool = True) -> "Backbone":
        """Set the mode of the module, and leave the network in evaluation mode."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, images: torch.Tensor) -> Maps:
        """Return the maps of a batch of pictures, by layer."""
        outputs = self.network((images - self.mean) / self.deviation)  # in the network's order
        return {layer: outputs[layer] for layer in self.shapes}

    @cached_property  # so it is not a module of this one, and its weights count once
    def late(self) -> fx.GraphModule:
        """Gives all maps of those of the first layer; `ValueError` if not all come after it."""
        return _after(self.network, next(iter(self.shapes)))

    @torch.no_grad()
    def maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return float32 maps (batch, height, width, channels) of uint8 pictures, by layer.

        The pictures are RGB, of shape (batch, size, size, 3).
        """
        outputs = self(to_tensor(images).to(self.mean.device))
        return {k: maps.permute(0, 2, 3, 1).cpu().numpy() for k, maps in outputs.items()}


def _after(network: fx.GraphModule, layer: str) -> fx.GraphModule:
    """Return the part of a network that begins after a layer; it shares the weights."""
    late = fx.GraphModule(network, copy.deepcopy(network.graph))
    images, *_, outputs = late.graph.nodes
    first = outputs.args[0][layer]
    with late.graph.inserting_before(images):
        first.replace_all_uses_with(late.graph.placeholder("first"))
    late.graph.eliminate_dead_code()
    if images.users:
        raise ValueError(
            f"Not all layers come after {layer}. Begin with one that the others follow."
        )
    late.graph.erase_node(images)
    late.recompile()
    return late


class Recipe(NamedTuple):
    """How to build one backbone."""

    build: Callable[..., nn.Module]
    layers: tuple[str, ...]  # by default, the output of these is taken
    size: int = 224
    scale: tuple = IMAGENET


RECIPES = {
    "efficientnet_lite0": Recipe(in_torch.build, ("block_10", "block_14", "last"), SIZE, LITE),
    "mobilenet_v2": Recipe(models.mobilenet_v2, ("features.14.conv.0", "features.18")),
    "resnet50": Recipe(models.resnet50, ("layer3", "layer4")),
    "vgg16": Recipe(models.vgg16, ("features.22", "features.29")),
}
PUBLISHED = "IMAGENET1K_V1"  # the weights that torchvision downloads


def load(
    name: str | None = None,
    layers: Sequence[str] = (),
    weights: str | Path | None = None,
    size: int | None = None,
) -> Backbone:
    """Return a backbone that gives the outputs of one or more of its layers; see `Backbone`.

    It takes the arguments of `keras_backbones.load`, and raises its errors. Layers of torchvision's
    networks have names such as ``features.18`` or ``layer3.5.conv2``; a weight file holds a state
    dict. `size` is that of the pictures, in pixels, by default the one that the network learned
    with; smaller ones are faster, and have coarser maps.
    """
    name = settings.backbone() if name is None else name
    recipe = RECIPES[name]
    weights = weight_files.resolve(name, SUFFIXES, weights)
    with weight_files.loading(name, weights):
        network = _build(recipe, weights)
    digest = weight_files.digest(weights, (w.numpy() for w in network.state_dict().values()))
    return Backbone(
        name, network, layers or recipe.layers, size or recipe.size, recipe.scale, digest
    )


def untrained(name: str, layers: Sequence[str]) -> Backbone:
    """Return a backbone with random weights, to be filled with those of a trained model."""
    recipe = RECIPES[name]
    return Backbone(name, recipe.build(weights=None), layers, recipe.size, recipe.scale)


def _build(recipe: Recipe, weights: str) -> nn.Module:
    if weights == "imagenet":
        return recipe.build(weights=PUBLISHED)
    network = recipe.build(weights=None)
    state = torch.load(weights, map_location="cpu", weights_only=True)  # of safetensors, too
    own = network.state_dict().keys()  # the file may hold more, such as the layer that names
    network.load_state_dict({name: one for name, one in state.items() if name in own})
    return network
