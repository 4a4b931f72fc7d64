"""What lesson 05 defines: kinds of error, confusion, calibration, comparisons, and AP50.

And what it says about the tables that it reads.
"""

from unittest import mock

import detection
from coursekit import boxes, lessons, metrics, settings
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
exec(
    imports(NOTEBOOK, {"metrics", "np", "pd", "binomtest", "norm", "cache", "combinations"}), LESSON
)
LESSON |= {"boxes": boxes, "lessons": lessons, "SIDES": SIDES, "PREDICTED": PREDICTED}
LESSON |= {"detection": detection, "settings": settings}
USED = ["error_kinds", "confusion", "calibration_error", "reliability", "compared", "outcomes_of"]
USED += ["holds_zero", "drawn_anew", "ranked", "ap50"]
exec(needed(NOTEBOOK, USED), LESSON)
KINDS, error_kinds, confusion = (LESSON[name] for name in ("KINDS", "error_kinds", "confusion"))
reliability, calibration_error = LESSON["reliability"], LESSON["calibration_error"]


def run_cells(*names: str) -> None:
    """Run whole cells, as the lesson does."""
    sources = {cell["id"]: "".join(cell["source"]) for cell in NOTEBOOK["cells"]}
    for name in names:
        exec(sources[name], LESSON)


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


def test_resamples_draw_runs_and_pictures():
    rng, draws = np.random.default_rng(0), 500
    runs, pictures = (rng.multinomial(n, np.full(n, 1 / n), draws) / n for n in (2, 4))
    drawn_anew, right = LESSON["drawn_anew"], np.array([0, 0, 1, 1])
    one = drawn_anew(right[None], np.ones((draws, 1)), pictures)
    assert one.tolist() == (pictures @ right).tolist()
    two = drawn_anew(np.repeat([[0], [1]], 4, axis=1), runs, pictures)
    assert sorted(set(two)) == pytest.approx([0, 0.5, 1])


def test_resampled_runs_are_too_few_where_runs_differ_and_chance_is_counted_three_times():
    few, many, chance = (
        LESSON["holds_zero"](kind, runs, 400)
        for kind, runs in (("runs differ", 5), ("runs differ", 20), ("chance", 5))
    )
    assert few[0] < 0.92 < many[0] < 0.97 < chance[0]
    assert few[1] > 0.9 and 0.93 < many[1] < 0.97 and 0.93 < chance[1] < 0.985
    pair = LESSON["holds_zero"]("runs differ", 2, 400)
    assert pair[0] < 0.8 < pair[1] < 0.92  # no method can do much with two


def equal_models(names, rng, runs=5, n=80) -> dict:
    """Return outcomes of models that are equally good; each has trained on its own."""
    pictures = rng.normal(0, 0.3, n)
    return {
        name: {
            "score": pictures
            + rng.normal(0, 0.02, (runs, 1))
            + rng.normal(0, 0.1, n)
            + rng.normal(0, 0.2, (runs, n))
        }
        for name in names
    }


def test_of_equal_models_one_pair_in_twenty_differs_and_after_holm_one_family(monkeypatch):
    rng, names, found = np.random.default_rng(0), list("abcdef"), []
    for _ in range(300):
        monkeypatch.setitem(LESSON, "outcomes", equal_models(names, rng))
        rows = LESSON["compared"]("score", names)
        found.append([(rows["p"] < 0.05).mean(), (rows["corrected"] < 0.05).any()])
    alone, family = np.mean(found, axis=0)
    assert 0.03 < alone < 0.07
    assert family < 0.08


