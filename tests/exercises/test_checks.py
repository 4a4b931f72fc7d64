"""The checks of the exercises: what they say to the right answer, to none, and to wrong ones."""

import decimal
import fractions
import functools
import importlib
import inspect
import re
import sys
import warnings
from collections.abc import Callable

from exercises import checks
from exercises.checks import AnswerError, Check
from exercises.lesson_code import definitions, imports, source

import numpy as np
import pandas as pd
import pytest

from checking import ALL, EACH, LESSONS, each_check, exercises, in_its_process, read, told
from hygiene import SOLUTION
from processes import python

NONSENSE = re.escape(str({"non": "sense"}))
STUB = "    raise NotImplementedError()"
UNWRITTEN = "is not written yet. Replace the line that raises."


# ------------------------------------------------ each lesson in the process for its framework


def examine(lesson: str) -> dict[str, dict]:
    """Return what each check of a lesson says; only what the lesson imports is there."""
    exec(imports(read(lesson)), space := {})
    cells = exercises(lesson)
    report = {}
    for name, check in ALL[lesson].items():
        cell = cells[name]
        solution, stub = (_function(text, space) for text in (cell, SOLUTION.sub(STUB, cell)))
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            wrong = {sentence: told(check, answer) for sentence, answer in check.wrong.items()}
        with warnings.catch_warnings(action="error", category=RuntimeWarning):
            report[name] = {
                "wrong": wrong,
                "right": told(check._replace(without={}), check.right),
                "nonsense": told(check, nonsense),
                "solution": told(check, solution),
                "stub": told(check, stub),
                "parameters": [[*inspect.signature(f).parameters] for f in (check.right, solution)],
            }
    return report


def nonsense(*_):
    return {"non": "sense"}


def _function(cell: str, space: dict) -> object:
    """Return the function that a cell defines last."""
    before = set(space)
    exec(cell, space := dict(space))
    return [value for name, value in space.items() if name not in before and callable(value)][-1]


@pytest.fixture(scope="module")
def said(in_keras, in_torch) -> Callable:
    """Return what `examine` finds in a lesson, asked once, in the process for its framework."""
    return functools.cache(lambda lesson: in_its_process(lesson, examine, in_keras, in_torch))


@each_check
def test_the_right_answer_passes(said, lesson, name):
    assert re.fullmatch(r"✓ \S+ is right\.", said(lesson)[name]["right"])


@each_check
def test_each_wrong_answer_is_told_its_own_misunderstanding(said, lesson, name):
    wrong = said(lesson)[name]["wrong"]
    assert {sentence: told for sentence, told in wrong.items() if told != sentence} == {}


@each_check
def test_at_least_two_misunderstandings_are_known_and_told_to_you(lesson, name):
    sentences = list(ALL[lesson][name].wrong)
    assert len(sentences) >= 2
    unfit = [s for s in sentences if not re.search(r"\b[Yy]our?\b", s) or s[-1] not in ".?"]
    assert unfit == []


@each_check
def test_a_nonsense_answer_is_told_the_numbers_of_a_small_case(said, lesson, name):
    first = said(lesson)[name]["parameters"][0][0]
    words = rf"nonsense is not right yet. For {first} = (.+) it gives {NONSENSE}, but .+ is right\."
    case = re.fullmatch(words, said(lesson)[name]["nonsense"])[1]
    # definitions of a percentile agree only where there are many means
    assert name == "middle_95" or "an array of shape" not in case


@each_check
def test_the_solution_in_the_lesson_passes(said, lesson, name):
    assert re.fullmatch(r"✓ \S+ is right\.", said(lesson)[name]["solution"])


@each_check
def test_the_stub_in_the_lesson_is_not_written_yet(said, lesson, name):
    assert said(lesson)[name]["stub"].endswith(UNWRITTEN)


@each_check
def test_a_check_names_the_arguments_as_the_lesson_does(said, lesson, name):
    ours, theirs = said(lesson)[name]["parameters"]
    assert ours == theirs


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_exercise_has_its_check_and_each_check_its_exercise(lesson):
    assert sorted(exercises(lesson)) == sorted(ALL[lesson])


def test_every_check_has_a_name_of_its_own_and_can_be_imported():
    assert sorted(name for _, name in EACH) == sorted({*checks.__all__} - {"AnswerError", "Check"})
    assert all(getattr(checks, name) is ALL[lesson][name] for lesson, name in EACH)


def test_importing_the_checks_imports_no_framework():
    code = "import sys, exercises.checks; print(*{'keras', 'tensorflow', 'torch'} & {*sys.modules})"
    run = python("-c", code)
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr


# --------------------------------------------------------------------------------- the core


def add(first, second):
    return first + second


