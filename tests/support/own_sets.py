"""Small data sets like those that people bring, drawn in a moment; each is odd in its own way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from coursekit.boxes import SIDES
from coursekit.pictures import ORIENTATION

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

COLORS = ("crimson", "royalblue", "seagreen", "goldenrod", "orchid", "sienna")
# Names that mean something to HTML, Markdown, mathematics in a figure, and a spreadsheet.
HOSTILE = ("<b>$x_`|</b>", '=1+1"')
LANDSCAPE, PORTRAIT, SQUARE = (160, 120), (120, 160), (140, 140)


@dataclass
class Scene:
    """One picture: its size, and its objects as (name, xmin, ymin, xmax, ymax), half-open."""

    size: tuple[int, int]
    things: list[tuple]


@dataclass
class OwnSet:
    """A data set, and what `coursekit run` is told about it."""

    scenes: list[Scene]
    classes: Sequence[str] = ("mug", "pen")
    lists: dict[str, Sequence[int]] = field(default_factory=dict)
    zero_based: bool = False  # boxes as CVAT writes them: from 0, and the last pixel left out
    marked: bool = True  # each class has its color; else nothing tells the classes apart
    turned: bool = False  # every second one is stored lying, as by a phone that was held upright


def scene(rng, names: Sequence[str], size=LANDSCAPE, shares=(0.15, 0.6)) -> Scene:
    """Return a picture with an object of each name, in a random place."""
    things = []
    for name in names:
        sides = np.maximum(2, np.multiply(size, rng.uniform(*shares, 2))).astype(int)
        low = rng.integers(0, np.subtract(size, sides) + 1)
        things.append((name, *(int(value) for value in (*low, *(low + sides)))))
    return Scene(size, things)


def scenes(rng, names: Sequence[str], n: int = 30, beside: bool = True, **how) -> list[Scene]:
    """Return `n` pictures of one object each; with `beside`, some have others next to it."""
    found = []
    for i in range(n):
        others = ["lamp"] if beside and i % 4 == 3 else []
        others += [str(names[0])] if beside and i % 10 == 9 else []
        found.append(scene(rng, [names[i % len(names)], *others], **how))
    return found


def no_small_or_large_box(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), size=(200, 160), shares=(0.25, 0.55)))


def one_object_each(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), beside=False))


def all_square(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), size=SQUARE))


def all_portrait(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), size=PORTRAIT))


def a_class_never_alone(rng) -> OwnSet:
    pairs = [scene(rng, ("pen", "mug")) for _ in range(6)]
    return OwnSet(scenes(rng, ("mug", "cup"), n=24) + pairs, classes=("mug", "cup", "pen"))


def counted_from_zero(rng) -> OwnSet:
    made = OwnSet(scenes(rng, ("mug", "pen")), zero_based=True)
    made.scenes[0].things[0] = ("mug", 0, 0, 40, 50)
    made.scenes[7].things[0] = ("pen", 60, 0, 160, 70)
    return made


def digits(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("1", "2", "3")), classes=("1", "2", "3"))


def names_like_numbers(rng) -> OwnSet:
    names = ("01", "02", "10", "NA", "None")
    return OwnSet(scenes(rng, names, n=40), classes=names)


def train_and_test_only(rng) -> OwnSet:
    lists = {"train": range(22), "test": range(22, 30)}
    return OwnSet(scenes(rng, ("mug", "pen")), lists=lists)


def one_class(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("raccoon",)), classes=("raccoon",))


def six_pictures(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), n=6, beside=False))


def six_of_one_class(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug",), n=6, beside=False), classes=("mug",))


def six_of_three_classes(rng) -> OwnSet:
    names = ("mug", "pen", "cup")
    return OwnSet(scenes(rng, names, n=6, beside=False), classes=names)


def six_of_six_classes(rng) -> OwnSet:
    names = ("mug", "pen", "cup", "key", "fork", "lamp")
    return OwnSet(scenes(rng, names, n=6, beside=False), classes=names)


def twelve_pictures(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), n=12))


def two_and_one_of_a_class(rng) -> OwnSet:
    few = scenes(rng, ("pen",), n=2, beside=False) + scenes(rng, ("cup",), n=1, beside=False)
    return OwnSet(scenes(rng, ("mug",), n=20) + few, classes=("mug", "pen", "cup"))


def cells(rng) -> OwnSet:
    """Like BCCD: many red cells in a picture, one white cell, a platelet now and then."""
    made = []
    for i in range(30):
        names = ["RBC"] * int(rng.integers(5, 12)) + ["WBC"] + ["Platelets"] * (i % 3 == 0)
        made.append(scene(rng, names, size=(320, 240), shares=(0.1, 0.3)))
    return OwnSet(made, classes=("WBC",))


def perfect_names(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), n=40, beside=False, shares=(0.6, 0.9)))


def photographs_of_a_phone(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen"), size=PORTRAIT), turned=True)


def nothing_to_learn(rng) -> OwnSet:
    return OwnSet(scenes(rng, ("mug", "pen")), marked=False)


def odd_in_every_way(rng) -> OwnSet:
    """Portraits from 0, lists without val, hostile names, one that is never alone.

    Of the 41 in the list, 33 stay for training: then the last batch has a single picture.
    """
    names = ("01", "NA", *HOSTILE)
    made = scenes(rng, names, n=47, beside=False, size=PORTRAIT, shares=(0.3, 0.6))
    made += [scene(rng, ("1", "01"), size=PORTRAIT) for _ in range(4)]
    made[0].things[0] = ("01", 0, 0, 40, 50)
    lists = {"train": [*range(41), *range(47, 51)], "test": range(41, 47)}
    return OwnSet(made, classes=("1", *names), lists=lists, zero_based=True)


SETS: tuple[Callable, ...] = (
    *(no_small_or_large_box, one_object_each, all_square, all_portrait, a_class_never_alone),
    *(counted_from_zero, digits, names_like_numbers, train_and_test_only, one_class),
    *(
        six_pictures,
        six_of_one_class,
        six_of_three_classes,
        six_of_six_classes,
        twelve_pictures,
        two_and_one_of_a_class,
        cells,
        perfect_names,
        nothing_to_learn,
    ),
    *(photographs_of_a_phone, odd_in_every_way),
)


def write(made: OwnSet, directory: Path, seed: int = 0) -> Path:
    """Return `directory`, in which the data set now is in VOC's layout."""
    rng = np.random.default_rng(seed)
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (directory / part).mkdir(parents=True)
    names = sorted({thing[0] for one in made.scenes for thing in one.things})
    for i, one in enumerate(made.scenes):
        image, options = draw(one, names, made.marked, rng), {}
        if made.turned and i % 2:
            image = image.transpose(Image.Transpose.ROTATE_90)
            options["exif"] = image.getexif()
            options["exif"][ORIENTATION] = 6  # show it turned to the right
        image.save(directory / "JPEGImages" / f"photo {i:02d}.jpg", **options)
        text = annotation(f"photo {i:02d}.jpg", one, made.zero_based)
        (directory / "Annotations" / f"photo {i:02d}.xml").write_text(text, encoding="utf-8")
    for split, members in made.lists.items():
        text = "".join(f"photo {i:02d}\n" for i in members)
        (directory / "ImageSets" / "Main" / f"{split}.txt").write_text(text, encoding="utf-8")
    return directory


