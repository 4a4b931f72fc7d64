"""Reading the code of a lesson."""

from exercises import lesson_code

import pytest
from nbformat import v4

CELLS = [
    "import math\nimport os.path\nfrom json import dumps as write, loads",
    "WORDS = ['one', 'two']\nCLASSES = WORDS\nshown = 3",
    '@property\ndef taught(x):\n    """Return x."""\n    # Why.\n    return helper(x)',
    "def helper(x): return WORDS[x]\nclass Unused: pass",
]
EXERCISES = ["def solution(): return taught(1)\nimport re"]


def notebook(cells):
    before, after = ([v4.new_code_cell(text) for text in part] for part in (cells, EXERCISES))
    return v4.new_notebook(cells=[*before, v4.new_markdown_cell("## Exercises"), *after])


@pytest.fixture
def lesson():
    return notebook(CELLS)


def test_the_definitions_are_those_taught_as_they_were_written(lesson):
    wanted = [*CELLS[0].splitlines(), CELLS[2], *CELLS[3].splitlines()]
    assert lesson_code.definitions(lesson) == "\n\n\n".join(wanted)


def test_the_imports_are_all_or_those_that_bind_a_name(lesson):
    every = "import math\nimport os.path\nfrom json import dumps as write, loads\nimport re"
    assert lesson_code.imports(lesson) == every
    some = lesson_code.imports(lesson, lesson_code.names_in("write(os.path.sep)"))
    assert some == "import os.path\nfrom json import dumps as write"
    assert "import re" not in lesson_code.imports(lesson_code.taught(lesson))


def test_names_across_cells_are_those_left_and_those_needed_and_none_inside_a_function():
    code = """
import os.path as paths

@cache
def longest(words, rate=RATE):
    global SEED
    SEED, found = 1, [len(each) for each in words]
    return max(found), OTHERS, longest

class Kind(Base):
    size = 3
    half = size / 2

left, [right] = paths.split(word), [x for x in range(3)]
"""
    left, needed = lesson_code.names_across(code)
    assert left == {"paths", "longest", "Kind", "left", "right"}
    assert needed - {"__name__"} == {
        "cache", "RATE", "OTHERS", "Base", "word", "len", "max", "range"
    }  # fmt: skip


def test_what_a_function_needs_is_all_that_it_uses_and_no_data_and_no_exercise(lesson):
    code = lesson_code.needed(lesson, ["taught", "solution"])
    assert [line for line in code.splitlines() if line[:1].strip()] == [
        "WORDS = ['one', 'two']", "@property", "def taught(x):", "def helper(x):"
    ]  # fmt: skip
    assert "CLASSES" not in lesson_code.needed(lesson, ["CLASSES"])


CHANGES = {
    "docstring": ('"""Return x."""', '"""Return y."""', False),
    "comment": ("# Why.", "# How.", False),
    "layout": ("helper(x)", "helper(\n        x\n    )", False),
    "code": ("WORDS[x]", "WORDS[-x]", True),
    "table": ("'two'", "'three'", True),
    "something else": ("shown = 3", "shown = 4", False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_digest_changes_with_the_code_and_nothing_else(lesson, name):
    old, new, changes = CHANGES[name]
    assert sum(old in cell for cell in CELLS) >= 1
    other = notebook([cell.replace(old, new) for cell in CELLS])
    digests = {lesson_code.digest(one, ["taught"]) for one in (lesson, other)}
    assert len(digests) == 1 + changes


def test_a_notebook_reads_the_same_from_disk():
    cell = {"cell_type": "code", "source": ["x = 1\n", "y = 2"]}
    prose = {"cell_type": "markdown", "source": ["x"]}
    cells = lesson_code.code_cells({"cells": [cell, prose, cell | {"source": [" \n"]}]})
    assert [lesson_code.source(c) for c in cells] == ["x = 1\ny = 2"]
    assert lesson_code.read("02_voc_annotations")["nbformat"] == 4
