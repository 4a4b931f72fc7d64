"""VOC's annotation files, read into one table of objects."""

import os
import posixpath
from collections import defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

from coursekit import boxes, settings
from coursekit.boxes import SIDES
from coursekit.pictures import CorruptImageError, size_of
from coursekit.voc import parsing
from coursekit.voc.parsing import AnnotationError

import pandas as pd

FLAGS = ["difficult", "truncated"]
COLUMNS = ["image_id", "filename", "width", "height", "name", *SIDES, *FLAGS]
DTYPES = (
    dict.fromkeys(["image_id", "filename", "name"], str)
    | dict.fromkeys(["width", "height"], int)
    | dict.fromkeys(SIDES, float)
    | dict.fromkeys(FLAGS, bool)
)
LONGEST_NAME = 255  # bytes; file systems take no more
SHAPES = {  # what an object may have in place of a box, and what to do
    "robndbox": "has a rotated box. Export upright boxes, with <bndbox>",
    "polygon": "has a polygon and no box. `--polygons box`, or COURSEKIT_POLYGONS=box, takes one",
}


def load_annotations(
    directory: str | Path,
    errors: Literal["raise", "skip"] = "raise",
    polygons: Literal["raise", "box"] | None = None,
    zero_based: bool | None = None,
) -> pd.DataFrame:
    """Return the table of objects of a data set in VOC's layout.

    Reads every ``.xml`` file in ``Annotations``, in folders in it as well: VOC's own files and
    those of the tools that write its format. An image_id is the file's path there, without the
    ending. Coordinates may have decimals; with `zero_based` they count from 0 and leave the last
    pixel out, as some tools write them. Where they look as if they did, and nobody said so, a
    sentence tells. With `polygons` set to ``box``, an object without a box gets the one around its
    polygon. Both are by default what `settings` say. ``difficult`` and ``truncated`` are false
    where they are missing. A missing ``<filename>`` or ``<size>`` is taken from the picture.
    Parsing is hardened; see `parsing.parse`. No file name leaves the directory.

    A file that cannot be read raises an `AnnotationError` with its path and line; with `errors` set
    to ``skip``, such files are left out and listed in ``table.attrs["skipped"]``. What was left out
    or changed in the others is listed in ``table.attrs["noted"]``. Both are records of ``file,
    line, problem``; where there is any, a sentence says so. A directory without annotations raises
    a ``FileNotFoundError``.
    """
    directory = Path(directory)
    folder = directory / "Annotations"
    files = names_in(folder, ".xml")
    if not files:
        raise FileNotFoundError(
            f"{directory / 'Annotations'} holds no .xml file. A data set is a directory with "
            "Annotations/ and JPEGImages/ in it."
        )
    pictures = Pictures(directory / "JPEGImages")
    rows, skipped, noted, polygons = [], [], [], polygons or settings.polygons()
    for file in files:
        try:
            rows += _read_file(folder, file, pictures, polygons, noted)
        except AnnotationError as error:
            if errors == "raise":
                raise
            name = parsing.readable(file)  # with its folder
            skipped.append({"file": name, "line": error.line, "problem": error.problem})
    table = pd.DataFrame(rows, columns=COLUMNS).astype(DTYPES)
    if not (settings.zero_based() if zero_based is None else zero_based):
        from_zero = (table[["xmin", "ymin"]] == 0).any(axis=1)
        from_zero &= table[SIDES].max(axis=1) > 1  # else it is in fractions
        table[SIDES] = boxes.voc_to_xyxy(table[SIDES])
        if from_zero.any():
            begin = "box begins" if from_zero.sum() == 1 else "boxes begin"
            print(
                f"{from_zero.sum()} {begin} at 0, where VOC begins at 1. The first is in "
                f"{table['image_id'][from_zero].iloc[0]}. If your tool counts "
                "from 0, say so: `coursekit run --zero-based`, or COURSEKIT_ZERO_BASED=1."
            )
    table.attrs = {"directory": str(directory), "skipped": skipped, "noted": noted}
    if skipped or noted:
        print(
            f"Of {len(files)} annotation files, {len(skipped)} were left out, and {len(noted)} "
            f"values in the others were left out or changed. voc.audit lists them."
        )
    return table


def annotation_files(directory: str | Path) -> list[Path]:
    """Return the paths of a data set's annotation files, in the order of the table of objects."""
    folder = Path(directory) / "Annotations"
    return [folder / name for name in names_in(folder, ".xml")]


