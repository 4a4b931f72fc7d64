"""Backdrops out of doors: meadows, beaches, snow, deserts, nights.

A backdrop is painted twice as large as needed and reduced. Its lowest part, below the horizon, is
the ground on which everything else is set.
"""

from functools import partial
from typing import NamedTuple

from minivoc.coats import colors
from minivoc.shapes import SUPERSAMPLE, Color, darker, lighter, mix, rgb

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


class Palette(NamedTuple):
    """The colors of a landscape; `tint` is the color of its light."""

    sky: str  # at the top, at the horizon
    hills: str  # from far to near
    ground: str
    tint: str


class Backdrop(NamedTuple):
    """A painted backdrop: the picture, the horizon as a share of its height, its light's color."""

    image: Image.Image
    horizon: float
    tint: Color


PALETTES = {
    "meadow": Palette("#86bfd6 #fdf3d7", "#b5d1b8 #94bd8f #7dad74", "#8fb868", "#fff3c8"),
    "summer": Palette("#5fa8c9 #d8eee6", "#9cc2c0 #7fb08a #679c62", "#a9bf63", "#fff6d6"),
    "autumn": Palette("#c9d3cf #fbe6c6", "#c8b393 #c98f56 #b0703f", "#c9a15e", "#ffdca8"),
    "sunset": Palette("#5d5a8c #f6b58a", "#b97f8b #8f6483 #6c5276", "#7d6a80", "#ffb48a"),
    "beach": Palette("#7cc0d8 #f4efdc", "", "#ecd6a5", "#fff0cf"),
    "snow": Palette("#a9c2d9 #f3eef0", "#c6d3e1 #dbe4ed #eef2f6", "#f5f5f7", "#dfe8ff"),
    "night": Palette("#1d2547 #56608f", "#39426e #2f3a5e #28344f", "#35455a", "#6a78b8"),
    "desert": Palette("#8ec3cc #fbe4c2", "#d9a883 #cf8f66 #c98a5c", "#e4b983", "#ffdfae"),
    "misty": Palette("#c4d0d3 #eef0ea", "#c9d4d2 #adc0bb #8fa9a0", "#9fb59b", "#eaf0ee"),
}


def gradient(size: tuple[int, int], top: Color, bottom: Color) -> Image.Image:
    """Return a picture that fades from `top` to `bottom`, RGB or RGBA as these are."""
    fade = np.linspace(top, bottom, size[1]).round().astype(np.uint8)
    return Image.fromarray(fade[:, None]).resize(size, Image.Resampling.NEAREST)


def wave(rng: np.random.Generator, width: int, level: float, swing: float) -> np.ndarray:
    """Return x and y of a hilly line of shape (40, 2) across the picture."""
    x = np.linspace(0, width, 40)
    y = sum(
        swing / k * np.sin(k * np.pi * x / width * rng.uniform(0.7, 1.6) + rng.uniform(0, 6.3))
        for k in (1, 2, 4)
    )
    return np.stack([x, level + y], axis=1)


def fill_below(pen: ImageDraw.ImageDraw, line: np.ndarray, color: Color, bottom: float) -> None:
    """Paint everything under a line."""
    pen.polygon([*map(tuple, line.tolist()), (line[-1, 0], bottom), (0, bottom)], fill=color)


def glow(image: Image.Image, x: float, y: float, r: float, color: Color) -> None:
    """Lighten the sky around the sun, the moon or a lamp."""
    halo = Image.new("L", (64, 64))
    ImageDraw.Draw(halo).ellipse((16, 16, 48, 48), fill=110)
    halo = halo.filter(ImageFilter.GaussianBlur(7))
    halo = halo.resize((int(4 * r), int(4 * r)), Image.Resampling.BILINEAR)
    image.paste(color, (int(x - 2 * r), int(y - 2 * r)), halo)


def _cloud(pen: ImageDraw.ImageDraw, rng, x: float, y: float, r: float, color: Color) -> None:
    """Paint a cloud with a flat base."""
    for dx, dy, size in ((-1.3, 0.25, 0.55), (-0.5, -0.1, 0.8), (0.4, -0.3, 1.0), (1.3, 0.2, 0.65)):
        s = size * r * rng.uniform(0.85, 1.1)
        pen.ellipse(
            (x + dx * r - s, y + dy * r - s * 0.7, x + dx * r + s, y + dy * r + s * 0.7), fill=color
        )
    pen.rounded_rectangle((x - 1.9 * r, y + 0.2 * r, x + 2 * r, y + 0.75 * r), 0.27 * r, fill=color)


