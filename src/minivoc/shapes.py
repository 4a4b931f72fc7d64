"""Shapes made of polygons, and the brush that paints them: the toolkit of every drawing.

A drawing is a list of `Shape`, painted from first to last. Its coordinates have no unit: x grows to
the right, y grows *upward* and the ground is y = 0. `paint` gives the drawing its size in pixels.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageColor, ImageDraw

SUPERSAMPLE = 2
Color = tuple[int, int, int]
DUSK: Color = (58, 40, 92)  # shadows lean to violet, lights to cream: flat colors look alive
CREAM: Color = (255, 246, 222)
TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
CAP = CIRCLE[:13] @ [(0, -1), (1, 0)]  # the half of it with x >= 0


class Shape(NamedTuple):
    """Polygons of one color, each of shape (n, 2), or several in one array of shape (m, n, 2).

    `kind` is ``solid`` (shaded on the side away from the light), ``flat`` (not shaded) or ``mark``
    (painted only where it lies on the last solid shape). `part` names a part of the body.
    """

    outlines: list[np.ndarray]
    color: Color
    kind: str = "solid"
    part: str | None = None


def solid(color: Color, *outlines) -> Shape:
    """Return a shaded shape; an outline is a polygon, a limb, or the text of a smooth outline."""
    return Shape(_collected(outlines), color)


def flat(color: Color, *outlines) -> Shape:
    """Return a shape without shading; outlines as in `solid`."""
    return Shape(_collected(outlines), color, "flat")


def mark(color: Color, *outlines) -> Shape:
    """Return a shape that stays on the last solid one; outlines as in `solid`."""
    return Shape(_collected(outlines), color, "mark")


def _collected(outlines) -> list[np.ndarray]:
    collected = []
    for outline in outlines:
        if isinstance(outline, str):
            collected.append(blob(outline))
        else:  # a limb is a list of polygons
            collected += outline if isinstance(outline, list) else [outline]
    return collected


def rgb(text: str) -> Color:
    """Return the color written as ``#rrggbb`` as three integers from 0 to 255."""
    return ImageColor.getrgb(text)


def mix(a: Color, b: Color, share: float) -> Color:
    """Return color `a` with `share` (0 to 1) of color `b` mixed in."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))


def darker(color: Color, share: float = 0.25) -> Color:
    """Return the color as it looks in the shade."""
    return mix(color, DUSK, share)


def lighter(color: Color, share: float = 0.3) -> Color:
    """Return the color as it looks in the light."""
    return mix(color, CREAM, share)


def ellipse(x: float, y: float, rx: float, ry: float | None = None, angle: float = 0) -> np.ndarray:
    """Return an ellipse as a polygon of shape (24, 2); `angle` is in degrees."""
    return CIRCLE * (rx, rx if ry is None else ry) @ rotation(angle).T + (x, y)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Return the rectangle between two corners as a polygon of shape (4, 2)."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def rotation(degrees: float) -> np.ndarray:
    """Return the matrix, of shape (2, 2), that turns column vectors counterclockwise."""
    turn = np.radians(degrees)
    return np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])


def points(path) -> np.ndarray:
    """Return a path as an array, one row per point; it may be written as ``"x y, x y, x y"``."""
    if isinstance(path, str):
        path = [pair.split() for pair in path.split(",")]
    return np.asarray(path, float)


def smooth(path, closed: bool = False, steps: int = 6) -> np.ndarray:
    """Return a smooth curve through the points of a path (which may have more columns than two).

    It is a Catmull-Rom spline with `steps` points on each of its pieces.
    """
    p = points(path)
    p = np.concatenate([p[-1:], p, p[:2]] if closed else [p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    pieces = (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * (b - c) + d - a) * t**3
    ) / 2
    curve = pieces.reshape(-1, p.shape[1])
    return curve if closed else np.concatenate([curve, p[-1:]])


def blob(path) -> np.ndarray:
    """Return the smooth closed outline through the points of a path."""
    return smooth(path, closed=True)


def limb(path, radii) -> list[np.ndarray]:
    """Return a rounded stroke along a smooth path: a leg, a neck, a tail, a trunk.

    `radii` gives half the stroke's width at each point of `path`. The stroke is a chain of
    straight pieces with round ends.
    """
    knots = np.column_stack([points(path), radii])
    stations = smooth(knots, steps=4) if len(knots) > 2 else knots
    centers, r = stations[:, None, :2], stations[:, None, 2:].clip(min=1e-3)
    along = np.diff(centers, axis=0)
    along /= np.linalg.norm(along, axis=2, keepdims=True).clip(min=1e-9)
    cap = CAP[:, :1] * along + CAP[:, 1:] * along[..., ::-1] * (-1, 1)
    return [np.concatenate([centers[1:] + r[1:] * cap, centers[:-1] - r[:-1] * cap], axis=1)]


def place(
    shapes: list[Shape], at=(0.0, 0.0), scale=1.0, angle: float = 0, part: str | None = None
) -> list[Shape]:
    """Return the shapes scaled (by one number or by (x, y)), turned by `angle` and moved to `at`.

    A scale of (-1, 1) mirrors. `part`, when given, names all of them as a part of the body.
    """
    matrix = (rotation(angle) * np.broadcast_to(scale, 2)).T
    return [
        Shape([o @ matrix + at for o in s.outlines], s.color, s.kind, part or s.part)
        for s in shapes
    ]


def bounds(shapes: list[Shape]) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest (x, y) of the shapes; marks cannot reach beyond them."""
    corners = _corners([o for s in shapes if s.kind != "mark" for o in s.outlines])
    return corners.min(axis=0), corners.max(axis=0)


