"""Write the page for instructors on the open exercises, ``book/open_exercises.md``.

For each lesson, ``benchmarks/solutions`` holds a text and the code of the solutions, and
``book/results/open_exercises`` what they measured. A number in a text is a place for one of these.

Run `python -m coursetools.publish.open_exercises` after one of them has changed, and commit the
page and its figures.
"""

import hashlib
import re
from pathlib import Path

from coursekit import metrics, plotting, settings
from coursekit.files import write_whole, written_whole
from coursetools.publish import results_page
from exercises import lesson_code

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

ROOT = settings.CHECKOUT
SOLUTIONS = ROOT / "benchmarks" / "solutions"
TABLES = ROOT / "book" / "results" / "open_exercises"
FIGURES = ROOT / "book" / "_static" / "open_exercises"
PAGE = ROOT / "book" / "open_exercises.md"
HALF_HOUR = "half an hour"  # what the text of the one long exercise says
TASK = re.compile(
    r":::\{admonition\} (Exercise (\d+) \(open\))\n:class: exercise\n(.+?)\n:::", re.S
)
HEAD = """# The open exercises, solved

What may you expect of an answer, and how do you grade it? Here are the open exercises of each
lesson, with what came out when we did them, what a good answer says, where answers go wrong, and
three points to give.

The code runs as it stands in a new cell at the end of the lesson's notebook. Where the code of
another exercise must run first, the page says so. Each function takes what names a cell of the
table below the expected result, and a seed; `figure` takes a table with a row for each such number,
and the columns `arm`, `at`, `seed`, `what` and `value`.

The numbers were measured with this code, on two cores; `make measure` measures them again. Behind a
mean stands the standard deviation over the seeds, behind a difference of runs with the same seeds
its 95 % interval. With so few seeds, take both as a hint. Another machine gives other last digits:
grade the reasoning, not the numbers.

This page is for teachers. The students' edition leaves it out.
"""


def lessons() -> list[str]:
    """Return the numbers of the lessons that have solutions."""
    return [path.stem[-2:] for path in sorted(SOLUTIONS.glob("lesson_*.md"))]


def tasks(number: str) -> dict[int, str]:
    """Return the text of each open exercise of a lesson."""
    cells = lesson_code.read(results_page.LESSONS[number])["cells"]
    found = [TASK.search(lesson_code.source(cell)) for cell in cells]
    return {int(task[2]): task[3] for task in found if task}


def code(number: str) -> dict[str, str]:
    """Return the cells of a lesson's solutions, by the titles behind ``# %%``."""
    file = SOLUTIONS / f"lesson_{number}.py"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    parts = re.split(r"^# %% (.+)\n", text, flags=re.MULTILINE)
    return {title: cell.strip("\n") for title, cell in zip(parts[1::2], parts[2::2], strict=True)}


def blocks(number: str) -> dict[int, str]:
    """Return the code that the page shows, by the number of the exercise."""
    cells: dict[int, list[str]] = {}
    for title, cell in code(number).items():
        if task := re.match(r"Exercise (\d+)", title):
            cells.setdefault(int(task[1]), []).append(cell)
    return {task: "\n\n\n".join(parts) for task, parts in cells.items()}


def run_first(number: str, task: int) -> str:
    """Return which code must run before that of an exercise, as the page says it."""
    shown = blocks(number)
    _, used = lesson_code.names_across(shown[task])
    first = [f"{n}" for n, cell in shown.items() if used & lesson_code.names_across(cell)[0]]
    return f"First run the code of exercise {' and of exercise '.join(first)}.\n\n" if first else ""


def digest(number: str) -> str:
    """Return a short name for the code that measured, the lesson's and the solutions'."""
    lesson = lesson_code.taught(lesson_code.read(results_page.LESSONS[number]))
    ours = [{"cell_type": "code", "source": cell} for cell in code(number).values()]
    return lesson_code.digest({"cells": [*lesson["cells"], *ours]}, ["RUNS"])


def table(number: str, folder: Path = TABLES) -> pd.DataFrame:
    """Return what the solutions of a lesson measured; `at` is text, and may be empty."""
    texts, file = dict.fromkeys(("arm", "at", "what"), str), folder / f"{number}.csv"
    return pd.read_csv(file, comment="#", dtype=texts, keep_default_na=False)


def values(runs: pd.DataFrame, what: str, place: str) -> pd.Series:
    """Return the values of a place, ``arm`` or ``arm @ at``, by seed."""
    arm, _, at = (part.strip() for part in place.partition(" @ "))
    found = runs[(runs["arm"] == arm) & (runs["at"] == at) & (runs["what"] == what)]
    if found.empty:
        raise ValueError(f"No {what!r} of {place!r} was measured. Look for it in {TABLES}.")
    return found.set_index("seed")["value"]


def verdicts(number: str, runs: pd.DataFrame) -> dict[str, bool]:
    """Return what the texts of a lesson say about its table, and whether it holds."""

    def of(exercise: int, what: str, place: str) -> pd.Series:
        return values(runs[runs["exercise"] == exercise], what, place)

    def surely(gain: pd.Series) -> bool:
        """Return whether the 95 % interval of paired differences lies above 0."""
        return metrics.over_runs(gain, [0] * len(gain)).loc[0, "low"] > 0

    names = {"of": of, "surely": surely, "pd": pd}
    exec(code(number)["Verdicts"], names)
    return names["verdicts"]()


