"""A look at a data set before the lessons read it: what would stop them, and what to know.

`coursekit run` looks at a data set of one's own before its first lesson; `coursekit doctor` shows
the same rows.
"""

import difflib
import io
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

from coursekit import datasets, settings, voc
from coursekit.boxes import SIDES
from coursekit.pictures import CorruptImageError, read_picture
from coursekit.voc import auditing, parsing
from coursetools.findings import Row

import pandas as pd

SHOWN = 5  # names in a row
MANY = 0.2  # the share of the boxes from which on no training makes sense
NEAR = 2  # pixels: that far outside a picture is a matter of counting, and harmless
ALIKE = 0.8  # of two names, as difflib counts: five letters, and one of them differs
# of the audit: what is no fault, and what is said in another row
NO_FAULTS, SAID = ["difficult", "truncated"], ["unreadable file", "picture unreadable"]
SAID += ["left out or changed"]


def look() -> list[Row]:
    """Return what a look at the data set in use finds; a row that is not ok stops the lessons."""
    directory, wanted = datasets.locate(), settings.classes()
    try:
        table, notes = _quietly(voc.load_annotations, directory, errors="skip")
    except FileNotFoundError as error:
        return [_stop("annotations", str(error))]
    rows = [Row("boxes", note, "", None) for note in notes if "voc.audit" not in note]
    rows += _lines(table.attrs["skipped"], table.attrs["noted"], directory)
    if len(table):
        rows += _audited(table, directory, wanted)
        rows += _names(table["name"].value_counts(), wanted)
    return [*rows, *_chosen(table, directory, wanted)]


def report(rows: Sequence[Row]) -> str:
    """Return the rows in words; those that stop the lessons are a `ValueError`, and the rest said.

    So all that is wrong is named in seconds, and not one thing after each lesson.
    """
    wrong = [_words(row) for row in rows if row.ok is False]
    known = "\n".join(_words(row) for row in rows if row.ok is None)
    if wrong:
        raise ValueError("\n".join([*wrong, *([f"And this:\n{known}"] if known else [])]))
    return known


def _words(row: Row) -> str:
    found = f"{row.check}: {row.found}" if row.found else ""
    return ". ".join(filter(None, (found.rstrip("."), row.what_to_do)))


def _stop(check: str, advice: str, found: str = "") -> Row:
    return Row(check, found, "", False, advice)


def _quietly(call, *arguments, **options) -> tuple:
    """Return what a call returns, and the lines that it printed."""
    with redirect_stdout(io.StringIO()) as said:
        found = call(*arguments, **options)
    return found, said.getvalue().splitlines()


def _some(names: Sequence[str], between: str = ", ") -> str:
    return between.join([*names[:SHOWN], *["…"][: len(names) > SHOWN]])


def _lines(skipped: list[dict], noted: list[dict], directory: Path) -> Iterator[Row]:
    """Yield what the lessons cannot read, or read otherwise, each with file, line and reason."""
    unread, other = (
        [*map("{file}, line {line}: {problem}".format_map, all_)] for all_ in (skipped, noted)
    )
    if unread:
        advice = "Correct each of these files, or remove it."
        yield _stop("annotations", advice, f"{len(unread)} cannot be read: {_some(unread, '; ')}")
    if other:
        yield Row("left out or changed", f"{len(other)} ({_some(other, '; ')})", "", None)
    if settings.polygons() == "box":
        first = voc.annotation_files(directory)[0]
        objects = [] if skipped else parsing.parse(first).findall("object")
        if any(one.find("bndbox") is None for one in objects):
            advice = "Lesson 02 reads the first file by hand, for its boxes. Draw them in this one."
            yield _stop("polygons", advice, f"{first.name} has one and no box")


