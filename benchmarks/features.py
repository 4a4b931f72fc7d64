"""Extracting features: ours, against the bare forward pass and against the loop of source 000.

Each part runs in a process of its own. The three ways of the first table take turns in every round
of one run, on the same pictures and with the same batch size; the ratios are medians over the
rounds. The last column compares not the clock but the work of all cores, which depends less on what
else the machine does. Linux and macOS only: the peak comes from the operating system's account of
the process.
"""

import argparse
import importlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

from backbones import features
from coursekit import datasets, settings
from coursekit.pictures import read_picture

import numpy as np
import pandas as pd

PARTS = {  # framework and backbone, and how many images each round has, so that it takes seconds
    "keras efficientnet_lite0": 640,
    "torch efficientnet_lite0": 192,
    "keras mobilenet_v2": 320,
}
ROUNDS, DIFFERENT = 7, 300
PEAKS = (1000, 4000)


def repeated(n: int, directory: Path) -> pd.DataFrame:
    """Return a table of n images: the same `DIFFERENT` pictures again and again, renamed."""
    files = sorted((directory / "JPEGImages").glob("*.jpg"))[:DIFFERENT]
    names = [files[number % DIFFERENT].name for number in range(n)]
    return pd.DataFrame({"image_id": [f"{number:06d}" for number in range(n)], "filename": names})


def build(part: str, scratch: Path):
    """Return a backbone: with the weights at hand, else with random ones, which are as fast."""
    framework, name = part.split()
    module = importlib.import_module(f"backbones.{framework}_backbones")
    weights = "imagenet"  # those of the default backbone are always at hand
    if name != settings.BACKBONES[0]:
        weights = settings.weights(module.SUFFIXES)
        if not Path(weights).is_file():
            weights = scratch / "random.weights.h5"
            module.RECIPES[name].build(weights=None).save_weights(weights)
    return module.load(name, weights=weights)


def bare(backbone, images: np.ndarray) -> None:
    """Call the backbone on arrays that are in memory, and throw away what it gives."""
    for start in range(0, len(images), features.BATCH):
        backbone.maps(images[start : start + features.BATCH])


def one_after_the_other(backbone, files: list[Path]) -> dict[str, np.ndarray]:
    """Return all maps, made as in source 000: read, then compute, and keep everything to the end.

    The source resizes with scikit-image, in float64. Pillow is used here, which is faster.
    """
    from PIL import Image

    batches = []
    for start in range(0, len(files), features.BATCH):
        pixels = []
        for file in files[start : start + features.BATCH]:
            picture = Image.open(file).convert("RGB").resize((backbone.size, backbone.size))
            pixels.append(np.asarray(picture))
        batches.append(backbone.maps(np.stack(pixels)))
    return {layer: np.concatenate([maps[layer] for maps in batches]) for layer in backbone.shapes}


def costs(call, *arguments) -> tuple[float, float]:
    """Return how many seconds a call takes, and how many of all cores together."""
    start, work = perf_counter(), process_time()
    call(*arguments)
    return perf_counter() - start, process_time() - work


def measure_speed(part: str, scratch: Path) -> None:
    """Print a line: images per second of each way, and the ratios."""
    directory = datasets.prepare("mini")
    table = repeated(PARTS[part], directory)
    files = [directory / "JPEGImages" / file_name for file_name in table["filename"]]
    backbone = build(part, scratch)
    images = np.stack([read_picture(file, backbone.size) for file in files])
    few = 2 * features.BATCH  # to warm up: networks are traced, files are read from the disk
    bare(backbone, images[:few])
    one_after_the_other(backbone, files[:few])
    features.extract(backbone, table[:few], directory, scratch / "warm")
    rounds = [
        (
            costs(bare, backbone, images),
            costs(features.extract, backbone, table, directory, scratch / str(number)),
            costs(one_after_the_other, backbone, files),
        )
        for number in range(ROUNDS)
    ]
    times, work = np.moveaxis(rounds, 2, 0)  # each of the shape (rounds, ways)
    rates = len(table) / np.median(times, axis=0)
    to_bare, to_source = times[:, 0] / times[:, 1], times[:, 2] / times[:, 1]
    print(
        f"{part:26}" + "".join(f"{rate:12.1f}" for rate in rates),
        f"{np.median(to_bare):11.2f} ({to_bare.min():.2f} to {to_bare.max():.2f})",
        f"{np.median(to_source):11.2f}{np.median(work[:, 0] / work[:, 1]):12.2f}",
    )


def measure_peak(n: int, scratch: Path) -> None:
    """Print the peak memory in MiB of a process that extracts n images in Keras."""
    directory = datasets.prepare("mini")
    features.extract(build(next(iter(PARTS)), scratch), repeated(n, directory), directory, scratch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / (2**20 if sys.platform == "darwin" else 2**10))


def measure(part: str, what: str) -> None:
    """Print one figure: the ``speed`` of a backbone, or the ``peak`` of a number of pictures."""
    with tempfile.TemporaryDirectory(dir=settings.home()) as folder:
        if part == "speed":
            measure_speed(what, Path(folder))
        else:
            measure_peak(int(what), Path(folder))


def run(part: str, what: str) -> str:
    """Return what a part of this script prints, run in a process of its own."""
    command = [sys.executable, __file__, "--only", part, what]
    env = os.environ | {"TQDM_DISABLE": "1"}
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of speeds, and the peaks; or only one of them, for a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only",
        nargs=2,
        metavar=("PART", "WHAT"),
        help="speed and a backbone, or peak and a number of pictures: one figure, in this process",
    )
    only = parser.parse_args(arguments).only
    if only:
        measure(*only)
        return
    print("images per second, and ours as a multiple of the others")
    heads = f"{'bare':>12}{'ours':>12}{'source 000':>12}{'to bare':>12}{'to source 000':>28}"
    print(f"{'':26}{heads}{'work':>12}")
    for part in PARTS:
        print(run("speed", part), end="", flush=True)
    peaks = [float(run("peak", str(n))) for n in PEAKS]
    print("\npeak memory of the whole process, in MiB")
    for n, peak in zip(PEAKS, peaks, strict=True):
        print(f"{n:6} images{peak:10.0f}")
    print(f"ratio {peaks[1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
