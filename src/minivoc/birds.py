"""Birds: songbirds, waders and geese on their legs, and birds in the air. They look right."""

from minivoc.coats import INK, WHITE, Coat, random_coat
from minivoc.shapes import (
    Shape,
    blob,
    darker,
    ellipse,
    lighter,
    limb,
    mark,
    mix,
    place,
    rgb,
)

import numpy as np

BEAKS = tuple(rgb(c) for c in ("#e8963e", "#d9b04c", "#4a4046", "#c8553d"))


def _head(rng, fur: Coat, at, r: float, beak: float) -> list[Shape]:
    """Return a bird's head with a beak of length `beak`."""
    color = BEAKS[rng.integers(len(BEAKS))]
    cap = rng.random() < 0.4
    upper = np.array([(0.7, 0.32), (0.9 + beak, -0.12), (0.8, -0.08)])
    lower = np.array([(0.75, -0.02), (0.8 + 0.8 * beak, -0.16), (0.7, -0.38)])
    shapes = [Shape([lower], darker(color, 0.25), "flat"), Shape([upper], color, "flat")]
    shapes.append(Shape([ellipse(0, 0, 1)], fur.base))
    if cap:
        shapes.append(Shape([ellipse(-0.1, 0.75, 1.1, 0.62, 12)], fur.second, "mark"))
    if rng.random() < 0.25:
        crest = blob("-0.1 0.8, -0.55 1.65, -0.75 0.5")
        shapes.insert(0, Shape([crest], fur.second if cap else fur.base))
    shapes += [
        Shape([ellipse(0.38, 0.18, 0.17)], INK, "flat"),
        Shape([ellipse(0.33, 0.25, 0.06)], WHITE, "flat"),
    ]
    return place(shapes, at, r)


def perched(rng: np.random.Generator) -> list[Shape]:
    """Return a bird on its legs, from a short-necked songbird to a long-necked wader."""
    fur = random_coat(rng)
    kind = rng.choice(["song", "song", "song", "wader", "goose"])
    neck = {"song": 0.0, "wader": rng.uniform(0.35, 0.6), "goose": rng.uniform(0.3, 0.5)}[kind]
    legs = {"song": 0.16, "wader": rng.uniform(0.45, 0.75), "goose": 0.18}[kind]
    beak = {"song": 0.7, "wader": 1.9, "goose": 1.0}[kind] * rng.uniform(0.85, 1.3)
    lean = rng.uniform(5, 32) if kind == "song" else rng.uniform(-4, 8)
    tail = rng.uniform(0.35, 0.6) if kind == "song" else 0.2
    trunk = limb("-0.34 -0.02, -0.05 0.0, 0.24 0.06", (0.13, 0.25, 0.19))
    fan = blob([(-0.25, 0.1), (-0.4 - tail, 0.06), (-0.42 - tail, -0.08), (-0.25, -0.12)])
    wing = blob("0.2 0.13, 0.0 0.17, -0.3 0.09, -0.62 -0.06, -0.3 -0.14, 0.05 -0.11")
    feathers = [
        limb(
            [(-0.12 - 0.1 * i, 0.02 - 0.05 * i), (-0.4 - 0.06 * i, -0.02 - 0.04 * i)],
            (0.014, 0.006),
        )
        for i in range(3)
    ]
    wing_color = fur.second if rng.random() < 0.6 else darker(fur.base, 0.3)
    small = kind == "song"
    body = [Shape([fan], darker(wing_color, 0.15)), Shape(trunk, fur.base)]
    if rng.random() < 0.6:
        chest = mix(fur.second, WHITE, 0.35)
        body.append(Shape([ellipse(0.25, -0.13, 0.36, 0.2, 15)], chest, "mark"))
    throat = (0.30, 0.22) if small else (0.28 + 0.25 * neck, 0.18 + neck)
    bend = (0.42, 0.2 + 0.45 * neck)
    front = [Shape(limb([(0.2, 0.08), bend, throat], (0.16, 0.09, 0.07)), fur.base)] * (not small)
    body += [*front, Shape([wing], wing_color)]
    body += [mark(darker(wing_color, 0.35), *feathers)]
    body += _head(rng, fur, throat, 0.19 if small else 0.115, beak)
    leg_color = darker(BEAKS[rng.integers(2)], 0.1)
    stride = rng.uniform(0.02, 0.12)
    feet = []
    for x, shade in ((0.06 + stride, 0.3), (0.0, 0.0)):
        path = [(x - 0.05, 0.2), (x - 0.04, -legs * 0.45), (x, -legs)]
        toes = limb([(x - 0.06, -legs), (x + 0.11, -legs - 0.005)], (0.018, 0.018))
        radius = 0.022 if small else 0.026
        feet.append(Shape([*limb(path, (radius,) * 3), *toes], darker(leg_color, shade), "flat"))
    ground = legs + 0.26
    feet = place(feet, (0, legs), part="foot")
    return feet + place(body, (0, ground), angle=lean)


def flying(rng: np.random.Generator) -> list[Shape]:
    """Return a bird in the air: from the side with raised wings, or gliding, seen from below."""
    fur = random_coat(rng)
    tip = darker(fur.base, 0.45) if rng.random() < 0.5 else fur.second
    fan = blob("-0.4 0.06, -0.85 0.17, -0.95 0, -0.85 -0.14, -0.4 -0.06")
    trunk = limb("-0.5 0, -0.1 -0.02, 0.3 0.03", (0.07, 0.17, 0.12))
    belly = Shape([ellipse(0.05, -0.2, 0.5, 0.14)], lighter(fur.base, 0.5), "mark")
    body = [Shape([fan], tip), Shape(trunk, fur.base), belly]
    face = _head(rng, fur, (0.4, 0.07), 0.145, 0.8)
    if rng.random() < 0.4:
        wing = blob(
            "0.26 0, 0.3 0.35, 0.16 0.7, -0.3 1.25, -0.42 1.2, -0.3 0.9, -0.34 0.75, -0.24 0.62,"
            "-0.28 0.45, -0.2 0.3, -0.3 0.05"
        )
        near = [Shape([wing], fur.base), Shape([ellipse(-0.35, 1.1, 0.4, 0.32, 40)], tip, "mark")]
        wings = place(near, scale=(1, rng.uniform(0.7, 1))) + place(near, scale=(1, -1))
        return place(wings + body + face, angle=rng.uniform(-10, 50))
    wing = blob(
        "0.22 0, 0.24 0.3, 0.05 0.72, -0.28 1.05, -0.36 0.85, -0.44 0.72, -0.42 0.58, -0.46 0.45,"
        "-0.38 0.3, -0.3 0"
    )
    near = [Shape([wing], fur.base), Shape([ellipse(-0.32, 0.95, 0.5, 0.34, 30)], tip, "mark")]
    near = place(near, (-0.02, 0.04), (1, rng.uniform(0.6, 1.1)), rng.uniform(-8, 30))
    far = [s._replace(color=darker(s.color, 0.3)) for s in near]
    far = place(far, (0.12, 0), (0.85, 0.95), -28)
    return place(far + body + face + near, angle=rng.uniform(-12, 22))


def bird(rng: np.random.Generator) -> list[Shape]:
    """Return a bird, standing or flying."""
    return flying(rng) if rng.random() < 0.35 else perched(rng)
