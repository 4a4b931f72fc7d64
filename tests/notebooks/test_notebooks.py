"""Every notebook keeps the rules, and the checker of the rules sees each breach."""

import copy
import json

from coursekit import metrics
from coursekit.settings import CHECKOUT as ROOT
from exercises.lesson_code import code_cells, needed

import pandas as pd
import pytest

from hygiene import HEADINGS, IGNORED, faults

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RESULTS = ROOT / "book" / "results.json"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_keeps_the_rules(path):
    assert faults(read(path), path.stem, read(RESULTS)) == []


def test_there_are_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS[:2]] == ["01", "02"]


def function(lesson, name):
    """Return a function of a lesson that needs no more than `metrics`."""
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(lesson))
    space = {"metrics": metrics}
    exec(needed(read(path), [name]), space)
    return space[name]


@pytest.mark.parametrize("lesson", ["06", "07"])
def test_one_seed_has_a_mean_and_no_spread(lesson):
    shown = function(lesson, "mean_and_interval")
    assert shown(pd.Series([0.5])) == "0.500"
    assert shown(pd.Series([0.5, 0.6])).startswith("0.550 ± 0.6")


def test_a_spread_that_rounds_to_nothing_is_not_shown():
    shown = function("01", "as_text")
    assert shown({"mean": 0.5, "high": 0.52}) == "0.50 ± 0.02"
    assert shown({"mean": 0.5, "high": 0.501}) == "0.50"
    assert shown({"mean": 0.5, "high": float("nan")}) == "0.50"


# ------------------------------------------------------- the checker itself

SENTENCE = "Two and two, added"


def cell(text, *outputs, count=None, tags=(), alt=None):
    metadata = {"tags": list(tags)}
    if alt:
        metadata["mystnb"] = {"image": {"alt": alt}}
    return {
        "cell_type": "code",
        "source": [text],
        "metadata": metadata,
        "outputs": list(outputs),
        "execution_count": count,
    }


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": [text]}


