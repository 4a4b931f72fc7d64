"""Measure the solutions of the open exercises, which instructors find on a page of the book.

The code of a lesson's solutions stands in ``benchmarks/solutions``, in cells that run at the end of
its notebook. Its table `RUNS` says what is measured: for each exercise functions, each with its
arms and places, the seeds, and which of the numbers that it returns are kept. It writes
``book/results/open_exercises/<lesson>.csv``, a row for each of these numbers, and goes on where it
was interrupted. Each lesson gets a process of its own, since not all have the same framework.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path

from coursekit import settings
from coursetools.publish import open_exercises as solutions
from exercises import lesson_code
from minivoc import crowds, figures

import _tables
import detectors
import exchange
import ideas
import outputs
import poses
import transfer


def rectangles(used: Sequence[str]) -> dict:
    """Return the names of lesson 01."""
    names = outputs.prepare(used) | {"SEED": settings.seed()}
    exchange.run_cell(names, "cell-98", outputs.LESSON)  # the rates
    return names


def joints(used: Sequence[str]) -> dict:
    """Return the names of lesson 07."""
    names = poses.prepare()
    exec(lesson_code.needed(lesson_code.read(poses.LESSON), used), names)
    return names


def annotations(used: Sequence[str]) -> dict:
    """Return the names of lesson 02, with its boxes and its table of images."""
    lesson = "02_voc_annotations"
    notebook, names = lesson_code.read(lesson), {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), names)
    exec(lesson_code.needed(notebook, used), names)
    names["DATASET"] = names["datasets"].prepare()
    for cell in ("cell-12", "cell-16"):
        exchange.run_cell(names, cell, lesson)
    return names | {"images": names["lessons"].load_images()}


def evaluation(used: Sequence[str]) -> dict:
    """Return the names of lesson 05: the predictions that the others left, and what runs said."""
    lesson = "05_evaluation"
    notebook, names = lesson_code.read(lesson), {"SEED": settings.seed()}
    exec(lesson_code.imports(lesson_code.taught(notebook)), names)
    exchange.run_cell(names, "4254fd6402", lesson)
    names["tables"]["center box"] = names["lessons"].load_predictions("center_box", lesson)
    for cell in ("a37d4df907", "f9d999ae12", "cell-103", "cell-122", "cell-109"):
        exchange.run_cell(names, cell, lesson)
    exec(lesson_code.needed(notebook, used), names)
    return names


FIELDS = ("exercise", "arm", "at", "seed", "what", "value")
MAPS = f"{_tables.named(settings.dataset_name())}, backbone {settings.backbone()}"
# how each lesson's names and data come about, and what its data are
LESSONS: dict[str, tuple[Callable, str]] = {
    "01": (rectangles, "fresh rectangles"),
    "02": (annotations, _tables.named(settings.dataset_name())),
    "03": (lambda used: ideas.prepare({*used, "encode"}), MAPS),
    "04": (lambda used: transfer.prepare({*used, "Samples"}), MAPS),
    "05": (evaluation, _tables.named(settings.dataset_name())),
    "06": (exchange.prepare, MAPS),
    "07": (joints, f"drawn figures, version {figures.VERSION}"),
    "08": (detectors.prepare, f"drawn crowds, version {crowds.VERSION}"),
}


def keys(runs: dict) -> Iterator[tuple]:
    """Yield the rows of a table, without their values."""
    for exercise, parts in runs.items():
        for _, arms, places, seeds, numbers in parts:
            for seed, arm, at in product(seeds, arms, places):
                yield from ((exercise, arm, at, seed, number) for number in numbers)


def measure(lesson: str, folder: Path) -> None:
    """Measure what the table of a lesson lacks."""
    prepare, data = LESSONS[lesson]
    source = "\n\n".join(solutions.code(lesson).values())
    names = prepare(lesson_code.names_in(source))
    exec(source, names)
    runs = names["RUNS"]

    run = lru_cache(1)(lambda function, *key: function(*key))  # once for all its numbers

    def row(exercise: int, arm: str, at, seed: int, number: str) -> list[float]:
        (function,) = (f for f, *_, numbers in runs[exercise] if number in numbers)
        return [round(float(run(function, arm, at, seed)[number]), 4)]

    header = f"# data {data}, code {solutions.digest(lesson)}"
    _tables.measure(folder / f"{lesson}.csv", header, FIELDS, keys(runs), row)
    _tables.judge(solutions.verdicts(lesson, solutions.table(lesson, folder)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the tables yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", default=[*LESSONS], help="their two digits")
    parser.add_argument("--out", type=Path, default=solutions.TABLES, help="folder of the tables")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    if len(options.lessons) == 1:
        measure(*options.lessons, options.out)
        return
    for lesson in options.lessons:
        command = [sys.executable, __file__, lesson, "--out", str(options.out)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
