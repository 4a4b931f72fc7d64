"""Frozen backbone → a file of feature maps on disk, made once.

While the backbone works on one batch, threads decode the next. An extraction that was stopped, or
killed, goes on where it was. The file's name comes from everything that its content depends on, so
a changed picture, backbone, weight or layer gets a new file.
"""

import hashlib
import json
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from coursekit import settings
from coursekit.files import write_whole
from coursekit.progress import progress_bar

import numpy as np
import pandas as pd
from filelock import FileLock
from numpy.lib.format import open_memmap
from PIL import Image

BATCH = 32
THREADS = 2  # that decode
VERSION = 1  # raise it whenever the same pictures would give other numbers


class Backbone(Protocol):
    """What `extract` needs of a backbone; see `keras_backbones.Backbone`."""

    name: str
    size: int  # of the pictures that it takes
    shape: tuple[int, int, int]  # of one picture's feature map
    identity: dict[str, object]  # what the maps depend on, apart from the pictures

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the maps of uint8 pictures of shape (batch, size, size, 3)."""


class CorruptImageError(ValueError):
    """A picture that cannot be decoded. The message names the file."""


def read_image(file: str | Path, size: int) -> np.ndarray:
    """Return a picture as uint8 of shape (size, size, 3), RGB, squeezed into that square.

    Raises `CorruptImageError` when the file is no picture or is cut short.
    """
    try:
        with Image.open(file) as image:
            rgb = image if image.mode == "RGB" else image.convert("RGB")  # it would copy
            return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR))
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CorruptImageError(f"{file} cannot be decoded: {error}") from error


def extract(
    backbone: Backbone,
    table: pd.DataFrame,
    directory: str | Path,
    folder: str | Path | None = None,
    batch: int = BATCH,
) -> tuple[np.ndarray, list[str]]:
    """Return the feature maps of all images of a table, and their image_ids, in its order.

    The maps are float16 of shape (n, 7, 7, c), in a file that is made when needed. They are a
    memory map: no more of it is in memory than is used.

    The table has a row for each image, with ``image_id`` and ``filename``, and the pictures lie in
    ``JPEGImages`` of the directory. The file goes to `folder`, by default ``features`` among the
    artifacts of the data set in use. `batch` pictures make one forward pass.

    A picture that is not there raises a ``FileNotFoundError``, one that cannot be decoded a
    `CorruptImageError`, a number beyond the range of float16 a ``ValueError``, and a disk without
    room for the file an ``OSError``.
    """
    ids = table["image_id"].astype(str).tolist()
    files = [Path(directory) / "JPEGImages" / name for name in table["filename"]]
    folder = settings.artifacts() / "features" if folder is None else Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{backbone.name}-{_fingerprint(backbone, ids, files, batch)}.npy"
    with FileLock(folder / f".{target.stem}.lock"):  # another process may want the same
        if not target.exists():
            _extract(backbone, files, target, batch)
        target.with_suffix(".rows").unlink(missing_ok=True)
    return np.load(target, mmap_mode="r"), ids


def _fingerprint(backbone: Backbone, ids: list[str], files: list[Path], batch: int) -> str:
    """Return a name for the content: of the pictures, the backbone, and how they are read."""
    identity = {"version": VERSION, "batch": batch, "resampling": "bilinear", **backbone.identity}
    digest = hashlib.blake2b(json.dumps(identity, sort_keys=True).encode(), digest_size=8)
    for image_id, file in zip(ids, files, strict=True):
        digest.update(image_id.encode() + b"\0" + hashlib.blake2b(file.read_bytes()).digest())
    return digest.hexdigest()


def _extract(backbone: Backbone, files: list[Path], target: Path, batch: int) -> None:
    """Write `target`: under another name first, and a batch at a time.

    After each batch, a file beside it says how many rows are finished. So the run that follows a
    killed one goes on from there.
    """
    part, finished = target.with_suffix(".part"), target.with_suffix(".rows")
    if not (part.exists() and finished.exists()):
        finished.unlink(missing_ok=True)  # what it says is not about the new file
        _reserve(part, (len(files), *backbone.shape))
    start = int(finished.read_text()) if finished.exists() else 0
    read = partial(read_image, size=backbone.size)
    options = {"total": len(files), "initial": start, "desc": backbone.name, "unit": "image"}
    with ThreadPoolExecutor(THREADS) as pool, progress_bar(**options) as bar:
        decoded = pool.map(read, files[start : start + batch])
        for row in range(start, len(files), batch):
            images = np.stack([*decoded])
            decoded = pool.map(read, files[row + batch : row + 2 * batch])  # the next ones
            _write(part, row, backbone(images))
            write_whole(finished, str(row + len(images)))
            bar.update(len(images))
    part.replace(target)


def _reserve(part: Path, shape: tuple[int, ...]) -> None:
    """Make an .npy file of this shape, still empty; `OSError` when the disk has no room for it."""
    size, free = 2 * math.prod(shape), shutil.disk_usage(part.parent).free
    if size > free:  # a memory map on a full disk would kill the process
        raise OSError(
            f"The features need {size / 1e9:.1f} GB in {part.parent}, where {free / 1e9:.1f} GB "
            "are free. Make room, or set COURSEKIT_HOME to a folder on another disk."
        )
    open_memmap(part, "w+", np.float16, shape)


def _write(part: Path, row: int, maps: np.ndarray) -> None:
    """Write the maps of one batch to the file, from this row on."""
    with np.errstate(over="ignore"):
        short = maps.astype(np.float16)
    if not np.isfinite(short).all():
        raise ValueError(
            "The backbone gave a number beyond float16's range (65,504). Take another layer."
        )
    stored = open_memmap(part, "r+")  # anew for each batch: what stays mapped counts as memory
    stored[row : row + len(short)] = short
    stored.flush()