ADD = Check(
    right=add,
    cases=lambda: [(np.arange(3.0), np.ones(3)), (1, 2)],
    wrong={"You multiplied.": lambda first, second: first * second},
)


def test_the_right_answer_is_praised_by_name():
    assert told(ADD, add) == "✓ add is right."


def test_a_number_may_differ_by_as_much_as_the_check_allows():
    def nearly(first, second):
        return first + second + 1e-3

    assert "is not right yet" in told(ADD, nearly)
    assert told(ADD._replace(close=1e-2), nearly) == "✓ nearly is right."


@pytest.mark.parametrize(
    ("answer", "words"),
    {
        "a result": (3, "Pass the function itself, without parentheses after its name."),
        "a stub": ("raise NotImplementedError()", f"answer {UNWRITTEN}"),
        "an error of a library": (  # as torch has them
            "raise NotImplementedError('no mean of Bool')",
            "answer stops in line 2 with NotImplementedError: no mean of Bool",
        ),
        "no return": ("first + second", "answer returns nothing. Is there a `return` at its end?"),
        "no return in a branch": (
            "if np.ndim(first): return first + second",
            "answer is not right yet. For first = 1, second = 2 it gives None, but 3 is right.",
        ),
        "an error": (
            "return 1 / 0",
            "answer stops in line 2 with ZeroDivisionError: division by zero",
        ),
        "an error within": (
            "return len(first)",
            "answer stops in line 2 with TypeError: object of type 'int' has no len()",
        ),
        "wrong": ("return first * second", "You multiplied."),
        "by one": (
            "return first + second + 1",
            "answer is not right yet. For first = 1, second = 2 it gives 4, but 3 is right.",
        ),
        "only the second": (
            "return abs(first) + 2",
            "answer is not right yet. For first = [0, 1, 2], second = [1, 1, 1] it gives "
            "[2, 3, 4], but [1, 2, 3] is right.",
        ),
        "another shape": (
            "return [first + second]",
            "answer is not right yet. For first = 1, second = 2 it gives [3], but 3 is right.",
        ),
        "ragged": (
            "return [[1], [1, 2]]",
            "answer is not right yet. For first = 1, second = 2 it gives [[1], [1, 2]], but 3 is "
            "right.",
        ),
        "the smaller case": (
            "return first + second + 1 if np.ndim(first) else 4",
            "answer is not right yet. For first = 1, second = 2 it gives 4, but 3 is right.",
        ),
        "a tuple of one": (
            "return (first + second,)",
            "answer is not right yet. For first = 1, second = 2 it gives (3,), but 3 is right.",
        ),
        "a truth value": (
            "return bool(np.all(first + second))",
            "You return True or False. Return a number.",
        ),
        "a text": (
            "return str(first + second)",
            "You return a text. Return the number itself, without quotes or an f-string.",
        ),
    }.values(),
)
def test_what_is_wrong_is_said(answer, words):
    if isinstance(answer, str):
        exec(f"def answer(first, second):\n    {answer}", space := {"np": np})
        answer = space["answer"]
    assert told(ADD, answer) == words


def test_an_answer_leaves_its_arguments_as_they_are():
    def answer(first, second):
        first += second
        return first

    assert told(ADD, answer) == (
        "Your numbers are right, but answer changes `first` itself. Work on a copy: whoever calls "
        "it may still need it as it was."
    )


def test_a_wrong_answer_that_changes_its_argument_is_told_what_is_wrong_first():
    def answer(first, second):
        first *= second
        return first

    assert told(ADD, answer) == "You multiplied."


def test_an_error_is_shown_with_the_line_of_the_cell_that_led_to_it(tmp_path):
    cell = tmp_path / "cell.py"
    cell.write_text("import numpy\n\ndef answer(first, second):\n    return numpy.dot([1], [1, 2])")
    exec(compile(cell.read_text(), cell, "exec"), space := {})
    words = told(ADD, space["answer"])
    assert words.startswith(
        "answer stops in line 4, `return numpy.dot([1], [1, 2])`, with ValueError: shapes"
    )


def test_an_error_of_what_has_no_code_is_shown_without_a_line():
    answer = functools.partial(int, base=2)
    assert told(ADD, answer).startswith("your function stops with TypeError: ")


FORBIDDEN = {"add": f"{__name__}.add", "pandas": "pandas"}


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        (lambda first, second: add(first, second), "add"),
        (lambda first, second: functools.reduce(add, [first, second]), "add"),
        (lambda first, second: ADD.right(first, second), "add"),
        (lambda first, second: (pd.Series(first) + second).to_numpy()[()], "pandas"),
        (np.add, None),
    ],
)
def test_what_an_exercise_forbids_is_found_under_any_name(answer, used):
    check = ADD._replace(without=FORBIDDEN, cases=lambda: [(np.arange(3.0), np.ones(3))])
    refused = "Your numbers are right, but <lambda> uses `{}`. Do without it here."
    assert told(check, answer) == (refused.format(used) if used else "✓ add is right.")
    assert sys.getprofile() is None


