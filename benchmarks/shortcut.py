"""Plant a shortcut: does a head that saw cows on meadows only know them elsewhere?

In the training pictures `planted`, every cow stands on a meadow and nothing else does; in `mixed`,
each animal may stand anywhere. There are as many pictures of each animal in both, drawn from the
same numbers, and their `val` is drawn in the same way. The head of lesson 04 learns on the frozen
backbone, with the lesson's own code, and is tested where the shortcut is broken. With each seed,
all pictures are drawn again, those of the test, too.

The heat is that of the logit of cow: the share inside the true box, divided by the share that an
even spread would have there. Beside it is what the mean box of the training pictures would
have. `no_heat` counts the maps without any heat; they have no share. It writes
``book/results/shortcut.csv``, a row for each training set, seed and group of test pictures, and
goes on where it was interrupted.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from coursekit import settings
from coursekit.boxes import SIDES
from exercises import lesson_code
from minivoc import CLASSES, dataset
from minivoc.dataset import compose_one
from minivoc.pictures import render
from minivoc.scenes import SCENES

import numpy as np
import pandas as pd

import _tables
import transfer

LESSON = transfer.LESSON
FIELDS = (
    "trained_on",
    "seed",
    "group",
    "pictures",
    "accuracy",
    "named_cow",
    "heat",
    "mean_box_heat",
    "no_heat",
)
USED = ("new_localizer", "train_head", "batches_of", "stored", "run_epoch", "name_heat")
USED += ("inside_of", "share_inside")
ANIMAL, MEADOW = "cow", ("meadow", "summer")
ELSEWHERE = tuple(scene for scene in SCENES if scene not in MEADOW)
SPLITS = {"train": 60, "val": 20}  # pictures of each animal
TESTED = 120  # pictures of each group: of cows, or of the other animals together
DRAWN = 2026  # the seed of the pictures, together with that of the head
STARTS = {"train": 0, "val": 1000}  # the numbers of the pictures
GROUPS = {
    "cows on meadows": ((ANIMAL,), MEADOW),
    "cows elsewhere": ((ANIMAL,), ELSEWHERE),
    "others on meadows": (tuple(name for name in CLASSES if name != ANIMAL), MEADOW),
    "others elsewhere": (tuple(name for name in CLASSES if name != ANIMAL), ELSEWHERE),
}
TEST_STARTS = {group: 2000 + 1000 * place for place, group in enumerate(GROUPS)}
TRAINED_ON = {  # where cows stand, and where the others do
    "planted": (MEADOW, ELSEWHERE),
    "mixed": (SCENES, SCENES),
}


def roster() -> pd.DataFrame:
    """Return a row for each picture: the set and split that it belongs to, its animal, its scenes.

    The test pictures belong to all training sets. `number` is the picture's: it is the same in all
    training sets.
    """
    rows = [
        (trained_on, split, "", name, cows if name == ANIMAL else others, number)
        for trained_on, (cows, others) in TRAINED_ON.items()
        for split, start in STARTS.items()
        for number, name in enumerate(CLASSES * SPLITS[split], start)
    ]
    rows += [
        ("", "test", group, names[number % len(names)], scenes, TEST_STARTS[group] + number)
        for group, (names, scenes) in GROUPS.items()
        for number in range(TESTED)
    ]
    columns = ["trained_on", "split", "group", "name", "scenes", "number"]
    return pd.DataFrame(rows, columns=columns)


def draw(table: pd.DataFrame, folder: Path, seed: int) -> pd.DataFrame:
    """Return the table with each picture's file, size, label and box; draw the pictures."""
    (folder / "JPEGImages").mkdir()
    rows = []
    for row in table.itertuples():
        _, backdrop, sprites, objects = compose_one(row.number, row.name, DRAWN + seed, row.scenes)
        (box,) = (thing.box for thing in objects if thing.name == row.name)
        image, name = render(backdrop, sprites), f"{row.Index:06d}"
        image.save(folder / "JPEGImages" / f"{name}.jpg", quality=88)
        rows.append([name, f"{name}.jpg", *image.size, CLASSES.index(row.name), *box])
    columns = ["image_id", "filename", "width", "height", "label", *SIDES]
    return table.join(pd.DataFrame(rows, table.index, columns))


def prepare() -> dict:
    """Return the lesson's names, and its backbone."""
    notebook = lesson_code.read(LESSON)
    space: dict = {"CLASSES": [*CLASSES]}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(lesson_code.needed(notebook, USED), space)
    space["backbone"] = space["torch_backbones"].load().to(space["DEVICE"])
    return space


def with_pictures(space: dict, seed: int) -> None:
    """Draw the pictures of a seed; add their table and their maps to the lesson's names."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        space["images"] = draw(roster(), folder, seed)
        maps, _ = space["features"].extract(space["backbone"], space["images"], folder, folder)
        space["maps"] = {layer: np.array(part) for layer, part in maps.items()}


def head_of(space: dict, trained_on: str, seed: int):
    """Return a head that has learned from one of the training sets, and the mean box there."""
    images = space["images"]
    own = images[images["trained_on"] == trained_on]
    train, space["val"] = (own.index[own["split"] == split] for split in SPLITS)
    localizer = space["new_localizer"](seed)
    space["train_head"](localizer, space["maps"], train, seed)
    return localizer.head.eval(), space["truth_of"](train)[0].mean(0)


def row(space: dict, head, usual, group: str) -> list:
    """Return what a head says about a group of test pictures, and where its heat is."""
    torch, chosen = space["torch"], space["images"].index[space["images"]["group"] == group]
    batches = space["batches_of"](space["stored"](space["maps"], chosen))
    _, (logits, _, box, label) = space["run_epoch"](head, batches, space["box_loss"])
    named, last = logits.argmax(1), space["maps"][[*space["maps"]][-1]][chosen]
    last = torch.from_numpy(last).float().permute(0, 3, 1, 2)
    cow = torch.full_like(label, CLASSES.index(ANIMAL))
    heat = space["name_heat"](head, last, cow).clamp(min=0)
    inside, side = space["inside_of"], heat.shape[-1]
    even, usual = inside(box, side).float().mean(), usual.expand(len(box), -1)
    within = [space["share_inside"](one, box) for one in (heat, inside(usual, side).float())]
    shares = [(named == wanted).float().mean().item() for wanted in (label, cow)]
    shares += [(share.nanmean() / even).item() for share in within]
    numbers = [round(share, 4) for share in shares]
    return [len(chosen), *numbers, int(within[0].isnan().sum())]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = prepare()
    pictures = lru_cache(maxsize=1)(lambda seed: with_pictures(space, seed))
    heads = cache(lambda *key: head_of(space, *key))
    code = lesson_code.digest(lesson_code.read(LESSON), USED)
    header = (
        f"# drawings from the seed {DRAWN} on, version {dataset.VERSION}, "
        f"backbone {settings.backbone()}, torch {space['torch'].__version__}, code {code}"
    )
    keys = [(t, s, group) for s in range(options.seeds) for t in TRAINED_ON for group in GROUPS]

    def measured(trained_on: str, seed: int, group: str) -> list:
        pictures(seed)
        return row(space, *heads(trained_on, seed), group)

    _tables.measure(options.out / "shortcut.csv", header, FIELDS, keys, measured)


if __name__ == "__main__":
    main()
