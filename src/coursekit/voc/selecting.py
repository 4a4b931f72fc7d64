"""Which images to use, and for what: training, choosing (val), or the final test."""

import codecs
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from posixpath import splitext
from typing import Any, Literal

from coursekit import settings
from coursekit.voc import auditing
from coursekit.voc.reading import names_in

import numpy as np
import pandas as pd

SHARES = {"train": 0.60, "val": 0.15, "test": 0.25}  # where a data set brings no lists
LISTS = dict.fromkeys(("train", "training"), "train")
LISTS |= dict.fromkeys(("val", "valid", "validation"), "val") | {"test": "test", "testing": "test"}
WHOLE = "trainval"
TWICE = "A picture in two splits makes the test score too good."


def single_object(
    table: pd.DataFrame,
    classes: Sequence[str],
    exclusive: bool = False,
    sizes: Literal["check", "annotation", "picture"] | None = None,
) -> pd.DataFrame:
    """Return the table of images with exactly one object of the wanted classes.

    ``label`` is the index into those of `classes` that have such an image; a sentence says
    which have none. Objects of other classes are overlooked; with
    `exclusive`, the picture holds none of them. A class that does not occur, and a chosen box that
    is empty or inverted, raise a ``ValueError``.

    Boxes are divided by ``width`` and ``height``, so these must be the picture's. A picture of
    another size raises a ``ValueError``, too, unless `sizes`, by default what `settings` say, tells
    which to take. It is read from the directory that the table came from, and a picture that cannot
    be read counts as right.
    """
    refuse_absent(classes, table)
    wanted = table[table["name"].isin(classes)].reset_index(drop=True)
    single = wanted.groupby("image_id")["name"].transform("size") == 1
    shown = [name for name in classes if name in set(wanted["name"][single])]
    if exclusive:
        count = table.groupby("image_id").size()
        single &= wanted["image_id"].map(count) == 1
    elif len(shown) < len(classes):
        never = ", ".join(repr(name) for name in classes if name not in shown)
        print(f"Left out, since no picture has one of them as its only object: {never}.")
    images = wanted[single].reset_index(drop=True)
    refuse_empty(images)
    images = with_sizes(images, table.attrs.get("directory"), sizes)
    return images.assign(label=images["name"].map({c: i for i, c in enumerate(shown)}))


def refuse_absent(classes: Sequence[str], table: pd.DataFrame) -> None:
    """Raise a `ValueError` if one of the classes does not occur in a table of objects."""
    if absent := [name for name in classes if name not in set(table["name"])]:
        raise ValueError(unknown(absent, table["name"]))


def refuse_empty(objects: pd.DataFrame) -> None:
    """Raise a `ValueError` if a box is empty or inverted; the message names the first pictures."""
    empty = (objects["xmax"] <= objects["xmin"]) | (objects["ymax"] <= objects["ymin"])
    if empty.any():
        again = "Draw them again, or remove those files."
        advice = auditing.XYWH if empty.mean() > auditing.MANY else again
        raise ValueError(
            f"The boxes of {', '.join(objects['image_id'][empty][:5])} are empty or inverted "
            f"({int(empty.sum())} in all). {advice}"
        )


def unknown(absent: Sequence[str], names: Iterable[str]) -> str:
    """Return what is wrong with classes that are not among the names of the objects."""
    called, quoted = ([*map(repr, some)] for some in (absent, sorted({*names})))
    renamed = " and ".join(name for name in quoted if "," in name)
    advice = f" Commas separate names, so rename {renamed} in the files." if renamed else ""
    return f"No object is called {', '.join(called)}. There are: {', '.join(quoted)}.{advice}"


