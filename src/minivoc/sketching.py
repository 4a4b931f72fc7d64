"""One table of everything that can be drawn, and one function that draws it."""

from functools import partial

from minivoc import animals, birds, clutter, things
from minivoc.shapes import Shape, paint, place

import numpy as np
from PIL import Image

DRAWERS = {
    "dog": partial(animals.quadruped, name="dog"),
    "cat": partial(animals.quadruped, name="cat"),
    "bird": birds.bird,
    "cow": partial(animals.quadruped, name="cow"),
    "horse": partial(animals.quadruped, name="horse"),
    "sheep": partial(animals.quadruped, name="sheep"),
    "person": things.person,
    "car": things.car,
    "bus": things.bus,
    "boat": things.boat,
    "aeroplane": things.aeroplane,
    "pottedplant": things.pottedplant,
    "bottle": things.bottle,
    "chair": things.chair,
    "sofa": things.sofa,
    "tvmonitor": things.tvmonitor,
    "tree": clutter.tree,
    "bush": clutter.bush,
    "ball": clutter.ball,
    "box": clutter.box,
    "rock": clutter.rock,
    "flowers": clutter.flowers,
    "grass": clutter.grass,
    "fence": clutter.fence,
}


def sketch(name: str, rng: np.random.Generator, left: bool = False) -> list[Shape]:
    """Return the shapes of one object of a kind in `DRAWERS`, facing right or `left`.

    Raises `ValueError` for a kind that cannot be drawn.
    """
    if name not in DRAWERS:
        raise ValueError(f"Nothing draws {name!r}. Choose one of: {', '.join(DRAWERS)}.")
    return place(DRAWERS[name](rng), scale=(-1 if left else 1, 1), angle=rng.normal(0, 2))


def draw_object(name: str, rng: np.random.Generator, height: float) -> Image.Image:
    """Return a picture of one object, RGBA, `height` pixels high and cut to the object.

    It faces left as often as right.
    """
    return paint(sketch(name, rng, rng.random() < 0.5), height)
