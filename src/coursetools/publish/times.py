"""Write on the page of setup how long each lesson runs, as ``make execute`` has measured it.

It is the one place that says so: README, lessons and the page for instructors lead there.
"""

import json
import math
import re

from coursekit import settings
from coursekit.files import write_whole

PAGE = settings.CHECKOUT / "book" / "setup.md"
RESULTS = settings.CHECKOUT / "book" / "results.json"
HEAD = "| lesson | minutes |\n| --- | --- |\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")


def table(seconds: dict[str, float]) -> str:
    """Return the table, in minutes rounded up to a half: another machine differs by more."""
    rows = [
        f"| [{name[:2]}](../notebooks/{name}.ipynb) | {math.ceil(time / 30) / 2:g} |\n"
        for name, time in sorted(seconds.items())
    ]
    return HEAD + "".join(rows)


def page(text: str, seconds: dict[str, float]) -> str:
    """Return the text of the page with the table of these seconds."""
    return TABLE.sub(table(seconds), text)


if __name__ == "__main__":
    found = json.loads(RESULTS.read_text(encoding="utf-8"))["seconds"]
    write_whole(PAGE, page(PAGE.read_text(encoding="utf-8"), found))
