"""The table of images as a CSV file, and back."""

from pathlib import Path

from coursekit import boxes
from coursekit.files import write_whole
from coursekit.voc.reading import COLUMNS, DTYPES, FLAGS, SIDES

import numpy as np
import pandas as pd
from PIL import Image


def to_csv(images: pd.DataFrame, path: str | Path) -> Path:
    """Return the CSV file that now holds a table, with boxes as fractions of the image.

    The columns are those of the course's source 001, ``image_id, x_min, x_max, y_min, y_max,
    class_name`` (mind their order: both x come first), then the remaining ones of the table.
    """
    unit = boxes.normalize(images[SIDES], images[["width", "height"]])
    order = {"x_min": 0, "x_max": 2, "y_min": 1, "y_max": 3}
    columns = {"image_id": images["image_id"]} | {c: unit[:, i] for c, i in order.items()}
    rest = images.drop(columns=["image_id", "name", *SIDES])
    table = pd.DataFrame(columns | {"class_name": images["name"]}).join(rest)
    return write_whole(Path(path), table.to_csv(index=False, lineterminator="\n"))


def from_csv(path: str | Path, pictures: str | Path | None = None) -> pd.DataFrame:
    """Return the table that `to_csv` wrote, boxes in pixels again.

    Parameters
    ----------
    path
        The CSV file. It needs at least the columns of source 001.
    pictures
        Where the pictures lie. Needed only when the file has no ``width`` and ``height``: they
        are then measured. A missing ``filename`` is ``image_id`` plus ``.jpg``.
    """
    table = pd.read_csv(path, dtype={"image_id": str}).rename(columns={"class_name": "name"})
    needed = {"image_id", "x_min", "x_max", "y_min", "y_max", "name"} - set(table)
    if needed or ("width" not in table and pictures is None):
        lacking = sorted(needed) or ["width and height (or name the directory of the pictures)"]
        raise ValueError(f"{path} lacks the columns {', '.join(lacking)}.")
    if "filename" not in table:
        table["filename"] = table["image_id"] + ".jpg"
    if "width" not in table:
        sizes = [Image.open(Path(pictures) / name).size for name in table["filename"]]
        table[["width", "height"]] = np.array(sizes)
    unit = table[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
    table[SIDES] = boxes.denormalize(unit, table[["width", "height"]])
    for flag in set(FLAGS) - set(table):
        table[flag] = False
    return table[[*COLUMNS, *(c for c in ("label", "split") if c in table)]].astype(DTYPES)
