"""What is in a table of annotations, and what is wrong with it."""

from pathlib import Path
from posixpath import basename, splitext

from coursekit import settings
from coursekit.boxes import SIDES
from coursekit.pictures import CorruptImageError, size_of
from coursekit.voc.parsing import readable
from coursekit.voc.reading import Pictures, names_in, picture_of

import numpy as np
import pandas as pd

PIXELS = "They look like shares of the picture. Export them in pixels."
XYWH = "They look like x, y, width, height. Export the corners. Are they corners, and exchanged? "
XYWH += "Then xmin and ymin must be the smaller numbers."
LOOK = "Nothing, but know it before you compare classes."
CLIP = "Clip it, or draw it again."
OTHER = "Is it inside by the other size? Then take that one."
MANY = 0.2  # the share of the boxes from which on one cause explains them all


def audit(table: pd.DataFrame, directory: str | Path | None = None) -> pd.DataFrame:
    """Return a table of what an annotator should look at in a table of objects, a row per check.

    It is indexed by ``check``. ``count`` says how many objects or files it concerns, ``images``
    lists their image_ids (sorted, each once), ``what_to_do`` gives advice. The first rows count
    the objects of each class. `directory` is the data set, by default the one that
    `coursekit.voc.load_annotations` read the table from. A fault is in one row, that of its cause:
    of boxes that begin at 0 `load_annotations` speaks.
    """
    directory = Path(directory or table.attrs["directory"])
    listed = names_in(directory / "Annotations", ".xml")
    listed = {splitext(readable(file))[0]: file for file in listed}
    pictures = Pictures(directory / "JPEGImages")
    skipped = {splitext(item["file"])[0] for item in table.attrs.get("skipped", [])}
    noted = [splitext(item["file"])[0] for item in table.attrs.get("noted", [])]
    forgotten = listed.keys() - skipped - set(table["image_id"])
    files = table.drop_duplicates("image_id")
    shared = files.duplicated("filename", keep=False)
    found = files["filename"].isin(pictures.names)
    known = {*files["filename"]}
    known |= {picture_of(directory / "Annotations", listed[i], pictures)[1] for i in forgotten}
    known |= {basename(picture) for picture in known}
    listed |= dict.fromkeys(map(basename, skipped))
    lonely = {splitext(picture)[0] for picture in pictures.names - known} - {*listed}

    missing, present = files[~found], files[found]
    names = zip(present["image_id"], present["filename"], strict=True)
    shown = {image_id: shown_size(pictures.folder / name) for image_id, name in names}
    torn = [image_id for image_id, size in shown.items() if not size]

    fractions = (table[SIDES].abs() <= 1).all(axis=1)
    empty = ((table["xmax"] <= table["xmin"]) | (table["ymax"] <= table["ymin"])) & ~fractions
    inverted = empty.sum() > MANY * len(table)
    low, written = table[["xmin", "ymin"]], table[["width", "height"]].to_numpy()
    told = low.eq(-1) & (not settings.zero_based())  # these begin at 0 in their files
    real = [shown.get(i) or size for i, size in zip(table["image_id"], written, strict=True)]
    both = np.maximum(written, real := np.reshape(real, written.shape))  # until one is chosen
    differs = table["image_id"][(written != real).any(axis=1)].unique()
    in_use = {"annotation": written, "picture": real}.get(settings.sizes(), both)
    beyond = (table[["xmax", "ymax"]].to_numpy() > in_use).any(axis=1)
    outside = (((low < 0) & ~told).any(axis=1) | beyond) & ~fractions
    resized = table["image_id"][outside].isin(differs).any()
    twice = table.duplicated(["image_id", "name", *SIDES])

    checks = [(f"class {kind}", part["image_id"], LOOK) for kind, part in table.groupby("name")]
    checks += [
        ("unreadable file", skipped, "Correct the line that attrs['skipped'] names."),
        ("left out or changed", noted, "Look at the lines that attrs['noted'] names."),
        ("box empty or inverted", table["image_id"][empty & (not inverted)], "Draw the box again."),
        ("box outside the image", table["image_id"][outside], OTHER if resized else CLIP),
        ("box in fractions", table["image_id"][fractions], PIXELS),
        ("many boxes inverted", table["image_id"][empty & inverted], XYWH),
        ("same box twice", table["image_id"][twice], "Remove one of the two."),
        ("two files for one picture", files["image_id"][shared], "Merge or remove one."),
        ("picture missing", missing["image_id"], "Add the picture, or remove the annotation."),
        ("picture unreadable", torn, "Export the picture again."),
        ("size differs from picture", differs, "Was it resized, or turned?"),
        ("picture without annotation", lonely, "Annotate it, or leave it out knowingly."),
        ("no object", forgotten, "Is the picture really empty, or was it forgotten?"),
        ("difficult", table["image_id"][table["difficult"]], "Decide whether they count."),
        ("truncated", table["image_id"][table["truncated"]], "Expect larger box errors here."),
    ]
    report = pd.DataFrame(checks, columns=["check", "images", "what_to_do"])
    report.insert(1, "count", [len(ids) for ids in report["images"]])
    report["images"] = [sorted({*map(str, ids)}) for ids in report["images"]]
    report.loc[report["count"] == 0, "what_to_do"] = "Nothing."
    return report.set_index("check")


def shown_size(picture: Path) -> tuple[int, int] | None:
    """Return a picture's width and height as it is shown, or None when it cannot be read."""
    try:
        return size_of(picture)
    except (OSError, CorruptImageError):
        return None
