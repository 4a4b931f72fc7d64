"""The faces of the animals, in profile or from the front.

The middle of the skull is (0, 0) and its radius 1; a head in profile looks right.
"""

from minivoc.coats import INK, IRISES, PINK, WHITE, Coat, pick
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
    points,
    rgb,
    solid,
)

import numpy as np

TONGUE = rgb("#d9696b")
HORN = rgb("#efe3c4")


def _eye(x: float, y: float, r: float = 0.14) -> list[Shape]:
    """Return a dark eye with a glint in it."""
    glint = ellipse(x - 0.3 * r, y + 0.4 * r, 0.38 * r)
    return [flat(INK, ellipse(x, y, r, r * 1.15)), flat(WHITE, glint)]


def _both(outline: np.ndarray) -> list[np.ndarray]:
    """Return an outline on the left and its mirror image on the right."""
    return [outline, outline * (-1, 1)]


def dog(rng: np.random.Generator, coat: Coat, front: bool) -> list[Shape]:
    """Return a dog's head: a long muzzle, ears that hang or stand, sometimes the tongue out."""
    hanging, tongue = rng.random() < 0.65, rng.random() < 0.45
    ear = coat.mane if rng.random() < 0.6 else coat.base
    snout = coat.second if rng.random() < 0.4 else lighter(coat.base, 0.25)
    if front:
        hung = blob("-0.62 0.78, -1.05 0.62, -1.35 -0.1, -1.22 -0.75, -0.9 -0.6, -0.72 0.1")
        erect = blob("-0.92 0.3, -0.98 1.0, -0.85 1.5, -0.5 1.15, -0.25 0.8")
        ears = [solid(ear, _both(hung if hanging else erect))]
        skull = "0 0.98, 0.7 0.72, 0.92 0, 0.66 -0.72, 0 -1.1, -0.66 -0.72, -0.92 0, -0.7 0.72"
        smile = limb("-0.34 -0.7, -0.16 -0.84, 0 -0.7, 0.16 -0.84, 0.34 -0.7", (0.03,) * 5)
        return [
            *([] if hanging else ears),
            solid(coat.base, skull),
            *[mark(coat.second, ellipse(0.42, 0.25, 0.42, 0.5))] * (rng.random() < 0.35),
            *[solid(TONGUE, ellipse(0, -1.1, 0.2, 0.36))] * tongue,
            solid(snout, ellipse(0, -0.58, 0.56, 0.5)),
            flat(INK, smile, limb("0 -0.4, 0 -0.7", (0.035, 0.035))),
            solid(INK, "-0.24 -0.2, 0.24 -0.2, 0.12 -0.46, -0.12 -0.46"),
            *_eye(-0.4, 0.2),
            *_eye(0.4, 0.2),
            *(ears if hanging else []),
        ]
    tip = rng.uniform(1.5, 2.0)  # the end of the muzzle
    muzzle = limb([(0.3, -0.25), (0.9, -0.32), (tip, -0.38)], (0.66, 0.46, 0.33))
    licking = limb(
        [(tip - 0.35, -0.5), (tip - 0.22, -0.85), (tip - 0.2, -1.05)], (0.14, 0.17, 0.14)
    )
    nose_bridge = limb([(1.0, -0.5), (tip, -0.42), (tip + 0.2, -0.4)], (0.3, 0.3, 0.3))
    mouth = limb([(0.75, -0.58), (1.1, -0.62), (tip + 0.1, -0.5)], (0.02, 0.035, 0.03))
    erect = solid(ear, "-0.35 0.6, -0.5 1.15, -0.35 1.6, 0 1.25, 0.25 0.8")
    hung = solid(ear, "-0.25 0.72, 0.12 0.42, 0.05 -0.3, -0.3 -0.95, -0.68 -0.65, -0.65 0.2")
    return [
        *[erect] * (not hanging),
        *[solid(TONGUE, licking)] * tongue,
        solid(coat.base, ellipse(0, 0, 1, 0.95), muzzle),
        mark(snout, nose_bridge),
        flat(INK, mouth),
        solid(INK, ellipse(tip + 0.22, -0.17, 0.2, 0.17)),
        *[hung] * hanging,
        *_eye(0.48, 0.25),
    ]


