"""Train the network of the page "A network to touch", measure it, and write what the page loads.

It sees drawn animals pasted on backdrops, new ones at each step, and takes about 20 minutes on
one core. It goes on where it was interrupted. Then it writes ``book/_static/network_to_touch``, and
``book/results/network_to_touch.csv``: how good the network is on scenes of the same kind, and on
pictures that were drawn whole. All animals and backdrops are others than those of the training.
Without Chromium and its driver it cannot measure the time of a frame.
"""

import argparse
import base64
import io
import json
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from coursekit import plotting, settings
from coursekit.files import write_whole
from coursekit.metrics import PREDICTED
from exercises import lesson_code
from minivoc import CLASSES, dataset

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

import _tables
import _touch_scenes
from _touch_scenes import SIDE, Placed

STATIC = settings.CHECKOUT / "book" / "_static"
STEPS, STOCK, SCORED = 8000, 3000, 1000  # steps, backdrops to train with, pictures to score
SEEDS = {"train": 1, "composed": 2, "drawn whole": 3}
SCENES = {"composed": _touch_scenes.composed, "drawn whole": _touch_scenes.drawn_whole}
FIELDS = ("pictures", "n", "objects", *CLASSES, "ap50", "numbers", "multiplications")
FIELDS += ("scenes", "frame_ms")
LEAST = 0.4  # the score of what the page shows at first; as in coursetools.publish.touch_network
ROSE = 0.84, 0.0, 0.45  # of the heat map, as in network_to_touch.css
# The animals of the page, by class and seed; and where some stand at first: x, y, size.
ANIMALS = {
    "brown dog": ("dog", 4, (0.29, 0.66, 0.5)),
    "spotted dog": ("dog", 9, None),
    "white cat": ("cat", 1, (0.56, 0.78, 0.36)),
    "orange bird": ("bird", 3, (0.1, 0.3, 0.17)),
    "black cow": ("cow", 11, None),
    "brown horse": ("horse", 4, (0.77, 0.56, 0.42)),
}
ELSEWHERE = 0.5, 0.5, 0.4  # where an animal appears that is not there at first
BACKDROPS = {"meadow": 15, "beach": 9, "night": 13, "room": 21}  # by seed
FRAME = """
const done = arguments[0];
const load = source => { const i = new Image(); i.src = source; return i.decode().then(() => i); };
const {backdrops, animals} = touchScenes;
Promise.all([backdrops[0], ...animals].map(e => load(e.source))).then(([backdrop, ...images]) => {
  const there = animals.map((a, i) => ({...a, image: images[i]})).filter(a => a.there), times = [];
  for (let i = 0; i < 40; i++) {
    const began = performance.now();
    networkToTouch.peaks(networkToTouch.maps(networkToTouch.compose(backdrop, there).pixels), 0.3);
    times.push(performance.now() - began);
  }
  done(times.slice(10));
});
"""


def code() -> str:
    """Return a short name for the code that composes, trains and scores."""
    files = (Path(__file__).with_name(f"_touch_{part}.py") for part in ("scenes", "network"))
    return lesson_code.short_name("\n".join(file.read_text(encoding="utf-8") for file in files))


def data_uri(image: Image.Image, quality: int) -> str:
    """Return a picture as text that a page can hold."""
    file = io.BytesIO()
    image.save(file, "WEBP", quality=quality, method=6)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def cut_out(kind: str, seed: int) -> Image.Image:
    """Return one of the page's animals."""
    number = CLASSES.index(kind)
    return _touch_scenes.cut_out(np.random.default_rng([77, number, seed]), kind, 240)


def backdrop(seed: int, side: int = 512) -> Image.Image:
    """Return one of the page's backdrops."""
    return _touch_scenes.backdrop(np.random.default_rng([78, seed]), side)


def write_scenes(file: Path) -> None:
    """Write the animals and the backdrops of the page as a script."""
    animals = []
    for label, (kind, seed, start) in ANIMALS.items():
        x, y, size = start or ELSEWHERE
        where = {"x": x, "y": y, "size": size, "there": start is not None}
        source = data_uri(cut_out(kind, seed), 82)
        animals.append({"label": label, "name": kind, **where, "source": source})
    backdrops = [
        {"label": label, "source": data_uri(backdrop(seed), 75)}
        for label, seed in BACKDROPS.items()
    ]
    content = json.dumps({"animals": animals, "backdrops": backdrops})
    write_whole(file, f"window.touchScenes = {content};\n")


def start() -> list[Placed]:
    """Return the animals that the page shows at first, from back to front."""
    placed = [
        Placed(kind, cut_out(kind, seed), *where)
        for kind, seed, where in ANIMALS.values()
        if where is not None
    ]
    return sorted(placed, key=_touch_scenes.foot)


