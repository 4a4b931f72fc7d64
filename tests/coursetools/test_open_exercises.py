"""The open exercises of the lessons: each has a text, a solution and its numbers, for teachers."""

import builtins
import re
from collections import Counter

from coursekit.settings import CHECKOUT as ROOT
from coursetools.publish import open_exercises, results_page, student
from exercises import lesson_code

import numpy as np
import pytest

LESSONS = open_exercises.lessons()
MEASURED = [number for number in LESSONS if open_exercises.code(number)]
PARTS = ["Expected.", "A good answer", "Wrong conclusions.", "Points."]
PRINTED = open_exercises.PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(  # lesson, exercise, what must run first, code
    r"^### Lesson (\d+), exercise (\d+)\n(?:(?!###).*\n)*?:class: dropdown\n\n"
    r"(?:(First run .+)\n\n)?```python\n((?:.*\n)+?)```$",
    re.MULTILINE,
)
EXTENDED = {"images", "tables"}  # a later cell of the lesson adds to them
DECIMAL = re.compile(r"(?<![\d.])\d+\.\d+(?!\d)")


def open_ones() -> list[tuple[str, int]]:
    """Return lesson and number of each open exercise in the notebooks, titles read anew."""
    found = []
    for number, name in results_page.LESSONS.items():
        cells = lesson_code.read(name)["cells"]
        titles = re.findall(r"Exercise (\d+) \(open\)", "\n".join(map(lesson_code.source, cells)))
        found += [(number, int(title)) for title in titles]
    return found


@pytest.mark.parametrize("number", results_page.LESSONS)
def test_each_open_exercise_has_a_text_and_each_text_its_exercise(number):
    asked = [task for lesson, task in open_ones() if lesson == number]
    assert 3 <= len(asked) <= 4
    assert [*open_exercises.tasks(number)] == asked == [*open_exercises.texts(number)]


@pytest.mark.parametrize("number", results_page.LESSONS)
def test_one_open_exercise_of_a_lesson_takes_half_an_hour_and_ends_in_a_figure(number):
    long = [
        task
        for task, text in open_exercises.tasks(number).items()
        if text.startswith("Take half an hour for this one; it ends in a figure.")
    ]
    assert long == [open_exercises.long_one(number)[0]]
    with_figure = [t for t, text in open_exercises.texts(number).items() if "](figure)" in text]
    assert with_figure == long


@pytest.mark.parametrize("number", LESSONS)
def test_a_text_has_its_parts_and_three_points_and_no_typed_result(number):
    for task, text in open_exercises.texts(number).items():
        *heads, points = re.split(r"^\*\*(.+?)\*\*", text, flags=re.MULTILINE)
        assert heads[1::2] == PARTS, task
        assert re.findall(r"^\d", points, re.MULTILINE) == ["1", "2", "3"], task
        prose = re.sub(r"\[\[.+?\]\]", "", text)
        # a decimal number in the prose is one that was asked for, or one of the code
        given = open_exercises.tasks(number)[task] + "".join(open_exercises.code(number).values())
        assert set(DECIMAL.findall(prose)) <= set(DECIMAL.findall(given)), task


def test_the_page_is_what_texts_code_and_tables_say():
    hint = "Run python -m coursetools.publish.open_exercises."
    assert open_exercises.PAGE.read_text(encoding="utf-8") == open_exercises.page(), hint


@pytest.mark.parametrize("number", MEASURED)
def test_the_table_was_measured_and_the_figure_drawn_with_todays_code(number):
    file = open_exercises.TABLES / f"{number}.csv"
    header = file.read_text(encoding="utf-8").split("\n")[0]
    code = open_exercises.digest(number)
    assert header.endswith(f", code {code}"), f"Run benchmarks/open_exercises.py {number}."
    figure = (open_exercises.FIGURES / f"{number}.svg").read_text(encoding="utf-8")
    assert open_exercises.drawn_from(number) in figure
    runs = open_exercises.table(number).groupby(["exercise", "what"])
    # whoever interrupted a measurement has left some with fewer seeds
    assert all(part.groupby(["arm", "at"])["seed"].count().nunique() == 1 for _, part in runs)


