"""Measure source 002's recipe on rectangles: one layer on a frozen backbone, and its rivals.

All see the same few rectangles again and again, until the loss on validation rectangles rises. The
rate is chosen on those as well, with seed 0; three other seeds train with it. Each of the arms
gets the same rates. It writes ``book/results/frozen.csv``.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from coursekit import boxes
from exercises import lesson_code
from minivoc import rectangles

import numpy as np
import pandas as pd

import _tables
import outputs

LESSON = outputs.LESSON
DRAWN = ((1024, 7003), (256, 7004), (1000, 7005))  # rectangles to train, hold out, score; seeds
USED = ("last_maps", "recipe_head", "train_to_best", "plain_network", "sigmoid_target")
USED += ("from_sigmoid",)
WHITE = {"frozen, pixels 0 to 255": 255, "frozen, pixels 0 to 1": 1}
LAYER = "block_15"  # its map has 20,480 numbers; the last one of VGG16 has 25,088
ARMS = (*WHITE, "plain network")
RATES = (0.00003, 0.0001, 0.0003, 0.001, 0.003)
SEEDS = 3
FIELDS = ("arm", "rate", "seed", "epochs", "val_loss", "mean_iou", "seconds")


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the arms, and whether the seeds bear it out."""
    scored = table[table["seed"] > 0].set_index("seed")
    runs = {arm: rows["mean_iou"] for arm, rows in scored.groupby("arm")}
    truth = rectangles.draw_boxes(100_000, np.random.default_rng(0))
    mean_box = boxes.iou(truth, np.broadcast_to(truth.mean(axis=0), truth.shape)).mean()
    smallest = min(table["rate"])
    sentences = {
        f"The plain network is above {arm!r}.": (
            _tables.interval(runs["plain network"] - runs[arm])["low"] > 0
        )
        for arm in WHITE
    }
    return sentences | {
        "Each seed of the frozen arms is above the mean box.": (
            min(runs[arm].min() for arm in WHITE) > mean_box
        ),
        "Pixels of 0 to 255 are worse, seed by seed.": (
            (runs["frozen, pixels 0 to 1"] > runs["frozen, pixels 0 to 255"]).all()
        ),
        "The frozen arms take the smallest rate, the plain network a larger one.": all(
            (scored.loc[scored["arm"] == arm, "rate"] == smallest).all() == (arm in WHITE)
            for arm in ARMS
        ),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--epochs", type=int, default=100, help="at most")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    space, inputs = outputs.prepare(USED), {}
    keras = space["keras"]
    truths = [rectangles.draw_boxes(n, np.random.default_rng(seed)) for n, seed in DRAWN]
    targets = [space["sigmoid_target"](truth) for truth in truths]
    load = space["keras_backbones"].load
    backbone = load("efficientnet_lite0", layers=(LAYER,), weights="imagenet")
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    origin = f"backbone {backbone.name}, weights {backbone.weights}, keras {keras.__version__}"
    file = options.out / "frozen.csv"

    def pictures(arm: str) -> list[np.ndarray]:
        if arm not in inputs:
            inputs.clear()  # the features of one arm fill a quarter of a gigabyte
            inputs[arm] = [
                space["last_maps"](backbone, truth, WHITE[arm])
                if arm in WHITE
                else rectangles.paint(truth, rectangles.SIZE // 4)
                for truth in truths
            ]
        return inputs[arm]

    def row(arm: str, rate: float, seed: int) -> list[float]:
        seen, held_out, scored = pictures(arm)
        began = time.perf_counter()
        keras.utils.set_random_seed(seed)
        if arm in WHITE:
            model = space["recipe_head"](seen.shape[1])
        else:
            model = space["plain_network"](activation="sigmoid")
        data = (seen, targets[0]), (held_out, targets[1])
        history = space["train_to_best"](model, *data, rate, options.epochs)
        answer = space["from_sigmoid"](model.predict(scored, verbose=0))
        iou = float(boxes.iou(truths[2], answer).mean())
        losses = history["val_loss"]
        numbers = len(losses), round(min(losses), 6), round(iou, 4)
        return [*numbers, round(time.perf_counter() - began, 1)]

    def keys():
        for arm in ARMS:
            yield from ((arm, rate, 0) for rate in RATES)
            best = _tables.best(file, {"arm": arm, "seed": 0}, "rate", "val_loss", lowest=True)
            yield from ((arm, best, seed) for seed in range(1, options.seeds + 1))

    table = _tables.measure(file, f"# {origin}, code {code}", FIELDS, keys(), row)
    print(table[table["seed"] > 0].groupby("arm")["mean_iou"].agg(["mean", "min", "max"]).round(3))
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
