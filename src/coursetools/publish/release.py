"""The course for nbgrader: one assignment for each lesson, with points, ids and manual parts."""

import copy
import os
import re
import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from coursekit.files import write_whole
from coursetools.publish.student import CODE_STUB, NAME, TITLE, grading, mark, points

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log
from traitlets.config import PyFileConfigLoader

CONFIG = f"""\
# Settings of nbgrader. Call its commands in this folder.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "{NAME}"
# All students, also where a hub's settings say who you are.
c.CourseDirectory.student_id = "*"
c.ClearSolutions.code_stub = {CODE_STUB!r}
c.ClearSolutions.text_stub = "*Your answer here*"
# A lesson trains networks. Its cells may take longer than nbgrader's 30 seconds.
c.Execute.timeout = 600
"""
PICTURE = re.compile(r"\.\./(book/_static/)([\w.-]+)")


def with_answers(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """Return a copy in which a cell for the answer, graded by hand, follows each open exercise."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        for number, level in TITLE.findall(cell.source) if cell.cell_type == "markdown" else []:
            if level == "open":
                name = f"open-{lesson}-{number}"
                answer = nbformat.v4.new_markdown_cell(f"*Your answer to exercise {number}*")
                answer.id = name
                answer.metadata.nbgrader = grading(name, solution=True)
                answer.metadata.nbgrader |= {"grade": True, "points": points(level)}
                cells.append(answer)
    answered = copy.copy(notebook)
    answered.cells = cells
    return answered


def assignment(notebook: Path) -> str:
    """Return the name of a lesson's assignment."""
    return f"lesson-{notebook.name[:2]}"


def add_source(course: Path, notebook: Path) -> None:
    """Write a lesson, with its solutions and its pictures, into nbgrader's folder ``source``."""
    lesson = notebook.name[:2]
    marked = mark(nbformat.read(notebook, as_version=4), lesson)
    folder = course / "source" / assignment(notebook)
    for cell in marked.cells:
        for part, name in PICTURE.findall(cell.source) if cell.cell_type == "markdown" else []:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook.parents[1] / part / name, folder / name)
            cell.source = cell.source.replace(f"../{part}{name}", name)
    text = nbformat.writes(with_answers(marked, lesson))
    write_whole(folder / notebook.name, text + "\n")


def convert(course: Path, converter: type, **which: str) -> None:
    """Run a step of nbgrader in a course folder, with the settings in it.

    Parameters
    ----------
    course
        The folder.
    converter
        The step, one of `nbgrader.converters`.
    which
        `assignment_id`, and `student_id` when there is one.

    Raises
    ------
    RuntimeError
        When nbgrader refuses; with what it said.
    """
    # nbgrader starts the program alembic, which is beside the Python that runs.
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    folder = CourseDirectory(config=config, root=str(course), **which)
    result = capture_log(converter(coursedir=folder, config=config, force=True))
    if not result["success"]:
        raise RuntimeError(f"nbgrader refuses {which}:\n{result.get('log', result['error'])}")


def release(course: Path, notebooks: Sequence[Path]) -> Path:
    """Return `course`, a folder in which nbgrader can collect and grade.

    What was submitted and graded there, and the settings, stay.
    """
    if not (course / "nbgrader_config.py").exists():
        write_whole(course / "nbgrader_config.py", CONFIG)
    for notebook in notebooks:
        add_source(course, notebook)
        convert(course, GenerateAssignment, assignment_id=assignment(notebook))
    return course
