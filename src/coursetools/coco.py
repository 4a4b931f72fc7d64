"""COCO's label files: one JSON for many pictures. What is wrong with one object costs only it."""

import json
from collections import Counter
from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from coursetools import splitting
from coursetools.labels import Labels, attempt, ending


def read(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    """Yield the labels of each picture of each file."""
    for file in ending(files, ".json"):
        yield from attempt(lambda f: _pictures(f, left_out), file, left_out) or ()


def _pictures(file: Path, left_out: dict) -> list[Labels]:
    content = json.loads(file.read_bytes())
    names = _by_id(content["categories"], "name")
    called = _by_id(content["images"], "file_name")
    images = {str(one["id"]): one for one in content["images"]}
    boxes: dict[str, list] = {key: [] for key in images}
    wrong, polygons = [], Counter()
    for one in content["annotations"]:
        key = str(one.get("image_id"))
        reason = _fault(one, key in images, names)
        if reason:
            picture = called.get(key, f"image {key}")
            wrong.append((reason, f"id {one.get('id')} of {picture}"))
        else:
            x, y, width, height = _sides(one)
            polygons[key] += "bbox" not in one
            name = names[str(one["category_id"])]
            boxes[key].append((name, x, y, x + width, y + height))
    if wrong and len(wrong) == len(content["annotations"]):
        reason, which = wrong[0]
        raise ValueError(f"none of its {len(wrong)} annotations can be used; {which} {reason}")
    for reason, which in wrong:
        left_out[f"annotations, since each {reason}"].append(which)
    split = splitting.named_in(file.stem)
    return [
        Labels(file, called[key], boxes[key], _size(one), polygons[key], split=split)
        for key, one in images.items()
    ]


def _by_id(records: list[dict], field: str) -> dict[str, str]:
    """Return a field of each record by its id; `ValueError` where two differ, as once merged."""
    found: dict[str, str] = {}
    for one in records:
        value = str(one[field])
        if found.setdefault(str(one["id"]), value) != value:
            names = f"{found[str(one['id'])]} and {value}"
            raise ValueError(f"{names} have the same id, {one['id']}. Import each file by itself")
    return found


def _fault(one: dict, known: bool, names: dict[str, str]) -> str:
    """Return why an annotation cannot be used; "" where it can."""
    if not known:
        return "has an image_id that no image has"
    if str(one.get("category_id")) not in names:
        return "has a category_id that no category has"
    if str(one.get("iscrowd", 0)) not in ("0", "False"):
        return "is a crowd (iscrowd), and not one object"
    try:
        _, _, width, height = sides = _sides(one)
    except (KeyError, TypeError, ValueError):
        return "has no bbox of four numbers"
    if not all(map(isfinite, sides)):
        return "has no bbox of four numbers"
    return "has a bbox with a negative width or height" if min(width, height) < 0 else ""


def _sides(one: dict) -> list[float]:
    """Return x, y, width and height of an annotation, if need be from its polygons."""
    if "bbox" in one:
        x, y, width, height = map(float, one["bbox"])
        return [x, y, width, height]
    points = [float(v) for polygon in one["segmentation"] for v in polygon]
    xs, ys = points[::2], points[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _size(image: dict) -> tuple[int, int] | None:
    """Return width and height; None, for those of the picture, where the file does not say."""
    try:
        size = int(image["width"]), int(image["height"])
    except (KeyError, TypeError, ValueError):
        return None
    return size if min(size) > 0 else None
