"""What every reader of label files makes of them, and which of several files is meant."""

import posixpath
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from coursekit.voc.parsing import AnnotationError

LONGEST = 120  # characters of a library's words


class Labels(NamedTuple):
    """What one picture shows: which picture, and its boxes as (name, xmin, ymin, xmax, ymax).

    The boxes are zero-based and half-open, in pixels, or in fractions where `size` is (1, 1). In a
    file that is in VOC's format already, they are as VOC's. So many of them are around polygons.
    `given` is what the file itself says that its picture is called, where it has another name;
    `split` what a file of many pictures says of the split.
    """

    file: Path
    picture: str
    boxes: list[tuple]
    size: tuple[int, int] | None = None
    polygons: int = 0
    given: str = ""
    split: str = ""
    is_voc: bool = False


def key(name: str) -> str:
    """Return what two names of pictures are compared by, where tools write them differently.

    That is their Unicode form, as between macOS and others, and capital letters in the ending.
    """
    stem, suffix = posixpath.splitext(unicodedata.normalize("NFC", name))
    return stem + suffix.lower()


def attempt(read: Callable, file: Path, left_out: dict):
    """Return what `read` makes of a file; None, and a line in the report, where it fails."""
    try:
        return read(file)
    except Exception as error:  # of many kinds, and many libraries
        words = str(getattr(error, "reason", error)) or type(error).__name__
        if isinstance(error, AnnotationError):
            words = f"line {error.line}: {error.problem}"
        reason = " ".join(words.split())[:LONGEST]
        if isinstance(error, KeyError):
            reason += " is missing"
        left_out["label files that cannot be read"].append(f"{file.name}: {reason}")
    return None


def ending(files: list[Path], suffix: str) -> list[Path]:
    """Return the files with this suffix, in any case."""
    return [file for file in files if file.suffix.lower() == suffix]


def nearest(parts: set[str], files: Iterable[Path], directory: Path) -> list[Path]:
    """Return those of the files whose folders share most with the parts of a path.

    Of these, those that have the fewest other folders. Folders count within the directory.
    """
    near = {}
    for file in files:
        folders = {*file.relative_to(directory).parts[:-1]}
        near[file] = (len(parts & folders), -len(folders - parts))
    return [file for file, score in near.items() if score == max(near.values())]
