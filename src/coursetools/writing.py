"""Write pictures and their labels as a data set in VOC's layout."""

import shutil
from collections import Counter, defaultdict
from pathlib import Path

from coursekit import boxes, pictures
from coursekit.voc import parsing
from coursetools import foreign
from coursetools.labels import Labels

from lxml import etree
from lxml.builder import E


def write(
    found: dict, stems: dict, splits: dict, whole: Path, left_out: dict
) -> tuple[Counter, Counter]:
    """Write the data set; return how many pictures of each split, and objects of each class."""
    for part in ("Annotations", "JPEGImages"):
        (whole / part).mkdir(parents=True)
    counts, names, lists = Counter(), Counter(), defaultdict(list)
    counts["polygons"] = sum(labels.polygons for labels in found.values())
    for file, labels in found.items():
        stem = stems[file]
        target = whole / "Annotations" / f"{stem}.xml"
        name = f"{stem}{file.suffix}"
        if labels.is_voc:
            _write_again(labels, name, target)
            objects = labels.boxes
        else:
            size, objects = _in_pixels(file, labels, left_out)
            target.write_bytes(annotation(name, size, objects))
        names.update(object_name for object_name, *_ in objects)
        shutil.copyfile(file, whole / "JPEGImages" / name)
        counts["pictures"] += 1
        lists[splits.get(file)].append(stem)
    for split in {*lists} - {None}:
        target = whole / "ImageSets" / "Main" / f"{split}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{stem}\n" for stem in sorted(lists[split])), encoding="utf-8")
        counts[split] = len(lists[split])
    return counts, names


def _write_again(labels: Labels, name: str, target: Path) -> None:
    """Copy a file of VOC's; change what a run would refuse, or wonder about."""
    root = parsing.parse(labels.file)
    before = etree.tostring(root)
    foreign.repair(root, labels.file, defaultdict(list))
    for i, node in enumerate(root.findall("filename")):
        if i:
            root.remove(node)
        elif labels.given != name:  # an old name, or a path on another machine
            node.text = name
    if etree.tostring(root) == before:
        shutil.copyfile(labels.file, target)
    else:
        target.write_bytes(etree.tostring(root, encoding="utf-8"))


def _in_pixels(file: Path, labels: Labels, left_out: dict) -> tuple[tuple[int, int], list[tuple]]:
    """Return the size of a picture, and its objects that have an area."""
    width, height = pictures.size_of(file)
    size = (width, height) if labels.size in (None, (1, 1)) else labels.size
    scale = (width, height) * 2 if labels.size == (1, 1) else (1, 1, 1, 1)
    objects = []
    for name, *corners in labels.boxes:
        corners = [v * by for v, by in zip(corners, scale, strict=True)]
        if not (corners[0] < corners[2] and corners[1] < corners[3]):  # as with nan
            left_out["boxes without an area"].append(f"{name} in {file.name}")
        else:
            objects.append((name, *corners))
    return size, objects


def annotation(filename: str, size: tuple[int, int], objects: list[tuple]) -> bytes:
    """Return an annotation file; its boxes are one-based and inclusive, as VOC's are."""
    width, height = map(str, size)
    root = E.annotation(
        E.filename(filename), E.size(E.width(width), E.height(height), E.depth("3"))
    )
    for name, *corners in objects:
        box = foreign.bndbox(boxes.xyxy_to_voc(corners))
        root.append(E.object(E.name(name), box))
    return etree.tostring(root, encoding="utf-8", pretty_print=True)
