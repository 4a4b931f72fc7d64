"""Convert a data set to VOC's layout, whatever tool exported it: ``coursekit import``.

Lists, such as ``train.txt``, say which split a picture belongs to; without them, a part of its path
that has the name of a split, such as ``train`` or ``valid``.
"""

import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from coursekit import boxes, datasets, pictures
from coursekit.boxes import SIDES
from coursekit.voc import parsing, reading, selecting
from coursetools import foreign, looking, pairing
from coursetools.labels import Labels

from lxml import etree
from lxml.builder import E

SHOWN = 3  # names in each line of the report
HEIC = (".heic", ".heif")
UNREAD = {  # by a part of the reason
    pictures.EXPORT: "pictures in HEIC, which this course does not read; export them as JPEG",
    pictures.SHRINK: "pictures of too many pixels; make them smaller",
    "": "pictures that cannot be read",
}


def lay_out(directory: Path, out: Path, kind: str | None = None) -> str:
    """Return a report, after writing the data set of a directory to `out` in VOC's layout.

    `kind` is a key of `foreign.READERS`, by default what the files look like. Pictures are copied.
    What is left out is counted in the report. `FileExistsError` when `out` is there,
    `FileNotFoundError` when the directory is not; `ValueError` when the files are of no known kind,
    or of several, or hold nothing.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists already. Name a folder that does not.")
    if not directory.is_dir():
        fault = datasets.IS_FILE if directory.exists() else "is not there. Correct the path"
        raise FileNotFoundError(f"{directory} {fault}.")
    files = [directory / file for file in reading.names_in(directory)]
    images = [file for file in files if file.suffix.lower() in (*pictures.SUFFIXES, *HEIC)]
    named: dict[str, list[Path]] = defaultdict(list)
    for file in images:
        for name in {file.name, file.stem}:
            named[name].append(file)
    kind = kind or foreign.kind_of(directory, files)
    left_out: dict[str, list[str]] = defaultdict(list)
    found: dict[Path, Labels] = {}
    read = foreign.READERS[kind](files, directory, left_out)
    # a picture belongs to the labels that are called as it is, whatever others say in <filename>
    for labels in sorted(read, key=lambda one: bool(one.given) and one.picture not in named):
        fitting = pairing.fitting(labels, named, directory)
        if not fitting:
            left_out["labels without a picture"].append(labels.picture)
        elif len(fitting) > 1:
            names = " and ".join(file.relative_to(directory).as_posix() for file in fitting)
            left_out["labels that fit several pictures"].append(f"{labels.picture}: {names}")
        elif fitting[0] in found:
            left_out["second labels of a picture"].append(labels.picture)
        else:
            found[fitting[0]] = labels
    _refuse_nothing(found, directory, kind, left_out)
    tried = _tried(files, found, named, directory)
    others = [file.name for file in images if file not in found and file not in tried]
    left_out["pictures without labels"] += others

    splits, source = _by_lists(files, found, directory, left_out), "lists"
    if not splits:
        splits, source = _by_folders(found, directory), "folders"
    if splits:
        stray = [file.name for file in found if file not in splits]
        left_out["pictures outside every split"] += stray
        found = {file: labels for file, labels in found.items() if splits.get(file)}
    for file, reason in looking.torn_among([*found]).items():
        words = next(words for part, words in UNREAD.items() if part in reason)
        left_out[words].append(file.name)
        del found[file]
    _refuse_nothing(found, directory, kind, left_out)
    for file, first in pairing.copies(found, splits).items():
        names = [one.relative_to(directory).as_posix() for one in (file, first)]
        left_out["copies of a picture, byte for byte"].append(" of ".join(names))
        del found[file]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        whole = Path(scratch, "set")
        counts = _write(found, pairing.stems(found, directory), splits, whole, left_out)
        whole.rename(out)
    return _report(out, kind, counts, source, left_out)


def _refuse_nothing(found: dict, directory: Path, kind: str, left_out: dict) -> None:
    """Raise a `ValueError` with the reasons where nothing is left of a data set."""
    if not found:
        fit = f"{directory} holds no labels in {foreign.NAMES[kind]} that fit its pictures."
        raise ValueError("\n".join([fit, *_reasons(left_out)]))


def _tried(files: list[Path], found: dict, named: dict, directory: Path) -> set[Path]:
    """Return the pictures whose label files were left out, so that the report names these."""
    used = {labels.file for labels in found.values()}
    suffixes = {file.suffix for file in used}
    others = [file for file in files if file.suffix in suffixes and file not in used]
    labels = [Labels(file, file.stem) for file in others]
    return {picture for one in labels for picture in pairing.fitting(one, named, directory)}


def _write(found: dict, stems: dict, splits: dict, whole: Path, left_out: dict) -> Counter:
    """Write the data set; return how many objects of each class, and pictures of each split."""
    for part in ("Annotations", "JPEGImages"):
        (whole / part).mkdir(parents=True)
    counts, lists = Counter(), defaultdict(list)
    counts["polygons"] = sum(labels.polygons for labels in found.values())
    for file, labels in found.items():
        stem = stems[file]
        target = whole / "Annotations" / f"{stem}.xml"
        if labels.boxes is None:
            root = parsing.parse(labels.file)
            counts["objects"] += len(root.findall("object"))
            if stem == file.stem:
                shutil.copyfile(labels.file, target)
            else:  # the run would wonder about each picture's old name
                for node in root.findall("filename"):
                    node.text = f"{stem}{file.suffix}"
                target.write_bytes(etree.tostring(root, encoding="utf-8"))
        else:
            width, height = pictures.size_of(file)
            size = (width, height) if labels.size in (None, (1, 1)) else labels.size
            scale = (width, height) * 2 if labels.size == (1, 1) else (1, 1, 1, 1)
            objects = []
            for name, *corners in labels.boxes:
                corners = [v * by for v, by in zip(corners, scale, strict=True)]
                if not (corners[0] < corners[2] and corners[1] < corners[3]):  # as with nan
                    left_out["boxes without an area"].append(f"{name} in {file.name}")
                else:
                    objects.append((name, *corners))
            target.write_bytes(_annotation(f"{stem}{file.suffix}", size, objects))
            counts["objects"] += len(objects)
        shutil.copyfile(file, whole / "JPEGImages" / f"{stem}{file.suffix}")
        counts["pictures"] += 1
        lists[splits.get(file)].append(stem)
    for split in {*lists} - {None}:
        target = whole / "ImageSets" / "Main" / f"{split}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{stem}\n" for stem in sorted(lists[split])), encoding="utf-8")
        counts[split] = len(lists[split])
    return counts


def _annotation(filename: str, size: tuple[int, int], objects: list[tuple]) -> bytes:
    """Return an annotation file; its boxes are one-based and inclusive, as VOC's are."""
    width, height = map(str, size)
    root = E.annotation(
        E.filename(filename), E.size(E.width(width), E.height(height), E.depth("3"))
    )
    for name, *corners in objects:
        sides = [
            E(side, f"{value:.2f}".removesuffix(".00"))
            for side, value in zip(SIDES, boxes.xyxy_to_voc(corners), strict=True)
        ]
        root.append(E.object(E.name(name), E.bndbox(*sides)))
    return etree.tostring(root, encoding="utf-8", pretty_print=True)


