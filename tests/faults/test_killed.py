"""Processes that are killed at random moments: what follows has the bytes of an undisturbed run."""

import os
import random
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from jobs import JOBS, contents, draw, execute, finish, start

import psutil
import pytest

TIMES = {job: 20 for job in JOBS} | {draw: 6, execute: 4}  # which take longer
UNFINISHED = re.compile(r"\.[0-9a-f]{8}\..+")  # what `written_whole` writes to first


@pytest.fixture(scope="module", autouse=True)
def _imports_are_done():
    """Import what all processes begin with, so that a job takes only its own seconds."""
    start(int).join()


def let_an_hour_pass(folder: Path) -> None:
    for path in folder.rglob("*"):
        if UNFINISHED.fullmatch(path.name):
            os.utime(path, (0, 0))


def kill(job: Callable, times: int, place: Path) -> None:
    """Kill a job again and again; then look at what an undisturbed one makes of it."""
    rng, number, children = random.Random(0), count(), []
    seconds = finish(job, place / "right", place)
    right = contents(place / "right")
    assert right
    folder, killed = place / f"{next(number)}", 0
    while killed < times:
        let_an_hour_pass(folder)
        process = start(job, folder, place)
        process.join(rng.uniform(0, seconds))
        if process.exitcode is None:
            with suppress(psutil.NoSuchProcess):  # it has ended just now
                children += psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.join()
            killed += 1
        else:  # it was too quick: look at what it has made, and begin with nothing
            assert process.exitcode == 0 and contents(folder) == right
            folder = place / f"{next(number)}"
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    let_an_hour_pass(folder)
    finish(job, folder, place)
    assert contents(folder) == right


@pytest.mark.parametrize("job", JOBS)
def test_what_is_killed_begins_again_and_leaves_nothing(job, tmp_path, proof):
    (prepare, name), times = JOBS[job], TIMES[job]
    with prepare(tmp_path):
        kill(job, times, tmp_path)
    proof(
        f"Killed {times} times, {name} left no folder and no process, and gave the bytes of an "
        "undisturbed one in the end."
    )


def test_two_that_draw_at_once_draw_once(tmp_path, proof):
    processes = [start(draw, tmp_path / "home", tmp_path) for _ in range(2)]
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    finish(draw, tmp_path / "right", tmp_path)
    assert contents(tmp_path / "home") == contents(tmp_path / "right")
    proof("Two processes that drew the data set at once drew one, with the right bytes.")
