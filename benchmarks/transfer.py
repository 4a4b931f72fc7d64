"""Measure transfer of lesson 04, on several seeds and with few pictures, with its own code.

Run it with the settings of `coursekit run`: ``COURSEKIT_DATASET``, ``COURSEKIT_BACKBONE`` and
``COURSEKIT_WEIGHTS``. It goes on where it was interrupted, and writes two tables:

- ``two_heads_<name>.csv``, a row for each step, share of the training pictures and seed. The
  share is one of `train` alone: `val`, by which the epoch is chosen, stays as it is.
- ``outcomes_torch_<name>.csv``, for each of the last models and seeds the IoU of each test picture,
  and 1 where its name is right. The columns are the pictures.
"""

import argparse
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from coursekit import settings
from exercises import lesson_code

import _tables

LESSON = "04_pytorch_two_heads"
SCORES = ("accuracy", "mean_iou", "accuracy_at_iou_50")
FIELDS = ("step", "share", "seed", *SCORES, *(f"val_{score}" for score in SCORES))
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
"""
MAPS = """
backbone = torch_backbones.load().to(DEVICE, memory_format=torch.channels_last)
maps, _ = features.extract(backbone, images, datasets.locate())
"""


def prepare(used: Sequence[str] = USED, data: str = DATA + MAPS) -> dict:
    """Return the lesson's names: what it defines among `used`, its tables, and its data."""
    _tables.prepare_images()
    notebook = lesson_code.read(LESSON)
    space: dict = {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(lesson_code.needed(notebook, used), space)
    exec(data, space)
    return space


def few(space: dict, share: int, seed: int):
    """Return a share of the training pictures, repeated so that an epoch stays as long."""
    table = space["tables"]["train"]
    chosen = table.groupby("label").sample(frac=share / 100, random_state=seed).index
    return chosen.repeat(round(100 / share))


def with_trained_head(space: dict, share: int, seed: int):
    """Return a localizer with a trained head; what follows begins with the same seed."""
    heads = space.setdefault("heads", {})
    if (share, seed) not in heads:
        localizer = space["new_localizer"](seed)
        space["train_head"](localizer, space["maps"], few(space, share, seed), seed)
        heads[share, seed] = localizer.head.state_dict()
    localizer = space["new_localizer"](seed)
    localizer.head.load_state_dict(heads[share, seed])
    return localizer


def frozen(space: dict, share: int, seed: int):
    """Return a trained head."""
    return with_trained_head(space, share, seed).head


def tuned(space: dict, share: int, seed: int):
    """Return what follows the first layer, fine-tuned."""
    localizer, chosen = with_trained_head(space, share, seed), few(space, share, seed)
    versions = [space["first_maps"](space["maps"], chosen)]
    versions.append(space["changed_maps"](localizer.backbone, chosen))
    space["fine_tune"](localizer, space["maps"], versions, seed)
    return space["LateLayers"](localizer)


def small(space: dict, share: int, seed: int, loss: str):
    """Return source 004's network, trained."""
    chosen, loss = few(space, share, seed), space["LOSSES"][loss]
    return space["train_small"](chosen, seed, (), loss, EPOCHS)[0]


STEPS = {
    "small, L1": lambda *key: small(*key, "L1"),
    "frozen": frozen,
    "fine-tuned": tuned,
    "small, GIoU + L1": lambda *key: small(*key, "GIoU + L1"),
}
FINAL = ("small, L1", "frozen", "fine-tuned")  # what the lesson ends with
CURVE = ("frozen", "fine-tuned", "small, GIoU + L1")  # with fewer pictures, too


def batches(space: dict, step: str, split: str):
    """Return what the model of a step takes: pictures, maps, or the first of these."""
    chosen = space[split]
    if step.startswith("small"):
        return space["load"](chosen, 100)
    taken = space["stored" if step == "frozen" else "first_maps"]
    return space["batches_of"](taken(space["maps"], chosen))


def answer(space: dict, step: str, share: int, seed: int) -> dict[str, tuple]:
    """Return what `score` takes, for `test` and `val`."""
    model = STEPS[step](space, share, seed)
    loss = space["box_loss"]
    return {
        split: space["run_epoch"](model, batches(space, step, split), loss)[1]
        for split in ("test", "val")
    }


def outcomes(space: dict, outputs: tuple) -> dict:
    """Return for each picture whether the name is right, and the IoU."""
    logits, predicted, box, label = outputs
    iou = space["boxes"].iou(*map(space["corners_of"], (box, predicted)))
    return {"right": (logits.argmax(1) == label).int().numpy(), "iou": iou.round(3)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the files yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the files")
    parser.add_argument("--seeds", type=int, default=5, help="for what the lesson ends with")
    parser.add_argument("--more", type=int, default=3, help="seeds for the rest")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the files")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = prepare()
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# data {_tables.named(options.name)}, backbone {space['backbone'].name}, "
        f"torch {space['torch'].__version__}, code {code}"
    )
    of = cache(lambda *key: answer(space, *key))  # trained once for both tables

    def row(step: str, share: int, seed: int) -> list:
        if step == "mean box":
            scores = [space["lazy_score"](space[split]) for split in ("test", "val")]
        else:
            scores = [space["score"](*split) for split in of(step, share, seed).values()]
        numbers = [number for split in scores for number in [*split.values()][:3]]
        return [round(number, 4) for number in numbers]

    def picture_by_picture(step: str, seed: int, what: str) -> list:
        return [*outcomes(space, of(step, 100, seed)["test"])[what]]

    keys = [("mean box", 100, 0)]
    keys += [(step, 100, seed) for seed in range(options.seeds) for step in FINAL]
    for seed in range(options.more):
        keys += [(step, 100, seed) for step in STEPS if step not in FINAL]
        keys += [(step, share, seed) for share in (10, 30) for step in CURVE]
    _tables.measure(options.out / f"two_heads_{options.name}.csv", header, FIELDS, keys, row)
    fields = ("step", "seed", "what", *space["images"].loc[space["test"], "image_id"])
    kept = [(step, seed) for seed in range(options.seeds) for step in FINAL]
    keys = [(*run, what) for run in kept for what in ("iou", "right")]
    file = options.out / f"outcomes_torch_{options.name}.csv"
    _tables.measure(file, header, fields, keys, picture_by_picture)


if __name__ == "__main__":
    main()
