"""Measure what a head that learned from drawings says about photographs, and the other way round.

Both data sets are split as lesson 02 does it, and the head of lesson 04 is trained with its own
code, on features of the frozen backbone. ``--photographs`` is a directory in VOC's layout, by
default the one that ``COURSEKIT_VOC_SAMPLE`` names. It writes ``book/results/domains.csv``, one
row for each pair of data sets and seed, and goes on where it was interrupted.
"""

import argparse
import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from backbones import features
from coursekit import datasets, settings, voc
from exercises import lesson_code
from minivoc import CLASSES

import _tables

LESSON = "04_pytorch_two_heads"
SCORES = ("accuracy", "mean_iou", "accuracy_at_iou_50")
FIELDS = ("trained_on", "tested_on", "seed", *SCORES)
USED = ("new_localizer", "train_head", "score_of")


def prepare(directory: Path) -> dict:
    """Return the names that the lesson defines, with the images and the maps of one data set."""
    notebook = lesson_code.read(LESSON)
    images = voc.single_object(voc.load_annotations(directory), CLASSES)
    # numbered, as the rows of the maps are
    images = voc.assign_split(images, directory).reset_index(drop=True)
    space: dict = {"images": images, "CLASSES": CLASSES}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(lesson_code.needed(notebook, USED), space)
    for split in ("train", "val", "test"):
        space[split] = images.index[images["split"] == split]
    # the folder of the data set's own artifacts, whichever is in use
    folder = settings.home() / "artifacts" / directory.name / "features"
    backbone = space["torch_backbones"].load().to(space["DEVICE"])
    space["maps"], _ = features.extract(backbone, images, directory, folder)
    return space


def trained_head(space: dict, seed: int):
    """Return a head that has learned from the training pictures of one data set."""
    localizer = space["new_localizer"](seed)
    space["train_head"](localizer, space["maps"], space["train"], seed)
    return localizer.head


def scores(space: dict, head) -> list[float]:
    """Return a head's scores on the test pictures of one data set."""
    batches = space["batches_of"](space["stored"](space["maps"], space["test"]))
    return [round(number, 4) for number in [*space["score_of"](head, batches).values()][:3]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    sample = os.environ.get("COURSEKIT_VOC_SAMPLE")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=sample, help="their directory")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    if options.photographs is None:
        print("Nothing is measured: name the photographs' directory, or set COURSEKIT_VOC_SAMPLE.")
        return
    os.environ.setdefault("TQDM_DISABLE", "1")
    directories = {
        "mini": datasets.prepare("mini"),
        "voc2007_sample": datasets.locate(options.photographs),
    }
    spaces = {name: prepare(directory) for name, directory in directories.items()}
    heads = cache(lambda name, seed: trained_head(spaces[name], seed))
    keys = [
        (trained_on, tested_on, seed)
        for trained_on in spaces
        for seed in range(options.seeds)
        for tested_on in spaces
    ]
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# data {' and '.join(map(_tables.named, spaces))}, backbone {settings.backbone()}, "
        f"torch {version('torch')}, code {code}"
    )
    _tables.measure(
        options.out / "domains.csv",
        *(header, FIELDS, keys),
        lambda trained_on, tested_on, seed: scores(spaces[tested_on], heads(trained_on, seed)),
    )


if __name__ == "__main__":
    main()
