"""Files that are written whole, or not at all."""

import glob
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LEFT = 3600  # seconds: what is that old was left by a process that was killed


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield the name of a new file beside `path`, which takes its place when the block ends.

    Where the block is interrupted, the new file is deleted and the old one stays as it was. One
    that a killed process left is deleted by the next that writes `path`, an hour later at least.
    The name ends as `path` does, for libraries that go by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob(f".{'[0-9a-f]' * 8}.{glob.escape(path.name)}"):
        with suppress(FileNotFoundError):  # another process has finished it
            if abs(time.time() - old.stat().st_mtime) > LEFT:
                old.unlink()
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


def place_to_write(folder: Path, advice: str) -> Path:
    """Return a folder, made where it is missing; `OSError` where nothing can be written in it.

    `advice` says how to name another.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            f"Nothing can be written in {folder}: {error.strerror or error}. {advice} It must be "
            "one where you may write, on a disk with room."
        ) from error
    return folder
