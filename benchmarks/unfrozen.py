"""Measure what may explain the class accuracy of source 003: its loss, its input, its training.

The source trains all of ResNet50 at a rate of 0.001, on pixels that were not prepared for it, with
a loss that sees two pictures of a batch. Here each of the three is right or as in the source, and
MobileNetV2 of a third of the width takes the place of ResNet50. ``--photographs`` is a directory
in VOC's layout, by default the one that ``COURSEKIT_VOC_SAMPLE`` names. It writes
``book/results/unfrozen.csv``, and goes on where it was interrupted.
"""

import argparse
import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path

from coursekit import datasets, features, voc
from coursekit.boxes import SIDES
from exercises import lesson_code
from minivoc import CLASSES

import numpy as np

import _tables

LESSON = "03_keras_precomputed_features"
USED = ("two_dense_heads", "RIGHT", "BROKEN")
FIELDS = ("trained", "input", "loss", "seed", "train_accuracy", "accuracy", "most_frequent")
SIZE = 96  # pixels; the smallest that Keras' weights were made for
STEPS = 174  # six epochs of 29 batches: those whose log the source shows
TRAINED, LOSSES = ("heads", "all"), ("right", "as the source")
INPUTS = {
    "right": lambda pixels: pixels / 127.5 - 1,
    # what the source does to ResNet50, in the units of MobileNetV2: colours in the wrong order,
    # and not centered
    "as the source": lambda pixels: pixels[..., ::-1] / 127.5,
}


@cache
def prepare(directory: Path) -> dict:
    """Return what the lesson defines, and the pictures of a data set with labels and boxes."""
    images = voc.single_object(voc.load_annotations(directory), CLASSES)
    images = voc.assign_split(images, directory).reset_index(drop=True)
    notebook = lesson_code.read(LESSON)
    space: dict = {"images": images, "CLASSES": CLASSES}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(lesson_code.needed(notebook, USED), space)
    files = [directory / "JPEGImages" / name for name in images["filename"]]
    space["pixels"] = np.stack([features.read_image(file, SIZE) for file in files])
    sizes, boxes = images[["width", "height"]], images[list(SIDES)]
    space["boxes"] = (boxes.to_numpy() / np.tile(sizes, 2)).astype("float32")
    return space


def network(space: dict, frozen: bool, weights: str | None):
    """Return the source's model on another backbone: from pictures to a name and a box."""
    keras = space["keras"]
    backbone = keras.applications.MobileNetV2(
        input_shape=(SIZE, SIZE, 3), alpha=0.35, include_top=False, weights=weights, pooling="avg"
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99  # that of ResNet50: the averages follow in time
    backbone.trainable = not frozen
    heads = space["two_dense_heads"](backbone.output_shape[-1])
    return keras.Model(backbone.input, heads(backbone.output))


def row(
    space: dict, weights: str | None, trained: str, pixels: str, loss: str, seed: int
) -> list[float]:
    """Return the accuracy on training and on test pictures, and that of the most frequent name."""
    keras, images = space["keras"], space["images"]
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = network(space, trained == "heads", weights)
    losses = space["RIGHT" if loss == "right" else "BROKEN"]
    adam, shares = keras.optimizers.Adam(0.001), {"class": 0.5, "box": 0.5}
    model.compile(adam, losses, shares, jit_compile=False)
    rng, train = np.random.default_rng(seed), images.index[images["split"] == "train"]
    x = INPUTS[pixels](space["pixels"].astype("float32"))
    labels = images["label"].to_numpy()
    y = {"class": np.eye(len(CLASSES), dtype="float32")[labels], "box": space["boxes"]}
    order = np.concatenate([rng.permutation(train) for _ in range(STEPS * 32 // len(train) + 1)])
    for chosen in order[: STEPS * 32].reshape(-1, 32):
        model.train_on_batch(x[chosen], {name: part[chosen] for name, part in y.items()})
    right = model.predict(x, verbose=0)["class"].argmax(axis=1) == labels
    test = images.index[images["split"] == "test"]
    usual = (labels[test] == np.bincount(labels[train]).argmax()).mean()
    return [round(float(n), 4) for n in (right[train].mean(), right[test].mean(), usual)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    sample = os.environ.get("COURSEKIT_VOC_SAMPLE")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=sample, help="their directory")
    parser.add_argument("--weights", default="imagenet", help="imagenet, a file, or none")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    if options.photographs is None:
        print("Nothing is measured: name the photographs' directory, or set COURSEKIT_VOC_SAMPLE.")
        return
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# data voc2007_sample, MobileNetV2 0.35 at {SIZE} pixels, {STEPS} steps, "
        f"keras {version('keras')}, code {code}"
    )
    weights = None if options.weights == "none" else options.weights
    keys = [
        (trained, pixels, loss, seed)
        for seed, trained, pixels, loss in product(range(options.seeds), TRAINED, INPUTS, LOSSES)
    ]
    space = prepare(datasets.locate(options.photographs))
    _tables.measure(
        options.out / "unfrozen.csv", header, FIELDS, keys, lambda *key: row(space, weights, *key)
    )


if __name__ == "__main__":
    main()
