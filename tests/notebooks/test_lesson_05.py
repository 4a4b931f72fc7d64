"""What lesson 05 defines: paired differences, kinds of error, confusion and calibration."""

from coursekit import metrics
from exercises.lesson_code import imports, needed, read

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predicting import CLASSES, TABLES, predictions

NOTEBOOK = read("05_evaluation")
LESSON: dict = {}
exec(imports(NOTEBOOK, {"lessons", "metrics", "np", "pd"}), LESSON)
WANTED = ["paired_difference", "error_kinds", "confusion", "calibration_error"]
exec(needed(NOTEBOOK, WANTED), LESSON)
KINDS, error_kinds, confusion = (LESSON[name] for name in ("KINDS", "error_kinds", "confusion"))
reliability, calibration_error = LESSON["reliability"], LESSON["calibration_error"]
paired_difference = LESSON["paired_difference"]

SMALL = [  # and what kind of error each is
    ("dog", "dog", 1.0, "right"),
    ("dog", "cat", 0.75, "class"),
    ("cat", "cat", 0.5, "box"),  # a hit must be above 0.5
    ("cat", "cat", 0.1, "box"),  # background is below 0.1
    ("cat", "dog", 0.5, "both"),
    ("cat", "dog", 0.1, "both"),
    ("car", "car", 0.05, "background"),
    ("dog", "car", 0.0, "background"),
]
TABLE = predictions([row[:3] for row in SMALL])


def test_every_kind_of_error_by_hand():
    found = error_kinds(TABLE)
    assert found.tolist() == [row[3] for row in SMALL]
    assert found.cat.categories.tolist() == KINDS


@given(TABLES)
def test_each_image_has_one_kind_of_error_and_right_means_a_hit(table):
    kinds, each = error_kinds(table), metrics.outcomes(table)
    assert kinds.notna().all() and kinds.value_counts().sum() == len(table)
    assert ((kinds == "right") == (each["accuracy_at_iou_50"] == 1)).all()
    assert each.loc[kinds == "class", "accuracy"].sum() == 0
    assert each.loc[kinds == "box", "accuracy"].all()
    assert (each.loc[kinds == "background", "mean_iou"] < 0.1).all()


def test_confusion_by_hand():
    found = confusion(TABLE, ["dog", "cat", "car", "cow"])
    assert found.index.tolist() == found.columns.tolist() == ["dog", "cat", "car", "cow"]
    assert found.to_numpy().tolist() == [[1, 1, 1, 0], [2, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


@given(TABLES)
def test_confusion_counts_each_image_once(table):
    found = confusion(table, CLASSES)
    assert found.to_numpy().sum() == len(table)
    assert np.trace(found) == metrics.named(table).sum()
    assert found.sum(axis=1).to_dict() == {c: (table["name"] == c).sum() for c in CLASSES}


def test_the_bins_of_confidence_by_hand():
    found = reliability([0, 0.1, 0.11, 0.55, 0.59, 1], [1, 0, 1, 0, 1, 1])
    expected = {
        "n": {0: 2, 1: 1, 5: 2, 9: 1},
        "confidence": {0: 0.05, 1: 0.11, 5: 0.57, 9: 1},
        "accuracy": {0: 0.5, 1: 1, 5: 0.5, 9: 1},
    }
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected).rename_axis("bin"))


@pytest.mark.parametrize("bins", [1, 5, 10, 25, 41])  # 7 / 25 * 25 is not 7
def test_an_edge_belongs_to_the_bin_below_it(bins):
    edges = np.arange(1, bins + 1) / bins
    assert reliability(edges, np.ones(bins), bins).index.tolist() == [*range(bins)]


def test_the_calibration_error_by_hand():
    # 0.9 is right half of the time: 0.4 too sure. 0.2 is never right: 0.2 too sure.
    assert calibration_error([0.9, 0.9, 0.2], [1, 0, 0]) == pytest.approx(2 / 3 * 0.4 + 1 / 3 * 0.2)
    assert calibration_error([0.5, 0.5], [1, 1]) == 0.5  # too modest
    # one bin: 0.5 sure on average, and right half of the time
    assert calibration_error([0.9, 0.1], [1, 0], bins=1) == 0


@given(st.lists(st.lists(st.booleans(), min_size=1), min_size=1), st.integers(1, 20))
def test_a_model_that_is_as_often_right_as_it_says_has_no_calibration_error(groups, bins):
    confidence = [sum(group) / len(group) for group in groups for _ in group]
    right = [one for group in groups for one in group]
    assert calibration_error(confidence, right, bins) == pytest.approx(0, abs=1e-9)


def pair(n=200, ahead=0.01):
    """Two models of the same images, one always a little better; the images differ a lot."""
    overlaps = np.random.default_rng(0).uniform(0.1, 0.9, n)
    better, worse = (
        predictions([("dog", "dog", overlap + more) for overlap in overlaps]) for more in (ahead, 0)
    )
    return better, worse


def test_a_difference_is_paired():
    better, worse = pair()
    (low, high), (_, high_2) = (metrics.scores(t)["mean_iou_interval"] for t in (better, worse))
    assert high_2 - low > 0.8 * (high - low)  # on their own they overlap widely
    found = paired_difference(better, worse)
    assert found.loc["mean_iou"].tolist() == pytest.approx([0.01] * 3)
    assert paired_difference(worse, better).loc["mean_iou", "high"] < 0


def test_a_difference_is_measured_with_the_bootstrap_of_the_differences():
    better, worse = pair()
    worse["pred_name"] = ["dog", "cat", "cat", "dog"] * 50
    found = paired_difference(better, worse)
    each = (metrics.outcomes(better) - metrics.outcomes(worse))["accuracy"]
    expected = [0.5, *metrics.interval(metrics.bootstrap(each, seed=0))]
    assert found.loc["accuracy"].tolist() == pytest.approx(expected)
    assert found.loc["accuracy", "low"] < 0.5 < found.loc["accuracy", "high"]


def test_models_of_other_images_are_not_compared():
    with pytest.raises(AssertionError, match="same pictures"):
        paired_difference(TABLE[1:], TABLE[:-1])
