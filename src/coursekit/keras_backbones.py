"""Pretrained, frozen backbones for Keras: pictures in, feature maps of 7 × 7 cells out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from coursekit import settings
from tiny import in_keras

import keras
import numpy as np
from keras import layers
from keras.applications import VGG16, MobileNetV2, ResNet50, mobilenet_v2, resnet50, vgg16

SIZE, CELLS = 224, 7
SUFFIXES = (".h5", ".keras", ".safetensors")  # of Keras' weight files


@dataclass(frozen=True)
class Backbone:
    """A frozen network. Call it with pictures to get their feature maps.

    The pictures are uint8 of shape (batch, 224, 224, 3), RGB; the network's own preprocessing is
    done here. The maps are float32 of shape (batch, 7, 7, channels).
    """

    name: str
    model: keras.Model
    preprocess: Callable[[np.ndarray], np.ndarray]
    channels: dict[str, slice]  # where each layer's output lies on the last axis
    size: int = SIZE

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one picture's feature map."""
        return self.model.output_shape[1:]

    @property
    def identity(self) -> dict[str, object]:
        """What the numbers that come out depend on, apart from the pictures."""
        digest = hashlib.blake2b(digest_size=16)
        for array in self.model.get_weights():
            digest.update(np.ascontiguousarray(array).tobytes())
        return {
            "backbone": self.name,
            "layers": [*self.channels],
            "weights": digest.hexdigest(),
            "size": self.size,
            "keras": keras.version(),
        }

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the feature maps of a batch of pictures."""
        return self.model.predict_on_batch(self.preprocess(images.astype(np.float32)))


class Recipe(NamedTuple):
    """How to build one backbone."""

    build: Callable[..., keras.Model]  # takes `weights`: None, "imagenet" or a file
    preprocess: Callable[[np.ndarray], np.ndarray]  # from float32 RGB, 0 to 255
    layers: tuple[str, ...]  # by default, the output of these is taken


def _application(network: Callable[..., keras.Model], module, *layers: str) -> Recipe:
    """Return the recipe of one of Keras' own networks, which lies in this module."""
    build = partial(network, include_top=False, input_shape=(SIZE, SIZE, 3))
    return Recipe(build, module.preprocess_input, layers)


RECIPES = {
    "tiny": Recipe(in_keras.build, mobilenet_v2.preprocess_input, ("stage_4", "stage_5")),
    "mobilenet_v2": _application(MobileNetV2, mobilenet_v2, "block_13_expand_relu", "out_relu"),
    "resnet50": _application(ResNet50, resnet50, "conv4_block6_out", "conv5_block3_out"),
    "vgg16": _application(VGG16, vgg16, "block4_conv3", "block5_conv3"),
}


def load(
    name: str | None = None, layers: Sequence[str] = (), weights: str | Path | None = None
) -> Backbone:
    """Return a frozen backbone that gives the outputs of one or more of its layers.

    An output of more than 7 × 7 cells is averaged down to that. Several outputs are concatenated
    along the channels; `Backbone.channels` says where each of them lies.

    Parameters
    ----------
    name
        One of `settings.BACKBONES`. By default what ``COURSEKIT_BACKBONE`` says.
    layers
        Names of layers. By default those in `RECIPES`, which were chosen by measurement.
    weights
        ``imagenet``, which Keras downloads once, or a file. By default what ``COURSEKIT_WEIGHTS``
        says. For `tiny`, ``imagenet`` means the weights that come with the course.

    Raises
    ------
    ValueError
        When there is no such layer, its output cannot be cut into 7 × 7 cells, or the weights
        do not fit.
    OSError
        When the weight file is not there, or the weights cannot be downloaded.
    """
    name = settings.backbone() if name is None else name
    recipe = RECIPES[name]
    weights = str(weights or settings.weights(SUFFIXES))
    with settings.loading(name, weights):
        network = recipe.build(weights=weights)
    wanted = tuple(layers) or recipe.layers
    maps = [_to_cells(network.get_layer(layer).output) for layer in wanted]
    ends = pairwise(accumulate((each.shape[-1] for each in maps), initial=0))
    channels = {layer: slice(*end) for layer, end in zip(wanted, ends, strict=True)}
    output = keras.layers.Concatenate()(maps) if len(maps) > 1 else maps[0]
    model = keras.Model(network.input, output, name=name)
    model.trainable = False
    return Backbone(name, model, recipe.preprocess, channels)


def _to_cells(output):
    """Return an output of shape (batch, 7 k, 7 k, c), averaged to (batch, 7, 7, c)."""
    height, width = output.shape[1:3]
    if height != width or height % CELLS:
        raise ValueError(
            f"An output of {height} × {width} cells cannot be averaged to {CELLS} × {CELLS}."
        )
    return output if height == CELLS else layers.AveragePooling2D(height // CELLS)(output)
