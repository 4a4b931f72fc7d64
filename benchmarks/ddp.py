"""Do two processes train faster than one? Seconds per step, on the same cores and pictures.

Run it with the settings of `coursekit run`, on a machine that does nothing else: with a second
job on the cores, threads that wait for each other become several times slower. It writes
``book/results/ddp_<data set>.csv``, with the load at the start.

It starts the program of lesson 04 again and again. The ways of sharing the cores take turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from coursekit import settings
from coursekit.files import write_whole

import _tables

PROGRAM = settings.CHECKOUT / "notebooks" / "scripts" / "train_ddp.py"
SETUPS = ((1, 2), (1, 1), (2, 1))  # processes, and threads of each; the first is compared with
BATCHES = (32, 96)  # pictures of all processes together
ROUNDS, STEPS = 3, 4  # the first step of each round does not count: memory is new then
FIELDS = "processes,threads,batch,seconds_per_step,fastest_step,pictures_per_second,speedup"


def train(processes: int, threads: int, batch: int) -> list[float]:
    """Return the seconds of each step that counts, of one start of the program."""
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone"]
        start += ["--nproc-per-node", str(processes)]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.json"
        options = {"steps": STEPS, "batch": batch, "threads": threads, "out": log}
        flags = [f"--{name}={value}" for name, value in options.items()]
        env = os.environ | {"OMP_NUM_THREADS": str(threads)}  # or torchrun warns that it chose one
        subprocess.run([*start, PROGRAM, *flags], env=env, stdout=subprocess.DEVNULL, check=True)
        return json.loads(log.read_text(encoding="utf-8"))["seconds"][1:]


def measure() -> dict[tuple[int, int, int], list[float]]:
    """Return the seconds of each step, by processes, threads and batch."""
    seconds: dict = {(*setup, batch): [] for batch in BATCHES for setup in SETUPS}
    for _ in range(ROUNDS):
        for key in seconds:
            seconds[key] += train(*key)
    return seconds


def table(seconds: dict[tuple[int, int, int], list[float]], load: float) -> str:
    """Return the text of the file; `load` is the machine's at the start."""
    header = (
        f"# data {settings.dataset_name()}, backbone {settings.backbone()}, "
        f"torch {version('torch')}, {os.cpu_count()} cores, load {load:.2f} at the start, "
        f"median of {ROUNDS} x {STEPS - 1} steps"
    )
    lines = [header, FIELDS]
    for (*setup, batch), steps in seconds.items():
        median = statistics.median(steps)
        alone = statistics.median(seconds[*SETUPS[0], batch])
        row = (*setup, batch, f"{median:.3f}", f"{min(steps):.3f}", f"{batch / median:.1f}")
        lines.append(",".join(map(str, (*row, f"{alone / median:.2f}"))))
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the file, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    _tables.prepare_images()
    load = os.getloadavg()[0]
    text = table(measure(), load)
    write_whole(options.out / f"ddp_{settings.dataset_name()}.csv", text)
    print(text, end="")


if __name__ == "__main__":
    main()
