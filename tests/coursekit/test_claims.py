import json

from coursekit import lessons
from coursekit.claims import GO_ON, ClaimError, claim, report

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    monkeypatch.setenv("COURSEKIT_DATASET", "mini")
    lessons.begin("01_test")
    return tmp_path


def recorded(directory):
    results = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    return results["claims"]["01_test"]


def test_a_claim_prints_its_bound_and_records_its_number(lesson, capsys):
    capsys.readouterr()
    claim("Ours beats the mean box", 0.1234, at_least=0.05)
    assert capsys.readouterr().out == "✓ Ours beats the mean box: 0.1234 (at least 0.05)\n"
    assert recorded(lesson) == [
        {"sentence": "Ours beats the mean box", "at_least": 0.05, "measured": 0.1234, "holds": True}
    ]


@pytest.mark.parametrize(
    "measured, bound",
    [
        (0.04, {"at_least": 0.05}),
        (3, {"at_most": 2}),
        (6, {"equals": 7}),
        (5, {"at_least": 1, "at_most": 4}),
    ],
)
def test_a_claim_that_fails_on_mini_raises_with_the_number(lesson, measured, bound):
    with pytest.raises(AssertionError, match=f"{measured:.4g} was measured"):
        claim("It is so", measured, **bound)
    assert recorded(lesson)[0]["holds"] is False


def test_a_notebook_shows_a_failed_claim_without_traceback_and_how_to_go_on(lesson):
    """IPython itself shows it; for a program, such as nbval, it remains an error."""
    code = "from coursekit.claims import claim\nclaim('It is so', 0.04, at_least=0.05)"
    shell = InteractiveShell()
    shown = []
    shell._showtraceback = lambda kind, error, lines: shown.append((kind, lines))
    assert isinstance(shell.run_cell(code).error_in_exec, ClaimError)
    ((kind, lines),) = shown
    assert kind is ClaimError
    assert lines == ["✗ It is so: at least 0.05 was promised, 0.04 was measured.", GO_ON]
    assert "not your mistake" in GO_ON and "the next cell" in GO_ON


def test_elsewhere_a_claim_that_fails_is_reported_and_the_run_goes_on(lesson, monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_DATASET", str(lesson))
    claim("It is so", 0.04, at_least=0.05)
    assert "✗ It is so: 0.04 here (at least 0.05 on mini)" in capsys.readouterr().out
    assert recorded(lesson)[0]["holds"] is False


@pytest.mark.parametrize(
    "measured, printed",
    [(100_356, "100356"), (50176.4, "50176"), (0.123456, "0.1235"), (-2e-9, "-2e-09"), (3, "3")],
)
def test_a_number_is_printed_so_that_a_person_can_read_it(lesson, capsys, measured, printed):
    claim("So large", measured, at_most=1e6)
    assert capsys.readouterr().out.endswith(f"✓ So large: {printed} (at most 1e+06)\n")


def test_with_another_seed_a_claim_that_fails_is_reported_and_the_run_goes_on(
    lesson, monkeypatch, capsys
):
    monkeypatch.setenv("COURSEKIT_SEED", "1")
    claim("It is so", 0.04, at_least=0.05)
    assert capsys.readouterr().out.endswith("✗ It is so: 0.04 here (at least 0.05 on mini)\n")


def test_a_bound_is_met_at_the_bound(lesson):
    claim("Exactly", 2, equals=2, at_least=2, at_most=2)


@pytest.mark.parametrize("bound", [{}, {"atleast": 3}])
def test_a_claim_without_a_bound_is_refused(lesson, bound):
    with pytest.raises(ValueError, match="at_least, at_most or equals"):
        claim("It is so", 1.0, **bound)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_on_mini_a_number_that_is_none_is_refused(lesson, number):
    with pytest.raises(ValueError, match=str(number)):
        claim("It is so", number, at_least=0)
    with pytest.raises(ValueError, match=str(number)):
        report("It is so", number)


def test_elsewhere_there_may_be_nothing_to_measure(lesson, margins, monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_DATASET", str(lesson))
    claim("It is so", float("nan"), at_least=0.05)
    report("It varies", float("nan"))
    claimed, reported = capsys.readouterr().out.splitlines()[-2:]
    assert claimed == "– It is so: nothing to measure here (at least 0.05 on mini)"
    assert reported == "· It varies: nothing to measure here"
    (kept,) = recorded(lesson)
    assert kept == {"sentence": "It is so", "measured": None, "at_least": 0.05, "holds": None}


def test_running_a_lesson_again_forgets_its_old_claims(lesson):
    claim("Old", 1, at_least=0)
    lessons.begin("01_test")
    assert recorded(lesson) == []


def test_running_a_cell_again_records_its_claim_once(lesson):
    claim("Again", 1, at_least=0)
    claim("Again", 2, at_least=0)
    assert [c["measured"] for c in recorded(lesson)] == [2]


def test_a_claim_outside_a_lesson_is_refused(monkeypatch):
    monkeypatch.setattr(lessons, "_lesson", None)
    with pytest.raises(RuntimeError, match=r"lessons\.begin"):
        claim("It is so", 1, at_least=0)


@pytest.fixture
def margins(monkeypatch):
    row = {"claim": "It varies", "lesson": "01_test", "mean": 0.1234, "sd": 0.0567, "runs": 10}
    another = row | {"lesson": "02_other", "mean": 7}  # a lesson may say the same
    monkeypatch.setattr(lessons, "measured", lambda _name: pd.DataFrame([row, another]))


def test_a_report_prints_and_records_its_number_and_how_much_it_varies(lesson, margins, capsys):
    report("It varies", 0.2)
    expected = "· It varies: ≈0.2 here, 0.123 ± 0.057 over 10 runs\n"
    assert capsys.readouterr().out.endswith(expected)
    results = json.loads((lesson / "results.json").read_text(encoding="utf-8"))
    assert results["reports"]["01_test"] == [{"sentence": "It varies", "measured": 0.2}]


def test_a_report_of_what_never_varied_has_no_spread(lesson, monkeypatch, capsys):
    row = {"claim": "None fails", "lesson": "01_test", "mean": 0.0, "sd": 0.0, "runs": 10}
    monkeypatch.setattr(lessons, "measured", lambda _name: pd.DataFrame([row]))
    report("None fails", 0)
    assert capsys.readouterr().out.endswith("· None fails: ≈0 here, 0 in all 10 runs\n")


def test_a_report_that_was_not_measured_yet_says_only_what_it_is_here(lesson, margins, capsys):
    report("Another", 0.2)
    assert capsys.readouterr().out.endswith("· Another: ≈0.2 here\n")


def test_on_other_data_a_report_does_not_show_what_mini_gave(lesson, margins, monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_DATASET", str(lesson))
    report("It varies", 0.2)
    assert capsys.readouterr().out.endswith("· It varies: ≈0.2 here\n")
