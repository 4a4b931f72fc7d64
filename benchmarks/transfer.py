"""Measure losses, augmentation and transfer of lesson 04, on several seeds, with its own code.

Run it with the settings of `coursekit run`: ``COURSEKIT_DATASET``, ``COURSEKIT_BACKBONE`` and
``COURSEKIT_WEIGHTS``. It writes ``book/results/two_heads_<name>.csv``, one row for each step,
share of the training pictures and seed, goes on where it was interrupted, and says whether
transfer wins on every seed.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from coursekit import settings
from exercises import lesson_code

import pandas as pd

import _tables

LESSON = "04_pytorch_two_heads"
SCORES = ("accuracy", "mean_iou", "accuracy_at_iou_50")
FIELDS = (
    *("step", "share", "seed", *SCORES),
    *(f"val_{score}" for score in SCORES),
    "seconds",
)
EPOCHS = 40  # of the small network, at most
USED = (
    *("Samples", "new_localizer", "train_head", "changed_maps", "fine_tune", "train_small"),
    *("score_of", "lazy_score", "LOSSES"),
)
DATA = """
images = lessons.load_images()
CLASSES = images.groupby("label")["name"].first().tolist()
squares = Samples(datasets.locate(), images, v2.Resize((256, 256)))
samples = [squares[index] for index in range(len(squares))]
tables = {split: images[images["split"] == split] for split in ("train", "val", "test")}
train, val, test = (table.index for table in tables.values())
backbone = torch_backbones.load()
maps, _ = features.extract(backbone, images, datasets.locate())
"""
TIMED = 64  # pictures that tell how long the backbone takes for one


def prepare() -> dict:
    """Return the lesson's names: its definitions, its tables, its data; and all feature maps."""
    _tables.prepare_images()
    notebook = lesson_code.read(LESSON)
    space: dict = {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(lesson_code.needed(notebook, USED), space)
    exec(DATA, space)
    backbone = space["backbone"].to(space["DEVICE"])
    pictures = [space["np"].zeros((32, backbone.size, backbone.size, 3), "uint8")] * (TIMED // 32)
    start = time.perf_counter()
    for batch in pictures:
        backbone.maps(batch)
    space["seconds of a map"] = (time.perf_counter() - start) / TIMED
    return space


def few(space: dict, share: int, seed: int):
    """Return a share of the training pictures, repeated so that an epoch stays as long."""
    table = space["tables"]["train"]
    chosen = table.groupby("label").sample(frac=share / 100, random_state=seed).index
    return chosen.repeat(round(100 / share))


def with_trained_head(space: dict, share: int, seed: int) -> tuple:
    """Return a localizer with a trained head, and the seconds that it takes with its features."""
    start = time.perf_counter()
    chosen, localizer = few(space, share, seed), space["new_localizer"](seed)
    space["train_head"](localizer, space["maps"], chosen, seed)
    pictures = len(set(chosen)) + len(space["val"])
    seconds = time.perf_counter() - start + pictures * space["seconds of a map"]
    return localizer, seconds


def frozen(space: dict, share: int, seed: int) -> tuple:
    """Return a trained head, and the seconds of its training."""
    localizer, seconds = with_trained_head(space, share, seed)
    return localizer.head, seconds


def tuned(space: dict, share: int, seed: int, augmented: bool = True) -> tuple:
    """Return what follows the first layer, fine-tuned, and the seconds of the whole training."""
    localizer, before = with_trained_head(space, share, seed)
    start = time.perf_counter()
    chosen = few(space, share, seed)
    versions = [space["first_maps"](space["maps"], chosen)]
    if augmented:
        versions.append(space["changed_maps"](localizer.backbone, chosen))
    space["fine_tune"](localizer, space["maps"], versions, seed)
    space["budget"] = before + time.perf_counter() - start
    return space["LateLayers"](localizer), space["budget"]


def small(
    space: dict, share: int, seed: int, loss: str, augmented: bool, epochs: int, wait: int = 12
) -> tuple:
    """Return source 004's network, and the seconds of its training."""
    start = time.perf_counter()
    change = space["AUGMENT"] if augmented else ()
    chosen, loss = few(space, share, seed), space["LOSSES"][loss]
    model, _ = space["train_small"](chosen, seed, change, loss, epochs, wait)
    return model, time.perf_counter() - start


def as_long_as_ours(space: dict, share: int, seed: int) -> tuple:
    """Return source 004's network, trained for as many seconds as our model took."""
    if "budget" not in space:
        tuned(space, share, seed)
    _, seconds = small(space, share, seed, "L1", False, 2)
    epochs = max(round(2 * space["budget"] / seconds), 1)
    return small(space, share, seed, "L1", False, epochs, wait=epochs)


STEPS = {
    "frozen": frozen,
    "fine-tuned": tuned,
    "small, GIoU + L1": lambda *key: small(*key, "GIoU + L1", False, EPOCHS),
    "small, GIoU + L1, augmented": lambda *key: small(*key, "GIoU + L1", True, 60),
    "small, L1": lambda *key: small(*key, "L1", False, EPOCHS),
    "small, L1, as long as ours": as_long_as_ours,
    "fine-tuned, plain": lambda *key: tuned(*key, augmented=False),
    "small, L2": lambda *key: small(*key, "L2", False, EPOCHS),
    "small, smooth L1": lambda *key: small(*key, "smooth L1", False, EPOCHS),
    "small, GIoU": lambda *key: small(*key, "GIoU", False, EPOCHS),
}
CURVE = ("frozen", "fine-tuned", "small, GIoU + L1")  # with fewer pictures, too
COMPARED = (*CURVE, "small, GIoU + L1, augmented", "small, L1", "small, L1, as long as ours")


def batches(space: dict, step: str, split: str):
    """Return what the model of a step takes: pictures, maps, or the first of these."""
    chosen = space[split]
    if step.startswith("small"):
        return space["load"](chosen, 100)
    taken = space["stored" if step == "frozen" else "first_maps"]
    return space["batches_of"](taken(space["maps"], chosen))


def row(space: dict, step: str, share: int, seed: int) -> list:
    """Return the scores on the test and the validation split, and the seconds of the training."""
    seconds = 0.0
    if step == "mean box":
        scores = [space["lazy_score"](space[split]) for split in ("test", "val")]
    else:
        model, seconds = STEPS[step](space, share, seed)
        scores = [space["score_of"](model, batches(space, step, s)) for s in ("test", "val")]
    numbers = [number for split in scores for number in [*split.values()][:3]]
    return [*(round(number, 4) for number in numbers), round(seconds, 1)]


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about transfer, and whether every seed agrees."""
    scratch, ours, theirs = "small, GIoU + L1", "fine-tuned", "small, L1, as long as ours"
    scores = {field: _tables.seeds_of(table, field) for field in SCORES}
    hits, seconds = scores[SCORES[-1]], _tables.seeds_of(table, "seconds")
    return {
        f"{step!r} beats {scratch!r} by 0.1 in every score, on every seed.": all(
            seeds[step].min() > seeds[scratch].max() + 0.1 for seeds in scores.values()
        )
        for step in ("frozen", ours)
    } | {
        f"{ours!r} beats {theirs!r} by 0.2 in accuracy at IoU 0.5, on every seed.": (
            hits[ours].min() > hits[theirs].max() + 0.2
        ),
        f"{theirs!r} had at least 0.8 of the time of {ours!r}.": (
            seconds[theirs].mean() > 0.8 * seconds[ours].mean()
        ),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the file")
    parser.add_argument("--seeds", type=int, default=5, help="for what the lesson claims")
    parser.add_argument("--more", type=int, default=3, help="seeds for the rest")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = prepare()
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# data {options.name}, backbone {space['backbone'].name}, "
        f"torch {space['torch'].__version__}, code {code}"
    )
    keys = [("mean box", 100, 0)]
    for seed in range(options.seeds):
        keys += [(step, 100, seed) for step in COMPARED]
    for seed in range(options.more):
        keys += [(step, share, seed) for step in CURVE for share in (10, 30)]
        keys += [(step, 100, seed) for step in STEPS if step not in COMPARED]
    file = options.out / f"two_heads_{options.name}.csv"
    table = _tables.measure(file, header, FIELDS, keys, lambda *key: row(space, *key))
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
