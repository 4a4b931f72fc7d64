"""Drawing a data set: each picture once, in several processes, and nothing half done."""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from tqdm.auto import tqdm


def fill_once(directory: Path, stamp: dict[str, int], fill: Callable[[Path], None]) -> Path:
    """Return `directory` once it holds what `fill` draws into an empty one, unless it does already.

    The file ``VERSION`` holds the stamp of what was drawn; what has another stamp is replaced.

    Raises
    ------
    FileExistsError
        When something else is at `directory`: it is never deleted.
    """
    if not _needs_drawing(directory, stamp):
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as scratch:
        drawn, replaced = Path(scratch, "drawn"), Path(scratch, "replaced")
        drawn.mkdir()
        fill(drawn)
        (drawn / "VERSION").write_text(json.dumps(stamp) + "\n", newline="\n")
        if _needs_drawing(directory, stamp):  # no other process was faster
            if directory.exists():
                directory.rename(replaced)
            drawn.rename(directory)
    return directory


def _needs_drawing(directory: Path, stamp: dict[str, int]) -> bool:
    """Return whether the data set with this stamp is still to be drawn into `directory`.

    `FileExistsError` when what is there has no stamp of ours, and so is not ours to delete.
    """
    if not directory.exists():
        return True
    try:
        there = json.loads((directory / "VERSION").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        there = None
    if not (isinstance(there, dict) and there.keys() == stamp.keys()):
        raise FileExistsError(
            f"{directory} exists, but no file VERSION in it says that it was drawn. It is left as "
            "it is. Move it away, or draw into another directory."
        )
    return there != stamp


def for_each(work: Callable, *jobs: Sequence, processes: int | None = None) -> list:
    """Return what `work` returns for each job, done in several processes where that works.

    `jobs` are sequences of the same length, one for each argument of `work`. By default there is a
    process for each core.
    """
    progress = partial(
        tqdm,
        total=len(jobs[0]),
        desc="Drawing the data set",
        unit="picture",
        disable=bool(os.environ.get("TQDM_DISABLE")),  # which tqdm's bar for notebooks overlooks
    )
    if processes != 1:
        try:  # "spawn" works on every system, and beside a framework's threads
            spawn = {"mp_context": get_context("spawn"), "initializer": _end_with_parent}
            with ProcessPoolExecutor(processes, **spawn) as pool:
                return list(progress(pool.map(work, *jobs, chunksize=8)))
        except (BrokenProcessPool, OSError):
            pass  # a sandbox or a script without worker processes: draw them here
    return list(progress(map(work, *jobs)))


def _end_with_parent() -> None:
    """End this process when the one that started it is gone; a killed one cannot say so."""

    def wait() -> None:
        parent_process().join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()
