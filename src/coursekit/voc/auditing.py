"""What is in a table of annotations, and what is wrong with it."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from PIL import Image

LOOK = "Nothing, but know it before you compare classes."


def audit(table: pd.DataFrame, directory: str | Path | None = None) -> pd.DataFrame:
    """Return a table of what an annotator should look at, one row per check.

    Parameters
    ----------
    table
        The table of objects, as `coursekit.voc.load_annotations` returned it.
    directory
        The data set. By default, the directory that the table was read from.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``check``. ``count`` says how many objects or files it concerns, ``images``
        lists their image_ids (sorted, each once), ``what_to_do`` gives advice. The first rows
        count the objects of each class.
    """
    directory = Path(directory or table.attrs["directory"])
    listed = {file.stem for file in directory.glob("Annotations/*.xml")}
    pictures = {
        file.relative_to(directory / "JPEGImages").as_posix()
        for file in directory.glob("JPEGImages/**/*")
        if file.is_file()
    }
    skipped = {Path(item["file"]).stem for item in table.attrs.get("skipped", [])}
    files = table.drop_duplicates("image_id")
    present = files[files["filename"].isin(pictures)]
    sizes = [_size(directory / "JPEGImages" / name) for name in present["filename"]]
    declared = list(zip(present["width"], present["height"], strict=True))
    differs = [s is not None and s != d for s, d in zip(sizes, declared, strict=True)]
    known = set(files["filename"]) | {Path(name).name for name in files["filename"]}
    lonely = {name for name in pictures - known if Path(name).stem not in listed}

    empty = (table["xmax"] <= table["xmin"]) | (table["ymax"] <= table["ymin"])
    outside = (
        (table[["xmin", "ymin"]] < 0).any(axis=1)
        | (table["xmax"] > table["width"])
        | (table["ymax"] > table["height"])
    )
    twice = table.duplicated(["image_id", "name", "xmin", "ymin", "xmax", "ymax"])
    shared = files.duplicated("filename", keep=False)

    rows = [
        (f"class {name}", len(part), part["image_id"], LOOK) for name, part in table.groupby("name")
    ]
    rows += [
        _row("unreadable file", skipped, "Correct the line that attrs['skipped'] names."),
        _row("box empty or inverted", table["image_id"][empty], "Draw the box again."),
        _row("box outside the image", table["image_id"][outside], "Clip it, or draw it again."),
        _row("same box twice", table["image_id"][twice], "Remove one of the two."),
        _row("two files for one picture", files["image_id"][shared], "Merge or remove one."),
        _row(
            "picture missing",
            files["image_id"][~files["filename"].isin(pictures)],
            "Add the picture, or remove the annotation.",
        ),
        _row(
            "picture unreadable",
            present["image_id"][[size is None for size in sizes]],
            "Export the picture again.",
        ),
        _row("size differs from picture", present["image_id"][differs], "Was the picture resized?"),
        _row("picture without annotation", lonely, "Annotate it, or leave it out knowingly."),
        _row(
            "no object",
            listed - skipped - set(table["image_id"]),
            "Is the picture really empty, or was it forgotten?",
        ),
        _row("difficult", table["image_id"][table["difficult"]], "Decide whether they count."),
        _row("truncated", table["image_id"][table["truncated"]], "Expect larger box errors here."),
    ]
    report = pd.DataFrame(rows, columns=["check", "count", "images", "what_to_do"])
    report["images"] = [sorted({Path(str(name)).stem for name in ids}) for ids in report["images"]]
    return report.set_index("check")


def _row(check: str, ids: Iterable[str], what_to_do: str) -> tuple:
    ids = list(ids)
    return check, len(ids), ids, what_to_do if ids else "Nothing."


def _size(picture: Path) -> tuple[int, int] | None:
    """Return a picture's width and height, or None when it cannot be read."""
    try:
        with Image.open(picture) as image:
            return image.size
    except OSError:
        return None
