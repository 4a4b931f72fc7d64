"""Draws the data set ``mini``: pictures of animals in PASCAL VOC's format, oddities included."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from minivoc import CLASSES, SPLITS
from minivoc.drawing import fill_once, for_each
from minivoc.landscapes import Backdrop
from minivoc.pictures import Found, Sprite, find, render
from minivoc.scenes import NAMES, SCENES, compose

import numpy as np

VERSION = 2  # raise it whenever the pictures change
BALANCE = (221, 177, 130, 40, 132)  # of the classes, as in VOC 2007's test set
SHARES = {"single": 0.85, "several": 0.08, "none": 0.07}
NONE_FAULTS = ("nothing listed", "beyond the edge", "sides swapped", "unknown name")
HEADER = """<annotation>
\t<folder>mini</folder>
\t<filename>{name}.jpg</filename>
\t<source>
\t\t<database>mini</database>
\t\t<annotation>coursekit</annotation>
\t\t<image>drawn</image>
\t</source>
\t<size>
\t\t<width>{width}</width>
\t\t<height>{height}</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>"""


def apportion(n: int, weights) -> list[int]:
    """Return `n` divided in proportion to the weights, as integers that add up to `n`."""
    exact = n * np.asarray(weights, float) / np.sum(weights)
    parts = np.floor(exact).astype(int)
    parts[np.argsort(parts - exact, kind="stable")[: n - parts.sum()]] += 1
    return parts.tolist()


def roster(n: int, seed: int) -> list[str]:
    """Return for each picture its animal, or ``several``, or ``none``, in random order."""
    single, several, none = apportion(n, list(SHARES.values()))
    counts = apportion(single, BALANCE)
    kinds = np.repeat([*CLASSES, "several", "none"], [*counts, several, none])
    return np.random.default_rng(seed).permutation(kinds).tolist()


def split(
    kinds: list[str], seed: int, shares: Mapping[str, float] = SPLITS
) -> dict[str, list[int]]:
    """Return the sorted indices of each split; every kind is divided in the same shares."""
    rng = np.random.default_rng([seed, len(kinds), 1])
    parts = {name: [] for name in shares}
    for kind in sorted(set(kinds)):
        members = rng.permutation([i for i, k in enumerate(kinds) if k == kind])
        ends = np.cumsum(apportion(len(members), list(shares.values())))[:-1]
        for name, chosen in zip(shares, np.split(members, ends), strict=True):
            parts[name] += chosen.tolist()
    return {name: sorted(indices) for name, indices in parts.items()}


def wanted(kind: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Return the names of the objects that a picture of this kind must show."""
    if kind == "several":
        first = rng.choice(CLASSES)
        return tuple(
            first if rng.random() < 0.5 else rng.choice(CLASSES) for _ in range(rng.integers(2, 4))
        )
    if kind == "none":
        return ("",)  # whatever belongs in the scene
    return (kind,)


def faults(kinds: list[str]) -> dict[int, str]:
    """Return the few pictures whose annotation has a fault for an audit to find.

    None of them is a picture of a single animal, so no training box is wrong.
    """
    none = [i for i, kind in enumerate(kinds) if kind == "none"]
    several = [i for i, kind in enumerate(kinds) if kind == "several"]
    return dict(zip(none, NONE_FAULTS, strict=False)) | {i: "listed twice" for i in several[:1]}


def compose_one(index: int, kind: str, seed: int, scenes: Sequence[str] = SCENES):
    """Return what makes picture number `index`: its generator, backdrop, sprites and objects.

    It shows one of `scenes`. Rarely, one object hides another; then another picture is composed.
    """
    rng = np.random.default_rng([seed, index])
    goal = 1 if kind in CLASSES else 2 if kind == "several" else 0
    while True:
        backdrop, sprites = compose(rng, wanted(kind, rng), scenes)
        objects = find(backdrop.image.size, sprites, NAMES)
        animals = [thing.seen for thing in objects if thing.name in CLASSES]
        if objects and min(len(animals), 2) == goal and min(animals, default=1) > 0.55:
            return rng, backdrop, sprites, objects


def draw_one(index: int, kind: str, fault: str, seed: int, directory: Path) -> None:
    """Draw picture number `index` and write its two files."""
    rng, backdrop, sprites, objects = compose_one(index, kind, seed)
    objects = _spoil(objects, fault, backdrop.image.width)
    write_one(index, backdrop, sprites, objects, rng, directory)


def write_one(
    index: int,
    backdrop: Backdrop,
    sprites: list[Sprite],
    objects: list[Found],
    rng: np.random.Generator,
    directory: Path,
) -> None:
    """Write the two files of picture number `index`: the picture, and what it shows."""
    name = f"{index + 1:06d}"
    image = render(backdrop, sprites)
    image.save(directory / "JPEGImages" / f"{name}.jpg", quality=88)
    path = directory / "Annotations" / f"{name}.xml"
    path.write_text(annotation(name, image.size, objects, rng), encoding="utf-8", newline="\n")


