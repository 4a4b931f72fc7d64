"""Work that is disturbed in the tests of faults: killed, or without room on the disk.

Each job takes a folder, which it fills, and a place for what it needs beside that.
"""

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest import mock

import archives
from backbones import features
from coursekit import datasets, settings
from coursetools import fetching, runner
from coursetools.publish import student
from minivoc import dataset

import nbformat
import pandas as pd

import _tables
from exercising import lesson
from mosaic import Pictures, Slow

LINUX = sys.platform == "linux"
PROCESSES = get_context("forkserver" if LINUX else "spawn")
PRELOADED = [__name__, "localizer.model", "small_localizer"]
KEPT = (".lock", ".mini.lock", ".results.lock")  # nobody can say that no other process waits


def draw(folder: Path, _: Path) -> None:
    settings.home = lambda: folder
    dataset.draw = partial(dataset.draw, n=20, processes=2)
    datasets.prepare("mini")


def fetch(folder: Path, place: Path) -> None:
    settings.home = lambda: folder
    known = json.loads((place / "archives.json").read_text())
    fetching.ARCHIVES = {"voc2007": tuple(fetching.Archive(**one) for one in known)}
    fetching.fetch("voc2007", progress=False)


def extract(folder: Path, place: Path) -> None:
    table = pd.read_csv(place / "images.csv", dtype=str)
    features.extract(Slow(seconds=0.02), table, place / "set", folder, batch=2)


def execute(folder: Path, place: Path) -> None:
    settings.artifacts = lambda: folder
    settings.dataset = lambda: "mini"
    runner.run(sorted((place / "notebooks").iterdir()), folder / "notebooks")


def measure(folder: Path, _: Path) -> None:
    def row(seed: int) -> list[float]:
        time.sleep(0.01)
        return [random.Random(seed).random() for _ in range(200)]

    fields = ("seed", *(f"number_{i}" for i in range(200)))
    _tables.measure(folder / "table.csv", "# a test", fields, [(i,) for i in range(30)], row)


def hand_out(folder: Path, place: Path) -> None:
    student.pack(student.write(folder / "student", root=place / "course"))


def train(folder: Path, _: Path) -> None:
    from localizer import model

    import torch

    import small_localizer

    torch.set_num_threads(1)
    localizer = small_localizer.trained().train()
    optimizer = torch.optim.Adam(localizer.parameters(), lr=1e-3)
    pictures = torch.randint(256, (8, 3, 32, 32), dtype=torch.uint8)
    for epoch in range(10):
        logits, boxes = localizer(pictures)
        optimizer.zero_grad()
        (logits.square().mean() + boxes.mean()).backward()
        optimizer.step()
        model.save(folder / f"epoch_{epoch}.safetensors", localizer, small_localizer.CLASSES)


# --- what they need


@contextmanager
def serve_archives(place: Path) -> Iterator[None]:
    names = [f"{i:06d}" for i in range(100)]
    inside = {f"Annotations/{name}.xml": b"<annotation/>" for name in names}
    inside |= {f"JPEGImages/{name}.jpg": random.Random(name).randbytes(4000) for name in names}
    trainval = inside | {"ImageSets/Main/trainval.txt": b""}
    trainval = {f"VOCdevkit/VOC2007/{name}": content for name, content in trainval.items()}
    files = {
        archives.TRAINVAL: archives.tar_of(trainval),
        archives.TEST: archives.voc_tar("100000", "test", seed=2),
    }
    with archives.serving(files) as server:
        server.pause = 0.005
        known = archives.described(server, "slow")
        (place / "archives.json").write_text(json.dumps(known))
        yield


@contextmanager
def make_pictures(place: Path) -> Iterator[None]:
    Pictures(place / "set", n=40).table.to_csv(place / "images.csv", index=False)
    yield


@contextmanager
def write_notebooks(place: Path) -> Iterator[None]:
    (place / "notebooks").mkdir()
    for name in ("01_first", "02_second"):
        cells = ["from coursekit import lessons\nfrom coursekit.claims import claim"]
        cells += [f"lessons.begin({name!r})"]
        cells += [f"claim('{i} is at least 0', {i}, at_least=0)" for i in range(5)]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        for i, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{i}"
        nbformat.write(notebook, place / "notebooks" / f"{name}.ipynb")
    yield


@contextmanager
def write_course(place: Path) -> Iterator[None]:
    root = place / "course"
    for folder in ("notebooks", "book"):
        (root / folder).mkdir(parents=True)
    for number in range(1, 9):
        nbformat.write(lesson(), root / "notebooks" / f"0{number}_x.ipynb")
    (root / "book" / "start.md").write_text("# A page\n")
    for name in ("_toc.yml", "Makefile", "LICENSE", "README.md"):
        shutil.copyfile(settings.CHECKOUT / name, root / name)
    yield


JOBS = {
    draw: (nullcontext, "a drawing of the data set"),
    fetch: (serve_archives, "a download with its unpacking"),
    extract: (make_pictures, "an extraction of features"),
    execute: (write_notebooks, "a run of the lessons"),
    measure: (nullcontext, "a measurement for a table"),
    hand_out: (write_course, "a students' edition with its zip"),
    train: (nullcontext, "a training that saves after each epoch"),
}


def contents(folder: Path) -> dict[str, bytes]:
    """Return all that a folder holds by its name, except for seconds, which differ."""
    found = {}
    for path in folder.rglob("*"):
        if path.name not in KEPT:
            text = path.read_bytes() if path.is_file() else b"a folder"
            if path.name == "results.json":
                text = json.dumps(json.loads(text) | {"seconds": {}}).encode()
            found[str(path.relative_to(folder))] = text
    return found


def start(job: Callable, *arguments) -> BaseProcess:
    """Return a process that does a job; it begins with all imports done, where that can be."""
    if LINUX:
        PROCESSES.set_forkserver_preload(PRELOADED)
    process = PROCESSES.Process(target=job, args=arguments)
    # which the server of processes would not be told
    with mock.patch.dict(os.environ, {"PYTHONPATH": os.pathsep.join(sys.path)}):
        process.start()
    return process


def finish(job: Callable, folder: Path, place: Path) -> float:
    """Return the seconds that a job takes when nobody disturbs it."""
    began = time.monotonic()
    process = start(job, folder, place)
    process.join(120)
    assert process.exitcode == 0
    return time.monotonic() - began
