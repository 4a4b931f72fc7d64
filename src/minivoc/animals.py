"""Four-legged animals: dogs, cats, cows, horses and sheep, drawn from simple shapes.

Every animal faces right and stands on y = 0; a standing one is about 1 high at the shoulder.
"""

from typing import NamedTuple

from minivoc.coats import INK, PAINTS, PINK, Coat, markings, pick, random_coat
from minivoc.faces import FACES, mane
from minivoc.shapes import (
    Shape,
    blob,
    darker,
    ellipse,
    limb,
    mix,
    place,
    points,
    rotation,
)
from minivoc.tails import tail

import numpy as np

Point = tuple[float, float]


class Build(NamedTuple):
    """Proportions of a four-legged animal, in heights at the shoulder; `rise` is in degrees."""

    length: float  # from hip to shoulder
    rump: float  # these three are half the depth of the trunk
    belly: float
    chest: float
    neck: float  # its length, then its angle, then its radii at both ends
    rise: float
    throat: tuple[float, float]
    head: float  # radius of the skull
    leg: tuple[float, float, float, float]  # radii from the hip down
    tall: tuple[float, float]  # the least and the greatest height at the shoulder
    hoof: bool
    poses: str


# fmt: off
BUILDS = {
    "dog": Build(0.80, 0.17, 0.14, 0.21, 0.27, 55, (0.16, 0.12), 0.19,
                 (0.13, 0.075, 0.048, 0.045), (0.72, 1.08), False,
                 "stand walk run sit sit front lie"),
    "cat": Build(0.90, 0.18, 0.165, 0.175, 0.17, 42, (0.15, 0.13), 0.225,
                 (0.13, 0.075, 0.052, 0.052), (0.74, 0.86), False,
                 "stand walk run sit sit front lie arch"),
    "horse": Build(0.88, 0.21, 0.19, 0.20, 0.56, 54, (0.20, 0.10), 0.135,
                   (0.16, 0.07, 0.038, 0.042), (1.0, 1.0), True,
                   "stand walk walk run run graze"),
    "cow": Build(1.04, 0.24, 0.265, 0.25, 0.32, 22, (0.22, 0.16), 0.185,
                 (0.15, 0.08, 0.055, 0.055), (0.94, 1.02), True,
                 "stand stand walk walk graze lie"),
    "sheep": Build(0.80, 0.27, 0.29, 0.27, 0.28, 40, (0.18, 0.13), 0.15,
                   (0.07, 0.05, 0.04, 0.04), (0.95, 1.0), True,
                   "stand walk graze"),
}
# fmt: on
# how far each foot swings forward, in degrees: far hind, near hind, far front, near front
GAITS = {
    "walk": (22, -16, -20, 20),
    "run": (-34, -50, 62, 44),
    "arch": (12, 4, -10, -2),
    "stand": (6, -5, -5, 4),
}


def quadruped(rng: np.random.Generator, name: str) -> list[Shape]:
    """Return a four-legged animal of a kind in `BUILDS`, in a random coat and pose."""
    build, fur = _vary(rng, BUILDS[name], name), random_coat(rng, bands=not BUILDS[name].hoof)
    pose = rng.choice(build.poses.split())
    if pose == "front":
        return _facing(rng, name, fur)
    hip, shoulder = _joints(rng, build, pose)
    far, near = _legs(build, fur, hip, shoulder, pose)
    rise = build.rise + {"graze": -75, "run": -22}.get(pose, 0)
    reach = build.neck * (1.25 if pose == "graze" else 1)
    direction = rotation(rise) @ (1, 0)
    nape = shoulder + build.chest * np.array([0.25, 0.25])
    skull = nape + reach * direction
    middle = (hip + shoulder) / 2 + (0, 0.13 if pose == "arch" else 0.0)
    trunk = limb([hip, middle, shoulder], (build.rump, build.belly, build.chest))
    neck = limb([shoulder, nape + 0.4 * reach * direction, skull], (build.chest, *build.throat))
    front = pose != "graze" and rng.random() < (0.6 if pose in ("sit", "lie") else 0.3)
    face = FACES[name](rng, fur, front)
    tilt = 0 if front else rng.uniform(-8, 8) - (35 if pose == "graze" else 0)
    extras = []
    if name == "cow" and pose != "lie":
        extras = [Shape([ellipse(hip[0] + 0.2, hip[1] - build.rump, 0.13, 0.1)], PINK)]
    if name == "sheep":
        trunk += _wool(rng, hip, shoulder, build)
    marks = [] if name == "sheep" else markings(rng, fur, hip, shoulder, build.belly)
    if fur.pattern in ("patches", "saddle", "bands"):  # these run on over the thighs
        near = [shape for leg in near for shape in (leg, *marks)]
    collar = name in ("dog", "cat") and rng.random() < 0.3
    return [
        *tail(name, rng, fur, hip + build.rump * np.array([-0.8, 0.45]), pose),
        *far,
        *extras,
        *mane(name, fur, nape, skull),
        Shape(trunk + neck, fur.base),
        *marks,
        *([_collar(rng, nape, skull, build.throat[1])] if collar else []),
        *near,
        *place(face, skull, build.head, tilt, part="face" if front else "head"),
    ]


