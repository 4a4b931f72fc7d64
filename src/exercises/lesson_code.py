"""Read the code of a lesson: its cells, what it defines, and a short name for what was measured.

It is here because the hunt of lesson 05 shows code of lesson 02; `coursetools`, the tests and
the benchmarks read the lessons with the same functions. A notebook is the parsed file, as JSON or
nbformat gives it.
"""

import ast
import dis
import hashlib
import json
import re
from collections.abc import Collection, Iterable
from itertools import takewhile
from types import CodeType

from coursekit import settings

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
DATA = ("CLASSES", "DATASET")  # upper-case names of a lesson that are read from the data set


def read(name: str) -> dict:
    """Return the notebook of the lesson with this file name, given without ``.ipynb``."""
    path = settings.CHECKOUT / "notebooks" / f"{name}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: dict) -> str:
    """Return a cell's text; on disk it may be a list of lines."""
    return "".join(cell["source"])


def code_cells(notebook: dict) -> list[dict]:
    """Return the code cells that hold code."""
    return [c for c in notebook["cells"] if c["cell_type"] == "code" and source(c).strip()]


def taught(notebook: dict) -> dict:
    """Return the notebook without its exercises, and what follows them."""

    def before_exercises(cell: dict) -> bool:
        return not re.search("^## Exercises$", source(cell), re.MULTILINE)

    return {"cells": list(takewhile(before_exercises, notebook["cells"]))}


def statements(notebook: dict) -> list[tuple[ast.stmt, str]]:
    """Return the statements of all code cells, each with its text as it was written."""
    pairs = []
    for cell in code_cells(notebook):
        lines = source(cell).splitlines()
        for node in ast.parse(source(cell)).body:
            first = min([node, *getattr(node, "decorator_list", [])], key=lambda n: n.lineno)
            pairs.append((node, "\n".join(lines[first.lineno - 1 : node.end_lineno])))
    return pairs


def imports(notebook: dict, names: Collection[str] | None = None) -> str:
    """Return the import statements of a notebook; with `names`, only what binds one of these."""
    kinds = ast.Import | ast.ImportFrom
    nodes = [node for node, _ in statements(notebook) if isinstance(node, kinds)]
    for node in nodes:
        node.names = [
            alias
            for alias in node.names
            if names is None or (alias.asname or alias.name).split(".")[0] in names
        ]
    return "\n".join(ast.unparse(node) for node in nodes if node.names)


def definitions(notebook: dict) -> str:
    """Return the imports, functions and classes that a lesson teaches, as they were written."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    pairs = statements(taught(notebook))
    return "\n\n\n".join(text for node, text in pairs if isinstance(node, kinds))


def names_in(code: str | ast.AST) -> set[str]:
    """Return the names that a piece of Python uses or binds."""
    tree = ast.parse(code) if isinstance(code, str) else code
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def names_across(code: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell leaves to others, and those that it needs from them.

    What a function calls its own does not count.
    """
    cell = compile(code, "cell", "exec")
    left, used, bodies = set(), set(), [cell]
    for body in bodies:
        steps = [(step.opname, step.argval) for step in dis.get_instructions(body)]
        stored = {name for what, name in steps if what == "STORE_NAME"}  # of a cell or a class
        used |= {name for what, name in steps if what in ("LOAD_NAME", "LOAD_GLOBAL")} - stored
        if body is cell:
            left = stored
        bodies += [inner for inner in body.co_consts if isinstance(inner, CodeType)]
    return left, used - left


def needed(notebook: dict, roots: Iterable[str]) -> str:
    """Return the functions, classes and tables of these names, and all that they use themselves.

    A table is an upper-case name that is assigned to, except those of `DATA`. Exercises do not
    count.
    """
    named = {}
    for node, _ in statements(taught(notebook)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            named[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.isupper() and name not in DATA:
                named[name] = node
    wanted: set[str] = set()
    waiting = [*roots]
    while waiting:
        name = waiting.pop()
        if name in named and name not in wanted:
            wanted.add(name)
            waiting += names_in(named[name])
    return "\n\n".join(ast.unparse(node) for name, node in named.items() if name in wanted)


def digest(notebook: dict, roots: Iterable[str]) -> str:
    """Return a short name for what `needed` returns, whatever its layout and its docstrings.

    Different code needs a new measurement.
    """
    return short_name(needed(notebook, roots))


def short_name(code: str) -> str:
    """Return a short name for code, whatever its layout and its docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.blake2b(ast.unparse(tree).encode(), digest_size=6).hexdigest()
