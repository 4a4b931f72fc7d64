"""What lesson 04 says about the measured tables holds in them."""

from coursekit import lessons, metrics

import pandas as pd
import pytest

SCORES = ("accuracy", "mean_iou", "accuracy_at_iou_50")
KINDS = ("mini", "voc2007_sample")
HITS = "accuracy_at_iou_50"


def gain(runs: pd.DataFrame, better: str, worse: str, column: str) -> pd.Series:
    """Return by how much one step beats another, seed by seed, with its interval."""
    seeds = runs.pivot(index="seed", columns="step", values=column)
    difference = (seeds[better] - seeds[worse]).dropna()
    assert len(difference) > 2
    return metrics.over_runs(difference, ["gain"] * len(difference)).loc["gain"]


def sure(row: pd.Series) -> int:
    """Return 1 for more, -1 for less, and 0 where the interval holds zero."""
    return int(row["low"] > 0) - int(row["high"] < 0)


def heads(name: str, share: int = 100) -> pd.DataFrame:
    """Return the runs of lesson 04's models with a share of the training pictures."""
    runs = lessons.measured(f"two_heads_{name}")
    return runs[runs["share"] == share]


# losses

HEAVIER = {("4 × L1", "L1"): 1, ("GIoU + L1", "GIoU + mean L1"): 0}
WITH_GIOU = {("GIoU + mean L1", "L1"): 1, ("GIoU + L1", "4 × L1"): 1}
BOTH = {("GIoU + L1", "L1"): 1, ("GIoU + L1, augmented", "GIoU + L1"): 0}
PAIRS = HEAVIER | WITH_GIOU | BOTH


@pytest.mark.parametrize("pair", PAIRS)
def test_what_a_change_of_the_loss_brings(pair):
    losses = lessons.measured("losses_mini")
    assert sure(gain(losses, *pair, "mean_iou")) == PAIRS[pair]
    assert sure(gain(losses, *pair, "accuracy")) == 0


def test_the_limit_stopped_runs_with_giou_and_none_with_l1_alone():
    stopped = lessons.measured("losses_mini").query("epochs == 60")["step"]
    assert {"GIoU + L1", "GIoU + L1, augmented"} <= {*stopped}
    assert not {"L1", "4 × L1"} & {*stopped}


# transfer


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("column", SCORES)
def test_the_borrowed_backbone_is_far_ahead(name, column):
    for step in ("frozen", "fine-tuned"):
        assert gain(heads(name), step, "small, L1", column)["low"] > 0.2


def test_fine_tuning_names_more_drawings_with_other_seeds_and_pictures():
    table = lessons.measured("outcomes_torch_mini").sort_values("seed")
    table = table.set_index(["what", "step", "seed"])
    rows = {
        what: metrics.two_way(table.loc[what].loc["fine-tuned"] - table.loc[what].loc["frozen"])
        for what in ("right", "iou")
    }
    assert rows["right"]["low"] > 0.02
    assert 0 < rows["iou"]["low"] < rows["iou"]["mean"] < 0.01


@pytest.mark.parametrize("column", ["accuracy", "mean_iou"])
def test_on_all_photographs_fine_tuning_may_bring_nothing(column):
    assert sure(gain(heads("voc2007_sample"), "fine-tuned", "frozen", column)) == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_tenth_with_borrowed_weights_beats_the_small_network_with_all(name):
    ahead = heads(name, 10).query("step == 'frozen'")[HITS].min()
    assert ahead > heads(name).query("step == 'small, GIoU + L1'")[HITS].max() + 0.2


def rises(name: str, step: str) -> list[float]:
    """Return what 30 % bring beyond 10 %, and 100 % beyond 30 %."""
    means = [heads(name, share).groupby("step")[HITS].mean()[step] for share in (10, 30, 100)]
    return [means[1] - means[0], means[2] - means[1]]


@pytest.mark.parametrize("step", ["frozen", "fine-tuned"])
def test_more_pictures_help_and_each_time_less(step):
    drawings, photographs = (rises(name, step) for name in KINDS)
    assert drawings[0] > drawings[1] > 0.05 and photographs[0] > photographs[1] > 0
    assert sum(photographs) < sum(drawings)


