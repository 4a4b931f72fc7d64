"""Frozen backbone → a file of feature maps on disk, made once.

While the backbone works on one batch, threads decode the next and write the last. An extraction
that was stopped, or killed, goes on where it was. The file's name comes from everything that its
content depends on, so a changed picture, backbone, weight or layer gets a new file.
"""

import hashlib
import io
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, TextIO

from coursekit import lessons
from coursekit.files import write_whole
from coursekit.progress import progress_bar

import numpy as np
import pandas as pd
from filelock import FileLock
from PIL import Image

BATCH = 32
THREADS = 2  # that decode, each a batch
VERSION = 1  # raise it whenever the same pictures would give other numbers


class Backbone(Protocol):
    """What `extract` needs of a backbone; see `keras_backbones.Backbone`."""

    name: str
    size: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one picture's feature map."""

    @property
    def identity(self) -> dict[str, object]:
        """What the maps depend on, apart from the pictures; it goes through JSON."""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the maps of uint8 pictures of shape (batch, size, size, 3)."""


class Features(NamedTuple):
    """Feature maps, and the picture that each of them belongs to."""

    maps: np.ndarray
    image_ids: list[str]


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
    skip_corrupt: bool = False,
    batch: int = BATCH,
) -> Features:
    """Return the feature maps of all images of a table, from a file that is made when needed.

    Parameters
    ----------
    backbone
        See `Backbone`.
    table
        One row per image, with ``image_id`` and ``filename``.
    directory
        The data set; the pictures lie in its ``JPEGImages``.
    folder
        Where the file goes. By default ``features`` among the artifacts of the data set in use.
    skip_corrupt
        True: leave out pictures that cannot be decoded. Then there are fewer maps than rows.
    batch
        Pictures in one forward pass.

    Returns
    -------
    Features
        ``maps``: float16 of shape (n, 7, 7, c), a memory map, so that no more of it is in memory
        than is used. ``image_ids``: n names, in the order of the table.

    Raises
    ------
    FileNotFoundError
        When a picture is not there.
    CorruptImageError
        When a picture cannot be decoded, and `skip_corrupt` is false.
    ValueError
        When a map holds a number beyond the range of float16.
    """
    ids = [str(image_id) for image_id in table["image_id"]]
    files = [Path(directory) / "JPEGImages" / name for name in table["filename"]]
    folder = lessons.artifacts_file("features") if folder is None else Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{backbone.name}-{_fingerprint(backbone, ids, files, batch)}"
    target = folder / f"{stem}.npy"
    with FileLock(folder / f".{stem}.lock"):  # another process may want the same
        if not target.exists():
            _extract(backbone, ids, files, target, skip_corrupt, batch)
    kept = json.loads(target.with_suffix(".json").read_text(encoding="utf-8"))
    if len(kept) < len(ids) and not skip_corrupt:
        for file, image_id in zip(files, ids, strict=True):
            if image_id not in kept:
                read_image(file, backbone.size)  # raises, and names the file
    return Features(np.load(target, mmap_mode="r"), kept)


def _fingerprint(backbone: Backbone, ids: list[str], files: list[Path], batch: int) -> str:
    """Return a name for the content: of the pictures, the backbone, and how they are read."""
    digest = hashlib.blake2b(digest_size=8)
    identity = {"version": VERSION, "batch": batch, "resampling": "bilinear", **backbone.identity}
    digest.update(json.dumps(identity, sort_keys=True).encode())
    with ThreadPoolExecutor(THREADS) as pool:
        contents = pool.map(lambda file: hashlib.blake2b(file.read_bytes()).digest(), files)
        for image_id, content in zip(ids, contents, strict=True):
            digest.update(image_id.encode() + b"\0" + content)
    return digest.hexdigest()


def _extract(
    backbone: Backbone, ids: list[str], files: list[Path], target: Path, skip: bool, batch: int
) -> None:
    """Write the two files of `target`: to other names first, and a batch at a time.

    After each batch, a line in the journal says which of its pictures were kept. So the journal
    never promises what is not in the file.
    """
    part, journal = target.with_suffix(".part"), target.with_suffix(".journal")
    row = int(np.prod(backbone.shape)) * np.dtype(np.float16).itemsize
    start = len(_header(len(ids), backbone.shape))
    kept = _resume(part, journal, start, row)
    seen = sum(len(line) for line in kept)
    with (
        part.open("r+b") as file,
        journal.open("a", encoding="utf-8") as lines,
        progress_bar(total=len(ids), initial=seen, desc=backbone.name, unit="image") as bar,
    ):
        file.seek(0, os.SEEK_END)
        chunks = (files[i : i + batch] for i in range(seen, len(ids), batch))
        decoded = _ahead(lambda job: _read(job, backbone.size, skip), chunks, THREADS)
        computed = ((_compute(backbone, images), good) for images, good in decoded)
        for good in _ahead(lambda job: _write(*job, file, lines), computed, 1):
            kept.append(good)
            bar.update(len(good))
        names = [name for name, fine in zip(ids, chain.from_iterable(kept), strict=True) if fine]
        file.seek(0)
        file.write(_header(len(names), backbone.shape))
    write_whole(target.with_suffix(".json"), json.dumps(names))
    part.replace(target)
    journal.unlink()


def _header(n: int, shape: tuple[int, ...]) -> bytes:
    """Return the head of an .npy file. Its length does not depend on `n`, NumPy sees to that."""
    head = io.BytesIO()
    about = {"descr": "<f2", "fortran_order": False, "shape": (n, *shape)}
    np.lib.format.write_array_header_1_0(head, about)
    return head.getvalue()


def _resume(part: Path, journal: Path, start: int, row: int) -> list[list[bool]]:
    """Return which pictures of each finished batch were kept; cut both files to those batches."""
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    size = part.stat().st_size if part.exists() else 0
    whole, end = [], start
    for line in text.split("\n")[:-1]:  # what follows the last line break was cut short
        good = json.loads(line)
        if end + sum(good) * row > size:
            break
        whole.append(good)
        end += sum(good) * row
    with part.open("ab") as file:
        file.truncate(end)
    write_whole(journal, "".join(json.dumps(good) + "\n" for good in whole))
    return whole


def _ahead(work: Callable, jobs: Iterable, threads: int) -> Iterator:
    """Yield what `work` returns for each job, in order; threads work on the jobs to come.

    As many jobs wait as there are threads, so memory does not grow with the number of jobs.
    """
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(files: list[Path], size: int, skip: bool) -> tuple[list[np.ndarray], list[bool]]:
    """Return the pictures that can be decoded, and for each file whether it is one of them."""
    images, good = [], []
    for file in files:
        try:
            images.append(read_image(file, size))
            good.append(True)
        except CorruptImageError:
            if not skip:
                raise
            good.append(False)
    return images, good


def _compute(backbone: Backbone, images: list[np.ndarray]) -> np.ndarray:
    return backbone(np.stack(images)) if images else np.empty((0, *backbone.shape))


def _write(maps: np.ndarray, good: list[bool], file: BinaryIO, lines: TextIO) -> list[bool]:
    """Append the maps of one batch to the file, and then a line to the journal."""
    with np.errstate(over="ignore"):
        short = maps.astype("<f2")
    if not np.isfinite(short).all():
        raise ValueError(
            "The backbone gave a number beyond float16's range (65,504). Take another layer."
        )
    file.write(short.tobytes())
    file.flush()
    os.fsync(file.fileno())
    lines.write(json.dumps(good) + "\n")
    lines.flush()
    return good
