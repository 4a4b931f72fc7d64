"""The measured tables: they belong to today's code, go on where they stopped, and are judged."""

import re
from itertools import product
from unittest import mock

from coursekit import lessons, metrics
from coursekit.settings import CHECKOUT as ROOT
from exercises import lesson_code
from minivoc import dataset

import numpy as np
import pandas as pd
import pytest

import _tables
import ddp
import detectors
import domains
import exchange
import fresh
import frozen
import ideas
import layers
import losses
import network_to_touch
import outputs
import poses
import pretraining
import promises
import shortcut
import sizes
import transfer
import unfrozen

SCRIPTS = dict.fromkeys(("probes", "ideas", "heads", "outcomes_keras"), ideas)
SCRIPTS |= {"layers": layers, "sizes": sizes, "two_heads": transfer}
TABLES = {
    f"{name}_{data}": SCRIPTS[name] for name in SCRIPTS for data in ("mini", "voc2007_sample")
}
TABLES |= {"domains": domains, "unfrozen": unfrozen, "outputs": outputs, "frozen": frozen}
TABLES |= {"coverage": fresh, "choosing": fresh}
TABLES |= {"shortcut": shortcut, "exchange_mini": exchange, "promises": promises, "poses": poses}
TABLES |= {"losses_mini": losses, "pretraining_mini": pretraining, "outcomes_torch_mini": transfer}
TABLES |= {"detectors": detectors, "detectors_voc2007_sample": detectors}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_was_measured_with_the_code_of_the_lesson(table):
    script = TABLES[table]
    lesson = getattr(script, "LESSON", ideas.LESSON)
    digest = lesson_code.digest(lesson_code.read(lesson), script.USED)
    header = (ROOT / "book" / "results" / f"{table}.csv").read_text("utf-8").split("\n")[0]
    hint = f"The code is {digest}. Run benchmarks/{script.__name__}.py for {table}.csv."
    assert header.endswith(f" code {digest}"), hint


def test_the_tables_of_mini_were_measured_on_todays_drawings():
    for file in sorted((ROOT / "book" / "results").glob("*.csv")):
        header = file.read_text("utf-8").split("\n")[0]
        if re.search(r"\bmini\b|drawings", header) and file.stem != "ddp_mini":  # only seconds
            assert f", version {dataset.VERSION}" in header, file.name


def test_a_table_of_other_drawings_begins_anew(monkeypatch):
    today, photographs = _tables.named("mini"), _tables.named("photographs")
    monkeypatch.setattr(dataset, "VERSION", dataset.VERSION + 1)
    assert _tables.named("mini") != today and _tables.named("photographs") == photographs


