"""A small set, in the files of each tool that ``coursekit import`` reads; globox writes most."""

import zlib
from pathlib import Path

from coursekit import voc
from coursekit.boxes import SIDES
from coursetools import writing

import numpy as np
import yaml
from globox import Annotation, AnnotationSet, BoundingBox
from PIL import Image

SIZE = (160, 120)
NAMES = ("mug", "pen")


def box(name: str, *corners: float) -> BoundingBox:
    return BoundingBox(
        label=name, xmin=corners[0], ymin=corners[1], xmax=corners[2], ymax=corners[3]
    )


def draw(file: Path, exif: int | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(zlib.crc32(str(file).encode()))  # no two are the same
    image = Image.fromarray(rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8))
    options = {}
    if exif is not None:
        options["exif"] = image.getexif()
        options["exif"][0x0112] = exif
    image.save(file, **options)


def drawn_boxes() -> AnnotationSet:
    """Return the truth: three pictures, one of them with two objects."""
    boxes = {
        "a.jpg": [box("mug", 10, 20, 50, 60)],
        "b.jpg": [box("pen", 0, 0, 160, 120), box("mug", 30.5, 40.25, 90, 100)],
        "c.jpg": [box("pen", 100, 10, 159, 111)],
    }
    return AnnotationSet(Annotation(name, SIZE, listed) for name, listed in boxes.items())


def truth(exported) -> list[tuple]:
    rows = []
    for annotation in exported:
        stem = Path(annotation.image_id).stem
        rows += [(stem, b.label, b.xmin, b.ymin, b.xmax, b.ymax) for b in annotation.boxes]
    return sorted(rows)


def rows(directory: Path) -> list[tuple]:
    table = voc.load_annotations(directory)
    return sorted(table[["image_id", "name", *SIDES]].itertuples(index=False, name=None))


def yolo(exported, folder: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw(folder / "images" / name)
    exported.save_yolo_v5(folder / "labels", label_to_id={n: i for i, n in enumerate(NAMES)})
    (folder / "data.yaml").write_text(yaml.safe_dump({"names": [*NAMES], "nc": 2}))


def darknet(exported, folder: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw(folder / name)
    exported.save_yolo_darknet(folder, label_to_id={n: i for i, n in enumerate(NAMES)})
    (folder / "classes.txt").write_text("\n".join(NAMES))


def coco(exported, folder: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw(folder / "images" / name)
    exported.save_coco(folder / "instances.json", auto_ids=True)


def labelme(exported, folder: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw(folder / name)
    exported.save_labelme(folder)


def cvat(exported, folder: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw(folder / "images" / name)
    exported.save_cvat(folder / "annotations.xml")


def voc_beside(exported, folder: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw(folder / name)
    for annotation in exported:  # globox writes no one-based boxes
        size = annotation.image_size
        corners = [(b.label, b.xmin, b.ymin, b.xmax, b.ymax) for b in annotation.boxes]
        text = writing.annotation(annotation.image_id, size, corners)
        (folder / annotation.image_id).with_suffix(".xml").write_bytes(text)


EXPORTS = {f.__name__: f for f in (yolo, darknet, coco, labelme, cvat, voc_beside)}
