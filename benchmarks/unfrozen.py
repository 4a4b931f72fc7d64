"""Measure what may explain the class accuracy of source 003: its loss, its input, its training.

The source trains all of ResNet50 at a rate of 0.001, on pixels that were not prepared for it, with
a loss that sees two pictures of a batch. Here each of the three is right or as in the source, and
MobileNetV2 of a third of the width takes the place of ResNet50. ``--photographs`` is a directory
in VOC's layout, by default the one that ``COURSEKIT_VOC_SAMPLE`` names. It writes
``book/results/unfrozen.csv``, and goes on where it was interrupted. Its last columns are the test
pictures: 1 where the name is right. Its first row is that of the most frequent name.
"""

import argparse
import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path

from coursekit import datasets, metrics, voc
from coursekit.boxes import SIDES
from coursekit.pictures import read_picture
from exercises import lesson_code
from minivoc import CLASSES

import numpy as np
import pandas as pd

import _tables

LESSON = "03_keras_precomputed_features"
USED = ("two_dense_heads", "RIGHT", "BROKEN")
SCORES = ("train_accuracy", "accuracy")
FIELDS = ("trained", "input", "loss", "seed", *SCORES)  # then the test pictures
SIZE = 96  # pixels; the smallest that Keras' weights were made for
STEPS = 174  # six epochs of 29 batches: those whose log the source shows
TRAINED, LOSSES = ("heads", "all"), ("right", "as the source")
INPUTS = {
    "right": lambda pixels: pixels / 127.5 - 1,
    # what the source does to ResNet50, in the units of MobileNetV2: colours in the wrong order,
    # and not centered
    "as the source": lambda pixels: pixels[..., ::-1] / 127.5,
}
USUAL = ("most frequent name", "-", "-")  # a row for an answer that needs no training
# of each, ours and that of the source
FACTORS = {"trained": TRAINED, "input": tuple(INPUTS), "loss": LOSSES}


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
    space["pixels"] = np.stack([read_picture(file, SIZE) for file in files])
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


def scored(right: np.ndarray, images: pd.DataFrame) -> list[float]:
    """Return a row of the table, from whether each picture's name is right."""
    means = [round(float(right[images["split"] == part].mean()), 4) for part in ("train", "test")]
    return [*means, *right[images["split"] == "test"].astype(int).tolist()]


def row(
    space: dict, weights: str | None, trained: str, pixels: str, loss: str, seed: int
) -> list[float]:
    """Return the accuracy on training and on test pictures; for each of the latter, 1 if right."""
    keras, images = space["keras"], space["images"]
    labels, train = images["label"].to_numpy(), images.index[images["split"] == "train"]
    if trained == USUAL[0]:
        return scored(labels == np.bincount(labels[train]).argmax(), images)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = network(space, trained == "heads", weights)
    losses = space["RIGHT" if loss == "right" else "BROKEN"]
    adam, shares = keras.optimizers.Adam(0.001), {"class": 0.5, "box": 0.5}
    model.compile(adam, losses, shares, jit_compile=False)
    rng = np.random.default_rng(seed)
    x = INPUTS[pixels](space["pixels"].astype("float32"))
    y = {"class": np.eye(len(CLASSES), dtype="float32")[labels], "box": space["boxes"]}
    order = np.concatenate([rng.permutation(train) for _ in range(STEPS * 32 // len(train) + 1)])
    for chosen in order[: STEPS * 32].reshape(-1, 32):
        model.train_on_batch(x[chosen], {name: part[chosen] for name, part in y.items()})
    return scored(model.predict(x, verbose=0)["class"].argmax(axis=1) == labels, images)


def outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """Return whether each test picture's name is right, by way to train and seed."""
    return table.set_index([*FACTORS, "seed"]).drop(columns=[*SCORES]).sort_index()


def main_effects(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return for each of the three what the source's way takes from the accuracy, with its p-value.

    That is the mean over the four settings of the other two, picture by picture and seed by seed.
    """
    long, effects = outcomes(table).drop(USUAL[0]), {}
    for factor, (ours, source) in FACTORS.items():
        means = long.groupby([factor, "seed"]).mean()
        effects[factor] = metrics.two_way(means.loc[ours] - means.loc[source])
    return effects


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what lesson 05 says about the three, and whether the intervals agree."""
    right, source = outcomes(table), tuple(ways[1] for ways in FACTORS.values())
    ahead = metrics.two_way(right.loc[source] - right.loc[USUAL].iloc[0])
    learned = table.groupby([*FACTORS])["train_accuracy"].mean()[source]
    costs = {
        f"What is as in the source costs accuracy: {factor!r}.": effect["low"] > 0
        for factor, effect in main_effects(table).items()
    }
    return costs | {
        "With all three it is not safely above the most frequent name.": ahead["low"] < 0,
        "With all three it hardly learns its training pictures.": learned < 0.45,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    sample = os.environ.get("COURSEKIT_VOC_SAMPLE")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=sample, help="their directory")
    parser.add_argument("--weights", default="imagenet", help="imagenet, a file, or none")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    if options.photographs is None:
        print("Nothing is measured: name the photographs' directory, or set COURSEKIT_VOC_SAMPLE.")
        return
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# data voc2007_sample, MobileNetV2 0.35 at {SIZE} pixels, "
        f"weights {Path(options.weights).name}, {STEPS} steps, "
        f"keras {version('keras')}, code {code}"
    )
    weights = None if options.weights == "none" else options.weights
    keys = [(*USUAL, 0)] + [
        (trained, pixels, loss, seed)
        for seed, trained, pixels, loss in product(range(options.seeds), TRAINED, INPUTS, LOSSES)
    ]
    space = prepare(datasets.locate(options.photographs))
    images = space["images"]
    fields = (*FIELDS, *images.loc[images["split"] == "test", "image_id"].astype(str))
    table = _tables.measure(
        options.out / "unfrozen.csv", header, fields, keys, lambda *key: row(space, weights, *key)
    )
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
