"""Scenes: which objects meet in a picture, how large they are and where they stand."""

from collections.abc import Sequence

from minivoc import CLASSES, interiors, landscapes
from minivoc.coats import pick
from minivoc.landscapes import Backdrop
from minivoc.pictures import Sprite, parts
from minivoc.shapes import bounds, paint
from minivoc.sketching import sketch

import numpy as np
from PIL import ImageFilter

SIZES = (
    *[(500, 375)] * 6, *[(375, 500)] * 2, *[(500, 333)] * 2,
    (333, 500), (500, 400), (500, 281), (480, 360), (442, 500), (354, 480),
)  # fmt: skip
# what stands around in each kind of scene, and how high it is beside a dog of height 1
HEIGHTS = {
    "tree": 3.0, "bush": 0.8, "fence": 0.9, "rock": 0.6, "person": 2.4, "sheep": 1.1, "ball": 0.35,
    "aeroplane": 0.7, "car": 1.6, "bus": 2.6, "boat": 3.0, "bottle": 0.5, "chair": 1.4,
    "sofa": 1.3, "pottedplant": 1.1, "tvmonitor": 1.4, "box": 0.75,
}  # fmt: skip
FIELDS = "tree tree bush fence rock person sheep aeroplane ball car"
ABOUT = {
    "room": "sofa chair pottedplant tvmonitor person ball box",
    "stable": "box box fence person bottle chair",
    "street": "car bus person tree pottedplant chair box bush",
    "beach": "boat person ball rock bottle aeroplane",
}
EDGING = ("grass", "flowers", "rock", "ball", "bush")  # in front, at the lower edge
SCENES = (
    *landscapes.LANDSCAPES,
    *interiors.INTERIORS,
    "room",
    "room",
    "meadow",
    "summer",
    "stable",
)
NAMES = {*CLASSES, *HEIGHTS} - {"tree", "bush", "fence", "rock", "ball", "box"}  # named by VOC


def compose(
    rng: np.random.Generator,
    wanted: tuple[str, ...],
    scenes: Sequence[str] = SCENES,
    reach: float | None = None,
) -> tuple[Backdrop, list[Sprite]]:
    """Return a backdrop and the sprites on it, from back to front, with the `wanted` objects.

    An empty name stands for any object of VOC's that belongs in the scene and is not one of our
    animals. The scene is one of `scenes`. `reach` is the largest size of an object, as a share of
    the size that would fill the picture; by default, several objects are smaller than a single one.
    """
    scene = pick(rng, scenes)
    if scene == "room" and {"cow", "horse"} & set(wanted):
        scene = "stable"
    make = interiors.INTERIORS.get(scene) or landscapes.LANDSCAPES[scene]
    backdrop = make(rng, pick(rng, SIZES))
    names = ABOUT.get(scene, FIELDS).split()
    others = [name for name in names if name in NAMES]
    about = [_thing(rng, pick(rng, names), backdrop) for _ in range(rng.integers(0, 4))]
    if reach is None:
        reach = 0.98 if len(wanted) == 1 else 0.62
    main = [_main(rng, name or pick(rng, others), backdrop, reach) for name in wanted]
    outdoors = scene not in interiors.INTERIORS
    front = [_edging(rng, backdrop) for _ in range(rng.integers(0, 4) if outdoors else 0)]
    return backdrop, [*sorted(about, key=_foot), *sorted(main, key=_foot), *front]


def _foot(sprite: Sprite) -> int:
    """Return how far down a sprite reaches: what stands lower in the picture is nearer."""
    return sprite.at[1] + sprite.image.height


def _thing(rng: np.random.Generator, name: str, backdrop: Backdrop) -> Sprite:
    """Return something that stands far off."""
    w, h = backdrop.image.size
    shapes = sketch(name, rng, left=rng.random() < 0.5)
    near = rng.uniform(0.02, 0.3)  # from 0 at the horizon to 1 at the lower edge
    image = paint(shapes, max(6, HEIGHTS[name] * rng.uniform(0.12, 0.26) * h * (0.6 + 0.6 * near)))
    x = rng.uniform(0, max(w - image.width, 1))
    if name in ("tree", "fence"):  # these may be cut by the edge
        x = rng.uniform(-0.2, 0.9) * w
    flies = name == "aeroplane"
    y = h * (backdrop.horizon + near * (1 - backdrop.horizon)) - image.height
    y = rng.uniform(0, 0.6) * h * backdrop.horizon if flies else y
    zoom = image.height / np.ptp(bounds(shapes), axis=0)[1]
    return Sprite(name, image, (int(x), int(y)), airborne=flies, parts=parts(shapes, zoom))


def _edging(rng: np.random.Generator, backdrop: Backdrop) -> Sprite:
    """Return something small in front, at the lower edge of the picture."""
    w, h = backdrop.image.size
    name = pick(rng, EDGING)
    image = paint(sketch(name, rng), rng.uniform(0.07, 0.2) * h)
    x, foot = rng.uniform(-0.05, 0.95) * w, rng.uniform(0.9, 1.08) * h
    return Sprite(name, image, (int(x), int(foot) - image.height))


def _main(rng: np.random.Generator, name: str, backdrop: Backdrop, reach: float) -> Sprite:
    """Return a wanted object: of any size up to `reach`, sometimes cut by the picture's edge."""
    w, h = backdrop.image.size
    left = rng.random() < 0.5
    shapes = sketch(name, rng, left)
    wide, tall = np.ptp(bounds(shapes), axis=0)
    fit = min(w / wide, h / tall)  # pixels for one unit when the object fills the picture
    cut, small, blurred = rng.random(3) < (0.16, 0.02, 0.015)
    share = rng.uniform(0.05, 0.09) if small else reach * (0.13 + 0.85 * rng.beta(1.6, 1.1))
    share *= rng.uniform(1, 1.25) if cut else 1
    image = paint(shapes, max(10, fit * share * tall))
    if blurred:
        image = image.filter(ImageFilter.GaussianBlur(3))
    flies = name == "aeroplane" or (name == "bird" and all(s.part != "foot" for s in shapes))
    free = np.array([w - image.width, h - image.height])
    near = np.clip(rng.normal(0.1 + 0.8 * share, 0.18), 0.08, 0.97)  # what is near looks large
    y = min(h * (backdrop.horizon + near * (1 - backdrop.horizon)) - image.height, free[1])
    if flies or y < 0:
        y = rng.uniform(0, 0.8 if flies else 1) * free[1]
    x = rng.random() * free[0]
    if cut:
        tail, head = ("right", "left") if left else ("left", "right")
        side = pick(rng, (tail, tail, tail, head, "bottom"))  # mostly, the head is seen
        hidden = rng.uniform(0.08, 0.3)
        x = {"left": -hidden * image.width, "right": w - (1 - hidden) * image.width}.get(side, x)
        y = h - (1 - hidden) * image.height if side == "bottom" else y
    frontal = any(s.part == "face" for s in shapes) and rng.random() < 0.5
    pose = "Frontal" if frontal else "Left" if left else "Right"
    at, vague = (int(x), int(y)), bool(small or blurred)
    return Sprite(name, image, at, pose, flies, vague, parts(shapes, image.height / tall))