@pytest.mark.parametrize(("name", "is_sure"), [*zip(KINDS, (1, 0), strict=True)])
def test_fine_tuning_gains_most_with_a_tenth(name, is_sure):
    tenth, more, most = (
        gain(heads(name, share), "fine-tuned", "frozen", HITS) for share in (10, 30, 100)
    )
    assert sure(tenth) == is_sure and tenth["mean"] > max(more["mean"], most["mean"])


# pretraining


def test_pretrained_weights_are_far_ahead_and_random_ones_near_the_laziest_name():
    table = lessons.measured("pretraining_mini")
    longer = table["patience"] > table["patience"].min()
    tried = table[(table["seed"] == 0) & ~longer]
    for _, arm in tried.groupby("weights"):
        scores = arm.sort_values("rate")["val_score"].to_numpy()
        assert 0 < scores.argmax() < len(scores) - 1  # the best rate lies between others
    best = tried.loc[tried.groupby("weights")["val_score"].idxmax(), ["weights", "rate"]]
    chosen = table[~longer].merge(best).rename(columns={"weights": "step"})
    lazy = heads("mini").set_index("step").loc["mean box"]
    means = chosen.groupby("step")[[*SCORES]].mean()
    assert means.loc["random", "mean_iou"] > lazy["mean_iou"] + 0.15
    assert means.loc["random", "accuracy"] < lazy["accuracy"] + 0.1
    for column in SCORES:
        assert gain(chosen, "pretrained", "random", column)["low"] > 0
    patient = table[longer].set_index("weights")
    assert patient.loc["random", "accuracy"] < lazy["accuracy"] + 0.1
    assert patient.loc["pretrained", "accuracy"] > patient.loc["random", "accuracy"] + 0.2


# drawings and photographs


def leads(column: str) -> pd.DataFrame:
    """Return the mean score beyond the laziest answer: a row to learn from, a column to test."""
    means = lessons.measured("domains").pivot_table(column, "trained_on", "tested_on")
    for name in KINDS:
        means[name] -= heads(name).set_index("step").loc["mean box", column]
    return means


def kept(column: str) -> list[float]:
    """Return which share of the lead at home a head from elsewhere has, on drawings first."""
    found, (first, second) = leads(column), KINDS
    return [found.loc[b, a] / found.loc[a, a] for a, b in ((first, second), (second, first))]


def test_the_name_travels_badly_and_alike_both_ways():
    on_drawings, on_photographs = kept("accuracy")
    assert 0.2 < on_photographs < 0.3 and abs(on_drawings - on_photographs) < 0.08


def test_the_box_loses_about_half_and_more_from_drawings():
    on_drawings, on_photographs = kept("mean_iou")
    assert 0.4 < on_photographs < on_drawings - 0.05 and on_drawings < 0.65


# the planted shortcut


def planted(group: str, column: str) -> pd.Series:
    """Return by how much the planted head differs from the mixed one in a group."""
    runs = lessons.measured("shortcut").query("group == @group")
    return gain(runs.rename(columns={"trained_on": "step"}), "planted", "mixed", column)


def shortcut(column: str) -> pd.DataFrame:
    """Return the mean of a column: a row for each group, a column for each training set."""
    return lessons.measured("shortcut").pivot_table(column, "group", "trained_on")


def test_the_shortcut_shows_in_the_names():
    named = shortcut("named_cow")["planted"]
    assert named["cows on meadows"] > 0.95
    assert 0.4 < named["cows elsewhere"] < 0.6 and 0.4 < named["others on meadows"] < 0.6
    found = [sure(planted(group, "accuracy")) for group in named.index]
    assert dict(zip(named.index, found, strict=True)) == {
        "cows on meadows": 1,
        "cows elsewhere": -1,
        "others on meadows": -1,
        "others elsewhere": 0,
    }


def test_the_heat_map_does_not_tell_of_the_shortcut():
    heat, usual = shortcut("heat"), shortcut("mean_box_heat")
    assert heat.loc["cows on meadows", "planted"] > 1  # the first control is content
    cows = ["cows on meadows", "cows elsewhere"]
    assert (heat < usual).loc[cows].all(axis=None)  # with and without the shortcut
    assert (heat.drop(index=cows) < 1).all(axis=None)
    assert sure(planted("cows on meadows", "heat")) == -1
    assert sure(planted("cows elsewhere", "heat")) == 0
    assert sure(planted("others on meadows", "heat")) == 1


def test_every_map_has_some_heat():
    assert lessons.measured("shortcut")["no_heat"].sum() == 0
