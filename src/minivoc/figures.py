"""Draws the data set of figures: people whose joints are known, in COCO's keypoint format.

The pictures of a split are in a folder of its name, and what is known of them is in
``annotations/person_keypoints_<split>.json``. Each activity is a category; all have the same
joints. As in COCO, some pictures show nobody, or two.
"""

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

from minivoc import interiors, landscapes
from minivoc.bodies import ACTIVITIES, BONES, JOINTS, NEAR, person
from minivoc.coats import WOODS, pick
from minivoc.dataset import apportion
from minivoc.drawing import fill_once, for_each
from minivoc.pictures import VISIBLE, Sprite, render
from minivoc.shapes import Shape, bounds, paint, rectangle, solid
from minivoc.sketching import sketch

import numpy as np
from PIL import Image, ImageDraw

VERSION = 1  # raise it whenever the pictures change
SPLITS = {"train": 0.5, "val": 0.15, "test": 0.35}  # shares of the pictures
SIZES = ((240, 320), (256, 256), (240, 300), (300, 300), (320, 240), (210, 280))
NUMBERS = {1: 0.9, 2: 0.06, 0: 0.04}  # shares of the pictures with so many figures
CUT, HIDDEN = 0.25, 0.45  # shares of the figures that an edge cuts, or something may hide in part
IN_FRONT = ("bush", "box", "fence", "rock", "chair", "pottedplant", "flowers", "bottle")
BACKDROPS = {**landscapes.LANDSCAPES, **interiors.INTERIORS}
NOWHERE, HERE, SEEN = 0, 1, 2  # COCO's flags: not labeled, labeled but hidden, labeled and visible


class Figure(NamedTuple):
    """A figure in a picture: what it does, and in pixels of the picture its joints and its parts.

    `parts` is a picture of the figure's size in which each pixel is the number of a part of the
    body, from 1; `names` are the names of these parts, in their order.
    """

    sprite: Sprite
    joints: dict[str, tuple[float, float]]
    parts: Image.Image
    names: tuple[str, ...]


def figure(rng: np.random.Generator, activity: str, size: tuple[int, int]) -> Figure:
    """Return a figure for a picture of this size (width, height), somewhere in it."""
    shapes, joints, _ = person(rng, activity)
    if activity == "sitting":
        hips = (joints["right_hip"] + joints["left_hip"]) / 2
        seat = rectangle(hips[0] - 0.24, 0, hips[0] + 0.2, hips[1] - 0.08)
        shapes = [solid(pick(rng, WOODS), seat)._replace(part="seat"), *shapes]
    low, high = bounds(shapes)
    wide, tall = high - low
    zoom = min(size[0] / wide, size[1] / tall) * rng.uniform(0.5, 0.95)
    image = paint(shapes, zoom * tall)
    x, y = (rng.random(2) * np.subtract(size, image.size)).astype(int)
    if rng.random() < CUT:
        share = rng.uniform(0.05, 0.3)
        side = pick(rng, ("left", "right", "bottom", "bottom", "top"))
        x = {"left": -share * image.width, "right": size[0] - (1 - share) * image.width}.get(
            side, x
        )
        y = {"top": -share * image.height, "bottom": size[1] - (1 - share) * image.height}.get(
            side, y
        )
    at = (int(x), int(y))
    places = {
        name: (float(at[0] + (p[0] - low[0]) * zoom), float(at[1] + (high[1] - p[1]) * zoom))
        for name, p in joints.items()
    }
    names = tuple(shape.part for shape in shapes)
    parts = _parts(shapes, (low[0], high[1]), zoom, image.size)
    sprite = Sprite(activity, image, at, airborne=activity == "jumping")
    return Figure(sprite, places, parts, names)


def _parts(shapes: list[Shape], corner, zoom: float, size: tuple[int, int]) -> Image.Image:
    """Return which part is seen at each pixel; marks belong to the part that they are on."""
    image = Image.new("L", size)
    pen = ImageDraw.Draw(image)
    for number, shape in enumerate(shapes, 1):
        if shape.kind == "mark":
            continue
        for outline in shape.outlines:
            pixels = (outline - corner) * (zoom, -zoom)
            for polygon in pixels.reshape(-1, 2 * outline.shape[-2]).tolist():
                pen.polygon(polygon, fill=number)
    return image


def _shows(joint: str) -> set[str]:
    """Return the parts of a body that show a joint where they are on top."""
    if joint in ("neck", "head_top"):
        return {"neck", "trunk", "head"}
    side, end = joint.split("_")
    return {f"{side}_{part}" for part in NEAR[end]} | {"trunk", "pelvis"} & {*NEAR[end]}


def flag(thing: Figure, joint: str, front: list[Sprite], size: tuple[int, int]) -> int:
    """Return COCO's flag of a joint; `front` are the sprites in front of the figure."""
    x, y = thing.joints[joint]
    if not (0 <= x < size[0] and 0 <= y < size[1]):
        return NOWHERE
    for sprite in front:
        column, row = int(x - sprite.at[0]), int(y - sprite.at[1])
        inside = 0 <= column < sprite.image.width and 0 <= row < sprite.image.height
        if inside and sprite.image.getpixel((column, row))[3] >= VISIBLE:
            return HERE
    column = min(max(int(x - thing.sprite.at[0]), 0), thing.parts.width - 1)
    row = min(max(int(y - thing.sprite.at[1]), 0), thing.parts.height - 1)
    # just above the head, or between two polygons, nothing is painted
    number = max(
        thing.parts.getpixel((column, min(row + down, thing.parts.height - 1))) for down in (0, 2)
    )
    return SEEN if number == 0 or thing.names[number - 1] in _shows(joint) else HERE


