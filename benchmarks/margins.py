"""Measure how safe each claim of the lessons is: over seeds, and under two numerical settings.

The same seed trains another network on another processor, so a claim about training must hold
by a margin. This runs the lessons with the seeds 1 to N under both settings, and writes mean,
standard deviation and margin of each claim, and of each number that is reported without a
promise, into ``book/results/margins.csv``. An interrupted measurement goes on with the notebook
that it had reached.

The second setting is what a processor without AVX-512 would compute, in two threads instead of
one. The seed 0, which the book shows, is not among the seeds.
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
from coursekit.claims import BOUNDS
from coursekit.files import write_whole
from coursekit.progress import progress_bar
from coursetools import runner

import numpy as np
import pandas as pd

import _tables

SEEDS = 5
ENOUGH = 4  # standard deviations between the mean and the bound of a claim about training
RUNS = settings.CHECKOUT / "_build" / "margins"
RESULTS = settings.CHECKOUT / "book" / "results.json"
COURSEKIT = [sys.executable, "-m", "coursetools.cli"]
THREADS = {"native": 1, "avx2": 2}
SETTINGS = {
    "native": {},
    "avx2": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
}
COLUMNS = ("lesson", "claim", "kind", "bound", "mean", "sd", "margin", "runs")
MEASURED = ("kind", "mean", "sd", "margin", "runs")
ROUNDING = 1e-6  # of a number: less is the order of summation
LAST_LINES = 12  # of what a failed run said


def directory(setting: str, seed: int) -> Path:
    """Return where one run of the lessons leaves its notebooks and results."""
    return RUNS / f"{setting}-{seed}"


def environment(setting: str, seed: int) -> dict[str, str]:
    """Return the environment of one run; of the reader's settings, only where the data are."""
    threads = str(THREADS[setting])
    chosen = {name for options in SETTINGS.values() for name in options}
    chosen |= {name for name in os.environ if name.startswith("COURSEKIT_")}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "COURSEKIT_HOME" or name not in chosen
    }
    numeric = {"OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads}
    return kept | SETTINGS[setting] | numeric | {"COURSEKIT_SEED": str(seed)}


def run(setting: str, seed: int, lesson: str) -> None:
    """Run the lesson of this number; at once where it has been run. `RuntimeError` if it fails."""
    command = [*COURSEKIT, "run", "--out", str(directory(setting, seed))]
    command += ["--dataset", "mini", "--only", lesson]
    done = subprocess.run(command, env=environment(setting, seed), capture_output=True, text=True)
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-LAST_LINES:])
        raise RuntimeError(f"Setting {setting}, seed {seed}, lesson {lesson} failed:\n{said}")


