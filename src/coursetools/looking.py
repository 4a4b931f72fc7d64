"""A look at a data set before the lessons read it: what would stop them, and what to know.

`coursekit run` looks at a data set of one's own before its first lesson; `coursekit doctor` shows
the same rows.
"""

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from coursekit import datasets, settings, voc
from coursekit.boxes import SIDES
from coursekit.voc import auditing, parsing
from coursetools.findings import Row
from coursetools.misspelt import alike, meant_by
from coursetools.torn import torn_among

import pandas as pd

SHOWN = 5  # names in a row
PERCENT = 200  # pixels: in pictures that large, some box goes beyond the hundredth
NEAR = 2  # pixels: that far outside a picture is a matter of counting, and harmless
FIRST = 5  # boxes: when so many begin at 1, and none at 0, it is no chance
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
    rows = [_advised("boxes", note, " If your") for note in notes if "voc.audit" not in note]
    rows += _lines(table.attrs["skipped"], table.attrs["noted"], directory)
    if table.empty:
        none = _stop("annotations", "Annotate the pictures.", "no file has an object")
        return rows if table.attrs["skipped"] else [*rows, none]
    chosen = [*_chosen(table, directory, wanted)]
    stops = [row for row in chosen if row.ok is False]
    known, advice = {row.check for row in stops}, " ".join(row.what_to_do for row in stops)
    audited = [row for row in _audited(table, directory, wanted) if row.check not in known]
    rows += [row for row in audited if row.what_to_do not in advice]
    return [*rows, *_names(table["name"].value_counts(), wanted), *chosen]


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


def _advised(check: str, text: str, advice: str) -> Row:
    """Return a row from a text in which advice begins with these words."""
    found, words, rest = text.partition(advice)
    return Row(check, found, "", None, f"{words}{rest}".strip())


def _quietly(call, *arguments, **options) -> tuple:
    """Return what a call returns, and the lines that it printed."""
    with redirect_stdout(io.StringIO()) as said:
        found = call(*arguments, **options)
    return found, said.getvalue().splitlines()


def _some(names: Sequence[str], between: str = ", ") -> str:
    return between.join([*names[:SHOWN], *["…"][: len(names) > SHOWN]])


def _lines(skipped: list[dict], noted: list[dict], directory: Path) -> Iterator[Row]:
    """Yield what the lessons cannot read, or read otherwise, each with file, line and reason."""
    if skipped:
        advice = "Correct each of these files, or remove it."
        found = f"{len(skipped)} cannot be read: {_places(skipped)}"
        yield _stop("annotations", advice, found)
    if noted:
        found = f"{len(noted)} ({_places(noted)})"
        yield Row("left out or changed", found, "", None, "Is each as you mean it?")
    if settings.polygons() == "box":
        first = voc.annotation_files(directory)[0]
        objects = [] if skipped else parsing.parse(first).findall("object")
        if any(one.find("bndbox") is None for one in objects):
            advice = "Lesson 02 reads the first file by hand, for its boxes. Draw them in this one."
            yield _stop("polygons", advice, f"{first.name} has one and no box")


def _places(records: list[dict]) -> str:
    """Return each problem once, with where it is."""
    places = defaultdict(list)
    for one in records:
        places[one["problem"]].append(f"{one['file']}, line {one['line']}")
    words = (
        f"{first}: {problem}" + (f" (and {_some(others, '; ')})" if others else "")
        for problem, (first, *others) in places.items()
    )
    return _some([*words], "; ")


