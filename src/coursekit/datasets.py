"""Which data set is in use, where it is, and preparing it.

A data set has VOC's layout: ``Annotations/`` with one XML file for each picture in ``JPEGImages/``.
"""

import hashlib
import shlex
import shutil
from collections.abc import Callable
from multiprocessing import current_process
from pathlib import Path

from coursekit import settings
from coursekit.voc import reading

from filelock import FileLock

PARTS = ("Annotations", "JPEGImages")
IS_FILE = "is a file, not a folder. Is it an archive? Unpack it first"


def place(name: str) -> Path:
    """Return the directory where the data set belongs, whether it is there or not."""
    if name == "mini":
        return settings.home() / "mini"
    if name in settings.NAMED_DATASETS:
        return settings.home() / "VOCdevkit" / name.upper()
    return Path(name).expanduser().resolve()


def locate(name: str | None = None) -> Path:
    """Return the directory of a data set; nothing is drawn, downloaded or changed.

    The name is ``mini``, ``voc2007``, ``voc2012`` or a directory in VOC's layout, by default what
    ``COURSEKIT_DATASET`` says. `FileNotFoundError` when the data set is not there; the message
    says where it was looked for, and what to do.
    """
    name = settings.dataset() if name is None else str(name)
    directory = place(name)
    if not missing_parts(directory):
        return directory
    if name == "mini":
        raise FileNotFoundError(
            f"The data set mini is not at {directory}. If something is there, move it away first. "
            "Then run notebooks/02_voc_annotations.ipynb or `coursekit fetch mini`: both draw it."
        )
    if directory.exists():
        raise FileNotFoundError(_not_in_layout(directory))
    if name in settings.NAMED_DATASETS:
        raise FileNotFoundError(
            f"The data set {name} is not at {directory}. Fetch it with `coursekit fetch {name}`, "
            "or set COURSEKIT_DATASET to the directory where you have it."
        )
    raise FileNotFoundError(
        f"There is no data set {name!r}: it is none of {', '.join(settings.NAMED_DATASETS)}, and "
        f"there is no directory {directory}. Correct COURSEKIT_DATASET or --dataset."
    )


def prepare(name: str | None = None) -> Path:
    """Return the directory of a data set; `mini` is drawn first unless it has been.

    A progress bar shows the drawing, twenty seconds, once. Names and errors are those of
    `locate`, and `FileExistsError` when something that was not drawn is where `mini` belongs; it
    is left as it is.
    """
    name = settings.dataset() if name is None else str(name)
    if name == "mini":
        from minivoc import dataset  # here, so that finding a data set stays quick

        draw_once(place(name), dataset.draw)
    return locate(name)


def draw_once(directory: Path, draw: Callable[[Path], Path]) -> Path:
    """Return the directory that `draw` fills, once; a second process waits, and finds it done.

    What a killed process left is deleted. `FileExistsError` when something else is there.
    `RuntimeError` in a process that draws, and for that imports the script that asked for it.
    """
    try:
        if directory.exists():
            return draw(directory)  # which it does if this is of another version
        if hasattr(current_process(), "_inheriting"):  # it would wait for the one that waits for it
            guard = 'Put what the script does below `if __name__ == "__main__":`, to draw faster.'
            raise RuntimeError(f"{directory.name} is being drawn by what imports this. {guard}")
        directory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(directory.parent / f".{directory.name}.lock"):
            for left in directory.parent.glob(f".{directory.name}-*/drawn"):
                shutil.rmtree(left.parent, ignore_errors=True)
            return draw(directory)
    except FileExistsError as error:
        name = directory.name
        raise FileExistsError(f"{error} COURSEKIT_HOME says where {name} goes.") from error


def state() -> dict:
    """Return what a table of images is made of: the settings, and a hash of the data set in use.

    The hash is of annotations and lists. Nobody changes those of the named data sets.
    """
    digest, own = hashlib.blake2b(digest_size=8), settings.dataset() not in settings.NAMED_DATASETS
    for part in ("Annotations", "ImageSets") if own else ():
        folder = place(settings.dataset()) / part
        for name in reading.names_in(folder, ".xml", ".txt"):
            digest.update(f"{name}\0".encode() + (folder / name).read_bytes())
    made = {"data set": settings.dataset_name(), "classes": settings.classes()}
    made |= {"zero-based": settings.zero_based(), "sizes": settings.sizes()}
    return made | {"polygons": settings.polygons(), "annotations or lists": digest.hexdigest()}


def missing_parts(directory: Path) -> list[str]:
    """Return what a directory lacks of VOC's layout; an empty list for a data set."""
    return [f"{part}/" for part in PARTS if not (directory / part).is_dir()]


def _not_in_layout(directory: Path) -> str:
    """Return the message for a directory that is not a data set, with the one that was meant."""
    if directory.is_file():
        return f"{directory} {IS_FILE}."
    found = [*sorted(directory.glob("*/Annotations")), *sorted(directory.glob("*/*/Annotations"))]
    near = [directory.parent, *(annotations.parent for annotations in found)]
    meant = [str(other) for other in near if not missing_parts(other)]
    advice = (
        "Annotations/ must hold the XML files, and JPEGImages/ the pictures. "
        f"`coursekit import {shlex.quote(str(directory))} --out NEW` converts what YOLO, Roboflow, "
        "labelImg, COCO, labelme or CVAT export."
    )
    if meant:
        advice = f"Did you mean {' or '.join(meant)}?"
    missing = " and no ".join(missing_parts(directory))
    return f"{directory} is not a data set in VOC's layout: it has no {missing}. {advice}"
