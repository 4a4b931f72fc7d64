"""Convert a data set to VOC's layout, whatever tool exported it: ``coursekit import``.

Lists, such as ``train.txt``, say which split a picture belongs to; without them, its folders or its
label file, where these are named as a split: see `splitting`.
"""

import glob
import shlex
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from coursekit import datasets, pictures
from coursekit.files import LEFT
from coursekit.voc import reading, selecting
from coursetools import foreign, pairing, splitting, writing
from coursetools.labels import Labels, key
from coursetools.torn import torn_among

SHOWN = 3  # names in each line of the report
MANY, FIRST = 6, 3  # names of classes: of more than so many, the command has only the first
HEIC = (".heic", ".heif")
MASKS = ("SegmentationClass", "SegmentationObject")  # of VOC's
UNREAD = {  # by a part of the reason
    pictures.EXPORT: "pictures in HEIC, which this course does not read; export them as JPEG",
    pictures.SHRINK: "pictures of too many pixels; make them smaller",
    "": "pictures that cannot be read",
}


def lay_out(directory: Path, out: Path, kind: str | None = None) -> str:
    """Return a report, after writing the data set of a directory to `out` in VOC's layout.

    `kind` is a key of `foreign.READERS`, by default what the files look like. Pictures are copied.
    What is left out is counted in the report; its last line has the command to type next.
    `FileExistsError` when `out` is there, `FileNotFoundError` when the directory is not;
    `ValueError` when the files are of no known kind, or of several, or hold nothing.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists already. Name a folder that does not.")
    if not directory.is_dir():
        fault = datasets.IS_FILE if directory.exists() else "is not there. Correct the path"
        raise FileNotFoundError(f"{directory} {fault}.")
    files = [directory / file for file in reading.names_in(directory)]
    left_out: dict[str, list[str]] = defaultdict(list)
    left_out["links that lead nowhere"] += [file.name for file in files if not file.exists()]
    files = [file for file in files if file.exists()]
    images = [file for file in files if file.suffix.lower() in (*pictures.SUFFIXES, *HEIC)]
    named: dict[str, list[Path]] = defaultdict(list)
    for file in images:
        for name in {key(file.name), key(file.stem)}:
            named[name].append(file)
    kind = kind or foreign.kind_of(directory, files)
    read = foreign.READERS[kind](files, directory, left_out)
    found = pairing.pair(read, named, directory, left_out)
    _refuse_nothing(found, directory, kind, left_out)
    tried = _tried(files, found, named, directory)
    others = [
        file.name
        for file in images
        if file not in found and file not in tried and file.parent.name not in MASKS
    ]
    left_out["pictures without labels"] += others

    splits, source = splitting.find(files, images, found, directory, left_out)
    if splits:
        stray = [file.name for file in found if file not in splits]
        left_out["pictures outside every split"] += stray
        found = {file: labels for file, labels in found.items() if splits.get(file)}
    for file, reason in torn_among([*found]).items():
        words = next(words for part, words in UNREAD.items() if part in reason)
        left_out[words].append(file.name)
        del found[file]
    _refuse_nothing(found, directory, kind, left_out)
    for file, first in pairing.copies(found, splits).items():
        names = [one.relative_to(directory).as_posix() for one in (file, first)]
        same = sorted(found[file].boxes) == sorted(found[first].boxes)
        other = "" if same else ", that have other labels"
        left_out[f"copies of a picture, byte for byte{other}"].append(" of ".join(names))
        del found[file]
    out.parent.mkdir(parents=True, exist_ok=True)
    _clear(out)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        whole = Path(scratch, "set")
        stems = pairing.stems(found, directory)
        counts, names = writing.write(found, stems, splits, whole, left_out)
        whole.rename(out)
    report = _report(out, kind, counts, names.total(), source, left_out)
    return f"{report}\n{_next(out, names)}"


def _clear(out: Path) -> None:
    """Delete what imports to `out` left that were killed, an hour ago or more."""
    for old in out.parent.glob(f".{glob.escape(out.name)}-{'[a-z0-9_]' * 8}"):
        if time.time() - old.stat().st_mtime > LEFT and {p.name for p in old.iterdir()} <= {"set"}:
            shutil.rmtree(old)


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
    labels = [Labels(file, file.stem, []) for file in others]
    return {picture for one in labels for picture in pairing.fitting(one, named, directory)}


def _next(out: Path, names: Counter) -> str:
    """Return a sentence with the command that looks at a data set, ready to be typed."""
    possible = [name for name, _ in names.most_common() if "," not in name]
    several = len(possible) > MANY
    classes = ",".join(possible[:FIRST] if several else possible) or "NAME,NAME"
    command = shlex.join(["coursekit", "run", "--dataset", str(out), "--classes", classes])
    most = f" These are the {FIRST} most frequent of {len(possible)} names; you may give others."
    return f"Look at it: `{command}`{most if several else ''}"


def _report(
    out: Path, kind: str, counts: Counter, objects: int, source: str, left_out: dict
) -> str:
    splits = [f"{counts[split]} for {split}" for split in selecting.SHARES if counts[split]]
    held = f"pictures {counts['pictures']}, objects {objects}"
    lines = [f"{out}: {held}, read as {foreign.NAMES[kind]}."]
    lines.append(
        f"The {source} are the splits: {', '.join(splits)}."
        if splits
        else "No lists, folders or label files tell two splits apart: lesson 02 draws a split at "
        "random."
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
