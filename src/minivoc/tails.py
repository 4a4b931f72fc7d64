"""The tails of four-legged animals."""

from minivoc.coats import Coat, pick
from minivoc.shapes import Shape, limb, place, points

import numpy as np

DOG_TAILS = (  # raised, curled over the back, hanging
    "0 0, -0.13 0.10, -0.19 0.26, -0.12 0.40",
    "0 0, -0.12 0.14, -0.04 0.27, 0.06 0.20",
    "0 0, -0.12 -0.02, -0.22 -0.14, -0.27 -0.30",
)


def tail(
    name: str, rng: np.random.Generator, coat: Coat, root: np.ndarray, pose: str
) -> list[Shape]:
    """Return the tail, hanging or lifted from its `root`."""
    resting, color = pose in ("sit", "lie"), coat.base
    down = root[1] - 0.05  # as far as the tail can hang
    if name == "horse":
        sway, end = (-0.3, 0.1) if pose == "run" else (rng.uniform(-0.06, 0), min(0.62, down))
        path = [(0, 0), (sway / 3 - 0.1, -0.02), (sway - 0.16, -end / 2), (1.5 * sway - 0.13, -end)]
        radii, color = (0.04, 0.065, 0.085, 0.015), coat.mane
    elif name == "cow":
        end = min(0.6, down)
        path = [(0, 0), (-0.07, -0.02), (-0.10, -0.5 * end), (-0.07, -end)]
        radii = (0.035, 0.025, 0.02, 0.02)
    elif name == "sheep":
        path, radii = "0 0, -0.06 -0.1", (0.09, 0.06)
    elif name == "cat" and resting:
        path = np.add(points("0.05 -0.05, -0.2 -0.12, -0.38 -0.1, -0.5 0.02"), (0, 0.17 - root[1]))
        radii = (0.06, 0.06, 0.055, 0.045)
    elif name == "cat":
        lift = 1.25 if pose == "arch" else rng.uniform(0.3, 1.1)
        path = points("0 0, -0.18 0.02, -0.3 0.22, -0.24 0.48, -0.32 0.66") * (1, lift)
        radii = (0.062, 0.058, 0.054, 0.05, 0.045)
    elif resting:
        path = np.add(points("0.05 -0.05, -0.14 -0.1, -0.3 0.02"), (0, 0.15 - root[1]))
        radii = (0.06, 0.055, 0.02)
    else:
        path, radii = pick(rng, DOG_TAILS), (0.055, 0.06, 0.055, 0.02)
    shapes = [Shape(limb(path, radii), color)]
    if name == "cow":
        tuft = [(-0.07, 0.06 - end), (-0.075, -end), (-0.06, -end - 0.04)]
        shapes.append(Shape(limb(tuft, (0.03, 0.055, 0.02)), coat.mane))
    return place(shapes, root)