def names_in(folder: str | Path, *endings: str) -> list[str]:
    """Return the files in a folder and those in it, sorted, with slashes; no hidden ones."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(place).relative_to(folder).as_posix()
        start = "" if inside == "." else f"{inside}/"
        found += [start + name for name in names if not name.startswith(".")]
    return sorted(name for name in found if not endings or name.lower().endswith(endings))


class Pictures:
    """The files of JPEGImages, found by their name, or by their name without its ending."""

    def __init__(self, folder: Path):
        self.folder = folder
        names = names_in(folder)
        self.names, self.by_stem = {*names}, defaultdict(list)
        for name in names:
            self.by_stem[posixpath.splitext(name)[0]].append(name)

    def of(self, image_id: str, given: str) -> tuple[str, str]:
        """Return the picture of an annotation file, and what is odd about it ("" for nothing).

        `given` is its ``<filename>``. The picture that is named as the annotation file is its
        picture: a copied file often keeps the old ``<filename>``.
        """
        own = self.by_stem.get(image_id)
        if own and given not in own:
            stale = given and PurePosixPath(given).stem != PurePosixPath(own[0]).stem
            problem = f"<filename> is {given!r}; took {own[0]!r}, named as the annotation"
            return own[0], problem if stale else ""
        if given in self.names or not given:
            return given or f"{image_id}.jpg", ""
        beside = str(PurePosixPath(image_id).parent / given)  # a picture in the same subfolder
        whole = given if PurePosixPath(given).suffix else f"{given}.jpg"
        return beside if beside in self.names else self.by_stem.get(given, [whole])[0], ""


def _read_file(
    folder: Path, name: str, pictures: Pictures, polygons: str, noted: list[dict]
) -> list[tuple]:
    """Return one tuple per object, in the order of `COLUMNS`, with the file's own coordinates."""
    file, image_id = folder / name, posixpath.splitext(name)[0]
    root, filename, odd = picture_of(folder, name, pictures)

    def note(line: int | None, problem: str) -> None:
        noted.append({"file": name, "line": line or 0, "problem": problem})

    if odd:
        note(root.element.sourceline, odd)
    width, height = _picture_size(root, pictures.folder, filename)
    rows, objects = [], root.get("object", [])
    for element in objects if isinstance(objects, list) else [objects]:
        if not len(element) and not (element.text or "").strip():
            note(element.sourceline, "an empty <object>, left out")
            continue
        item = parsing.Fields(file, element)
        kind, sides, flags = read_object(item, polygons)
        for flag, value in zip(FLAGS, flags, strict=True):
            if value is None:
                note(element.sourceline, f"<{flag}> says that it is not known; took no")
        rows.append((image_id, filename, width, height, kind, *sides, *map(bool, flags)))
    return rows


def picture_of(folder: Path, name: str, pictures: Pictures) -> tuple[parsing.Fields, str, str]:
    """Return what is in an annotation file, its picture, and what is odd about that."""
    file, image_id = folder / name, posixpath.splitext(name)[0]
    try:
        image_id.encode("utf-8")
    except UnicodeEncodeError as error:
        raise AnnotationError(file, 0, "has a name that is not UTF-8. Rename it") from error
    root = parsing.Fields(file, parsing.parse(file))
    return root, *pictures.of(image_id, _given_name(root))


def read_object(item: parsing.Fields, polygons: str) -> tuple[str, list[float], list[bool | None]]:
    """Return an object's name, the sides of its box as the file has them, and its `FLAGS`."""
    flags = [item.flag(flag) for flag in FLAGS]
    sides = _sides(item, polygons)
    return item.needed("name"), sides, flags


def _sides(item: parsing.Fields, polygons: str) -> list[float]:
    """Return an object's xmin, ymin, xmax and ymax, as the file has them."""
    if "bndbox" not in item:
        return _around_polygon(item, polygons)
    box = parsing.Fields(item.file, item.child("bndbox"), "bndbox/")
    return [box.number(side) for side in SIDES]


def _around_polygon(item: parsing.Fields, polygons: str) -> list[float]:
    """Return the sides of a polygon where these are asked for, or refuse what has no box."""
    for shape, advice in SHAPES.items():
        if (polygon := item.child(shape)) is None:
            continue
        if shape != "polygon" or polygons != "box":
            raise item.error(item.element, f"<object> {advice}")
        corners = parsing.Fields(item.file, polygon, "polygon/")
        points = [corners.number(corner.tag) for corner in polygon]
        if len(points) < 6 or len(points) % 2:
            raise item.error(polygon, "<polygon> needs three corners or more")
        xs, ys = points[::2], points[1::2]
        return [min(xs), min(ys), max(xs), max(ys)]
    raise item.error(item.element, f"<object> has no <bndbox/{SIDES[0]}>")


def _given_name(root: parsing.Fields) -> str:
    """Return ``<filename>``, with slashes; refuse one that leads elsewhere."""
    name = root.text("filename")
    if any(sign in name for sign in "/\\:") or name == "..":
        for path in (PurePosixPath(name), PureWindowsPath(name)):
            if path.is_absolute() or path.drive or ".." in path.parts:
                problem = (
                    "<filename> is a path that leaves the data set. Leave only the picture's name"
                )
                raise root.error(root["filename"], problem)
    if len(name) > LONGEST_NAME / 4 and len(name.encode()) > LONGEST_NAME:
        raise root.error(root["filename"], f"<filename> has more than {LONGEST_NAME} bytes")
    return name.replace("\\", "/")


def _picture_size(root: parsing.Fields, folder: Path, filename: str) -> tuple[int, int]:
    """Return width and height from ``<size>``, or from the picture where it is missing or 0."""
    size, sides = root.child("size"), [0.0, 0.0]
    if size is not None:
        size = parsing.Fields(root.file, size)
        sides = [size.number(s) if size.text(s) else 0.0 for s in ("width", "height")]
    if min(sides) >= 1:
        return int(sides[0]), int(sides[1])
    try:
        return size_of(folder / filename)
    except (OSError, CorruptImageError) as error:
        problem = f"has no <size>, and {Path(filename).name} cannot be opened to measure it"
        raise root.error(root.element, problem) from error
