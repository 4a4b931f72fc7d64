"""Names that look like slips of others."""

import difflib
import re
from collections.abc import Collection, Sequence

ALIKE = 0.8  # of two names, as difflib counts: five letters, and one of them differs


def alike(name: str, other: str) -> bool:
    """Return whether two names differ in case, spaces or signs, or in a letter; digits count."""
    plain = [re.sub(r"[\W_]", "", one.casefold()) for one in (name, other)]
    if "" in plain or plain[0] == plain[1]:
        return "" not in plain
    digits = [re.sub(r"\D", "", one) for one in plain]
    return digits[0] == digits[1] and difflib.SequenceMatcher(None, *plain).ratio() >= ALIKE


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
