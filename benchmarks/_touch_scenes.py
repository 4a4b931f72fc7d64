"""Scenes for the page "A network to touch": animals pasted on a backdrop, as the page does it.

A scene is square. Each of its animals is a cut-out that is resized, perhaps mirrored, and pasted,
the nearer in front. What the page does with a canvas is done here with Pillow.
"""

from typing import NamedTuple

from minivoc import CLASSES, dataset, pictures, scenes
from minivoc.sketching import draw_object

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 128  # of the picture that the network sees, in pixels
MOST = 4  # animals in a scene
SIZES = 0.15, 0.9  # of a cut-out's longer side, as a share of the scene's
SOLID = 128  # a pixel shows the animal where alpha is at least this; its shadow is fainter
SEEN = 0.3  # what is hidden more than this counts as gone, as in `minivoc.pictures.find`


class Object(NamedTuple):
    """An animal that can be seen: its class, and its box in pixels, half-open."""

    name: str
    box: tuple[int, int, int, int]


class Placed(NamedTuple):
    """A cut-out in a scene: where its middle is and how long its longer side, as shares."""

    name: str
    image: Image.Image
    x: float
    y: float
    size: float


def cut_out(rng: np.random.Generator, name: str, height: int) -> Image.Image:
    """Return an animal with the shadow at its feet, RGBA."""
    animal = draw_object(name, rng, height)
    deep = max(2, animal.width // 12)
    image = Image.new("RGBA", (animal.width + 2 * deep, animal.height + deep))
    stain = Image.new("L", image.size)
    low = animal.height - deep, animal.height + deep // 2
    ImageDraw.Draw(stain).ellipse((deep, low[0], image.width - deep, low[1]), fill=95)
    image.paste((42, 32, 66, 0), (0, 0, *image.size))
    image.putalpha(stain.filter(ImageFilter.BoxBlur(deep / 4)))
    image.alpha_composite(animal, (deep, 0))
    return image


def backdrop(rng: np.random.Generator, side: int) -> Image.Image:
    """Return a square backdrop without animals, cut out of a wider one."""
    scene, things = scenes.compose(rng, ())
    image = pictures.render(scene, things)
    short = min(image.size)
    left, top = (int(rng.integers(0, length - short + 1)) for length in image.size)
    box = (left, top, left + short, top + short)
    return image.resize((side, side), Image.Resampling.LANCZOS, box)


def stock(seed: int, n: int) -> tuple[list[Image.Image], list[tuple[str, Image.Image]]]:
    """Return `n` backdrops, and three times as many cut-outs with their names."""
    rng = np.random.default_rng(seed)
    names = [CLASSES[i % len(CLASSES)] for i in range(3 * n)]
    cut_outs = [(name, cut_out(rng, name, 100)) for name in names]
    return [backdrop(rng, SIDE) for _ in range(n)], cut_outs


def scatter(rng: np.random.Generator, cut_outs: list) -> list[Placed]:
    """Return up to `MOST` animals by chance, from back to front."""
    placed = []
    for _ in range(rng.integers(0, MOST + 1)):
        name, image = cut_outs[rng.integers(len(cut_outs))]
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        x, y = rng.uniform(0.05, 0.95, 2)
        placed.append(Placed(name, image, x, y, rng.uniform(*SIZES)))
    return sorted(placed, key=foot)


def foot(animal: Placed) -> float:
    """Return how far down an animal reaches, as a share: what stands lower is nearer."""
    return animal.y + animal.size / 2 * animal.image.height / max(animal.image.size)


def compose(scene: Image.Image, placed: list[Placed]) -> tuple[Image.Image, list[Object]]:
    """Return the picture of some animals, from back to front, and what can be seen of each."""
    image = scene.copy()
    owner = np.full((SIDE, SIDE), -1)
    whole = []
    for i, animal in enumerate(placed):
        zoom = animal.size * SIDE / max(animal.image.size)
        w, h = (max(1, round(zoom * length)) for length in animal.image.size)
        small = animal.image.resize((w, h), Image.Resampling.BILINEAR)
        x, y = round(animal.x * SIDE - w / 2), round(animal.y * SIDE - h / 2)
        image.paste(small, (x, y), small)
        left, top = max(0, -x), max(0, -y)
        solid = np.asarray(small)[top : SIDE - y, left : SIDE - x, 3] >= SOLID
        owner[max(0, y) : y + h, max(0, x) : x + w][solid] = i
        whole.append(solid.sum())
    objects = []
    for i, animal in enumerate(placed):
        mine = owner == i
        if mine.any() and mine.sum() >= SEEN * whole[i]:
            rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
            box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
            objects.append(Object(animal.name, tuple(map(int, box))))
    return image, objects


def composed(seed: int, n: int) -> list[tuple[Image.Image, list[Object]]]:
    """Return scenes as the page makes them, by chance, with what can be seen in each."""
    backdrops, cut_outs = stock(seed, n)
    rng = np.random.default_rng(seed)
    return [compose(scene, scatter(rng, cut_outs)) for scene in backdrops]


def drawn_whole(seed: int, n: int) -> list[tuple[Image.Image, list[Object]]]:
    """Return squares cut out of pictures that minivoc drew whole: with shadows and colored light.

    Half of them were drawn with two or three animals, the others with one.
    """
    rng, found = np.random.default_rng(seed), []
    for i in range(n):
        kind = "several" if i % 2 else str(rng.choice(CLASSES))
        _, scene, sprites, _ = dataset.compose_one(i, kind, seed)
        image = pictures.render(scene, sprites)
        short = min(image.size)
        left, top = (int(rng.integers(0, length - short + 1)) for length in image.size)
        moved = [s._replace(at=(s.at[0] - left, s.at[1] - top)) for s in sprites]
        inside = pictures.find((short, short), moved, set(CLASSES))
        objects = [
            Object(thing.name, tuple(side * SIDE / short for side in thing.box)) for thing in inside
        ]
        square = (left, top, left + short, top + short)
        found.append((image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, square), objects))
    return found