PICTURE = {"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {}}


def text(content):
    return {"cell_type": "markdown", "source": [content], "metadata": {}}


QUESTION = """**{}. Two and two?**

<details class="option"><summary>Four</summary>

Yes. Count.

</details>

<details class="option"><summary>Five</summary>

No. You counted one twice.

</details>

"""
SOLUTION = """def f{0}(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION"""


def fold(cell):
    cell["metadata"]["jupyter"] = {"source_hidden": True}
    return cell


def exercise(number, count):
    """Return the three cells of an exercise that checks itself; `count` is its first run."""
    return [
        text(f":::{{admonition}} Exercise {number} (easy)\n:class: exercise\nWrite it.\n:::"),
        fold(cell(SOLUTION.format(number), count=count, tags=["exercise", "hide-input"])),
        cell(f"checks.f(f{number})", stream("✓"), count=count + 1, tags=["check"]),
    ]


@pytest.fixture
def good():
    """A lesson without fault, and its results."""
    before, after = HEADINGS[: HEADINGS.index("Quiz")], HEADINGS[HEADINGS.index("Exercises") + 1 :]
    title = "# Lesson\n![A picture of what comes out](a.png)\n"
    cells = [
        text(title + "\n".join(f"## {h}\n" for h in before)),
        cell('lessons.begin("01_x")', stream("Lesson 01_x"), count=1),
        cell("train()", stream("0.1234"), count=2),
        cell(f'claim("{SENTENCE}", 4, equals=4)', stream(f"✓ {SENTENCE}: exactly 4\n"), count=3),
        cell("plt.show()", PICTURE, count=4, alt="A line that rises from left to right."),
        cell("print(1)", stream("1"), count=5),
        text("## Quiz\n\n" + "".join(QUESTION.format(n) for n in (1, 2, 3))),
        text("## Exercises\n"),
        cell("from coursekit import checks", count=6),
        *(part for n in (1, 2, 3, 4) for part in exercise(n, 5 + 2 * n)),
        text(":::{admonition} Exercise 5 (open)\n:class: exercise\nThink.\n:::"),
        text("\n".join(f"## {h}\n" for h in after)),
    ]
    claim = {"sentence": SENTENCE, "equals": 4, "measured": 4, "holds": True}
    return {"cells": cells}, {"claims": {"01_x": [claim]}}


def test_a_good_notebook_has_no_fault(good):
    assert faults(good[0], "01_x", good[1]) == []


def test_one_output_in_twenty_may_be_ignored(good):
    notebook, results = good
    last = code_cells(notebook)[-1]["execution_count"]
    more = [cell("print(1)", stream("1"), count=last + n) for n in range(1, 12)]
    notebook["cells"] += more
    ignore(notebook["cells"])
    assert faults(notebook, "01_x", results) == []
    more[0]["outputs"].clear()
    assert faults(notebook, "01_x", results) == [
        "1 of 19 outputs are not compared; at most 1 in 20"
    ]


def swap_counts(cells):
    cells[1]["execution_count"], cells[2]["execution_count"] = 2, 1


def never_run(cells):
    cells[5]["execution_count"] = None


def ignore(cells, number=2):
    cells[number]["metadata"]["tags"] = [IGNORED]


def ignore_both(cells):
    ignore(cells, 2)
    ignore(cells, 3)


def drop_claim(cells):
    ignore(cells)
    del cells[3]
    for number, item in enumerate(cells[1:], 1):
        item["execution_count"] = number


JPEG = {"output_type": "display_data", "data": {"image/jpeg": "AAAA"}, "metadata": {}}
BREACHES = {
    "JPEG": (
        lambda c: c[5]["outputs"].append(JPEG),
        "the picture of code cell 5 has no alternative",
    ),
    "seed": (lambda c: c[5].update(source=["SEED = 7"]), "SEED is 7, not lessons.SEED"),
    "swapped": (swap_counts, "not run top to bottom"),
    "never run": (never_run, "not run top to bottom"),
    "stderr": (lambda c: c[5]["outputs"].append(stream("!", "stderr")), "cell 5 stores stderr"),
    "error": (
        lambda c: c[5]["outputs"].append({"output_type": "error", "ename": "E"}),
        "cell 5 stores an error",
    ),
    "widget": (
        lambda c: c[5]["outputs"].append(
            {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view": {}}}
        ),
        "cell 5 stores a widget",
    ),
    "ignored": (ignore, "1 of 9 outputs are not compared; at most 1 in 20"),
    "ignored with its claim": (ignore_both, "cell 2 is not compared, and no compared claim"),
    "ignored last": (
        lambda c: ignore(c, 5),
        "cell 5 is not compared, and no compared claim follows",
    ),
    "no claim follows": (drop_claim, "cell 2 is not compared, and no compared claim follows"),
    "skip tag": (lambda c: c[5]["metadata"].update(tags=["nbval-skip"]), "another nbval marker"),
    "comment": (lambda c: c[5].update(source=["# NBVAL_SKIP\n1"]), "another nbval marker"),
    "long": (lambda c: c[5].update(source=["x = 1\n"] * 40), "cell 5 has 40 lines"),
    "wide": (lambda c: c[5].update(source=["x = 1", f"  # {'y' * 70}"]), "a line of 79 characters"),
    "behind a bracket": (
        lambda c: c[5].update(source=["f(\n", "    (1,\n", "    )\n", ")  # the sum\n"]),
        "cell 5 has a comment after a closing bracket: ')  # the sum'",
    ),
    "behind brackets": (
        lambda c: c[5].update(
            source=["f(\n", "    [1],\n", "    g({\n", "    }), # the sum\n", ")"]
        ),
        "cell 5 has a comment after a closing bracket: '}), # the sum'",
    ),
    "no title": (lambda c: c[0].update(source=c[0]["source"][0][2:]), "no title"),
    "no picture": (
        lambda c: c[0].update(source=c[0]["source"][0].replace("![", "[")),
        "picture of the goal",
    ),
    "no summary": (
        lambda c: c[0].update(source=c[0]["source"][0].replace("## Summary", "")),
        "in this order",
    ),
    "no alt": (lambda c: c[4]["metadata"].pop("mystnb"), "cell 4 has no alternative text"),
    "no alt in markdown": (
        lambda c: c[0].update(source=c[0]["source"][0] + "![](b.png)"),
        "b.png has no alternative text",
    ),
    "two pictures": (lambda c: c[4]["outputs"].append(PICTURE), "2 pictures"),
    "path": (lambda c: c[5]["outputs"].append(stream("/home/me/x.jpg")), "'/home/m'"),
    "windows": (lambda c: c[5]["outputs"].append(stream(r"C:\Users")), "only this machine"),
    "address": (lambda c: c[5]["outputs"].append(stream("<X at 0x7f91403ded40>")), "0x7f91"),
    "both": (lambda c: c[5].update(source=["import keras\nimport torch"]), "both frameworks"),
    "silent claim": (lambda c: c[3].update(outputs=[]), "calls claim, but shows none"),
    "begin": (lambda c: c[1].update(source=['lessons.begin("02_y")']), "does not call lessons"),
    "three exercises": (lambda c: c.__delitem__(slice(18, 21)), "3 exercises check themselves"),
    "nothing open": (lambda c: c.pop(21), "no exercise is open"),
    "counted": (lambda c: replace(c[12], "Exercise 2", "Exercise 3"), "not counted one by one"),
    "no solution": (lambda c: replace(c[10], "### END SOLUTION", ""), "does not hold one solution"),
    "two solutions": (lambda c: c[10].update(source=c[10]["source"] * 2), "not hold one solution"),
    "not tagged": (lambda c: c[10]["metadata"].update(tags=["exercise"]), "lacks a tag"),
    "tagged in vain": (lambda c: c[5]["metadata"].update(tags=["exercise"]), "not hold one"),
    "no text": (lambda c: replace(c[9], "exercise", "tip"), "does not follow the text"),
    "open with a check": (lambda c: replace(c[9], "(easy)", "(open)"), "not follow the text"),
    "closed without one": (lambda c: replace(c[21], "(open)", ""), "5 are not open"),
    "no check": (lambda c: c.pop(11), "is not followed by the check"),
    "another's check": (lambda c: replace(c[11], "f1", "f2"), "is not followed by the check"),
    "check not tagged": (lambda c: c[11]["metadata"].clear(), "not followed by the check"),
    "no quiz": (lambda c: c.pop(6), "the quiz has 0 questions"),
    "short quiz": (lambda c: replace(c[6], QUESTION.format(3), ""), "the quiz has 2 questions"),
    "long quiz": (
        lambda c: c[6].update(source=["## Quiz\n\n" + QUESTION.format(1) * 6]),
        "the quiz has 6 questions",
    ),
    "two right answers": (lambda c: replace(c[6], "No.", "Yes."), "has 2 right answers"),
    "no right answer": (lambda c: replace(c[6], "Yes.", "No."), "has 0 right answers"),
    "open in JupyterLab": (lambda c: c[10]["metadata"].pop("jupyter"), "not in both"),
    "open on the site": (lambda c: fold(c[5]), "not in both"),
    "a term": (lambda c: c[0].update(source=c[0]["source"][0] + "{term}`IoU`"), "is not a link"),
    "a paper": (lambda c: c[0].update(source=c[0]["source"][0] + "{cite:t}`a`"), "is not a link"),
    "not explained": (lambda c: replace(c[6], "No. You counted one twice.", "No."), "not every"),
}


def replace(cell, old, new):
    assert old in cell["source"][0]
    cell["source"] = [cell["source"][0].replace(old, new)]


@pytest.mark.parametrize("name", BREACHES)
def test_the_checker_sees_a_broken_notebook(good, name):
    notebook, results = copy.deepcopy(good)
    spoil, words = BREACHES[name]
    spoil(notebook["cells"])
    assert any(words in fault for fault in faults(notebook, "01_x", results))


def test_the_checker_compares_claims_with_the_results(good):
    notebook, results = good
    claims = results["claims"]["01_x"]
    assert any("lacks" in f for f in faults(notebook, "01_x", {"claims": {}}))
    claims.append(claims[0] | {"sentence": "Another"})
    assert any("does not show: 'Another'" in f for f in faults(notebook, "01_x", results))
    claims[1]["holds"] = False
    assert any("a claim fails" in f for f in faults(notebook, "01_x", results))


def test_empty_code_cells_do_not_count(good):
    notebook, results = good
    notebook["cells"].append(cell(""))
    assert len(code_cells(notebook)) == 14 and faults(notebook, "01_x", results) == []