def write_still(file: Path, layers: list[dict]) -> None:
    """Write the picture that a reader without JavaScript sees: the scene, truth and predictions."""
    import _touch_network

    seed = next(iter(BACKDROPS.values()))
    image, objects = _touch_scenes.compose(backdrop(seed, SIDE), start())
    maps = _touch_network.maps(layers, np.asarray(image)[None])
    figure = Figure(figsize=(5.12, 5.12), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, SIDE), ylim=(SIDE, 0))
    scene = backdrop(seed)
    for animal in start():
        zoom = animal.size * scene.width / max(animal.image.size)
        small = animal.image.resize([round(zoom * length) for length in animal.image.size])
        corner = animal.x * scene.width - small.width / 2, animal.y * scene.width - small.height / 2
        scene.paste(small, tuple(map(round, corner)), small)
    ax.imshow(scene, extent=(0, SIDE, SIDE, 0))
    heat = maps[0, : len(CLASSES)].max(axis=0)
    rose = np.full((*heat.shape, 4), (*ROSE, 0.0))
    rose[..., 3] = 0.9 * heat
    ax.imshow(rose, extent=(0, SIDE, SIDE, 0))
    for thing in objects:
        plotting.draw_box(ax, thing.box)
    for _, row in _touch_network.detections(maps, LEAST).iterrows():
        label = f"{row['pred_name']} {row['confidence']:.2f}"
        plotting.draw_box(ax, row[PREDICTED], "prediction", label)
    ax.set_axis_off()
    figure.savefig(file, pil_kwargs={"quality": 80, "method": 6})


def frame_time(folder: Path) -> float:
    """Return the milliseconds in which Chromium composes the first scene and finds its animals.

    Not a number where Chromium or its driver is not installed.
    """
    from selenium import webdriver  # only tests and this script need it

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        return float("nan")
    scripts = [folder / "weights.js", folder / "scenes.js", STATIC / "network_to_touch.js"]
    tags = "".join(f'<script src="{script.resolve().as_uri()}"></script>' for script in scripts)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch, "page.html")
        page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{tags}", encoding="utf-8")
        chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            chrome.get(page.as_uri())
            return statistics.median(chrome.execute_async_script(FRAME))
        finally:
            chrome.quit()


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the page says about the table, and whether it holds."""
    rows = table.set_index("pictures")
    composed, whole = rows.loc["composed"], rows.loc["drawn whole"]
    return {
        "It finds more than half of what there is to find in scenes like the page's.": (
            composed["ap50"] > 0.5
        ),
        "On pictures drawn whole it is worse.": whole["ap50"] < composed["ap50"] - 0.02,
        "A picture takes less than 0.2 s.": table["frame_ms"].max() < 200,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not trained, measure what is not in the file yet, and write the rest anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--stock", type=int, default=STOCK, help="backdrops to train with")
    parser.add_argument("--pictures", type=int, default=SCORED, help="to score")
    parser.add_argument("--out", type=Path, help="one folder for all files")
    options = parser.parse_args(arguments)
    folder = options.out or STATIC / "network_to_touch"
    trained = (options.out or settings.home()) / f"network_to_touch_{code()}.pt"
    for parent in (folder, trained.parent):
        parent.mkdir(parents=True, exist_ok=True)

    @cache  # only where a row is missing: another training would give other weights
    def prepare() -> tuple[list[dict], float]:
        import _touch_network  # here, so that PyTorch is imported only where it is needed

        model, minutes = _touch_network.train(
            trained, options.steps, lambda: _touch_scenes.stock(SEEDS["train"], options.stock)
        )
        _touch_network.write(folder / "weights.js", _touch_network.folded(model))
        write_scenes(folder / "scenes.js")
        layers = _touch_network.read(folder / "weights.js")  # with the weights that the page has
        write_still(folder / "still.webp", layers)
        milliseconds = frame_time(folder)
        print(f"trained for {minutes:.0f} minutes of one core")
        print(f"a frame: {milliseconds:.0f} ms in Chromium")
        return layers, milliseconds

    def row(pictures: str, n: int) -> list:
        import _touch_network

        layers, milliseconds = prepare()
        scenes = SCENES[pictures](SEEDS[pictures], n)
        precisions = _touch_network.precision(layers, scenes).reindex(CLASSES)
        return [
            sum(len(objects) for _, objects in scenes),
            *precisions.round(3),
            round(precisions.mean(), 3),
            sum(layer["weight"].size + layer["bias"].size for layer in layers),
            _touch_network.multiplications(layers),
            options.steps * _touch_network.BATCH,
            f"{milliseconds:.0f}",
        ]

    file = (options.out or _tables.FOLDER) / "network_to_touch.csv"
    header = f"# drawings, version {dataset.VERSION}, code {code()}"
    keys = [(pictures, options.pictures) for pictures in SCENES]
    _tables.judge(verdicts(_tables.measure(file, header, FIELDS, keys, row)))


if __name__ == "__main__":
    main()
