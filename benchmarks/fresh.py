"""Measure how often an interval covers, and what choosing on the test pictures is worth.

Fresh drawings answer what no set of photographs can. It writes ``book/results/coverage.csv``, with
the scores of one head of lesson 03 and their intervals on a hundred test sets, and on all of their
pictures; and ``book/results/choosing.csv``, with a row for each of the twenty heads among which
somebody chooses: its accuracy at IoU 0.5 on each of a hundred small test sets, and 1 or 0 for each
of the fresh drawings that nobody chose by.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path

from coursekit import metrics, settings, voc
from minivoc import CLASSES, dataset

import numpy as np
import pandas as pd

import _tables
import ideas

USED = ("pooled_head", "compile_heads", "encode", "decode")
# the pooled head needs the averages only
DATA = """
from dataclasses import replace

backbone = keras_backbones.load()
*_, LAST = backbone.shapes
mean = layers.GlobalAveragePooling2D(keepdims=True)(backbone.model.output[LAST])
network = keras.Model(backbone.model.input, {LAST: mean})
backbone = replace(backbone, model=network, shapes={LAST: tuple(mean.shape[1:])})
"""
SCORES = ("accuracy", "mean_iou", "accuracy_at_iou_50")
ENDS = ("", "_low", "_high")
COVERAGE = ("set", *(f"{score}{end}" for score in SCORES for end in ENDS))
SETS, PICTURES = 100, 200  # test sets, and pictures in each
SMALL, FRESH = 150, 5000  # pictures in a small test set, and kept to judge what was chosen
EPOCHS, BATCH = 40, 32  # as in lesson 03
SEEDS, WEIGHTS = range(5), (0.01, 0.005, 0.02, 0.04)  # of the box; the first as published
ROOM = 2400  # pictures that are drawn, and deleted again, at a time
FIRST_SEED = 30_000  # of the drawings; 2007 is that of mini


def averages(space: dict, images: pd.DataFrame, directory: Path, folder: Path) -> np.ndarray:
    """Return the last layer's averages of all pictures of a table, shape (n, 1, 1, channels)."""
    maps, _ = space["features"].extract(space["backbone"], images, directory, folder)
    (means,) = maps.values()
    return np.array(means)


def drawings(space: dict, n: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return table and averages of `n` drawings of one animal each, which no head has seen."""
    tables, means = [], []
    while (missing := n - sum(map(len, tables))) > 0:
        with tempfile.TemporaryDirectory(dir=settings.home()) as folder:
            part = Path(folder, "drawn")
            # about one in seven shows no animal, or several
            dataset.draw(part, min(ROOM, missing * 6 // 5 + 10), FIRST_SEED + len(tables))
            images = voc.single_object(voc.load_annotations(part), CLASSES)[:missing]
            tables.append(images.assign(split="test"))
            means.append(averages(space, images, part, Path(folder, "maps")))
        print(n - missing + len(images), "of", n, "fresh drawings", flush=True)
    return pd.concat(tables, ignore_index=True), np.concatenate(means)


def candidates(space: dict) -> dict:
    """Return lesson 03's pooled head, trained with each seed and weight of the box."""
    train, heads = space["train"], {}
    x, truth = space["x_last"][train], {"class": space["names"][train]}
    truth["box"] = space["targets"][train]
    for seed in SEEDS:
        for weight in WEIGHTS:
            space["keras"].utils.set_random_seed(seed)
            head = space["pooled_head"](x.shape[1:])
            space["compile_heads"](head, weight)
            head.fit(x, truth, BATCH, EPOCHS, verbose=0)
            heads[seed, weight] = head
    return heads


def outcomes(space: dict, head, images: pd.DataFrame, means: np.ndarray) -> np.ndarray:
    """Return the three scores of each picture, shape (n, 3)."""
    out = head(means)
    table = space["decode"](out["class"], out["box"], images)
    return metrics.outcomes(table)[list(SCORES)].to_numpy()


def with_interval(each: np.ndarray) -> list[float]:
    """Return for each score its mean over the pictures, and the ends of its interval."""
    ends = metrics.interval(metrics.bootstrap(each))
    return np.round([each.mean(axis=0), *ends], 4).T.ravel().tolist()


def by_set(hits: np.ndarray) -> list[float]:
    """Return one head's share of hits on each small set, then its hits on the fresh drawings.

    `hits` has a 1 or a 0 for each drawing.
    """
    small, judged = np.split(hits, [len(hits) - FRESH])
    shares = small.reshape(-1, SMALL).mean(axis=1)
    return [*np.round(shares, 4).tolist(), *judged.astype(int).tolist()]


def flattery(table: pd.DataFrame) -> pd.Series:
    """Return for each set what choosing by it adds to the winner's score there.

    It is the winner of this set minus that of the set before, both on the pictures of this set.
    """
    on_sets = table.filter(like="set ").to_numpy()
    best, sets = on_sets.argmax(axis=0), np.arange(on_sets.shape[1])
    return pd.Series(on_sets[best, sets] - on_sets[np.roll(best, 1), sets])


def prepare() -> dict:
    """Return the lesson's names, and the averages of the pictures of mini."""
    space = ideas.prepare(USED, DATA)
    with tempfile.TemporaryDirectory(dir=settings.home()) as folder:
        space["x_last"] = averages(space, space["images"], space["DATASET"], Path(folder))
    return space


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the files yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the files")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = prepare()
    total = SETS * PICTURES
    header = ideas.provenance(f"{total} drawings, version {dataset.VERSION}", space, USED)

    @cache
    def measured() -> np.ndarray:
        images, means = drawings(space, total)
        # each set is a sample of all drawings
        order = np.random.default_rng(0).permutation(total)
        images, means = images.iloc[order].reset_index(drop=True), means[order]
        heads = candidates(space).values()
        return np.stack([outcomes(space, head, images, means) for head in heads])

    def covering(number: str | int) -> list[float]:
        first = measured()[0]
        rows = slice(None)
        if number != "all":
            rows = slice(number * PICTURES, (number + 1) * PICTURES)
        return with_interval(first[rows])

    def choosing(seed: int, weight: float) -> list[float]:
        number = [*product(SEEDS, WEIGHTS)].index((seed, weight))
        return by_set(measured()[number, :, SCORES.index("accuracy_at_iou_50")])

    keys = [("all",), *((number,) for number in range(SETS))]
    _tables.measure(options.out / "coverage.csv", header, COVERAGE, keys, covering)
    small = [f"set {number}" for number in range((total - FRESH) // SMALL)]
    fields = ("seed", "weight", *small, *(f"fresh {number}" for number in range(FRESH)))
    heads = product(SEEDS, WEIGHTS)
    table = _tables.measure(options.out / "choosing.csv", header, fields, heads, choosing)
    added = _tables.interval(flattery(table))
    # it is always more than nothing, since the winner is the best on its set
    _tables.judge({"Choosing by 150 pictures adds more than 0.01.": added["low"] > 0.01})


if __name__ == "__main__":
    main()
