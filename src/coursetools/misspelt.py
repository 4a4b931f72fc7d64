"""Names that look like slips of others, and words that seem to lack quotes."""

import difflib
import re
from collections.abc import Collection, Sequence

# what may be before a name or path: options, and the command that has a path itself
SPACES = (
    "--classes",
    "--dataset",
    "--home",
    "--out",
    "--results",
    "--weights",
    "--model",
    "import",
)
ALIKE = 0.8  # of two names, as difflib counts: five letters, and one of them differs


def alike(name: str, other: str) -> bool:
    """Return whether two names differ in case, spaces, signs, a letter or two swapped letters.

    Digits must be the same, and so must the letters of a short name: a boat is no goat.
    """
    plain = [re.sub(r"[\W_]", "", one.casefold()) for one in (name, other)]
    if "" in plain or plain[0] == plain[1]:
        return "" not in plain
    digits = [re.sub(r"\D", "", one) for one in plain]
    near = difflib.SequenceMatcher(None, *plain).ratio() >= ALIKE or _swapped(*plain)
    return digits[0] == digits[1] and near


def _swapped(name: str, other: str) -> bool:
    """Return whether two neighboring letters of a name have changed places in the other."""
    pairs = range(len(name) - 1 if len(name) > 2 else 0)
    return other in {name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in pairs}


def meant_by(absent: Sequence[str], names: Collection[str]) -> str:
    """Return which of the names of objects may be meant by classes that do not occur."""
    words, plain = "", {name.casefold(): name for name in names}
    for name in absent:
        parts = [plain.get(part) for part in re.split(r"[\s;:/|+]+", name.casefold().strip(" ;"))]
        near = [other for other in sorted(names) if alike(name, other)]
        near += difflib.get_close_matches(name, names, n=1, cutoff=0.7)
        if len(parts) > 1 and all(parts):
            words += f" Commas separate names: {','.join(parts)}."
        elif near:
            words += f" Is {near[0]!r} meant by {name!r}?"
    return words


def quoted(rest: Sequence[str], typed: Sequence[str]) -> str:
    """Return words that a command could not place, and how to type them with what is before them.

    The advice is there where they may be the end of a name or a path that has a space in it.
    """
    words, before = " ".join(rest), [*typed[: typed.index(rest[0])]]
    option = before[-2] if before[1:] else ""
    if option not in SPACES or any(word.startswith("-") for word in rest):
        return words
    commas = "Commas separate names. " if option == "--classes" else ""
    option = f"{option} " * option.startswith("-")  # else it is the command
    return f'{words}. {commas}For a space, use quotes: {option}"{before[-1]} {words}"'
