"""The downloader that pooch calls: it goes on where an earlier try stopped.

What has come so far is in ``NAME.part``, from whatever address it came. It becomes ``NAME``
when pooch finds its checksum right. Python's own ``urllib`` does the talking.
"""

import re
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from tqdm import tqdm

TIMEOUT = 30.0  # seconds without one byte: the connection has stalled
PROGRESS = 2**20  # bytes: a try that brings as many does not count
CHUNK = 2**16  # bytes
SLOWEST = 4000  # bytes a second: at less, one archive would take a day
BUSY = (408, 425, 429, 500, 502, 503, 504)  # HTTP answers that may be better in a moment
WRONG = "another file: its checksum is wrong"


class CutError(ValueError):
    """The connection broke. Pooch tries again after a `ValueError`."""


class GiveUpError(Exception):
    """The address does not have the file: try the next one."""


def part_of(file: Path) -> Path:
    """Return where the bytes of `file` are collected until it is whole."""
    return file.with_name(file.name + ".part")


class Resuming:
    """Pooch's downloader for one file from one address; it goes on with what is there."""

    def __init__(self, file: Path, size: int, bar: tqdm):
        self.file, self.part, self.size, self.bar = file, part_of(file), size, bar
        self.mixed = file.exists() or self.part.exists()  # not all of it is from this address
        self.delivered = False

    def __call__(self, address: str, output: str, _pooch: object) -> None:
        """Put the whole file at `output`, where pooch compares its checksum."""
        if self.file.exists():  # pooch has seen that it is not whole
            self.file.replace(self.part)
        if self.delivered:  # and now that its checksum is wrong
            self.part.unlink(missing_ok=True)
            if not self.mixed:
                raise GiveUpError(WRONG)
            self.mixed = False
        while (before := _length(self.part)) < self.size:
            try:
                _receive(self.part, address, self.size, self.bar)
            except CutError as cut:
                self.bar.set_postfix_str(f"{cut}: trying again")
                if _length(self.part) - before < PROGRESS:
                    raise
        self.delivered = True
        Path(output).unlink()
        try:  # a second name for it, so that what interrupts pooch now loses nothing
            Path(output).hardlink_to(self.part)
        except OSError:  # a file system without such names
            self.part.rename(output)


def _receive(part: Path, address: str, size: int, bar: tqdm) -> None:
    """Append what is missing of `part`; raise `CutError` when the answer ends too early."""
    response, start = _ask(address, _length(part), size)
    began, before = time.monotonic(), start
    with response, part.open("ab" if start else "wb") as file:
        while file.tell() < size:
            bar.update(file.tell() - bar.n)
            try:
                # read1 hands over what has come; read would hold it back, and a cut would lose it
                chunk = response.read1(CHUNK)
            except (OSError, HTTPException) as error:
                raise CutError(
                    f"{_reason(error)}, after {file.tell():,} of {size:,} bytes"
                ) from error
            if not chunk:
                raise CutError(f"the connection was cut after {file.tell():,} of {size:,} bytes")
            file.write(chunk)
            if time.monotonic() - began > TIMEOUT:
                if file.tell() - before < SLOWEST * TIMEOUT:
                    raise CutError(f"less than {SLOWEST / 1e3:g} kB came in a second")
                began, before = time.monotonic(), file.tell()
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
        raise (CutError if error.code in BUSY else GiveUpError)(answer) from error
    except ValueError as error:
        raise GiveUpError(f"not an address: {error}. Does it begin with https:// ?") from error
    except (OSError, HTTPException) as error:
        raise CutError(_reason(error)) from error

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
    elif announced and announced != str(size):
        trouble = f"another file: it has {announced} bytes, it should have {size}"
    if trouble:
        response.close()
        raise GiveUpError(trouble)
    return response, begins


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _reason(error: Exception) -> str:
    """Return what went wrong with a connection, in words for a reader."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"no answer for {TIMEOUT:g} seconds"
    return str(cause) or type(cause).__name__
