"""EfficientNet-Lite0 in Keras."""

from pathlib import Path

import efficientnet

import keras
import numpy as np
from keras import layers
from safetensors.numpy import load_file

# from PyTorch's order of the axes, such as (out, in, height, width), to Keras'
ORDERS = {layers.Conv2D: (2, 3, 1, 0), layers.DepthwiseConv2D: (2, 3, 0, 1), layers.Dense: (1, 0)}


def build(
    weights: str | Path | None = None, classify: bool = False, size: int = efficientnet.SIZE
) -> keras.Model:
    """Return the network, from pictures to the maps of its last layer, or to logits.

    The input is float32 of shape (batch, size, size, 3), RGB, from 0 to 255: it is scaled inside.
    The output has the shape (batch, size / 32, size / 32, 1280), or (batch, 1000) with `classify`.
    Each of `efficientnet.LAYERS` can be reached by name, as in ``get_layer("block_10").output``.

    `weights` is the file of `converting.weights_file`, or None for random weights. One that lacks
    a weight, or has it in another shape, raises a `ValueError`.
    """
    image = layers.Input((size, size, 3), name="image")
    scale = 1 / efficientnet.DEVIATION
    x = layers.Rescaling(scale, -efficientnet.MEAN * scale, name="scaling")(image)
    x = _convolution(x, efficientnet.STEM, kernel=3, stride=2, name="stem")
    for number, block in enumerate(efficientnet.blocks()):
        x = _block(x, block, f"block_{number}")
    x = _convolution(x, efficientnet.LAST, name="last")
    if classify:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dense(efficientnet.CLASSES, name="classify")(x)
    model = keras.Model(image, x, name="efficientnet_lite0")
    if weights is not None:
        _fill(model, weights)
    return model


def _block(x, block: efficientnet.Block, name: str):
    before = x
    if block.expansion > 1:
        x = _convolution(x, block.inputs * block.expansion, name=f"{name}.expand")
    x = layers.DepthwiseConv2D(
        block.kernel, block.stride, "same", activation="relu6", name=f"{name}.depthwise"
    )(x)
    x = _convolution(x, block.outputs, activation=None, name=f"{name}.project")
    return layers.Add(name=name)([before, x]) if block.residual else layers.Identity(name=name)(x)


def _convolution(x, outputs: int, kernel=1, stride=1, activation="relu6", *, name: str):
    return layers.Conv2D(outputs, kernel, stride, "same", activation=activation, name=name)(x)


def _fill(model: keras.Model, file: str | Path) -> None:
    tensors = load_file(file)
    for layer in model.layers:
        if not layer.weights:
            continue
        names = [f"{layer.name}.weight", f"{layer.name}.bias"]
        if not tensors.keys() >= {*names}:
            raise ValueError(f"{file} lacks {names[0]} or {names[1]}.")
        kernel, bias = (tensors[name] for name in names)
        layer.set_weights([np.transpose(kernel, ORDERS[type(layer)]), bias])
