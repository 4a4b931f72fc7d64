"""Every check, asked with right answers in other styles and with small changes of right answers."""

import ast
import contextlib
import copy
import functools
import importlib
import inspect
import io
import re
import warnings
from collections.abc import Callable, Iterator

from exercises.checks import AnswerError, Check
from exercises.checks.core import SLIPS, _same, _slipped
from exercises.lesson_code import imports

import pytest
from hypothesis import HealthCheck, given, seed, settings

from checking import ALL, each_check, exercises, in_its_process, read

EXAMPLES = 30


# --------------------------------------------------------------------- small changes of a program

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
}
TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
NAMES = {"max": "min", "maximum": "minimum", "ceil": "floor"}
NAMES |= {new: old for old, new in NAMES.items()}


def changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Return how one node of a program may be changed: the field, and its new value."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in OPERATORS:
        yield "op", OPERATORS[type(node.op)]()
    if isinstance(node, ast.Compare):
        for table in (OPERATORS, TURNED):
            if type(node.ops[0]) in table:
                yield "ops", [table[type(node.ops[0])](), *node.ops[1:]]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "op", ast.UAdd()
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield "value", not node.value
        elif isinstance(node.value, int | float):
            yield "value", node.value + (1 if isinstance(node.value, int) else 0.1)
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield "attr", NAMES[node.attr]
    if isinstance(node, ast.Name) and node.id in NAMES:
        yield "id", NAMES[node.id]
    lines = getattr(node, "body", None)
    for i, line in enumerate(lines if isinstance(lines, list) else ()):
        if isinstance(line, ast.Assign | ast.AugAssign):
            yield "body", [*lines[:i], ast.Pass(), *lines[i + 1 :]]


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Return a program with one change each, and what was changed."""
    tree = ast.parse(text)
    for number, node in enumerate(ast.walk(tree)):
        for field, value in changes(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[number]
            line = getattr(node, "lineno", 0)
            setattr(target, field, value)
            ast.fix_missing_locations(changed)
            yield f"line {line}: {ast.unparse(target)}"[:150], ast.unparse(changed)


# ----------------------------------------------------------------------------- what a check says


def passes(check: Check, answer: Callable) -> str:
    """Return nothing when an answer passes, else what the check says."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        try:
            check(answer)
        except AnswerError as error:
            return str(error)
    return ""


def differs(check: Check, answer: Callable, inputs) -> str:
    """Return the first input found for which an answer is wrong or which it changes, or nothing."""

    @seed(0)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
        report_multiple_bugs=False,
    )
    @given(inputs)
    def agree(case):
        before, kept = copy.deepcopy(case), copy.deepcopy(case)
        assert _same(answer(*case), check.right(*before), check.close), f"{kept}"
        assert all(_same(a, b, 0) for a, b in zip(case, kept, strict=True)), "changed"

    with warnings.catch_warnings(action="ignore"):
        try:
            agree()
        except Exception as error:
            return f"{type(error).__name__}: {error}".partition("\nFalsifying")[0]
    return ""


def after(right: Callable, slip: Callable) -> Callable:
    """Return the right answer with a slip in its numbers."""
    return lambda *case: _slipped(right(*case), slip, None)


def styles(lesson: str, name: str) -> dict[str, str]:
    """Return the text of each right answer in another style."""
    module = importlib.import_module(f"styles.{lesson}")
    return {
        found: inspect.getsource(function)
        for found, function in vars(module).items()
        if found.rpartition("_in_")[0] == name
    }


def function(text: str, space: dict) -> Callable:
    """Return the function that a text defines."""
    space = {"__name__": "__main__"} | space
    exec(compile(text, "<answer>", "exec"), space)
    return space[re.search(r"^def (\w+)", text, re.MULTILINE)[1]]


def examine(lesson: str) -> dict[str, dict]:
    """Return what each check of a lesson does wrong: right answers refused, others let through."""
    module = importlib.import_module(f"styles.{lesson}")
    exec(imports(read(lesson)), lesson_space := {})
    report = {}
    for name, check in ALL[lesson].items():
        answers = {"solution": (exercises(lesson)[name], lesson_space)}
        answers |= {style: (text, vars(module)) for style, text in styles(lesson, name).items()}
        refused, missed, unnamed = {}, [], []
        for style, (text, space) in answers.items():
            answer = function(text, space)
            said = passes(check, answer) or differs(check, answer, module.INPUTS[name])
            if said:
                refused[style] = said
            for change, mutant in mutants(text):
                try:
                    answer = function(mutant, space)
                except Exception:
                    continue
                if not passes(check, answer):
                    found = differs(check, answer, module.INPUTS[name])
                    missed.append(f"{style}, {change} [{found}]")
        for sentence, slip in SLIPS:
            slipped = after(check.right, slip)
            if not passes(check, slipped):
                missed.append(f"{sentence} [{differs(check, slipped, module.INPUTS[name])}]")
            elif "is not right yet" in passes(check, slipped):
                unnamed.append(sentence)
        report[name] = {
            "styles": len(answers),
            "refused": refused,
            "missed": [change for change in missed if not change.endswith("[]")],
            "unnamed": unnamed,
        }
    return report


@pytest.fixture(scope="module")
def found(in_keras, in_torch) -> Callable:
    """Return what `examine` finds in a lesson, asked once, in the process for its framework."""
    return functools.cache(lambda lesson: in_its_process(lesson, examine, in_keras, in_torch))


@each_check
def test_a_right_answer_passes_in_every_style_and_leaves_its_arguments_alone(found, lesson, name):
    report = found(lesson)[name]
    assert report["styles"] >= 3
    assert report["refused"] == {}


@each_check
def test_percent_and_whole_numbers_and_a_turned_sign_are_named(found, lesson, name):
    assert found(lesson)[name]["unnamed"] == []


@each_check
def test_each_small_change_of_a_right_answer_fails_or_changes_nothing(found, lesson, name):
    assert found(lesson)[name]["missed"] == []
