"""Which images to use, and for what: training, choosing (val), or the final test."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

SHARES = {"train": 0.60, "val": 0.15, "test": 0.25}  # where a data set brings no lists


def single_object(
    table: pd.DataFrame, classes: Sequence[str], exclusive: bool = False
) -> pd.DataFrame:
    """Return the table of images with exactly one object of the wanted classes.

    ``label`` is the index into `classes`. Objects of other classes are overlooked; with
    `exclusive`, the picture holds none of them. A class that does not occur, and a chosen box that
    is empty or inverted, raise a ``ValueError``.
    """
    absent = [name for name in classes if name not in set(table["name"])]
    if absent:
        raise ValueError(
            f"No object is called {', '.join(absent)}. The table has: "
            f"{', '.join(sorted(set(table['name'])))}."
        )
    wanted = table[table["name"].isin(classes)]
    counted = table if exclusive else wanted
    count = counted.groupby("image_id")["name"].transform("size")
    images = wanted[count.loc[wanted.index] == 1].reset_index(drop=True)
    empty = (images["xmax"] <= images["xmin"]) | (images["ymax"] <= images["ymin"])
    if empty.any():
        raise ValueError(
            f"The boxes of {', '.join(images['image_id'][empty][:5])} are empty or inverted "
            f"({int(empty.sum())} in all). voc.audit lists them; correct or remove those files."
        )
    return images.assign(label=images["name"].map({c: i for i, c in enumerate(classes)}))


def assign_split(
    images: pd.DataFrame, directory: str | Path | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return the table of images with a column ``split``: ``train``, ``val`` or ``test``.

    Where the data set brings lists, ``ImageSets/Main/{train,val,test}.txt``, they are the split.
    VOC 2012 keeps its test annotations to itself: without a test list, the val list becomes the
    test split, and a share of the training list becomes the val split. Without lists, the split
    is drawn from `seed`, class by class, in the shares of `SHARES`; equal seeds give equal splits,
    in any order of the rows. Without a directory, it is drawn although there may be lists.
    An image that is in two lists, or in none, raises a ``ValueError``.
    """
    lists = _read_lists(Path(directory)) if directory is not None else {}
    if not lists:
        return images.assign(split=_draw(images, SHARES, seed))
    split = images["image_id"].map(lists)
    if split.isna().any():
        unlisted = images["image_id"][split.isna()]
        raise ValueError(
            f"{len(unlisted)} images are in none of the lists in ImageSets/Main, for example "
            f"{', '.join(unlisted[:3])}. Add them, or remove the lists to have a split drawn."
        )
    if "test" not in set(lists.values()):
        split = split.replace({"val": "test"})
        inside = split == "train"
        shares = {"train": 0.8, "val": 0.2}
        split = split.mask(inside, _draw(images[inside], shares, seed).reindex(split.index))
    return images.assign(split=split)


def _read_lists(directory: Path) -> dict[str, str]:
    """Return the split of each listed image; refuse an image that is in two lists."""
    found: dict[str, str] = {}
    for split in SHARES:
        file = directory / "ImageSets" / "Main" / f"{split}.txt"
        lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
        for image_id in (line.split()[0] for line in lines if line.strip()):
            if found.setdefault(image_id, split) != split:
                raise ValueError(
                    f"{image_id} is in {found[image_id]}.txt and in {file.name}. An image in two "
                    "splits makes the test score too good. Remove it from one of them."
                )
    return found


def _draw(images: pd.DataFrame, shares: dict[str, float], seed: int) -> pd.Series:
    """Return a split for each row: every class in the same shares, to the nearest image."""
    rng = np.random.default_rng(seed)
    split = pd.Series(index=images.index, dtype=object)
    bounds = np.cumsum(list(shares.values()))
    for _, members in images.sort_values("image_id").groupby("name"):
        shuffled = rng.permutation(members.index)
        ends = np.round(bounds * len(shuffled)).astype(int)
        for name, part in zip(shares, np.split(shuffled, ends[:-1]), strict=True):
            split.loc[part] = name
    return split
