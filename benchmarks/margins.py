"""Measure how safe each claim of the lessons is: over seeds, and under two numerical settings.

The same seed trains another network on another processor, so a claim about training must hold
by a margin. This runs the lessons with the seeds 1 to N under both settings, and writes mean,
standard deviation and margin of each claim into ``book/results/margins.csv``. An interrupted
measurement goes on with the notebook that it had reached.

The second setting is what a processor without AVX-512 would compute, and with another order of
summation. The seed 0, which the book shows, is not among the seeds.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coursekit import datasets, settings
from coursekit.files import write_whole
from coursekit.progress import progress_bar
from coursetools import runner

import numpy as np
import pandas as pd

SEEDS = 5
TARGET = settings.CHECKOUT / "book" / "results" / "margins.csv"
RUNS = settings.CHECKOUT / "_build" / "margins"
THREADS = {"native": 1, "avx2": 2}
SETTINGS = {
    "native": {},
    "avx2": {
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
}
COLUMNS = ("lesson", "claim", "kind", "bound", "mean", "sd", "margin", "runs")


def directory(setting: str, seed: int) -> Path:
    """Return where one run of the lessons leaves its notebooks and results."""
    return RUNS / f"{setting}-{seed}"


def run(setting: str, seed: int, lesson: str) -> None:
    """Run the lesson of this number and those before it; at once where they have been run."""
    threads = str(THREADS[setting])
    environment = os.environ | SETTINGS[setting] | {"COURSEKIT_SEED": str(seed)}
    environment |= {"OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads}
    command = [sys.executable, "-m", "coursetools.cli", "run", "--out", directory(setting, seed)]
    command += ["--dataset", "mini", "--only", lesson]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Setting {setting}, seed {seed}, lesson {lesson}:\n{done.stderr}")


def table(lesson: str, seeds: Sequence[int]) -> pd.DataFrame:
    """Return one row for each claim of a lesson, with what the runs measured."""
    runs = []
    for setting in SETTINGS:
        for seed in seeds:
            file = directory(setting, seed) / "results.json"
            runs.append(json.loads(file.read_text(encoding="utf-8"))["claims"][lesson])
    rows = []
    for claims in zip(*runs, strict=True):  # the same claim in every run
        (sentence,) = {claim["sentence"] for claim in claims}
        bounds = {k: v for k, v in claims[0].items() if k in ("at_least", "at_most", "equals")}
        rows.append([lesson, sentence, *margin([c["measured"] for c in claims], bounds)])
    return pd.DataFrame(rows, columns=COLUMNS)


def margin(measured: Sequence[float], bounds: dict[str, float]) -> tuple:
    """Return kind, bound, mean, standard deviation, margin and number of measured values.

    The margin is the distance from the mean to the nearest bound, in standard deviations over
    the runs; negative where the mean does not keep the bound, None where the runs agree: then
    training has no part in the number, and the claim is exact.
    """
    mean, sd = np.mean(measured), np.std(measured, ddof=1)
    distances = {
        "at_least": lambda bound: mean - bound,
        "at_most": lambda bound: bound - mean,
        "equals": lambda bound: -abs(mean - bound),
    }
    nearest = min(distances[name](bound) for name, bound in bounds.items())
    words = " ".join(f"{name}={bound:g}" for name, bound in bounds.items())
    kind = "exact" if np.ptp(measured) == 0 else "trained"
    far = None if kind == "exact" else round(nearest / sd, 2)
    return kind, words, float(f"{mean:.5g}"), float(f"{sd:.3g}"), far, len(measured)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the claims of the lessons that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", default=["all"], help="their numbers, or all")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    seeds = range(1, options.seeds + 1)
    every = [path.stem for path in runner.find_notebooks()]
    chosen = [name for name in every if {"all", name[:2]} & set(options.lessons)]
    last = every.index(chosen[-1]) + 1  # a lesson needs those before it
    datasets.locate()  # draws mini once, before two runs would
    cores = os.cpu_count() or 1
    with progress_bar(total=len(SETTINGS) * options.seeds * last, unit="lesson") as bar:
        for setting in SETTINGS:

            def steps(seed: int, setting: str = setting) -> None:
                for lesson in every[:last]:
                    run(setting, seed, lesson[:2])
                    bar.update()

            with ThreadPoolExecutor(max(1, cores // THREADS[setting])) as pool:
                list(pool.map(steps, seeds))
    kept = pd.read_csv(options.target) if options.target.exists() else pd.DataFrame(columns=COLUMNS)
    kept = kept[kept["lesson"].isin(set(every) - set(chosen))]
    tables = [part for part in (kept, *(table(name, seeds) for name in chosen)) if len(part)]
    rows = pd.concat(tables).sort_values("lesson", kind="stable")
    write_whole(options.target, rows.to_csv(index=False, lineterminator="\n"))
    print(rows.groupby(["lesson", "kind"]).size().to_string())


if __name__ == "__main__":
    main()
