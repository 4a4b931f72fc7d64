"""The measured tables: they belong to today's code, go on where they stopped, and are judged."""

import re

from coursekit.settings import CHECKOUT as ROOT
from exercises import lesson_code
from minivoc import dataset

import pandas as pd
import pytest

import _tables
import ddp
import domains
import fresh
import frozen
import ideas
import layers
import losses
import outputs
import pretraining
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
TABLES |= {"shortcut": shortcut}
TABLES |= {"losses_mini": losses, "pretraining_mini": pretraining, "outcomes_torch_mini": transfer}


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


def test_each_step_takes_the_best_rate_of_its_own_kind():
    tuning = {step: [0.1, 0.3, 0.2, 0.1] for step in dict.fromkeys(ideas.TUNED.values())}
    tuning["control"] = [0.1, 0.2, 0.3, 0.1]
    rows = pd.concat(
        pd.DataFrame({"step": step, "rate": ideas.RATES, "seed": 100, "mean_iou": numbers})
        for step, numbers in tuning.items()
    )
    # other seeds have no say
    others = rows.assign(seed=0, mean_iou=[0.9, 0.0, 0.0, 0.0] * len(tuning))
    rates = ideas.best_rates(pd.concat([others, rows], ignore_index=True))
    assert rates == {step: ideas.RATES[2 if step == "control" else 1] for step in rates}
    assert rates.keys() == {*ideas.STEPS, *ideas.PAIR, ideas.RANDOM}


def test_the_speedup_is_the_ratio_of_medians_to_the_first_setup():
    seconds = {(*setup, 32): [1.0, 2.0, 9.0] for setup in ddp.SETUPS}
    seconds[2, 1, 32] = [0.5, 0.5, 1.0]
    header, fields, *rows = ddp.table(seconds, 0.5).splitlines()
    assert "load 0.50 at the start" in header and fields == ddp.FIELDS
    assert rows[0] == "1,2,32,2.000,1.000,16.0,1.00"
    assert rows[2] == "2,1,32,0.500,0.500,64.0,4.00"


CURVES = {"layer": ["block_0", "block_1", "last"], "accuracy": [0.4, 0.6, 0.8]}


@pytest.mark.parametrize(
    ("change", "verdicts"),
    [
        ({"mean_iou": [0.4, 0.6, 0.5]}, [True, True]),
        ({"mean_iou": [0.4, 0.5, 0.6]}, [True, False]),
        ({"accuracy": [0.4, 0.9, 0.8], "mean_iou": [0.4, 0.6, 0.5]}, [False, True]),
    ],
)
def test_the_curves_of_the_layers_are_judged(change, verdicts):
    assert list(layers.verdicts(pd.DataFrame(CURVES | change)).values()) == verdicts
