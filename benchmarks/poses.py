"""Measure what the heads of lesson 07 and their mirrored pictures bring, with its own code.

Each arm is a head, and how half of its training pictures are mirrored. Its learning rate is chosen
on `val`, of the same ones and with the same seeds; then it is trained with other seeds. It writes
``book/results/poses.csv``, with the scores on `val` and on `test` of each arm, learning rate and
seed, and goes on where it was interrupted.
"""

import argparse
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from coursekit import lessons, settings
from exercises import lesson_code
from minivoc import figures

import numpy as np
import pandas as pd

import _tables
import exchange

LESSON = "07_boxes_to_joints"
CELLS = ("figures", "mean-pose", "features", "model", "pck")
USED = ("train_pose", "mirrored_maps", "by_chance", "mirror_figure", "mirror_points", "predict")
USED += ("swapped", "oks")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
TUNING, SEEDS = (100, 101, 102), range(10)
SCORES = ("pck", "oks", "swapped", "accuracy")
FIELDS = ("head", "mirrored", "rate", "use", "seed", "val_loss")
FIELDS += tuple(f"{split}_{score}" for split in ("val", "test") for score in SCORES)
# how the joints of a mirrored picture are found, and whether only its map is turned around
MIRRORED = {
    "no": None,
    "pictures": ("mirror_figure", False),
    "pictures, sides not exchanged": ("mirror_points", False),
    "maps": ("mirror_figure", True),
    "maps, sides not exchanged": ("mirror_points", True),
}
ARMS = [("dense", "no"), ("dense", "pictures"), *(("heat maps", way) for way in MIRRORED)]


def prepare() -> dict:
    """Return the lesson's names: its data, what it defines, and both kinds of mirrored maps."""
    notebook, space = lesson_code.read(LESSON), {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    space["SEED"] = lessons.SEED
    for name in CELLS:
        exchange.run_cell(space, name, LESSON)
    exec(lesson_code.needed(notebook, USED), space)
    space["place_in_train"] = space["torch"].from_numpy(np.cumsum(space["train"]) - 1)
    return space


def score(space: dict, points: np.ndarray, names: np.ndarray, rows: np.ndarray) -> list[float]:
    """Return the four scores of some pictures."""
    right = space["share"](space["correct"](points)[rows])
    areas = space["table"]["area"].to_numpy().clip(1)[rows]
    likeness = space["oks"](space["distances"](points)[rows], areas).mean()
    swapped = space["share"](space["swapped"](points)[rows])
    accuracy = (names[rows] == space["labels"].numpy()[rows]).mean()
    return [right, likeness, swapped, accuracy]


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the table, and whether it holds."""
    scored = table[table["use"] == "score"].set_index(["head", "mirrored", "seed"]).sort_index()

    def more(first: tuple, second: tuple, what: str = "pck", split: str = "test") -> pd.Series:
        column = f"{split}_{what}"
        return _tables.interval(scored.loc[first, column] - scored.loc[second, column])

    heat, dense = ("heat maps", "no"), ("dense", "no")
    mirrored, mistaken = ("heat maps", "pictures"), ("heat maps", "pictures, sides not exchanged")
    turned, both = ("heat maps", "maps"), ("heat maps", "maps, sides not exchanged")
    ways = scored.loc["heat maps"].groupby("mirrored")["val_pck"].mean()
    return {
        "Heat maps beat the dense head: in PCK by more than 0.1, and in OKS.": (
            more(heat, dense)["low"] > 0.1 and more(heat, dense, "oks")["low"] > 0.05
        ),
        "With mirrored pictures, too.": more(mirrored, ("dense", "pictures"))["low"] > 0.05,
        "Mirrored pictures help.": more(mirrored, heat)["low"] > 0,
        "Not to exchange the sides costs more than mirroring brings.": (
            -more(mistaken, heat)["high"] > more(mirrored, heat)["high"]
        ),
        "Mirrored maps are worse than none, although the sides are exchanged.": (
            more(turned, heat)["high"] < -0.05
        ),
        "They are about as bad as the mistake.": (
            max(abs(more(turned, mistaken)["low"]), abs(more(turned, mistaken)["high"])) < 0.05
        ),
        "With both mistakes at once, nearly all is as without mirroring.": (
            max(abs(more(both, heat)["low"]), abs(more(both, heat)["high"])) < 0.03
        ),
        "On val, mirrored pictures are the best.": ways.idxmax() == "pictures",
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    drawn = f"drawn figures, version {figures.VERSION}"
    data = settings.figures() or drawn

    @cache
    def space() -> dict:
        return prepare()

    @cache
    def turned(only_maps: bool) -> tuple:
        names = space()
        if not only_maps:
            return names["mirrored_maps"]()
        rows = names["train"]
        return names["x"][rows].flip(3), names["averages"][rows]

    def row(head: str, mirrored: str, rate: float, _use: str, seed: int) -> list[float]:
        names = space()
        names["SEED"], names["RATE"] = seed, rate
        change = None
        if MIRRORED[mirrored]:
            how, only_maps = MIRRORED[mirrored]
            names["turned"] = turned(only_maps)
            change = names["by_chance"](names[how])
        model = names["train_pose"](head, change)
        points, found = names["predict"](model)
        with names["torch"].no_grad():
            loss = names["losses"](model, *names["take"](names["val"]))["head"].item()
        parts = [score(names, points, found, names[split]) for split in ("val", "test")]
        return np.round([loss, *parts[0], *parts[1]], 4).tolist()

    file = options.out / "poses.csv"
    header = f"# {data}, backbone {settings.backbone()}, code {code}"
    tuning = [(*arm, rate, "choose", seed) for rate in RATES for seed in TUNING for arm in ARMS]
    _tables.measure(file, header, FIELDS, tuning, row)
    best = {
        arm: _tables.best(
            file,
            dict(zip(FIELDS[:2], arm, strict=True)) | {"use": "choose"},
            "rate",
            "val_loss",
            True,
        )
        for arm in ARMS
    }
    keys = [(*arm, best[arm], "score", seed) for seed in SEEDS[: options.seeds] for arm in ARMS]
    _tables.judge(verdicts(_tables.measure(file, header, FIELDS, keys, row)))


if __name__ == "__main__":
    main()
