"""Measure what a lesson teaches with the lesson's own code, one row of a file at a time."""

import ast
import csv
import hashlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from coursekit import settings

import nbformat

sys.path.insert(0, str(settings.CHECKOUT / "tests" / "support"))
import hygiene

DATA = ("CLASSES", "DATASET")  # upper-case names of a lesson that are read from the data set


def notebook(lesson: str) -> nbformat.NotebookNode:
    """Return the notebook of a lesson."""
    return nbformat.read(settings.CHECKOUT / "notebooks" / f"{lesson}.ipynb", 4)


def code(lesson: str) -> str:
    """Return the imports, functions and classes of a lesson as one piece of Python."""
    return hygiene.definitions(notebook(lesson))


def digest(lesson: str, roots: Iterable[str] = ()) -> str:
    """Return a short name for the lesson's code, without its docstrings.

    Another code needs another measurement. With `roots`, names of functions and tables, only
    what these use counts; see `needed`.
    """
    tree = ast.parse(needed(lesson, roots) if roots else code(lesson))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.blake2b(ast.unparse(tree).encode(), digest_size=6).hexdigest()


def statements(lesson: str) -> list[ast.stmt]:
    """Return the statements of all code cells of a lesson, without its exercises."""
    cells = hygiene.code_cells(hygiene.lesson(notebook(lesson)))
    return ast.parse("\n".join(cell.source for cell in cells)).body


def imports(lesson: str) -> str:
    """Return the imports of a lesson."""
    kinds = ast.Import | ast.ImportFrom
    return "\n".join(ast.unparse(node) for node in statements(lesson) if isinstance(node, kinds))


def needed(lesson: str, roots: Iterable[str]) -> str:
    """Return the functions, classes and tables of these names, and all that they use themselves."""
    named = {}
    for node in statements(lesson):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            named[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.isupper() and name not in DATA:
                named[name] = node
    found, waiting = set(), [*roots]
    while waiting:
        name = waiting.pop()
        if name in named and name not in found:
            found.add(name)
            names = (node for node in ast.walk(named[name]) if isinstance(node, ast.Name))
            waiting += [node.id for node in names]
    return "\n\n".join(ast.unparse(node) for name, node in named.items() if name in found)


def results_file(name: str) -> Path:
    """Return where the measurements of this name lie."""
    return settings.CHECKOUT / "book" / "results" / f"{name}.csv"


def measure(
    file: Path, header: str, fields: tuple[str, ...], keys: Iterable[tuple], row: Callable
) -> None:
    """Append to a file the rows for all keys that it lacks; begin anew under another header.

    `row` takes the parts of a key, and returns the other fields of its row.
    """
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    if not lines or lines[0] != header:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{header}\n{','.join(fields)}\n", encoding="utf-8")
        lines = []
    rows = list(csv.reader(lines[2:]))
    for key in keys:
        if any(tuple(map(str, key)) == tuple(old[: len(key)]) for old in rows):
            continue
        new = [*key, *row(*key)]
        with file.open("a", newline="", encoding="utf-8") as target:
            csv.writer(target, lineterminator="\n").writerow(new)
        print(*new, flush=True)
