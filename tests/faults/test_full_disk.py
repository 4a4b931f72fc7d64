"""A disk that is full: a sentence names the file; with room again, the same command goes on."""

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs import JOBS, contents, draw, execute, finish, start

import pytest

# Of the room that a job needs, there are so much; for two that take longer, one of these.
SHARES = {job: (0.1, 0.5, 0.8) for job in JOBS} | {draw: (0.5,), execute: (0.5,)}
WORDS = ("No space left", "are free", "free there")  # the system's, and ours


def mount(*words: str | Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", *words], check=True, capture_output=True)


@contextmanager
def disk_of(folder: Path, size: int) -> Iterator[Callable[[], None]]:
    """Make a folder a disk of this many bytes; give a function that makes it large."""
    folder.mkdir()
    mount("-o", f"size={size}", "tmpfs", folder)
    try:
        yield lambda: mount("-o", "remount,size=1g", "tmpfs", folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module", autouse=True)
def _mounting(tmp_path_factory) -> None:
    try:
        with disk_of(tmp_path_factory.mktemp("disk") / "disk", 2**20):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk can be made on Linux, by root: {error}")


def told(job: Callable, folder: Path, place: Path) -> None:
    """Do a job, and write down the kind and the words of its error."""
    try:
        job(folder, place)
    except Exception as error:
        (place / "error.txt").write_text(f"{type(error).__name__}: {error}")
        sys.exit(1)


def room(folder: Path) -> int:
    """Return the bytes that a folder takes on a disk in pages of 4 kB."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(math.ceil(size / 4096) * 4096 for size in sizes)


@pytest.mark.parametrize("job", JOBS)
def test_a_full_disk_is_named_and_with_room_the_job_goes_on(job, tmp_path, proof):
    prepare, name = JOBS[job]
    with prepare(tmp_path):
        finish(job, tmp_path / "right", tmp_path)
        right = contents(tmp_path / "right")
        for share in SHARES[job]:
            folder = tmp_path / f"{share}"
            with disk_of(folder, int(share * room(tmp_path / "right"))) as enlarge:
                process = start(told, job, folder, tmp_path)
                process.join(120)
                assert process.exitcode == 1, share
                error = (tmp_path / "error.txt").read_text()
                assert any(word in error for word in WORDS), error
                assert error.startswith(("OSError: ", "LessonError: ")), error
                enlarge()
                finish(job, folder, tmp_path)
                assert contents(folder) == right
    proof(
        f"Where {name} finds the disk full, it says so in a sentence, and goes on once there is "
        "room."
    )
