"""What the doctor finds, and the table that shows it. Needs nothing but Python itself."""

import re
import shutil
import sys
import sysconfig
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from coursekit import settings

MARKS = {True: "ok", False: "FAILED", None: "-"}
WIDTHS = (22, 40, 26, 6)  # of the columns, in characters


def in_venv() -> bool:
    """Return whether this Python is that of ``make setup``, and not of conda, say."""
    return Path(sys.prefix).resolve() == (settings.CHECKOUT / ".venv").resolve()


def install() -> str:
    """Return how to install what the course needs into the environment that is in use."""
    return "Run `make setup`." if in_venv() else "Run `pip install -r requirements.txt`."


def program(name: str = "coursekit") -> str:
    """Return a command as it has to be typed here, with slashes, which Git Bash needs, too."""
    scripts = Path(sysconfig.get_path("scripts"))
    found = shutil.which(name)
    if found and Path(found).parent.resolve() == scripts.resolve():
        return name
    inside = scripts.is_relative_to(Path.cwd())
    return ((scripts.relative_to(Path.cwd()) if inside else scripts) / name).as_posix()


def as_typed(text: str) -> str:
    """Return a text in which each command between backticks is as it is typed here."""
    return re.sub("`(coursekit|jupyter)(?= )", lambda found: f"`{program(found[1])}", text)


class Row(NamedTuple):
    """One finding. `ok` is None where it stops nothing; if it is odd, `what_to_do` says so."""

    check: str
    found: str
    wanted: str
    ok: bool | None
    what_to_do: str = ""


def show(rows: Sequence[Row]) -> None:
    """Print the findings as a table, and below it what to do about those that failed or are odd."""
    columns = [(row.check, row.found, row.wanted, MARKS[row.ok]) for row in rows]
    failed = [row for row in rows if row.ok is False]
    odd = [row for row in rows if row.ok is None and row.what_to_do]
    print(*_lines([("check", "found", "wanted", "state"), *columns]), sep="\n", end="\n\n")
    if not failed:
        print("Nothing stops the lessons. But look at this:" if odd else "All is well.")
    _advise(failed)
    if failed and odd:
        print("And look at this:")
    _advise(odd)


def _advise(rows: Sequence[Row]) -> None:
    """Print what to do, once for all rows of the same advice; where there is one, what it found."""
    for advice in dict.fromkeys(row.what_to_do for row in rows):
        same = [row for row in rows if row.what_to_do == advice]
        names = [row.check for row in same]
        few = names if len(names) < 6 else [*names[:4], f"{len(names) - 4} more"]
        found = f" {same[0].found.rstrip('.')}." if len(same) == 1 else ""
        text = as_typed(f"{', '.join(few)}:{found} {advice}")
        print(textwrap.fill(text, 100, subsequent_indent="    ", break_on_hyphens=False))


def _lines(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table of at most 100 characters' width; long cells are wrapped."""
    lines = []
    for row in rows:
        cells = [textwrap.wrap(*cell) for cell in zip(row, WIDTHS, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = [part.ljust(width) for part, width in zip(parts, WIDTHS, strict=True)]
            lines.append("  ".join(padded).rstrip())
    return lines


def last_line(text: str) -> str:
    """Return the last line of what a program said."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no message"
