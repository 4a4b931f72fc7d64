"""Steps of the published recipes, in our own words and as they should be.

Each of these steps is easy to take wrongly, and some of the five sources did. `exercises.bugs`
spoils them, and says what each fault is in its source: lesson 05 shows them and measures what they
cost, and a test makes sure that something notices each of them.
"""

import math

from coursekit import boxes, metrics

import numpy as np
import pandas as pd


def in_pixels(images: pd.DataFrame, fractions: np.ndarray) -> np.ndarray:
    """Return the boxes of the test pictures in pixels, from fractions."""
    test = images[images["split"] == "test"]
    found = []
    for index, box in enumerate(fractions):
        row = test.iloc[index]
        found.append(boxes.denormalize(box, (row["width"], row["height"])))
    return np.array(found)


def whole_pixels(square: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return boxes in whole pixels, from boxes in a square of 224 pixels."""
    found = boxes.denormalize(square / 224, sizes)
    return np.rint(found).astype(int)


def split_off_test(table: pd.DataFrame, seed: int = 0) -> list[pd.DataFrame]:
    """Return nine tenths of the pictures for training, and one tenth for the test."""
    order = np.random.default_rng(seed).permutation(len(table))
    count = len(table) // 10
    return [table.iloc[order[:-count]], table.iloc[order[-count:]]]


def is_better(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether the first model is better, from scores on the same pictures."""
    low, _ = metrics.interval(metrics.bootstrap(first - second, resamples=400))
    return low > 0


def predict_all(model, pictures: np.ndarray) -> np.ndarray:
    """Return the model's answers to all pictures, asked in batches of 32."""
    order = np.arange(len(pictures))
    parts = [order[start : start + 32] for start in range(0, len(order), 32)]
    return np.concatenate([model(pictures[part]) for part in parts])


def batches(pictures: np.ndarray, size: int = 32) -> list[np.ndarray]:
    """Return the batches of an epoch."""
    count = math.ceil(len(pictures) / size)
    return [pictures[i * size : (i + 1) * size] for i in range(count)]


def box_loss(truth: np.ndarray, found: np.ndarray) -> float:
    """Return how far fractions are from the truth; 0 is perfect."""

    def cross_entropy(p, q):
        return float(-(p * np.log(q) + (1 - p) * np.log(1 - q)).mean())

    return cross_entropy(truth, found) - cross_entropy(truth, truth)


def box_accuracy(truth: np.ndarray, found: np.ndarray) -> float:
    """Return the share of xywh boxes that are found."""
    overlap = boxes.iou(boxes.xywh_to_xyxy(truth), boxes.xywh_to_xyxy(found))
    return float((overlap > 0.5).mean())


def class_loss(truth: np.ndarray, found: np.ndarray) -> float:
    """Return the cross-entropy of a batch, shape (pictures, classes) each."""
    wanted, given = truth, found
    return float(-(wanted * np.log(given)).sum(axis=-1).mean())


def final_score(predictions: pd.DataFrame) -> float:
    """Return the accuracy at IoU 0.5 to be reported."""
    chosen = predictions[predictions["split"] == "test"]
    return metrics.scores(chosen)["accuracy_at_iou_50"]
