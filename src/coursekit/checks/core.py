"""What a check of an exercise does: compare answers, and say which misunderstanding it saw."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np


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
        the right one and from each other.
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
        name, cases = getattr(answer, "__name__", "your function"), self.cases()
        given = [_call(answer, name, case) for case in cases]
        expected = [self.right(*case) for case in cases]
        same = [_same(a, b, self.close) for a, b in zip(given, expected, strict=True)]
        if all(same):
            print(f"✓ {name} is right.")
            return
        for sentence, wrong in self.wrong.items():
            if all(_same(a, wrong(*c), self.close) for a, c in zip(given, cases, strict=True)):
                raise AnswerError(sentence)
        first = same.index(False)
        raise AnswerError(
            f"{name} is not right yet. For {_arguments(self.right, cases[first])} it gives "
            f"{_text(given[first])}, but {_text(expected[first])} is right."
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
        pairs = isinstance(first, tuple | list) and len(first) == len(second)
        return pairs and all(_same(a, b, close) for a, b in zip(first, second, strict=True))
    if isinstance(second, str | bool):
        return first == second
    try:
        first, second = (np.asarray(one, dtype=float) for one in (first, second))
    except (TypeError, ValueError):
        return False
    return first.shape == second.shape and np.allclose(first, second, rtol=close, atol=close)


def _arguments(function: Callable, case: tuple) -> str:
    names = inspect.signature(function).parameters
    return ", ".join(f"{n} = {_text(value)}" for n, value in zip(names, case, strict=False))


def _text(value: object) -> str:
    """Return a value in one short line."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_text, value)) + ")"
    if hasattr(value, "shape") and np.size(value) > 8:
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, float | np.floating) or hasattr(value, "shape"):
        return np.array2string(np.asarray(value), precision=4, separator=", ")
    return str(value)
