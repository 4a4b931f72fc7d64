"""Which data set is in use, where it lies, and how to get it.

A data set is a directory in VOC's layout: ``Annotations/`` with one XML file for each picture in
``JPEGImages/``. What is fetched is unpacked elsewhere and moved into place when it is whole, so an
interrupted download leaves no half data set.
"""

import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from coursekit import settings

PARTS = ("Annotations", "JPEGImages")
HOST = "https://thor.robots.ox.ac.uk/pascal/VOC/"


class Archive(NamedTuple):
    """One file of PASCAL VOC as its authors publish it."""

    name: str
    site: str  # the address without the name
    md5: str
    size: int  # bytes
    split: str  # it brings ImageSets/Main/<split>.txt


# Addresses and checksums are those of torchvision.datasets.VOCDetection.
ARCHIVES = {
    "voc2007": (
        Archive(
            name="VOCtrainval_06-Nov-2007.tar",
            site=HOST + "voc2007",
            md5="c52e279531787c972589f7e41ab4ae64",
            size=460_032_000,
            split="trainval",
        ),
        Archive(
            name="VOCtest_06-Nov-2007.tar",
            site=HOST + "voc2007",
            md5="b6e924de25625d8de591ea690078ad9f",
            size=451_020_800,
            split="test",
        ),
    ),
    "voc2012": (
        Archive(
            name="VOCtrainval_11-May-2012.tar",
            site=HOST + "voc2012",
            md5="6cd6e144f989b92b3379bac3b3de84fd",
            size=1_999_639_040,
            split="trainval",
        ),
    ),
}


def place(name: str) -> Path:
    """Return the directory where the data set belongs, whether it is there or not."""
    if name == "mini":
        return settings.home() / "mini"
    if name in ARCHIVES:
        return settings.home() / "VOCdevkit" / name.upper()
    return Path(name).expanduser().resolve()


def locate(name: str | None = None) -> Path:
    """Return the directory of a data set; `mini` is drawn first unless it has been.

    Parameters
    ----------
    name
        ``mini``, ``voc2007``, ``voc2012`` or a directory in VOC's layout. By default what
        ``COURSEKIT_DATASET`` says.

    Raises
    ------
    FileNotFoundError
        When the data set is not there. The message says where it was looked for, and what to do.
    """
    name = settings.dataset() if name is None else str(name)
    directory = place(name)
    if name == "mini":
        from minivoc import dataset

        dataset.draw(directory)  # at once when it has been drawn
    if not missing_parts(directory):
        return directory
    if name == "mini":
        raise FileNotFoundError(f"{directory} is damaged. Delete it, and it will be drawn anew.")
    if directory.exists():
        raise FileNotFoundError(_not_in_layout(directory))
    if name in ARCHIVES:
        raise FileNotFoundError(
            f"The data set {name} is not at {directory}. Fetch it with `coursekit fetch {name}`, "
            "or set COURSEKIT_DATASET to the directory in which you have it."
        )
    raise FileNotFoundError(
        f"There is no data set {name!r}: it is none of {', '.join(settings.NAMED_DATASETS)}, and "
        f"there is no directory {directory}. Correct COURSEKIT_DATASET or --dataset."
    )


def fetch(name: str, progress: bool = True) -> Path:
    """Return the directory of `voc2007` or `voc2012` after downloading it; at once if it is there.

    The archives go to ``downloads`` in `settings.home`, and stay there. The mirrors of
    ``COURSEKIT_VOC_MIRROR`` are asked before VOC's own host.

    Raises
    ------
    ValueError
        When `name` is no data set that can be fetched.
    FileExistsError
        When something incomplete is where the data set belongs. It is left as it is.
    OSError
        When the disk has too little room.
    download.DownloadError
        When an archive cannot be had, or cannot be unpacked.
    """
    from coursetools import download  # here, so that finding a data set stays quick

    if name == "mini":
        return locate(name)
    if name not in ARCHIVES:
        raise ValueError(f"Cannot fetch {name!r}: choose one of mini, {', '.join(ARCHIVES)}.")
    target, archives = place(name), ARCHIVES[name]
    if target.exists():
        if missing := _missing_of(archives, target):
            raise FileExistsError(
                f"{target} is there, but without {', '.join(missing)}. It is left as it is. "
                "Move it away, then fetch again."
            )
        return target
    if not hasattr(tarfile, "data_filter"):
        raise RuntimeError("This Python cannot unpack archives safely. Use 3.11.4 or a later one.")
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f"{target.name}-unfinished-*"):  # of a killed process
        shutil.rmtree(leftover, ignore_errors=True)

    files = [settings.home() / "downloads" / archive.name for archive in archives]
    _check_room(name, files, archives)
    for file, archive in zip(files, archives, strict=True):
        sites = [*settings.mirrors(), archive.site]
        addresses = [f"{site.rstrip('/')}/{archive.name}" for site in sites]
        download.download(addresses, file, archive.md5, archive.size, progress)

    prefix = f"{target.name}-unfinished-"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=prefix) as scratch:
        for file in files:
            download.unpack(file, Path(scratch), progress)
        whole = Path(scratch, "VOCdevkit", target.name)
        if missing := _missing_of(archives, whole):
            raise download.DownloadError(f"The archives of {name} lack {', '.join(missing)}.")
        return whole.rename(target)


def missing_parts(directory: Path) -> list[str]:
    """Return what a directory lacks of VOC's layout; an empty list for a data set."""
    return [f"{part}/" for part in PARTS if not (directory / part).is_dir()]


def _not_in_layout(directory: Path) -> str:
    """Return the message for a directory that is no data set, with the one that was meant."""
    below = [
        found.parent
        for pattern in ("*/Annotations", "*/*/Annotations")
        for found in sorted(directory.glob(pattern))
    ]
    meant = [str(other) for other in (directory.parent, *below) if not missing_parts(other)]
    return (
        f"{directory} is no data set in VOC's layout: it has no "
        f"{' and no '.join(missing_parts(directory))}. "
        + (
            f"Did you mean {' or '.join(meant)}?"
            if meant
            else "Annotations/ must hold the XML files, and JPEGImages/ the pictures."
        )
    )


def _missing_of(archives: tuple[Archive, ...], directory: Path) -> list[str]:
    """Return what a directory lacks of the things that the archives bring."""
    lists = [f"ImageSets/Main/{archive.split}.txt" for archive in archives]
    return missing_parts(directory) + [one for one in lists if not (directory / one).is_file()]


def _check_room(name: str, files: list[Path], archives: tuple[Archive, ...]) -> None:
    from coursetools.download import part_of

    # unpacked, the many small files take a little more room than their archives
    needed = 1.1 * sum(archive.size for archive in archives)
    for file, archive in zip(files, archives, strict=True):
        have = max((one.stat().st_size for one in (file, part_of(file)) if one.exists()), default=0)
        needed += max(archive.size - have, 0)
    free = shutil.disk_usage(settings.home()).free
    if free < needed:
        raise OSError(
            f"{name} needs {needed / 1e9:.1f} GB in {settings.home()}, where {free / 1e9:.1f} GB "
            "are free. Make room, or set COURSEKIT_HOME to a directory on another disk."
        )