def _by_lists(files: list[Path], found: dict, directory: Path, left_out: dict) -> dict[Path, str]:
    """Return the split of each picture that lists name, None if they name two for it.

    No picture at all unless there are two splits.
    """
    texts = [file for file in files if file.suffix.lower() == ".txt"]
    lists = sorted(selecting.lists_among(texts))
    others = [file for file in files if "ImageSets" in file.relative_to(directory).parts]
    left_out["other files of ImageSets"] += [file.name for file in others if file not in lists]
    called: dict[str, list[Path]] = defaultdict(list)  # by every end of its path
    for picture in found:
        parts = picture.relative_to(directory).with_suffix("").parts
        for i in range(len(parts)):
            called["/".join(parts[i:])].append(picture)
    named: dict[Path, dict[str, Path]] = defaultdict(dict)  # split, and the list that says so
    for file, split, line, fitting in selecting.lines_in(lists, called):
        if fitting is None or len(fitting) > 1:
            reason = "that fit several pictures" if fitting else "that name no labelled picture"
            left_out[f"lines of lists {reason}"].append(f"{line[:60]} in {file.name}")
        else:
            named[fitting[0]].setdefault(split, file)
    twice = {picture: where for picture, where in named.items() if len(where) > 1}
    splits = {picture: next(iter(where)) for picture, where in named.items()}
    splits |= dict.fromkeys(twice)
    if len({*splits.values()} - {None}) < 2:
        left_out["lists, since they tell no two splits apart"] += [file.name for file in lists]
        return {}
    for picture, where in twice.items():
        names = " and ".join(file.name for file in where.values())
        left_out["pictures in two splits"].append(f"{picture.name} in {names}")
    return splits


def _by_folders(found: dict, directory: Path) -> dict[Path, str]:
    """Return the split that a part of a picture's path names; none unless there are two splits."""
    splits = {
        file: selecting.LISTS[name.lower()]
        for file in found
        for name in reversed(file.relative_to(directory).parts[:-1])  # the outermost counts
        if name.lower() in selecting.LISTS
    }
    return splits if len({*splits.values()}) > 1 else {}


def _report(out: Path, kind: str, counts: Counter, source: str, left_out: dict) -> str:
    splits = [f"{counts[split]} for {split}" for split in selecting.SHARES if counts[split]]
    held = f"pictures {counts['pictures']}, objects {counts['objects']}"
    lines = [f"{out}: {held}, read as {foreign.NAMES[kind]}."]
    lines.append(
        f"The {source} are the splits: {', '.join(splits)}."
        if splits
        else "No lists or folders say what is for training: lesson 02 draws a split at random."
    )
    if counts["polygons"]:
        lines.append(f"Polygons of which the box around each was taken: {counts['polygons']}.")
    return "\n".join([*lines, *_reasons(left_out)])


def _reasons(left_out: dict[str, list[str]]) -> list[str]:
    """Return a line for each reason to leave something out, with the first names."""
    lines = []
    for reason, names in left_out.items():
        if names:
            different = [*dict.fromkeys(names)]
            some = ", ".join(different[:SHOWN]) + (", …" if len(different) > SHOWN else "")
            lines.append(f"Left out, {reason}: {len(names)} ({some}).")
    return lines
