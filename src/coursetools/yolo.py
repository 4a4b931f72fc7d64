"""YOLO's label files: a line for each object, and elsewhere the names of the classes."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from coursekit.voc import auditing, selecting
from coursetools import yaml_files
from coursetools.labels import Labels, attempt, ending, nearest

import yaml
from globox import BoundingBox

NO_LABELS = ("classes.txt", "requirements.txt")
YAML = ("data.yaml", "data.yml", "dataset.yaml")
LISTS = (*selecting.LISTS, selecting.WHOLE)
FAR = 0.05  # of a picture: a box that far outside is no matter of rounding
WHOLE_NUMBER = re.compile(r"^(\d+)\.0*$")  # as NumPy writes it
KEYPOINTS = "For keypoints, data.yaml needs kpt_shape"


class Classes(NamedTuple):
    """The name of each class number, and how many numbers of keypoints follow each box."""

    names: dict[str, str]
    keypoints: int = 0


def read(files: list[Path], directory: Path, left_out: dict) -> Iterator[Labels]:
    """Yield the labels of each file; `ValueError` where the numbers cannot be meant so."""
    known, seen, odd = _classes(files), 0, []
    numbers: set[str] = set()
    unnamed: set[tuple[str, int]] = set()  # each with how many names there are
    chosen: dict[Path, Classes] = {}  # by folder
    for file in ending(files, ".txt"):
        if not may_hold_labels(file) or file.stem.lower() in LISTS:
            continue
        if file.parent not in chosen:
            chosen[file.parent] = _for_folder(file.parent, known, directory)
        names, keypoints = chosen[file.parent]
        found = attempt(lambda f, n=keypoints: _in_fractions(f, n), file, left_out)
        if found is None:
            continue
        boxes, polygons = found
        seen += 1
        sides = [side for _, *corners in boxes for side in corners]
        if sides and (min(sides) < -FAR or max(sides) > 1 + FAR):
            odd.append(file)
            continue
        labels = {label for label, *_ in boxes}
        numbers |= labels
        unknown = labels - {*names}
        if unknown:
            unnamed |= {(number, len(names)) for number in unknown}
            left_out["label files with unknown classes"].append(f"{file.name}: {min(unknown)}")
            continue
        boxes = [(names[label], *corners) for label, *corners in boxes]
        yield Labels(file, file.stem, boxes, (1, 1), polygons)
    if unnamed and "0" not in numbers and all(number == str(n) for number, n in unnamed):
        raise ValueError(
            f"No label file has the class 0, and some have {min(unnamed)[0]}, one beyond the last "
            "name. Do the numbers begin at 1, where YOLO's begin at 0? Then put a name that you do "
            "not need before the others, in data.yaml or classes.txt."
        )
    reason = "values above 1, or boxes far outside the picture"
    names = [file.name for file in odd]
    if len(odd) > auditing.MANY * seen:
        more = any(len(line) > 5 for line in _lines(odd[0]))
        raise ValueError(
            f"{len(odd)} of {seen} label files have {reason}: {', '.join(names[:5])}"
            f"{', …' if len(odd) > 5 else ''}. The four numbers of a box in YOLO's files are its "
            "centre, its width and its height, as fractions of the picture. Export them so."
            f"{f' {KEYPOINTS}.' if more else ''}"
        )
    left_out[f"label files with {reason}, where YOLO's have fractions"] += names


def may_hold_labels(file: Path) -> bool:
    """Return whether a text file is not one of those that tools put beside the labels."""
    name = file.name.lower()
    return name not in NO_LABELS and not name.startswith("readme")


def _lines(file: Path) -> list[list[str]]:
    """Return the numbers of each line that has any."""
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    return [line.split() for line in lines if line.strip()]


def _in_fractions(file: Path, keypoints: int) -> tuple[list[tuple], int]:
    """Return the boxes of a file, and how many of them are around polygons.

    With keypoints, the box stands before them.
    """
    boxes, polygons = [], 0
    for numbers in _lines(file):
        n = len(numbers)
        if keypoints and n not in (5, 5 + keypoints):
            wanted = f"{5 + keypoints}, as kpt_shape in data.yaml asks for"
            raise ValueError(f"{n} numbers in a line, not {wanted}")
        if n == 6 and not keypoints:
            raise ValueError("six numbers in a line, not five. Export without confidences")
        if n > 6 and n % 2 == 0 and not keypoints:
            raise ValueError(f"{n} numbers in a line: no box, and no polygon. {KEYPOINTS}")
        polygon = n > 6 and not keypoints
        take = BoundingBox.from_yolo_seg if polygon else BoundingBox.from_yolo_darknet
        line = " ".join(numbers if polygon else numbers[:5])
        box = take(line, image_size=(1, 1))
        boxes.append((WHOLE_NUMBER.sub(r"\1", box.label), box.xmin, box.ymin, box.xmax, box.ymax))
        polygons += polygon
    return boxes, polygons


def _classes(files: list[Path]) -> dict[Path, Classes]:
    """Return what each file says that names classes; `ValueError` when there is none."""
    found = {}
    for file in files:
        if file.name.lower() in YAML:
            found[file] = _from_yaml(file)
        elif file.name.lower() == "classes.txt" or file.suffix.lower() == ".names":
            found[file] = Classes(_numbered(enumerate(_text(file).splitlines())))
    if found:
        return found
    raise ValueError(
        "YOLO's files have numbers for classes, and no data.yaml, classes.txt or *.names says what "
        "they are called. Put a classes.txt beside them, with a name in each line."
    )


def _for_folder(folder: Path, known: dict[Path, Classes], directory: Path) -> Classes:
    """Return what the nearest file says; `ValueError` where two are as near, and differ."""
    parts = {*folder.relative_to(directory).parts}
    first, *others = nearest(parts, known, directory)
    for other in others:
        if known[other].names != known[first].names:
            raise ValueError(
                f"{first} and {other} name the classes differently, and nothing says which of "
                f"them is meant for the labels in {folder}. Leave the right one there."
            )
    return known[first]


def folders_of_splits(files: list[Path]) -> dict[tuple[str, ...], str]:
    """Return the split of each folder, as its parts, that a ``data.yaml`` names as one."""
    told = {}
    for file in files:
        for name, places in (_content(file) if file.name.lower() in YAML else {}).items():
            for place in places if isinstance(places, list) else [places]:
                if str(name).lower() in selecting.LISTS and isinstance(place, str):
                    parts = PurePosixPath(place.replace("\\", "/")).parts
                    parts = tuple(part for part in parts if part not in ("..", "/"))
                    told[parts] = selecting.LISTS[str(name).lower()]
    return told


def _content(file: Path) -> dict:
    """Return what is in a YAML file; `ValueError` where it cannot be read."""
    # else the name no is read as False
    content = yaml_files.parse(_text(file), file, yaml.BaseLoader)
    return content if isinstance(content, dict) else {}


def _from_yaml(file: Path) -> Classes:
    content = _content(file)
    names = content.get("names")
    pairs = [*names.items()] if isinstance(names, dict) else [*enumerate(names or ())]
    if isinstance(names, str) or not pairs or any(not isinstance(n, str) for _, n in pairs):
        fault = "is missing" if not names else "is no list of names"
        raise ValueError(
            f"{file}: `names` {fault}. It says what the class numbers mean. Write it as in "
            "`names: [mug, pen]`."
        )
    shape = content.get("kpt_shape", ["0", "0"])
    try:
        points, values = map(int, shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"{file}: `kpt_shape` is {shape!r}. It is how many keypoints there are, and how many "
            "numbers each has. Write it as in `kpt_shape: [17, 3]`."
        ) from None
    return Classes(_numbered(pairs), points * values)


def _numbered(pairs) -> dict[str, str]:
    return {str(number): name.strip() for number, name in pairs if name.strip()}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"{file} is not text in UTF-8: {error.reason}. Save it as UTF-8."
        raise ValueError(reason) from error
