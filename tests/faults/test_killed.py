"""Processes that are killed at random moments: what follows has the bytes of an undisturbed run."""

import random
import subprocess
import sys
import time
from pathlib import Path

from coursekit import settings
from minivoc import dataset

import psutil
import pytest

N = 120  # pictures
TIMES = 6
DRAW = f"""
from functools import partial
from minivoc import dataset
from coursekit import datasets
dataset.draw = partial(dataset.draw, n={N}, processes=2)
if __name__ == "__main__":
    datasets.prepare("mini")
"""


def files_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Return a function that starts to draw, in a home of its own."""
    (tmp_path / "draw.py").write_text(DRAW)
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(settings.CHECKOUT / "src"))
    return lambda: subprocess.Popen([sys.executable, str(tmp_path / "draw.py")])


def test_drawing_that_is_killed_begins_anew_and_leaves_nothing(start, tmp_path, proof):
    rng, workers = random.Random(0), []
    for _ in range(TIMES):
        process = start()
        parent = psutil.Process(process.pid)
        while process.poll() is None and len(parent.children(recursive=True)) < 2:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 1.5))
        if process.poll() is None:
            workers += parent.children(recursive=True)
            process.kill()
            process.wait()
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []
    assert start().wait(timeout=120) == 0
    home = tmp_path / "home"
    assert sorted(path.name for path in home.iterdir()) == [".mini.lock", "mini"]
    assert files_of(home / "mini") == files_of(dataset.draw(tmp_path / "right", n=N, processes=1))
    proof(
        f"A drawing of the data set, killed {TIMES} times, left no folder and no process, and gave "
        "the bytes of an undisturbed one in the end."
    )


def test_two_that_draw_at_once_draw_once(start, tmp_path, proof):
    processes = [start(), start()]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    home = tmp_path / "home"
    assert sorted(path.name for path in home.iterdir()) == [".mini.lock", "mini"]
    assert files_of(home / "mini") == files_of(dataset.draw(tmp_path / "right", n=N, processes=1))
    proof("Two processes that drew the data set at once drew one, with the right bytes.")
