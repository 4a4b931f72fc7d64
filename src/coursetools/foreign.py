"""The label files of common tools, each kind as a stream of `Labels`; globox reads most of them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from coursekit.voc import auditing, parsing, selecting

import yaml
from globox import Annotation, AnnotationSet, BoundingBox

NO_LABELS = ("classes.txt", "readme.txt", "requirements.txt")
FAR = 0.05  # of a picture: a box that far outside is no matter of rounding


class Labels(NamedTuple):
    """What one picture shows: which picture, and its boxes as (name, xmin, ymin, xmax, ymax).

    The boxes are zero-based and half-open, in pixels, or in fractions where `size` is (1, 1).
    None for a file that is in VOC's format already. So many of them are around polygons.
    """

    file: Path
    picture: str
    boxes: list[tuple] | None = None
    size: tuple[int, int] | None = None
    polygons: int = 0


def _corners(annotation: Annotation) -> list[tuple]:
    return [(b.label, b.xmin, b.ymin, b.xmax, b.ymax) for b in annotation.boxes]


def _attempt(read: Callable, file: Path, left_out: dict):
    """Return what `read` makes of a file; None, and a line in the report, where it fails."""
    try:
        return read(file)
    except Exception as error:  # of many kinds, and many libraries
        words = str(getattr(error, "reason", error)) or type(error).__name__
        reason = " ".join(words.split())[:80]
        left_out["label files that cannot be read"].append(f"{file.name}: {reason}")
    return None


def _voc(files: list[Path], left_out: dict) -> Iterator[Labels]:
    for file in _ending(files, ".xml"):
        if _attempt(parsing.parse, file, left_out) is not None:
            yield Labels(file, file.stem)


def _yolo(files: list[Path], left_out: dict) -> Iterator[Labels]:
    names, seen, odd = _class_names(files), 0, []
    for file in _ending(files, ".txt"):
        if file.name.lower() in NO_LABELS or file.stem.lower() in selecting.LISTS:
            continue
        read = _attempt(_in_fractions, file, left_out)
        if read is None:
            continue
        seen += 1
        sides = [side for _, *corners in _corners(read) for side in corners]
        if sides and (min(sides) < -FAR or max(sides) > 1 + FAR):
            odd.append(file.name)
            continue
        unknown = {box.label for box in read.boxes} - {*names}
        if unknown:
            left_out["label files with unknown classes"].append(f"{file.name}: {min(unknown)}")
            continue
        boxes = [(names[label], *corners) for label, *corners in _corners(read)]
        polygons = sum(len(line.split()) > 6 for line in _text(file).splitlines())
        yield Labels(file, file.stem, boxes, (1, 1), polygons)
    reason = "values above 1, or boxes far outside the picture"
    if len(odd) > auditing.MANY * seen:
        raise ValueError(
            f"{len(odd)} of {seen} label files have {reason}: {', '.join(odd[:5])}"
            f"{', …' if len(odd) > 5 else ''}. The four numbers of a box in YOLO's files are its "
            "centre, its width and its height, as fractions of the picture. Export them so."
        )
    left_out[f"label files with {reason}, where YOLO's have fractions"] += odd


def _in_fractions(file: Path) -> Annotation:
    """Return the boxes of a file of YOLO's; of a polygon, the box around it."""
    lines = [line for line in _text(file).splitlines() if line.strip()]
    if any(len(line.split()) == 6 for line in lines):
        raise ValueError("six numbers in a line, not five. Export without confidences")
    read = {False: BoundingBox.from_yolo_darknet, True: BoundingBox.from_yolo_seg}
    boxes = [read[len(line.split()) > 6](line, image_size=(1, 1)) for line in lines]
    return Annotation(file.name, (1, 1), boxes)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig")


def _class_names(files: list[Path]) -> dict[str, str]:
    """Return the name of each class number; `ValueError` when no file says."""
    for file in files:
        if file.name.lower() in ("data.yaml", "data.yml", "dataset.yaml"):
            names = yaml.safe_load(file.read_text(encoding="utf-8")).get("names")
            pairs = names.items() if isinstance(names, dict) else enumerate(names or [])
            return {str(number): str(name) for number, name in pairs}
        if file.name.lower() == "classes.txt" or file.suffix.lower() == ".names":
            lines = file.read_text(encoding="utf-8-sig").splitlines()
            return {str(number): name.strip() for number, name in enumerate(lines)}
    raise ValueError(
        "YOLO's files have numbers for classes, and no data.yaml, classes.txt or *.names says what "
        "they are called. Put a classes.txt beside them, with a name in each line."
    )


def _coco(files: list[Path], left_out: dict) -> Iterator[Labels]:
    for file in _ending(files, ".json"):
        read = _attempt(AnnotationSet.from_coco, file, left_out)
        for annotation in read or ():
            yield Labels(file, annotation.image_id, _corners(annotation), annotation.image_size)


def _labelme(files: list[Path], left_out: dict) -> Iterator[Labels]:
    for file in _ending(files, ".json"):
        read = _attempt(lambda f: Annotation.from_labelme(f, include_poly=True), file, left_out)
        if read is not None:
            name = Path(read.image_id.replace("\\", "/")).name
            yield Labels(file, name, _corners(read), read.image_size)


def _cvat(files: list[Path], left_out: dict) -> Iterator[Labels]:
    for file in _ending(files, ".xml"):
        root = _attempt(lambda f: parsing.parse(f, "annotations"), file, left_out)
        for node in root.iter("image") if root is not None else ():
            read = _attempt(lambda _, node=node: Annotation.from_cvat(node), file, left_out)
            if read is not None:
                yield Labels(file, read.image_id, _corners(read), read.image_size)


def _ending(files: list[Path], suffix: str) -> list[Path]:
    return [file for file in files if file.suffix.lower() == suffix]


READERS = {"voc": _voc, "yolo": _yolo, "coco": _coco, "labelme": _labelme, "cvat": _cvat}
NAMES = {"voc": "VOC's XML", "yolo": "YOLO's text files", "coco": "COCO's JSON"}
NAMES |= {"labelme": "labelme's JSON", "cvat": "CVAT's XML"}


def kind_of(directory: Path, files: list[Path]) -> str:
    """Return the kind of label that the files are; `ValueError` unless there is just one."""
    kinds = {kind for file in files if (kind := _look(file))}
    kinds = kinds - {"yolo"} or kinds  # beside others, a text file may be anything
    if len(kinds) != 1:
        said = f"labels of several kinds: {', '.join(sorted(kinds))}" if kinds else "no labels"
        raise ValueError(
            f"{directory} holds {said}. Say which to read, with --from: {', '.join(READERS)}."
        )
    return kinds.pop()


def _look(file: Path) -> str | None:
    suffix = file.suffix.lower()
    if suffix == ".txt" and file.name.lower() not in NO_LABELS:
        fields = file.read_text(encoding="utf-8", errors="replace").split("\n")[0].split()
        numbers = all(map(parsing.NUMBER.fullmatch, fields[1:]))
        return "yolo" if len(fields) == 5 or (len(fields) > 5 and numbers) else None
    if suffix == ".xml":
        start = file.read_bytes()[:2000]
        return "cvat" if b"<annotations" in start else "voc" if b"<annotation" in start else None
    if suffix == ".json":
        try:
            content = json.loads(file.read_bytes())
        except (ValueError, RecursionError):
            return None
        keys = content.keys() if isinstance(content, dict) else ()
        return "labelme" if "shapes" in keys else "coco" if "annotations" in keys else None
    return None