def with_sizes(
    images: pd.DataFrame, directory: str | Path | None, sizes: str | None = None
) -> pd.DataFrame:
    """Return the rows with the size in use, see `single_object`; as they are without a directory.

    Each picture is looked at once, however many rows it has.
    """
    sizes = sizes or settings.sizes()
    if directory is None or sizes == "annotation" or images.empty:
        return images
    declared = list(images[["width", "height"]].itertuples(index=False, name=None))
    folder = Path(directory) / "JPEGImages"
    seen = {name: auditing.shown_size(folder / name) for name in images["filename"].unique()}
    pairs = zip(images["filename"], declared, strict=True)
    shown = [seen[name] or size for name, size in pairs]
    other = [row for row, size in enumerate(shown) if size != declared[row]]
    if other and sizes == "check":
        first = other[0]
        raise ValueError(
            f"{images['image_id'][first]} says {declared[first]} pixels, and its picture has "
            f"{shown[first]} ({len(other)} in all). Was it turned? Boxes drawn on it as it lay "
            "must be drawn anew. Was it resized? Look at some, then say which size is right: "
            "`--sizes picture` or `--sizes annotation`, or the word in COURSEKIT_SIZES."
        )
    return images.assign(**dict(zip(("width", "height"), zip(*shown, strict=True), strict=True)))


def assign_split(
    images: pd.DataFrame, directory: str | Path | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return the table of images with a column ``split``: ``train``, ``val`` or ``test``.

    Where the data set brings lists, ``ImageSets/Main/{train,val,test}.txt``, they are the split;
    see `read_lists` for the forms that are read. VOC 2012 keeps its test annotations to itself:
    without a test list, the val list becomes the test split. Where that leaves no val split, a
    share of the training list becomes it. Without lists, the split is drawn from `seed`, class by
    class, in the shares of `SHARES`; equal seeds give equal splits, in any order of the rows.
    Without a directory, it is drawn although there may be lists. An image that is in two lists, or
    in none, and a list that names none of the images raise a ``ValueError``. Two annotation files
    of one picture are in one split: where lists part them, that is a ``ValueError``, too.
    """
    lists = read_lists(Path(directory)) if directory is not None else {}
    if not lists:
        return images.assign(split=_draw(images, SHARES, seed))
    split = images["image_id"].map(lists)
    if split.isna().any():
        unlisted = images["image_id"][split.isna()]
        raise ValueError(
            f"{len(unlisted)} images are in none of the lists in ImageSets/Main, for example "
            f"{', '.join(unlisted[:3])}. Add them, or remove the lists to have a split drawn."
        )
    pictures = images.get("filename", images["image_id"])
    parts = images["image_id"].groupby([pictures, split]).first()
    if parted := [name for name, ids in parts.groupby(level=0) if len(ids) > 1]:
        raise ValueError(
            f"{' and '.join(sorted(parts[parted[0]]))} are annotations of one picture, "
            f"{parted[0]}, in different lists ({len(parted)} in all). {TWICE} Merge them, or put "
            "them into one list."
        )
    if "test" not in set(lists.values()):
        split = split.replace({"val": "test"})
    if "val" not in set(split):
        inside, shares = split == "train", {"train": 0.8, "val": 0.2}
        split = split.mask(inside, _draw(images[inside], shares, seed).reindex(split.index))
    return images.assign(split=split)


def read_lists(directory: Path) -> dict[str, str]:
    """Return the split of each annotated image that the lists of a data set name.

    Lists are those `lists_among` the `texts_of` a data set, in UTF-8 or UTF-16. A line is an
    image_id, perhaps with spaces in it, or a path; an ending may follow, and VOC's 1, or its -1 for
    "not this one". An image in two lists, and a list none of whose lines is an image_id, raise a
    ``ValueError``. Other lines that are not are skipped, and a sentence says how many.
    """
    ids = [splitext(file)[0] for file in names_in(directory / "Annotations", ".xml")]
    lines = [*lines_in(texts_of(directory), dict(zip(ids, ids, strict=True)))]
    named = {file for file, _, _, image_id in lines if image_id}
    strange = [(file, line) for file, _, line, image_id in lines if not image_id]
    for file, line in strange:
        if file not in named:
            raise ValueError(
                f"{file} names no annotated image. Its first line is {line[:60]!r}; an id "
                f"is {min(ids, default='')!r}. Correct the list, or remove all lists."
            )
    found: dict[str, tuple] = {}
    for file, split, _, image_id in lines:
        first, other = found.setdefault(image_id, (split, file))
        if image_id and first != split:
            names = f"{other.name} and in {file.name}"
            raise ValueError(f"{image_id} is in {names}. {TWICE} Remove it from one of them.")
    for file, line in strange[:1]:
        few = f"{len(strange)} lines of the lists in ImageSets name no annotation, for example"
        print(f"{few} {line[:60]!r} in {file.name}. They are skipped.")
    return {image_id: split for image_id, (split, _) in found.items() if image_id}


def texts_of(directory: Path) -> list[Path]:
    """Return the files of ``ImageSets/Main`` and ``ImageSets`` that may be lists."""
    return [*directory.glob("ImageSets/[!.]*.txt"), *directory.glob("ImageSets/Main/[!.]*.txt")]


def lines_in(files: Collection[Path], known: dict[str, Any]) -> Iterator[tuple]:
    """Yield list, split, line, and what `known` has for it, of the lists among `files`."""
    for file, split in lists_among(files).items():
        for line in filter(None, map(str.strip, _text(file).splitlines())):
            name = _named(line, known)
            if name or line.split()[-1] != "-1":
                yield file, split, line, known.get(name)


def lists_among(files: Collection[Path]) -> dict[Path, str]:
    """Return the split of each list; VOC's ``trainval`` is one beside a test list alone."""
    found = {file: LISTS[name] for name in LISTS for file in files if file.stem.lower() == name}
    if {*found.values()} == {"test"}:
        found = {file: "train" for file in files if file.stem.lower() == WHOLE} | found
    return found


def _text(file: Path) -> str:
    """Return the text of a list, in UTF-8 or, with its mark, UTF-16."""
    content = file.read_bytes()
    utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file} is not text in UTF-8: {error.reason}. Save it as UTF-8."
        ) from error


