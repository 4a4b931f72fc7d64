"""VOC's annotation files, read into one table of objects."""

import math
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

from coursekit import boxes
from coursekit.boxes import SIDES

import pandas as pd
from lxml import etree
from PIL import Image

FLAGS = ["difficult", "truncated"]
COLUMNS = ["image_id", "filename", "width", "height", "name", *SIDES, *FLAGS]
DTYPES = (
    dict.fromkeys(["image_id", "filename", "name"], str)
    | dict.fromkeys(["width", "height"], int)
    | dict.fromkeys(SIDES, float)
    | dict.fromkeys(FLAGS, bool)
)
PICTURE_TYPES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")
LARGEST_FILE = 10_000_000  # bytes; a real annotation file has about a thousand


class AnnotationError(ValueError):
    """An annotation file that cannot be read; says which file, which line, and why."""

    def __init__(self, file: Path, line: int | None, problem: str):
        self.file, self.line, self.problem = file.name, line or 0, problem
        super().__init__(f"{file}, line {self.line}: {problem}")


def load_annotations(
    directory: str | Path, errors: Literal["raise", "skip"] = "raise"
) -> pd.DataFrame:
    """Return the table of objects of a data set in VOC's layout.

    Reads every ``Annotations/*.xml``: VOC's own files and those of the tools that write its
    format. Coordinates may have decimals. ``difficult`` and ``truncated`` are false where they
    are missing. A missing ``<filename>`` or ``<size>`` is taken from the picture. Parsing is
    hardened: no entities, no network, no huge files, and no file name that leaves the directory.

    A file that cannot be read raises an `AnnotationError` with its path and line; with `errors` set
    to ``skip``, such files are left out and listed in ``table.attrs["skipped"]``, as records of
    ``file, line, problem``. A directory without annotations raises a ``FileNotFoundError``.
    """
    directory = Path(directory)
    files = sorted(directory.glob("Annotations/*.xml"))
    if not files:
        raise FileNotFoundError(
            f"{directory / 'Annotations'} holds no .xml file. A data set is a directory with "
            "Annotations/ and JPEGImages/ in it."
        )
    rows, skipped = [], []
    for file in files:
        try:
            rows += _read_file(file, directory / "JPEGImages")
        except AnnotationError as error:
            if errors == "raise":
                raise
            skipped.append({"file": error.file, "line": error.line, "problem": error.problem})
    table = pd.DataFrame(rows, columns=COLUMNS).astype(DTYPES)
    table[SIDES] = boxes.voc_to_xyxy(table[SIDES])
    table.attrs = {"directory": str(directory), "skipped": skipped}
    return table


def _read_file(file: Path, pictures: Path) -> list[tuple]:
    """Return one tuple per object, in the order of `COLUMNS`, with VOC's own coordinates."""
    root = _parse(file)
    filename = _picture_name(file, root, pictures)
    width, height = _picture_size(file, root, pictures / filename)
    return [
        (
            *(file.stem, filename, width, height, _text(file, item, "name")),
            *(_number(file, item, f"bndbox/{side}") for side in SIDES),
            *(_number(file, item, flag, default=0.0) != 0 for flag in FLAGS),
        )
        for item in root.findall("object")
    ]


def _parse(file: Path) -> etree._Element:
    if file.stat().st_size > LARGEST_FILE:
        raise AnnotationError(file, 0, f"is larger than {LARGEST_FILE} bytes")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        tree = etree.parse(file, parser)
    except etree.XMLSyntaxError as error:
        raise AnnotationError(file, error.lineno, f"is not well-formed XML: {error.msg}") from error
    if tree.docinfo.doctype:
        raise AnnotationError(file, 1, "declares a document type, and so could define entities")
    root = tree.getroot()
    if root.tag != "annotation":
        raise AnnotationError(file, root.sourceline, f"starts with <{root.tag}>, not <annotation>")
    return root


def _text(file: Path, parent: etree._Element, path: str) -> str:
    """Return the text at `path`; only direct children count, so never that of a ``<part>``."""
    text = (parent.findtext(path) or "").strip()
    if not text:
        raise AnnotationError(file, parent.sourceline, f"<{parent.tag}> has no <{path}>")
    return text


def _number(file: Path, parent: etree._Element, path: str, default: float | None = None) -> float:
    if default is not None and not (parent.findtext(path) or "").strip():
        return default
    text = _text(file, parent, path)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        line = parent.find(path).sourceline
        raise AnnotationError(file, line, f"<{path}> is {text!r}, not a number")
    return value


def _picture_name(file: Path, root: etree._Element, pictures: Path) -> str:
    """Return the picture's file name, relative to JPEGImages; refuse one that leads elsewhere."""
    name = (root.findtext("filename") or "").strip() or file.stem
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        if path.is_absolute() or path.drive or ".." in path.parts:
            line = root.find("filename").sourceline
            raise AnnotationError(file, line, f"<filename> {name!r} leaves the data set")
    name = name.replace("\\", "/")
    if PurePosixPath(name).suffix in PICTURE_TYPES:
        return name
    endings = [ending for ending in PICTURE_TYPES if (pictures / (name + ending)).exists()]
    return name + (endings or PICTURE_TYPES)[0]


def _picture_size(file: Path, root: etree._Element, picture: Path) -> tuple[int, int]:
    """Return width and height from ``<size>``, or from the picture where it is missing or 0."""
    size = [_number(file, root, f"size/{side}", default=0.0) for side in ("width", "height")]
    if min(size) >= 1:
        return int(size[0]), int(size[1])
    try:
        with Image.open(picture) as image:
            return image.size
    except OSError as error:
        problem = f"has no <size>, and {picture.name} cannot be opened to measure it"
        raise AnnotationError(file, root.sourceline, problem) from error
