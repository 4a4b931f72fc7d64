"""Frozen backbone → feature maps on disk, made once.

While the backbone works on one batch, threads decode the next and write the one before. An
extraction that was stopped, or killed, goes on where it was. The maps of each layer are a file of
their own, in a folder whose name comes from everything that they depend on. So a changed picture,
backbone, weight or layer gets a new folder.
"""

import hashlib
import json
import math
import shutil
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from coursekit import settings
from coursekit.files import write_whole
from coursekit.pictures import read_picture
from coursekit.progress import progress_bar

import numpy as np
import pandas as pd
from filelock import FileLock
from numpy.lib.format import open_memmap
from tqdm import tqdm

BATCH = 32
THREADS = 2  # that decode
SHARD = 64  # batches that are one job of an executor
COUNT = "rows-"  # begins the name of a file that says how much of a shard is finished
LARGEST = np.finfo(np.float16).max
VERSION = 3  # raise it whenever the same pictures would give other numbers


class Backbone(Protocol):
    """What `extract` needs of a backbone; see `keras_backbones.Backbone`."""

    name: str
    size: int  # of the pictures that it takes
    shapes: dict[str, tuple[int, int, int]]  # of one picture's map, for each layer
    identity: dict[str, object]  # what the maps depend on, apart from the pictures

    def maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the maps of uint8 pictures of shape (batch, size, size, 3), by layer."""


def extract(
    backbone: Backbone,
    table: pd.DataFrame,
    directory: str | Path,
    folder: str | Path | None = None,
    batch: int = BATCH,
    executor: Executor | None = None,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return each layer's feature maps of all images of a table, and their image_ids, in its order.

    The maps are float16 of shape (n, height, width, channels), in files that are made when needed.
    They are memory maps: only what is used of them is in memory.

    The table has a row for each image, with ``image_id`` and ``filename``, and the pictures are in
    ``JPEGImages`` of the directory. The files go to a folder in `folder`, by default ``features``
    among the artifacts of the data set in use. `batch` pictures make one forward pass.

    With an `executor`, its processes share the work, on this machine or on others that see the
    same files under the same names; the bytes are those of one process. The backbone goes to them
    pickled.

    A picture that is not there raises a ``FileNotFoundError``, one that cannot be decoded a
    `CorruptImageError`, a number beyond the range of float16 a ``ValueError``, and a disk without
    room for the file an ``OSError``.
    """
    ids = table["image_id"].astype(str).tolist()
    files = [Path(directory) / "JPEGImages" / name for name in table["filename"]]
    folder = settings.artifacts() / "features" if folder is None else Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{backbone.name}-{_fingerprint(backbone, ids, files, batch)}"
    with FileLock(folder / f".{target.name}.lock"):  # another process may want the same
        maps = _stored(target, backbone, len(ids))
        if maps is None:
            shutil.rmtree(target, ignore_errors=True)
            _extract(backbone, files, target, batch, executor)
            maps = _stored(target, backbone, len(ids))
    return maps, ids


def _stored(folder: Path, backbone: Backbone, n: int) -> dict[str, np.ndarray] | None:
    """Return the maps in a folder, or None where they are not there, or damaged."""
    try:
        maps = {layer: np.load(_file(folder, layer), mmap_mode="r") for layer in backbone.shapes}
    except (OSError, ValueError, EOFError):
        return None
    right = all(maps[layer].shape == (n, *shape) for layer, shape in backbone.shapes.items())
    return maps if right else None


def _file(folder: Path, layer: str) -> Path:
    return folder / f"{layer}.npy"


def _fingerprint(backbone: Backbone, ids: list[str], files: list[Path], batch: int) -> str:
    """Return a name for the content: of the pictures, the backbone, and how they are read."""
    identity = {"version": VERSION, "batch": batch, "resampling": "bilinear", **backbone.identity}
    digest = hashlib.blake2b(json.dumps(identity, sort_keys=True).encode(), digest_size=8)
    for image_id, file in zip(ids, files, strict=True):
        digest.update(image_id.encode() + b"\0" + hashlib.blake2b(file.read_bytes()).digest())
    return digest.hexdigest()


