"""A claim: a sentence that a measured number must support. A report: a number without a promise."""

import math
import operator

from coursekit import lessons, settings

BOUNDS = {
    "at_least": ("at least", operator.ge),
    "at_most": ("at most", operator.le),
    "equals": ("exactly", operator.eq),
}
GO_ON = """\
Have you changed nothing above? Then this is not your mistake: training turns out a bit different
on each computer. Go on at the next cell: select it, then Run > Run Selected Cell and All Below."""


class ClaimError(AssertionError):
    """A claim that failed. A notebook shows it without a traceback, and says how to go on."""

    def _render_traceback_(self) -> list[str]:
        return [f"✗ {self}", GO_ON]


def claim(sentence: str, measured: float, **bound: float) -> None:
    """Print the sentence, its number and its bound; raise when the number does not support it.

    The number differs a little from machine to machine, so nbval leaves it, and only it, out of
    the comparison (``tests/nbval.cfg``). It also goes into ``results.json``.

    The sentence says what the number must show, without its full stop; the bound is one or two of
    ``at_least``, ``at_most`` and ``equals``. Claims are promises about the data set ``mini`` and
    the seed 0: there one that fails is a `ClaimError`, and a number that is not finite a
    `ValueError`. With other data, or another seed, both are marked and recorded, and the notebook
    goes on: such data may have nothing to measure. `ValueError` when no bound is given.
    """
    unknown = set(bound) - set(BOUNDS)
    if not bound or unknown:
        raise ValueError(f"A claim needs at_least, at_most or equals, not {sorted(unknown)}.")
    measured = _measurable(sentence, measured)
    words = in_words(bound)
    holds = None  # there is nothing to measure
    if measured is not None:
        holds = all(BOUNDS[name][1](measured, value) for name, value in bound.items())
    lessons.record_sentence("claims", sentence, measured, **bound, holds=holds)
    if holds is False and _promised():
        raise ClaimError(f"{sentence}: {words} was promised, {measured:.4g} was measured.")
    if holds is None:
        print(f"– {sentence}: nothing to measure here ({words} on mini)")
    elif holds:
        print(f"✓ {sentence}: {_readable(measured)} ({words})")
    else:
        print(f"✗ {sentence}: {_readable(measured)} here ({words} on mini)")


def report(sentence: str, measured: float) -> None:
    """Print a number that varies too much over seeds to promise a bound, and how much it varies.

    ``make measure CLAIMS=all`` measures mean and standard deviation over seeds and two numerical
    settings. They are shown where the lesson runs on ``mini`` and they have been measured. The
    sentence has no full stop. What is not finite is an error, or marked, as in `claim`.
    """
    measured = _measurable(sentence, measured)
    key = (lessons.record_sentence("reports", sentence, measured), sentence)
    margins = lessons.measured("margins").set_index(["lesson", "claim"])
    number = "nothing to measure" if measured is None else f"≈{_readable(measured)}"
    text = f"· {sentence}: {number} here"
    if settings.dataset() == "mini" and key in margins.index:
        mean, sd, runs = margins.loc[key, ["mean", "sd", "runs"]]
        text += f", {mean:.3g} {f'± {sd:.2g} over' if sd else 'in all'} {runs:.0f} runs"
    print(text)


def in_words(entry: dict) -> str:
    """Return the bounds of a claim, as they are in ``results.json``, in words."""
    return " and ".join(
        f"{BOUNDS[name][0]} {value:g}" for name, value in entry.items() if name in BOUNDS
    )


def _promised() -> bool:
    return (settings.dataset(), settings.figures(), settings.seed()) == ("mini", None, 0)


def _measurable(sentence: str, measured: float) -> float | None:
    if not math.isfinite(measured) and _promised():
        raise ValueError(f"{sentence!r}: the measured number is {measured}. What caused that?")
    return float(measured) if math.isfinite(measured) else None


def _readable(number: float) -> str:
    return f"{number:.4g}" if abs(number) < 1e4 else f"{number:.0f}"
