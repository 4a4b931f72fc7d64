"""Backdrops in town and indoors: streets, living rooms, stables."""

from minivoc.coats import GLASS, LEAVES, PAINTS, WOODS, pick
from minivoc.landscapes import Backdrop, glow, gradient, texture, wave
from minivoc.shapes import SUPERSAMPLE, darker, lighter, mix, rgb

import numpy as np
from PIL import ImageDraw


def street(rng: np.random.Generator, size: tuple[int, int]) -> Backdrop:
    """Return a row of houses behind a pavement."""
    w, h = (SUPERSAMPLE * s for s in size)
    horizon = rng.uniform(0.55, 0.7)
    dusk = rng.random() < 0.3
    top, low = (rgb("#4a4f7d"), rgb("#f2b48c")) if dusk else (rgb("#8cbfd2"), rgb("#f8efd9"))
    image = gradient((w, h), top, low)
    pen = ImageDraw.Draw(image)
    x, base = -20.0, h * horizon
    while x < w:
        wide, tall = rng.uniform(0.2, 0.34) * h, rng.uniform(0.3, 0.52) * h
        wall = mix(pick(rng, PAINTS), low, 0.45)
        pen.rectangle((x, base - tall, x + wide, base), fill=wall)
        pen.rectangle((x + 0.9 * wide, base - tall, x + wide, base), fill=darker(wall, 0.15))
        roof = darker(wall, 0.4)
        pen.polygon(
            [
                (x - 8, base - tall),
                (x + wide / 2, base - tall - 0.1 * h),
                (x + wide + 8, base - tall),
            ],
            fill=roof,
        )
        for fx in (0.16, 0.58):
            for fy in np.arange(0.06, tall / h - 0.14, 0.12):
                pane = rgb("#ffdf8e") if dusk and rng.random() < 0.6 else mix(GLASS, top, 0.3)
                left, upper = x + fx * wide, base - tall + fy * h
                pen.rectangle(
                    (left - 4, upper - 4, left + 0.26 * wide + 4, upper + 0.075 * h + 4),
                    fill=lighter(wall, 0.5),
                )
                pen.rectangle((left, upper, left + 0.26 * wide, upper + 0.075 * h), fill=pane)
        pen.rectangle(
            (x + 0.4 * wide, base - 0.12 * h, x + 0.62 * wide, base), fill=pick(rng, WOODS)
        )
        x += wide
    stone = rgb("#c9bfb2") if not dusk else rgb("#8d8494")
    image.paste(gradient((w, h - int(base)), stone, darker(stone, 0.2)), (0, int(base)))
    pen.rectangle((0, base, w, base + 8), fill=darker(stone, 0.3))
    texture(pen, rng, w, h, horizon + 0.05, stone)
    return Backdrop(image.reduce(SUPERSAMPLE), horizon, rgb("#f4a582") if dusk else rgb("#fff4d8"))


def room(rng: np.random.Generator, size: tuple[int, int]) -> Backdrop:
    """Return a living room: wall, window or pictures, skirting, floor, rug."""
    w, h = (SUPERSAMPLE * s for s in size)
    horizon = rng.uniform(0.52, 0.68)
    wall = mix(pick(rng, PAINTS), rgb("#f6ead6"), rng.uniform(0.35, 0.75))
    image = gradient((w, h), darker(wall, 0.06), lighter(wall, 0.18))
    pen = ImageDraw.Draw(image)
    base = h * horizon
    if rng.random() < 0.5:  # striped wallpaper
        for x in np.arange(0, w, 0.09 * h):
            pen.rectangle((x, 0, x + 0.03 * h, base), fill=mix(wall, rgb("#fff6e4"), 0.22))
    x = rng.uniform(0.05, 0.25) * w
    while x < 0.9 * w:
        x += _on_the_wall(image, rng, x, h) + rng.uniform(0.08, 0.25) * w
    wood = pick(rng, WOODS)
    image.paste(
        gradient((w, h - int(base)), lighter(wood, 0.12), darker(wood, 0.12)), (0, int(base))
    )
    for y in np.linspace(0, 1, 6) ** 1.6:
        pen.line(
            (0, base + y * (h - base), w, base + y * (h - base)), fill=darker(wood, 0.2), width=3
        )
    pen.rectangle((0, base - 0.03 * h, w, base), fill=lighter(wall, 0.6))
    if rng.random() < 0.6:
        rug, cx, cy = (
            pick(rng, PAINTS),
            rng.uniform(0.3, 0.7) * w,
            rng.uniform(horizon + 0.12, 0.9) * h,
        )
        for share, color in ((1, rug), (0.86, lighter(rug, 0.45)), (0.76, rug)):
            rx, ry = 0.42 * h * share, 0.09 * h * share
            pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=color)
    return Backdrop(image.reduce(SUPERSAMPLE), horizon, rgb("#ffe9c4"))


