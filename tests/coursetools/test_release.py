"""The course for nbgrader, judged by nbgrader itself: valid, and graded as it should be."""

import os
import re
import shutil
import sysconfig

from coursekit.settings import CHECKOUT as ROOT
from coursetools import cli, runner
from coursetools.publish import release

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.nbgraderformat import reads
from nbgrader.validator import Validator

from exercising import BEGIN, NOTEBOOKS, imports, lesson, read, tagged

WITHOUT_FRAMEWORK = [path for path in NOTEBOOKS if path.name[:2] == "05"]  # quick to run
COPIES = {"solved": "source", "unsolved": "release"}


def exercises_of(path):
    """Return a lesson cut down to its imports and exercises, which a test has time to run."""
    notebook = read(path)
    start = min(i for i, c in enumerate(notebook.cells) if "## Exercises" in c.source)
    setup = nbformat.v4.new_code_cell(imports(notebook), id="imports")
    notebook.cells = [setup, *notebook.cells[start:]]
    return notebook


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory):
    """An empty gradebook to copy, since nbgrader takes seconds to make one."""
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    file = tmp_path_factory.mktemp("empty") / "gradebook.db"
    Gradebook(f"sqlite:///{file}").close()
    return file


def course_of(directory, notebook, name, gradebook):
    """Return a course folder that nbgrader made of one lesson."""
    (directory / "nbgrader").mkdir()
    shutil.copyfile(gradebook, directory / "nbgrader" / "gradebook.db")
    path = directory / "course" / "notebooks" / name
    (directory / "course" / "book").mkdir(parents=True)
    shutil.copytree(ROOT / "book" / "_static", directory / "course" / "book" / "_static")
    path.parent.mkdir()
    nbformat.write(notebook, path)
    return release.release(directory / "nbgrader", [path])


@pytest.fixture(scope="module", params=[None, *WITHOUT_FRAMEWORK], ids=lambda p: p and p.stem)
def graded(request, tmp_path_factory, gradebook):
    """A course folder in which both copies have been handed in and graded."""
    path = request.param
    notebook, name = (exercises_of(path), path.name) if path else (lesson(), "01_x.ipynb")
    course = course_of(tmp_path_factory.mktemp("graded"), notebook, name, gradebook)
    assignment = f"lesson-{name[:2]}"
    for student, kind in COPIES.items():
        shutil.copytree(course / kind / assignment, course / "submitted" / student / assignment)
        release.convert(course, Autograde, assignment_id=assignment, student_id=student)
    return course, name, notebook


@pytest.mark.filterwarnings("ignore:Object of type")  # nbgrader's use of SQLAlchemy
def test_solutions_get_every_automatic_point_and_stubs_none(graded):
    course, name, notebook = graded
    prose = "".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    titles = re.findall(r"{admonition} (Exercise .*)", prose)
    by_hand = 3 * sum("(open)" in title for title in titles)
    automatic = sum(1 if "(easy)" in title else 2 for title in titles if "(open)" not in title)
    assert automatic >= 3 and by_hand >= 3
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        found = {s: book.find_submission(f"lesson-{name[:2]}", s) for s in COPIES}
        assert [(one.max_code_score, one.max_written_score) for one in found.values()] == [
            (automatic, by_hand)
        ] * 2
        assert (found["solved"].code_score, found["unsolved"].code_score) == (automatic, 0)
        assert found["solved"].needs_manual_grade


def test_nbgrader_validates_the_solutions_and_refuses_the_stubs(graded):
    course, name, notebook = graded
    told = {}
    for student, kind in COPIES.items():
        path = course / kind / f"lesson-{name[:2]}" / name
        reads(path.read_text(encoding="utf-8"), as_version=4)  # raises when its metadata are wrong
        told[student] = Validator().validate(str(path))
    assert told["solved"] == {}
    failed = [cell["source"] for cell in told["unsolved"]["failed"]]
    checks = [cell.source for cell in tagged(notebook, "check")]
    assert [source for source in failed if source != "*Your answer here*"] == checks


def test_the_release_has_locked_checks_and_no_solution(graded):
    course, name, notebook = graded
    released = read(course / "release" / f"lesson-{name[:2]}" / name)
    assert BEGIN not in "".join(cell.source for cell in released.cells)
    checks = tagged(released, "check")
    assert [c.source for c in checks] == [c.source for c in tagged(notebook, "check")]
    assert not any(c.metadata.editable or c.metadata.deletable for c in checks)
    ids = [c.metadata.nbgrader.grade_id for c in released.cells if "nbgrader" in c.metadata]
    number = name[:2]
    assert ids[:2] == [f"exercise-{number}-1", f"check-{number}-1"]
    assert ids[-1].startswith(f"open-{number}-") and len(set(ids)) == len(ids)


def test_the_pictures_of_a_lesson_lie_beside_it(tmp_path, gradebook):
    course = course_of(tmp_path, lesson(), "01_x.ipynb", gradebook)
    for kind in ("source", "release"):
        folder = course / kind / "lesson-01"
        assert sorted(p.name for p in folder.iterdir()) == ["01_x.ipynb", "goal_01.png"]
        assert "](goal_01.png)" in read(folder / "01_x.ipynb").cells[0].source


def test_a_second_release_keeps_settings_and_grades(tmp_path, gradebook):
    course = course_of(tmp_path, lesson(), "01_x.ipynb", gradebook)
    settings = course / "nbgrader_config.py"
    settings.write_text(settings.read_text() + "# mine\n")
    (course / "submitted").mkdir()
    release.release(course, [tmp_path / "course" / "notebooks" / "01_x.ipynb"])
    assert settings.read_text().endswith("# mine\n") and (course / "submitted").exists()


def test_what_nbgrader_refuses_is_reported(tmp_path, gradebook):
    notebook = lesson()
    notebook.cells[5].source = notebook.cells[2].source  # two exercises of one number
    with pytest.raises(RuntimeError, match=r"(?s)lesson-01.*[Dd]uplicate grade id"):
        course_of(tmp_path, notebook, "01_x.ipynb", gradebook)


def test_the_command_releases_every_lesson(tmp_path, gradebook, monkeypatch, capsys):
    (tmp_path / "nbgrader").mkdir()
    shutil.copyfile(gradebook, tmp_path / "nbgrader" / "gradebook.db")
    monkeypatch.setattr(cli, "BUILT", tmp_path / "_build")
    monkeypatch.setattr(cli, "GRADING", tmp_path / "nbgrader")
    assert cli.main(["release"]) == 0
    released = sorted((tmp_path / "nbgrader" / "release").glob("*/*.ipynb"))
    assert [path.name for path in released] == [path.name for path in runner.find_notebooks()]
    assert str(tmp_path / "nbgrader") in capsys.readouterr().out
