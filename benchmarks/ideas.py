"""Measure what each idea of lesson 03 brings, on several seeds, with the lesson's own code.

Run it with the settings of `coursekit run`: ``COURSEKIT_DATASET``, ``COURSEKIT_BACKBONE`` and
``COURSEKIT_WEIGHTS``. It writes ``book/results/heads_<name>.csv``, one row for each step and seed,
goes on where it was interrupted, and says whether the order of the models holds on every seed.
"""

import argparse
import gc
import os
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from coursekit import metrics, settings
from exercises import lesson_code

import pandas as pd

import _tables

LESSON = "03_keras_precomputed_features"
STEPS = {  # each adds an idea to those before it
    "+ fractions": (),
    "+ positions": ("positions",),
    "+ earlier layers": ("earlier layers",),
    "+ IoU loss": ("IoU loss",),
    "+ mirrored": ("mirrored",),
    "+ regularized": ("regularized",),
    "+ schedule": ("schedule",),
}
FIELDS = ("step", "seed", "accuracy", "mean_iou", "accuracy_at_iou_50", "seconds")
USED = (  # of the lesson; the tables must be measured again when these change
    *("pooled_head", "spatial_head", "compile_heads", "fit", "train_ours", "answer"),
    *("encode", "decode", "score"),
)
ENDS = ("pooled", "spatial", "+ mirrored")  # the models of the lesson, on more seeds
IMAGES = """
images = lessons.load_images()
CLASSES = images.groupby("label")["name"].first().tolist()
DATASET = datasets.locate()
subsets = {split: (images["split"] == split).to_numpy() for split in ("train", "val", "test")}
train, val, test = subsets.values()
"""
MAPS = """
backbone = keras_backbones.load()
*_, LAST = backbone.shapes
maps, _ = features.extract(backbone, images, DATASET)
averages = {LAST: maps[LAST].mean(axis=(1, 2), dtype="float32")}
x_last, x_all = maps[LAST], maps | averages
"""


def prepare(used: Sequence[str] = USED, data: str = MAPS) -> dict:
    """Return the lesson's names: what it defines among `used`, and its data.

    `data` is code that makes the backbone and, where the lesson needs them, the maps.
    """
    _tables.prepare_images()
    notebook = lesson_code.read(LESSON)
    space: dict = {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(IMAGES + data, space)
    exec(lesson_code.needed(notebook, used), space)
    exec("names, targets = encode(images)", space)
    return space


def published(space: dict, name: str, seed: int):
    """Return one of the recipe's models, trained as published, its features and its unit."""
    space["keras"].utils.set_random_seed(seed)
    model = space[f"{name}_head"](space["x_last"].shape[1:])
    space["compile_heads"](model, 0.01 if name == "pooled" else 1 / space["SIZE"] ** 2)
    space["fit"](model, space["x_last"], space["train"], 40 if name == "pooled" else 25)
    return model, space["x_last"], 1


def measure(space: dict, step: str, ideas: tuple[str, ...], seed: int) -> list:
    """Return the scores on the test split, and the seconds, of one step with one seed."""
    start = time.perf_counter()
    if step == "mean box":
        boxes = space["targets"][space["train"]].mean(axis=0)[None].repeat(len(space["images"]), 0)
        classes = space["names"][space["train"]].mean(axis=0)[None].repeat(len(boxes), 0)
    else:
        if step in ("pooled", "spatial"):
            model, x, unit = published(space, step, seed)
        else:
            model, x = space["train_ours"](seed, ideas)
            unit = space["SIZE"]
        out = space["answer"](model, x)
        classes, boxes = out["class"], out["box"] * unit
    scores = space["score"](space["decode"](classes, boxes, space["images"])).loc["test"]
    space["keras"].backend.clear_session()
    gc.collect()
    return [*scores.round(4), round(time.perf_counter() - start, 1)]


def provenance(name: str, space: dict, used: Sequence[str]) -> str:
    """Return the first line of a table: the data set of this name, the backbone, and the code."""
    identity, code = space["backbone"].identity, lesson_code.digest(lesson_code.read(LESSON), used)
    return (
        f"# data {name}, backbone {identity['backbone']}, weights {identity['weights']}, "
        f"keras {space['keras'].__version__}, code {code}"
    )


def probed(space: dict, for_name, for_box, learn, ask) -> list[float]:
    """Return accuracy and mean IoU of lesson 03's probe, from what it reads of the pictures.

    It learns from the pictures `learn`, and answers for those of `ask`.
    """
    classes, _ = space["probe"](for_name, learn, ask)
    _, boxes = space["probe"](for_box, learn, ask)
    table = space["decode"](classes, boxes, space["images"][ask])
    return [round(metrics.named(table).mean(), 4), round(metrics.iou(table).mean(), 4)]


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the order of its models, and whether every seed agrees."""
    seeds = _tables.seeds_of(table)
    order = ["mean box", *ENDS]
    return {
        f"The mean IoU of {better!r} is above that of {worse!r} on every seed.": (
            seeds[better].min() > seeds[worse].max()
        )
        for worse, better in pairwise(order)
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the file")
    parser.add_argument("--seeds", type=int, default=3, help="for each idea")
    parser.add_argument("--more", type=int, default=5, help="seeds for the lesson's three models")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = prepare()
    header = provenance(options.name, space, USED)
    steps, ideas = {"mean box": (), "pooled": (), "spatial": ()}, ()
    for step, idea in STEPS.items():
        ideas += idea
        steps[step] = ideas
    numbers = {"mean box": 1} | dict.fromkeys(ENDS, options.more)
    keys = [(step, seed) for step in steps for seed in range(numbers.get(step, options.seeds))]
    table = _tables.measure(
        options.out / f"heads_{options.name}.csv",
        *(header, FIELDS, keys),
        lambda step, seed: measure(space, step, steps[step], seed),
    )
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
