"""Pictures with any number of objects, for lesson 08: drawn ones, or of the data set in use."""

from pathlib import Path
from typing import NamedTuple

from coursekit import datasets, settings, voc
from coursekit.voc import selecting
from minivoc import crowds

import pandas as pd


class Pictures(NamedTuple):
    """Pictures, and what they show.

    `table` has a row for each picture: ``image_id, filename, width, height, n`` (of its objects
    that are not difficult) and ``split``. `objects` is the table of objects (see `coursekit.voc`),
    of the wanted classes, with ``label``, the index into `classes`.
    """

    table: pd.DataFrame
    objects: pd.DataFrame
    classes: list[str]


def locate() -> Path:
    """Return the directory of the pictures: of other data than `mini`, that of the data set in use.

    Those that belong to `mini` are drawn first unless they have been, in about twenty seconds;
    errors are those of `datasets.prepare`.
    """
    if settings.dataset() == "mini":
        return datasets.draw_once(settings.home() / "crowds", crowds.draw)
    return datasets.locate()


def load(directory: str | Path, most: int | None = None) -> Pictures:
    """Return the pictures of a directory in VOC's layout, and all objects in them.

    The classes are those that ``COURSEKIT_CLASSES`` names; by default mini's, and of other data all
    that occur. A picture whose annotation lists nothing is left out. Where the data set has lists,
    they are the split; otherwise one is drawn, class by class, and a picture counts for the class
    of its first object. `most` says how many of each split are taken at most, by chance and always
    the same. Errors, and which size of a picture counts, are as in `voc.load_annotations`,
    `voc.single_object` and `voc.assign_split`.
    """
    everything = selecting.with_sizes(voc.load_annotations(directory), directory)
    classes = settings.classes()
    if settings.dataset() != "mini" and not settings.classes_named():
        classes = sorted({*everything["name"]})
    selecting.refuse_absent(classes, everything)
    objects = everything[everything["name"].isin(classes)]
    selecting.refuse_empty(objects)
    objects = objects.assign(label=objects["name"].map(classes.index)).reset_index(drop=True)
    table = everything.drop_duplicates("image_id")[["image_id", "filename", "width", "height"]]
    first = objects.drop_duplicates("image_id").set_index("image_id")["name"]
    table = voc.assign_split(table.assign(name=table["image_id"].map(first).fillna("")), directory)
    n = objects[~objects["difficult"]].groupby("image_id").size()
    table = table.drop(columns="name").assign(n=table["image_id"].map(n).fillna(0).astype(int))
    # not the first ones: many sets are in the order of their classes
    some = table.sample(frac=1, random_state=0).groupby("split").head(most or len(table))
    table = table.loc[sorted(some.index)].reset_index(drop=True)
    chosen = objects["image_id"].isin(table["image_id"])
    return Pictures(table, objects[chosen].reset_index(drop=True), classes)