def _extract(
    backbone: Backbone, files: list[Path], target: Path, batch: int, executor: Executor | None
) -> None:
    """Make the folder `target`: under another name first, a shard at a time, or several at once."""
    part, size = target.with_name(f"{target.name}.part"), SHARD * batch
    shards = [(start, files[start : start + size]) for start in range(0, len(files), size)]
    if _stored(part, backbone, len(files)) is None:  # nothing, or damaged
        _reserve(part, {k: (len(files), *shape) for k, shape in backbone.shapes.items()})
    begun = sum(_finished(part, start) for start, _ in shards)
    options = {"total": len(files), "initial": begun, "desc": backbone.name, "unit": "image"}
    with progress_bar(**options) as bar:
        if executor is None:
            for start, shard in shards:
                _fill(backbone, shard, part, start, batch, bar)
        else:
            jobs = [executor.submit(_fill, backbone, s, part, i, batch) for i, s in shards]
            for job in jobs:
                job.result()
                bar.update(sum(_finished(part, start) for start, _ in shards) - bar.n)
    part.replace(target)


def _fill(
    backbone: Backbone,
    files: list[Path],
    part: Path,
    first: int,
    batch: int,
    bar: tqdm | None = None,
) -> None:
    """Write the rows of these pictures, from row `first` on.

    After each batch, a file says how many of them are finished. So the run that follows a killed
    one goes on from there.
    """
    begin, read = _finished(part, first), partial(read_picture, size=backbone.size)
    with ThreadPoolExecutor(THREADS) as readers, ThreadPoolExecutor(1) as writer:
        decoded = readers.map(read, files[begin : begin + batch])
        written = writer.submit(int)  # nothing yet
        for row in range(begin, len(files), batch):
            images = np.stack([*decoded])
            decoded = readers.map(read, files[row + batch : row + 2 * batch])  # the next ones
            maps = backbone.maps(images)
            written.result()
            written = writer.submit(_write, part, first, row, maps)
            if bar is not None:
                bar.update(len(images))
        written.result()


def _finished(part: Path, first: int) -> int:
    """Return how many rows of a shard are finished; none where the count is damaged."""
    file = part / f"{COUNT}{first}"
    count = file.read_text(encoding="utf-8") if file.exists() else ""
    return int(count) if count.isdigit() else 0


def _reserve(part: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Make an .npy file for each layer, still empty; `OSError` when the disk has no room."""
    shutil.rmtree(part, ignore_errors=True)  # what a killed run left before it had begun
    size, free = 2 * sum(map(math.prod, shapes.values())), shutil.disk_usage(part.parent).free
    if size > free:  # a memory map on a full disk would kill the process
        raise OSError(
            f"The features need {size / 1e9:.1f} GB in {part.parent}, where {free / 1e9:.1f} GB "
            "are free. Make room, or set COURSEKIT_HOME to a folder on another disk."
        )
    part.mkdir()
    for layer, shape in shapes.items():
        open_memmap(_file(part, layer), "w+", np.float16, shape)


def _write(part: Path, first: int, row: int, maps: dict[str, np.ndarray]) -> None:
    """Write the maps of one batch, from this row of a shard on, and that they are finished."""
    for layer, values in maps.items():
        if not (values.min() >= -LARGEST and values.max() <= LARGEST):
            raise ValueError(
                f"Layer {layer} gave a number beyond float16's range (65,504). Take another layer."
            )
        # anew for each batch: what stays mapped counts as memory
        stored = open_memmap(_file(part, layer), "r+")
        stored[first + row : first + row + len(values)] = values
        stored.flush()
        end = row + len(values)
    write_whole(part / f"{COUNT}{first}", str(end))
