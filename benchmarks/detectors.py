"""Measure what focal loss and sets bring in lesson 08, and how many pictures they need.

Each kind of detector gets its learning rate on `val`, of the same ones and with the same seeds.
Then it is trained with other seeds, on all training pictures; points and sets also on parts of
them, and on more pictures that are drawn for it. It writes ``book/results/detectors.csv``, with
the scores on `val` and `test` of each kind, number of pictures, rate and seed, and goes on where
it was interrupted. With ``--photographs``, it measures points and sets on the data set in use
instead, on all of its training pictures, and writes ``detectors_<data set>.csv``.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import detection
from coursekit import datasets, settings
from detection import reading
from exercises import lesson_code
from minivoc import crowds

import numpy as np
import pandas as pd

import _tables
import exchange

LESSON = "08_one_to_many"
USED = ("train", "points_loss", "entropy_loss", "sets_loss", "read_points", "read_sets", "to_table")
USED += ("Points", "Sets", "focal", "targets_of", "true_boxes", "objects_of", "eleven_points")
# the kind of detector: its network, its loss, and how its answers are read
KINDS = {
    "focal": ("Points", "points_loss", "read_points"),
    "cross-entropy": ("Points", "entropy_loss", "read_points"),
    "sets": ("Sets", "sets_loss", "read_sets"),
}
RATES = (0.001, 0.002, 0.004, 0.008, 0.016)
TUNING = (100, 101)
SEEDS = {"focal": range(10), "cross-entropy": range(10), "sets": range(5)}  # sets train longest
SHARES, SHARE_SEEDS = (0.25, 4), range(3)
TOO_HIGH = {0.25: 0.008, 1: 0.008, 4: 0.004}  # rates from which on, says the lesson, sets fail
# photographs have more classes, and fewer pictures
PHOTO_RATES, PHOTO_SEEDS = RATES[1:4], range(3)
EPOCHS = 20
MORE = {"n": 2400, "seed": 2018}  # pictures for the shares above 1
FIELDS = ("kind", "share", "rate", "use", "seed", "pictures")
FIELDS += ("val_ap50", "val_ap", "test_ap50", "test_ap")
OF_PHOTOGRAPHS = ("kind", "rate", "use", "seed", "class", "objects")
OF_PHOTOGRAPHS += ("val_ap50", "test_ap50", "test_ap", "test_eleven_points")
MEAN = "mean"  # stands for all classes


def prepare(used: Sequence[str] = USED, change: Callable[[dict], None] | None = None) -> dict:
    """Return the lesson's names: its data, after `change` had a look, and what it defines."""
    notebook, space = lesson_code.read(LESSON), {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exchange.run_cell(space, "pictures", LESSON)
    if change:
        change(space)
    exchange.run_cell(space, "features", LESSON)
    exec(lesson_code.needed(notebook, {*used, "targets_of", "true_boxes"}), space)
    exchange.run_cell(space, "all-targets", LESSON)
    return space


def prepare_more() -> dict:
    """Return the lesson's names with further training pictures, which only this script draws.

    They come last, and are in none of the lesson's splits.
    """
    directory = datasets.draw_once(
        settings.home() / "more_crowds", lambda folder: crowds.draw(folder, **MORE)
    )

    def with_more(space: dict) -> None:
        table, objects, _ = reading.load(directory)
        for one in (table, objects):
            one["image_id"] = "more " + one["image_id"]
        files = [str(directory / "JPEGImages" / name) for name in table["filename"]]
        both = [[space["table"], table.assign(filename=files)], [space["objects"], objects]]
        space["table"], space["objects"] = (pd.concat(b, ignore_index=True) for b in both)

    return prepare(change=with_more)


def chosen(space: dict, share: float, seed: int) -> np.ndarray:
    """Return the training pictures of a share: a part of the lesson's, or all and some more."""
    train = space["rows"]["train"]
    n = round(share * len(train))
    if share <= 1:
        return np.sort(np.random.default_rng(seed).permutation(train)[:n])
    lesson = sum(map(len, space["rows"].values()))
    return np.concatenate([train, np.arange(lesson, lesson + n - len(train))])


def trained(space: dict, kind: str, share: float, rate: float, seed: int):
    """Return a trained detector, and the number of its training pictures.

    Fewer pictures are shown more often, so that none learns for fewer steps than with all of them.
    """
    network, loss, _ = KINDS[kind]
    some = chosen(space, share, seed)
    space["SEED"], space["EPOCHS"] = seed, round(EPOCHS / min(share, 1))
    return space["train"](space[network], space[loss], rate, some), len(some)


def detected(space: dict, kind: str, model, split: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what a detector finds in a split, and the objects that are there."""
    some = space["rows"][split]
    found = space["to_table"](some, *space[KINDS[kind][2]](model, some))
    return found, space["objects_of"](some)


def by_class(space: dict, kind: str, model) -> pd.DataFrame:
    """Return what `OF_PHOTOGRAPHS` has from "objects" on, a row for each class and for the mean."""
    found = {split: detected(space, kind, model, split) for split in ("val", "test")}
    precision = {split: detection.average_precision(*pair) for split, pair in found.items()}
    there = found["test"][1]
    rows = pd.DataFrame(
        {
            "objects": there[~there["difficult"]].groupby("name").size(),
            "val_ap50": precision["val"][0.5],
            "test_ap50": precision["test"][0.5],
            "test_ap": precision["test"].mean(axis=1),
            "test_eleven_points": space["eleven_points"](*found["test"]),
        }
    )
    rows.loc[MEAN] = rows.mean()
    rows.loc[MEAN, "objects"] = rows["objects"].drop(MEAN).sum()
    return rows.round(4)


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the table, and whether it holds."""
    scored = table[table["use"] == "score"].pivot(index="seed", columns="kind")
    by_share = table[table["use"].isin(["share", "score"])]
    by_share = by_share.pivot_table("val_ap50", ["kind", "share"], "seed")

    def more(first: str, second: str, column: str = "val_ap50") -> pd.Series:
        return _tables.interval(scored[column][first] - scored[column][second])

    def gap(share: float) -> pd.Series:
        return _tables.interval(by_share.loc["focal", share] - by_share.loc["sets", share])

    tried, largest = table[table["use"] == "choose"], max(SHARES)
    best = tried[tried["share"] == 1].groupby(["kind", "rate"])["val_ap50"].mean().unstack()
    too_high = tried[tried["rate"] >= tried["share"].map(TOO_HIGH)]
    difference, means = more("focal", "cross-entropy"), by_share.mean(axis=1)
    return {
        "In AP, the focal loss is ahead of cross-entropy, on val and on test.": (
            more("focal", "cross-entropy", "val_ap")["low"] > 0
            and more("focal", "cross-entropy", "test_ap")["low"] > 0
        ),
        "In AP50 on val, the interval of the difference includes 0.": (
            difference["low"] < 0 < difference["high"]
        ),
        "No rate that was chosen is the lowest or the highest.": (
            best.idxmax(axis=1).between(RATES[1], RATES[-2]).all()
        ),
        "Points learn at every rate, sets not where it is too high.": (
            tried[tried["kind"] == "focal"]["val_ap50"].min() > 0.15
            and too_high[too_high["kind"] == "sets"]["val_ap50"].max() < 0.02
        ),
        "With all pictures of the lesson, points beat sets by more than 0.2.": gap(1)["low"] > 0.2,
        "Points are ahead at every number of pictures.": (
            min(gap(share)["low"] for share in (*SHARES, 1)) > 0
        ),
        "With four times as many, sets find more than twice as much, points less than half more.": (
            means["sets", largest] > 2 * means["sets", 1]
            and means["focal", largest] < 1.5 * means["focal", 1]
        ),
        "The distance is smaller then, but the intervals overlap.": (
            gap(largest)["mean"] < gap(1)["mean"] and gap(largest)["high"] > gap(1)["low"]
        ),
    }


def of_crowds(options: argparse.Namespace, code: str) -> None:
    """Measure all kinds on the drawn pictures, and how many of them they need."""

    @cache
    def space() -> dict:
        return prepare_more()

    def row(kind: str, share: float, rate: float, _use: str, seed: int) -> list[float]:
        model, n = trained(space(), kind, share, rate, seed)
        pairs = [detected(space(), kind, model, split) for split in ("val", "test")]
        tables = [detection.average_precision(*pair) for pair in pairs]
        scores = [score for t in tables for score in (t[0.5].mean(), t.to_numpy().mean())]
        return [n, *np.round(scores, 4).tolist()]

    file = options.out / "detectors.csv"
    header = (
        f"# drawn crowds, version {crowds.VERSION}, backbone {settings.backbone()}, code {code}"
    )
    tuning = [
        (kind, 1, rate, "choose", seed) for rate in RATES for seed in TUNING for kind in KINDS
    ]
    compared = ("focal", "sets")
    tuning += [
        (kind, share, rate, "choose", TUNING[0])
        for rate in RATES
        for share in SHARES
        for kind in compared
    ]
    _tables.measure(file, header, FIELDS, tuning, row)

    @cache
    def best(kind: str, share: float) -> float:
        tried = {"kind": kind, "share": share, "use": "choose"}
        return _tables.best(file, tried, "rate", "val_ap50")

    keys = [(k, 1, best(k, 1), "score", i) for k in KINDS for i in SEEDS[k][: options.seeds]]
    keys += [
        (kind, share, best(kind, share), "share", seed)
        for seed in SHARE_SEEDS[: options.seeds]
        for share in SHARES
        for kind in compared
    ]
    _tables.judge(verdicts(_tables.measure(file, header, FIELDS, keys, row)))


def of_photographs(options: argparse.Namespace, code: str) -> None:
    """Measure points and sets on the data set in use, class by class."""

    @cache
    def space() -> dict:
        return prepare()

    @cache
    def scores(kind: str, rate: float, seed: int) -> pd.DataFrame:
        return by_class(space(), kind, trained(space(), kind, 1, rate, seed)[0])

    def row(kind: str, rate: float, _use: str, seed: int, name: str) -> list[float]:
        return scores(kind, rate, seed).loc[name].tolist()

    file = options.out / f"detectors_{options.name}.csv"
    header = f"# data {_tables.named(options.name)}, backbone {settings.backbone()}, code {code}"
    kinds = ("focal", "sets")
    tuning = [(kind, rate, "choose", TUNING[0], MEAN) for rate in PHOTO_RATES for kind in kinds]
    _tables.measure(file, header, OF_PHOTOGRAPHS, tuning, row)
    keys = []
    for kind in kinds:
        best = _tables.best(file, {"kind": kind, "use": "choose"}, "rate", "val_ap50")
        classes = [*scores(kind, best, 0).index]
        keys += [(kind, best, "score", s, c) for s in PHOTO_SEEDS[: options.seeds] for c in classes]
    _tables.measure(file, header, OF_PHOTOGRAPHS, keys, row)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", action="store_true", help="measure the data set in use")
    parser.add_argument("--name", default=settings.dataset_name(), help="of the data set, in files")
    parser.add_argument("--seeds", type=int, default=10, help="of each kind at most")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    (of_photographs if options.photographs else of_crowds)(options, code)


if __name__ == "__main__":
    main()
