"""What a check of an exercise does: compare answers, and say which misunderstanding it saw."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

NUMBERS = "biuf"  # numpy's kinds of numbers: truth values, whole numbers, decimals


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
        the right one and from each other. It is called anew for each answer, because a function
        may change what it is given; so it returns the same every time.
    wrong
        For each misunderstanding, the sentence that names it, and what somebody computes who
        believes it. A sentence addresses the reader, and does not give the solution away.
    close
        By how much a number may differ.
    """

    right: Callable
    cases: Callable[[], Sequence[tuple]]
    wrong: Mapping[str, Callable]
    close: float = 1e-6

    def __call__(self, answer: Callable) -> None:
        """Print that the answer is right, or raise `AnswerError`."""
        if not callable(answer):
            raise AnswerError("Hand over the function itself, without brackets behind its name.")
        name = getattr(answer, "__name__", "your function")
        given = [_call(answer, name, case) for case in self.cases()]
        expected = [self.right(*case) for case in self.cases()]
        same = [_same(a, b, self.close) for a, b in zip(given, expected, strict=True)]
        if all(same):
            print(f"✓ {name} is right.")
            return
        for sentence, wrong in self.wrong.items():
            with np.errstate(all="ignore"):  # a wrong formula may divide by zero
                believed = [wrong(*case) for case in self.cases()]
            if all(_same(a, b, self.close) for a, b in zip(given, believed, strict=True)):
                raise AnswerError(sentence)
        first = same.index(False)
        place, found, wanted = _difference(given[first], expected[first], self.close)
        shown, right = _text(found), _text(wanted)
        if shown == right:  # the text "800" is not the number 800
            shown = f"{shown} as {type(found).__name__}"
        raise AnswerError(
            f"{name} is not right yet. For {_arguments(self.right, self.cases()[first])} it gives "
            f"{shown}{place}, but {right} is right."
        )


def _call(answer: Callable, name: str, case: tuple) -> object:
    """Return what the student's function gives; say so when it gives nothing."""
    try:
        found = answer(*case)
    except NotImplementedError:
        raise AnswerError(f"{name} is not written yet. Replace the line that raises.") from None
    except Exception as error:
        raise AnswerError(f"{name} stops with {type(error).__name__}: {error}") from error
    if found is None:
        raise AnswerError(f"{name} returns nothing. Is there a `return` at its end?")
    return found


def _same(first: object, second: object, close: float) -> bool:
    """Return whether two results are equal, numbers up to `close`."""
    if isinstance(second, tuple):
        return _parts(first) == len(second) and all(
            _same(a, b, close) for a, b in zip(first, second, strict=True)
        )
    try:
        first, second = _array(first), _array(second)
    except (TypeError, ValueError, RuntimeError):  # such as rows of different lengths
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


def _difference(given: object, expected: object, close: float) -> tuple[str, object, object]:
    """Return where two results differ, in words, and what each of them has there."""
    if isinstance(expected, tuple) and _parts(given) == len(expected):
        pairs = list(zip(given, expected, strict=True))
        number = next(i for i, pair in enumerate(pairs) if not _same(*pair, close))
        place, found, wanted = _difference(*pairs[number], close)
        return f"{place} as result {number + 1}", found, wanted
    arrays = hasattr(given, "shape") and hasattr(expected, "shape")
    if arrays and tuple(given.shape) == tuple(expected.shape) and _long(given):
        given, expected = _array(given), _array(expected)
        numbers = given.dtype.kind in NUMBERS and expected.dtype.kind in NUMBERS
        equal = _close(given, expected, close) if numbers else given == expected
        index = tuple(int(i) for i in np.argwhere(~equal)[0])
        return f" at [{', '.join(map(str, index))}]", given[index], expected[index]
    return "", given, expected


def _long(value: object) -> bool:
    return int(np.prod(value.shape)) > 8


def _arguments(function: Callable, case: tuple) -> str:
    names = inspect.signature(function).parameters
    return ", ".join(f"{n} = {_text(value)}" for n, value in zip(names, case, strict=False))


def _text(value: object) -> str:
    """Return a value in one short line."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_text, value)) + ")"
    if hasattr(value, "shape"):
        if _long(value):
            return f"an array of shape {tuple(value.shape)}"
        value = _array(value).tolist()
    if isinstance(value, list):
        shown = "[" + ", ".join(map(_text, value)) + "]"
    else:
        shown = f"{value + 0.0:.6g}" if isinstance(value, float) else str(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
