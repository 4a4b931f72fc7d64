"""The label files of common tools, each kind as a stream of `Labels`; globox reads most of them."""

import json
from collections.abc import Iterator
from pathlib import Path

from coursekit.voc import parsing
from coursetools import yolo
from coursetools.labels import Labels, attempt, ending

from globox import Annotation, AnnotationSet


def _corners(annotation: Annotation) -> list[tuple]:
    return [(b.label, b.xmin, b.ymin, b.xmax, b.ymax) for b in annotation.boxes]


def _voc(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    for file in ending(files, ".xml"):
        if attempt(parsing.parse, file, left_out) is not None:
            yield Labels(file, file.stem)


def _coco(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    for file in ending(files, ".json"):
        read = attempt(AnnotationSet.from_coco, file, left_out)
        for annotation in read or ():
            yield Labels(file, annotation.image_id, _corners(annotation), annotation.image_size)


def _labelme(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    for file in ending(files, ".json"):
        read = attempt(lambda f: Annotation.from_labelme(f, include_poly=True), file, left_out)
        if read is not None:
            name = Path(read.image_id.replace("\\", "/")).name
            yield Labels(file, name, _corners(read), read.image_size)


def _cvat(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    for file in ending(files, ".xml"):
        root = attempt(lambda f: parsing.parse(f, "annotations"), file, left_out)
        for node in root.iter("image") if root is not None else ():
            read = attempt(lambda _, node=node: Annotation.from_cvat(node), file, left_out)
            if read is not None:
                yield Labels(file, read.image_id, _corners(read), read.image_size)


READERS = {"voc": _voc, "yolo": yolo.read, "coco": _coco, "labelme": _labelme, "cvat": _cvat}
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
    if suffix == ".txt" and file.name.lower() not in yolo.NO_LABELS:
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
