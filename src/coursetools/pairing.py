"""Which picture some labels belong to, what it is to be called, and which ones are there twice."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from coursekit.voc import selecting
from coursetools.labels import Labels, key, nearest

HOMES = {"jpegimages", "images"}  # beside them, masks are often called as the pictures are


def pair(
    read: Iterable[Labels], named: dict[str, list[Path]], directory: Path, left_out: dict
) -> dict[Path, Labels]:
    """Return the labels of each picture.

    `named` holds the pictures of each name. Of labels that claim one picture, those that are called
    as it is get it, whatever others say in ``<filename>``; of these, the nearest. A picture may be
    missing, and in another folder there may be one of its name. So labels get no picture that
    shares fewer folders with them than those do that most labels of their place get.
    """
    claims: dict[Path, list[tuple]] = defaultdict(list)
    usual: dict[frozenset, Counter] = defaultdict(Counter)
    for labels in read:
        place = frozenset(_place(labels, directory))
        fit = fitting(labels, named, directory)
        if not fit:
            left_out["labels without a picture"].append(labels.picture)
        elif len(fit) > 1:
            names = " and ".join(file.relative_to(directory).as_posix() for file in fit)
            left_out["labels that fit several pictures"].append(f"{labels.picture}: {names}")
        else:
            shared = len(place & {*fit[0].relative_to(directory).parts[:-1]})
            usual[place][shared] += 1
            other_name = bool(labels.given) and key(labels.picture) not in named
            claims[fit[0]].append((other_name, -shared, place, labels))
    found = {}
    for picture, claiming in claims.items():
        for _, shared, place, labels in sorted(claiming, key=lambda one: one[:2]):
            most, _ = max(usual[place].items(), key=lambda one: one[::-1])
            if -shared < most:
                whole = PurePosixPath(labels.picture).stem != labels.file.stem  # a file for many
                other = picture.relative_to(directory).as_posix()
                own = labels.picture if whole else labels.file.relative_to(directory).as_posix()
                reason = "labels whose picture is missing, though another has its name"
                left_out[reason].append(f"{own}, and there is {other}")
            elif picture in found:
                left_out["second labels of a picture"].append(labels.picture)
            else:
                found[picture] = labels
    return found


def _place(labels: Labels, directory: Path) -> set[str]:
    """Return the folders of a label file, and those of the picture that it names."""
    wanted = PurePosixPath(labels.picture.replace("\\", "/"))
    return {*labels.file.relative_to(directory).parts[:-1], *wanted.parts[:-1]}


def fitting(labels: Labels, named: dict[str, list[Path]], directory: Path) -> list[Path]:
    """Return the picture of that name, with an ending or without; else that of the name given.

    Of several it is the nearest; of these, one where pictures belong; of these, one of the name
    given. All of them if that leaves several.
    """
    wanted, given = (
        PurePosixPath(name.replace("\\", "/")) for name in (labels.picture, labels.given)
    )
    fitting = named.get(key(wanted.name)) or named.get(key(given.name)) or []
    fitting = nearest(_place(labels, directory), fitting, directory)
    home = [
        file
        for file in fitting
        if HOMES & {*map(str.lower, file.relative_to(directory).parts[:-1])}
    ]
    fitting = home or fitting
    return [file for file in fitting if file.name in (wanted.name, given.name)] or fitting


def stems(found: Iterable[Path], directory: Path) -> dict[Path, str]:
    """Return a stem for each picture that no other could have, in any case.

    Before its own stem are as many of its folders as that needs; two at least, as the last one
    alone is often called images. After it may be its ending, or what tells its path from others.
    In a list, a -1 at the end would mean that the picture does not belong to it.
    """
    forms = {}
    for file in found:
        *folders, name = file.relative_to(directory).parts
        longer = range(min(2, len(folders)), len(folders) + 1)
        stem = re.sub(r"\s+-1$", "_-1", file.stem)
        some = [stem, *("_".join([*folders[len(folders) - n :], stem]) for n in longer)]
        some += [name.replace(".", "_"), "_".join([*folders, name]).replace(".", "_")]
        path = file.relative_to(directory).as_posix()
        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
        forms[file] = [*some, f"{some[-1]}_{digest[:8]}"]
    often = Counter(form for some in forms.values() for form in {form.casefold() for form in some})
    return {
        file: next(form for form in some if often[form.casefold()] == 1)
        for file, some in forms.items()
    }


def copies(found: dict, splits: dict) -> dict[Path, Path]:
    """Return pictures that are in the set twice, byte for byte, each with the one that stays.

    Of several it is one with boxes; of these, the one that is for training: else the test would be
    on a known picture.
    """
    order = [*selecting.SHARES, None]
    files = sorted(
        found, key=lambda file: (not found[file].boxes, order.index(splits.get(file)), file)
    )
    sizes = Counter(file.stat().st_size for file in files)
    first: dict[bytes, Path] = {}
    copies = {}
    for file in files:
        if sizes[file.stat().st_size] > 1:  # only then can two be the same
            content = hashlib.sha256(file.read_bytes()).digest()
            if first.setdefault(content, file) != file:
                copies[file] = first[content]
    return copies
