"""Pretrained, frozen backbones for Keras: pictures in, a feature map for each layer out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from backbones import weights as weight_files
from coursekit import settings
from efficientnet import SIZE, in_keras

import keras
import numpy as np
from keras.applications import VGG16, MobileNetV2, ResNet50, mobilenet_v2, resnet50, vgg16

SUFFIXES = (".h5", ".keras", ".safetensors")  # of Keras' weight files


@dataclass(frozen=True)
class Backbone:
    """A frozen network; `maps` gives the outputs of its layers for a batch of pictures.

    `model` takes preprocessed pictures of shape (batch, size, size, 3), and returns a dictionary
    with the output of each layer.
    """

    name: str
    model: keras.Model
    preprocess: Callable[[np.ndarray], np.ndarray]  # from float32 RGB, 0 to 255
    shapes: dict[str, tuple[int, int, int]]  # of one picture's map, for each layer
    weights: str  # a name for them
    size: int = 224  # of the pictures

    @property
    def identity(self) -> dict[str, object]:
        """What the numbers that come out depend on, apart from the pictures."""
        parts = {"backbone": self.name, "weights": self.weights}
        return parts | {"layers": [*self.shapes], "size": self.size}

    def maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return float32 maps (batch, height, width, channels) of uint8 pictures, by layer.

        The pictures are RGB, of shape (batch, size, size, 3).
        """
        return self.model.predict_on_batch(self.preprocess(images.astype(np.float32)))


class Recipe(NamedTuple):
    """How to build one backbone."""

    build: Callable[..., keras.Model]  # takes `weights`: None, "imagenet" or a file
    preprocess: Callable[[np.ndarray], np.ndarray]
    layers: tuple[str, ...]  # by default, the output of these is taken


def _application(network: Callable[..., keras.Model], module, *layers: str) -> Recipe:
    """Return the recipe of one of Keras' own networks, which is in this module."""
    build = partial(network, include_top=False, input_shape=(224, 224, 3))
    return Recipe(build, module.preprocess_input, layers)


RECIPES = {
    "efficientnet_lite0": Recipe(
        partial(in_keras.build, size=SIZE), np.asarray, ("block_10", "block_14", "last")
    ),
    "mobilenet_v2": _application(MobileNetV2, mobilenet_v2, "block_13_expand_relu", "out_relu"),
    "resnet50": _application(ResNet50, resnet50, "conv4_block6_out", "conv5_block3_out"),
    "vgg16": _application(VGG16, vgg16, "block4_conv3", "block5_conv3"),
}


def load(
    name: str | None = None, layers: Sequence[str] = (), weights: str | Path | None = None
) -> Backbone:
    """Return a frozen backbone that gives the outputs of one or more of its layers.

    Parameters
    ----------
    name
        One of `settings.BACKBONES`. By default what ``COURSEKIT_BACKBONE`` says.
    layers
        Names of layers, the last one last. By default those in `RECIPES`, which were chosen by
        measurement on validation pictures.
    weights
        ``imagenet`` or a file. By default what ``COURSEKIT_WEIGHTS`` says.

    Raises
    ------
    ValueError
        When there is no such layer, its output is not a map, or the weights do not fit.
    OSError
        When the weight file is not there, or the weights cannot be downloaded.
    """
    name = settings.backbone() if name is None else name
    recipe = RECIPES[name]
    weights = weight_files.resolve(name, SUFFIXES, weights)
    with weight_files.loading(name, weights):
        network = recipe.build(weights=weights)
    outputs = {layer: network.get_layer(layer).output for layer in layers or recipe.layers}
    for layer, output in outputs.items():
        if len(output.shape) != 4:
            raise ValueError(f"The output of {layer} is not a map: its shape is {output.shape}.")
    model = keras.Model(network.input, outputs, name=name)
    model.trainable = False
    shapes = {layer: tuple(output.shape[1:]) for layer, output in outputs.items()}
    digest = weight_files.digest(weights, network.get_weights())
    return Backbone(name, model, recipe.preprocess, shapes, digest, network.input_shape[1])
