"""The label files of common tools, each kind as a stream of `Labels`."""

import json
from collections.abc import Iterable, Iterator
from math import dist
from pathlib import Path

from coursekit.boxes import SIDES
from coursekit.voc import parsing, reading
from coursetools import coco, splitting, yolo
from coursetools.labels import LONGEST, Labels, attempt, ending

from globox import BoundingBox
from lxml import etree
from lxml.builder import E

NO_BOX = "shapes that have no upright box"
LARGEST_OF_CVAT = 1_000_000_000  # bytes, with all polygons of all pictures


def _voc(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    for file in ending(files, ".xml"):
        root = attempt(parsing.parse, file, left_out)
        if root is not None:
            given = " ".join(root.findtext("filename", "").split())
            boxes, polygons = repair(root, file, left_out)
            yield Labels(file, file.stem, boxes, None, polygons, given, is_voc=True)


def repair(root: etree._Element, file: Path, left_out: dict) -> tuple[list[tuple], int]:
    """Return the boxes of VOC's, and how many are around polygons; change the root to hold these.

    Objects that a run would refuse are taken out, and so is a size.
    """
    boxes, polygons, sizes = [], 0, root.findall("size")
    if len(sizes) > 1 or any(_has_fault(size) for size in sizes):
        left_out["sizes that cannot be read; those of the pictures are taken"].append(file.name)
        for size in sizes:
            root.remove(size)
    for element in root.findall("object"):
        item = parsing.Fields(file, element)
        try:
            name, sides, _ = reading.read_object(item, "box")
        except parsing.AnnotationError as error:
            rotated = item.get("robndbox") is not None and "bndbox" not in item
            reason = NO_BOX if rotated else "objects that cannot be read"
            said = "rotated box" if rotated else f"line {error.line}: {error.problem}"
            left_out[reason].append(f"{file.name}, {said}")
            root.remove(element)
            continue
        xmin, ymin, xmax, ymax = sides
        if xmax <= xmin - 1 or ymax <= ymin - 1:  # both ends belong to a box of VOC's
            left_out["boxes without an area"].append(f"{name} in {file.name}")
            root.remove(element)
            continue
        if "bndbox" not in item:
            element.append(bndbox(sides))
            polygons += 1
        boxes.append((name, *sides))
    return boxes, polygons


def bndbox(sides: Iterable[float]) -> etree._Element:
    """Return the element of a box, with its sides as VOC counts them."""
    pairs = zip(SIDES, sides, strict=True)
    return E.bndbox(*(E(side, f"{value:.2f}".removesuffix(".00")) for side, value in pairs))


def _has_fault(size: etree._Element) -> bool:
    """Return whether a side in a size of VOC's is no number; an empty one does not matter."""
    fields = parsing.Fields(Path(), size)
    try:
        for side in ("width", "height"):
            if fields.text(side):
                fields.number(side)
    except parsing.AnnotationError:
        return True
    return False


def _labelme(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    for file in ending(files, ".json"):
        read = attempt(_shapes, file, left_out)
        if read is not None:
            labels, without = read
            left_out[NO_BOX] += without
            yield labels


def _shapes(file: Path) -> tuple[Labels, list[str]]:
    """Return the labels of a file of labelme's, and what has no box; globox drops circles."""
    content = json.loads(file.read_bytes())
    boxes, without, polygons = [], [], 0
    for shape in content["shapes"]:
        kind = shape.get("shape_type") or "polygon"  # as labelme itself reads it
        if kind == "circle":
            centre, edge = shape["points"]
            radius = dist(centre, edge)
            shape = shape | {"points": [[v + by for v in centre] for by in (-radius, radius)]}
        elif kind not in ("rectangle", "polygon", "mask"):
            without.append(f"{shape['label']} ({kind}) in {file.name}")
            continue
        boxes.append(_corners(BoundingBox.from_labelme(shape)))
        polygons += kind == "polygon"
    sides = content.get("imageWidth"), content.get("imageHeight")
    size = (int(sides[0]), int(sides[1])) if all(sides) else None
    name = Path(content["imagePath"].replace("\\", "/")).name
    return Labels(file, name, boxes, size, polygons), without


def _cvat(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    for file in ending(files, ".xml"):
        root = attempt(_of_pictures, file, left_out)
        for node in root.iter("image") if root is not None else ():
            labels = attempt(lambda f, n=node: _of_image(f, n, left_out), file, left_out)
            if labels is not None:
                yield labels


def _of_pictures(file: Path) -> etree._Element:
    """Return the root of a file of CVAT's; `ValueError` where it is about a video."""
    root = parsing.parse(file, "annotations", LARGEST_OF_CVAT)
    if root.find("track") is not None:
        raise ValueError("it has tracks of a video. Export it as CVAT for images, or as COCO")
    return root


def _of_image(file: Path, node: etree._Element, left_out: dict) -> Labels:
    """Return the labels of an image of CVAT's; globox drops all shapes but boxes."""
    boxes, name = [], node.attrib["name"]
    for shape in node:
        sides, label = _sides(shape), shape.get("label")
        if sides is None:
            kind = "rotated box" if shape.tag == "box" else shape.tag
            left_out[NO_BOX].append(f"{label} ({kind}) in {name}")
        else:
            boxes.append((label, *sides))
    size = int(node.attrib["width"]), int(node.attrib["height"])
    polygons, split = len(node.findall("polygon")), splitting.named_in(node.get("subset", ""))
    return Labels(file, name, boxes, size, polygons, split=split)


def _sides(shape: etree._Element) -> tuple[float, ...] | None:
    """Return xmin, ymin, xmax and ymax of a shape of CVAT's, None where it has no upright box."""

    def numbers(*names: str) -> list[float]:
        return [float(shape.attrib[name]) for name in names]

    if shape.tag in ("box", "ellipse") and float(shape.get("rotation", 0)):
        return None
    if shape.tag == "box":
        return tuple(numbers("xtl", "ytl", "xbr", "ybr"))
    if shape.tag == "polygon":
        points = [point.split(",") for point in shape.attrib["points"].split(";")]
        xs, ys = zip(*(map(float, point) for point in points), strict=True)
        return min(xs), min(ys), max(xs), max(ys)
    if shape.tag == "ellipse":
        x, y, width, height = numbers("cx", "cy", "rx", "ry")
        return x - width, y - height, x + width, y + height
    if shape.tag == "mask":
        x, y, width, height = numbers("left", "top", "width", "height")
        return x, y, x + width, y + height
    return None


def _corners(box: BoundingBox) -> tuple:
    return box.label, box.xmin, box.ymin, box.xmax, box.ymax


READERS = {"voc": _voc, "yolo": yolo.read, "coco": coco.read, "labelme": _labelme, "cvat": _cvat}
NAMES = {"voc": "VOC's XML", "yolo": "YOLO's text files", "coco": "COCO's JSON"}
NAMES |= {"labelme": "labelme's JSON", "cvat": "CVAT's XML"}


def kind_of(directory: Path, files: list[Path]) -> str:
    """Return the kind of label that the files are; `ValueError` unless there is just one."""
    kinds = {kind for file in files if (kind := _look(file))}
    kinds = kinds - {"yolo"} or kinds  # beside others, a text file may be anything
    if not kinds and (unread := next(filter(None, map(_fault, files)), "")):
        raise ValueError(
            f"{directory} holds no labels but {unread}. Export VOC's XML, COCO's JSON or YOLO's "
            "text files instead."
        )
    if len(kinds) != 1:
        said = "no labels that are recognized. Archives must be unpacked first"
        if kinds:
            said = f"labels of several kinds: {', '.join(sorted(kinds))}"
        raise ValueError(
            f"{directory} holds {said}. Say which to read, with --from: {', '.join(READERS)}."
        )
    return kinds.pop()


def _fault(file: Path) -> str:
    """Return why a file that may hold labels is of no known kind; "" for any other file."""
    if file.suffix.lower() == ".csv":
        return f"{file.name}, and CSV is not read"
    if file.suffix.lower() != ".json":
        return ""
    try:
        json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        return f"{file.name}, which is not JSON: {' '.join(str(error).split())[:LONGEST]}"
    return f"{file.name}, and JSON of that kind is not read"


def _look(file: Path) -> str | None:
    suffix = file.suffix.lower()
    if suffix == ".txt" and yolo.may_hold_labels(file):
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