def draw(one: Scene, names: Sequence[str], marked: bool, rng) -> Image.Image:
    """Return a picture: on rough ground, ellipses in the color of their class."""
    ground = rng.integers(90, 170, (one.size[1], one.size[0], 3)).astype(np.uint8)
    image = Image.fromarray(ground).filter(ImageFilter.GaussianBlur(2))
    pen = ImageDraw.Draw(image)
    for name, *box in one.things:
        color = COLORS[names.index(name) % len(COLORS)] if marked else "gray"
        pen.ellipse([box[0], box[1], box[2] - 1, box[3] - 1], fill=color)
    return image


def annotation(filename: str, one: Scene, zero_based: bool) -> str:
    """Return the text of an annotation file; VOC's boxes count from 1, with their last pixel."""
    lines = ["<annotation>", f"<filename>{filename}</filename>", "<size>"]
    sizes = zip(("width", "height", "depth"), (*one.size, 3), strict=True)
    lines += [*(f"<{key}>{value}</{key}>" for key, value in sizes), "</size>"]
    for name, xmin, ymin, xmax, ymax in one.things:
        start = 0 if zero_based else 1
        corners = (xmin + start, ymin + start, xmax, ymax)
        sides = [f"<{s}>{v}</{s}>" for s, v in zip(SIDES, corners, strict=True)]
        lines += ["<object>", f"<name>{escape(name)}</name>", "<bndbox>", *sides, "</bndbox>"]
        lines += ["</object>"]
    return "\n".join([*lines, "</annotation>", ""])