def _vary(rng: np.random.Generator, build: Build, name: str) -> Build:
    """Return the build of one animal: no two are quite alike, and dogs least of all."""
    spread = 0.16 if name == "dog" else 0.07
    values = [v * rng.uniform(1 - spread, 1 + spread) if isinstance(v, float) else v for v in build]
    return Build(*values)._replace(rise=build.rise + rng.uniform(-12, 12))


def _joints(rng: np.random.Generator, build: Build, pose: str) -> tuple[np.ndarray, np.ndarray]:
    """Return where the hip and the shoulder are in a pose."""
    if pose == "sit":
        return np.array([0, build.rump]), build.length * np.array([0.46, 0.62]) + (0, build.rump)
    if pose == "lie":
        return np.array([0, 0.95 * build.rump]), np.array([build.length, build.chest * 1.05])
    tall = rng.uniform(*build.tall)
    lift = rng.uniform(0.0, 0.08) if pose == "run" else 0
    length = build.length * (0.75 if pose == "arch" else 1)
    return np.array([0, tall - build.rump - lift]), np.array([length, tall - build.chest + lift])


def _leg(build: Build, coat: Coat, top: Point, swing: float, hind: bool, far: bool) -> list[Shape]:
    """Return one leg from the joint `top` down to the ground."""
    drop, bend, radii = top[1], abs(swing) / 60, np.array(build.leg)
    if hind:
        path = [(0, 0), (0.10, -0.36), (-0.10 - 0.1 * bend, -0.62), (-0.03, -1.0)]
    else:
        path = [(0, 0), (0.0, -0.32), (0.04 + 0.1 * bend, -0.58), (0.0, -1.0)]
    path = points(path) * (drop, drop - radii[3]) @ rotation(swing).T + top
    fur, sock = (darker(c, 0.28 if far else 0) for c in (coat.base, coat.second))
    shapes = [Shape(limb(path, radii), fur)]
    foot, r = path[-1], radii[3]
    if coat.pattern == "socks":
        shapes.append(Shape(limb(path[2:], radii[2:] * 1.3), sock, "mark"))
    if build.hoof:
        hoof = blob([(-r, 0.6 * r), (r, 0.6 * r), (1.6 * r, -r), (-1.1 * r, -r)])
        end = Shape([hoof], INK if far else mix(INK, fur, 0.25))
    else:
        paw = ellipse(0.8 * r, 0, 1.8 * r, r)
        end = Shape([paw], sock if coat.pattern == "socks" else fur)
    return shapes + place([end], foot, angle=swing / 2)


def _legs(build: Build, fur: Coat, hip, shoulder, pose: str) -> tuple[list[Shape], list[Shape]]:
    """Return the legs on the far side, and those on the near side with the thigh."""
    if pose in ("sit", "lie"):
        return _folded(build, fur, hip, shoulder, pose)
    tops = np.array([hip, hip, shoulder, shoulder]) + points("0.06 0, 0 0, 0.04 0, -0.03 0")
    swings = GAITS.get(pose, GAITS["stand"])
    legs = [_leg(build, fur, tops[i], swings[i], hind=i < 2, far=i % 2 == 0) for i in range(4)]
    return legs[0] + legs[2], legs[1] + legs[3]