@pytest.mark.parametrize("script", [domains, unfrozen])
def test_without_photographs_the_other_tables_are_measured(script, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("COURSEKIT_VOC_SAMPLE", raising=False)
    script.main(["--out", str(tmp_path)])  # where it failed, make measure would stop
    assert "set COURSEKIT_VOC_SAMPLE" in capsys.readouterr().out
    assert [*tmp_path.iterdir()] == []


def test_a_measurement_goes_on_where_it_stopped(tmp_path):
    file, asked = tmp_path / "new" / "table.csv", []

    def row(step, seed):
        asked.append((step, seed))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return [seed / 2]

    keys = [("a, b", 0), ("a, b", 1), ("c", 0)]
    fields = ("step", "seed", "score")
    with pytest.raises(KeyboardInterrupt):
        _tables.measure(file, "# code 1", fields, keys, row)
    table = _tables.measure(file, "# code 1", fields, keys, row)
    assert asked == [keys[0], keys[1], keys[1], keys[2]]
    assert table.to_numpy().tolist() == [["a, b", 0, 0.0], ["a, b", 1, 0.5], ["c", 0, 0.0]]
    _tables.measure(file, "# code 2", fields, keys[:1], row)
    assert file.read_text() == '# code 2\nstep,seed,score\n"a, b",0,0.0\n'
    _tables.measure(file, "# code 2", ("step", "seed", "points"), keys[:1], row)
    assert file.read_text() == '# code 2\nstep,seed,points\n"a, b",0,0.0\n'


def runs(numbers: dict[str, list[float]], **more) -> pd.DataFrame:
    """Return a table with a row for each seed; each score is the same number."""
    rows = [
        {"step": step, "seed": seed, **dict.fromkeys(transfer.SCORES, number)}
        for step, seeds in numbers.items()
        for seed, number in enumerate(seeds)
    ]
    return pd.DataFrame(rows).assign(**more)


LAST = {key: [0.5, 0.6] for key in ideas.LAST} | {"pointing": [0.7, 0.8]}


def test_the_last_models_are_judged_seed_by_seed(capsys):
    assert list(ideas.verdicts(runs(LAST)).values()) == [True] * 6
    verdicts = ideas.verdicts(runs(LAST | {"spatial": [0.5, 0.7]}))
    assert list(verdicts.values()) == [True] * 3 + [False] + [True] * 2
    _tables.judge(verdicts)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("✓ ") and "'mean box'" in printed[0]
    assert printed[3].startswith("✗ does not hold: ") and "'spatial'" in printed[3]


@pytest.mark.parametrize("best", ideas.RATES)
def test_rates_of_ideas_are_tried_until_the_best_is_no_edge(best, tmp_path):
    def row(step, rate, seed):
        return ["", -abs(np.log(rate / best)), "", 0]

    with mock.patch.object(ideas, "TUNED", {"a": "a", "b": "b", "c": "a"}):
        keys = ideas.tuning_keys(tmp_path / "table.csv")
        table = _tables.measure(
            tmp_path / "table.csv", "# code 1", ideas.FIELDS["ideas"], keys, row
        )
    assert not table.duplicated(["step", "rate", "seed"]).any()
    i = ideas.RATES.index(best)
    for _, part in table.groupby("step"):
        assert {*part["rate"]} == {*ideas.FIRST, *ideas.RATES[max(i - 1, 0) : i + 2]} | {
            *between(best, ideas)
        }
    assert {*table["step"]} == {"a", "b"}


def test_each_step_takes_the_best_rate_of_its_own_kind():
    tuning = {step: [0.1, 0.3, 0.2, 0.1] for step in dict.fromkeys(ideas.TUNED.values())}
    tuning["control"] = [0.1, 0.2, 0.3, 0.1]
    rows = pd.concat(
        pd.DataFrame({"step": step, "rate": ideas.FIRST, "seed": 100, "mean_iou": numbers})
        for step, numbers in tuning.items()
    )
    # other seeds have no say
    others = rows.assign(seed=0, mean_iou=[0.9, 0.0, 0.0, 0.0] * len(tuning))
    rates = ideas.best_rates(pd.concat([others, rows], ignore_index=True))
    assert rates == {step: ideas.FIRST[2 if step == "control" else 1] for step in rates}
    assert rates.keys() == {*ideas.STEPS, *ideas.PAIR, ideas.RANDOM}


def test_the_speedup_is_the_ratio_of_medians_to_the_first_setup():
    seconds = {(*setup, 32): [1.0, 2.0, 9.0] for setup in ddp.SETUPS}
    seconds[2, 1, 32] = [0.5, 0.5, 1.0]
    header, fields, *rows = ddp.table(seconds, 0.5).splitlines()
    assert "load 0.50 at the start" in header and fields == ddp.FIELDS
    assert rows[0] == "1,2,32,2.000,1.000,16.0,1.00"
    assert rows[2] == "2,1,32,0.500,0.500,64.0,4.00"


RISING, PEAK = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4, 0.6, 0.5]


@pytest.mark.parametrize(
    ("accuracy", "mean_iou", "verdicts"),
    [
        (RISING, PEAK, [True, True]),
        (PEAK, RISING, [True, False]),
        ([0.3, 0.1, 0.2, 0.6, 0.5, 0.4], PEAK, [False, True]),
    ],
)
def test_the_curves_of_the_layers_are_judged(accuracy, mean_iou, verdicts):
    table = pd.DataFrame({"accuracy": accuracy, "mean_iou": mean_iou})
    assert list(layers.verdicts(table).values()) == verdicts


# what the prose of lesson 03 rests on, in the committed tables


@pytest.fixture(params=["mini", "voc2007_sample"])
def data(request):
    return request.param


@pytest.mark.parametrize(("table", "script"), [("layers", layers), ("heads", ideas)])
def test_the_verdicts_hold_in_the_committed_tables(table, script, data):
    verdicts = script.verdicts(lessons.measured(f"{table}_{data}"))
    assert [sentence for sentence, holds in verdicts.items() if not holds] == []