def measure(lessons: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """Return why runs failed, after the lessons ran with all seeds under all settings.

    A run ends with its first lesson that fails. The others go on.
    """
    failures = []
    cores = os.cpu_count() or 1
    with progress_bar(total=len(SETTINGS) * len(seeds) * len(lessons), unit="lesson") as bar:
        for setting in SETTINGS:

            def steps(seed: int, setting: str = setting) -> None:
                for number, lesson in enumerate(lessons):
                    try:
                        run(setting, seed, lesson[:2])
                    except RuntimeError as error:
                        failures.append(str(error))
                        bar.update(len(lessons) - number)
                        return
                    bar.update()

            with ThreadPoolExecutor(max(1, cores // THREADS[setting])) as pool:
                list(pool.map(steps, seeds))
    return failures


def words(entry: dict) -> str:
    """Return the bound of a claim in results.json, as the table gives it; a report has none."""
    return " ".join(f"{name}={entry[name]:g}" for name in BOUNDS if name in entry)


def entries(results: dict, lesson: str) -> dict[tuple[str, str], dict]:
    """Return the claims and reports of a lesson in a results.json, by sentence and bound."""
    listed = [*results["claims"].get(lesson, []), *results.get("reports", {}).get(lesson, [])]
    return {(entry["sentence"], words(entry)): entry for entry in listed}


def table(lesson: str, seeds: Sequence[int]) -> pd.DataFrame:
    """Return one row for each claim and report of a lesson, with what the runs measured.

    `ValueError` when a run does not make the same claims as the rest.
    """
    runs = {}
    for setting in SETTINGS:
        for seed in seeds:
            file = directory(setting, seed) / "results.json"
            results = json.loads(file.read_text(encoding="utf-8"))
            runs[f"setting {setting}, seed {seed}"] = entries(results, lesson)
    every = dict.fromkeys(key for run in runs.values() for key in run)
    missing = [
        f"\n  {name}: no {sentence!r} ({bound or 'a report'})"
        for name, run in runs.items()
        for sentence, bound in every
        if (sentence, bound) not in run
    ]
    if missing:
        raise ValueError(f"The runs of {lesson} make different claims:{''.join(missing)}")
    rows = []
    for key in every:
        found = [run[key] for run in runs.values()]
        bounds = {name: found[0][name] for name in BOUNDS if name in found[0]}
        rows.append([lesson, *key, *margin([entry["measured"] for entry in found], bounds)])
    return pd.DataFrame(rows, columns=["lesson", "claim", "bound", *MEASURED])[[*COLUMNS]]


def margin(measured: Sequence[float], bounds: dict[str, float]) -> tuple:
    """Return kind, mean, standard deviation, margin and number of measured values.

    The margin is the distance from the mean to the nearest bound, in standard deviations over
    the runs; negative where the mean misses the bound. It is None where the runs agree, except
    for rounding: then training has no part in the number, and the claim is exact; and for a
    report, which has no bound.
    """
    mean, sd = np.mean(measured), np.std(measured, ddof=1)
    distances = {
        "at_least": lambda bound: mean - bound,
        "at_most": lambda bound: bound - mean,
        "equals": lambda bound: -abs(mean - bound),
    }
    kind, far = "trained", None
    if not bounds:
        kind = "report"
    elif np.ptp(measured) <= ROUNDING * np.abs(measured).max():
        kind = "exact"
    else:
        far = round(min(distances[name](bound) for name, bound in bounds.items()) / sd, 2)
    return kind, float(f"{mean:.7g}"), float(f"{sd:.3g}"), far, len(measured)


def faults(rows: pd.DataFrame, results: dict) -> list[str]:
    """Return where the table of margins falls short of the course's results.json, in words."""
    keys = zip(rows["claim"], rows["bound"].fillna(""), strict=True)
    measured = {}
    for lesson, key in zip(rows["lesson"], keys, strict=True):
        measured.setdefault(lesson, set()).add(key)
    trained = rows[rows["kind"] == "trained"]
    faults = [
        f"{row.lesson}, {row.claim!r}: a margin of {row.margin}, below {ENOUGH}"
        for row in trained[~(trained["margin"] >= ENOUGH)].itertuples()
    ]
    lessons = {*results["claims"], *results.get("reports", {}), *measured}
    for lesson in sorted(lessons):
        there = {*entries(results, lesson)}
        for sentence, bound in sorted(there - measured.get(lesson, set())):
            faults.append(f"{lesson}, {sentence!r} ({bound or 'a report'}): not measured")
        for sentence, bound in sorted(measured.get(lesson, set()) - there):
            faults.append(f"{lesson}, {sentence!r} ({bound or 'a report'}): not in the lesson")
    return faults


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the claims of the lessons that are named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="?", default="all", help="such as 01,03; or all")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of margins.csv")
    options = parser.parse_args(arguments)
    if settings.dataset() != "mini":
        print(f"Claims are promises about mini. On {settings.dataset()} there are none to measure.")
        return
    every = [path.stem for path in runner.find_notebooks()]
    numbers = options.lessons.split(",")
    chosen = [name for name in every if options.lessons == "all" or name[:2] in numbers]
    if options.lessons != "all" and len(chosen) < len(numbers):
        parser.error(f"no lessons {options.lessons}; there are {', '.join(n[:2] for n in every)}")
    seeds = range(1, options.seeds + 1)
    datasets.prepare()  # draws mini once, before two runs would
    failures = measure(every[: every.index(chosen[-1]) + 1], seeds)  # a lesson needs those before
    if failures:
        again = "Nothing is written. Mend this, and start again: it goes on with what is missing."
        sys.exit("\n\n".join([*failures, again]))
    file = options.out / "margins.csv"
    kept = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=COLUMNS)
    kept = kept[kept["lesson"].isin(set(every) - set(chosen))]
    tables = [part for part in (kept, *(table(name, seeds) for name in chosen)) if len(part)]
    rows = pd.concat(tables).sort_values("lesson", kind="stable")
    write_whole(file, rows.to_csv(index=False, lineterminator="\n"))
    print(rows.groupby(["lesson", "kind"]).size().to_string())
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    print(*faults(rows, results), sep="\n")


if __name__ == "__main__":
    main()