def landscape(rng: np.random.Generator, size: tuple[int, int], name: str) -> Backdrop:
    """Return an outdoor scene of a kind in `PALETTES`: sky, hills or sea, and ground."""
    palette = PALETTES[name]
    w, h = (SUPERSAMPLE * side for side in size)
    share = rng.uniform(0.42, 0.66)
    horizon = share * h
    low = colors(palette.sky)[1]
    hills, ground = colors(palette.hills), rgb(palette.ground)
    image = _sky(rng, (w, h), horizon, name)
    pen = ImageDraw.Draw(image)
    if name == "beach":
        _sea(image, rng, horizon, low)
    elif rng.random() < 0.35:
        _mountains(pen, rng, w, horizon, mix(hills[0], low, 0.45))
    for i, color in enumerate(hills):
        nearness = (i + 1) / len(hills)
        line = wave(rng, w, horizon - h * (0.18 - 0.16 * nearness), h * 0.035)
        if rng.random() < 0.55 and name != "desert":
            _woods(pen, rng, line, h * (0.05 + 0.06 * nearness), darker(color, 0.22))
        fill_below(pen, line, color, h)
    line = wave(rng, w, horizon, h * (0.012 if name == "beach" else 0.02))
    if name == "beach":
        fill_below(pen, line - (0, 8), rgb("#fdf8ea"), h)  # the surf
    top = int(line[:, 1].min())
    stencil = Image.new("1", (w, h - top))
    fill_below(ImageDraw.Draw(stencil), line - (0, top), 255, h)
    soil = gradient(stencil.size, lighter(ground, 0.1), darker(ground, 0.16))
    image.paste(soil, (0, top), stencil)
    texture(pen, rng, w, h, share + 0.05, ground)
    return Backdrop(image.reduce(SUPERSAMPLE), share, rgb(palette.tint))


def _sky(rng: np.random.Generator, size: tuple[int, int], horizon: float, name: str) -> Image.Image:
    """Return a picture of the sky, with sun or moon, clouds and stars, down to the horizon."""
    w, h = size
    top, low = colors(PALETTES[name].sky)
    image = Image.new("RGB", size, low)
    image.paste(gradient((w, int(horizon)), top, low))
    pen = ImageDraw.Draw(image)
    x, y, r = rng.uniform((0.1 * w, 0.08 * h, 0.04 * h), (0.9 * w, 0.3 * h, 0.08 * h))
    disc = rgb("#fff6df") if name in ("night", "snow", "misty") else rgb("#ffe9b0")
    glow(image, x, y, 3.2 * r, disc)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=disc)
    if name == "night":
        for sx, sy, sr in rng.uniform((0, 0, 0.8), (w, horizon * 0.8, 2.6), (45, 3)):
            star = mix(top, disc, rng.uniform(0.4, 1))
            pen.ellipse((sx - sr, sy - sr, sx + sr, sy + sr), fill=star)
    for _ in range(rng.integers(0, 4)):
        level, shine = rng.uniform(0.1, 0.8), rng.uniform(0.25, 0.6)
        color = mix(mix(top, low, level), disc, shine)
        _cloud(pen, rng, rng.uniform(0, w), level * horizon, rng.uniform(0.03, 0.07) * h, color)
    return image


def _sea(image: Image.Image, rng: np.random.Generator, horizon: float, low: Color) -> None:
    """Paint a strip of sea, with a few waves, behind the beach."""
    pen, (w, h), sea = ImageDraw.Draw(image), image.size, rgb("#5fa9b5")
    image.paste(gradient((w, int(0.15 * h)), mix(sea, low, 0.35), sea), (0, int(horizon - 0.1 * h)))
    for y in horizon - np.linspace(0.07, 0.01, 4) * h:
        x = rng.uniform(0, 0.7) * w
        pen.rounded_rectangle((x, y, x + 0.25 * w, y + 4), 2, fill=lighter(sea, 0.5))


def texture(pen, rng, w: int, h: int, top: float, color: Color) -> None:
    """Scatter strokes over the ground: short far away, long close by."""
    tones = [darker(color, 0.07), darker(color, 0.14), lighter(color, 0.15), lighter(color, 0.28)]
    for x, y, tone in zip(rng.uniform(0, w, 60), rng.uniform(top, 1, 60), 15 * tones, strict=True):
        near = (y - top + 0.05) / (1.05 - top)
        length, thick = (10 + 60 * near) * h / 750, 1 + 2 * near
        pen.ellipse((x, y * h - thick, x + length, y * h + thick), fill=tone)


def _mountains(pen, rng, w: float, level: float, color: Color) -> None:
    """Paint two or three peaks with snow."""
    for x in rng.uniform(0, 1, rng.integers(2, 4)) * w:
        height, half = rng.uniform(0.35, 0.6) * level, rng.uniform(0.18, 0.3) * w
        peak = level - height
        pen.polygon([(x - half, level), (x, peak), (x + half, level)], fill=color)
        pen.polygon(
            [(x, peak), (x + half, level), (x + 0.1 * half, level)], fill=darker(color, 0.15)
        )
        snow = np.array([(0, 0), (25, 25), (8, 17), (-6, 28), (-25, 25)]) / 100 * (half, height)
        pen.polygon(np.add(snow, (x, peak)).ravel().tolist(), fill=lighter(color, 0.55))


def _woods(pen, rng, line: np.ndarray, height: float, color: Color) -> None:
    """Set a row of distant trees, all of one color, along the crest of a hill."""
    conifer = rng.random() < 0.5
    start = rng.integers(0, 30)
    for x, y in line[start : start + rng.integers(5, 20)]:
        tall = height * rng.uniform(0.6, 1.2)
        if conifer:
            pen.polygon(
                [(x - 0.28 * tall, y + 6), (x, y - tall), (x + 0.28 * tall, y + 6)], fill=color
            )
        else:
            pen.ellipse((x - 0.36 * tall, y - 0.85 * tall, x + 0.36 * tall, y + 6), fill=color)


LANDSCAPES = {name: partial(landscape, name=name) for name in PALETTES}