def compose(rng: np.random.Generator, activities: list[str]):
    """Return backdrop, sprites from back to front, and figures, of a picture that shows these."""
    size = pick(rng, SIZES)
    backdrop = BACKDROPS[pick(rng, [*BACKDROPS])](rng, size)
    behind = [_thing(rng, size, rng.uniform(0.1, 0.4)) for _ in range(rng.integers(0, 3))]
    people = [figure(rng, activity, size) for activity in activities]
    front = [
        _thing(rng, size, rng.uniform(0.15, 0.4))
        for _ in range(rng.integers(1, 3) if people and rng.random() < HIDDEN else 0)
    ]
    return backdrop, behind, people, front


def _thing(rng: np.random.Generator, size: tuple[int, int], share: float) -> Sprite:
    """Return something that stands anywhere, as high as this share of the picture."""
    name = pick(rng, IN_FRONT)
    image = paint(sketch(name, rng), max(8, share * size[1]))
    x = rng.uniform(-0.3, 1) * size[0]
    y = rng.uniform(0.6, 1.05) * size[1] - image.height
    return Sprite(name, image, (int(x), int(y)))


def draw_one(index: int, activities: list[str], seed: int, folder: Path) -> dict:
    """Return what COCO says about picture number `index`, which is drawn into the folder.

    ``image`` is the entry of the picture, ``annotations`` those of its figures, without their ids.
    """
    rng = np.random.default_rng([seed, index])
    backdrop, behind, people, front = compose(rng, activities)
    size = backdrop.image.size
    sprites = [*behind, *(thing.sprite for thing in people), *front]
    name = f"{index + 1:012d}.jpg"
    render(backdrop, sprites).save(folder / name, quality=90)
    covers = [[*(other.sprite for other in people[i + 1 :]), *front] for i in range(len(people))]
    found = [annotation(*pair, size) for pair in zip(people, covers, strict=True)]
    entry = {"id": index + 1, "file_name": name, "width": size[0], "height": size[1]}
    return {"image": entry, "annotations": [one for one in found if one]}


def annotation(thing: Figure, front: list[Sprite], size: tuple[int, int]) -> dict | None:
    """Return COCO's annotation of a figure without its ids; None where nothing of it is seen."""
    seen = Image.new("L", size)
    seen.paste(thing.sprite.image.getchannel("A"), thing.sprite.at)
    for sprite in front:
        seen.paste(0, sprite.at, sprite.image.getchannel("A"))
    mask = seen.point([255 * (alpha >= VISIBLE) for alpha in range(256)])
    box = mask.getbbox()
    flags = [flag(thing, joint, front, size) for joint in JOINTS]
    if box is None or not any(flags):
        return None
    keypoints = []
    for joint, value in zip(JOINTS, flags, strict=True):
        x, y = (round(number, 1) for number in thing.joints[joint])
        keypoints += [x, y, value] if value else [0, 0, 0]
    return {
        "category_id": ACTIVITIES.index(thing.sprite.name) + 1,
        "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
        "area": mask.histogram()[255],
        "iscrowd": 0,
        "segmentation": [],
        "num_keypoints": sum(value > 0 for value in flags),
        "keypoints": keypoints,
    }


def categories() -> list[dict]:
    """Return COCO's categories: an entry for each activity, with the names of joints and bones."""
    bones = [[JOINTS.index(a) + 1, JOINTS.index(b) + 1] for a, b in BONES]
    more = {"supercategory": "person", "keypoints": [*JOINTS], "skeleton": bones}
    return [{"id": i, "name": name, **more} for i, name in enumerate(ACTIVITIES, 1)]


def roster(n: int, seed: int) -> list[list[str]]:
    """Return for each picture what its figures do."""
    numbers = np.repeat([*NUMBERS], apportion(n, list(NUMBERS.values())))
    rng = np.random.default_rng([seed, n])
    deck = np.resize(rng.permutation(ACTIVITIES), numbers.sum())
    parts = np.split(rng.permutation(deck), np.cumsum(rng.permutation(numbers))[:-1])
    return [part.tolist() for part in parts]


def draw(directory: Path, n: int = 1200, seed: int = 2014, processes: int | None = None) -> Path:
    """Return `directory` once it holds the data set, which is drawn there unless it is already.

    The pictures are divided at random into `SPLITS`. Errors are those of `drawing.fill_once`.
    """

    def fill(drawn: Path) -> None:
        tasks = roster(n, seed)
        ends = np.cumsum(apportion(n, list(SPLITS.values())))[:-1]
        for name, rows in zip(SPLITS, np.split(np.arange(n), ends), strict=True):
            (drawn / name).mkdir()
            work = partial(draw_one, seed=seed, folder=drawn / name)
            made = for_each(work, rows.tolist(), tasks[rows[0] : rows[-1] + 1], processes=processes)
            _write(drawn / "annotations" / f"person_keypoints_{name}.json", made)

    return fill_once(Path(directory), {"version": VERSION, "seed": seed, "n": n}, fill)


def _write(file: Path, made: list[dict]) -> None:
    """Write COCO's file of a split."""
    found = [(one["image"]["id"], more) for one in made for more in one["annotations"]]
    content = {
        "info": {"description": "Figures drawn by minivoc", "version": str(VERSION)},
        "licenses": [],
        "images": [one["image"] for one in made],
        "annotations": [{"id": i, "image_id": k, **more} for i, (k, more) in enumerate(found, 1)],
        "categories": categories(),
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content) + "\n", encoding="utf-8", newline="\n")
