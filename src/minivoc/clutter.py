"""What stands around and has no name in VOC: trees, bushes, fences, flowers, balls, boxes."""

from minivoc.coats import FURS, LEAVES, PAINTS, WHITE, WOODS, pick
from minivoc.shapes import (
    Shape,
    blob,
    darker,
    ellipse,
    flat,
    lighter,
    limb,
    mark,
    points,
    rectangle,
    rgb,
    solid,
)

import numpy as np

BLOOMS = (*PAINTS[:2], PAINTS[4], PAINTS[5], WHITE)


def tree(rng: np.random.Generator) -> list[Shape]:
    """Return a tree: round, or a conifer."""
    green, bark = pick(rng, LEAVES), pick(rng, WOODS)
    trunk = solid(bark, limb("0 0, 0.02 0.35, 0 0.7", (0.07, 0.05, 0.03)))
    if rng.random() < 0.4:
        tiers = ("-0.42 0.2, 0.42 0.2, 0 0.75", "-0.34 0.48, 0.34 0.48, 0 1.03",
                 "-0.25 0.76, 0.25 0.76, 0 1.31")  # fmt: skip
        return [trunk, *(solid(green, points(tier)) for tier in tiers)]
    centers = points("-0.25 0.72, 0.26 0.7, 0 0.98, 0.02 0.7") + rng.uniform(-0.05, 0.05, (4, 2))
    crown = [ellipse(*c, r) for c, r in zip(centers, (0.27, 0.25, 0.33, 0.3), strict=True)]
    glints = [ellipse(-0.12, 1.05, 0.16, 0.12), ellipse(-0.3, 0.8, 0.1, 0.08)]
    return [trunk, solid(green, crown), mark(lighter(green, 0.2), glints)]


def bush(rng: np.random.Generator) -> list[Shape]:
    """Return a low bush, sometimes in bloom."""
    crown = [
        ellipse(x, 0.2 + rng.uniform(0, 0.15), rng.uniform(0.2, 0.3))
        for x in (-0.4, -0.15, 0.12, 0.4)
    ]
    dots = [ellipse(*at, 0.035) for at in rng.uniform((-0.5, 0.1), (0.5, 0.5), (9, 2))]
    shapes = [solid(pick(rng, LEAVES), crown, rectangle(-0.5, 0, 0.5, 0.2))]
    return shapes + [mark(pick(rng, BLOOMS), dots)] * (rng.random() < 0.6)


def ball(rng: np.random.Generator) -> list[Shape]:
    """Return a striped ball."""
    stripe = limb("-0.6 0.3, 0 0.62, 0.6 0.5", (0.12, 0.14, 0.12))
    return [solid(pick(rng, PAINTS), ellipse(0, 0.5, 0.5)), mark(WHITE, stripe)]


def box(rng: np.random.Generator) -> list[Shape]:
    """Return a cardboard box or a bale of straw."""
    if rng.random() < 0.5:
        straw = rgb("#dcb65f")
        stalks = [limb([(x - 0.2, y), (x, y)], (0.008, 0.008)) for x, y in
                  rng.uniform((-0.5, 0.05), (0.7, 0.7), (14, 2))]  # fmt: skip
        cords = [rectangle(x, 0, x + 0.04, 0.72) for x in (-0.3, 0.26)]
        return [
            solid(straw, rectangle(-0.58, 0, 0.58, 0.7)),
            mark(darker(straw, 0.18), *stalks),
            mark(darker(straw, 0.4), cords),
        ]
    color = pick(rng, WOODS)
    tape = [rectangle(-0.5, 0.62, 0.5, 0.75), rectangle(-0.09, 0.3, 0.09, 0.75)]
    return [solid(color, rectangle(-0.5, 0, 0.5, 0.75)), mark(lighter(color, 0.2), tape)]


def rock(rng: np.random.Generator) -> list[Shape]:
    """Return a rock."""
    outline = points("-0.5 0, -0.42 0.5, -0.1 1, 0.28 0.8, 0.5 0, 0 -0.02")
    return [solid(pick(rng, FURS[7:11]), blob(outline * (1, rng.uniform(0.35, 0.6))))]


def flowers(rng: np.random.Generator) -> list[Shape]:
    """Return a few flowers on their stems."""
    color, shapes = pick(rng, BLOOMS), []
    turns = np.arange(0, 6.2, 1.25)
    for x in rng.uniform(-0.3, 0.3, rng.integers(2, 5)):
        y = rng.uniform(0.5, 1)
        petals = [ellipse(x + 0.1 * np.cos(t), y + 0.1 * np.sin(t), 0.075) for t in turns]
        leaf = np.add(points("0 0.2, 0.15 0.35, 0.05 0.2"), (x * 0.6, 0))
        shapes += [
            flat(LEAVES[0], limb([(x * 0.5, 0), (x, y)], (0.018, 0.014)), leaf),
            solid(color, petals),
            flat(PAINTS[1], ellipse(x, y, 0.06)),
        ]
    return shapes


def grass(rng: np.random.Generator) -> list[Shape]:
    """Return a tuft of grass."""
    roots = np.linspace(-0.35, 0.35, 7)
    tips = np.stack([roots * 1.5 + rng.uniform(-0.15, 0.15, 7), rng.uniform(0.5, 1, 7)], axis=1)
    blades = [
        points([(x - 0.05, 0), (x + 0.05, 0), tip]) for x, tip in zip(roots, tips, strict=True)
    ]
    return [flat(pick(rng, LEAVES), blades)]


def fence(rng: np.random.Generator) -> list[Shape]:
    """Return a piece of wooden fence."""
    wood = pick(rng, (*WOODS, WHITE))
    post = points("-0.06 0, 0.06 0, 0.06 0.7, 0 0.8, -0.06 0.7")
    rails = [rectangle(-1.4, y, 1.4, y + 0.09) for y in (0.2, 0.5)]
    posts = [np.add(post, (x, 0)) for x in np.arange(-1.2, 1.3, 0.4)]
    return [solid(darker(wood, 0.15), rails), solid(wood, posts)]
