"""Things that VOC names and that are not animals: people, vehicles, furniture.

Each function takes a generator and returns shapes that stand on y = 0.
"""

from minivoc.coats import FURS, GLASS, INK, LEAVES, PAINTS, SKINS, WHITE, WOODS, pick
from minivoc.shapes import (
    Shape,
    blob,
    darker,
    ellipse,
    flat,
    lighter,
    limb,
    mark,
    mix,
    place,
    points,
    rectangle,
    rgb,
    solid,
)

import numpy as np


def person(rng: np.random.Generator) -> list[Shape]:
    """Return a person, standing or walking, with head, hands and feet named as parts."""
    skin, hair, top = pick(rng, SKINS), pick(rng, FURS[3:9]), pick(rng, PAINTS)
    cloth = darker(pick(rng, PAINTS), 0.35)
    step, swing = rng.uniform(0.02, 0.2), rng.uniform(0.05, 0.3)
    shoe = solid(INK, "-0.06 0.06, 0.05 0.06, 0.15 -0.02, 0.13 -0.04, -0.07 -0.04")
    legs, arms = [], []
    for side, shade in ((1, 0.3), (-1, 0)):  # first what is on the far side
        foot, hand = (side * step, 0.04), (side * swing, 0.82)
        leg = limb([(0, 0.85), (0.5 * side * step + 0.03, 0.45), foot], (0.11, 0.08, 0.055))
        legs += [solid(darker(cloth, shade), leg), *place([shoe], foot, part="foot")]
        fist = solid(darker(skin, shade), ellipse(0, 0, 0.055))
        arm = limb([(0, 1.36), (side * swing * 0.45, 1.1), hand], (0.085, 0.065, 0.05))
        arms.append([*place([fist], hand, part="hand"), solid(darker(top, shade), arm)])
    skirt = solid(cloth, "-0.13 1, 0.13 1, 0.26 0.55, 0 0.5, -0.26 0.55")
    locks = solid(hair, "-0.17 0.12, -0.2 -0.25, -0.02 -0.3, 0.02 0.1")
    cap = "-0.16 -0.08, -0.16 0.12, 0.02 0.19, 0.16 0.1, 0.14 0.04, 0 0.07, -0.06 -0.04"
    head = [
        *[locks] * (rng.random() < 0.5),
        solid(skin, ellipse(0.02, -0.02, 0.14, 0.16)),
        solid(hair, cap),
        flat(INK, ellipse(0.1, 0, 0.016, 0.022)),
    ]
    return [
        *legs,
        *arms[0],
        *[skirt] * (rng.random() < 0.35),
        solid(darker(skin, 0.2), limb("0 1.35, 0.02 1.6", (0.06, 0.06))),
        solid(top, limb("0 0.9, 0 1.15, 0 1.35", (0.13, 0.14, 0.13))),
        *arms[1],
        *place(head, (0.02, 1.68), part="head"),
    ]


def _wheel(x: float, r: float) -> list[Shape]:
    """Return a wheel that stands on the ground at `x`."""
    tire, rim, hub = (ellipse(x, r, share * r) for share in (1, 0.5, 0.18))
    return [solid(INK, tire), solid(rgb("#b9b4b0"), rim), flat(INK, hub)]


def car(rng: np.random.Generator) -> list[Shape]:
    """Return a car seen from the side."""
    color, roof = pick(rng, PAINTS), rng.uniform(0.75, 0.95)
    cabin = [(-0.62, 0.48), (-0.48, roof), (0.0, roof + 0.05), (0.3, roof), (0.62, 0.5)]
    rear = [(-0.46, 0.52), (-0.38, roof - 0.07), (-0.02, roof - 0.04), (-0.02, 0.52)]
    front = [(0.05, 0.52), (0.05, roof - 0.04), (0.24, roof - 0.08), (0.46, 0.52)]
    body = "-1 0.2, -1.02 0.45, -0.7 0.55, 0.6 0.54, 0.98 0.45, 1.02 0.2, 0 0.16"
    door = limb("0.01 0.5, 0.01 0.25", (0.008, 0.008))
    handle = limb("-0.14 0.46, -0.06 0.46", (0.014, 0.014))
    return [
        solid(darker(color, 0.08), blob(cabin)),
        mark(GLASS, points(rear), points(front)),
        solid(color, body),
        mark(darker(color, 0.5), door, handle),
        flat(rgb("#ffe8a3"), ellipse(0.96, 0.4, 0.05, 0.07)),
        flat(rgb("#b2342c"), ellipse(-0.98, 0.4, 0.04, 0.07)),
        *_wheel(-0.58, 0.19),
        *_wheel(0.6, 0.19),
    ]