def _audited(table: pd.DataFrame, directory: Path, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield what the audit of lesson 02 finds; a picture that the lessons open must be whole."""
    used = table[table["name"].isin(wanted)].drop_duplicates("image_id").set_index("image_id")
    if torn := _torn([*used["filename"]], directory / "JPEGImages"):
        advice = "Export the picture again, or remove its annotation."
        yield _stop("picture unreadable", advice, f"{len(torn)} ({_some(torn, '; ')})")
    audit = voc.audit(table, directory).drop(index=NO_FAULTS + SAID)
    for check, row in audit[audit["count"] > 0].iterrows():
        if not check.startswith("class "):
            stops = check == "picture missing" and not used.index.intersection(row["images"]).empty
            found = f"{row['count']} ({_some(row['images'])})"
            yield Row(check, found, "", False if stops else None, row["what_to_do"])


def _torn(names: Sequence[str], folder: Path) -> list[str]:
    """Return why pictures that are there cannot be decoded to their end."""

    def reason(name: str) -> str:
        try:
            read_picture(folder / name, 8)  # of a JPEG, that takes an eighth of the time
        except FileNotFoundError:
            return ""
        except (OSError, CorruptImageError) as error:
            return str(error).replace(str(folder / name), name).rstrip(".")
        return ""

    with ThreadPoolExecutor() as pool:
        return [*filter(None, pool.map(reason, names))]


def _names(counts: pd.Series, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield the names that nobody asked for, and those among them that look like a slip."""
    others = {name: int(n) for name, n in counts.items() if name not in wanted}
    if others:
        yield Row("not asked for", _some([f"{name} ({n})" for name, n in others.items()]), "", None)
    for name, n in others.items():
        for meant in wanted:
            if alike(name, meant):
                found = f"{name!r} ({n}) looks like {meant!r}. If it is, correct the annotations"
                yield Row("names", found, "", None)


def alike(name: str, other: str) -> bool:
    """Return whether two names differ in case, spaces or signs, or in a letter; digits count."""
    plain = [re.sub(r"[\W_]", "", one.casefold()) for one in (name, other)]
    if "" in plain or plain[0] == plain[1]:
        return "" not in plain
    digits = [re.sub(r"\D", "", one) for one in plain]
    return digits[0] == digits[1] and difflib.SequenceMatcher(None, *plain).ratio() >= ALIKE


def _chosen(table: pd.DataFrame, directory: Path, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield how many pictures lesson 02 will choose for which split, or what would stop it."""
    try:
        images, notes = _quietly(voc.single_object, table, wanted)
        counts = voc.assign_split(images, directory)["split"].value_counts()
    except ValueError as error:
        absent = {*wanted} - {*table["name"]}
        yield _stop("classes" if absent else "pictures", str(error))
        return
    for note in notes:
        yield Row("classes", note, "", None)
    yield from _absurd(images)
    number = {split: int(counts.get(split, 0)) for split in ("train", "val", "test")}
    if min(number.values()) == 0:
        yield _stop(
            "splits",
            f"{directory} has {len(images)} pictures with exactly one object of "
            f"{', '.join(wanted)}, and in the splits {number}. Each needs at least one: "
            "add pictures, or correct or remove the lists in ImageSets.",
        )
        return
    words = ", ".join(f"{n} for {split}" for split, n in number.items())
    found = f"{len(images)} in {settings.dataset_name()} with one object, {words}"
    yield Row("pictures", found, "", None)


def _absurd(images: pd.DataFrame) -> Iterator[Row]:
    """Yield that many boxes cannot be boxes in their pictures, so that nothing can be learned."""
    fractions = (images[SIDES].abs() <= 1).all(axis=1)
    outside = (images[["xmin", "ymin"]] < -NEAR).any(axis=1)
    for side, length in (("xmax", "width"), ("ymax", "height")):
        outside |= images[side] > images[length] + NEAR
    resized = "Were the pictures resized after the boxes were drawn?"
    cases = ((fractions, "are fractions", auditing.PIXELS), (outside, "lie outside", resized))
    for found, words, advice in cases:
        if found.mean() > MANY:
            named = _some([*images["image_id"][found]])
            yield _stop("boxes", advice, f"{found.sum()} of {len(images)} {words} ({named})")