def _folded(build: Build, fur: Coat, hip, shoulder, pose: str) -> tuple[list[Shape], list[Shape]]:
    """Return the far and the near legs of an animal that sits or lies."""
    r, (x, high) = build.leg, shoulder
    thigh = ellipse(hip[0] + 0.1, hip[1] * 0.95, build.rump * 0.95, build.rump * 0.8)
    shin = limb([(hip[0] + 0.05, r[3]), (hip[0] + 0.34, r[3])], (r[3], r[3]))
    near = [Shape(shin, fur.base), Shape([thigh], fur.base)]
    if pose == "sit":
        far = _leg(build, fur, (x + 0.09, high), 6, hind=False, far=True)
        return far, near + _leg(build, fur, (x + 0.02, high), 0, hind=False, far=False)
    far, fore = (
        limb(
            [(x + dx, high * 0.7), (x + dx - 0.02, r[3] + 0.02), (x + dx + 0.30, r[3])],
            (r[0] * 0.7, r[1], r[3] * 1.1),
        )
        for dx in (0.10, 0.0)
    )
    return [Shape(far, darker(fur.base, 0.28))], [*near, Shape(fore, fur.base)]


def _facing(rng: np.random.Generator, name: str, fur: Coat) -> list[Shape]:
    """Return a dog or a cat that sits and looks at the reader."""
    wide = rng.uniform(0.85, 1.1)
    body = blob("0 .84, .19 .74, .29 .4, .37 .1, .2 0, -.2 0, -.37 .1, -.29 .4, -.19 .74")
    tail = (
        "0.2 0.1, 0.48 0.05, 0.6 0.16, 0.55 0.34"
        if name == "cat"
        else "0.2 0.12, 0.42 0.12, 0.52 0.3"
    )
    legs = [
        limb([(x, 0.58), (x * 0.9, 0.3), (x * 0.95, 0.05)], (0.08, 0.068, 0.06))
        for x in (-0.11, 0.11)
    ]
    shapes = [Shape(limb(tail, np.linspace(0.065, 0.05, len(points(tail)))), fur.base)]
    shapes += [Shape([body], fur.base), *markings(rng, fur, (0, 0.1), (0, 0.7), 0.3)]
    if rng.random() < 0.5:
        shapes.append(Shape([ellipse(0, 0.6, 0.13, 0.24)], fur.second, "mark"))
    socks = fur.second if fur.pattern == "socks" else fur.base
    for x in (-0.27, 0.27):
        shapes += [Shape([ellipse(x, 0.17, 0.14, 0.16)], fur.base)]
        shapes += [Shape([ellipse(x * 1.15, 0.045, 0.13, 0.055)], socks)]
    shapes += [Shape(leg, fur.base) for leg in legs]
    shapes += [Shape([ellipse(x, 0.045, 0.085, 0.055)], socks) for x in (-0.105, 0.105)]
    shapes = place(shapes, scale=(wide, 1))
    shapes.append(Shape(limb("0 0.7, 0 0.95", (0.17, 0.14)), fur.base))
    if rng.random() < 0.4:
        shapes.append(_collar(rng, np.array([0, 0.68]), np.array([0, 0.9]), 0.16))
    size = {"dog": 0.25, "cat": 0.26}[name] * rng.uniform(0.9, 1.1)
    face = FACES[name](rng, fur, True)
    return shapes + place(face, (0, 1.0), size, rng.uniform(-9, 9), part="face")


def _collar(rng: np.random.Generator, nape, skull, radius: float) -> Shape:
    """Return a collar around the neck; it is clipped to the trunk and neck."""
    along = (skull - nape) / np.linalg.norm(skull - nape)
    across = np.array([-along[1], along[0]])
    center = nape + 0.45 * (skull - nape)
    ends = [center - 2.2 * radius * across, center + 2.2 * radius * across]
    return Shape(limb(ends, (0.032, 0.032)), pick(rng, PAINTS), "mark")


def _wool(rng: np.random.Generator, hip, shoulder, build: Build) -> list[np.ndarray]:
    """Return the curls along the outline of a sheep."""
    center, r = (hip + shoulder) / 2, build.belly
    turn = np.linspace(0, 2 * np.pi, 13)
    curls = np.stack([(r + build.length / 2) * np.cos(turn), r * np.sin(turn)], axis=1) * 0.95
    return [ellipse(x, y, rng.uniform(0.09, 0.13)) for x, y in curls + center]