def forbidden() -> list[tuple[str, str, str]]:
    """Return what exercises forbid: the lesson, the check, and the full name."""
    return [
        (lesson, name, full)
        for lesson, name in EACH
        for full in ALL[lesson][name].without.values()
        if not full.startswith("torchvision.")
    ]


@pytest.mark.parametrize(("lesson", "name", "full"), forbidden())
def test_what_a_check_forbids_exists_and_its_text_says_so(lesson, name, full):
    module, _, function = full.rpartition(".")
    if module == "__main__":
        assert f"def {function}(" in definitions(read(lesson))
    else:
        assert module == "" or callable(getattr(importlib.import_module(module), function))
    texts = [source(cell) for cell in read(lesson)["cells"] if "class: exercise" in source(cell)]
    [text] = [text for text in texts if f"`{name}(" in text]
    assert re.search(r"[Ww]ithout|NumPy alone", text)


def grid(n):
    return np.arange(12).reshape(3, 4) * n


GRID = Check(right=lambda n: (grid(n), n > 1, "grid"), cases=lambda: [(1,), (2,)], wrong={})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda n: (grid(n), n > 1, "grid"), "✓ answer is right."),
        (lambda n: [grid(n).tolist(), np.bool_(n > 1), "grid"], "✓ answer is right."),
        (lambda n: (grid(1), n > 1, "grid"), "1 at [0, 1] as result 1, but 2 is right."),
        (lambda n: (grid(n), False, "grid"), "False as result 2, but True is right."),
        (lambda n: (grid(n), int(n > 1), "grid"), "You return 1 and 0. Return True and False"),
        (lambda n: (grid(n), int(n > 2), "grid"), "0 as result 2, but False is right."),
        (lambda n: ("grid", n > 1, grid(n)), "You return the right results in the wrong order."),
        (lambda n: (grid(n), n > 1, "grid" * n), "gridgrid as result 3, but grid is right."),
        (lambda n: (grid(n).T, True, ""), "an array of shape (4, 3) as result 1"),
        (
            lambda n: grid(n)[0],
            "[0, 1, 2, 3], but (an array of shape (3, 4), False, grid) is right.",
        ),
        (lambda n: {"grid": n}, "{'grid': "),
    ],
)
def test_a_result_of_several_parts_is_compared_part_by_part(answer, words):
    answer.__name__ = "answer"
    assert words in told(GRID, answer)


CHOSEN = Check(right=lambda n: np.arange(n) % 4 == 3, cases=lambda: [(4,), (11,)], wrong={})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda n: [i % 4 == 3 for i in range(n)], "✓ <lambda> is right."),
        (lambda n: (np.arange(n) % 4 == 3).astype(object), "✓ <lambda> is right."),
        (lambda n: [int(i % 4 == 3) for i in range(n)], "You return 1 and 0. Return True and Fa"),
        (lambda n: (np.arange(n) % 4 == 3).astype(int).astype(object), "You return 1 and 0."),
        (lambda n: (np.arange(n) % 4 == 3).astype(str), "There is a text among your results."),
        (
            lambda n: 1.0 * (np.arange(n) == 3),
            "[0, 0, 0, 1], but [False, False, False, True] is right.",
        ),
    ],
)
def test_what_chooses_rows_is_true_and_false(answer, words):
    assert words in told(CHOSEN, answer)


def test_a_wrong_truth_value_is_not_told_to_be_a_number():
    check = Check(right=lambda n: n > 1, cases=lambda: [(1,), (2,)], wrong={})
    assert told(check, lambda n: n > 2).endswith("For n = 2 it gives False, but True is right.")


def test_whole_numbers_in_place_of_a_text_or_none_are_no_cut_decimals():
    for right in ("a", None):
        said = told(
            Check(lambda x, right=right: right, lambda: [(1,)], {}), lambda x: np.ones(1, int)
        )
        assert said == f"<lambda> is not right yet. For x = 1 it gives [1], but {right} is right."


