"""Measure what the exchange rate between two losses brings, with the code of lesson 06.

Each arm, which is a rate or a way to find one, is tuned on `val` with the same learning rates and
seeds; then it is trained with other seeds. It writes ``book/results/exchange_<name>.csv``, with the
scores on `val` and on `test` of each arm, learning rate and seed, and goes on where it was
interrupted. Arms that differ in a number only are trained at once, as members of one model.

``published_rates.csv`` has the scores on `val` of source 000's first model, with its own weight of
the box and with that of the second model, after the source's epochs and after its steps.
"""

import argparse
import contextlib
import io
import os
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from pathlib import Path

from coursekit import lessons, settings
from exercises import lesson_code

import numpy as np
import pandas as pd

import _tables

LESSON = "06_losses_and_weights"
USED = ("coarse", "sweep", "learn_rates", "fall", "one_by_one", "score", "both")
EXCHANGE = (0.1, 0.32, 1.0, 3.16, 10.0, 31.62, 100.0, 316.23, 1000.0)
APART = (0.1, 10.0, 1000.0)
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01)  # learning rates
TUNING, SEEDS = (100, 101, 102), range(10)
SCORES = ("accuracy", "mean_iou", "accuracy_at_iou_50")
FIELDS = ("arm", "rate", "use", "seed", "val_loss")
FIELDS += tuple(f"{split}_{score}" for split in ("val", "test") for score in SCORES)
PUBLISHED = ("weight", "epochs", "seed", "accuracy", "mean_iou")
WEIGHTS, LENGTHS = (0.01, 1 / 224**2), (20, 95)  # 95 epochs of mini have as many steps as 20 there
# of each group, its arms and how the lesson trains them, given its names
GROUPS: dict[str, tuple[tuple[str, ...], Callable]] = {
    "together": (
        tuple(f"w = {rate:g}" for rate in EXCHANGE),
        lambda space: space["sweep"](EXCHANGE),
    ),
    "apart": (
        tuple(f"apart, w = {rate:g}" for rate in APART),
        lambda space: space["sweep"](APART, apart=True),
    ),
    "from 0": (("learned, from 0",), lambda space: space["learn_rates"](1, 0.0)[0]),
    "from the mean box": (
        ("learned, from the mean box",),
        lambda space: space["learn_rates"](1, np.log(space["LAZY_BOX"]))[0],
    ),
    "falling": (("falling, 1000 to 1",), lambda space: space["fall"](1)),
    "name": (("first the name",), lambda space: space["one_by_one"](1, "class", "box")),
    "box": (("first the box",), lambda space: space["one_by_one"](1, "box", "class")),
}
GROUP_OF = {arm: group for group, (arms, _) in GROUPS.items() for arm in arms}


def run_cell(space: dict, name: str, lesson: str = LESSON) -> None:
    """Execute one cell of a lesson, without what it prints."""
    (cell,) = (cell for cell in lesson_code.read(lesson)["cells"] if cell["id"] == name)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(lesson_code.source(cell), space)


