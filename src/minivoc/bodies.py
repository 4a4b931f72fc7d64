"""Articulated people: a skeleton of 14 joints in a pose, and the shapes of the body around it.

A pose is made in three dimensions (x to the right, y upward, z toward the viewer; a person is about
1.75 high), then turned, and drawn as it is seen from the front. The right side is the person's own:
of somebody who faces the viewer, it is on the left of the picture.
"""

from typing import NamedTuple

from minivoc.coats import FURS, INK, PAINTS, SKINS, WHITE, pick
from minivoc.shapes import Shape, darker, ellipse, flat, limb, mark, solid

import numpy as np

ACTIVITIES = ("standing", "walking", "running", "sitting", "jumping")
JOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
    "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    "neck", "head_top",
)  # fmt: skip
BONES = (
    ("right_ankle", "right_knee"), ("right_knee", "right_hip"), ("right_hip", "left_hip"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("right_wrist", "right_elbow"),
    ("right_elbow", "right_shoulder"), ("right_shoulder", "left_shoulder"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"), ("right_hip", "right_shoulder"),
    ("left_hip", "left_shoulder"), ("neck", "head_top"),
)  # fmt: skip
SIDES = {"right": -1, "left": 1}  # on which side of a person who faces the viewer, along x
THIGH, SHIN, TRUNK, UPPER, FOREARM = 0.44, 0.44, 0.5, 0.29, 0.26
HIPS, SHOULDERS, HEAD = 0.1, 0.19, 0.32  # half widths, and from the neck to the top of the head
TURNED = 100  # degrees that people turn away from the viewer at most
NEAR = {  # of each joint, the parts of the body that show it where they are seen
    "ankle": ("shin", "foot"), "knee": ("thigh", "shin"), "hip": ("thigh", "trunk", "pelvis"),
    "wrist": ("forearm", "hand"), "elbow": ("upper", "forearm"), "shoulder": ("upper", "trunk"),
}  # fmt: skip


class Pose(NamedTuple):
    """Angles in degrees; those of arms and legs are pairs, of the right and of the left side."""

    lean: float  # of the trunk, forward
    sway: float  # of the trunk, to the person's left
    thighs: tuple[float, float]  # forward
    spread: tuple[float, float]  # of the legs, outward
    knees: tuple[float, float]  # bent
    arms: tuple[float, float]  # forward
    raised: tuple[float, float]  # of the arms, outward
    elbows: tuple[float, float]  # bent


def pose(rng: np.random.Generator, activity: str) -> Pose:
    """Return a random pose of somebody who does this; it is one of `ACTIVITIES`."""

    def pair(mean: float, deviation: float) -> np.ndarray:
        return rng.normal(mean, deviation, 2)

    lean, sway = rng.normal(2, 4), rng.normal(0, 4)
    thighs, spread, knees = pair(0, 6), pair(5, 4), np.abs(pair(3, 6))
    arms, raised, elbows = pair(0, 18), pair(12, 9), np.abs(pair(15, 20))
    if activity in ("walking", "running"):
        fast = activity == "running"
        stride = rng.uniform(32, 58) if fast else rng.uniform(14, 34)
        phase = rng.uniform(0, 2 * np.pi)
        swing = np.sin([phase, phase + np.pi])
        lifted = np.clip(-np.cos([phase, phase + np.pi]), 0, 1)  # the leg that comes forward
        thighs = stride * swing + (8 if fast else 2) + pair(0, 4)
        knees = (35 if fast else 6) + (70 if fast else 35) * lifted + np.abs(pair(0, 6))
        arms = -(1.0 if fast else 0.8) * stride * swing + pair(0, 6)
        elbows = pair(85, 14) if fast else np.abs(pair(18, 12))
        lean += 10 if fast else 2
    elif activity == "sitting":
        thighs, spread, knees = pair(82, 9), pair(8, 7), pair(84, 14)
        arms, raised, elbows = pair(28, 22), pair(12, 10), np.abs(pair(40, 28))
        lean += rng.normal(0, 9)
    elif activity == "jumping":
        thighs, spread, knees = pair(12, 16), np.abs(pair(24, 10)), np.abs(pair(30, 26))
        arms, raised, elbows = pair(10, 25), np.clip(pair(125, 32), 40, 175), np.abs(pair(15, 18))
    parts = (thighs, spread, knees, arms, raised, elbows)
    return Pose(lean, sway, *(tuple(part.tolist()) for part in parts))


def _direction(forward: float, outward: float, side: int) -> np.ndarray:
    """Return where a limb points that hangs down, swung forward and then outward, in degrees."""
    a, b = np.radians([forward, outward])
    return np.array([side * np.sin(b), -np.cos(a) * np.cos(b), np.sin(a) * np.cos(b)])


def skeleton(angles: Pose, turned: float = 0, build=(1.0, 1.0)) -> dict[str, np.ndarray]:
    """Return where the joints are, (x, y, z), of a person in a pose, turned by so many degrees.

    `build` scales the length of the legs, and of all the rest. The lowest ankle is at y = 0.08.
    """
    legs, rest = build
    t, s = np.radians([angles.lean, angles.sway])
    up = np.array([np.sin(s), np.cos(s) * np.cos(t), np.cos(s) * np.sin(t)])
    across = np.array([np.cos(s), -np.sin(s), 0.0])
    neck = rest * TRUNK * up
    joints = {"neck": neck, "head_top": neck + rest * HEAD * up}
    for i, (name, side) in enumerate(SIDES.items()):
        hip, shoulder = side * HIPS * across, neck - 0.05 * up + side * rest * SHOULDERS * across
        thigh = _direction(angles.thighs[i], angles.spread[i], side)
        shin = _direction(angles.thighs[i] - angles.knees[i], angles.spread[i], side)
        upper = _direction(angles.arms[i], angles.raised[i], side)
        fore = _direction(angles.arms[i] + angles.elbows[i], angles.raised[i], side)
        knee, elbow = hip + legs * THIGH * thigh, shoulder + rest * UPPER * upper
        joints |= {f"{name}_hip": hip, f"{name}_knee": knee}
        joints |= {f"{name}_ankle": knee + legs * SHIN * shin, f"{name}_shoulder": shoulder}
        joints |= {f"{name}_elbow": elbow, f"{name}_wrist": elbow + rest * FOREARM * fore}
    turn = np.radians(turned)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    lowest = min(joints["right_ankle"][1], joints["left_ankle"][1])
    return {name: matrix @ joints[name] + (0, 0.08 - lowest, 0) for name in JOINTS}


def body(rng: np.random.Generator, joints: dict[str, np.ndarray], turned: float) -> list[Shape]:
    """Return the shapes of a person with these joints, from back to front, each with its `part`.

    Clothes are alike on both sides, so that only the pose tells left from right.
    """
    skin, hair, top = pick(rng, SKINS), pick(rng, FURS[3:9]), pick(rng, PAINTS)
    cloth = darker(pick(rng, [c for c in PAINTS if c != top]), 0.35)
    sleeve, leg = (top, skin)[rng.random() < 0.5], (cloth, skin)[rng.random() < 0.3]
    shoe = pick(rng, (INK, WHITE, darker(top, 0.3)))
    turn = np.radians(turned)
    ahead = np.array([np.sin(turn), 0, np.cos(turn)])  # where the person looks
    flatness = abs(np.cos(turn))
    layers = []  # how near each shape is, and the shape

    def add(near: float, color, outline, part: str, make=solid) -> None:
        layers.append((near, make(color, outline)._replace(part=part)))

    for name in SIDES:
        hip, knee, ankle, shoulder, elbow, wrist = (
            joints[f"{name}_{end}"]
            for end in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        )
        shade = 0.22 if shoulder[2] < -0.06 else 0.0  # what is on the far side
        for start, end, radii, color, part in (
            (hip, knee, (0.085, 0.062), cloth, "thigh"),
            (knee, ankle, (0.062, 0.042), leg, "shin"),
            (shoulder, elbow, (0.058, 0.046), top, "upper"),
            (elbow, wrist, (0.045, 0.034), sleeve, "forearm"),
        ):
            path = [start[:2], end[:2]]
            add((start[2] + end[2]) / 2, darker(color, shade), limb(path, radii), f"{name}_{part}")
        toe = ankle + 0.13 * ahead + (0, -0.055, 0)
        foot = limb([ankle[:2] - (0, 0.035), toe[:2]], (0.05, 0.036))
        add(ankle[2] + 0.02, darker(shoe, shade), foot, f"{name}_foot")
        along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        fist = ellipse(*(wrist + 0.045 * along)[:2], 0.048)
        add(wrist[2] + 0.01, darker(skin, shade), fist, f"{name}_hand")
    neck, crown = joints["neck"], joints["head_top"]
    pelvis = (joints["right_hip"] + joints["left_hip"]) / 2
    chest, middle = 0.86 * neck + 0.14 * pelvis, (neck + pelvis) / 2
    wide, waist = 0.1 + 0.08 * flatness, 0.1 + 0.035 * flatness
    add(0.0, cloth, limb([pelvis[:2], 0.8 * pelvis[:2] + 0.2 * neck[:2]], (waist, waist)), "pelvis")
    trunk = [(0.85 * pelvis + 0.15 * neck)[:2], middle[:2], chest[:2]]
    add(0.001, top, limb(trunk, (waist, 0.95 * waist, wide)), "trunk")
    throat = limb([chest[:2], (neck + 0.3 * (crown - neck))[:2]], (0.05, 0.05))
    add(0.002, darker(skin, 0.2), throat, "neck")
    center = neck + 0.64 * (crown - neck)
    layers += [(0.003 + 1e-4 * i, part) for i, part in enumerate(_head(center, ahead, skin, hair))]
    return [shape for _, shape in sorted(layers, key=lambda layer: layer[0])]


def _head(center: np.ndarray, ahead: np.ndarray, skin, hair) -> list[Shape]:
    """Return the shapes of a head that looks `ahead`; from behind there is only hair."""
    x, y = center[:2]
    shift = 0.05 * ahead[0]
    shapes = [solid(skin, ellipse(x, y, 0.1, 0.125))]
    shapes += [
        mark(hair, ellipse(x - 1.3 * shift, y + 0.085 - 0.09 * (ahead[2] < -0.2), 0.125, 0.1))
    ]
    eyes = [side * 0.042 * ahead[2] + 0.085 * ahead[0] for side in (-1, 1)]
    if ahead[2] > -0.2:
        shapes += [mark(INK, *[ellipse(x + eye, y + 0.005, 0.013, 0.018) for eye in eyes])]
        shapes += [flat(darker(skin, 0.15), ellipse(x + 0.1 * ahead[0], y - 0.03, 0.018, 0.02))]
    return [shape._replace(part="head") for shape in shapes]


def person(
    rng: np.random.Generator, activity: str
) -> tuple[list[Shape], dict[str, np.ndarray], float]:
    """Return the shapes of a random person, the joints (x, y, z), and by how much it is turned."""
    turned = rng.uniform(-TURNED, TURNED)
    joints = skeleton(pose(rng, activity), turned, rng.uniform(0.9, 1.1, 2))
    return body(rng, joints, turned), joints, turned