def cat(rng: np.random.Generator, coat: Coat, front: bool) -> list[Shape]:
    """Return a cat's head: round and short, with pointed ears, slit pupils and whiskers."""
    iris, inner, pale = pick(rng, IRISES), mix(PINK, coat.base, 0.35), lighter(coat.base, 0.5)
    if front:
        ear = points("-0.95 0.2, -0.98 1.3, -0.2 0.8")
        skull = (
            "0 0.85, 0.75 0.7, 1.08 -0.05, 0.72 -0.68, 0 -0.85, -0.72 -0.68, -1.08 -0.05, -0.75 0.7"
        )
        brow = [limb([(x, 0.9), (x * 0.9, 0.42)], (0.1, 0.02)) for x in (-0.35, 0, 0.35)]
        smile = limb("-0.27 -0.48, -0.13 -0.57, 0 -0.44, 0.13 -0.57, 0.27 -0.48", (0.025,) * 5)
        whiskers = [
            limb([(side * 0.4, -0.42 - drop / 4), (side * 1.3, -0.35 - drop)], (0.022, 0.012))
            for side in (-1, 1)
            for drop in (-0.12, 0.12)
        ]
        return [
            solid(coat.base, _both(ear)),
            mark(inner, _both(ear * 0.62 + (-0.28, 0.3))),
            solid(coat.base, skull),
            *[mark(coat.second, *brow)] * (coat.pattern in ("bands", "patches", "saddle")),
            flat(pale, _both(ellipse(-0.22, -0.45, 0.33, 0.27))),
            flat(iris, _both(ellipse(-0.45, 0.08, 0.24, 0.22))),
            flat(INK, _both(ellipse(-0.45, 0.08, 0.09, 0.2))),
            flat(WHITE, ellipse(-0.52, 0.16, 0.06), ellipse(0.38, 0.16, 0.06)),
            flat(TONGUE, points("-0.15 -0.22, 0.15 -0.22, 0 -0.4")),
            flat(INK, smile),
            flat(WHITE, *whiskers),
        ]
    ear = points("-0.72 0.45, -0.42 1.45, 0.2 0.78")
    whiskers = [limb([(0.75, -0.4), (1.45, -0.25 - d)], (0.022, 0.012)) for d in (0, 0.2, 0.4)]
    return [
        solid(darker(coat.base, 0.28), points("0.05 0.6, 0.42 1.42, 0.7 0.55")),
        solid(coat.base, ear),
        mark(inner, ear * 0.6 + (-0.1, 0.28)),
        solid(coat.base, ellipse(0, 0, 1, 0.9), ellipse(0.62, -0.3, 0.48, 0.42)),
        mark(pale, ellipse(0.75, -0.42, 0.4, 0.3)),
        flat(iris, ellipse(0.5, 0.15, 0.2, 0.22)),
        flat(INK, ellipse(0.55, 0.15, 0.09, 0.2)),
        flat(TONGUE, ellipse(1.06, -0.17, 0.1, 0.08)),
        flat(INK, limb("0.75 -0.52, 1 -0.42", (0.025, 0.025))),
        flat(WHITE, *whiskers),
    ]


def horse(rng: np.random.Generator, coat: Coat, front: bool) -> list[Shape]:
    """Return a horse's head: long and narrow, with small upright ears and a forelock."""
    muzzle, blaze = mix(coat.base, INK, 0.45), rng.random() < 0.5
    if front:
        face = (
            "0 0.95, 0.62 0.75, 0.68 0, 0.45 -1.2, 0.5 -1.75, 0 -2.1,"
            "-0.5 -1.75, -0.45 -1.2, -0.68 0, -0.62 0.75"
        )
        stripe = "0 0.5, 0.2 0.1, 0.14 -1.3, 0 -1.6, -0.14 -1.3, -0.2 0.1"
        return [
            solid(coat.base, _both(blob("-0.6 0.6, -0.72 1.2, -0.5 1.75, -0.25 1.3, -0.15 0.75"))),
            solid(coat.base, face),
            *[mark(WHITE, stripe)] * blaze,
            mark(muzzle, ellipse(0, -1.95, 0.75, 0.5)),
            flat(INK, _both(ellipse(-0.24, -1.7, 0.11, 0.15))),
            solid(coat.mane, "-0.35 1.05, 0.3 1.05, 0.22 0.5, 0 0.05, -0.2 0.45"),
            *_eye(-0.48, 0.1),
            *_eye(0.48, 0.1),
        ]
    skull = limb("-0.1 0.1, 0.85 -0.55, 1.75 -1.25", (0.82, 0.58, 0.46))
    ear = blob("-0.5 0.6, -0.55 1.25, -0.3 1.7, 0 1.2, 0.1 0.75")
    stripe = limb("0.5 0.55, 1.3 -0.2, 2.0 -0.8", (0.2, 0.16, 0.2))
    return [
        solid(darker(coat.base, 0.28), np.add(ear, (0.25, 0))),
        solid(coat.base, skull, ellipse(0.1, -0.4, 0.7)),
        *[mark(WHITE, stripe)] * blaze,
        mark(muzzle, ellipse(1.95, -1.4, 0.62)),
        flat(
            INK, ellipse(1.98, -1.15, 0.09, 0.13, 40), limb("1.55 -1.52, 1.95 -1.6", (0.03, 0.03))
        ),
        solid(coat.base, ear),
        solid(coat.mane, "-0.4 0.95, 0.1 1.05, 0.62 0.5, 0.68 0.1, 0.2 0.42"),
        *_eye(0.55, 0.02),
    ]