def bus(rng: np.random.Generator) -> list[Shape]:
    """Return a bus seen from the side."""
    color = pick(rng, PAINTS)
    panes = [rectangle(x, 0.62, x + 0.3, 0.98) for x in np.arange(-1.15, 1.0, 0.37)]
    floor, roof = (limb([(-1.15, y), (1.15, y)], (r, r)) for y, r in ((0.3, 0.12), (1.08, 0.1)))
    return [
        solid(color, floor, roof, rectangle(-1.27, 0.28, 1.26, 1.1)),
        mark(WHITE, rectangle(-1.3, 0.42, 1.3, 0.5)),
        mark(GLASS, panes),
        *_wheel(-0.75, 0.2),
        *_wheel(0.8, 0.2),
    ]


def boat(rng: np.random.Generator) -> list[Shape]:
    """Return a sailing boat."""
    color = pick(rng, PAINTS)
    return [
        solid(WOODS[1], limb("0.02 0.2, 0.02 1.65", (0.025, 0.02))),
        solid(WHITE, "-0.05 0.38, -0.02 1.6, -0.45 0.75, -0.62 0.38"),
        solid(lighter(color, 0.55), "0.08 0.4, 0.06 1.45, 0.42 0.8, 0.65 0.4"),
        solid(color, "-0.75 0.3, 0 0.24, 0.85 0.34, 0.55 0.02, 0 -0.02, -0.55 0.02"),
        mark(WHITE, limb("-0.8 0.26, 0 0.19, 0.9 0.28", (0.03, 0.03, 0.03))),
    ]


def aeroplane(rng: np.random.Generator) -> list[Shape]:
    """Return an aeroplane in the air."""
    color = pick(rng, PAINTS)
    panes = [ellipse(x, 0.05, 0.03) for x in np.arange(-0.35, 0.6, 0.13)]
    shapes = [
        solid(darker(color, 0.3), points("0.25 0.08, 0 0.1, -0.15 0.38, -0.05 0.38")),
        solid(color, "-0.65 0.1, -0.95 0.45, -1.05 0.43, -0.95 0.08"),
        solid(WHITE, limb("-0.9 0.08, -0.3 0, 0.5 0, 0.85 -0.02", (0.05, 0.13, 0.15, 0.08))),
        mark(color, rectangle(-1, -0.2, 1, -0.05)),
        mark(GLASS, panes),
        solid(color, points("0.2 0, -0.12 0, -0.55 -0.42, -0.4 -0.44")),
    ]
    return place(shapes, angle=rng.uniform(-5, 18))


def pottedplant(rng: np.random.Generator) -> list[Shape]:
    """Return a plant in a pot."""
    green, clay, shapes = pick(rng, LEAVES), pick(rng, PAINTS), []
    for angle in np.linspace(-62, 62, rng.integers(5, 9)) + rng.uniform(-8, 8):
        size = rng.uniform(0.75, 1.1) * (1.15 - abs(angle) / 160)
        tint = mix(green, LEAVES[3], rng.uniform(0, 0.5))
        leaf = solid(tint, "0 0, -0.11 0.35, -0.08 0.62, 0 0.85, 0.08 0.62, 0.11 0.35")
        rib = mark(darker(tint, 0.3), limb("0 0, 0 0.75", (0.012, 0.006)))
        shapes += place([leaf, rib], (0, 0.42), size, angle)
    pot = solid(clay, points("-0.3 0.45, 0.3 0.45, 0.22 0, -0.22 0"))
    return [*shapes, pot, solid(lighter(clay, 0.15), rectangle(-0.33, 0.4, 0.33, 0.5))]