def short(number: float) -> str:
    """Return a number with three digits behind the point, fewer if it is large, four if tiny."""
    if 0 < abs(number) < 0.0005:
        return f"{number:.4f}"
    return f"{number:,.{3 if abs(number) < 10 else 1 if abs(number) < 100 else 0}f}"


def spread(found: pd.Series, less: str = "less than ") -> str:
    """Return " ± " and the standard deviation; nothing where all are the same."""
    if found.nunique() == 1:
        return ""
    return f" ± {less}0.001" if found.std() < 0.0005 else f" ± {short(found.std())}"


def in_words(runs: pd.DataFrame, place: str) -> str:
    """Return a number for a place of a text: ``what: place`` or ``what: place - place``.

    One place gives mean ± standard deviation, two the difference of the same seeds and its 95 %
    interval.
    """
    what, _, places = place.partition(": ")
    first, *second = places.split(" - ")
    found = values(runs, what, first)
    if not second:
        return short(found.mean()) + spread(found)
    gain = found - values(runs, what, second[0])
    row = metrics.over_runs(gain, [0] * len(gain)).loc[0]
    return "{} ({} to {})".format(*map(short, row[["mean", "low", "high"]]))


def measured(runs: pd.DataFrame, caption: str | None = None) -> str:
    """Return a table of the mean of each number, with its standard deviation over the seeds."""
    whats, ats, arms = (runs[column].unique() for column in ("what", "at", "arm"))
    cells = {}
    for key, found in runs.groupby(["arm", "at", "what"], sort=False)["value"]:
        more = spread(found, "&lt;&nbsp;").replace(" ± ", "<br>±&nbsp;")
        cells[key] = short(found.mean()) + more
    if caption is None:
        caption = f"Mean ± standard deviation, {runs['seed'].nunique()} seeds."
        if len(whats) == 1:
            caption = f"{whats[0][0].upper()}{whats[0][1:]}. {caption}"
    if len(whats) == 1 and len(ats) > 1:  # one number: a column for each place
        rows = [[arm, *(cells.get((arm, at, whats[0]), "–") for at in ats)] for arm in arms]
        return results_page.table(caption, ["", *ats], rows)
    rows = [
        [", ".join(filter(None, key)), *(cells.get((*key, what), "–") for what in whats)]
        for key in dict.fromkeys((arm, at) for arm, at, _ in cells)
    ]
    return results_page.table(caption, ["", *whats], rows)


def exercise(number: str, task: int, text: str) -> str:
    """Return the part of the page on one exercise."""
    runs = table(number) if "[[" in text else None
    if runs is not None:
        runs = runs[runs["exercise"] == task]
    text = re.sub(
        r"\[\[table(?:: (.+?))?(?: \| (.+?))?\]\]",
        lambda found: measured(_only(runs, found[1]), found[2]),
        text,
    )
    text = re.sub(r"\[\[(.+?)\]\]", lambda match: in_words(runs, match[1]), text)
    text = text.replace("(figure)", f"(_static/open_exercises/{number}.svg)")
    quoted = "\n".join(f"> {line}".rstrip() for line in tasks(number)[task].splitlines())
    parts = [f"### Lesson {number}, exercise {task}", quoted, text.strip()]
    if shown := blocks(number).get(task):
        block = f"{run_first(number, task)}```python\n{shown}\n```"
        parts.append(f"::::{{admonition}} A solution in code\n:class: dropdown\n\n{block}\n::::")
    return "\n\n".join(parts)


def _only(runs: pd.DataFrame, whats: str | None) -> pd.DataFrame:
    return runs if whats is None else runs[runs["what"].isin(whats.split(", "))]


def texts(number: str) -> dict[int, str]:
    """Return what is said of each exercise of a lesson, by its number."""
    text = (SOLUTIONS / f"lesson_{number}.md").read_text(encoding="utf-8")
    parts = re.split(r"^## Exercise (\d+)\n", text, flags=re.MULTILINE)
    return dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))


def page() -> str:
    """Return the page, made from the texts, the code and the tables."""
    parts = [HEAD]
    for number in lessons():
        parts.append(f"## {results_page.lesson(number)}")
        parts += [exercise(number, task, text) for task, text in texts(number).items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def draw(number: str) -> None:
    """Draw the figure of a lesson's long exercise, with the code of its solution."""
    names: dict = {"np": np, "pd": pd, "plt": plt, "plotting": plotting, "metrics": metrics}
    task, cell = long_one(number)
    exec(cell, names)
    runs = table(number)
    with plt.rc_context({"svg.hashsalt": number}):
        names["figure"](runs[runs["exercise"] == task])
        with written_whole(FIGURES / f"{number}.svg") as new:
            plt.savefig(new, metadata={"Date": None, "Description": drawn_from(number)})
    plt.close()


def long_one(number: str) -> tuple[int, str]:
    """Return the number of the exercise that ends in a figure, and the code of the figure."""
    ((title, cell),) = (pair for pair in code(number).items() if pair[0].endswith("its figure"))
    return int(re.search(r"\d+", title)[0]), cell


def drawn_from(number: str) -> str:
    """Return a short name for what a lesson's figure was drawn from: its code and its table."""
    text = long_one(number)[1] + (TABLES / f"{number}.csv").read_text(encoding="utf-8")
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


if __name__ == "__main__":
    mpl.use("agg")
    plotting.use_style()
    for each in lessons():
        draw(each)
    write_whole(PAGE, page())
