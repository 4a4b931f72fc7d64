"""Every promise of the course has been measured, and no claim about training can fail by chance."""

import json

from coursekit.settings import CHECKOUT as ROOT

import pandas as pd
import pytest

from margins import COLUMNS, faults

FILE = ROOT / "book" / "results" / "margins.csv"
RESULTS = {
    "claims": {
        "03_x": [
            {"sentence": "Gain", "at_least": 0.05, "measured": 0.2},
            {"sentence": "Both", "at_least": 0.25, "at_most": 1, "measured": 0.5},
            {"sentence": "Sum", "equals": 4, "measured": 4},
        ]
    },
    "reports": {"03_x": [{"sentence": "Noise", "measured": 0.1}]},
}
ROWS = [
    ("03_x", "Gain", "trained", "at_least=0.05", 0.25, 0.05, 4.0, 10),
    ("03_x", "Both", "trained", "at_least=0.25 at_most=1", 0.5, 0.01, 25.0, 10),
    ("03_x", "Sum", "exact", "equals=4", 4, 0, None, 10),
    ("03_x", "Noise", "report", None, 0.1, 0.2, None, 10),
]


@pytest.fixture
def rows():
    return pd.DataFrame(ROWS, columns=COLUMNS)


def test_a_good_table_has_no_fault(rows, tmp_path):
    assert faults(rows, RESULTS) == []
    rows.to_csv(tmp_path / "margins.csv", index=False)
    assert faults(pd.read_csv(tmp_path / "margins.csv"), RESULTS) == []


def test_a_claim_with_too_little_margin_is_named(rows):
    rows.loc[0, "margin"] = 3.99
    assert faults(rows, RESULTS) == ["03_x, 'Gain': a margin of 3.99, below 4"]
    rows.loc[0, "margin"] = None
    assert faults(rows, RESULTS) == ["03_x, 'Gain': a margin of nan, below 4"]


@pytest.mark.parametrize("index", range(4))
def test_a_claim_that_was_not_measured_is_named(rows, index):
    _, claim, _, bound, *_ = ROWS[index]
    words = f"03_x, {claim!r} ({bound or 'a report'}): not measured"
    assert faults(rows.drop(index), RESULTS) == [words]


def test_a_lesson_that_was_not_measured_is_named(rows):
    more = RESULTS["claims"] | {"04_y": RESULTS["claims"]["03_x"][:1]}
    assert faults(rows, RESULTS | {"claims": more}) == [
        "04_y, 'Gain' (at_least=0.05): not measured"
    ]


def test_another_bound_is_named(rows):
    rows.loc[0, "bound"] = "at_least=0.04"
    assert faults(rows, RESULTS) == [
        "03_x, 'Gain' (at_least=0.05): not measured",
        "03_x, 'Gain' (at_least=0.04): not in the lesson",
    ]


@pytest.mark.parametrize(("field", "value"), [("claim", "Old"), ("lesson", "02_gone")])
def test_a_row_without_a_claim_is_named(rows, field, value):
    row = rows.iloc[[0]].assign(**{field: value})
    lesson, claim = row.iloc[0]["lesson"], row.iloc[0]["claim"]
    words = f"{lesson}, {claim!r} (at_least=0.05): not in the lesson"
    assert faults(pd.concat([rows, row]), RESULTS) == [words]


def test_the_promises_of_the_course_are_safe():
    results = json.loads((ROOT / "book" / "results.json").read_text(encoding="utf-8"))
    assert faults(pd.read_csv(FILE), results) == []