def test_runs_that_belong_together_are_compared_with_each_other(monkeypatch):
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, (5, 30)) + rng.normal(0, 3, (5, 1))
    pair = {
        "first": {"score": first},
        "second": {"score": first - 0.1},
        "no seed": {"score": 0 * first[:1]},
    }
    monkeypatch.setitem(LESSON, "outcomes", pair)
    rows = LESSON["compared"]("score", [*pair])
    assert rows.loc[("second", "first")].tolist() == pytest.approx(
        [-0.1, -0.1, -0.1, 0, 0], abs=1e-9
    )
    alone = metrics.two_way(-first)
    assert rows.loc[("no seed", "first")][["mean", "low", "high", "p"]].tolist() == alone.tolist()


@pytest.fixture(scope="module")
def pairs() -> dict[str, pd.DataFrame]:
    """The lesson's comparisons of the models of lessons 03 and 04, over five trainings each."""
    columns = lessons.measured("outcomes_keras_mini").columns[3:]
    boxes_of = {name: ("keras", name) for name in ("center box", "mean box")}
    known = {"tables": {"center box": pd.DataFrame({"image_id": columns})}}
    with mock.patch.dict(LESSON, known), mock.patch.dict(LESSON["MEASURED"], boxes_of):
        names = ["center box", "mean box", *(n for n in LESSON["MEASURED"] if n not in boxes_of)]
        outcomes = {name: LESSON["outcomes_of"](name) for name in names}
        with mock.patch.dict(LESSON, {"outcomes": outcomes}):
            alike = [name for name in names if name != "mean box"]
            rows = {"accuracy": alike, "mean_iou": names}
            rows = {score: LESSON["compared"](score, of) for score, of in rows.items()}
    return rows | {"outcomes": outcomes}


def test_all_models_answered_for_the_same_pictures():
    first, second = (lessons.measured(f"outcomes_{file}_mini") for file in ("keras", "torch"))
    assert sorted(first.columns) == sorted(second.columns) and len(first.columns) > 1000


def test_two_lazy_boxes_name_alike(pairs):
    lazy = (pairs["outcomes"][name]["accuracy"] for name in ("center box", "mean box"))
    assert np.subtract(*lazy).any() == 0
    assert [len(pairs[score]) for score in ("accuracy", "mean_iou")] == [21, 28]


UNSURE = {  # the question marks that the lesson describes
    "accuracy": [
        ("frozen", "pointing head"),
        ("frozen", "tuned pooled"),
        ("frozen", "tuned spatial"),
        ("pointing head", "tuned pooled"),
        ("pointing head", "tuned spatial"),
        ("small network", "center box"),
        ("tuned spatial", "tuned pooled"),
    ],
    "mean_iou": [
        ("fine-tuned", "frozen"),
        ("frozen", "pointing head"),
        ("small network", "center box"),
    ],
}


@pytest.mark.parametrize("score", UNSURE)
def test_the_pairs_that_cannot_be_told_apart(pairs, score):
    rows = pairs[score]
    assert sorted(rows.index[rows["corrected"] >= 0.05]) == UNSURE[score]


def test_what_fine_tuning_gains(pairs):
    name, box = (pairs[s].loc[("fine-tuned", "frozen")] for s in ("accuracy", "mean_iou"))
    assert name["low"] > 0.01 and name["corrected"] < 0.001
    assert box["low"] > 0 and box["corrected"] > 0.05  # these five seeds hardly tell


def test_how_far_the_models_are_apart(pairs):
    box, best = pairs["mean_iou"], ("pointing head", "frozen", "fine-tuned")
    assert all(box.loc[(name, "tuned spatial"), "low"] > 0.2 for name in best)
    assert box.loc[("tuned spatial", "tuned pooled"), "low"] > 0.05
    assert box.loc[("tuned pooled", "center box"), "low"] > 0.05
    learned = ("tuned pooled", "tuned spatial", *best)
    assert all(pairs["accuracy"].loc[(name, "center box"), "low"] > 0.3 for name in learned)