@pytest.mark.parametrize("number", MEASURED)
def test_a_block_of_the_page_runs_after_its_lesson_and_what_it_says_must_run_first(number):
    notebook = lesson_code.read(results_page.LESSONS[number])
    known = {*dir(builtins), *left_by(lesson_code.taught(notebook))}
    often = {name for name, cells in left_by(notebook).items() if cells > 1}
    found = {int(n): rest for lesson, n, *rest in BLOCK.findall(PRINTED) if lesson == number}
    assert [*found] == [*open_exercises.blocks(number)]
    for task, (first, code) in found.items():
        assert max(map(len, code.splitlines())) <= 76
        _, used = lesson_code.names_across(code)
        before = [lesson_code.names_across(found[int(n)][1])[0] for n in re.findall(r"\d+", first)]
        assert used - known.union(*before) == set(), task
        assert all(used & names for names in before), task
        # what two cells define may be something else at the end of the lesson
        assert used & often <= EXTENDED, task


def left_by(notebook: dict) -> Counter:
    """Return the names that the cells of a notebook define, and how many cells each."""
    sources = map(lesson_code.source, lesson_code.code_cells(notebook))
    return Counter(name for code in sources for name in lesson_code.names_across(code)[0])


@pytest.mark.parametrize("number", MEASURED)
def test_what_the_texts_say_holds_and_each_sentence_can_fail(number):
    table = open_exercises.table(number)
    holds = open_exercises.verdicts(number, table)
    assert [sentence for sentence, true in holds.items() if not true] == []
    values, rng = table["value"], np.random.default_rng(0)
    others = [0 * values, -values, 10 * values, *(rng.permutation(values) for _ in range(20))]
    failed = {
        sentence
        for other in others
        for sentence, true in open_exercises.verdicts(number, table.assign(value=other)).items()
        if not true
    }
    assert failed == {*holds}


def test_a_place_of_a_text_gives_the_number_that_was_measured():
    runs = open_exercises.pd.DataFrame(
        [
            *[(3, "a", "1", seed, "IoU", 0.5 + seed / 100) for seed in range(3)],
            *[(3, "b", "1", seed, "IoU", 0.4) for seed in range(3)],
            *[(3, "a", "", 0, "pictures", 12345.6)],
        ],
        columns=["exercise", "arm", "at", "seed", "what", "value"],
    )
    say = open_exercises.in_words
    assert say(runs, "IoU: a @ 1") == "0.510 ± 0.010"
    assert say(runs, "IoU: b @ 1") == "0.400"
    assert say(runs, "pictures: a") == "12,346"
    assert say(runs, "IoU: a @ 1 - b @ 1") == "0.110 (0.085 to 0.135)"
    with pytest.raises(ValueError, match="No 'IoU' of 'c @ 1' was measured"):
        say(runs, "IoU: c @ 1")


def test_students_get_no_solution_of_an_open_exercise():
    shipped = {path.relative_to(ROOT).as_posix() for path in student._shipped(ROOT)}
    assert "notebooks/01_synthetic_rectangles.ipynb" in shipped
    assert [name for name in shipped if re.search(r"solutions/|open_exercises", name)] == []
    site = ROOT / "_build" / "student_html"
    if (site / "index.html").exists():
        names = {path.name for path in site.rglob("*")}
        assert not {name for name in names if name.startswith("open_exercises")}
        secret = max(open_exercises.texts("02")[10].splitlines(), key=len)[2:62].split("**")[-1]
        teachers = (ROOT / "_build" / "html" / "book" / "open_exercises.html").read_text("utf-8")
        assert secret.strip() in teachers
        index = (site / "searchindex.js").read_text(encoding="utf-8")
        assert "open_exercises" not in index
        pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
        assert pages and not any(secret.strip() in page for page in pages)