def gains(idea: str, data: str) -> list[pd.Series]:
    """Return what an idea of lesson 03 brings when it is added, and when it is not left out."""
    runs = lessons.measured(f"ideas_{data}").query(f"seed != {ideas.TUNING}")
    runs = runs.pivot(index="seed", columns="step", values="mean_iou")
    runs["all but regularized"] = runs["+ mirrored"]
    before = [*ideas.STEPS][ideas.IDEAS.index(idea)]
    pairs = ((f"+ {idea}", before), ("+ regularized", f"all but {idea}"))
    return [_tables.interval(runs[more] - runs[less]) for more, less in pairs]


@pytest.mark.parametrize("idea", ideas.IDEAS)
def test_two_ideas_help_and_of_the_last_two_nobody_can_tell(idea, data):
    for row in gains(idea, data):
        if idea in ideas.IDEAS[:2]:
            assert row["low"] > 0.05
        elif idea != "IoU loss":
            assert row["low"] < 0 < row["high"]


def test_the_iou_loss_brings_about_two_hundredths_and_not_in_every_interval():
    rows = [row for data in ("mini", "voc2007_sample") for row in gains("IoU loss", data)]
    assert sorted(row["low"] > 0 for row in rows) == [False, True, True, True]
    assert all(0.01 < row["mean"] < 0.03 for row in rows)


def test_what_the_lesson_says_of_the_last_models_holds_for_pictures_and_seeds(data):
    runs = lessons.measured(f"outcomes_keras_{data}").query("what == 'iou'").groupby("step")
    overlaps = {step: rows.iloc[:, 3:].to_numpy() for step, rows in runs}

    def low(first, second):
        return metrics.two_way(overlaps[first] - overlaps[second])["low"]

    assert low("pointing", "tuned spatial") > 0.15
    assert low("tuned pooled", "center box") > 0 and low("tuned spatial", "center box") > 0
    # on photographs we cannot tell
    assert (low("tuned spatial", "tuned pooled") > 0) == (data == "mini")
    assert low("tuned pooled", "tuned spatial") < 0


def test_larger_pictures_help_the_name_and_not_the_box(data):
    folds = lessons.measured(f"sizes_{data}").set_index(["size", "fold"])
    gain = {size: folds.loc[size] - folds.loc[224] for size in (256, 320)}
    rows = {key: metrics.over_runs(gain[key]["accuracy"], [0] * 5).loc[0] for key in gain}
    assert rows[320]["low"] > 0 and rows[256]["low"] < 0 < rows[256]["high"]
    assert gain[320]["mean_iou"].mean() > -0.01 and gain[320]["mean_iou"].max() <= 0


# what the prose of lesson 05 rests on


def trainings(accuracy) -> pd.DataFrame:
    """Return a table of unfrozen.py, five seeds and 400 pictures; `accuracy` is of the ways."""
    rng = np.random.default_rng(0)
    rows = [(*unfrozen.USUAL, 0, 0.3, 0.35, *(np.arange(400) < 140).astype(int))]
    for way in product(*unfrozen.FACTORS.values()):
        for seed in range(5):
            right = (rng.random(400) < accuracy(*way)).astype(int)
            rows.append((*way, seed, 0.4, right.mean(), *right))
    return pd.DataFrame(rows, columns=[*unfrozen.FIELDS, *map(str, range(400))])


def test_the_suspects_are_judged_by_their_main_effects():
    wrong = ("all", "as the source", "as the source")

    def each_costs(*way) -> float:
        return 0.65 - 0.1 * sum(a == b for a, b in zip(way, wrong, strict=True))

    table = trainings(each_costs)
    effects = unfrozen.main_effects(table)
    assert all(effect["mean"] == pytest.approx(0.1, abs=0.03) for effect in effects.values())
    assert [*unfrozen.verdicts(table).values()] == [True] * 5
    # two that cost nothing, and all three far above the most frequent name
    harmless = trainings(lambda trained, *_: 0.7 if trained == "heads" else 0.6)
    assert [*unfrozen.verdicts(harmless).values()] == [True, False, False, False, True]
    learned = table.assign(train_accuracy=0.9)
    assert [*unfrozen.verdicts(learned).values()] == [True] * 4 + [False]