def test_rounded_outcomes_have_nearly_the_hits_of_the_lessons(pairs):
    kept = {"pointing head": ("heads", "pointing"), "fine-tuned": ("two_heads", "fine-tuned")}
    for name, (file, step) in kept.items():
        table = lessons.measured(f"{file}_mini")
        if "share" in table:
            table = table[table["share"] == 100]
        hits = table[(table["step"] == step) & (table["seed"] < 5)].sort_values("seed")
        found = pairs["outcomes"][name]["accuracy_at_iou_50"].mean(axis=1)
        # an IoU of 0.5004 is written as 0.5
        assert found == pytest.approx(hits["accuracy_at_iou_50"].to_numpy(), abs=0.0021)


@pytest.mark.parametrize("score", ["accuracy", "mean_iou", "accuracy_at_iou_50"])
def test_as_far_as_a_hundred_sets_can_tell_the_intervals_keep_their_promise(score):
    run_cells("cell-101", "cell-103", "cell-126")
    held = LESSON["covers"](score)
    ends = LESSON["binomtest"](int(held.sum()), len(held)).proportion_ci(method="wilson")
    assert ends.low < 0.95 < ends.high
    _, low, high = LESSON["repeated"](score)
    assert low < 1 - 2 * LESSON["norm"].sf(1.96 / np.sqrt(2)) < high


def test_choosing_flatters_and_helps():
    run_cells("cell-106")
    same, other, added, new = LESSON["AHEAD"].values()
    assert [len(values) for values in (same, other, added, new)] == [100, 100, 100, 5000]
    for values in (other, new):
        low, _ = metrics.interval(metrics.bootstrap(values))
        assert low > 0
    # much less is left on other pictures, and small beside an interval from 150 pictures
    assert same.mean() > 1.5 * other.mean() and 0.01 < added.mean() < 0.05
    # the sets are nearly independent: the resamples may draw them one by one
    assert abs(np.corrcoef(added, np.roll(added, 1))[0, 1]) < 0.3


def test_the_average_precision_by_hand_is_that_of_the_package():
    run_cells("6a97d63e51", "c4d6655853")
    # 51 recalls have the precision 1, and 25 have 3/4
    assert LESSON["by_hand"] == pytest.approx((51 + 25 * 0.75) / 101)
    assert LESSON["package"] == pytest.approx(LESSON["by_hand"], abs=1e-12)


@pytest.mark.parametrize("objects", [1, 3, 7, 50])
def test_the_bound_for_one_box_a_picture_is_within_a_hundredth(objects):
    side = np.arange(objects)[:, None] * 20.0 + [0, 0, 10, 10]
    truth = pd.DataFrame(side, columns=SIDES).assign(name="dog")
    truth["image_id"] = [f"{i}" for i in range(objects)]
    for number in range(1, objects + 1):
        found = truth[:number].rename(columns=dict(zip(SIDES, PREDICTED, strict=True)))
        found = found.assign(pred_name="dog", confidence=1.0)
        score = detection.average_precision(found, truth, [0.5]).loc["dog", 0.5]
        bound = (100 * number / objects + 1) / 101
        assert bound - 0.01 < score <= bound + 1e-12


def test_one_subtracted_from_all_four_sides_repairs_nothing():
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 300, (50, 2))
    right = np.hstack([corner, corner + rng.integers(2, 200, (50, 2))]).astype(float)
    voc = boxes.xyxy_to_voc(right)
    assert boxes.iou(voc, right) == pytest.approx(boxes.iou(voc - 1, right))


@pytest.mark.parametrize("share", [0.3, 0.84])
def test_the_bootstrap_agrees_with_the_textbook(share):
    right = np.random.default_rng(0).random(1000) < share
    low, high = metrics.interval(metrics.bootstrap(right))
    textbook = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / len(right))
    assert (high - low) / 2 == pytest.approx(textbook, rel=0.1)


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
    # a class that some draws do not hold, and equal confidences
    objects.loc[0, ["name", "difficult"]] = "cow", False
    return answers.assign(confidence=rng.random(n).round(1)), objects


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
