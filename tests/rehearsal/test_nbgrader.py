"""A class of three and their teacher, on nbgrader's own programs and whole lessons."""

import csv
import re
from pathlib import Path

import pytest

from exercising import NOTEBOOKS
from school import School, answer, exercises, failed, total

pytestmark = pytest.mark.rehearsal

# Which exercises each of the students solves, counted from 0.
STUDENTS = {"all": slice(None), "half": slice(None, None, 2), "none": slice(0, 0)}


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    return School(tmp_path_factory.mktemp("school"), NOTEBOOKS)


def hand_in(school: School, student: str, lesson: Path, solved: list) -> None:
    """Fetch a lesson, write answers into it, and submit it."""
    assignment = f"lesson-{lesson.name[:2]}"
    school.call(student, "fetch_assignment", assignment)
    answer(school.folder / student / assignment / lesson.name, solved)
    school.call(student, "submit", assignment, f"--student={student}")


@pytest.mark.parametrize("lesson", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_student_gets_the_points_of_what_is_solved(lesson, school):
    assignment = f"lesson-{lesson.name[:2]}"
    every = exercises(lesson)
    class_ = {student: every[part] for student, part in STUDENTS.items()}

    school.call("course", "generate_assignment", assignment, "--force")
    school.call("course", "release_assignment", assignment)
    for student, solved in class_.items():
        hand_in(school, student, lesson, solved)
    school.call("course", "collect", assignment)
    school.call("course", "autograde", assignment)

    with school.gradebook() as book:
        for student, solved in class_.items():
            graded = school.course / "autograded" / student / assignment / lesson.name
            gaps = [one.cell for one in every if one not in solved and not one.by_hand]
            assert failed(graded) == [cell.replace("exercise", "check") for cell in gaps]
            by_hand = [one for one in solved if one.by_hand]
            submission = book.find_submission(assignment, student)
            assert submission.max_score == total(every)
            assert submission.score == total(solved) - total(by_hand)
            assert submission.needs_manual_grade == bool(by_hand)
            # What the teacher's page for grading by hand does.
            for one in by_hand:
                grade = book.find_grade(one.cell, lesson.stem, assignment, student)
                grade.manual_score, grade.needs_manual_grade = one.points, False
        book.db.commit()

    school.call("course", "generate_feedback", assignment)
    school.call("course", "release_feedback", assignment)
    for student, solved in class_.items():
        school.call(student, "fetch_feedback", assignment, f"--student={student}")
        (page,) = (school.folder / student / assignment / "feedback").rglob("*.html")
        (score,) = re.findall(r"\(Score: ([\d.]+) / ([\d.]+)\)</h4>", page.read_text("utf-8"))
        assert [float(number) for number in score] == [total(solved), total(every)]
        print(f"{assignment}, {student}: {total(solved)} of {total(every)} points")

    school.call("course", "export")
    with (school.course / "grades.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == assignment]
    assert {row["student_id"]: float(row["score"]) for row in rows} == {
        student: total(solved) for student, solved in class_.items()
    }
