"""Draws the data set of crowds, for lesson 08: none to five animals a picture, in VOC's format."""

from functools import partial
from pathlib import Path

from minivoc import CLASSES
from minivoc.dataset import apportion, split, write_all, write_one
from minivoc.drawing import fill_once
from minivoc.landscapes import Backdrop
from minivoc.pictures import Found, Sprite, find
from minivoc.scenes import NAMES, compose

import numpy as np

VERSION = 1  # raise it whenever the pictures change
SPLITS = {"train": 0.55, "val": 0.15, "test": 0.30}  # shares of the pictures with each number
NUMBERS = {0: 0.08, 1: 0.2, 2: 0.24, 3: 0.2, 4: 0.16, 5: 0.12}  # shares, by number of animals
ALIKE = 0.5  # of the animals after the first are of its kind
LARGEST = 0.9  # of an animal, as a share of what fills the picture; less where there are several
SEEN = 0.5  # of each animal at least, so that a person would count it


def roster(n: int, seed: int) -> list[int]:
    """Return for each picture its number of animals, in random order."""
    counts = apportion(n, list(NUMBERS.values()))
    return np.random.default_rng(seed).permutation(np.repeat([*NUMBERS], counts)).tolist()


def wanted(number: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Return the names of so many animals; of none, an empty name for any other object."""
    first = str(rng.choice(CLASSES))
    others = (
        first if rng.random() < ALIKE else str(rng.choice(CLASSES)) for _ in range(number - 1)
    )
    return (first, *others) if number else ("",)


def compose_one(
    index: int, number: int, seed: int
) -> tuple[np.random.Generator, Backdrop, list[Sprite], list[Found]]:
    """Return what makes picture number `index`: its generator, backdrop, sprites and objects.

    Where one animal hides too much of another, a new picture is composed.
    """
    rng = np.random.default_rng([seed, index])
    reach = LARGEST / np.sqrt(max(number, 1))
    while True:
        backdrop, sprites = compose(rng, wanted(number, rng), reach=reach)
        objects = find(backdrop.image.size, sprites, NAMES)
        animals = [thing.seen for thing in objects if thing.name in CLASSES]
        if objects and len(animals) == number and min(animals, default=1) >= SEEN:
            return rng, backdrop, sprites, objects


def draw_one(index: int, number: int, seed: int, directory: Path) -> None:
    """Draw picture number `index` and write its two files."""
    rng, *picture = compose_one(index, number, seed)
    write_one(index, *picture, rng, directory)


def draw(directory: Path, n: int = 1400, seed: int = 2017, processes: int | None = None) -> Path:
    """Return `directory` once it holds the data set; files and errors are as in `dataset.draw`."""

    def fill(drawn: Path) -> None:
        numbers = roster(n, seed)
        jobs = [range(n), numbers]
        write_all(
            drawn, partial(draw_one, seed=seed), jobs, split(numbers, seed, SPLITS), processes
        )

    return fill_once(Path(directory), {"version": VERSION, "seed": seed, "n": n}, fill)
