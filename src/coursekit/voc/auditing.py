"""What is in a table of annotations, and what is wrong with it."""

from pathlib import Path
from posixpath import splitext

from coursekit.boxes import SIDES
from coursekit.pictures import CorruptImageError, size_of
from coursekit.voc.reading import names_in

import pandas as pd

PIXELS = "They look like shares of the picture. Export them in pixels."
XYWH = "They look like x, y, width, height. Export the corners."
LOOK = "Nothing, but know it before you compare classes."


def audit(table: pd.DataFrame, directory: str | Path | None = None) -> pd.DataFrame:
    """Return a table of what an annotator should look at in a table of objects, a row per check.

    It is indexed by ``check``. ``count`` says how many objects or files it concerns, ``images``
    lists their image_ids (sorted, each once), ``what_to_do`` gives advice. The first rows count
    the objects of each class. `directory` is the data set, by default the one that
    `coursekit.voc.load_annotations` read the table from.
    """
    directory = Path(directory or table.attrs["directory"])
    listed = {splitext(file)[0] for file in names_in(directory / "Annotations", ".xml")}
    pictures = {*names_in(directory / "JPEGImages")}
    skipped = {splitext(item["file"])[0] for item in table.attrs.get("skipped", [])}
    noted = [splitext(item["file"])[0] for item in table.attrs.get("noted", [])]
    forgotten = listed - skipped - set(table["image_id"])
    files = table.drop_duplicates("image_id")
    shared = files.duplicated("filename", keep=False)
    found = files["filename"].isin(pictures)
    known = {*files["filename"]} | {Path(picture).name for picture in files["filename"]}
    lonely = {splitext(picture)[0] for picture in pictures - known} - listed

    missing, present = files[~found], files[found]
    sizes = [_size(directory / "JPEGImages" / picture) for picture in present["filename"]]
    torn = [size is None for size in sizes]
    declared = zip(present["width"], present["height"], strict=True)
    differs = [s is not None and s != d for s, d in zip(sizes, declared, strict=True)]

    empty = (table["xmax"] <= table["xmin"]) | (table["ymax"] <= table["ymin"])
    outside = (
        (table[["xmin", "ymin"]] < 0).any(axis=1)
        | (table["xmax"] > table["width"])
        | (table["ymax"] > table["height"])
    )
    twice = table.duplicated(["image_id", "name", *SIDES])

    sides = table[SIDES]
    inverted = empty.sum() > len(table) / 5
    fractions = len(table) > 0 and (sides.abs() <= 1).all(axis=None)

    checks = [(f"class {kind}", part["image_id"], LOOK) for kind, part in table.groupby("name")]
    checks += [
        ("unreadable file", skipped, "Correct the line that attrs['skipped'] names."),
        ("left out or changed", noted, "Look at the lines that attrs['noted'] names."),
        ("box empty or inverted", table["image_id"][empty], "Draw the box again."),
        ("box outside the image", table["image_id"][outside], "Clip it, or draw it again."),
        ("all boxes in fractions", files["image_id"][[fractions] * len(files)], PIXELS),
        ("many boxes inverted", table["image_id"][empty & inverted], XYWH),
        ("same box twice", table["image_id"][twice], "Remove one of the two."),
        ("two files for one picture", files["image_id"][shared], "Merge or remove one."),
        ("picture missing", missing["image_id"], "Add the picture, or remove the annotation."),
        ("picture unreadable", present["image_id"][torn], "Export the picture again."),
        ("size differs from picture", present["image_id"][differs], "Was the picture resized?"),
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


def _size(picture: Path) -> tuple[int, int] | None:
    """Return a picture's width and height as it is shown, or None when it cannot be read."""
    try:
        return size_of(picture)
    except (OSError, CorruptImageError):
        return None
