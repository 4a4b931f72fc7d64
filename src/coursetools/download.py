"""Archives: downloaded from several addresses, carried on when cut, checked, unpacked safely.

What has come so far lies in ``NAME.part``. It becomes ``NAME`` only when its checksum is right,
so a file of that name is always whole. Python's own ``urllib`` does the talking.
"""

import hashlib
import re
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path, PurePosixPath

from coursekit.progress import progress_bar

from tqdm import tqdm

TIMEOUT = 30.0  # seconds without one byte: the connection has stalled
TRIES = 4  # cuts in a row that brought less than PROGRESS: take the next address
PAUSE = 2.0  # seconds before the second try, twice as many before the third, ...
PROGRESS = 2**20  # bytes
CHUNK = 2**16  # bytes
BUSY = (408, 425, 429, 500, 502, 503, 504)  # HTTP answers that may be better in a moment


class DownloadError(OSError):
    """A file cannot be had, or cannot be unpacked."""


class _CutError(Exception):
    """The connection broke: worth another try at the same address."""


class _GiveUpError(Exception):
    """The address does not have the file, or cannot be reached: try the next one."""


def checksum(file: Path) -> str:
    """Return the MD5 checksum of a file, as 32 hexadecimal digits.

    MD5 because that is what the files of PASCAL VOC are known by. It finds damage and mix-ups,
    which is what it is for here; against forgery it would be too weak.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def part_of(file: Path) -> Path:
    """Return where the bytes of `file` are collected until it is whole."""
    return file.with_name(file.name + ".part")


def download(
    addresses: Iterable[str], file: Path, md5: str, size: int, progress: bool = True
) -> Path:
    """Return `file`, downloaded from the first address that gives it; at once if it is there.

    Parameters
    ----------
    addresses
        Where the file may be had, in the order in which to try.
    file
        Where it goes. A file that is there already is taken for what an earlier run brought:
        it is whole if its checksum says so, else it is carried on with.
    md5, size
        Its checksum, and its length in bytes.
    progress
        Whether to show a progress bar.

    Raises
    ------
    DownloadError
        When no address gives the file. It lists them, and what went wrong at each.
    """
    part = part_of(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        file.replace(part)

    troubles = []
    with progress_bar(
        total=size, unit="B", unit_scale=True, desc=file.name, disable=not progress
    ) as bar:
        for address in addresses:
            try:
                _complete(part, address, md5, size, bar)
            except _GiveUpError as trouble:
                troubles.append(f"  {address}\n    {trouble}")
            else:
                return part.replace(file)
    raise DownloadError(
        f"{file.name} could not be downloaded. These addresses were tried:\n"
        + "\n".join(troubles)
        + "\nWhat you can do:\n"
        "  - Try again later. A download that was cut goes on where it stopped.\n"
        "  - Name a mirror: COURSEKIT_VOC_MIRROR=https://... (the file name is added to it).\n"
        f"  - Get the file in another way, put it at {file}, and run the command again."
    )


def unpack(file: Path, directory: Path, progress: bool = True) -> None:
    """Unpack a tar archive into a directory; raise `DownloadError` if it reaches outside of it."""
    try:
        with tarfile.open(file) as archive:
            members = progress_bar(archive, unit=" files", desc=file.name, disable=not progress)
            archive.extractall(directory, members, filter=_inside_only)
    except tarfile.TarError as error:
        raise DownloadError(
            f"{file} cannot be unpacked: {error}. Nothing was changed. Delete it and fetch again."
        ) from error


def _inside_only(member: tarfile.TarInfo, directory: str) -> tarfile.TarInfo | None:
    # Python's own filter would make an absolute path relative. VOC has none: refuse it.
    if PurePosixPath(member.name).is_absolute():
        raise tarfile.AbsolutePathError(member)
    return tarfile.data_filter(member, directory)


def _complete(part: Path, address: str, md5: str, size: int, bar: tqdm) -> None:
    """Fill `part` from one address until its checksum is right, or raise `_GiveUpError`."""
    most = _length(part)
    inherited = most > 0  # from an earlier run or another address: may not fit to this one
    fruitless = 0
    while True:
        try:
            _receive(part, address, size, bar)
        except _CutError as cut:
            length = _length(part)
            fruitless = 0 if length - most >= PROGRESS else fruitless + 1
            most = max(most, length)
            if fruitless == TRIES:
                raise _GiveUpError(f"{cut} ({TRIES} tries)") from cut
            bar.set_postfix_str(f"{cut}: trying again")
            time.sleep(PAUSE * fruitless)
            continue
        found = checksum(part)
        if found == md5:
            return
        part.unlink()
        if not inherited:
            raise _GiveUpError(f"another file: its MD5 is {found}, it should be {md5}")
        inherited = False


def _receive(part: Path, address: str, size: int, bar: tqdm) -> None:
    """Append what is missing of `part`; raise `_CutError` when the answer ends too early."""
    if _length(part) >= size:
        return
    response, start = _ask(address, _length(part), size)
    with response, part.open("ab" if start else "wb") as file:
        while file.tell() < size:
            bar.update(file.tell() - bar.n)
            try:
                # read1 hands over what has come; read would hold it back, and a cut would lose it
                chunk = response.read1(CHUNK)
            except (OSError, HTTPException) as error:
                raise _CutError(
                    f"{_reason(error)}, after {file.tell():,} of {size:,} bytes"
                ) from error
            if not chunk:
                raise _CutError(f"the connection was cut after {file.tell():,} of {size:,} bytes")
            file.write(chunk)
        bar.update(file.tell() - bar.n)


def _ask(address: str, start: int, size: int):
    """Return the answer to a request for the bytes from `start` on, and where it does start.

    The two differ when the server does not know how to send a part: it sends all, from 0.
    """
    wanted = {"Range": f"bytes={start}-"} if start else {}
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "coursekit"} | wanted)
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:  # it has no such part, so ask for all
            return _ask(address, 0, size)
        answer = f"the server answered {error.code} {error.reason}"
        raise (_CutError if error.code in BUSY else _GiveUpError)(answer) from error
    except ValueError as error:
        raise _GiveUpError(f"not an address: {error}. Does it begin with https:// ?") from error
    except (OSError, HTTPException) as error:
        raise _CutError(_reason(error)) from error

    part = re.match(r"bytes (\d+)-\d+/(\d+)?", response.headers.get("Content-Range", ""))
    if response.status == 206 and part:
        begins, announced = int(part[1]), part[2]
    else:
        begins, announced = 0, response.headers.get("Content-Length")
    trouble = None
    if response.headers.get_content_type() == "text/html":
        trouble = "the server sent a web page, not the file"
    elif begins not in (0, start):
        trouble = f"the server sent bytes from {begins:,} on when asked for those from {start:,} on"
    elif announced and int(announced) != size:
        trouble = f"another file: it has {int(announced):,} bytes, it should have {size:,}"
    if trouble:
        response.close()
        raise _GiveUpError(trouble)
    return response, begins


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _reason(error: Exception) -> str:
    """Return what went wrong with a connection, in words for a reader."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"no answer for {TIMEOUT:g} seconds"
    return str(cause) or type(cause).__name__
