"""A lesson with exercises, made for a test; and how to find them in a real one."""

import contextlib
import io
import textwrap

from coursekit.settings import CHECKOUT as ROOT
from exercises import lesson_code
from exercises.lesson_code import BEGIN, END

import nbformat
from nbformat import v4

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
STUB = "# Your code here\nraise NotImplementedError()"
CHECKS = """
def tell(function, right):
    assert function(2, 3) == right, "You see the misunderstanding."
    print("✓")
"""
SOLUTION = """
def {name}(a, b):
    \"\"\"Return the {name}.\"\"\"
    ### BEGIN SOLUTION
    zebracrossing = a {sign} b
    return zebracrossing
    ### END SOLUTION
"""


def code(text, *tags, output=None, count=None):
    outputs = [] if output is None else [v4.new_output("stream", text=output + "\n")]
    cell = v4.new_code_cell(text.strip(), outputs=outputs, execution_count=count)
    if tags:
        cell.metadata.tags = list(tags)
    return cell


def title(number, level=""):
    words = f"Exercise {number}{level and f' ({level})'}"
    return v4.new_markdown_cell(f":::{{admonition}} {words}\n:class: exercise\nWrite it.\n:::")


def lesson():
    """A lesson of two exercises that check themselves, for 1 and 2 points, and an open one."""
    cells = [
        v4.new_markdown_cell("# A lesson\n![A goal](../book/_static/goal_01.png)"),
        code(CHECKS + 'print("a lesson")', output="a lesson", count=1),
        title(1, "easy"),
        code(SOLUTION.format(name="total", sign="+"), "exercise", "hide-input", count=2),
        code("tell(total, 5)", "check", output="✓ checked", count=3),
        title(2),
        code(SOLUTION.format(name="product", sign="*"), "exercise", "hide-input", count=4),
        code("tell(product, 6)", "check", output="✓ checked", count=5),
        title(3, "open"),
    ]
    for i, cell in enumerate(cells):
        cell.id = f"cell-{i}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def read(path):
    return nbformat.read(path, as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def split(source):
    """Return what is before, in and after the solution of a cell, as lists of lines."""
    lines = source.split("\n")
    (begin,) = (i for i, line in enumerate(lines) if line.strip() == BEGIN)
    (end,) = (i for i, line in enumerate(lines) if line.strip() == END)
    return lines[:begin], lines[begin + 1 : end], lines[end + 1 :]


def stubbed(source):
    """Return a cell's text with the stub, made without nbgrader."""
    before, solution, after = split(source)
    stub = textwrap.indent(STUB, solution[0][: -len(solution[0].lstrip())])
    return "\n".join([*before, stub, *after])


def imports(notebook):
    """Return the import statements of a lesson that its exercises and checks need."""
    own = [cell.source for tag in ("exercise", "check") for cell in tagged(notebook, tag)]
    return lesson_code.imports(notebook, lesson_code.names_in("\n".join(own)))


def told(lessons):
    """Return what the checks say, as pairs of a name and a text.

    `lessons` are triples of a name, the imports, and the pairs of an exercise and its check.
    """
    texts = []
    for name, setup, pairs in lessons:
        exec(setup, space := {})
        for exercise, check in pairs:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                try:
                    exec(exercise, space)
                    exec(check, space)
                except AssertionError as error:
                    print(error)
            texts.append((name, printed.getvalue()))
    return texts