def test_a_slip_in_one_result_of_several_is_looked_for_there():
    check = Check(right=lambda n: (n / 4, n / 8), cases=lambda: [(3,), (5,)], wrong={})
    assert told(check, lambda n: (n / 4, n // 8)).startswith("Look at result 2. Your numbers have")
    assert told(check, lambda n: (n // 4, n // 8)).startswith("Your numbers have no decimals.")


@pytest.mark.parametrize(
    ("none", "words"),
    [
        (np.empty((0, 2), int), "✓ <lambda> is right."),
        (np.array([]), "✓ <lambda> is right."),
        (np.empty((2, 0)), "is not right yet"),
        ((), "✓ <lambda> is right."),
        (0, "is not right yet"),
    ],
)
def test_an_empty_array_of_pairs_is_an_empty_list_of_pairs(none, words):
    check = Check(right=lambda n: [(n, n)] * n, cases=lambda: [(0,), (1,)], wrong={})
    assert words in told(check, lambda n: [(1, 1)] if n else none)


@pytest.mark.parametrize(
    ("right", "given", "words"),
    [
        (17.648422, 17.6484, "it gives 17.6484, but 17.648422 is right."),
        (1.00004, 1.0000400004, "it gives 1.0000400004, but 1.00004 is right."),
        (np.full(8, 2 / 3), np.full(8, 0.666667), "0.666667], but [0.666666667, "),
        (3.5, [3.5], "it gives [3.5], but 3.5 is right."),
        ("3", 3, "it gives 3 as int, but 3 is right."),
    ],
)
def test_numbers_that_differ_look_different(right, given, words):
    check = Check(right=lambda n: right, cases=lambda: [(1,)], wrong={}, close=1e-11)
    assert words in told(check, lambda n: given)


@pytest.mark.parametrize(
    ("right", "what", "itself"),
    [
        (3, "a number", "the number"),
        ([(1, 2)], "a list", "the list"),
        ((3, 4), "a tuple", "the tuple"),
        (np.ones(2), "an array", "the array"),
    ],
)
def test_what_should_be_returned_is_named(right, what, itself):
    check = Check(right=lambda n: right, cases=lambda: [(1,)], wrong={})
    assert told(check, lambda n: True) == f"You return True or False. Return {what}."
    assert f"Return {itself} itself, without quotes" in told(check, lambda n: str(right))


@pytest.mark.parametrize(
    "texts",
    [
        lambda right: right.astype(str),
        lambda right: right.astype(str).astype(object),
        lambda right: pd.Series(right.astype(str)),
        lambda right: [f"{number:.2f}" for number in right],
        lambda right: tuple(map(str, right)),
        lambda right: [right[0], str(right[1])],
    ],
)
def test_texts_among_numbers_are_named(texts):
    right = np.array([0.25, 3])
    check = Check(right=lambda n: n * right, cases=lambda: [(1,), (2,)], wrong={})
    said = "There is a text among your results. Return all without quotes or an f-string."
    assert told(check, lambda n: texts(n * right)) == said
    assert "'cow'" not in told(check, lambda n: ["cow", "dog"])  # a name is no number in quotes
    assert "among" not in told(check, lambda n: ["cow", "dog"])


def test_an_answer_that_ends_the_program_is_like_any_error():
    def answer(first, second):
        sys.exit(3)

    assert "with SystemExit: 3" in told(ADD, answer)


@pytest.mark.parametrize("exact", [fractions.Fraction, decimal.Decimal])
def test_exact_numbers_of_python_are_numbers(exact):
    check = Check(right=lambda n: n / 3, cases=lambda: [(2,), (5,)], wrong={})
    assert told(check, lambda n: exact(n) / 3) == "✓ <lambda> is right."


def test_numbers_that_are_none_are_equal_to_each_other():
    check = Check(right=lambda n: np.array([n, np.nan]), cases=lambda: [(1,)], wrong={})
    assert told(check, lambda n: [n, float("nan")]) == "✓ <lambda> is right."


def test_a_wrong_formula_may_divide_by_zero(recwarn):
    check = ADD._replace(wrong={"You divided.": lambda first, second: np.float64(second) / 0})
    assert told(check, nonsense).startswith("nonsense is not right yet")
    assert not recwarn.list


def test_a_notebook_shows_the_sentence_and_no_traceback():
    assert AnswerError("You multiplied.")._render_traceback_() == ["✗ You multiplied."]


def compare_tensors() -> list[str]:
    """Return what a check says to the right tensor, with gradients, and to a wrong one."""
    import torch

    def answer(n):
        return torch.ones(3, requires_grad=True) * n

    check = Check(right=lambda n: torch.ones(3) * n, cases=lambda: [(1,), (2,)], wrong={})
    return [told(check, answer), told(check, lambda n: answer(n) * n)]


def test_tensors_of_torch_are_compared_even_with_gradients(in_torch):
    assert in_torch(compare_tensors) == [
        "✓ answer is right.",
        "<lambda> is not right yet. For n = 2 it gives [4, 4, 4], but [2, 2, 2] is right.",
    ]