def _corners(outlines: list[np.ndarray]) -> np.ndarray:
    """Return the corners of all polygons, one row each."""
    return np.concatenate([outline.reshape(-1, 2) for outline in outlines])


def paint(shapes: list[Shape], height: float) -> Image.Image:
    """Return the shapes as an RGBA picture, `height` pixels high and just wide enough.

    They are painted larger and reduced, which makes their edges smooth.
    """
    low, high = bounds(shapes)
    zoom = SUPERSAMPLE * height / (high[1] - low[1])
    sides = (high - low) * zoom / SUPERSAMPLE - 1e-6  # 60.0000001 is 60
    size = np.maximum(np.ceil(sides).astype(int), 1) * SUPERSAMPLE
    canvas = Image.new("RGBa", tuple(size.tolist()))  # alpha is 0 or 255, so it is RGBA as well
    pen = ImageDraw.Draw(canvas)
    under, corner = None, (0, 0)  # the stencil of the last solid shape, and where it lies
    for shape in shapes:
        pixels = [(o - (low[0], high[1])) * (zoom, -zoom) for o in shape.outlines]
        if shape.kind == "flat":
            _fill(pen, pixels, shape.color)
            continue
        stencil, at = _stencil(pixels, size)
        if shape.kind == "solid":
            canvas.paste(darker(shape.color), at, stencil)
            canvas.paste(shape.color, at, _lit(stencil))
            under, corner = stencil, at
        else:
            clip = _window(under, at[0] - corner[0], at[1] - corner[1], stencil.size)
            canvas.paste(shape.color, at, ImageChops.logical_and(stencil, clip))
    return canvas.reduce(SUPERSAMPLE).convert("RGBA")


def _fill(pen: ImageDraw.ImageDraw, outlines: list[np.ndarray], color: Color | int) -> None:
    """Paint polygons, given in pixels."""
    for outline in outlines:
        for polygon in outline.reshape(-1, 2 * outline.shape[-2]).tolist():
            pen.polygon(polygon, fill=color)


def _stencil(outlines: list[np.ndarray], size: np.ndarray) -> tuple[Image.Image, tuple[int, int]]:
    """Return where the polygons are, in black and white, cut to them, and its corner."""
    corners = _corners(outlines)
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, size - 1)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, low + 1, size)
    stencil = Image.new("1", tuple((high - low).tolist()))
    _fill(ImageDraw.Draw(stencil), [outline - low for outline in outlines], 255)
    return stencil, tuple(low.tolist())


def _lit(stencil: Image.Image) -> Image.Image:
    """Return the part of a stencil that the light, from the upper left, reaches."""
    thickness = stencil.histogram()[255] / np.hypot(*stencil.size)
    step = round(0.2 * thickness)
    return ImageChops.logical_and(stencil, _window(stencil, step, step, stencil.size))


def _window(stencil: Image.Image, x: int, y: int, size: tuple[int, int]) -> Image.Image:
    """Return what is in a window with its corner at (x, y); it is black beyond the stencil."""
    return stencil.crop((x, y, x + size[0], y + size[1]))
