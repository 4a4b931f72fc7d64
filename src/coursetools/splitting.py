"""Which split each picture of an export is in: by lists, by its folders, or by its label file."""

import os
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from coursekit.voc import selecting
from coursetools import yolo


def find(
    files: list[Path], images: list[Path], found: dict, directory: Path, left_out: dict
) -> tuple[dict[Path, str | None], str]:
    """Return the split of each picture in `found`, None if two lists name it, and what says so.

    Lists come before folders, and folders before label files. What tells no two splits apart says
    nothing; if nothing does, there are no splits at all.
    """
    splits, source = _by_lists(files, images, found, directory, left_out), "lists"
    if not splits:
        splits, source = _by_folders(found, directory, yolo.folders_of_splits(files)), "folders"
    if not splits:
        told = {file: labels.split for file, labels in found.items() if labels.split}
        splits, source = _if_several(told), "label files"
    return splits, source


def named_in(name: str) -> str:
    """Return the split that one of the words in a name is called as, as in ``train2017``.

    An empty string if none is, or if several are that differ.
    """
    words = re.findall(r"[a-z]+", name.lower())
    named = {selecting.LISTS[word] for word in words if word in selecting.LISTS}
    return named.pop() if len(named) == 1 else ""


def _if_several(splits: dict) -> dict:
    return splits if len({*splits.values()} - {None}) > 1 else {}


def _by_lists(
    files: list[Path], images: list[Path], found: dict, directory: Path, left_out: dict
) -> dict[Path, str | None]:
    """Return the split of each picture that lists name, None if they name two for it."""
    texts = [file for file in files if file.suffix.lower() == ".txt"]
    lists = sorted(selecting.lists_among(texts))
    others = [file for file in files if "ImageSets" in file.relative_to(directory).parts]
    left_out["other files of ImageSets"] += [file.name for file in others if file not in lists]
    called: dict[str, list[Path]] = defaultdict(list)  # by every end of its path, in any form
    for picture in images:
        parts = picture.relative_to(directory).with_suffix("").parts
        ends = {"/".join(parts[i:]) for i in range(len(parts))}
        for form in {unicodedata.normalize(f, end) for f in ("NFC", "NFD") for end in ends} | ends:
            called[form].append(picture)
    named: dict[Path, dict[str, Path]] = defaultdict(dict)  # split, and the list that says so
    for file, split, line, fitting in selecting.lines_in(lists, called):
        fitting = [picture for picture in fitting or () if picture in found]
        if len(fitting) != 1:
            reason = "that fit several pictures" if fitting else "that name no labelled picture"
            left_out[f"lines of lists {reason}"].append(f"{line[:60]} in {file.name}")
        else:
            named[fitting[0]].setdefault(split, file)
    twice = {picture: where for picture, where in named.items() if len(where) > 1}
    splits = {picture: next(iter(where)) for picture, where in named.items()}
    splits = _if_several(splits | dict.fromkeys(twice))
    if not splits:
        left_out["lists, since they tell no two splits apart"] += [file.name for file in lists]
        return {}
    for picture, where in twice.items():
        names = " and ".join(file.name for file in where.values())
        left_out["pictures in two splits"].append(f"{picture.name} in {names}")
    return splits


def _by_folders(found: dict, directory: Path, told: dict[tuple, str]) -> dict[Path, str]:
    """Return the split that a picture's folders are told to be, or else are named as.

    Of those the outermost counts, but none that all pictures are in, such as ``my test``. A folder
    that has just the name of a split comes before one with that word in it.
    """
    splits = {}
    common = len(Path(os.path.commonpath([file.parent for file in found])).parts)
    for file in found:
        own = [part.lower() for part in file.parts[common:-1]]
        names = [selecting.LISTS.get(part) for part in own] + [*map(named_in, own)]
        split = _told(file.relative_to(directory).parts[:-1], told)
        split = split or next(filter(None, names), "")
        if split:
            splits[file] = split
    return _if_several(splits)


def _told(folders: tuple[str, ...], told: dict[tuple, str]) -> str:
    """Return the split of the place that shares its longest end with some of the folders."""
    ends = defaultdict(set)
    for place, split in told.items():
        for n in range(1, len(place) + 1):
            inside = range(len(folders) - n + 1)
            if any(folders[i : i + n] == place[-n:] for i in inside):
                ends[n].add(split)
    longest = ends[max(ends)] if ends else set()
    return longest.pop() if len(longest) == 1 else ""