def _named(line: str, known: dict[str, Any]) -> str | None:
    """Return what a line of a list calls the image that it names, or None."""
    name, _, sign = line.strip().rpartition(" ")
    if sign == "-1":
        return None
    whole = line.strip() if sign not in ("0", "1") or line.strip() in known else name.strip()
    parts = PurePosixPath(whole.replace("\\", "/")).parts
    ends = ["/".join(parts[i:]) for i in range(len(parts))]
    forms = (form for end in ends for form in (end, splitext(end)[0]))
    return next((form for form in (whole, *forms) if form in known), None)


def _draw(images: pd.DataFrame, shares: dict[str, float], seed: int) -> pd.Series:
    """Return a split for each row: every class in the same shares, to the nearest image.

    A class with an image for each split has one in each. Of a smaller one, an image goes where
    none is yet, or but one for ``test``; else to ``train``. Of two, one is always in ``train``.
    A picture that two annotation files have is drawn once, as the first of them names it.
    """
    images = images.sort_values("image_id")
    pictures = images.get("filename", images["image_id"])
    once = images[~pictures.duplicated()]
    rng, split = np.random.default_rng(seed), pd.Series(index=once.index, dtype=object)
    least, bounds = np.arange(1, len(shares) + 1), np.cumsum(list(shares.values()))
    drawn = [rng.permutation(members.index) for _, members in once.groupby("name")]
    for shuffled in sorted(drawn, key=len, reverse=True):
        into, ends = [*shares], np.round(bounds * len(shuffled)).astype(int)
        if len(shuffled) >= len(shares):  # then none goes without
            over = np.clip(ends - least, 0, len(shuffled) - len(shares))
            ends = np.minimum.accumulate(over[::-1])[::-1] + least
        else:
            n, two = split.value_counts().reindex(into, fill_value=0), len(shuffled) == 2
            needs = {s: (n[s] > (s == "test"), s != "train", n[s] / shares[s]) for s in into}
            into, ends = sorted(into[::-1], key=lambda s: (two and s != "train", needs[s])), least
        for name, part in zip(into, np.split(shuffled, ends[:-1]), strict=True):
            split.loc[part] = name
    return pictures.map(split.set_axis(pictures[once.index]))
