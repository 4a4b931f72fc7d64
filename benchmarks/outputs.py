"""Measure lesson 01's networks against the number of rectangles that they have seen.

Two bodies, the axis network and the plain one, and two outputs, positions and four numbers, make
four networks; the fifth weighs ideal edge maps. Each trains on fresh rectangles, once for each
number of them, along a cosine from its rate to 0. The rate is chosen on validation rectangles, for
all networks by the same rule. Then other seeds train with it, and only they see test rectangles.
The steps on the way to the schedule and the larger network are measured in the same way, with one
number of rectangles. It writes ``book/results/outputs.csv``.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from coursekit import boxes
from exercises import lesson_code
from minivoc import rectangles

import numpy as np
import pandas as pd

import _tables
from _tables import interval

LESSON = "01_synthetic_rectangles"
USED = (
    *("plain_network", "LARGER", "axis_network", "axis_numbers", "plain_positions"),
    *("sigmoid_target", "linear_target", "position_target", "POSITION_LOSS"),
    *("from_sigmoid", "from_linear", "from_positions", "edge_maps", "linear_on_maps"),
)
BATCH, CHUNK, SCORED = 32, 5120, 2000  # rectangles: in a batch, drawn at once, in a score
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
FIRST = RATES[2:-2]  # that are tried; then the best one, and its neighbors on both sides
ONCE = 10_240  # the one number of rectangles for the steps to the schedule
# For each number of rectangles, how many seeds choose the rate and how many are scored: fewer
# where a training takes longest.
SEEDS = {1024: (2, 5), 3072: (1, 5), 10_240: (1, 5), 30_720: (1, 3), 102_400: (0, 3)}
CHOOSES = 101  # the first seed that chooses a rate; those that are scored begin with 1
VALIDATION, TEST = 7001, 7002  # seeds of drawings
FIELDS = ("network", "rectangles", "rate", "use", "seed", "val_iou", "mean_iou", "seconds")


def on_lines(model, keras):
    """Return a network from the maxima of columns and rows on; the picture is what takes time.

    A network without such maxima comes back as it is.
    """
    maxima = [op.output for op in getattr(model, "operations", ()) if op.name.startswith("max")]
    return keras.Model(maxima, model.output) if len(maxima) == 2 else model


def pictures(model, truth: np.ndarray) -> np.ndarray | list[np.ndarray]:
    """Return the inputs of a model: pictures, or the maxima of their columns and of their rows."""
    if not isinstance(model.input, list):
        return rectangles.paint(truth, model.input_shape[1])
    place = np.arange(rectangles.SIZE)
    inside = (place >= truth[:, :2, None]) & (place < truth[:, 2:, None])
    return [*inside.astype("float32").swapaxes(0, 1)[..., None]]


class Arm(NamedTuple):
    """A network, how it answers, and how its rate behaves."""

    build: Callable
    target: Callable[[np.ndarray], np.ndarray]
    read: Callable[[np.ndarray], np.ndarray]
    scored: Sequence[int]  # for which numbers of rectangles
    loss: object = "mae"
    falls: bool = True  # the rate, to 0
    inputs: Callable = pictures  # from the model and the boxes


def prepare(used: Sequence[str] = USED) -> dict:
    """Return what lesson 01 defines among `used`."""
    notebook = lesson_code.read(LESSON)
    space: dict = {"SIZE": rectangles.SIZE}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    exec(lesson_code.needed(notebook, used), space)
    return space


def arms(space: dict) -> dict[str, Arm]:
    """Return the arms that are measured, by their names in the table."""
    numbers = space["linear_target"], space["from_linear"]
    positions = space["position_target"], space["from_positions"]
    sigmoids = space["sigmoid_target"], space["from_sigmoid"]
    classes, plain = space["POSITION_LOSS"], space["plain_network"]
    every, once = (*SEEDS,), (ONCE,)
    slow = every[:-1]  # the last would take most of the time of all

    def edge_maps(_, truth: np.ndarray) -> np.ndarray:
        return space["edge_maps"](truth)

    return {
        "axis, positions": Arm(space["axis_network"], *positions, every, classes),
        "axis, four numbers": Arm(space["axis_numbers"], *numbers, every),
        "edge maps, four numbers": Arm(space["linear_on_maps"], *numbers, every, inputs=edge_maps),
        "plain, positions": Arm(space["plain_positions"], *positions, slow, classes),
        "plain, four numbers": Arm(plain, *numbers, slow),
        "plain, sigmoid": Arm(
            partial(plain, activation="sigmoid"), *sigmoids, once, "binary_crossentropy", False
        ),
        "no sigmoid": Arm(plain, *numbers, once, falls=False),
        "larger network": Arm(partial(plain, **space["LARGER"]), *numbers, once),
    }


class Trainer:
    """One arm, compiled once: compiling takes longer than many training runs."""

    def __init__(self, arm: Arm):
        import keras

        self.arm, self.keras = arm, keras
        self.whole = arm.build()  # its weights are those of the next
        self.model = on_lines(self.whole, keras)
        # variables, because they change without compiling again
        self.rate, self.steps = keras.Variable(1.0), keras.Variable(1.0)
        schedule = keras.optimizers.schedules.CosineDecay(self.rate, self.steps)
        self.model.compile(keras.optimizers.Adam(schedule), arm.loss, jit_compile=True)

    def __call__(self, number: int, rate: float, seed: int, test: bool) -> list[float]:
        """Return mean IoU on validation and, if asked, on test rectangles, and the seconds."""
        began = time.perf_counter()
        self.keras.utils.set_random_seed(seed)
        self.whole.set_weights(self.arm.build().get_weights())
        for variable in self.model.optimizer.variables:
            variable.assign(self.keras.ops.zeros_like(variable))
        self.rate.assign(rate)
        self.steps.assign(number / BATCH if self.arm.falls else np.inf)
        rng = np.random.default_rng([seed, number])
        for start in range(0, number, CHUNK):
            truth = rectangles.draw_boxes(min(CHUNK, number - start), rng)
            x, y = self.arm.inputs(self.model, truth), self.arm.target(truth)
            self.model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
        tested = self.score(TEST) if test else ""
        return [self.score(VALIDATION), tested, round(time.perf_counter() - began, 1)]

    def score(self, drawing: int) -> float:
        """Return the mean IoU on the rectangles of one drawing."""
        truth = rectangles.draw_boxes(SCORED, np.random.default_rng(drawing))
        inputs = self.arm.inputs(self.model, truth)
        answer = self.arm.read(self.model.predict(inputs, batch_size=500, verbose=0))
        return round(float(boxes.iou(truth, answer).mean()), 4)


def around(rate: float) -> list[float]:
    """Return a rate and its neighbors in `RATES`."""
    i = RATES.index(rate)
    return [rate, *RATES[max(i - 1, 0) : i], *RATES[i + 1 : i + 2]]


def keys(file: Path, chosen: dict[str, Arm]) -> Iterator[tuple]:
    """Yield what is to be measured: for each number of rectangles the rates, then the seeds.

    More rates are tried until the best one is not an edge of what was tried, or `RATES` ends.
    """
    start = dict.fromkeys(chosen, FIRST)
    for number, (choosing, scored) in SEEDS.items():
        for name, arm in chosen.items():
            if number > max(arm.scored):
                continue
            best, tried = start[name][0], []
            waiting = start[name] if choosing else ()
            while waiting:
                for rate in waiting:
                    for seed in range(choosing):
                        yield name, number, rate, "choose", CHOOSES + seed
                tried += waiting
                same = {"network": name, "rectangles": number, "use": "choose"}
                best = _tables.best(file, same, "rate", "val_iou")
                waiting = [rate for rate in around(best) if rate not in tried]
            start[name] = around(best)
            for seed in range(1, scored + 1) if number in arm.scored else ():
                yield name, number, best, "score", seed


def verdicts(table: pd.DataFrame) -> dict[str, bool]:
    """Return what the lesson says about the networks, and whether the intervals bear it out.

    The same seed draws the same rectangles for all networks, so differences are taken seed by seed.
    """
    scored = table[table["use"] == "score"].set_index("seed")
    runs = {key: rows["mean_iou"] for key, rows in scored.groupby(["network", "rectangles"])}
    numbers, positions, maps = "plain, four numbers", "plain, positions", "edge maps, four numbers"

    def gain(after: str, before: str, number: int = ONCE) -> pd.Series:
        return interval(runs[after, number] - runs[before, number])

    steps = ("plain, sigmoid", "no sigmoid", numbers, "larger network")
    gains = [gain(after, before) for before, after in pairwise(steps)]
    early = [gain(numbers, positions, number) for number in SEEDS if number <= ONCE]
    late = gain(numbers, positions, 30_720)
    both = [gain(numbers, "axis, four numbers", number) for number in (*SEEDS,)[1:-1]]
    ends = {  # the last two numbers of rectangles of each network that is not perfect
        "axis, four numbers": (30_720, 102_400),
        maps: (30_720, 102_400),
        positions: (ONCE, 30_720),
        numbers: (ONCE, 30_720),
    }
    rises = [interval(runs[n, last] - runs[n, before]) for n, (before, last) in ends.items()]
    firsts = [runs[key].min() for key in runs if key[0] == "axis, positions"]
    return {
        "Each step to the larger network gains something.": all(g["low"] > 0 for g in gains),
        "The larger network gains least.": gains[-1]["mean"] < min(g["mean"] for g in gains[:-1]),
        "The axis network with positions is near 1 on every seed.": min(firsts) >= 0.99,
        "Small steps on ideal maps are far from 1.": interval(runs[maps, ONCE])["high"] <= 0.6,
        "In the end they come near it.": interval(runs[maps, 102_400])["low"] >= 0.95,
        "Positions are behind on the plain network.": all(gap["low"] > 0 for gap in early),
        "In the end they have nearly caught up.": late["low"] >= -0.05 and late["high"] <= 0.08,
        "From the second number on, the plain body is better for four numbers.": all(
            gap["low"] > 0 for gap in both
        ),
        "The other curves still rise where they end.": all(rise["low"] > 0 for rise in rises),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=_tables.FOLDER, help="folder of the file")
    options = parser.parse_args(arguments)
    space, code = prepare(), lesson_code.digest(lesson_code.read(LESSON), USED)
    header = f"# fresh rectangles, keras {space['keras'].__version__}, code {code}"
    file, trainers = options.out / "outputs.csv", {}
    all_arms = arms(space)

    def row(name: str, number: int, rate: float, use: str, seed: int) -> list[float]:
        if name not in trainers:
            trainers[name] = Trainer(all_arms[name])
        return trainers[name](number, rate, seed, use == "score")

    steps = keys(file, all_arms)
    table = _tables.measure(file, header, FIELDS, steps, row)
    scored = table[table["use"] == "score"]
    ends = scored[scored["rectangles"] == scored["rectangles"].max()]
    print(ends.groupby("network")["mean_iou"].agg(["mean", "min", "max"]).round(3))
    _tables.judge(verdicts(table))


if __name__ == "__main__":
    main()
