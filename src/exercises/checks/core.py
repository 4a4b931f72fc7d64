"""What a check of an exercise does: compare answers, and say which misunderstanding it saw."""

import contextlib
import copy
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

NUMBERS = "biuf"  # numpy's kinds of numbers: truth values, whole numbers, decimals
DIGITS = 6  # of a number, as it is shown

# What goes wrong in any exercise, and what it makes of the right numbers.
WHOLE = "Your numbers have no decimals. Did you divide with `//`, or round, or use `int`?"
KEPT = (
    "Some of your numbers lose their decimals. A copy of an array of whole numbers, or its "
    "`zeros_like`, holds whole numbers only."
)
SLIPS = (
    ("You return percent. Return a fraction: 0.5, not 50.", lambda right: 100 * right),
    (WHOLE, np.floor),
    (WHOLE, np.round),
    (WHOLE, np.trunc),
    ("Your sign is the wrong way around.", np.negative),
)


class AnswerError(AssertionError):
    """What is wrong with an answer. A notebook shows the sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"✗ {self}"]


class Check(NamedTuple):
    """The check of one exercise; call it with the student's function.

    It prints a line when the function gives the right results. Otherwise it raises `AnswerError`.

    Parameters
    ----------
    right
        Gives the right result: a number, an array or a tensor, a truth value, a text, or a tuple
        of them.
    cases
        Returns the arguments of each call, one tuple for each. They tell every wrong answer from
        the right one and from each other. It is called again for each answer, because a function
        may change what it is given; so it returns the same every time.
    wrong
        For each misunderstanding, the sentence that names it, and what somebody who believes it
        computes. A sentence addresses the reader, and does not give the solution away.
    close
        By how much a number may differ: more than single precision makes of it.
    without
        What the exercise forbids, as the lesson calls it: for each, the full name of the function,
        or of a module with all that is in it.
    """

    right: Callable
    cases: Callable[[], Sequence[tuple]]
    wrong: Mapping[str, Callable]
    close: float = 1e-5
    without: Mapping[str, str] = {}

    def __repr__(self) -> str:
        """Return how to use it, and not all sentences."""
        return "A check. Call it with your function: checks.<name>(<name>)."

    def __call__(self, answer: Callable) -> None:
        """Print that the answer is right, or raise `AnswerError`."""
        if not callable(answer):
            raise AnswerError("Pass the function itself, without parentheses after its name.")
        name = getattr(answer, "__name__", "your function")
        # each call gets its own, or what one changes would show in the next
        cases = [copy.deepcopy(case) for case in self.cases()]
        with _calls_of(self.without) as forbidden:
            given = [_call(answer, name, case) for case in cases]
        if all(found is None for found in given):
            raise AnswerError(f"{name} returns nothing. Is there a `return` at its end?")
        expected = [self.right(*case) for case in self.cases()]
        if not _all_same(given, expected, self.close):
            known = self._misunderstanding(given) or _slip(given, expected, self.close)
            raise AnswerError(known or self._difference(given, expected, name))
        if forbidden:
            raise AnswerError(
                f"Your numbers are right, but {name} uses `{min(forbidden)}`. Do without it here."
            )
        for case, before in zip(cases, self.cases(), strict=True):
            for argument, now, then in zip(_names(self.right), case, before, strict=False):
                if not _same(now, then, 0):
                    raise AnswerError(
                        f"Your numbers are right, but {name} changes `{argument}` itself. Work on "
                        "a copy: whoever calls it may still need it as it was."
                    )
        print(f"✓ {name} is right.")

    def _misunderstanding(self, given: list) -> str | None:
        """Return the sentence of the misunderstanding that gives the same results."""
        for sentence, wrong in self.wrong.items():
            with np.errstate(all="ignore"):  # a wrong formula may divide by zero
                believed = [wrong(*case) for case in self.cases()]
            if _all_same(given, believed, self.close):
                return sentence
        return None

    def _difference(self, given: list, expected: list, name: str) -> str:
        """Return a sentence about the smallest case that differs."""
        cases = self.cases()
        pairs = enumerate(zip(given, expected, strict=True))
        differ = [i for i, pair in pairs if not _same(*pair, self.close)]
        least = min(differ, key=lambda i: sum(_array(value).size for value in cases[i]))
        place, found, wanted = _where(given[least], expected[least], self.close)
        for digits in (DIGITS, 9, 12):
            shown, right = _text(found, digits), _text(wanted, digits)
            if shown != right:
                break
        else:  # a text of a number is not the number
            shown = f"{shown} as {type(found).__name__}"
        arguments = zip(_names(self.right), cases[least], strict=False)
        case = ", ".join(f"{argument} = {_text(value)}" for argument, value in arguments)
        return f"{name} is not right yet. For {case} it gives {shown}{place}, but {right} is right."


def _call(answer: Callable, name: str, case: tuple) -> object:
    """Return what the student's function gives; say so when it stops."""
    try:
        return answer(*case)
    except (Exception, SystemExit) as error:
        if type(error) is NotImplementedError and not str(error):  # torch gives a reason
            words = f"{name} is not written yet. Replace the line that raises."
            raise AnswerError(words) from None
        words = f"{name} stops{_line(answer, error)} with {type(error).__name__}: {error}"
        raise AnswerError(words) from error