def cow(rng: np.random.Generator, coat: Coat, front: bool) -> list[Shape]:
    """Return a cow's head: broad, with a wide pink muzzle, ears to the side and mostly horns."""
    muzzle, horned, blaze = mix(PINK, coat.base, 0.15), rng.random() < 0.75, rng.random() < 0.5
    nostril = darker(muzzle, 0.6)
    if front:
        face = (
            "0 0.9, 0.7 0.75, 0.78 0.1, 0.5 -0.8, 0.55 -1.3, 0 -1.55,"
            "-0.55 -1.3, -0.5 -0.8, -0.78 0.1, -0.7 0.75"
        )
        horn = limb("-0.4 0.75, -0.9 1, -0.82 1.55", (0.17, 0.15, 0.03))
        ear = blob("-0.65 0.55, -1.15 0.68, -1.55 0.35, -1.2 0.12, -0.7 0.2")
        return [
            *[solid(HORN, horn), solid(HORN, [o * (-1, 1) for o in horn])] * horned,
            solid(coat.mane, _both(ear)),
            solid(coat.base, face),
            *[mark(WHITE, "0 1, 0.28 0.5, 0.18 -0.7, -0.18 -0.7, -0.28 0.5")] * blaze,
            solid(muzzle, ellipse(0, -1.15, 0.72, 0.52)),
            flat(nostril, _both(ellipse(-0.3, -1.02, 0.11, 0.14))),
            flat(nostril, limb("-0.3 -1.36, 0 -1.45, 0.3 -1.36", (0.025, 0.03, 0.025))),
            *_eye(-0.45, 0.12),
            *_eye(0.45, 0.12),
        ]
    skull = limb("-0.1 0.05, 0.7 -0.35, 1.25 -0.7", (0.85, 0.66, 0.52))
    far_horn = limb("0.15 0.7, 0.5 1.15, 0.35 1.65", (0.15, 0.13, 0.03))
    near_horn = limb("-0.15 0.75, 0.15 1.2, 0 1.75", (0.17, 0.14, 0.03))
    return [
        *[solid(darker(HORN, 0.2), far_horn)] * horned,
        solid(coat.base, skull),
        *[mark(WHITE, limb("0.35 0.75, 1 0.25, 1.5 -0.1", (0.25, 0.2, 0.25)))] * blaze,
        solid(muzzle, ellipse(1.42, -0.78, 0.5, 0.46, -30)),
        flat(nostril, ellipse(1.6, -0.55, 0.09, 0.12, 40), limb("1.2 -1, 1.65 -1", (0.03, 0.03))),
        *[solid(HORN, near_horn)] * horned,
        solid(coat.mane, "-0.1 0.5, -0.7 0.72, -1.2 0.35, -0.8 0.08, -0.2 0.1"),
        *_eye(0.42, 0.15),
    ]


def sheep(rng: np.random.Generator, coat: Coat, front: bool) -> list[Shape]:
    """Return a sheep's head: a narrow face under a cap of wool."""
    face = coat.mane
    curls = points("-0.5 0.6, 0 0.85, 0.5 0.6") + rng.uniform(-0.06, 0.06, (3, 2))
    wool = [ellipse(*curl, 0.42) for curl in curls]
    if front:
        ears = solid(face, _both(ellipse(-1, 0.25, 0.5, 0.2, -15)))
        skull = solid(face, ellipse(0, -0.2, 0.75, 1.1))
        return [ears, skull, solid(coat.base, wool), *_eye(-0.33, 0), *_eye(0.33, 0)]
    skull = solid(face, limb("0 0, 0.6 -0.4, 1 -0.75", (0.8, 0.6, 0.42)))
    ear = solid(darker(face, 0.2), ellipse(-0.5, 0.1, 0.5, 0.2, 20))
    return [skull, ear, solid(coat.base, wool), *_eye(0.45, 0.05)]


def mane(name: str, coat: Coat, nape: np.ndarray, skull: np.ndarray) -> list[Shape]:
    """Return a horse's mane, which shows behind the neck; nothing for other animals."""
    if name != "horse":
        return []
    along = skull - nape
    back = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    path = [nape - 0.3 * along + 0.2 * back, nape + 0.4 * along + 0.13 * back, skull + 0.1 * back]
    return [solid(coat.mane, limb(path, (0.05, 0.11, 0.07)))]


FACES = {"dog": dog, "cat": cat, "horse": horse, "cow": cow, "sheep": sheep}
