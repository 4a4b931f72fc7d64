"""Scoring 100,000 predictions, ours against the loops of source 000; and IoU against torchvision.

Both ways of scoring start with the same outputs of a network and must find the same three scores,
or the script fails. The ways take turns in every round of one run. The ratios are the medians over
the rounds.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

from coursekit import boxes, metrics
from coursekit.boxes import SIDES

import numpy as np
import pandas as pd

CLASSES = ["dog", "cat", "bus", "car", "aeroplane"]
SQUARE = 224  # pixels, the unit of the network's boxes
N, ROUNDS = 100_000, 9
PAIRS, PAIR_ROUNDS = ((1000, 1000), (2000, 2000), (100, 5000)), 21

Way = Callable[[], object]


def outputs(n: int) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Return made-up probabilities, boxes (cxcywh, in the square) and the table of true boxes.

    Each true box is around the middle of a picture, and the predicted one near it. Many of them
    reach over the border.
    """
    rng = np.random.default_rng(0)
    size = rng.integers(200, 500, (n, 2))
    middle, extent = rng.uniform(0.3, 0.7, (n, 2)), rng.uniform(0.2, 0.6, (n, 2))
    label = rng.integers(len(CLASSES), size=n)
    near = np.concatenate([middle, extent], axis=1) * np.exp(0.15 * rng.normal(size=(n, 4)))
    logits = rng.normal(size=(n, len(CLASSES)))
    logits[np.arange(n), label] += 2
    there = boxes.denormalize(boxes.cxcywh_to_xyxy(np.concatenate([middle, extent], axis=1)), size)
    truth = pd.DataFrame({"width": size[:, 0], "height": size[:, 1]})
    truth["name"] = pd.Series(CLASSES).array.take(label)
    truth[SIDES] = np.floor(boxes.clip(there, size))
    return metrics.softmax(logits), near * SQUARE, truth


# source 000's way: one picture after the other, in Python


def read_one(probabilities: np.ndarray, box: np.ndarray, width: int, height: int) -> tuple:
    """Return the name and the box that one output of the network stands for."""
    x, y, half_width, half_height = box[0], box[1], box[2] / 2, box[3] / 2
    left, top = max(0, x - half_width), max(0, y - half_height)
    right, bottom = min(SQUARE, x + half_width), min(SQUARE, y + half_height)
    across = [int(side * width / SQUARE) for side in (left, right)]
    down = [int(side * height / SQUARE) for side in (top, bottom)]
    return CLASSES[np.argmax(probabilities)], [across[0], down[0], across[1], down[1]]


def overlap_of_two(one: list, other: list) -> float:
    """Return the IoU of two boxes."""
    across = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    down = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return across * down / (sum(areas) - across * down)


def score_one_by_one(answers: list[tuple], truths: list[tuple]) -> list[float]:
    """Return accuracy, mean IoU and accuracy at IoU 0.5 of (name, box) against (name, box)."""
    named, overlaps, hits = 0, 0.0, 0
    for (name, box), (true_name, true_box) in zip(answers, truths, strict=True):
        overlap = overlap_of_two(box, true_box)
        overlaps += overlap
        if name == true_name:
            named += 1
            hits += overlap > 0.5
    return [named / len(truths), overlaps / len(truths), hits / len(truths)]


# ours: all pictures at once


def read_all(probabilities: np.ndarray, found: np.ndarray, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the table of predictions that all outputs of the network stand for."""
    size = truth[["width", "height"]].to_numpy()
    corners = boxes.clip(boxes.cxcywh_to_xyxy(found), (SQUARE, SQUARE))
    pixels = boxes.denormalize(boxes.normalize(corners, (SQUARE, SQUARE)), size)
    names = pd.Series(CLASSES).array.take(probabilities.argmax(axis=1))
    predicted = pd.DataFrame(np.floor(pixels), columns=metrics.PREDICTED)
    return pd.concat([truth, predicted], axis=1).assign(pred_name=names)


def score_all(table: pd.DataFrame) -> list[float]:
    """Return the three scores of a table of predictions, without their intervals."""
    return metrics.outcomes(table).mean().tolist()


def timed(ways: list[Way], rounds: int) -> tuple[np.ndarray, list]:
    """Return the seconds of each way in each round, shape (rounds, ways), and what they returned.

    One more round comes before, which does not count.
    """
    seconds = []
    for _ in range(rounds + 1):
        times, answers = [], []
        for way in ways:
            start = perf_counter()
            answers.append(way())
            times.append(perf_counter() - start)
        seconds.append(times)
    return np.array(seconds[1:]), answers


def compare(what: str, ours: Way, theirs: Way, rounds: int) -> tuple[float, list]:
    """Print the milliseconds of two ways; return theirs / ours, and what both returned."""
    seconds, answers = timed([ours, theirs], rounds)
    ratio = float(np.median(seconds[:, 1] / seconds[:, 0]))
    print(what, *(f"{1000 * median:12.1f}" for median in np.median(seconds, axis=0)), end="")
    return ratio, answers


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both comparisons; exit with an error where the scores differ."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    import torch
    from torchvision import ops

    probabilities, found, truth = outputs(N)
    sizes = list(zip(truth["width"].tolist(), truth["height"].tolist(), strict=True))
    truths = list(zip(truth["name"], truth[SIDES].astype(int).to_numpy().tolist(), strict=True))

    def answer_one_by_one() -> list[tuple]:
        given = zip(probabilities, found, sizes, strict=True)
        return [read_one(p, box, *size) for p, box, size in given]

    table, answers = read_all(probabilities, found, truth), answer_one_by_one()
    pairs = {
        "from the outputs": (
            lambda: score_all(read_all(probabilities, found, truth)),
            lambda: score_one_by_one(answer_one_by_one(), truths),
        ),
        "the scores alone": (
            lambda: score_all(table),
            lambda: score_one_by_one(answers, truths),
        ),
    }
    print(f"{N} predictions, in ms{'ours':>20}{'source 000':>13}{'ratio':>9}")
    for what, (ours, theirs) in pairs.items():
        ratio, scores = compare(f"{what:28}", ours, theirs, ROUNDS)
        print(f"{ratio:9.1f}")
        if not np.allclose(*scores, rtol=0, atol=1e-9):
            sys.exit(f"The scores differ: ours {scores[0]}, source 000's {scores[1]}.")
    print("accuracy {:.4f}, mean IoU {:.4f}, accuracy at IoU 0.5 {:.4f}".format(*scores[0]))

    print(f"\nIoU of all pairs, in ms{'ours':>18}{'torchvision':>13}{'ours / torchvision':>20}")
    for n, m in PAIRS:
        first, second = found[:n], found[-m:]
        first, second = boxes.cxcywh_to_xyxy(first), boxes.cxcywh_to_xyxy(second)
        tensors = torch.from_numpy(first), torch.from_numpy(second)
        ratio, tables = compare(
            f"{f'{n} x {m}':28}",
            lambda first=first, second=second: boxes.pairwise_iou(first, second),
            lambda tensors=tensors: ops.box_iou(*tensors),
            PAIR_ROUNDS,
        )
        print(f"{1 / ratio:20.2f}")
        if not np.allclose(*tables, rtol=0, atol=1e-9):
            sys.exit("The IoU differs from torchvision's.")
    print(f"torch has {torch.get_num_threads()} threads, NumPy works with one")


if __name__ == "__main__":
    main()
