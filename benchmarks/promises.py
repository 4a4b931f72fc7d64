"""Measure how many sides of boxes the promises of lesson 06 hold, on ten test sets of new drawings.

The heads learn and promise as in the lesson, with its own code; the pointing head is the one that
lesson 03 leaves behind. It writes ``book/results/promises.csv``: for each promise and each test set
the share of the sides that are held, and the mean width, as a fraction of the picture.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from coursekit import boxes, settings, voc
from coursekit.boxes import SIDES
from exercises import lesson_code
from minivoc import CLASSES, dataset

import numpy as np
import pandas as pd

import _tables
import exchange

LESSON = exchange.LESSON
USED = ("coarse", "learn_spreads", "laplace_sides", "pointing_sides", "keep_promise")
FIELDS = ("promise", "set", "held", "width")
PROMISES = {  # the head that says the spread, and whether one width is taken for all pictures
    "Laplace": ("laplace_sides", False),
    "Laplace, one width": ("laplace_sides", True),
    "pointing": ("pointing_sides", False),
    "pointing, one width": ("pointing_sides", True),
}
SETS, PICTURES = 10, 300
MEMBERS = 10
FIRST_SEED = 60_000  # of the drawings; 2007 is that of mini


def fresh(space: dict, number: int) -> tuple[pd.DataFrame, dict]:
    """Return table and maps of a test set of new drawings, each with one animal."""
    with tempfile.TemporaryDirectory(dir=settings.home()) as folder:
        part = Path(folder, "drawn")
        # about one in seven shows no animal, or several
        dataset.draw(part, PICTURES * 5 // 4, FIRST_SEED + number)
        table = voc.single_object(voc.load_annotations(part), CLASSES)[:PICTURES]
        extract = space["features"].extract
        maps, _ = extract(space["backbone"], table, part, Path(folder, "maps"))
        return table, {layer: np.array(values) for layer, values in maps.items()}


def prepare(sets: int) -> dict:
    """Return the lesson's names, whose data go on with the new drawings, and trained heads."""
    space = exchange.prepare(("coarse",))
    made = [fresh(space, number) for number in range(sets)]
    tables, maps = zip(*made, strict=True) if made else ((), ())
    truth = [boxes.normalize(t[SIDES], t[["width", "height"]]).astype("float32") for t in tables]
    spread = space["spread"] + 0.1 * space["spread"].mean()
    x = [(space["coarse"](part[space["layer"]]) - space["mean"]) / spread for part in maps]
    n, sizes = len(space["x"]), [len(table) for table in tables]
    space["set"] = np.concatenate([np.full(n, -1), np.repeat(np.arange(sets), sizes)])
    for split in ("train", "val", "test"):
        space[split] = np.concatenate([space[split], np.zeros(sum(sizes), bool)])
    space["labels"] = np.concatenate([space["labels"], np.full(sum(sizes), -1)])
    space["truth"] = np.concatenate([space["truth"], *truth])
    space["x"] = np.concatenate([space["x"], *x])
    space["maps"] = {
        layer: np.concatenate([values, *(part[layer] for part in maps)])
        for layer, values in space["maps"].items()
    }
    space["of_test"] = space["test"]
    exec(lesson_code.needed(lesson_code.read(LESSON), USED), space)
    space["sure"] = space["learn_spreads"](MEMBERS)
    exchange.run_cell(space, "pointing")
    return space


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the table, and whether it holds."""
    new = table[table["set"] != "test"]
    held, width = (new.groupby("promise")[part].mean() for part in ("held", "width"))
    return {
        "Each promise holds at least 88 % of the sides of the new sets.": held.min() >= 0.88,
        "Laplace's own spread makes its intervals narrower.": (
            width["Laplace"] < width["Laplace, one width"]
        ),
        "The pointing head's own spread makes its intervals wider.": (
            width["pointing"] > width["pointing, one width"]
        ),
        "With one width, the pointing head's are the narrowest.": (
            width.idxmin() == "pointing, one width"
        ),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    data = f"data {_tables.named('mini')}, backbone {settings.backbone()}"

    @cache
    def space() -> dict:
        return prepare(options.sets)

    def row(promise: str, part: str | int) -> list[float]:
        sides, plain = PROMISES[promise]
        names = space()
        names["test"] = names["of_test"] if part == "test" else names["set"] == part
        kept = names["keep_promise"](names[sides], plain)
        return [round(kept["sides held"], 4), round(kept["mean width"], 4)]

    keys = [(promise, part) for part in ("test", *range(options.sets)) for promise in PROMISES]
    header = f"# {data}, {PICTURES} drawings a set, code {code}"
    table = _tables.measure(options.out / "promises.csv", header, FIELDS, keys, row)
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
