"""Batches of synthetic rectangles: one white rectangle on black, and the box it fills."""

import numpy as np
from numpy.typing import NDArray

SIZE = 224  # pixels on each side of the image


def draw_boxes(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return `n` random boxes, xyxy, shape (n, 4), in whole pixels.

    The top edge and the left edge are uniform on 1 … 222. Height and width are then uniform on
    what is left below and to the right: 1 … 223 - top and 1 … 223 - left. Small rectangles are
    therefore much more common than large ones. This is the distribution of the course's source
    002.
    """
    corner = rng.integers(1, SIZE - 1, size=(n, 2))  # left, top
    sides = rng.integers(1, SIZE - corner)  # width, height
    return np.concatenate([corner, corner + sides], axis=1).astype(np.float64)


def paint(boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the images of xyxy boxes, shape (n, 224, 224, 1): 1 inside the box, 0 outside."""
    pixel = np.arange(SIZE)
    xmin, ymin, xmax, ymax = (side[:, None] for side in np.asarray(boxes).T)
    columns = (pixel >= xmin) & (pixel < xmax)
    rows = (pixel >= ymin) & (pixel < ymax)
    return (rows[:, :, None] & columns[:, None, :])[..., None].astype(np.float32)


def batch(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return `n` images of shape (n, 224, 224, 1), float32, 0 or 1, and their xyxy boxes, (n, 4).

    Each image has one white rectangle. Generators with equal seeds give equal batches.
    """
    boxes = draw_boxes(n, rng)
    return paint(boxes), boxes
