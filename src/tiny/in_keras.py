"""The backbone `tiny` in Keras."""

from pathlib import Path

import tiny

import keras
from keras import layers


def build(weights: str | Path | None = "imagenet") -> keras.Model:
    """Return the backbone `tiny`, from images to the last feature map.

    The input has the shape (batch, 224, 224, 3), RGB, from -1 to 1; the output (batch, 7, 7, 160).
    Each stage can be reached by its name, as in ``build().get_layer("stage_4")``. `weights` is a
    safetensors file, or None for random weights; ``imagenet`` stands for those that come with the
    course, which were not trained on ImageNet but on drawings.
    """
    x = image = layers.Input((224, 224, 3), name="image")
    for number, width in enumerate(tiny.WIDTHS, start=1):
        x = _convolution(x, width, stride=2, name=f"stage_{number}.reduce")
        if number in tiny.REFINED:
            x = layers.Add()([x, _convolution(x, width, 1, name=f"stage_{number}.refine")])
        x = layers.Identity(name=f"stage_{number}")(x)
    model = keras.Model(image, x, name="tiny")
    if weights is not None:
        _fill(model, tiny.FILE if weights == "imagenet" else Path(weights))
    return model


def _convolution(x, width: int, stride: int, name: str):
    # "same" would pad on one side only when the stride is 2; PyTorch pads on both
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(width, 3, stride, use_bias=False, name=f"{name}.conv")(x)
    x = layers.BatchNormalization(epsilon=tiny.EPSILON, name=f"{name}.norm")(x)
    return layers.ReLU()(x)


def _fill(model: keras.Model, file: Path) -> None:
    found = tiny.load_weights(file)
    parts = ("weight", "bias", "running_mean", "running_var")
    for layer in model.layers:
        if layer.name.endswith(".conv"):
            # from (out, in, height, width) to (height, width, in, out)
            layer.set_weights([found[f"{layer.name}.weight"].transpose(2, 3, 1, 0)])
        elif layer.name.endswith(".norm"):
            layer.set_weights([found[f"{layer.name}.{part}"] for part in parts])
