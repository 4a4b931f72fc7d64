"""Measure how reading and extracting grow with the data: twice as much should take twice as long.

Prints, for each task and size, the seconds, the memory that the process has taken on top, and the
exponent of a power law through the seconds. Reading is also compared with source 000's way, on the
same files, and with the table that lesson 02 keeps. Everything is drawn in a temporary folder.
"""

import argparse
import contextlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path

from backbones import features
from coursekit import voc
from coursekit.voc import reading
from minivoc import dataset

import numpy as np
import pandas as pd
import psutil
from lxml import etree

READ = (1000, 10_000, 100_000)  # annotation files
EXTRACTED = (1000, 4000, 16_000)  # pictures
DRAWN = 400  # different ones; the rest are copies
ROUNDS = 5  # of the comparison


class Averages:
    """A backbone that costs nothing: the mean color of 7 × 7 cells."""

    def __init__(self):
        self.name, self.size, self.shapes = "averages", 224, {"last": (7, 7, 3)}
        self.identity = {"backbone": self.name}

    def maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the means of a batch of pictures."""
        return {"last": images.reshape(-1, 7, 32, 7, 32, 3).mean((2, 4), dtype=np.float32)}


def copies(drawn: Path, folder: Path, n: int, *parts: str) -> Path:
    """Return `folder`, in which the files of some parts of a data set are `n` times in all."""
    for part in ("Annotations", "JPEGImages"):
        (folder / part).mkdir(parents=True)
    for part in parts:
        files = sorted((drawn / part).iterdir())
        for i in range(n):
            file = files[i % len(files)]
            shutil.copyfile(file, folder / part / f"{i:06d}{file.suffix}")
    return folder


def read(folder: Path) -> pd.DataFrame:
    """Return the table of objects; what it says about file names that do not fit is not printed."""
    with contextlib.redirect_stdout(io.StringIO()):
        return voc.load_annotations(folder)


def read_as_000(folder: Path) -> list[tuple]:
    """Return what source 000 reads from the same files, in its way, in our own words."""
    rows = []
    for name in reading.names_in(folder / "Annotations"):
        tree = etree.parse(str(folder / "Annotations" / name))
        width, height = (int(float(tree.find(f".//{side}").text)) for side in ("width", "height"))
        filename = tree.find("./filename").text
        for item in tree.findall("./object"):
            sides = ("xmin", "ymin", "xmax", "ymax")
            box = [int(float(item.find(f"bndbox/{side}").text)) for side in sides]
            rows.append((filename, width, height, item.find("name").text, *box))
    return rows


def extract(folder: Path) -> None:
    """Extract features of all pictures of a folder."""
    names = reading.names_in(folder / "JPEGImages")
    table = pd.DataFrame({"image_id": [name[:6] for name in names], "filename": names})
    features.extract(Averages(), table, folder, folder / "features")


def alone(task: Callable, folder: Path) -> tuple[float, float]:
    """Return the seconds and the MiB that a task takes, in a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (task, folder))


def measured(task: Callable, folder: Path) -> tuple[float, float]:
    """Return the seconds of a task, and by how many MiB the process grew."""
    process = psutil.Process()
    before, start = process.memory_info().rss, time.perf_counter()
    task(folder)
    seconds = time.perf_counter() - start
    return seconds, (process.memory_info().rss - before) / 2**20


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the exponent of the power law that fits best: 1 for what grows as the data do."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    with tempfile.TemporaryDirectory() as scratch:
        drawn = dataset.draw(Path(scratch, "drawn"), n=DRAWN)
        for task, sizes, part in ((read, READ, "Annotations"), (extract, EXTRACTED, "JPEGImages")):
            seconds = []
            for n in sizes:
                folder = copies(drawn, Path(scratch, f"{task.__name__}-{n}"), n, part)
                took, grown = alone(task, folder)
                seconds.append(took)
                print(f"{task.__name__} {n:,}: {took:.2f} s, {grown:.0f} MiB")
                shutil.rmtree(folder)
            print(f"{task.__name__}: seconds grow as n^{exponent(sizes, seconds):.2f}")
        compare(drawn)


def compare(drawn: Path) -> None:
    """Print the time of reading as a ratio to source 000's way, and to the table as CSV."""
    ratios, faster = [], []
    table = read(drawn)
    table.to_csv(drawn / "table.csv", index=False)
    for _ in range(ROUNDS):
        times = []
        for way in (read, read_as_000, lambda folder: pd.read_csv(folder / "table.csv")):
            start = time.process_time()
            way(drawn)
            times.append(time.process_time() - start)
        ratios.append(times[0] / times[1])
        faster.append(times[0] / times[2])
    print(f"reading takes {np.median(ratios):.2f} times as long as source 000's way")
    print(f"the table as CSV is read {np.median(faster):.0f} times faster")


if __name__ == "__main__":
    main()
