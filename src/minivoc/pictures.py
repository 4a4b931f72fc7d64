"""Pictures: sprites on a backdrop, and the tight box of what can be seen of each of them."""

from functools import cache
from typing import NamedTuple

from minivoc.landscapes import Backdrop, gradient
from minivoc.shapes import DUSK, Color, Shape, bounds, mix

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

VISIBLE = 64  # a pixel belongs to an object when a quarter of it, 64 of 255, shows the object
SHOWN = [255 * (alpha >= VISIBLE) for alpha in range(256)]
Box = tuple[float, float, float, float]


class Sprite(NamedTuple):
    """A painted object and where its upper left corner is, in pixels of the picture."""

    name: str
    image: Image.Image
    at: tuple[int, int]
    pose: str = "Unspecified"
    airborne: bool = False
    difficult: bool = False
    parts: tuple[tuple[str, Box], ...] = ()


class Found(NamedTuple):
    """One object as it is seen in the picture; boxes are (xmin, ymin, xmax, ymax), half-open."""

    name: str
    box: Box
    pose: str
    truncated: bool
    seen: float  # the share of it, from 0 to 1, that nothing hides
    difficult: bool
    parts: tuple[tuple[str, Box], ...]


def render(backdrop: Backdrop, sprites: list[Sprite]) -> Image.Image:
    """Return the picture: every sprite with its shadow, in the light of the scene."""
    image = backdrop.image.copy()
    for sprite in sprites:
        if not sprite.airborne:
            _lay_shadow(image, sprite)
        image.paste(_lit(sprite.image, backdrop.tint), sprite.at, sprite.image)
    image.paste(DUSK, mask=_corners(image.size))
    return image


@cache  # there are few sizes
def _corners(size: tuple[int, int]) -> Image.Image:
    """Return the mask that darkens the corners of a picture."""
    return Image.radial_gradient("L").resize(size).point(lambda v: max(0, v - 140) // 4)


def _lit(image: Image.Image, tint: Color) -> Image.Image:
    """Return a sprite in the light of the scene, brighter above than below."""
    top, bottom = mix(tint, (255, 255, 255), 0.75), mix(tint, (225, 220, 235), 0.45)
    return ImageChops.multiply(image, gradient(image.size, (*top, 255), (*bottom, 255)))


def _lay_shadow(image: Image.Image, sprite: Sprite) -> None:
    """Lay a soft shadow on the ground under a sprite."""
    wide, deep = sprite.image.width, max(6, sprite.image.width // 9)
    stain = Image.new("L", (wide + 2 * deep, 3 * deep))
    ImageDraw.Draw(stain).ellipse((deep, deep, wide + deep, 2 * deep), fill=95)
    stain = stain.filter(ImageFilter.BoxBlur(deep / 4))
    at = (sprite.at[0] - deep + deep // 3, sprite.at[1] + sprite.image.height - int(1.6 * deep))
    image.paste((42, 32, 66), at, stain)


def find(size: tuple[int, int], sprites: list[Sprite], names: set[str]) -> list[Found]:
    """Return the objects with these names that can be seen, with the box of what is seen of each.

    `size` is (width, height) of the picture. What lies in front of an object is taken away from
    it, and so is what lies outside the picture; what is mostly hidden is left out.
    """
    found = []
    everywhere = Image.new("L", size, 255)
    uncovered = everywhere.copy()
    for sprite in reversed(sprites):
        alpha = sprite.image.getchannel("A")
        window = (*sprite.at, *np.add(sprite.at, alpha.size).tolist())
        seen = ImageChops.multiply(alpha, uncovered.crop(window))  # black outside the picture
        uncovered.paste(0, window, alpha)
        box = seen.point(SHOWN).getbbox()
        if box is None or sprite.name not in names:
            continue
        whole = ImageChops.multiply(alpha, everywhere.crop(window))
        share = np.asarray(seen).mean() / np.asarray(whole).mean()
        if share < 0.3:
            continue
        xmin, ymin, xmax, ymax = np.add(alpha.getbbox(), 2 * sprite.at).tolist()
        truncated = xmin < 0 or ymin < 0 or xmax > size[0] or ymax > size[1]
        box = tuple(np.add(box, 2 * sprite.at).tolist())
        tiny = min(box[2] - box[0], box[3] - box[1]) < 14
        parts = tuple(
            (name, tuple(np.add(part, 2 * sprite.at).tolist())) for name, part in sprite.parts
        )
        vague = sprite.difficult or tiny
        found.append(Found(sprite.name, box, sprite.pose, truncated, float(share), vague, parts))
    return found[::-1]


def parts(shapes: list[Shape], zoom: float) -> tuple[tuple[str, Box], ...]:
    """Return the boxes of a person's parts, in pixels of a picture painted at this zoom."""
    if not any(s.part == "hand" for s in shapes):
        return ()
    low, high = bounds(shapes)
    groups = [("head", [s for s in shapes if s.part == "head"])]
    groups += [(s.part, [s]) for s in shapes if s.part in ("hand", "foot")]
    boxes = []
    for name, group in groups:
        (left, bottom), (right, top) = bounds(group)
        edges = (left - low[0], high[1] - top, right - low[0], high[1] - bottom)
        boxes.append((name, tuple(zoom * edge for edge in edges)))
    return tuple(boxes)
