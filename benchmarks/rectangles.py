"""Drawing rectangles: ours at once, against one pixel after the other as in source 002."""

import argparse
import random
from collections.abc import Sequence
from time import perf_counter

from minivoc import rectangles

import numpy as np

BATCHES, BATCH_SIZE = 5, 32


def pixel_by_pixel(n: int) -> np.ndarray:
    """Return n images with one rectangle each, painted in Python loops; three channels."""
    images = np.zeros((n, rectangles.SIZE, rectangles.SIZE, 3), dtype=np.float32)
    for image in images:
        top, left = random.randint(1, 222), random.randint(1, 222)
        height, width = random.randint(1, 223 - top), random.randint(1, 223 - left)
        for y in range(top, top + height):
            for x in range(left, left + width):
                image[y, x] = 1.0
    return images


def seconds(draw) -> float:
    """Return the seconds that `draw` takes for one batch, on average."""
    start = perf_counter()
    for _ in range(BATCHES):
        draw()
    return (perf_counter() - start) / BATCHES


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the milliseconds of both ways, and their ratio."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    random.seed(0)
    rng = np.random.default_rng(0)
    ours = seconds(lambda: rectangles.batch(BATCH_SIZE, rng))
    theirs = seconds(lambda: pixel_by_pixel(BATCH_SIZE))
    print(
        f"a batch of {BATCH_SIZE}: ours {1000 * ours:.1f} ms, pixel by pixel {1000 * theirs:.1f} ms"
    )
    print(f"ratio {theirs / ours:.0f}")


if __name__ == "__main__":
    main()
