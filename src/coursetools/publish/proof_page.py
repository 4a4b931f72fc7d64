"""Write the page of the book that says what the tests of faults have proved; see ``make proof``."""

import json
import sys
from pathlib import Path

from coursekit import settings
from coursekit.files import write_whole

PAGE = settings.CHECKOUT / "book" / "faults.md"
HEAD = """# What happens when something goes wrong?

Files are broken, programs are killed, a disk is full. The tests in `tests/faults` do such things on
purpose, in every test run. `make proof` makes this page from what they find.
A test fails when a number on it is no longer true.
"""


def page(lines: list[list[str]]) -> str:
    """Return the page, from pairs of the part that a sentence belongs to and the sentence."""
    parts: dict[str, dict[str, None]] = {}
    for part, sentence in lines:
        heading = part.partition(":")[0].rstrip(".")
        parts.setdefault(heading, {})[f"- {sentence}\n"] = None  # each once
    return HEAD + "".join(f"\n## {part}\n\n{''.join(found)}" for part, found in parts.items())


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    write_whole(PAGE, page([json.loads(line) for line in text.splitlines()]))
