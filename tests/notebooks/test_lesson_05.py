"""What lesson 05 defines: kinds of error, confusion, calibration, comparisons, and AP50."""

from coursekit import boxes, detection, lessons, metrics
from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED
from exercises.lesson_code import imports, needed, read

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predicting import CLASSES, TABLES, predictions

NOTEBOOK = read("05_evaluation")
LESSON: dict = {}
exec(imports(NOTEBOOK, {"metrics", "np", "pd"}), LESSON)
LESSON |= {"boxes": boxes, "lessons": lessons, "SIDES": SIDES, "PREDICTED": PREDICTED}
USED = ["error_kinds", "confusion", "calibration_error", "reliability", "holm", "p_value"]
exec(needed(NOTEBOOK, [*USED, "two_way", "ranked", "ap50"]), LESSON)
KINDS, error_kinds, confusion = (LESSON[name] for name in ("KINDS", "error_kinds", "confusion"))
reliability, calibration_error = LESSON["reliability"], LESSON["calibration_error"]

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
    assert calibration_error([0.9, 0.1], [1, 0], bins=1) == pytest.approx(0)


@given(st.lists(st.lists(st.booleans(), min_size=1), min_size=1), st.integers(1, 20))
def test_a_model_that_is_as_often_right_as_it_says_has_no_calibration_error(groups, bins):
    confidence = [sum(group) / len(group) for group in groups for _ in group]
    right = [one for group in groups for one in group]
    assert calibration_error(confidence, right, bins) == pytest.approx(0, abs=1e-9)


def test_holm_by_hand():
    # 4 × 0.005; 3 × 0.01; 2 × 0.03; 0.04, but not below the one before
    assert LESSON["holm"]([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert LESSON["holm"]([0.9, 0.8]).tolist() == [1, 1]


def test_the_p_value_counts_both_directions():
    assert LESSON["p_value"](np.array([1.0] * 98 + [-1.0])) == 2 * 2 / 100
    assert LESSON["p_value"](np.array([-1.0] * 98 + [1.0])) == 2 * 2 / 100
    assert LESSON["p_value"](np.zeros(9)) == 1


def test_the_two_way_bootstrap_draws_seeds_and_pictures(monkeypatch):
    n, draws = 4, 500
    rng = np.random.default_rng(0)
    picked = rng.multinomial(n, np.full(n, 1 / n), draws) / n
    for name, value in {"rng": rng, "picked": picked, "RESAMPLES": draws}.items():
        monkeypatch.setitem(LESSON, name, value)
    pictures, seeds = np.array([[0, 0, 1, 1]]), np.repeat([[0], [1]], n, axis=1)
    assert LESSON["two_way"](pictures).tolist() == (picked @ pictures[0]).tolist()
    assert sorted(set(LESSON["two_way"](seeds))) == pytest.approx([0, 0.5, 1])


def single_boxes(rng, n: int = 40) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one box for each picture, near one of its objects or not, and the objects."""
    corner = rng.uniform(0, 60, (2 * n, 2))
    objects = pd.DataFrame(np.hstack([corner, corner + 30]), columns=SIDES)
    objects = objects.assign(image_id=[f"{i // 2}" for i in range(2 * n)])
    objects["name"], objects["difficult"] = (
        rng.choice(["cat", "dog"], 2 * n),
        rng.random(2 * n) < 0.2,
    )
    moved = objects[SIDES].to_numpy()[::2] + rng.uniform(-12, 12, (n, 1))
    answers = pd.DataFrame(moved, columns=PREDICTED).assign(image_id=[f"{i}" for i in range(n)])
    names = objects["name"].to_numpy()[::2]
    answers["pred_name"] = np.where(rng.random(n) < 0.8, names, "dog")
    return answers.assign(confidence=rng.random(n)), objects


@pytest.mark.parametrize("seed", range(20))
def test_the_ap50_of_drawn_pictures_is_that_of_the_package(seed):
    rng = np.random.default_rng(seed)
    answers, objects = single_boxes(rng)
    ids = objects["image_id"].unique()
    times = pd.DataFrame({"once": 1, "drawn": rng.multinomial(40, np.full(40, 1 / 40))}, ids)
    again = [
        pd.concat(
            table[table["image_id"] == i].assign(image_id=f"{i} {k}")
            for i in ids
            for k in range(times.loc[i, "drawn"])
        )
        for table in (answers, objects)
    ]
    expected = [
        detection.average_precision(*pair, [0.5])[0.5].mean()
        for pair in ((answers, objects), again)
    ]
    ranked = LESSON["ranked"](answers, objects)
    assert LESSON["ap50"](ranked, objects, times) == pytest.approx(expected)
