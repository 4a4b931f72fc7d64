"""How large should the pictures be? Lesson 03's linear probe, with pictures of several sides.

Run it with the settings of `coursekit run`. It writes ``book/results/sizes_<name>.csv``, one row
for each side and fold: accuracy, read from averages of the last layer, and mean IoU, read from all
cells of the layers before it. The folds are those of the training and validation pictures: the
size is chosen there.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from coursekit import settings

import numpy as np

import _tables
import ideas

USED = ("probe", "decode", "encode")
FIELDS = ("size", "fold", "accuracy", "mean_iou")
SIZES, FOLDS = (224, 256, 320), 5
# the default backbone, for pictures of any side
DATA = """
from functools import partial
from unittest import mock
from efficientnet import in_keras

recipe = keras_backbones.RECIPES["efficientnet_lite0"]


def load(size):
    resized = recipe._replace(build=partial(in_keras.build, size=size))
    with mock.patch.dict(keras_backbones.RECIPES, efficientnet_lite0=resized):
        return keras_backbones.load("efficientnet_lite0", weights="imagenet")


backbone = load(224)
"""


def read(space: dict, size: int, folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what the probes read of pictures of this side: for the name, and for the box."""
    extract, load = space["features"].extract, space["load"]
    maps, _ = extract(load(size), space["images"], space["DATASET"], folder)
    *earlier, last = maps.values()
    cells = [values.reshape(len(values), -1) for values in earlier]
    return last.mean(axis=(1, 2), dtype="float32"), np.concatenate(cells, axis=1)


def row(space: dict, x: tuple[np.ndarray, np.ndarray], fold: int) -> list[float]:
    """Return accuracy and mean IoU on one fold, learned from the others."""
    used = ~space["test"]
    folds = np.random.default_rng(0).permutation(len(used)) % FOLDS
    learn, ask = used & (folds != fold), used & (folds == fold)
    return ideas.probed(space, *x, learn, ask)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the file")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = ideas.prepare(USED, DATA)
    with tempfile.TemporaryDirectory(dir=settings.home()) as folder:
        inputs = cache(lambda size: read(space, size, folder))
        _tables.measure(
            options.out / f"sizes_{options.name}.csv",
            *(ideas.provenance(options.name, space, USED), FIELDS),
            [(size, fold) for size in SIZES for fold in range(FOLDS)],
            lambda size, fold: row(space, inputs(size), fold),
        )


if __name__ == "__main__":
    main()
