"""Average precision, against the COCO challenge's own program and by hand."""

import detection
from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED

import numpy as np
import pandas as pd
import pytest

from coco import judged

CLASSES = ["bird", "boat", "car", "cat", "dog"]
NEVER_FOUND, NEVER_THERE = "boat", "cow"


def objects(*rows):
    """A table of objects from (image, class, box, difficult)."""
    table = pd.DataFrame([row[:2] for row in rows], columns=["image_id", "name"])
    table[SIDES] = np.reshape([row[2] for row in rows], (-1, 4))
    return table.assign(difficult=[row[3] for row in rows])


def detections(*rows):
    """A table of detections from (image, class, box, confidence)."""
    table = pd.DataFrame([row[:2] for row in rows], columns=["image_id", "pred_name"])
    table[PREDICTED] = np.reshape([row[2] for row in rows], (-1, 4))
    return table.assign(confidence=[float(row[3]) for row in rows])


def drawn(seed, images=25, size=60):
    """Random objects and detections; whole pixels and few confidences, so that many are equal."""
    rng = np.random.default_rng(seed)

    def box():
        corner = rng.integers(0, size - 10, 2)
        return np.concatenate([corner, corner + rng.integers(4, size // 2, 2)])

    there, found = [], []
    for image in (f"{number:06d}" for number in range(images)):
        here = []
        for name in rng.choice(CLASSES, rng.integers(6)):
            here.append((image, name, box(), rng.random() < 0.2))
            for _ in range(rng.integers(4)):  # none, one, or duplicates
                near = here[-1][2] + rng.integers(-2, 3, 4)
                wrong = rng.random() < 0.2
                given = rng.choice(CLASSES) if wrong else name
                found.append((image, given, near, rng.integers(11) / 10))
        for _ in range(rng.integers(3)):  # where nothing is
            found.append((image, rng.choice([*CLASSES, NEVER_THERE]), box(), rng.random()))
        crowded = [  # of the same class, and near: an ordinary object, a difficult one
            (*one[:2], one[2] + [shift, 0, shift, 0], shift == 1)
            for one in here[:2]
            for shift in (2, 1)
        ]
        there += here + crowded
    found = [row for row in found if row[1] != NEVER_FOUND]
    return objects(*there), detections(*found)


def by_coco(found, there, areas=None):
    """Return what COCOeval computes, in the form of `average_precision`."""
    names = sorted(set(there["name"]) | set(found["pred_name"]))
    run = judged(found, there, names, areas)
    precision = run.eval["precision"][..., 0, -1].mean(axis=1).T  # -1: nothing to find
    table = pd.DataFrame(precision, names, run.params.iouThrs).rename_axis("name")
    return table[(table >= 0).all(axis=1)]


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_is_that_of_the_coco_challenge(seed):
    there, found = drawn(seed)
    ours, theirs = detection.average_precision(found, there), by_coco(found, there)
    assert len(theirs) == len(CLASSES) and 0.05 < theirs[0.5].mean() < 0.95
    assert (theirs.loc[NEVER_FOUND] == 0).all() and NEVER_THERE not in theirs.index
    pd.testing.assert_frame_equal(ours, theirs, rtol=0, atol=1e-6, check_index_type=False)


def test_a_class_with_nothing_but_difficult_objects_has_no_average_precision():
    there, found = drawn(0)
    there["difficult"] |= there["name"] == "cat"
    ours, theirs = detection.average_precision(found, there), by_coco(found, there)
    assert "cat" not in theirs.index and len(theirs) == len(CLASSES) - 1
    pd.testing.assert_frame_equal(ours, theirs, rtol=0, atol=1e-6, check_index_type=False)


@pytest.mark.parametrize("areas", [(0, 150.0), (150.0, 400.0), (400.0, 1e5)])
@pytest.mark.parametrize("seed", range(3))
def test_by_size_it_is_that_of_the_coco_challenge_too(seed, areas):
    there, found = drawn(seed)
    everything = detection.average_precision(found, there)
    ours = detection.average_precision(found, there, areas=areas)
    theirs = by_coco(found, there, areas)
    assert len(theirs) >= 3 and abs(ours.to_numpy().mean() - everything.to_numpy().mean()) > 0.01
    pd.testing.assert_frame_equal(ours, theirs, rtol=0, atol=1e-6, check_index_type=False)


@pytest.mark.parametrize("seed", range(3))
def test_an_image_drawn_twice_counts_like_its_copy(seed):
    there, found = drawn(seed)
    images = sorted({*there["image_id"]})
    times = pd.Series(np.random.default_rng(seed).integers(0, 3, len(images)), images)
    assert {0, 1, 2} == {*times}

    def copied(table):
        copies = [
            table[table["image_id"].map(times) > copy].assign(
                image_id=lambda rows, copy=copy: rows["image_id"] + f" {copy}"
            )
            for copy in range(2)
        ]
        return pd.concat(copies)

    found = found[found["image_id"].isin(images)]
    # equal confidences could come in another order
    found["confidence"] = np.random.default_rng(seed).permutation(len(found)) / len(found)
    matches = detection.match(found, there)
    pd.testing.assert_frame_equal(
        detection.area_under(matches, times),
        detection.average_precision(copied(found), copied(there)),
    )


# by hand: the places are far from each other, and a shifted box has IoU 2 / 3 with its place

HERE, THERE, NOWHERE = [0, 0, 10, 10], [50, 50, 60, 60], [90, 0, 99, 9]
SHIFTED = [0, 2, 10, 12]


def ap(found, *there, threshold=0.5):
    """Return the average precision of "dog" at one threshold."""
    table = detection.average_precision(detections(*found), objects(*there), threshold)
    return table.loc["dog", threshold]


DOG = ("1", "dog", HERE, False)
OTHER_DOG = ("1", "dog", THERE, False)
HIDDEN_DOG = ("1", "dog", THERE, True)


def hit(confidence, box=HERE, image="1", name="dog"):
    return (image, name, box, confidence)


@pytest.mark.parametrize(
    "found, there, expected",
    [
        ([hit(0.3)], [DOG], 1),
        ([hit(0.3, NOWHERE)], [DOG], 0),
        ([hit(0.3, image="2")], [DOG], 0),
        ([hit(0.3, name="cat")], [DOG], 0),
        ([], [DOG], 0),
        ([hit(0.9), hit(0.8)], [DOG], 1),  # the duplicate comes when all is found
        ([hit(0.9), hit(0.8), hit(0.7, THERE)], [DOG, OTHER_DOG], (51 + 50 * 2 / 3) / 101),
        ([hit(0.9)], [DOG, OTHER_DOG], 51 / 101),  # the recalls 0, 0.01 … 0.5
        ([hit(0.9, NOWHERE), hit(0.8)], [DOG], 1 / 2),
        ([hit(0.8, NOWHERE), hit(0.9)], [DOG], 1),
        ([hit(0.9)], [DOG, HIDDEN_DOG], 1),  # not missed
        ([hit(0.9, THERE), hit(0.8)], [DOG, HIDDEN_DOG], 1),  # not found, and not false
        ([hit(0.9, THERE), hit(0.8, THERE), hit(0.7)], [DOG, HIDDEN_DOG], 1 / 2),  # found once
        ([hit(0.9), hit(0.8, SHIFTED)], [DOG, ("1", "dog", SHIFTED, False)], 1),
        ([hit(0.9, SHIFTED), hit(0.8)], [DOG, ("1", "dog", SHIFTED, True)], 1),  # not the hidden
    ],
)
def test_average_precision_by_hand(found, there, expected):
    assert ap(found, *there) == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 10])
def test_one_box_for_each_picture_cannot_find_more_than_one_object(k):
    there = [("1", "dog", [20 * i, 0, 20 * i + 10, 10], False) for i in range(k)]
    assert ap([hit(0.9)], *there) == pytest.approx((100 // k + 1) / 101)


def test_the_closest_of_two_objects_is_found():
    lower, low_end = [0, 1, 10, 11], [0, 0, 10, 6]  # low_end overlaps DOG with 0.6, lower with 0.45
    pair = [DOG, ("1", "dog", lower, False)]
    for there in (pair, pair[::-1]):
        assert ap([hit(0.9, lower), hit(0.8, low_end)], *there) == 1


def test_an_iou_equal_to_the_threshold_is_enough():
    half = [0, 0, 10, 5]
    assert ap([hit(0.9, half)], DOG, threshold=0.5) == 1
    assert ap([hit(0.9, half)], DOG, threshold=0.51) == 0


def test_the_thresholds_are_the_columns():
    table = detection.average_precision(detections(hit(0.9, SHIFTED)), objects(DOG))
    np.testing.assert_allclose(table.columns, np.arange(50, 100, 5) / 100)
    assert table.loc["dog"].tolist() == [1] * 4 + [0] * 6  # 2 / 3 reaches 0.65


def test_equal_confidences_are_taken_in_the_order_of_the_rows():
    assert ap([hit(0.5), hit(0.5, NOWHERE)], DOG) == 1
    assert ap([hit(0.5, NOWHERE), hit(0.5)], DOG) == 1 / 2


def test_a_table_without_the_column_difficult_has_no_difficult_objects():
    there, found = drawn(0)
    pd.testing.assert_frame_equal(
        detection.average_precision(found, there.drop(columns="difficult")),
        detection.average_precision(found, there.assign(difficult=False)),
    )


def test_the_index_of_the_tables_does_not_matter_and_they_stay_as_they_are():
    there, found = drawn(1)
    before = there.copy(), found.copy()
    expected = detection.average_precision(found, there)
    pd.testing.assert_frame_equal(there, before[0])
    pd.testing.assert_frame_equal(found, before[1])
    moved = [table.set_index(np.zeros(len(table), dtype=int)) for table in (found, there)]
    pd.testing.assert_frame_equal(detection.average_precision(*moved), expected)
