"""Extracting features: ours, against the bare forward pass and against the loop of source 000.

Each part runs in a process of its own. The three ways of the first table take turns in every round
of one run, on the same pictures and with the same batch size; the ratios are medians over the
rounds. Linux and macOS only: the peak comes from the operating system's account of the process.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from coursekit import datasets, features, settings

import numpy as np
import pandas as pd

IMAGES = {"tiny": 1600, "mobilenet_v2": 320}  # in one round, so that both take seconds
ROUNDS, DIFFERENT = 7, 300
PEAKS = (1000, 4000)


def repeated(n: int, directory: Path) -> pd.DataFrame:
    """Return a table of n images: the same `DIFFERENT` pictures again and again, renamed."""
    files = sorted((directory / "JPEGImages").glob("*.jpg"))[:DIFFERENT]
    names = [files[number % DIFFERENT].name for number in range(n)]
    return pd.DataFrame({"image_id": [f"{number:06d}" for number in range(n)], "filename": names})


def build(name: str, scratch: Path):
    """Return a backbone: with the weights at hand, else with random ones, which are as fast."""
    from coursekit import keras_backbones

    weights = "imagenet" if name == "tiny" else settings.weights(keras_backbones.SUFFIXES)
    if name != "tiny" and not Path(weights).is_file():
        weights = scratch / "random.weights.h5"
        keras_backbones.RECIPES[name].build(weights=None).save_weights(weights)
    return keras_backbones.load(name, weights=weights)


def bare(backbone, images: np.ndarray) -> None:
    """Call the backbone on arrays that are in memory, and throw away what it gives."""
    for start in range(0, len(images), features.BATCH):
        backbone(images[start : start + features.BATCH])


def one_after_the_other(backbone, files: list[Path]) -> np.ndarray:
    """Return all maps, made as in source 000: read, then compute, and keep everything to the end.

    The source resizes with scikit-image, in float64. Pillow is used here, which is faster.
    """
    from PIL import Image

    gathered = []
    for start in range(0, len(files), features.BATCH):
        pixels = []
        for file in files[start : start + features.BATCH]:
            picture = Image.open(file).convert("RGB").resize((backbone.size, backbone.size))
            pixels.append(np.asarray(picture, dtype=np.float32))
        maps = backbone.model(backbone.preprocess(np.stack(pixels)))
        gathered.append(np.asarray(maps))
    return np.concatenate(gathered)


def seconds(call, *arguments) -> float:
    """Return how long a call takes."""
    start = perf_counter()
    call(*arguments)
    return perf_counter() - start


def measure_speed(name: str, scratch: Path) -> None:
    """Print a line: images per second of each way, and the ratios."""
    directory = datasets.prepare("mini")
    table = repeated(IMAGES[name], directory)
    files = [directory / "JPEGImages" / file_name for file_name in table["filename"]]
    images = np.stack([features.read_image(file, 224) for file in files])
    backbone = build(name, scratch)
    few = 2 * features.BATCH  # to warm up: networks are traced, files are read from the disk
    bare(backbone, images[:few])
    one_after_the_other(backbone, files[:few])
    features.extract(backbone, table[:few], directory, scratch / "warm")
    times = [
        (
            seconds(bare, backbone, images),
            seconds(features.extract, backbone, table, directory, scratch / str(number)),
            seconds(one_after_the_other, backbone, files),
        )
        for number in range(ROUNDS)
    ]
    times = np.array(times)
    rates = len(table) / np.median(times, axis=0)
    ratios = times[:, [0, 2]] / times[:, [1]]
    low, high = ratios[:, 0].min(), ratios[:, 0].max()
    middle = np.median(ratios, axis=0)
    print(
        f"{name:14}" + "".join(f"{rate:12.1f}" for rate in rates),
        f"{middle[0]:11.2f} ({low:.2f} to {high:.2f}){middle[1]:12.2f}",
    )


def measure_peak(n: int, scratch: Path) -> None:
    """Print the peak memory in MiB of a process that extracts n images with `tiny`."""
    directory = datasets.prepare("mini")
    features.extract(build("tiny", scratch), repeated(n, directory), directory, scratch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / (2**20 if sys.platform == "darwin" else 2**10))


def measure(part: str, what: str) -> None:
    """Print one part: the ``speed`` of a backbone, or the ``peak`` of a number of pictures."""
    with tempfile.TemporaryDirectory(dir=settings.home()) as folder:
        if part == "speed":
            measure_speed(what, Path(folder))
        else:
            measure_peak(int(what), Path(folder))


def run(part: str, what: str) -> str:
    """Return what a part of this script prints, run in a process of its own."""
    command = [sys.executable, __file__, part, what]
    env = os.environ | {"TQDM_DISABLE": "1"}
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Print the table of speeds, and the peaks."""
    print("images per second, and ours as a multiple of the others")
    print(f"{'':14}{'bare':>12}{'ours':>12}{'source 000':>12}{'to bare':>12}{'to source 000':>26}")
    for name in IMAGES:
        print(run("speed", name), end="", flush=True)
    peaks = [float(run("peak", str(n))) for n in PEAKS]
    print("\npeak memory of the whole process, in MiB")
    for n, peak in zip(PEAKS, peaks, strict=True):
        print(f"{n:6} images{peak:10.0f}")
    print(f"ratio {peaks[1] / peaks[0]:.2f}")


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(*sys.argv[1:])
    else:
        main()
