"""The steps of the recipes, each tried with an input whose answer is known."""

from coursekit import boxes, metrics
from exercises import recipes

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def images():
    """A table of images in which the test split does not come first."""
    rng = np.random.default_rng(0)
    size = rng.integers(200, 500, (60, 2))
    table = pd.DataFrame({"width": size[:, 0], "height": size[:, 1], "split": "train"})
    table.loc[20:39, "split"] = "test"
    return table.assign(xmin=20.0, ymin=30.0, xmax=150.0, ymax=170.5)


def test_perfect_fractions_are_perfect_pixels(images):
    test = images[images["split"] == "test"]
    fractions = boxes.normalize(test[boxes.SIDES], test[["width", "height"]])
    np.testing.assert_allclose(recipes.in_pixels(images, fractions), test[boxes.SIDES])


def test_whole_pixels_stay_what_they_were():
    rng = np.random.default_rng(0)
    size = rng.integers(100, 500, (500, 2))
    whole = np.concatenate([size // 4, size // 2], axis=1)
    square = boxes.normalize(whole, size) * 224
    np.testing.assert_array_equal(recipes.whole_pixels(square, size), whole)


def test_the_test_pictures_are_drawn_and_not_the_last():
    table = pd.DataFrame({"year": np.repeat([2007, 2008], [900, 100])})
    train, test = recipes.split_off_test(table)
    assert len(test) == 100 and len(train) == 900
    assert not set(train.index) & set(test.index)
    assert 0.02 < (test["year"] == 2008).mean() < 0.25  # a tenth, give or take


def test_a_winner_needs_more_than_chance():
    rng = np.random.default_rng(0)
    equal = (rng.random((100, 2, 300)) < 0.8).astype(float)
    assert np.mean([recipes.is_better(*pair) for pair in equal]) < 0.1
    better, worse = np.ones(300), (np.arange(300) % 5 > 0).astype(float)
    assert recipes.is_better(better, worse) and not recipes.is_better(worse, better)


def test_the_answers_come_in_the_order_of_the_pictures():
    pictures = np.arange(70)
    np.testing.assert_array_equal(
        recipes.predict_all(lambda part: part * 2, pictures), pictures * 2
    )


@pytest.mark.parametrize("n", [1, 31, 32, 33, 70])
def test_every_picture_is_in_a_batch(n):
    found = recipes.batches(np.arange(n))
    np.testing.assert_array_equal(np.concatenate(found), np.arange(n))
    assert max(map(len, found)) <= 32


def test_a_perfect_box_has_no_loss():
    truth = np.random.default_rng(0).uniform(0.1, 0.9, (50, 4))
    assert recipes.box_loss(truth, truth) == 0
    assert recipes.box_loss(truth, truth[::-1]) > 0.01


def test_a_box_is_right_when_it_overlaps():
    truth = np.array([[10.0, 20, 100, 50], [10, 20, 100, 50]])
    found = np.array([[12.0, 21, 99, 52], [300, 20, 500, 50]])  # the width is the largest of four
    assert recipes.box_accuracy(truth, found) == 0.5


def test_every_picture_counts_in_the_loss():
    truth = np.eye(4)
    found = np.full((4, 4), 0.1)
    found[0, 0] = found[1, 0] = found[2, 0] = found[3, 0] = 0.7
    expected = -(np.log(0.7) + 3 * np.log(0.1)) / 4
    assert recipes.class_loss(truth, found) == pytest.approx(expected)


def test_the_score_is_of_the_test_pictures():
    table = pd.DataFrame({"split": ["train", "train", "test", "test"], "name": "dog"})
    table[boxes.SIDES] = [0.0, 0.0, 10.0, 10.0]
    table[metrics.PREDICTED] = [0.0, 0.0, 10.0, 10.0]
    table["pred_name"] = ["dog", "dog", "dog", "cat"]
    assert recipes.final_score(table) == 0.5