def _on_the_wall(image, rng, x: float, h: float) -> float:
    """Hang a window or a picture at `x`; return its width."""
    pen = ImageDraw.Draw(image)
    window = rng.random() < 0.5
    wide, tall = (
        (rng.uniform(0.2, 0.28) * h, 0.32 * h) if window else (rng.uniform(0.1, 0.2) * h,) * 2
    )
    y = rng.uniform(0.06, 0.14) * h
    pen.rectangle(
        (x - 10, y - 10, x + wide + 10, y + tall + 10),
        fill=rgb("#fbf3e2") if window else pick(rng, WOODS),
    )
    image.paste(gradient((int(wide), int(tall)), rgb("#8fc4dc"), rgb("#eef3dc")), (int(x), int(y)))
    line = np.add(wave(rng, int(wide), 0.75 * tall, 0.05 * tall), (x, y))
    for level, green in ((0, LEAVES[3]), (0.12 * tall, LEAVES[0])):
        pen.polygon(
            [*map(tuple, np.add(line, (0, level)).tolist()), (x + wide, y + tall), (x, y + tall)],
            fill=green,
        )
    if window:
        pen.line((x + wide / 2, y, x + wide / 2, y + tall), fill=rgb("#fbf3e2"), width=10)
        pen.line((x, y + tall / 2, x + wide, y + tall / 2), fill=rgb("#fbf3e2"), width=10)
    return wide


def stable(rng: np.random.Generator, size: tuple[int, int]) -> Backdrop:
    """Return the inside of a stable: planks, a door to the light, straw."""
    w, h = (SUPERSAMPLE * s for s in size)
    horizon = rng.uniform(0.5, 0.66)
    wood = darker(pick(rng, WOODS), rng.uniform(0.05, 0.35))
    image = gradient((w, h), darker(wood, 0.35), wood)
    pen = ImageDraw.Draw(image)
    base = h * horizon
    for x in np.arange(rng.uniform(-0.1, 0) * h, w, 0.11 * h):
        pen.line((x, 0, x, base), fill=darker(wood, 0.45), width=5)
    x, wide = rng.uniform(0.05, 0.6) * w, 0.4 * h
    sky = gradient((int(wide), int(base - 0.12 * h)), rgb("#a9d2dc"), rgb("#fdf0cf"))
    image.paste(sky, (int(x), int(0.12 * h)))
    pen.rectangle((x, base - 0.1 * h, x + wide, base), fill=LEAVES[3])
    for left in (x - 14, x + wide):
        pen.rectangle((left, 0.1 * h, left + 14, base), fill=lighter(wood, 0.2))
    pen.rectangle((x - 14, 0.1 * h, x + wide + 14, 0.12 * h), fill=lighter(wood, 0.2))
    pen.rectangle((0, 0.02 * h, w, 0.06 * h), fill=darker(wood, 0.2))
    lamp = x + (wide + 0.15 * h if x < 0.35 * w else -0.17 * h)
    glow(image, lamp, 0.25 * h, 0.2 * h, rgb("#ffdf9a"))
    pen.line((lamp, 0.05 * h, lamp, 0.2 * h), fill=darker(wood, 0.6), width=4)
    pen.polygon(
        [(lamp - 18, 0.22 * h), (lamp, 0.19 * h), (lamp + 18, 0.22 * h)], fill=darker(wood, 0.6)
    )
    pen.rectangle((lamp - 12, 0.22 * h, lamp + 12, 0.28 * h), fill=rgb("#ffe9b0"))
    straw = rgb("#d9b566")
    image.paste(gradient((w, h - int(base)), straw, darker(straw, 0.3)), (0, int(base)))
    stalks = rng.uniform((0, base, -26, -8), (w, h, 26, 8), (140, 4))
    tones = 70 * [lighter(straw, 0.4), darker(straw, 0.25)]
    for (x, y, dx, dy), tone in zip(stalks.tolist(), tones, strict=True):
        pen.line((x, y, x + dx, y + dy), fill=tone, width=3)
    return Backdrop(image.reduce(SUPERSAMPLE), horizon, rgb("#ffd9a0"))


INTERIORS = {"street": street, "room": room, "stable": stable}