def bottle(rng: np.random.Generator) -> list[Shape]:
    """Return a bottle with a label."""
    color = pick(rng, (*LEAVES[:3], *PAINTS[:4]))
    half = points("0.02 1, 0.07 1, 0.07 0.72, 0.17 0.55, 0.17 0.03, 0.15 0, 0.02 0")
    return [
        solid(color, np.concatenate([half, half[::-1] * (-1, 1)])),
        mark(rgb("#f3e6c8"), rectangle(-0.2, 0.18, 0.2, 0.42)),
        mark(lighter(color, 0.6), rectangle(-0.13, 0.08, -0.09, 0.6)),
        solid(PAINTS[1], rectangle(-0.075, 0.92, 0.075, 1.02)),
    ]


def chair(rng: np.random.Generator) -> list[Shape]:
    """Return a wooden chair with a cushion."""
    wood, cloth = pick(rng, WOODS), pick(rng, PAINTS)
    rung = points("-0.34 0.78, -0.2 0.84, -0.2 0.92, -0.34 0.86")
    return [
        solid(darker(wood, 0.3), limb("0.22 0.5, 0.24 0.02", (0.03, 0.025))),
        solid(darker(wood, 0.3), limb("-0.2 0.5, -0.2 0.02", (0.03, 0.025))),
        solid(darker(wood, 0.15), limb("-0.24 1.12, -0.22 0.55", (0.03, 0.03))),
        solid(darker(wood, 0.15), rung, np.add(rung, (0, 0.2))),
        solid(wood, limb("0.32 0.48, 0.36 0.02", (0.035, 0.03))),
        solid(wood, limb("-0.32 1.15, -0.3 0.5, -0.36 0.02", (0.035, 0.035, 0.03))),
        solid(wood, points("-0.36 0.46, 0.38 0.46, 0.28 0.54, -0.26 0.54")),
        solid(wood, rectangle(-0.36, 0.42, 0.38, 0.47)),
        solid(cloth, limb("-0.24 0.54, 0.28 0.54", (0.05, 0.05))),
    ]


def sofa(rng: np.random.Generator) -> list[Shape]:
    """Return a sofa with two seats and a pillow."""
    cloth, wood = pick(rng, PAINTS), pick(rng, WOODS)
    back = limb("-0.8 0.75, 0.8 0.75", (0.18, 0.18))
    pillow = solid(pick(rng, PAINTS), "-0.2 0.18, 0.2 0.2, 0.18 -0.2, -0.18 -0.18")
    seats = [limb([(x - 0.3, 0.42), (x + 0.3, 0.42)], (0.11, 0.11)) for x in (-0.42, 0.42)]
    arms = [limb([(x, 0.22), (x, 0.55)], (0.12, 0.14)) for x in (-0.95, 0.95)]
    return [
        solid(wood, rectangle(-0.95, 0, -0.88, 0.14), rectangle(0.88, 0, 0.95, 0.14)),
        solid(darker(cloth, 0.12), back, rectangle(-0.95, 0.3, 0.95, 0.75)),
        *place([pillow], (rng.uniform(-0.6, 0.6), 0.68), angle=20),
        solid(darker(cloth, 0.08), rectangle(-0.95, 0.12, 0.95, 0.36)),
        *(solid(lighter(cloth, 0.15), seat) for seat in seats),
        *(solid(cloth, arm) for arm in arms),
    ]


def tvmonitor(rng: np.random.Generator) -> list[Shape]:
    """Return a television on a low cabinet."""
    glow = pick(rng, (GLASS, *PAINTS[2:5]))
    return [
        solid(pick(rng, WOODS), rectangle(-0.7, 0, 0.7, 0.3)),
        solid(INK, rectangle(-0.1, 0.3, 0.1, 0.4)),
        solid(INK, rectangle(-0.62, 0.38, 0.62, 1.1)),
        mark(darker(glow, 0.4), rectangle(-0.56, 0.45, 0.56, 1.04)),
        mark(glow, points("-0.5 1.04, -0.1 1.04, -0.4 0.45, -0.56 0.45, -0.56 0.9")),
    ]
