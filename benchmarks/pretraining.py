"""Measure what pretrained weights are worth: one network, from random weights and from ImageNet's.

Everything else is the same in both arms: backbone and head of lesson 04, all of which learn; the
pictures, `SIDE` pixels wide, half of them mirrored by chance; loss, optimizer, batches, and
training until `val` has not improved for `PATIENCE` epochs. Each arm takes the rate of `RATES` that
is best on `val` with seed 0. Then seed 0 trains once more with `LONGER` patience: did the arms stop
too early? It writes ``book/results/pretraining_<data set>.csv``, one row for each arm, rate,
patience and seed, and goes on where it was interrupted.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from coursekit import settings
from exercises import lesson_code

import pandas as pd

import _tables
import transfer

LESSON = transfer.LESSON
SCORES = (*transfer.SCORES, "score")
FIELDS = (
    *("weights", "rate", "patience", "seed", "best_epoch", "epochs"),
    *(f"val_{score}" for score in SCORES),
    *SCORES,
)
USED = ("Samples", "load", "fit", "score_of", "CHANGES")
WEIGHTS = ("random", "pretrained")
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)
SIDE = 64  # pixels: all layers learn, on two cores
EPOCHS = 80
PATIENCE, LONGER = 8, 25  # epochs


def row(space: dict, weights: str, rate: float, patience: int, seed: int) -> list:
    """Return the epochs that were best and last on `val`, and the scores on `val` and `test`."""
    from _unfolded import Whole, build  # here: the tests of the tables import no framework

    torch = space["torch"]
    torch.manual_seed(seed)
    batches = space["load"](space["train"], SIDE, [space["CHANGES"]["flip"]], shuffle=True)
    model = Whole(build(weights), next(iter(batches))[0], len(space["CLASSES"]))
    model.to(space["DEVICE"], memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    held_out = space["load"](space["val"], SIDE)
    log = space["fit"](model, optimizer, batches, held_out, EPOCHS, seed=seed, patience=patience)
    found = [space["score_of"](model, space["load"](space[s], SIDE)) for s in ("val", "test")]
    numbers = [round(number, 4) for split in found for number in split.values()]
    return [log["score"].idxmax() + 1, len(log), *numbers]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = transfer.prepare(USED, transfer.DATA)
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# data {_tables.named(options.name)}, torch {space['torch'].__version__}, code {code}"
    )
    file = options.out / f"pretraining_{options.name}.csv"

    def measured(keys: list[tuple]) -> pd.DataFrame:
        return _tables.measure(file, header, FIELDS, keys, lambda *key: row(space, *key))

    table = measured([(weights, rate, PATIENCE, 0) for weights in WEIGHTS for rate in RATES])
    tried = table[(table["seed"] == 0) & (table["patience"] == PATIENCE)]
    best = tried.set_index("rate").groupby("weights")["val_score"].idxmax()
    seeds = range(options.seeds)
    measured([(weights, best[weights], PATIENCE, seed) for seed in seeds for weights in WEIGHTS])
    measured([(weights, best[weights], LONGER, 0) for weights in WEIGHTS])


if __name__ == "__main__":
    main()
