"""Measure what each idea of lesson 03 brings, on several seeds, with the lesson's own code.

Run it with the settings of `coursekit run`: ``COURSEKIT_DATASET``, ``COURSEKIT_BACKBONE`` and
``COURSEKIT_WEIGHTS``. It goes on where it was interrupted, and writes four tables:

- ``probes_<name>.csv``, what the lesson's linear probe reads from averages and from all cells, on
  the validation pictures.
- ``ideas_<name>.csv``, a row for each step, learning rate and seed, on the validation pictures.
  The seed `TUNING` only chooses a rate.
- ``heads_<name>.csv``, a row for each of the lesson's last models and each seed, on the test
  pictures.
- ``outcomes_keras_<name>.csv``, the same picture by picture: two rows for each model and seed, with
  the IoU of each test picture, and 1 where its name is right. The columns are the pictures.
"""

import argparse
import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from unittest import mock

from coursekit import metrics, settings
from exercises import lesson_code

import pandas as pd

import _tables

LESSON = "03_keras_precomputed_features"
IDEAS = ("positions", "earlier layers", "IoU loss", "mirrored", "regularized")
# the control, each idea added to those before it, and each left out of all
STEPS = {"control": ()}
STEPS |= {f"+ {idea}": IDEAS[: number + 1] for number, idea in enumerate(IDEAS)}
STEPS |= {f"all but {out}": tuple(i for i in IDEAS if i != out) for out in IDEAS[:-1]}
OURS = "+ mirrored"  # the ideas that `val` kept: the head called pointing
PAIR = ("tuned pooled", "tuned spatial")
RANDOM = "random start"  # of the tuned spatial head
PUBLISHED = {"pooled": 0.01, "spatial": None}  # the weight of the box; None for 1 / SIZE²
LAZY = ("mean box", "center box")
LAST = {name: name for name in (*LAZY, *PUBLISHED, *PAIR)} | {"pointing": OURS}
LENGTH = 250  # steps of training
RATES = (2e-05, 0.0001, 0.0004, 0.002, 0.01, 0.05, 0.25)
FIRST = RATES[1:5]  # that are tried; then, where the best is an edge, the next one
# which step each takes its rate from: another output, input or loss is tuned itself
TUNED = {step: step for step in (*STEPS, *PAIR)}
TUNED |= dict.fromkeys(("+ mirrored", "+ regularized", "all but mirrored"), "+ IoU loss")
TUNED[RANDOM] = "tuned spatial"
TUNING = 100  # a seed that only chooses rates
CHOSEN_BY = ("rate", "mean_iou")
SCORES = ("accuracy", "mean_iou", "accuracy_at_iou_50")
FIELDS = {
    "probes": ("layer", "read_from", "accuracy", "mean_iou", "center", "size"),
    "ideas": ("step", "rate", "seed", *SCORES, "seconds"),
    "heads": ("step", "seed", *SCORES, "seconds"),
}
USED = (  # of the lesson; the tables must be measured again when these change
    *("pooled_head", "spatial_head", "compile_heads", "fit", "train_heads", "train_ours"),
    *("answer", "encode", "decode", "probe", "explained", "center_box"),
)
IMAGES = """
images = lessons.load_images()
CLASSES = images.groupby("label")["name"].first().tolist()
DATASET = datasets.locate()
subsets = {split: (images["split"] == split).to_numpy() for split in ("train", "val", "test")}
train, val, test = subsets.values()
"""
MAPS = """
backbone = keras_backbones.load()
*_, LAST = backbone.shapes
maps, _ = features.extract(backbone, images, DATASET)
averages = {LAST: maps[LAST].mean(axis=(1, 2), dtype="float32")}
x_last, x_all = maps[LAST], maps | averages
"""