def _line(answer: Callable, error: BaseException) -> str:
    """Return the line of the student's cell at which an error arose, in words."""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [line for line in traceback.extract_tb(error.__traceback__) if line.filename == file]
    if not own:
        return ""
    text = f", `{own[-1].line}`," if own[-1].line else ""
    return f" in line {own[-1].lineno}{text}"


@contextlib.contextmanager
def _calls_of(names: Mapping[str, str]) -> Iterator[set[str]]:
    """Collect which of the named functions are called meanwhile, by whatever name or way."""
    called: set[str] = set()

    def watch(frame, event, _) -> None:
        if event == "call":
            full = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}."
            called.update(name for name, known in names.items() if full.startswith(f"{known}."))

    before = sys.getprofile()
    if names:
        sys.setprofile(watch)
    try:
        yield called
    finally:
        sys.setprofile(before)


def _slip(given: list, expected: list, close: float) -> str | None:
    """Return the sentence of a slip that may happen in any exercise."""
    if any(isinstance(value, str) for value in given) and not isinstance(expected[0], str):
        noun = _noun(expected)
        return f"You return a text. Return the {noun} itself, without quotes or an f-string."
    if any(map(_number_in_quotes, given)) and not any(map(_number_in_quotes, expected)):
        return "There is a text among your results. Return all without quotes or an f-string."
    truth = [
        all(isinstance(one, bool | np.bool_) for one in values) for values in (given, expected)
    ]
    if truth == [True, False]:
        noun = _noun(expected)
        return f"You return True or False. Return {'an' if noun == 'array' else 'a'} {noun}."
    if _all_same(given, [_as_number(one) for one in expected], close):
        return "You return 1 and 0. Return True and False: only they choose rows of a table."
    turned = [one[::-1] if isinstance(one, tuple) else one for one in expected]
    if _all_same(given, turned, close):
        return "You return the right results in the wrong order."
    for sentence, slip in SLIPS:
        for part in (None, *range(_parts(expected[0]) or 0)):
            if _all_same(given, [_slipped(one, slip, part) for one in expected], close):
                return sentence if part is None else f"Look at result {part + 1}. {sentence}"
    pairs = zip(given, expected, strict=True)
    return KEPT if all(_right_but_cut(*pair, close) for pair in pairs) else None


def _right_but_cut(given: object, right: object, close: float) -> bool:
    """Return whether a result is right, or was until an array of whole numbers cut it."""
    if isinstance(right, tuple):
        return _parts(given) == len(right) and all(
            _right_but_cut(*pair, close) for pair in zip(given, right, strict=True)
        )
    arrays = hasattr(given, "dtype") and hasattr(right, "dtype")
    if arrays and (_array(given).dtype.kind, _array(right).dtype.kind) == ("i", "f"):
        right = np.trunc(_array(right))
    return _same(given, right, close)


def _number_in_quotes(value: object) -> bool:
    """Return whether a number or a truth value is a text, anywhere in a result."""
    if isinstance(value, str):
        return re.match(r"[-+.]*\d|True$|False$", value) is not None
    if hasattr(value, "shape"):
        array = _array(value)
        value = array.ravel().tolist() if array.dtype.kind in "OU" else []
    return isinstance(value, tuple | list) and any(map(_number_in_quotes, value))


def _noun(expected: list) -> str:
    """Return what all results are, in a word."""
    if isinstance(expected[0], tuple | list):
        return type(expected[0]).__name__
    return "array" if all(np.ndim(_array(one)) for one in expected) else "number"


def _as_number(right: object) -> object:
    """Return a result with 1 and 0 in place of True and False."""
    if isinstance(right, tuple):
        return tuple(map(_as_number, right))
    return _array(right).astype(int) if _array(right).dtype.kind == "b" else right