def test_what_lesson_05_says_of_its_suspects_holds_in_the_table():
    verdicts = unfrozen.verdicts(lessons.measured("unfrozen"))
    assert [sentence for sentence, holds in verdicts.items() if not holds] == []


def test_what_choosing_on_the_test_pictures_adds_in_the_table():
    added = fresh.flattery(lessons.measured("choosing"))
    row = metrics.over_runs(added, [0] * len(added)).loc[0]
    assert row["low"] > 0.01 and row["high"] < 0.05


# what the prose of lesson 06 rests on


def anew(table: pd.DataFrame, change) -> pd.DataFrame:
    """Return a table whose scores are changed; by default of each picture alike."""
    scores = [name for name in table if name.startswith(("val_a", "val_m", "test_"))]
    return table.assign(**{name: change(table, name) for name in scores})


def by_arm(table: pd.DataFrame, numbers: dict[str, float]) -> pd.Series:
    """Return a score for each row: 0.5, and more or less for some arms."""
    return table["arm"].map(numbers).fillna(0.0) + 0.5


EXCHANGED = [  # scores of which some sentence is not true
    lambda table, name: by_arm(table, {"w = 1": -0.1, "w = 1000": 0.1}),
    lambda table, name: by_arm(table, {arm: 0.1 for arm in exchange.GROUP_OF if arm == "w = 0.1"}),
    lambda table, name: by_arm(table, {"apart, w = 1000": 0.1, "apart, w = 10": -0.1}),
    lambda table, name: by_arm(table, {"falling, 1000 to 1": 0.1, "learned, from 0": 0.1}),
    lambda table, name: by_arm(table, {"first the name": 0.1, "first the box": 0.1}),
]


def test_the_verdicts_of_lesson_06_hold_and_each_of_them_can_fail():
    table = lessons.measured("exchange_mini")
    verdicts = exchange.verdicts(table)
    assert [sentence for sentence, holds in verdicts.items() if not holds] == []
    failed = [
        sentence
        for change in EXCHANGED
        for sentence, holds in exchange.verdicts(anew(table, change)).items()
        if not holds
    ]
    assert {*failed} == {*verdicts}


def test_the_two_weights_of_source_000_differ_in_speed_and_both_sentences_can_fail():
    table = lessons.measured("published_rates")
    assert [*exchange.slower(table).values()] == [True, True]
    late = table["epochs"] == exchange.LENGTHS[-1]
    level = table.assign(mean_iou=table["mean_iou"].where(late, 0.4))
    assert [*exchange.slower(level).values()] == [False, False]
    lasting = table["weight"].map({exchange.WEIGHTS[0]: 0.5}).fillna(0.4)
    assert [*exchange.slower(table.assign(mean_iou=lasting)).values()] == [True, False]


def test_the_promises_of_lesson_06_hold_and_each_sentence_can_fail():
    table = lessons.measured("promises")
    assert [*promises.verdicts(table).values()] == [True] * 4
    turned = table.assign(held=1 - table["held"], width=1 - table["width"])
    assert [*promises.verdicts(turned).values()] == [False] * 4


# what the prose of lesson 07 rests on


def posed(numbers: dict[str, float]) -> pd.DataFrame:
    """Return the committed table with other scores: 0.5, and more or less for some arms."""
    table = lessons.measured("poses")
    arm = table["head"] + ", " + table["mirrored"]
    scores = [name for name in table if name.startswith(("val_p", "val_o", "test_"))]
    return table.assign(**dict.fromkeys(scores, arm.map(numbers).fillna(0.0) + 0.5))


def test_the_verdicts_of_lesson_07_hold_and_each_of_them_can_fail():
    verdicts = poses.verdicts(lessons.measured("poses"))
    assert [sentence for sentence, holds in verdicts.items() if not holds] == []
    others = [
        {},
        {"heat maps, maps": -0.2, "heat maps, maps, sides not exchanged": 0.2},
    ]
    failed = [
        sentence
        for numbers in others
        for sentence, holds in poses.verdicts(posed(numbers)).items()
        if not holds
    ]
    assert {*failed} == {*verdicts}


# what the prose of lesson 08 rests on