def prepare(used: Sequence[str] = USED, data: str = MAPS) -> dict:
    """Return the lesson's names: what it defines among `used`, and its data.

    `data` is code that makes the backbone and, where the lesson needs them, the maps.
    """
    _tables.prepare_images()
    notebook = lesson_code.read(LESSON)
    space: dict = {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(IMAGES + data, space)
    exec(lesson_code.needed(notebook, used), space)
    exec("names, targets = encode(images)", space)
    return space


def trained(space: dict, step: str, rate: float, seed: int):
    """Return the model of one step, its features, and the unit of its boxes in pixels."""
    space["keras"].utils.set_random_seed(seed)
    if step in STEPS:
        return *space["train_ours"](seed, STEPS[step], rate, LENGTH), space["SIZE"]
    x = space["x_last"]
    model = space["pooled_head" if "pooled" in step else "spatial_head"](x.shape[1:])
    if step in PUBLISHED:
        space["compile_heads"](model, PUBLISHED[step] or 1 / space["SIZE"] ** 2)
        space["fit"](model, x, space["train"], 20)
        return model, x, 1
    start = {"start_at_mean_box": lambda *_: None} if step == RANDOM else {}
    with mock.patch.dict(space, start):
        space["train_heads"](model, x, seed, rate, LENGTH)
    return model, x, space["SIZE"]


def predictions(space: dict, step: str, rate: float, seed: int) -> tuple[pd.DataFrame, float]:
    """Return what one step with one seed predicts for all pictures, and the seconds it took."""
    start = time.perf_counter()
    if step in LAZY:
        train, n = space["train"], len(space["images"])
        mean = space["targets"][train].mean(axis=0)
        box = mean if step == "mean box" else space["center_box"]()
        classes = space["names"][train].mean(axis=0)[None].repeat(n, 0)
        boxes = box[None].repeat(n, 0)
    else:
        model, x, unit = trained(space, step, rate, seed)
        out = space["answer"](model, x)
        classes, boxes = out["class"], out["box"] * unit
    table = space["decode"](classes, boxes, space["images"])
    space["keras"].backend.clear_session()
    gc.collect()
    return table, round(time.perf_counter() - start, 1)


def best_rates(table: pd.DataFrame) -> dict[str, float]:
    """Return the rate of each step with the best mean IoU, by the seed for tuning."""
    tuning = table[table["seed"] == TUNING]
    best = tuning.loc[tuning.groupby("step")["mean_iou"].idxmax()]
    rates = dict(zip(best["step"], best["rate"], strict=True))
    return {step: rates[like] for step, like in TUNED.items()}


def tuning_keys(file: Path) -> Iterator[tuple]:
    """Yield what is to be measured until no best rate is an edge of those that were tried."""
    for step in dict.fromkeys(TUNED.values()):
        low, high = RATES.index(FIRST[0]), RATES.index(FIRST[-1])
        while True:
            yield from ((step, rate, TUNING) for rate in RATES[low : high + 1])
            best = RATES.index(_tables.best(file, {"step": step, "seed": TUNING}, *CHOSEN_BY))
            if low < best < high or best in (0, len(RATES) - 1):
                break
            low, high = min(low, best - 1), max(high, best + 1)


def probes(space: dict, layer: str, kind: str) -> list[float]:
    """Return what the lesson's probe reads from a layer, on `val`: accuracy, IoU, center, size."""
    x = space["maps"][layer]
    if kind == "averages":
        x = x.mean(axis=(1, 2), dtype="float32")
    learn, ask = space["train"], space["val"]
    classes, boxes = space["probe"](x, learn, ask)
    table = space["decode"](classes, boxes, space["images"][ask])
    scores = [metrics.named(table).mean(), metrics.iou(table).mean()]
    return [round(float(n), 4) for n in (*scores, *space["explained"](boxes, learn, ask).values())]


def provenance(name: str, space: dict, used: Sequence[str]) -> str:
    """Return the first line of a table: the data set of this name, the backbone, and the code."""
    identity, code = space["backbone"].identity, lesson_code.digest(lesson_code.read(LESSON), used)
    return (
        f"# data {_tables.named(name)}, backbone {identity['backbone']}, "
        f"weights {identity['weights']}, keras {space['keras'].__version__}, code {code}"
    )


def probed(space: dict, for_name, for_box, learn, ask) -> list[float]:
    """Return accuracy and mean IoU of lesson 03's probe, from what it reads of the pictures.

    It learns from the pictures `learn`, and answers for those of `ask`.
    """
    classes, _ = space["probe"](for_name, learn, ask)
    _, boxes = space["probe"](for_box, learn, ask)
    table = space["decode"](classes, boxes, space["images"][ask])
    return [round(metrics.named(table).mean(), 4), round(metrics.iou(table).mean(), 4)]


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about its last models, and whether every seed agrees."""
    seeds = _tables.seeds_of(table)
    return {
        f"The mean IoU of the head that points is above that of {other!r} on every seed.": (
            seeds["pointing"].min() > seeds[other].max()
        )
        for other in LAST
        if other != "pointing"
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the files yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=settings.dataset_name(), help="of the files")
    parser.add_argument("--seeds", type=int, default=5, help="for each step and model")
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the files")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = prepare()
    header, images = provenance(options.name, space, USED), space["images"]

    def measured(
        file: str, keys: Iterable[tuple], row: Callable, fields: tuple = ()
    ) -> pd.DataFrame:
        file, fields = f"{file}_{options.name}.csv", fields or FIELDS[file]
        return _tables.measure(options.out / file, header, fields, keys, row)

    kinds = [(layer, kind) for layer in space["maps"] for kind in ("averages", "all cells")]
    measured("probes", kinds, lambda *key: probes(space, *key))

    of = cache(lambda *key: predictions(space, *key))  # trained once for all tables

    def scores(split: str, *key) -> list:
        table, seconds = of(*key)
        return [*metrics.outcomes(table[table["split"] == split]).mean().round(4), seconds]

    tuning = tuning_keys(options.out / f"ideas_{options.name}.csv")
    best = best_rates(measured("ideas", tuning, partial(scores, "val")))
    best |= dict.fromkeys(LAZY, 0.0) | dict.fromkeys(PUBLISHED, 0.001)
    steps = dict.fromkeys([*TUNED, *LAST.values()], options.seeds) | dict.fromkeys(LAZY, 1)
    keys = [
        (step, best[step], seed)
        for seed in range(options.seeds)
        for step in steps
        if seed < steps[step]
    ]
    measured("ideas", keys, partial(scores, "val"))

    keys = [(name, seed) for name in LAST for seed in range(steps[LAST[name]])]

    def model(name: str, seed: int) -> tuple[str, float, int]:
        return LAST[name], best[LAST[name]], seed

    def outcomes(name: str, seed: int, what: str) -> list:
        rows, _ = of(*model(name, seed))
        rows = metrics.outcomes(rows[rows["split"] == "test"])
        return [*(rows["mean_iou"].round(3) if what == "iou" else rows["accuracy"].astype(int))]

    table = measured("heads", keys, lambda *key: scores("test", *model(*key)))
    fields = ("step", "seed", "what", *images.loc[space["test"], "image_id"])
    keys = [(*key, what) for key in keys for what in ("iou", "right")]
    measured("outcomes_keras", keys, outcomes, fields)
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
