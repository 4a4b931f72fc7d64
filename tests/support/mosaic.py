"""A backbone made of NumPy, and small pictures for it, to test how features are extracted."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from backbones.features import extract

import numpy as np
import pandas as pd
from PIL import Image

N, BATCH = 11, 3  # the last batch has two pictures
SHAPES = {"fine": (7, 7, 3), "coarse": (2, 2, 5)}
NUMBERS = 7 * 7 * 3 + 2 * 2 * 5  # of one picture


@dataclass
class Mosaic:
    """A backbone made of NumPy: mean colors of 7 × 7 cells, and five numbers of 2 × 2."""

    name: str = "mosaic"
    size: int = 14
    layers: tuple[str, ...] = ("fine", "coarse")
    weights: float = 1.0
    calls: list[int] = field(default_factory=list)  # how many pictures each call brought

    @property
    def shapes(self):
        return {layer: SHAPES[layer] for layer in self.layers}

    @property
    def identity(self):
        return {"backbone": self.name, "layers": [*self.layers], "weights": self.weights}

    def maps(self, images):
        assert images.dtype == np.uint8 and images.shape[1:] == (self.size, self.size, 3)
        self.calls.append(len(images))
        fine = self.weights * images.reshape(-1, 7, 2, 7, 2, 3).mean((2, 4), dtype=np.float32)
        coarse = self.weights * images.reshape(-1, 2, 7, 2, 7, 3).mean((2, 4), dtype=np.float32)
        more = np.stack([np.ptp(coarse, 3), coarse.max(3)], axis=3)
        both = {"fine": fine, "coarse": np.concatenate([coarse, more], axis=3)}
        return {layer: both[layer] for layer in self.layers}


class Stopped(Mosaic):
    """One that a person interrupts in the third batch."""

    def maps(self, images):
        if len(self.calls) == 2:
            raise KeyboardInterrupt
        return super().maps(images)


@dataclass
class Slow(Mosaic):
    """One that takes its time, so that there is some to kill it in."""

    seconds: float = 0.3  # for each batch

    def maps(self, images):
        time.sleep(self.seconds)
        return super().maps(images)


class Pictures:
    """A data set of small JPEGs, and what `extract` makes of them."""

    def __init__(self, directory: Path, n: int = N):
        self.directory, self.folder = directory, directory / "features"
        (directory / "JPEGImages").mkdir(parents=True)
        rng = np.random.default_rng(7)
        names = [f"{number:06d}" for number in rng.permutation(n)]
        self.table = pd.DataFrame({"image_id": names, "filename": [f"{n}.jpg" for n in names]})
        for name in names:
            coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
            coarse.resize((60, 45)).save(self.file(name))

    def file(self, name: str) -> Path:
        return self.directory / "JPEGImages" / f"{name}.jpg"

    def extract(self, backbone=None, table=None, folder=None, batch=BATCH):
        return extract(
            Mosaic() if backbone is None else backbone,
            self.table if table is None else table,
            self.directory,
            folder=self.folder if folder is None else folder,
            batch=batch,
        )

    def spoil(self, row: int) -> str:
        """Cut a picture short; return its name."""
        name = self.table["image_id"][row]
        content = self.file(name).read_bytes()
        self.file(name).write_bytes(content[: len(content) // 2])
        return name


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files in the folders of a folder by their paths in it, except for hidden ones."""
    files = folder.glob("*/[!.]*")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}
