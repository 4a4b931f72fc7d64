"""A reader's own pictures: where they are, and how the network takes them."""

from pathlib import Path

from coursekit.pictures import SUFFIXES

import numpy as np
from PIL import Image

NAMED = (*SUFFIXES, ".heic", ".heif")  # what `coursekit.pictures.read` reads, or names
ANNOTATED = "_predicted.png"  # how our own pictures end, which nobody asks about


def find(path: str | Path) -> list[Path]:
    """Return a file as it is, and for a folder the pictures in it, by name; there may be none."""
    path = Path(path)
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.glob("[!.]*") if not file.name.endswith(ANNOTATED))
    return [file for file in files if file.suffix.lower() in NAMED and file.is_file()]


def squeeze(picture: np.ndarray, size: int) -> np.ndarray:
    """Return a picture in a square of `size` pixels, as the training pictures were."""
    square = Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(square)
