"""The checks of all lessons, the cells above them, and what they say."""

import contextlib
import importlib
import io
import json
import pkgutil
import re
from collections.abc import Callable
from itertools import pairwise

from coursekit.settings import CHECKOUT as ROOT
from exercises import checks
from exercises.checks import AnswerError, Check
from exercises.lesson_code import code_cells, definitions, source

import pytest

from hygiene import tags

LESSONS = [m.name for m in pkgutil.iter_modules(checks.__path__) if m.name.startswith("lesson_")]
ALL = {  # the checks of each lesson, by name
    lesson: {
        name: value
        for name, value in vars(importlib.import_module(f"exercises.checks.{lesson}")).items()
        if isinstance(value, Check)
    }
    for lesson in LESSONS
}
EACH = [(lesson, name) for lesson in LESSONS for name in ALL[lesson]]
each_check = pytest.mark.parametrize(("lesson", "name"), EACH, ids=[name for _, name in EACH])


def told(check: Check, answer: object) -> str:
    """Return what a check says about an answer."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            check(answer)
        except AnswerError as error:
            return str(error)
    return printed.getvalue().strip()


def read(lesson: str) -> dict:
    """Return the notebook of a lesson."""
    [path] = (ROOT / "notebooks").glob(f"{lesson.removeprefix('lesson_')}_*.ipynb")
    return json.loads(path.read_text(encoding="utf-8"))


def exercises(lesson: str) -> dict[str, str]:
    """Return the cell before each check, by the check's name."""
    cells = code_cells(read(lesson))
    pairs = [(a, b) for a, b in pairwise(cells) if "exercise" in tags(a)]
    return {re.match(r"checks\.(\w+)", source(check))[1]: source(cell) for cell, check in pairs}


def in_its_process(
    lesson: str, function: Callable, in_keras: Callable, in_torch: Callable
) -> object:
    """Return what a function finds in a lesson, in the process for the lesson's framework."""
    lines = definitions(read(lesson)).splitlines()
    processes = {"import keras": in_keras, "import torch": in_torch}
    calls = [call for line, call in processes.items() if line in lines]
    return calls[0](function, lesson) if calls else function(lesson)