def prepare(used: Sequence[str] = USED) -> dict:
    """Return the lesson's names: its data, and what it defines among `used`."""
    _tables.prepare_images()
    notebook, space = lesson_code.read(LESSON), {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    run_cell(space, "data")
    space["SEED"] = lessons.SEED
    exec(lesson_code.needed(notebook, used), space)
    return space


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the table, and whether it holds."""
    scored = table[table["use"] == "score"].set_index(["arm", "seed"])
    together, _ = GROUPS["together"]

    def more(score: str, first: str, second: str) -> pd.Series:
        difference = scored.loc[first, f"test_{score}"] - scored.loc[second, f"test_{score}"]
        return _tables.interval(difference)

    def level(score: str, first: str, second: str, within: float = 0.02) -> bool:
        gap = more(score, first, second)
        return max(-gap["low"], gap["high"]) < within

    by_val = scored.groupby("arm")["val_accuracy_at_iou_50"].mean()
    best = by_val[list(together)].idxmax()
    free = together[: together.index("w = 100") + 1]
    iou = scored.groupby("arm")["test_mean_iou"].mean()
    ways = ("falling, 1000 to 1", "learned, from the mean box")
    return {
        "From 0.1 to 100 the boxes gain with every step.": iou[list(free)].is_monotonic_increasing,
        "Up to 100, the names lose less than 0.02 against 0.1.": (
            min(more("accuracy", arm, free[0])["low"] for arm in free[1:]) > -0.02
        ),
        "From 100 to 1000 the names lose, and the boxes gain less than 0.02.": (
            more("accuracy", "w = 1000", "w = 100")["high"] < 0
            and more("mean_iou", "w = 1000", "w = 100")["high"] < 0.02
        ),
        "Where nothing is shared, the rate moves boxes and names by less than 0.02.": all(
            level(score, "apart, w = 1000", "apart, w = 0.1") for score in SCORES[:2]
        ),
        "A layer for each head is level with the chosen rate in hits, or better.": (
            more("accuracy_at_iou_50", "apart, w = 10", best)["low"] > -0.02
        ),
        "The learned rate has better boxes from the mean box than from 0.": (
            more("mean_iou", "learned, from the mean box", "learned, from 0")["low"] > 0.02
        ),
        "Neither a falling nor a learned rate has more hits than the chosen one.": (
            max(more("accuracy_at_iou_50", way, best)["low"] for way in ways) < 0
        ),
        "One head after the other has the fewest hits.": (
            by_val.nsmallest(2).index.isin(["first the name", "first the box"]).all()
        ),
        "Of two heads, the second to learn is far worse.": (
            more("mean_iou", "first the name", best)["high"] < -0.05
            and more("accuracy", "first the box", best)["high"] < -0.1
        ),
    }


def slower(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about source 000's two weights, and whether it holds."""
    runs = table.set_index(["epochs", "weight", "seed"])["mean_iou"].sort_index()
    first, last = (
        _tables.interval(runs[epochs, WEIGHTS[0]] - runs[epochs, WEIGHTS[1]]) for epochs in LENGTHS
    )
    return {
        "After 20 epochs, the source's own weight has the better boxes.": first["low"] > 0.02,
        "After the source's steps, less than half of that is left.": (
            last["mean"] < first["mean"] / 2
        ),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the file")
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = prepare()
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    data = f"data {_tables.named(options.name)}, backbone {settings.backbone()}"
    header = f"# {data}, keras {space['keras'].__version__}, code {code}"
    file = options.out / f"exchange_{options.name}.csv"

    @cache
    def trained(group: str, rate: float, seed: int) -> dict[str, list[float]]:
        arms, train = GROUPS[group]
        space["RATE"], space["SEED"] = rate, seed
        model = train(space)
        parts = [space["score"](model, space[split]) for split in ("val", "test")]
        numbers = np.column_stack([space["both"](model), *parts]).round(4).tolist()
        space["keras"].backend.clear_session()
        return dict(zip(arms, numbers, strict=True))

    def row(arm: str, rate: float, _use: str, seed: int) -> list[float]:
        return trained(GROUP_OF[arm], rate, seed)[arm]

    tuning = [(a, rate, "choose", s) for rate in RATES for s in TUNING for a in GROUP_OF]
    _tables.measure(file, header, FIELDS, tuning, row)
    best = {
        arm: _tables.best(file, {"arm": arm, "use": "choose"}, "rate", "val_loss", lowest=True)
        for arm in GROUP_OF
    }
    keys = [(arm, best[arm], "score", seed) for seed in SEEDS[: options.seeds] for arm in GROUP_OF]
    sentences = verdicts(_tables.measure(file, header, FIELDS, keys, row))

    def published(weight: float, epochs: int, seed: int) -> list[float]:
        if "train_published" not in space:
            run_cell(space, "published")
        space["SEED"] = seed
        found = space["train_published"](weight, epochs)
        space["keras"].backend.clear_session()
        return [round(float(number), 4) for number in found]

    code = lesson_code.digest(lesson_code.read(LESSON), ("train_published",))
    header = f"# {data}, keras {space['keras'].__version__}, code {code}"
    keys = product(WEIGHTS, LENGTHS, range(min(options.seeds, 5)))
    file = options.out / "published_rates.csv"
    table = _tables.measure(file, header, PUBLISHED, keys, published)
    _tables.judge(sentences | slower(table))


if __name__ == "__main__":
    main()