def _spoil(objects: list[Found], fault: str, width: int) -> list[Found]:
    """Return the objects with one fault in them, or as they are."""
    first, *rest = objects
    xmin, ymin, xmax, ymax = first.box
    return {
        "nothing listed": [],
        "beyond the edge": [first._replace(box=(xmin, ymin, width + 3, ymax)), *rest],
        "sides swapped": [first._replace(box=(xmax, ymin, xmin, ymax)), *rest],
        "unknown name": [first._replace(name=first.name.capitalize()), *rest],
        "listed twice": [first, *objects],
    }.get(fault, objects)


def annotation(name: str, size: tuple[int, int], objects: list[Found], rng) -> str:
    """Return the text of an annotation file, in the dialect of one of VOC's years."""
    dialect = rng.choice(["2007", "2008", "2011"], p=[0.6, 0.2, 0.2])
    width, height = size
    lines = HEADER.format(name=name, width=width, height=height).splitlines()
    written = {thing: _object(thing, size, dialect, rng) for thing in objects}
    for thing in objects:  # one that is listed twice has the same text twice
        lines += written[thing]
    return "\n".join([*lines, "</annotation>", ""])


def _object(thing: Found, size, dialect: str, rng) -> list[str]:
    lines = ["\t<object>", f"\t\t<name>{thing.name}</name>", f"\t\t<pose>{thing.pose}</pose>"]
    lines.append(f"\t\t<truncated>{thing.truncated:d}</truncated>")
    if dialect != "2007":
        lines.append(f"\t\t<occluded>{thing.seen < 0.95:d}</occluded>")
    box = _bndbox(thing.box, size, dialect, rng, "\t\t")
    difficult = [f"\t\t<difficult>{thing.difficult:d}</difficult>"]
    lines += box + difficult if dialect == "2011" else difficult + box
    for name, part in thing.parts:
        clipped = np.clip(np.round(part), 0, [size[0], size[1]] * 2)
        if clipped[2] - clipped[0] > 2 and clipped[3] - clipped[1] > 2:
            lines += ["\t\t<part>", f"\t\t\t<name>{name}</name>"]
            lines += [*_bndbox(clipped, size, dialect, rng, "\t\t\t"), "\t\t</part>"]
    return [*lines, "\t</object>"]


def _bndbox(box, size, dialect: str, rng, indent: str) -> list[str]:
    """Return a box as VOC writes it: one-based, inclusive; with fractions in some years."""
    values = np.add(box, [1.0, 1.0, 0.0, 0.0])
    if dialect == "2011":
        moved = values + rng.uniform(-0.4, 0.4, 4)
        values = np.clip(moved, 1, np.maximum(values, [*size, *size]))
    corners = dict(zip(("xmin", "ymin", "xmax", "ymax"), values, strict=True))
    order = ("xmax", "xmin", "ymax", "ymin") if dialect == "2008" else corners
    form = ".2f" if dialect == "2011" else ".0f"
    inner = [f"{indent}\t<{key}>{corners[key]:{form}}</{key}>" for key in order]
    return [f"{indent}<bndbox>", *inner, f"{indent}</bndbox>"]


def draw(directory: Path, n: int = 2100, seed: int = 2007, processes: int | None = None) -> Path:
    """Return `directory` once it holds the data set, which is drawn there unless it is already.

    The files are laid out as in VOC: ``Annotations/*.xml``, ``JPEGImages/*.jpg`` and
    ``ImageSets/Main/{train,val,trainval,test}.txt``. ``VERSION`` says what was drawn; another
    version, seed or number of pictures is replaced. The pictures depend on nothing else, least of
    all on the number of processes (by default, one for each core).

    Raises
    ------
    FileExistsError
        When something else is at `directory`: it is never deleted.
    """

    def fill(drawn: Path) -> None:
        kinds = roster(n, seed)
        wrong = faults(kinds)
        jobs = [range(n), kinds, [wrong.get(i, "") for i in range(n)]]
        write_all(drawn, partial(draw_one, seed=seed), jobs, split(kinds, seed), processes)

    return fill_once(Path(directory), {"version": VERSION, "seed": seed, "n": n}, fill)


def write_all(
    directory: Path,
    draw_one: Callable,
    jobs: list[Sequence],
    parts: dict[str, list[int]],
    processes: int | None,
) -> None:
    """Fill an empty directory: `draw_one` draws each of the jobs, and `parts` are the splits."""
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (directory / part).mkdir(parents=True)
    for_each(partial(draw_one, directory=directory), *jobs, processes=processes)
    parts = parts | {"trainval": sorted(parts["train"] + parts["val"])}
    for name, indices in parts.items():
        lines = "".join(f"{i + 1:06d}\n" for i in indices)
        (directory / "ImageSets/Main" / f"{name}.txt").write_text(lines, newline="\n")
