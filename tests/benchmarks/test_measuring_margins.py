"""How margins are measured: by runs of the lessons, here by a program that takes their place."""

import json
import sys

import pandas as pd
import pytest

import margins


@pytest.mark.parametrize(
    ("measured", "bounds", "kind", "mean", "sd", "far"),
    [
        ([1.0, 2.0, 3.0], {"at_least": 0}, "trained", 2, 1, 2),
        ([1.0, 2.0, 3.0], {"at_most": 6}, "trained", 2, 1, 4),
        ([1.0, 2.0, 3.0], {"at_least": 0, "at_most": 3}, "trained", 2, 1, 1),
        ([1.0, 2.0, 3.0], {"at_least": 3}, "trained", 2, 1, -1),
        ([1.0, 2.0, 3.0], {"equals": 2}, "trained", 2, 1, 0),
        ([100356.0] * 2, {"equals": 100356}, "exact", 100356, 0, None),
        ([0.5, 0.5 + 1e-9], {"at_least": 0}, "exact", 0.5, 7.07e-10, None),
        ([0.0, 0.0], {"at_most": 0}, "exact", 0, 0, None),
        ([1.0, 2.0, 3.0], {}, "report", 2, 1, None),
    ],
)
def test_a_margin_counts_standard_deviations_to_the_nearest_bound(
    measured, bounds, kind, mean, sd, far
):
    assert margins.margin(measured, bounds) == (kind, mean, sd, far, len(measured))


def test_the_two_settings_differ_in_their_environment(monkeypatch):
    monkeypatch.setenv("COURSEKIT_BACKBONE", "vgg16")
    monkeypatch.setenv("COURSEKIT_HOME", "elsewhere")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")  # the reader's, not that of the first setting
    native, avx2 = (margins.environment(setting, 3) for setting in margins.SETTINGS)
    assert native["COURSEKIT_SEED"] == avx2["COURSEKIT_SEED"] == "3"
    differ = {name for name in native | avx2 if native.get(name) != avx2.get(name)}
    assert {"ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "OMP_NUM_THREADS"} <= differ
    assert "COURSEKIT_BACKBONE" not in native and native["COURSEKIT_HOME"] == "elsewhere"


# `coursekit run`, for two lessons: what each claim measures, and what the runs do.
STAND_IN = """
import json, os, sys
from pathlib import Path

options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
out, lesson = Path(options["--out"]), options["--only"]
seed, avx2 = int(os.environ["COURSEKIT_SEED"]), "ONEDNN_MAX_CPU_ISA" in os.environ
with open(Path(__file__).with_name("log"), "a") as log:
    print(options["--dataset"], avx2, seed, lesson, file=log)
if (Path(__file__).with_name("fail")).exists() and seed == 2 and avx2 and lesson == "02":
    print(*range(100), "the last line", sep="\\n", file=sys.stderr)
    sys.exit(1)
claims = [{"sentence": "Two, added", "equals": 4, "measured": 4, "holds": True}]
if lesson == "02":
    claims.append({"sentence": "Gain", "at_least": 1, "measured": 10 + seed + avx2, "holds": True})
if (Path(__file__).with_name("odd")).exists() and seed == 1 and avx2:
    claims.pop()
out.mkdir(parents=True, exist_ok=True)
file, name = out / "results.json", {"01": "01_one", "02": "02_two"}[lesson]
results = json.loads(file.read_text()) if file.exists() else {"claims": {}, "reports": {}}
results["claims"][name] = claims
if lesson == "02":
    results["reports"][name] = [{"sentence": "Noise", "measured": -seed}]
file.write_text(json.dumps(results))
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with a course of two lessons, run by the program above."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    for name in ("01_one", "02_two"):
        (tmp_path / f"{name}.ipynb").touch()
    results = {"claims": {"01_one": [], "02_two": [{"sentence": "Gain", "at_least": 2}]}}
    (tmp_path / "results.json").write_text(json.dumps(results))
    monkeypatch.setattr(margins, "COURSEKIT", [sys.executable, str(tmp_path / "stand_in.py")])
    monkeypatch.setattr(margins, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(margins, "RESULTS", tmp_path / "results.json")
    notebooks = sorted(tmp_path.glob("*.ipynb"))
    monkeypatch.setattr(margins.runner, "find_notebooks", lambda: notebooks)
    monkeypatch.setattr(margins.datasets, "prepare", lambda: None)
    return tmp_path


def measure(course, *arguments):
    margins.main([*arguments, "--seeds", "2", "--out", str(course)])
    return pd.read_csv(course / "margins.csv")


def test_the_table_says_what_the_runs_measured(course, capsys):
    rows = measure(course).set_index(["lesson", "claim"])
    assert tuple(rows.reset_index().columns) == margins.COLUMNS
    gain = rows.loc["02_two", "Gain"]  # 11, 12 and, with the other setting, 12, 13
    assert gain["kind"] == "trained" and gain["bound"] == "at_least=1" and gain["runs"] == 4
    assert (gain["mean"], gain["sd"], gain["margin"]) == (12, 0.816, 13.47)
    assert rows.loc["01_one", "Two, added"][["kind", "bound"]].tolist() == ["exact", "equals=4"]
    noise = rows.loc["02_two", "Noise"]
    assert noise["kind"] == "report" and noise["mean"] == -1.5 and pd.isna(noise["margin"])
    assert "'Gain' (at_least=2): not measured" in capsys.readouterr().out  # by the made-up book


def test_one_lesson_needs_those_before_it_and_leaves_the_other_rows(course):
    measure(course, "all")
    file = course / "margins.csv"
    file.write_text(file.read_text().replace("01_one", "00_gone").replace("Gain", "Old"))
    (course / "log").unlink()
    rows = measure(course, "01")
    assert rows["lesson"].unique().tolist() == ["01_one", "02_two"]
    assert rows["claim"].tolist() == ["Two, added", "Two, added", "Old", "Noise"]
    runs = (course / "log").read_text().split("\n")[:-1]
    assert sorted(runs) == sorted(f"mini {x} {s} 01" for x in (True, False) for s in (1, 2))
    (course / "log").unlink()
    rows = measure(course, "02")
    assert rows["claim"].tolist() == ["Two, added", "Two, added", "Gain", "Noise"]
    assert len((course / "log").read_text().splitlines()) == 8


def test_a_run_that_fails_is_reported_and_the_others_go_on(course):
    (course / "fail").touch()
    with pytest.raises(SystemExit) as stop:
        measure(course)
    assert "Setting avx2, seed 2, lesson 02 failed:" in str(stop.value)
    assert "the last line" in str(stop.value) and "\n50\n" not in str(stop.value)
    assert len((course / "log").read_text().splitlines()) == 8
    assert not (course / "margins.csv").exists()
    (course / "fail").unlink()
    assert len(measure(course)) == 4


def test_a_run_with_other_claims_is_named(course):
    (course / "odd").touch()
    with pytest.raises(ValueError, match=r"setting avx2, seed 1: no 'Gain' \(at_least=1\)$"):
        measure(course, "02")


def test_a_lesson_that_is_not_there_is_refused(course, capsys):
    with pytest.raises(SystemExit):
        measure(course, "01,07")
    assert "no lessons 01,07; there are 01, 02" in capsys.readouterr().err


def test_other_data_have_no_promises(course, monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_DATASET", "voc2007")
    margins.main(["--out", str(course)])
    assert "On voc2007 there are none to measure" in capsys.readouterr().out
    assert not (course / "log").exists()