def detected(focal: float, entropy: float, sets: float, slope: float = 0.0) -> pd.DataFrame:
    """Return the committed table with other scores for each kind, and by how much shares differ."""
    table = lessons.measured("detectors")
    level = table["kind"].map({"focal": focal, "cross-entropy": entropy, "sets": sets})
    level += slope * (table["kind"] == "sets") * np.log2(table["share"])
    chosen = table["use"] == "choose"
    level = level.where(~chosen, -table["rate"])  # the lowest rate is the best
    scores = [name for name in table if name.startswith(("val_", "test_"))]
    return table.assign(**dict.fromkeys(scores, level + 0.001 * table["seed"]))


def test_the_verdicts_of_lesson_08_hold_and_each_of_them_can_fail():
    verdicts = detectors.verdicts(lessons.measured("detectors"))
    assert [sentence for sentence, holds in verdicts.items() if not holds] == []
    others = [detected(0.3, 0.4, 0.35), detected(0.5, 0.4, 0.2, -0.05)]
    failed = [
        sentence
        for table in others
        for sentence, holds in detectors.verdicts(table).items()
        if not holds
    ]
    assert {*failed} == {*verdicts}


# what the prose of lesson 01 rests on


@pytest.mark.parametrize("script", [outputs, frozen])
def test_the_verdicts_of_lesson_01_hold_and_each_of_them_can_fail(script):
    table = lessons.measured(script.__name__)
    verdicts = script.verdicts(table)
    assert [sentence for sentence, holds in verdicts.items() if not holds] == []
    scores = table["mean_iou"]
    changed = [
        table.assign(mean_iou=scores * 0 + 0.7),
        table.assign(mean_iou=1 - 3 * scores),
        table.assign(mean_iou=0.01 * scores, rate=1),
    ]
    failed = [
        sentence for t in changed for sentence, holds in script.verdicts(t).items() if not holds
    ]
    assert {*failed} == {*verdicts}


def test_an_arm_of_lesson_01_has_one_rate_that_is_no_edge_of_what_was_tried():
    table = lessons.measured("outputs")
    scored, tried = (table[table["use"] == use] for use in ("score", "choose"))
    for (name, number), runs in scored.groupby(["network", "rectangles"]):
        (rate,) = runs["rate"].unique()
        rates = tried[tried["network"].eq(name) & tried["rectangles"].eq(number)]["rate"]
        # with the most rectangles none was tried
        assert rates.empty == (number == 102_400)
        assert rates.empty or rates.min() < rate < rates.max()


@pytest.mark.parametrize("best", [0.0001, 0.0003, 0.01, 1.0])
def test_a_rate_is_searched_until_it_is_no_edge_or_the_rates_end(best, tmp_path, monkeypatch):
    arm = outputs.Arm(None, None, None, scored=(8, 16))
    monkeypatch.setattr(outputs, "SEEDS", {4: (2, 0), 8: (1, 1), 16: (0, 1)})
    file = tmp_path / "outputs.csv"

    def row(name, number, rate, use, seed):
        return [-abs(np.log(rate / best)), "", 0]

    steps = outputs.keys(file, {"arm": arm})
    table = _tables.measure(file, "# code 1", outputs.FIELDS, steps, row)
    assert {*table[table["use"] == "score"]["rate"]} == {best}
    tried = [{*table[table["rectangles"] == number]["rate"]} for number in (4, 8)]
    assert tried[0] == {*outputs.FIRST, *outputs.around(best), *between(best)}
    assert tried[1] == {*outputs.around(best)}
    assert table["rectangles"].tolist()[-2:] == [8, 16]


def between(rate: float, script=outputs) -> list[float]:
    """Return the rates from the first ones to this one."""
    low, high = min(rate, *script.FIRST), max(rate, *script.FIRST)
    return [r for r in script.RATES if low <= r <= high]


# what the page "A network to touch" rests on


def test_the_network_to_touch_was_measured_with_todays_code():
    file = ROOT / "book" / "results" / "network_to_touch.csv"
    header = file.read_text("utf-8").split("\n")[0]
    assert header.endswith(f", code {network_to_touch.code()}"), (
        "Run benchmarks/network_to_touch.py."
    )


def test_the_verdicts_of_the_network_to_touch_hold_and_each_of_them_can_fail():
    table = lessons.measured("network_to_touch")
    verdicts = network_to_touch.verdicts(table)
    assert [sentence for sentence, holds in verdicts.items() if not holds] == []
    bad = network_to_touch.verdicts(table.assign(ap50=0.4, frame_ms=250))
    assert not any(bad.values()) and bad.keys() == verdicts.keys()
