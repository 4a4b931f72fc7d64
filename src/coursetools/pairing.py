"""Which picture some labels belong to, what it is to be called, and which ones are there twice."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from coursekit.voc import selecting
from coursetools.labels import Labels, nearest

HOMES = {"jpegimages", "images"}  # beside them, masks are often called as the pictures are


def fitting(labels: Labels, named: dict[str, list[Path]], directory: Path) -> list[Path]:
    """Return the picture of that name, with an ending or without; else that of the name given.

    Of several it is the nearest; of these, one where pictures belong; of these, one of the name
    given. All of them if that leaves several.
    """
    wanted, given = (
        PurePosixPath(name.replace("\\", "/")) for name in (labels.picture, labels.given)
    )
    place = {*labels.file.relative_to(directory).parts, *wanted.parts[:-1]}
    fitting = named.get(wanted.name) or named.get(given.name) or []
    fitting = nearest(place, fitting, directory)
    home = [
        file
        for file in fitting
        if HOMES & {*map(str.lower, file.relative_to(directory).parts[:-1])}
    ]
    fitting = home or fitting
    return [file for file in fitting if file.name == given.name] or fitting


def stems(found: Iterable[Path], directory: Path) -> dict[Path, str]:
    """Return a stem for each picture that no other could have, in any case.

    Before its own stem are as many of its folders as that needs; two at least, as the last one
    alone is often called images. After it may be its ending, or what tells its path from others.
    """
    forms = {}
    for file in found:
        *folders, name = file.relative_to(directory).parts
        longer = range(min(2, len(folders)), len(folders) + 1)
        some = [file.stem, *("_".join([*folders[len(folders) - n :], file.stem]) for n in longer)]
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

    Of several it is the one that is for training: else the test would be on a known picture.
    """
    order = [*selecting.SHARES, None]
    files = sorted(found, key=lambda file: (order.index(splits.get(file)), file))
    sizes = Counter(file.stat().st_size for file in files)
    first: dict[bytes, Path] = {}
    copies = {}
    for file in files:
        if sizes[file.stat().st_size] > 1:  # only then can two be the same
            content = hashlib.sha256(file.read_bytes()).digest()
            if first.setdefault(content, file) != file:
                copies[file] = first[content]
    return copies