def _slipped(right: object, slip: Callable, part: int | None) -> object:
    """Return a result after a slip, in all of its parts or in one."""
    if isinstance(right, tuple):
        return tuple(
            _slipped(value, slip, None) if part in (None, i) else value
            for i, value in enumerate(right)
        )
    numbers = _array(right)
    return slip(numbers) if numbers.dtype.kind == "f" else right


def _all_same(first: list, second: list, close: float) -> bool:
    return all(_same(a, b, close) for a, b in zip(first, second, strict=True))


def _same(first: object, second: object, close: float) -> bool:
    """Return whether two results are equal, numbers up to `close`."""
    if isinstance(second, tuple):
        return _parts(first) == len(second) and all(
            _same(a, b, close) for a, b in zip(first, second, strict=True)
        )
    if isinstance(second, list) and not second:  # of pairs: numpy's have the shape (0, 2)
        return _parts(first) == 0
    try:
        first, second = _array(first), _array(second)
        if first.dtype.kind == "O" and second.dtype.kind in NUMBERS:
            if _number_in_quotes(first):  # numpy would read it
                return False
            # truth values of a table, or fractions and decimals of Python
            truth = all(isinstance(one, bool | np.bool_) for one in first.flat)
            first = first.astype(bool if truth else float)
    except (TypeError, ValueError, RuntimeError):  # such as rows of different lengths
        return False
    if second.dtype.kind == "b" and first.dtype.kind != "b":  # as an index, 1 is no True
        return False
    if first.dtype.kind not in NUMBERS or second.dtype.kind not in NUMBERS:
        return np.array_equal(first, second)
    return first.shape == second.shape and bool(_close(first, second, close).all())


def _close(first: np.ndarray, second: np.ndarray, close: float) -> np.ndarray:
    first, second = first.astype(float), second.astype(float)
    return np.isclose(first, second, rtol=close, atol=close, equal_nan=True)


def _parts(value: object) -> int | None:
    """Return how many parts a result has that could be a tuple, None for others."""
    return len(value) if isinstance(value, tuple | list) or np.ndim(_array(value)) else None


def _array(value: object) -> np.ndarray:
    """Return an array from a number, a text, a list, an array or a tensor, also of torch."""
    if isinstance(value, list):
        value = [_array(one) for one in value]
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _where(given: object, expected: object, close: float) -> tuple[str, object, object]:
    """Return where two results differ, in words, and what each of them has there."""
    if isinstance(expected, tuple) and _parts(given) == len(expected):
        pairs = list(zip(given, expected, strict=True))
        number = next(i for i, pair in enumerate(pairs) if not _same(*pair, close))
        place, found, wanted = _where(*pairs[number], close)
        return f"{place} as result {number + 1}", found, wanted
    if isinstance(given, list) and hasattr(expected, "shape"):
        with contextlib.suppress(TypeError, ValueError, RuntimeError):  # rows of different lengths
            given = _array(given)
    arrays = hasattr(given, "shape") and hasattr(expected, "shape")
    if arrays and tuple(given.shape) == tuple(expected.shape) and _long(given):
        given, expected = _array(given), _array(expected)
        numbers = given.dtype.kind in NUMBERS and expected.dtype.kind in NUMBERS
        equal = _close(given, expected, close) if numbers else given == expected
        differ = np.argwhere(~equal).tolist()
        if differ:
            return f" at {differ[0]}", given[(*differ[0],)], expected[(*differ[0],)]
    return "", given, expected


def _long(value: object) -> bool:
    return int(np.prod(value.shape)) > 8


def _names(function: Callable) -> list[str]:
    """Return how the arguments of a function are called."""
    return [*inspect.signature(function).parameters]


def _text(value: object, digits: int = DIGITS) -> str:
    """Return a value in one short line."""
    if isinstance(value, tuple):
        parts = ", ".join(_text(one, digits) for one in value)
        return f"({parts},)" if len(value) == 1 else f"({parts})"
    if hasattr(value, "shape"):
        if _long(value):
            return f"an array of shape {tuple(value.shape)}"
        value = _array(value).tolist()
    if isinstance(value, list):
        shown = "[" + ", ".join(_text(one, digits) for one in value) + "]"
    else:
        shown = f"{value + 0.0:.{digits}g}" if isinstance(value, float) else str(value)
    most = 80 * digits // DIGITS
    return shown if len(shown) <= most else shown[: most - 3] + "..."
