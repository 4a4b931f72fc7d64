"""Do two processes train faster than one? Seconds per step, on the same cores and pictures.

Run it with the settings of `coursekit run`, on a machine that does nothing else: with a second
job on the cores, threads that wait for each other become several times slower. It writes
``book/results/ddp_<data set>.csv``, with the load at the start. Lesson 02 must have run before.

Two processes take turns in one run: with the first alone, while the second sleeps, and with both.
"""

import os
import statistics
import subprocess
import sys

from coursekit import settings
from coursekit.files import write_whole

SETUPS = ((1, 2), (1, 1), (2, 1))  # processes, and threads of each; the first is compared with
BATCHES = (32, 96)  # pictures of all processes together
ROUNDS, STEPS = 3, 4  # the first step of each round does not count: memory is new then
FIELDS = "processes,threads,batch,seconds_per_step,fastest_step,pictures_per_second,speedup"


def measure() -> dict[tuple[int, int, int], list[float]]:
    """Return the seconds of each step, by processes, threads and batch; run by both processes."""
    from torch import distributed

    import train_ddp

    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    found = {(*setup, batch): [] for batch in BATCHES for setup in SETUPS}
    for _ in range(ROUNDS):
        for (processes, threads, batch), seconds in found.items():
            distributed.barrier()
            if rank < processes:
                given = {"batch": batch, "rate": 1e-4, "seed": 0, "threads": threads}
                log = list(train_ddp.train(rank, processes, STEPS, **given))
                seconds += [one for _, one in log[1:]]
    distributed.barrier()
    distributed.destroy_process_group()
    return found if rank == 0 else {}


def report(found: dict[tuple[int, int, int], list[float]], load: str) -> None:
    """Write the file, and print it."""
    import torch

    header = (
        f"# data {settings.dataset_name()}, backbone {settings.backbone()}, "
        f"torch {torch.__version__}, {os.cpu_count()} cores, load {load} at the start, "
        f"median of {ROUNDS} x {STEPS - 1} steps"
    )
    lines = [header, FIELDS]
    for (*setup, batch), seconds in found.items():
        median = statistics.median(seconds)
        alone = statistics.median(found[*SETUPS[0], batch])
        row = (*setup, batch, f"{median:.3f}", f"{min(seconds):.3f}", f"{batch / median:.1f}")
        lines.append(",".join(map(str, (*row, f"{alone / median:.2f}"))))
    name = f"ddp_{settings.dataset_name()}.csv"
    write_whole(settings.CHECKOUT / "book" / "results" / name, "\n".join(lines) + "\n")
    print(*lines, sep="\n")


def main() -> None:
    """Start the two processes; in each of them, measure."""
    if "RANK" in os.environ:
        if found := measure():
            report(found, sys.argv[1])
        return
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    sys.exit(subprocess.run([*start, __file__, f"{os.getloadavg()[0]:.2f}"]).returncode)


if __name__ == "__main__":
    main()
