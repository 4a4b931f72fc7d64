"""Coats and colors. All kinds of animals share the same coats, so no color gives one away."""

from typing import NamedTuple

from minivoc.shapes import Color, Shape, blob, darker, limb, mix, rgb

import numpy as np


def colors(text: str) -> tuple[Color, ...]:
    """Return the colors written in a text as ``#rrggbb``, with spaces between."""
    return tuple(rgb(color) for color in text.split())


INK, WHITE, PINK = colors("#2e2730 #fffaf0 #e9a39a")
FURS = colors(
    "#f4ead6 #fbf7ef #e3b56b #d98c4a #b06a40 #7d5238 #4e3d3a #3a3842 #9c9aa2 #6f8194 #bda58c"
    " #c27f6c"
)
PAINTS = colors("#c8553d #e0a458 #5b8e7d #3f6c8f #8c6a9c #d88c9a #e9d8a6 #6d7f52 #465362 #b5704f")
SKINS = colors("#f2cfae #d9a178 #a9714b #74492f")
LEAVES = colors("#5f8d4e #7aa35a #47745c #8aa65c #3f6650 #b7a24c")
WOODS = colors("#a9744f #8a5a3c #c79a6b #6e4a37")
IRISES = colors("#8fae5d #d8a740 #7fb0bd")
GLASS = rgb("#bfdbe0")
PATTERNS = ("plain", "plain", "patches", "patches", "saddle", "socks", "belly", "bands")


class Coat(NamedTuple):
    """The colors of an animal: most of it, its markings, its mane, and how the markings lie."""

    base: Color
    second: Color
    mane: Color
    pattern: str


def pick(rng: np.random.Generator, options):
    """Return one of the options."""
    return options[rng.integers(len(options))]


def random_coat(rng: np.random.Generator, bands: bool = True) -> Coat:
    """Return a random coat; its markings differ from its base color enough to be seen.

    Without `bands` there are no stripes, which would turn a horse into a zebra.
    """
    base = pick(rng, FURS)
    second = pick(rng, [c for c in FURS if np.abs(np.subtract(c, base)).sum() > 110])
    mane = darker(base, 0.5) if rng.random() < 0.6 else mix(second, base, 0.2)
    return Coat(base, second, mane, pick(rng, PATTERNS if bands else PATTERNS[:-1]))


def markings(rng: np.random.Generator, coat: Coat, hip, shoulder, depth: float) -> list[Shape]:
    """Return the coat's pattern on the trunk that was painted last.

    The trunk lies around the line from `hip` to `shoulder`; `depth` is half its depth.
    """
    hip = np.asarray(hip, float)
    along = shoulder - hip
    across = depth * np.array([-along[1], along[0]]) / np.linalg.norm(along)
    outlines = []
    if coat.pattern == "patches":
        turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
        for share in np.linspace(-0.15, 1.1, 4) + rng.uniform(-0.12, 0.12, 4):
            center = hip + share * along + across * rng.uniform(-0.5, 0.9)
            radius = depth * rng.uniform(0.4, 0.9, (8, 1))
            circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
            outlines.append(blob(center + radius * circle))
    elif coat.pattern == "saddle":
        path = [hip - 0.3 * along + 0.9 * across, hip + 0.5 * along + 0.85 * across,
                hip + 1.1 * along + 1.1 * across]  # fmt: skip
        outlines = limb(path, np.array([0.6, 0.75, 0.5]) * depth)
    elif coat.pattern == "bands":
        for share in np.linspace(-0.12, 1.05, 7):
            top = hip + share * along + 1.3 * across
            end = top - across * rng.uniform(0.9, 1.5) + 0.03 * along
            path = [top, (top + end) / 2 + 0.03 * along, end]
            outlines += limb(path, np.array([0.13, 0.1, 0.02]) * depth)
    elif coat.pattern == "belly":
        path = [hip - across, hip + along * 0.5 - across, hip + along - 0.6 * across]
        outlines = limb(path, np.array([0.3, 0.55, 0.6]) * depth)
    return [Shape(outlines, coat.second, "mark")] if outlines else []
