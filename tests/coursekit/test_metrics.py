import math

from coursekit import metrics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from predicting import TABLES, predictions

SCORES = ["accuracy", "mean_iou", "accuracy_at_iou_50"]


SMALL = [
    ("dog", "dog", 1.0),
    ("dog", "cat", 0.75),
    ("cat", "cat", 0.5),  # a hit must be above 0.5
    ("cat", "cat", 0.1),
    ("cat", "dog", 0.5),
    ("cat", "dog", 0.1),
    ("car", "car", 0.05),
    ("dog", "car", 0.0),
]
TABLE = predictions(SMALL)


# one number for each image


def test_the_iou_is_that_of_the_predicted_with_the_true_box():
    np.testing.assert_allclose(metrics.iou(TABLE), [row[2] for row in SMALL])
    reversed_columns = TABLE[TABLE.columns[::-1]]
    np.testing.assert_allclose(metrics.iou(reversed_columns), metrics.iou(TABLE))


@pytest.mark.parametrize("types", [{}, {"name": "category"}, {"name": object, "pred_name": "str"}])
def test_names_are_compared_as_text_whatever_holds_them(types):
    expected = [row[0] == row[1] for row in SMALL]
    assert metrics.named(TABLE.astype(types)).tolist() == expected


def test_the_outcomes_are_one_row_for_each_image():
    found = metrics.outcomes(TABLE.set_index("image_id"))
    assert list(found) == SCORES and found.index.tolist() == TABLE["image_id"].tolist()
    assert found["accuracy"].tolist() == [1, 0, 1, 1, 0, 0, 1, 0]
    assert found["accuracy_at_iou_50"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(found["mean_iou"], [row[2] for row in SMALL])
    assert [column.kind for column in found.dtypes] == ["f"] * 3


# one number for all images, and how sure it is


def test_the_scores_are_the_means_of_the_outcomes_with_their_intervals():
    found = metrics.scores(TABLE)
    intervals = [f"{name}_interval" for name in SCORES]
    assert set(found) == {"n", *SCORES, *intervals} and found["n"] == 8
    expected = [4 / 8, (1 + 0.75 + 0.5 + 0.1 + 0.5 + 0.1 + 0.05 + 0) / 8, 1 / 8]
    assert [found[name] for name in SCORES] == pytest.approx(expected)
    for name in SCORES:
        alone = metrics.interval(metrics.bootstrap(metrics.outcomes(TABLE)[name]))
        assert found[f"{name}_interval"] == alone and alone[0] < found[name] < alone[1]


@given(TABLES, st.randoms())
def test_the_scores_do_not_depend_on_the_order_of_the_rows(table, random):
    rows = random.sample(range(len(table)), len(table))
    first, second = (metrics.scores(t, resamples=3) for t in (table, table.iloc[rows]))
    assert [first[name] for name in SCORES] == pytest.approx([second[name] for name in SCORES])


def test_equal_seeds_draw_equal_rows_and_other_seeds_others():
    values = np.random.default_rng(0).random((50, 3))
    first = metrics.bootstrap(values, 20, seed=1)
    assert (first == metrics.bootstrap(values, 20, seed=1)).all()
    assert (first != metrics.bootstrap(values, 20, seed=2)).any(axis=0).all()
    # … for a single column, too, so that models compared on their own see the same samples
    np.testing.assert_allclose(first[:, 1], metrics.bootstrap(values[:, 1], 20, seed=1))


def test_the_columns_of_an_image_stay_together():
    x = np.random.default_rng(0).random(40)
    means = metrics.bootstrap(np.stack([x, 1 - x, 3 * x], axis=1), 30)
    assert means.shape == (30, 3)
    np.testing.assert_allclose(means[:, 1:], np.stack([1 - means[:, 0], 3 * means[:, 0]], axis=1))


@pytest.mark.parametrize("n", [400, 2000])
def test_the_interval_of_a_mean_is_close_to_the_normal_one(n):
    values = np.random.default_rng(3).random(n)
    low, high = metrics.interval(metrics.bootstrap(values, 4000))
    half = 1.96 * values.std() / np.sqrt(n)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_an_interval_leaves_equal_tails():
    assert metrics.interval(np.arange(101.0), level=0.9) == pytest.approx([5, 95])
    both = metrics.interval(np.stack([np.arange(101.0), -np.arange(101.0)], axis=1), level=0.5)
    assert np.allclose(both, [[25, -75], [75, -25]])


def test_nineteen_of_twenty_intervals_hold_the_true_mean():
    rng, covered = np.random.default_rng(0), 0
    for seed in range(200):
        low, high = metrics.interval(metrics.bootstrap(rng.beta(2, 1, 100), 400, seed))
        covered += low <= 2 / 3 <= high
    assert 0.90 < covered / 200 < 0.99


def test_the_interval_over_runs_is_students_and_keeps_the_order_of_the_groups():
    values = pd.Series([1.0, 3.0, 2.0, 9.0, 5.0, 5.0])
    found = metrics.over_runs(values, ["b", "b", "b", "one", "a", "a"])
    assert found.index.tolist() == ["b", "one", "a"]
    # three runs: mean 2, deviation 1, two degrees of freedom
    reach = stats.t.ppf(0.975, 2) / np.sqrt(3)
    assert found.loc["b"].tolist() == pytest.approx([2, 2 - reach, 2 + reach])
    assert found.loc["a"].tolist() == [5, 5, 5]
    assert found.loc["one", "mean"] == 9 and found.loc["one", ["low", "high"]].isna().all()


def test_nineteen_of_twenty_intervals_over_five_runs_hold_the_true_mean():
    runs = pd.Series(np.random.default_rng(0).normal(0.5, 0.1, 5000))
    found = metrics.over_runs(runs, np.arange(5000) // 5)
    assert 0.93 < found.eval("low < 0.5 < high").mean() < 0.97


def test_two_way_knows_what_student_knows_where_only_one_of_the_two_varies():
    images = np.random.default_rng(0).normal(0.1, 1, 40)
    student = stats.ttest_1samp(images, 0)
    wanted = [images.mean(), *student.confidence_interval(0.95), student.pvalue]
    assert metrics.two_way(images).tolist() == pytest.approx(wanted)
    assert metrics.two_way([images] * 3).tolist() == pytest.approx(wanted)
    runs = metrics.two_way(np.repeat(images[:5, None], 7, axis=1))
    student = stats.ttest_1samp(images[:5], 0)
    wanted = [images[:5].mean(), *student.confidence_interval(0.95), student.pvalue]
    assert runs.tolist() == pytest.approx(wanted)


def test_one_image_tells_nothing_of_others():
    assert metrics.two_way([[1], [0]])["mean"] == 0.5
    assert metrics.two_way([[1], [0]])[["low", "high", "p"]].isna().all()


def test_two_way_of_models_that_answer_alike():
    assert metrics.two_way(np.zeros((3, 9))).tolist() == [0, 0, 0, 1]
    assert metrics.two_way(np.ones((3, 9))).tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("spread_of_images", [0, 0.5])
@pytest.mark.parametrize("spread_of_runs", [0, 0.03, 0.3])
def test_a_true_difference_of_zero_is_found_different_in_one_case_of_twenty(
    spread_of_runs, spread_of_images
):
    rng, found = np.random.default_rng(0), []
    for _ in range(2000):
        runs, images = rng.normal(0, spread_of_runs, (5, 1)), rng.normal(0, spread_of_images, 100)
        found.append(metrics.two_way(runs + images + rng.normal(0, 0.5, (5, 100))))
    found = pd.DataFrame(found)
    # where neither varies, each counts as much as the rest could be by chance: that is cautious
    assert (
        (0.03 if spread_of_runs or spread_of_images else 0.01) < (found["p"] < 0.05).mean() < 0.07
    )
    assert ((found["low"] <= 0) & (found["high"] >= 0)).mean() == (found["p"] >= 0.05).mean()


def test_runs_that_part_on_other_images_each_time_are_not_a_narrow_interval():
    """On seven images of 140, one run is ahead and another behind: the images agree too well."""
    array = np.zeros((5, 140))
    array[[0, 0, 0, 1, 2, 3, 0], range(7)] = 1
    array[[1, 2, 3, 4, 4, 1, 4], range(7)] = -1
    student = stats.ttest_1samp(array.mean(axis=1), 0).confidence_interval(0.95)
    assert metrics.two_way(array)[["low", "high"]].tolist() == pytest.approx([*student])


NONE = TABLE[:0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.bootstrap([]),
        lambda: metrics.bootstrap(np.ones((0, 3))),
        lambda: metrics.scores(NONE),
    ],
)
def test_no_images_have_no_scores(call):
    with pytest.raises(ValueError, match="at least one image"):
        call()


def test_accuracy_at_thresholds_by_hand():
    # the right classes have the overlaps 1, 0.5, 0.1 and 0.05
    found = metrics.accuracy_at(TABLE, [0, 0.05, 0.3, 0.5, 1])
    assert found.tolist() == [4 / 8, 3 / 8, 2 / 8, 1 / 8, 0]


@given(TABLES)
def test_accuracy_at_never_rises_with_the_threshold(table):
    found = metrics.accuracy_at(table, np.linspace(0, 1, 21))
    each = metrics.outcomes(table).mean()
    assert (np.diff(found) <= 0).all()
    assert found[0] <= each["accuracy"] and found[10] == each["accuracy_at_iou_50"]


# confidence


def test_softmax_by_hand_and_without_overflow():
    logits = np.log([[1, 2, 5], [3, 3, 2]])
    np.testing.assert_allclose(
        metrics.softmax(logits), [[1 / 8, 2 / 8, 5 / 8], [3 / 8, 3 / 8, 2 / 8]]
    )
    np.testing.assert_allclose(metrics.softmax(logits + 5000), metrics.softmax(logits))
    assert metrics.softmax([[-1e4, 1e4]]).tolist() == [[0, 1]]


def test_the_temperature_divides_the_logits():
    logits = [[math.log(1), math.log(9)]]
    np.testing.assert_allclose(metrics.softmax(logits, temperature=2), [[1 / 4, 3 / 4]])
