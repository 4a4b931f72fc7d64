"""Which layer of the default backbone knows the name, and which the place? A linear probe.

Run it with the settings of `coursekit run`. It writes ``book/results/layers_<name>.csv``: for each
layer the accuracy, read from averages, and the mean IoU, read from all cells. Both are those of the
validation split: layers are chosen there. Maps of more than 16 × 16 cells are averaged to 16 × 16.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from coursekit import settings

import numpy as np
import pandas as pd

import _tables
import ideas

USED = ("probe", "decode", "encode")
FIELDS = ("layer", "accuracy", "mean_iou")
# all layers at once, from a network that ends with the averages
DATA = """
from dataclasses import replace
from efficientnet import LAYERS

backbone = keras_backbones.load("efficientnet_lite0", LAYERS, "imagenet")
small = {
    layer: layers.AveragePooling2D(max(1, output.shape[1] // 16), name=f"small_{layer}")(output)
    for layer, output in backbone.model.output.items()
}
shapes = {layer: tuple(output.shape[1:]) for layer, output in small.items()}
backbone = replace(backbone, model=keras.Model(backbone.model.input, small), shapes=shapes)
"""


def row(space: dict, layer: str) -> list[float]:
    """Return accuracy and mean IoU of the probe of one layer."""
    cells = space["maps"][layer]
    averages = np.mean(cells, axis=(1, 2), dtype="float32")
    return ideas.probed(space, averages, cells, space["train"], space["val"])


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the curves, and whether they agree."""
    ranks, depth = table[["accuracy", "mean_iou"]].rank(), pd.Series(table.index, table.index)
    ordered = ranks.corrwith(depth).min()
    return {
        "Name and box get better with depth: rank correlation above 0.9.": ordered > 0.9,
        "The mean IoU peaks before the last layer.": table["mean_iou"].idxmax() < len(table) - 1,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the file")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = ideas.prepare(USED, DATA)
    header = ideas.provenance(options.name, space, USED)
    with tempfile.TemporaryDirectory(dir=settings.home()) as folder:
        space["maps"], _ = space["features"].extract(
            space["backbone"], space["images"], space["DATASET"], folder
        )
        table = _tables.measure(
            options.out / f"layers_{options.name}.csv",
            *(header, FIELDS, [(layer,) for layer in space["maps"]]),
            lambda layer: row(space, layer),
        )
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
