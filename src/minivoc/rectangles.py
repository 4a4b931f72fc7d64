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


def paint(boxes: NDArray[np.float64], size: int = SIZE) -> NDArray[np.float32]:
    """Return the images of xyxy boxes in pixels of 224, shape (n, size, size, 1): 1 is white.

    A value is the part of its pixel that the box covers, so that a smaller image is the mean of
    the squares of the large one. At 224 pixels a side, boxes in whole pixels give just 0 and 1.
    """
    pixel = SIZE / size  # its side, in pixels of 224
    start = pixel * np.arange(size, dtype=np.float32)
    xmin, ymin, xmax, ymax = np.asarray(boxes, dtype=np.float32).T[..., None]

    def covered(low: NDArray[np.float32], high: NDArray[np.float32]) -> NDArray[np.float32]:
        common = np.minimum(high, start + pixel) - np.maximum(low, start)
        return np.maximum(common, 0) / pixel

    rows, columns = covered(ymin, ymax), covered(xmin, xmax)
    return (rows[:, :, None] * columns[:, None, :])[..., None]


def batch(
    n: int, rng: np.random.Generator, size: int = SIZE
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return `n` images of shape (n, size, size, 1), float32, and their xyxy boxes, (n, 4).

    Each image has one white rectangle. The boxes are in pixels of 224, whatever `size` is.
    Generators with equal seeds give equal boxes.
    """
    boxes = draw_boxes(n, rng)
    return paint(boxes, size), boxes
