"""COCO's label files: one JSON for many pictures. What is wrong with one object costs only it."""

import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from coursetools.labels import Labels, attempt, ending


def read(files: list[Path], _directory: Path, left_out: dict) -> Iterator[Labels]:
    """Yield the labels of each picture of each file."""
    for file in ending(files, ".json"):
        yield from attempt(lambda f: _pictures(f, left_out), file, left_out) or ()


def _pictures(file: Path, left_out: dict) -> list[Labels]:
    content = json.loads(file.read_bytes())
    names = {str(one["id"]): str(one["name"]) for one in content["categories"]}
    images = {str(one["id"]): one for one in content["images"]}
    boxes: dict[str, list] = {key: [] for key in images}
    wrong = []
    for one in content["annotations"]:
        key = str(one.get("image_id"))
        reason = _fault(one, key in images, names)
        if reason:
            picture = images.get(key, {}).get("file_name", f"image {key}")
            wrong.append((reason, f"id {one.get('id')} of {picture}"))
        else:
            x, y, width, height = map(float, one["bbox"])
            name = names[str(one["category_id"])]
            boxes[key].append((name, x, y, x + width, y + height))
    if wrong and len(wrong) == len(content["annotations"]):
        reason, which = wrong[0]
        raise ValueError(f"none of its {len(wrong)} annotations can be used; {which} {reason}")
    for reason, which in wrong:
        left_out[f"annotations, since each {reason}"].append(which)
    return [
        Labels(file, str(one["file_name"]), boxes[key], _size(one)) for key, one in images.items()
    ]


def _fault(one: dict, known: bool, names: dict[str, str]) -> str:
    """Return why an annotation cannot be used; "" where it can."""
    if not known:
        return "has an image_id that no image has"
    if str(one.get("category_id")) not in names:
        return "has a category_id that no category has"
    if str(one.get("iscrowd", 0)) not in ("0", "False"):
        return "is a crowd (iscrowd), and not one object"
    try:
        _, _, width, height = sides = [*map(float, one["bbox"])]
    except (KeyError, TypeError, ValueError):
        return "has no bbox of four numbers"
    if not all(map(isfinite, sides)):
        return "has no bbox of four numbers"
    return "has a bbox with a negative width or height" if min(width, height) < 0 else ""


def _size(image: dict) -> tuple[int, int] | None:
    """Return width and height; None, for those of the picture, where the file does not say."""
    try:
        size = int(image["width"]), int(image["height"])
    except (KeyError, TypeError, ValueError):
        return None
    return size if min(size) > 0 else None
