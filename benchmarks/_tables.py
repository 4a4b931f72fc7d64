"""The measured tables of ``book/results``: written one row at a time, and judged at the end."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from coursekit import lessons, metrics, settings
from coursekit.files import write_whole
from coursetools import runner
from minivoc import dataset

import pandas as pd

FOLDER = settings.CHECKOUT / "book" / "results"


def prepare_images() -> None:
    """Run lesson 02 where it has not run on the data set yet: the other lessons need its table."""
    if not lessons.artifacts_file("images.csv").exists():
        with tempfile.TemporaryDirectory() as folder:
            runner.run(runner.find_notebooks(["02"]), Path(folder, "notebooks"))


def named(name: str) -> str:
    """Return a data set's name for a table's first line; `mini` with the version of its pictures.

    So a table that was measured on pictures of another version begins anew.
    """
    return f"{name}, version {dataset.VERSION}" if name == "mini" else name


def measure(
    file: Path, header: str, fields: tuple[str, ...], keys: Iterable[tuple], row: Callable
) -> pd.DataFrame:
    """Return a file's table, after its rows for all keys that it lacked have been measured.

    `row` takes the parts of a key, and returns the other fields of its row. Under another header,
    or with other fields, the file begins anew.
    """
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    head = [header, ",".join(fields)]
    if lines[:2] != head:
        lines = head
        _write(file, head, [])
    measured = list(csv.reader(lines[2:]))
    for key in keys:
        if any(tuple(map(str, key)) == tuple(old[: len(key)]) for old in measured):
            continue
        new = [*key, *row(*key)]
        measured.append([*map(str, new)])
        _write(file, head, measured)
        print(*new[:9], flush=True)  # the beginning of a long row
    return pd.read_csv(file, comment="#")


def _write(file: Path, head: list[str], rows: list[list[str]]) -> None:
    """Write a table whole, so that a measurement that is killed leaves no half a row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(file, "\n".join([*head, text.getvalue()]))


def best(file: Path, rows: dict, setting: str, score: str, lowest: bool = False) -> float:
    """Return the setting that scored best among those rows of a file that have these values.

    With several seeds it is the mean that counts; of equal ones the first wins.
    """
    table = pd.read_csv(file, comment="#")
    chosen = table[(table[[*rows]] == pd.Series(rows)).all(axis=1)]
    scores = chosen.groupby(setting, sort=False)[score].mean()
    return float(scores.idxmin() if lowest else scores.idxmax())


def seeds_of(table: pd.DataFrame, field: str = "mean_iou") -> dict[str, pd.Series]:
    """Return a number of each seed, by step; of all training pictures, where shares differ."""
    if "share" in table:
        table = table[table["share"] == 100]
    return dict(iter(table.groupby("step")[field]))


def interval(values: pd.Series) -> pd.Series:
    """Return ``mean, low, high`` of one number for each run; see `coursekit.metrics.over_runs`."""
    return metrics.over_runs(values, [0] * len(values)).iloc[0]


def judge(sentences: dict[str, bool]) -> None:
    """Print whether each sentence holds in the table; what the lessons say rests on them."""
    for sentence, holds in sentences.items():
        print(f"{'✓' if holds else '✗ does not hold:'} {sentence}")
