"""Convert a data set to VOC's layout, whatever tool exported it: ``coursekit import``.

Globox reads the foreign formats. Lists, such as ``train.txt``, say which split a picture belongs
to; without them, a part of its path that has the name of a split, such as ``train`` or ``valid``.
"""

import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from coursekit import boxes, pictures
from coursekit.boxes import SIDES
from coursekit.voc import parsing, reading, selecting
from coursetools import foreign
from coursetools.foreign import Labels

from lxml import etree
from lxml.builder import E

SHOWN = 3  # names in each line of the report


def lay_out(directory: Path, out: Path, kind: str | None = None) -> str:
    """Return a report, after writing the data set of a directory to `out` in VOC's layout.

    `kind` is a key of `foreign.READERS`, by default what the files look like. Pictures are copied.
    What is left out is counted in the report. `FileExistsError` when `out` is there; `ValueError`
    when the files are of no known kind, or of several, or hold nothing.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists already. Name a folder that does not.")
    files = [directory / file for file in reading.names_in(directory)]
    images = [file for file in files if file.suffix.lower() in pictures.SUFFIXES]
    named: dict[str, list[Path]] = defaultdict(list)
    for file in images:
        for name in {file.name, file.stem}:
            named[name].append(file)
    kind = kind or foreign.kind_of(directory, files)
    left_out: dict[str, list[str]] = defaultdict(list)
    found: dict[Path, Labels] = {}
    for labels in foreign.READERS[kind](files, left_out):
        picture = _nearest(labels, named, directory)
        if picture is None:
            left_out["labels without a picture"].append(labels.picture)
        elif picture in found:
            left_out["second labels of a picture"].append(labels.picture)
        else:
            found[picture] = labels
    if not found:
        raise ValueError(
            f"{directory} holds no labels in {foreign.NAMES[kind]} that fit its pictures."
        )
    left_out["pictures without labels"] += [file.name for file in images if file not in found]

    splits, source = _by_lists(files, found, directory, left_out), "lists"
    if not splits:
        splits, source = _by_folders(found, directory), "folders"
    if splits:
        stray = [file.name for file in found if file not in splits]
        left_out["pictures outside every split"] += stray
        found = {file: labels for file, labels in found.items() if file in splits}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        whole = Path(scratch, "set")
        counts = _write(found, splits, whole, left_out)
        whole.rename(out)
    return _report(out, kind, counts, source, left_out)


def _write(found: dict, splits: dict, whole: Path, left_out: dict) -> Counter:
    """Write the data set; return how many objects of each class, and pictures of each split."""
    for part in ("Annotations", "JPEGImages"):
        (whole / part).mkdir(parents=True)
    stems = Counter(file.stem.lower() for file in found)
    counts, lists = Counter(), defaultdict(list)
    for file, labels in found.items():
        alone = stems[file.stem.lower()] == 1
        stem = file.stem if alone else "_".join([*file.parent.parts[-2:], file.stem])
        target = whole / "Annotations" / f"{stem}.xml"
        if labels.boxes is None:
            shutil.copyfile(labels.file, target)
            counts["objects"] += len(parsing.parse(labels.file).findall("object"))
        else:
            try:
                width, height = pictures.size_of(file)
            except (OSError, pictures.CorruptImageError):
                left_out["pictures that cannot be read"].append(file.name)
                continue
            size = (width, height) if labels.size in (None, (1, 1)) else labels.size
            scale = (width, height) * 2 if labels.size == (1, 1) else (1, 1, 1, 1)
            objects = []
            for name, *corners in labels.boxes:
                corners = [v * by for v, by in zip(corners, scale, strict=True)]
                if corners[2] <= corners[0] or corners[3] <= corners[1]:
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
    """Return the split of each picture that a list names; none unless there are two splits."""
    texts = [file for file in files if file.suffix.lower() == ".txt"]
    lists = [file for file in texts if file.stem.lower() in selecting.LISTS]
    others = [file for file in files if "ImageSets" in file.relative_to(directory).parts]
    left_out["other files of ImageSets"] += [file.name for file in others if file not in lists]
    called: dict[str, list[Path]] = defaultdict(list)  # by every end of its path
    for picture in found:
        parts = picture.relative_to(directory).with_suffix("").parts
        for i in range(len(parts)):
            called["/".join(parts[i:])].append(picture)
    known = {name: alike[0] for name, alike in called.items() if len(alike) == 1}
    try:
        splits = selecting.splits_in(lists, known)
        reason = "they name one split only"
    except ValueError as error:
        splits, reason = {}, str(error)
    if len({*splits.values()}) > 1:
        return splits
    left_out["lists"] += [reason] * len(lists)
    return {}


def _by_folders(found: dict, directory: Path) -> dict[Path, str]:
    """Return the split that a part of a picture's path names; none unless there are two splits."""
    splits = {
        file: selecting.LISTS[name.lower()]
        for file in found
        for name in reversed(file.relative_to(directory).parts[:-1])  # the outermost counts
        if name.lower() in selecting.LISTS
    }
    return splits if len({*splits.values()}) > 1 else {}


def _nearest(labels: Labels, named: dict[str, list[Path]], directory: Path) -> Path | None:
    """Return the picture of that name, with an ending or without; of several the nearest."""
    wanted = Path(labels.picture.replace("\\", "/"))
    place = {*labels.file.relative_to(directory).parts, *wanted.parts[:-1]}
    fitting = named.get(wanted.name, [])
    folders = [{*file.relative_to(directory).parts[:-1]} for file in fitting]
    near = [(len(place & folder), -len(folder - place)) for folder in folders]
    best = [file for file, score in zip(fitting, near, strict=True) if score == max(near)]
    return best[0] if len(best) == 1 else None


def _report(out: Path, kind: str, counts: Counter, source: str, left_out: dict) -> str:
    splits = [f"{counts[split]} for {split}" for split in selecting.SHARES if counts[split]]
    held = f"pictures {counts['pictures']}, objects {counts['objects']}"
    lines = [f"{out}: {held}, read as {foreign.NAMES[kind]}."]
    lines += [f"The {source} are the splits: {', '.join(splits)}."] if splits else []
    for reason, names in left_out.items():
        if names:
            different = [*dict.fromkeys(names)]
            some = ", ".join(different[:SHOWN]) + (", …" if len(different) > SHOWN else "")
            lines.append(f"Left out, {reason}: {len(names)} ({some}).")
    return "\n".join(lines)
