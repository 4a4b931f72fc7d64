"""Files that are written whole, or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield the name of a new file beside `path`, which takes its place when the block ends.

    Where the block is interrupted, the new file is deleted and the old one stays as it was. The
    name ends as `path` does, for libraries that go by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        yield new
        with new.open("r+b") as file:
            os.fsync(file.fileno())  # or, after a power cut, the name may stand for an empty file
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> Path:
    """Return `path` after writing `text` to it, whole; see `written_whole`."""
    with written_whole(path) as new:
        new.write_text(text, encoding="utf-8", newline="")
    return path
