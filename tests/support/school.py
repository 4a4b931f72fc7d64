"""A course folder, nbgrader's exchange, and a class: what a rehearsal of grading needs."""

import os
import re
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from coursetools.publish import release

import nbformat
from nbgrader.api import Gradebook

from exercising import read, split, tagged

TITLE = re.compile(r"^:::+\{admonition\} Exercise (\d+)(?: \((.+?)\))?", re.MULTILINE)
POINTS = {"easy": 1, "open": 3}  # all others: 2, as the page for instructors says


class Exercise(NamedTuple):
    """What the class and the teacher know of one exercise."""

    cell: str
    points: int
    answer: str
    by_hand: bool


def exercises(lesson: Path) -> list[Exercise]:
    """Return the exercises of a lesson, with the answers that its author wrote."""
    notebook, number, found = read(lesson), lesson.name[:2], []
    code = iter(tagged(notebook, "exercise"))
    for title, level in TITLE.findall("\n".join(cell.source for cell in notebook.cells)):
        by_hand = level == "open"
        answer = "I have tried it." if by_hand else lines(next(code).source)
        cell = f"{'open' if by_hand else 'exercise'}-{number}-{title}"
        found.append(Exercise(cell, POINTS.get(level, 2), answer, by_hand))
    return found


def lines(source: str) -> str:
    """Return an exercise's cell with its solution, but without the marks around it."""
    return "\n".join(line for part in split(source) for line in part)


def total(some: Sequence[Exercise]) -> int:
    """Return the points of some exercises."""
    return sum(one.points for one in some)


def answer(path: Path, solved: Sequence[Exercise]) -> None:
    """Write the answers of some exercises into a notebook, as a student does."""
    notebook, answers = read(path), {one.cell: one.answer for one in solved}
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    nbformat.write(notebook, path)


def failed(path: Path) -> list[str]:
    """Return the ids of the cells that failed in a notebook; a number where one has none."""
    return [
        cell.metadata.get("nbgrader", {}).get("grade_id", str(i))
        for i, cell in enumerate(read(path).cells)
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]


class School:
    """A course folder and an exchange in a folder, in which each student gets one too."""

    def __init__(self, folder: Path, lessons: Sequence[Path]):
        self.folder, self.course, self.exchange = folder, folder / "course", folder / "exchange"
        self.exchange.mkdir()
        self.exchange.chmod(0o777)
        release.release(self.course, lessons)

    def call(self, who: str, command: str, *arguments: str) -> None:
        """Run one of nbgrader's programs in the folder of the ``course``, or of a student."""
        scripts, where = sysconfig.get_path("scripts"), self.folder / who
        where.mkdir(exist_ok=True)
        environment = os.environ | {
            "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
            "JUPYTER_DATA_DIR": str(self.folder / "data" / who),
            "COURSEKIT_ARTIFACTS": str(self.folder / "artifacts"),
        }
        settings = [
            f"--Exchange.root={self.exchange}",
            f"--course={release.NAME}",
            "--log-level=WARN",
        ]
        run = subprocess.run(
            [Path(scripts) / "nbgrader", command, *arguments, *settings],
            cwd=where,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"nbgrader {command}:\n{run.stdout}\n{run.stderr}"

    def gradebook(self) -> Gradebook:
        """Return the teacher's gradebook."""
        return Gradebook(f"sqlite:///{self.course / 'gradebook.db'}")