def _audited(table: pd.DataFrame, directory: Path, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield what the audit of lesson 02 finds; a picture that the lessons open must be whole."""
    used = table[table["name"].isin(wanted)].drop_duplicates("image_id").set_index("image_id")
    folder = directory / "JPEGImages"
    if torn := torn_among([folder / name for name in used["filename"]]):
        advice = "Export the picture again, or remove its annotation."
        words = [reason.replace(str(file), file.name) for file, reason in torn.items()]
        yield _stop("picture unreadable", advice, f"{len(torn)} ({_some(words, '; ')})")
    audit = voc.audit(table, directory).drop(index=NO_FAULTS + SAID)
    for check, row in audit[audit["count"] > 0].iterrows():
        if not check.startswith("class "):
            stops = check == "picture missing" and not used.index.intersection(row["images"]).empty
            found = f"{row['count']} ({_some(row['images'])})"
            yield Row(check, found, "", False if stops else None, row["what_to_do"])


def _names(counts: pd.Series, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield the names that nobody asked for, and those of any that look like a slip."""
    others = {name: int(n) for name, n in counts.items() if name not in wanted}
    if others:
        yield Row("not asked for", _some([f"{name} ({n})" for name, n in others.items()]), "", None)
    for name, n in counts.items():
        # where what is meant does not occur, the slip is in what was asked for
        for meant in (one for one in wanted if one in counts and one != name):
            rarer = name in others or (n, name) < (counts[meant], meant)
            if rarer and alike(name, meant):
                advice = f"If that is meant, correct {name!r} in the annotations."
                yield Row("names", f"{name!r} ({n}) looks like {meant!r}", "", None, advice)


def _chosen(table: pd.DataFrame, directory: Path, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield how many pictures lesson 02 will choose for which split, or what would stop it."""
    names = {*table["name"]}
    try:
        images, notes = _quietly(voc.single_object, table, wanted)
        for note in notes:
            yield Row("classes", note, "", None)
        yield from _absurd(images, table, wanted)
        images, notes = _quietly(voc.assign_split, images, directory)
    except ValueError as error:
        absent = [name for name in wanted if name not in names]
        yield _stop("classes" if absent else "pictures", str(error) + meant_by(absent, names))
        return
    for note in notes:
        yield _advised("lists", note, " They are")
    yield from _uses(images, directory)
    for split, part in images.groupby("split")["name"]:
        if absent := sorted({*images["name"]} - {*part}):
            yield Row("classes", f"{split} has no {', '.join(map(repr, absent))}", "", None)
    counts = images["split"].value_counts()
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


def _uses(images: pd.DataFrame, directory: Path) -> Iterator[Row]:
    """Yield that no list is of use, or which are used for another split than their own."""
    lists, _ = _quietly(voc.selecting.read_lists, directory)
    files = voc.selecting.texts_of(directory)
    there = voc.selecting.lists_among(files)
    if files and not lists:
        found = "no picture is named in" if there else "none is called train.txt, only"
        found += f" {_some([file.name for file in there or sorted(files)])}"
        advice = "Write train.txt, val.txt and test.txt if you mean otherwise."
        yield Row("lists", f"{found}, so the split is drawn at random", "", None, advice)
    named = images["image_id"].map(lists)
    other = images[named.notna() & (named != images["split"])]
    parts = other.groupby(["split", named]).size().items()
    if words := [f"{split} takes {n} of {name}" for (split, name), n in parts]:
        idle = {file.name: split for file, split in there.items() if split not in {*named}}
        faults = {True: "names no picture in use", False: "is empty"}
        why = [f"{name} {faults[split in lists.values()]}" for name, split in idle.items()]
        found = f"{' and '.join(why) or 'one is missing'}, so {', '.join(words)}"
        yield Row("lists", found, "", None, f"{'Fill' if why else 'Add'} it if you mean otherwise.")


def _absurd(images: pd.DataFrame, table: pd.DataFrame, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield that many boxes cannot be boxes in their pictures, so that nothing can be learned."""
    low = table[["xmin", "ymin"]]
    ones = low.eq(1).any(axis=1).sum()
    if settings.zero_based() and ones >= FIRST and low.min(axis=None) > 0:
        advice = "Do they count from 1? Then leave out `--zero-based`, or COURSEKIT_ZERO_BASED."
        yield Row("boxes", f"{ones} begin at 1 and none at 0", "", None, advice)
    if images[SIDES].max(axis=None) <= 100 and images[["width", "height"]].min(axis=None) > PERCENT:
        found = f"no side is beyond 100, though pictures have {PERCENT} pixels and more"
        yield Row("boxes", found, "", None, "Are they in percent? Export them in pixels.")
    fractions = (images[SIDES].abs() <= 1).all(axis=1)
    outside, resized = _outside(images), "Were pictures resized after the boxes were drawn? Or are "
    resized += "x and y exchanged, or a corner and a size?"
    if other := {"picture": "annotation", "annotation": "picture"}.get(settings.sizes()):
        again, _ = _quietly(voc.single_object, table, wanted, sizes=other)
        exchanged = (images["width"] == again["height"]) & (images["height"] == again["width"])
        if (outside & exchanged).mean() > auditing.MANY and other == "annotation":
            # the size in the files is that of a picture that lies on its side
            resized = "Were they drawn on pictures that lay on their side? Then no size is right: "
            resized += "draw them on the pictures as they are shown."
        elif _outside(again).mean() <= auditing.MANY:
            resized = f"By the other size they are inside. Take it: `--sizes {other}`, or the word "
            resized += "in COURSEKIT_SIZES."
    cases = (
        (fractions, "box in fractions", auditing.PIXELS),
        (outside & ~fractions, "box outside the image", resized),
    )
    for found, check, advice in cases:
        if found.mean() > auditing.MANY:
            named = _some([*images["image_id"][found]])
            yield _stop(check, advice, f"{found.sum()} of {len(images)} ({named})")


def _outside(images: pd.DataFrame) -> pd.Series:
    """Return which boxes go clearly beyond their pictures."""
    outside = (images[["xmin", "ymin"]] < -NEAR).any(axis=1)
    for side, length in (("xmax", "width"), ("ymax", "height")):
        outside |= images[side] > images[length] + NEAR
    return outside
