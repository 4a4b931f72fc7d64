"""Compare losses, and pictures with and without changes, for lesson 04's small network.

All arms have the same pictures, rate, batches, number of epochs and patience, and they are compared
on `val`. It writes ``book/results/losses_<data set>.csv``, one row for each arm and seed, with the
lesson's own code, and goes on where it was interrupted.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from coursekit import settings
from exercises import lesson_code

import _tables
import transfer

LESSON = transfer.LESSON
FIELDS = ("step", "seed", "best_epoch", "epochs", *transfer.SCORES)
USED = ("Samples", "train_small", "score_of", "LOSSES", "CONTROLS", "AUGMENT")
EPOCHS, PATIENCE = 60, 12
# the network sees 100 pixels a side; pictures this small change in a quarter of the time
DATA = transfer.DATA.replace("(256, 256)", "(128, 128)")
CHANGED = ", augmented"  # after the name of the loss: the pictures change
ARMS = ("L1", "4 × L1", "GIoU + mean L1", "GIoU + L1", f"GIoU + L1{CHANGED}", "smooth L1", "L2")
LESS = ("smooth L1", "L2")  # fewer seeds


def row(space: dict, step: str, seed: int) -> list:
    """Return the epochs that were best and last on `val`, and the scores on `val`."""
    loss = (space["LOSSES"] | space["CONTROLS"])[step.removesuffix(CHANGED)]
    change = space["AUGMENT"] if step.endswith(CHANGED) else ()
    model, log = space["train_small"](space["train"], seed, change, loss, EPOCHS, PATIENCE)
    scores = space["score_of"](model, space["load"](space["val"], 100))
    numbers = [round(number, 4) for number in [*scores.values()][:3]]
    return [log["score"].idxmax() + 1, len(log), *numbers]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the file")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--less", type=int, default=3, help="seeds of smooth L1 and L2")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = transfer.prepare(USED, DATA)
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# data {_tables.named(options.name)}, torch {space['torch'].__version__}, code {code}"
    )
    numbers = dict.fromkeys(ARMS, options.seeds) | dict.fromkeys(LESS, options.less)
    seeds = range(options.seeds)
    keys = [(arm, seed) for seed in seeds for arm in ARMS if seed < numbers[arm]]
    file = options.out / f"losses_{options.name}.csv"
    _tables.measure(file, header, FIELDS, keys, lambda *key: row(space, *key))


if __name__ == "__main__":
    main()
