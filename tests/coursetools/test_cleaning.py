"""What `make clean` and a second `make student` delete, and what they must not."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from itertools import count

from coursekit.settings import CHECKOUT as ROOT
from coursetools import cleaning, cli, runner
from coursetools.publish import student

import pytest

from exercising import code, lesson, read

NOTEBOOK = "notebooks/01_x.ipynb"
INSTRUCTORS = ROOT / "book" / "instructors.md"


@pytest.fixture
def course(tmp_path):
    """A course of one small lesson, with its student edition in `_build/student`."""
    for folder in ("notebooks", "book", "src"):
        (tmp_path / folder).mkdir()
    student.nbformat.write(lesson(), tmp_path / NOTEBOOK)
    (tmp_path / "book" / "start.md").write_text("# Start\n")
    (tmp_path / "src" / "helper.py").write_text("x = 1\n")
    shutil.copyfile(ROOT / "_toc.yml", tmp_path / "_toc.yml")
    student.write(tmp_path / "_build" / "student", root=tmp_path)
    return tmp_path


def snapshot(folder):
    """Return every file of a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def edit(folder, change):
    """Change a notebook, as somebody does who works in the folder."""
    notebook = read(folder / NOTEBOOK)
    change(notebook.cells)
    student.nbformat.write(notebook, folder / NOTEBOOK)


WORK = {
    "an answer": lambda folder: edit(folder, lambda cells: cells[3].update(source="x = 1")),
    "outputs only": lambda folder: edit(
        folder, lambda cells: cells[1].update(code("", output="0.61", count=1))
    ),
    "a notebook of one's own": lambda folder: (folder / "notebooks" / "mine.ipynb").touch(),
    "a changed program": lambda folder: (folder / "src" / "helper.py").write_text("x = 2\n"),
    "a photograph": lambda folder: (
        (folder / "notebooks" / "my_pictures").mkdir()
        or (folder / "notebooks" / "my_pictures" / "dog.jpg").touch()
    ),
    "no list of what was written": lambda folder: (folder / cleaning.LIST).unlink(),
}
AGAIN = {
    "make student": lambda root: student.write(root / "_build" / "student", root=root),
    "make clean": cleaning.clean,
}


@pytest.mark.parametrize("command", AGAIN)
@pytest.mark.parametrize("work", WORK)
def test_where_somebody_worked_nothing_is_deleted(course, work, command):
    WORK[work](course / "_build" / "student")
    (course / "_build" / "html").mkdir()
    before = snapshot(course)
    with pytest.raises(
        FileExistsError, match=r"student.* is not what was written there, .*: move .*unzip"
    ):
        AGAIN[command](course)
    assert snapshot(course) == before and (course / "_build" / "html").exists()


def test_the_refusal_names_a_notebook_first(course):
    folder = course / "_build" / "student"
    WORK["a notebook of one's own"](folder)
    (folder / "ANSWERS.md").touch()
    with pytest.raises(FileExistsError, match=rf"^{folder}/notebooks/mine\.ipynb .* move {folder}"):
        cleaning.refuse_work(folder)


def test_the_commands_say_it_in_one_line_and_fail(course, monkeypatch, capsys):
    WORK["an answer"](course / "_build" / "student")
    monkeypatch.setattr(cli, "BUILT", course / "_build")
    monkeypatch.setattr(cli.settings, "CHECKOUT", course)
    for command in ("student", "clean"):
        assert cli.main([command]) == 1
        told = capsys.readouterr()
        assert told.out == "" and told.err.count("\n") == 1
        assert told.err.startswith(f"coursekit {command}: ") and NOTEBOOK in told.err


def test_an_untouched_edition_is_replaced_whole(course):
    folder = course / "_build" / "student"
    (course / "src" / "helper.py").rename(course / "src" / "helpers.py")
    assert student.write(folder, root=course) == folder
    assert not (folder / "src" / "helper.py").exists() and (folder / "src" / "helpers.py").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["student"]


def test_what_was_installed_and_downloaded_in_an_edition_stays_and_is_not_packed(course):
    folder = course / "_build" / "student"
    made = [".venv/bin/python", ".coursekit/downloads/voc.tar", ".git/HEAD"]
    left = ["src/x.egg-info/PKG-INFO", "src/__pycache__/x.pyc", "_build/html/index.html"]
    for name in (*made, *left):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    student.write(folder, root=course)
    assert [(folder / name).exists() for name in (*made, *left)] == [True] * 3 + [False] * 3
    packed = student.ZipFile(student.pack(folder)).namelist()
    assert f"{student.NAME}/{NOTEBOOK}" in packed and not [n for n in packed if "/." in n]
    cleaning.clean(course)
    assert sorted(snapshot(folder)) == sorted(made)
    student.write(folder, root=course)
    assert set(made) < set(snapshot(folder)) and (folder / NOTEBOOK).exists()


@pytest.mark.parametrize("command", AGAIN)
def test_what_an_interruption_leaves_can_be_replaced(course, monkeypatch, command):
    folder = course / "_build" / "student"
    (folder / ".venv").mkdir()
    wanted = snapshot(folder)
    for steps in count():
        with monkeypatch.context() as patch:
            interrupt_after(steps, patch)
            try:
                AGAIN[command](course)
            except KeyboardInterrupt:
                pass
            else:
                break
        student.write(folder, root=course)
        assert snapshot(folder) == wanted and (folder / ".venv").exists()
    assert steps > 5


def interrupt_after(steps, patch):
    """Let this many deletions and renames happen, and interrupt the next one."""
    budget = iter(range(steps))

    def limited(function):
        def call(*arguments, **options):
            if next(budget, None) is None:
                raise KeyboardInterrupt
            return function(*arguments, **options)

        return call

    for name in ("unlink", "rmdir", "replace"):
        patch.setattr(os, name, limited(getattr(os, name)))


def test_clean_deletes_what_was_built_and_drawn_and_nothing_else(course):
    stays = ["_build/nbgrader/gradebook.db", "_build/margins/native-1/results.json",
             ".venv/bin/python", ".venv/x/__pycache__/y.pyc",
             ".coursekit/downloads/voc.tar", ".coursekit/VOCdevkit/x", ".coursekit/mini_mine/x.jpg",
             ".coursekit/mini_mine/VERSION", ".coursekit/artifacts/VOC-0a1b/x.csv",
             ".coursekit/runs/mini-0a1b/x.csv", ".coursekit/runs/voc2007/x.csv",
             "_build/unzipped/notebooks/01_x.ipynb",
             "_build/.git/HEAD", "mine/x.xml"]  # fmt: skip
    goes = ["_build/html/index.html", "_build/course.pdf", "_build/.student.part/x",
            "_build/book.log", "_build/.doctrees/x", "_build/.0123abcd.student.zip",
            ".coursekit/figures/VERSION", ".coursekit/.mini-x/drawn/x",
            ".coursekit/crowds/VERSION", ".coursekit/more_crowds/VERSION",
            ".coursekit/mini/VERSION", ".coursekit/mini/x", ".coursekit/artifacts/mini/x.csv",
            ".coursekit/runs/mini/results.json", ".coursekit/runs/mini/features/x",
            ".coursekit/weights/x.safetensors", ".coursekit/weights/.x.lock",
            "src/a/__pycache__/x.pyc", ".pytest_cache/x", "__pycache__/x.pyc"]  # fmt: skip
    for name in (*stays, *goes):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).touch()
    sources = [name for name in snapshot(course) if not name.startswith((".", "_build"))]
    deleted = {path.relative_to(course).as_posix() for path in cleaning.clean(course)}
    assert {"_build/html", "_build/student", ".coursekit/mini", ".coursekit/weights"} <= deleted
    after = set(snapshot(course))
    assert set(stays) <= after and not set(goes) & after
    assert {name for name in sources if "__pycache__" not in name} <= after
    left = {path.name: reason for path, reason in cleaning.stays(course).items()}
    known = {"nbgrader", "margins", "unzipped", ".git", "VOC-0a1b", "mini-0a1b", "voc2007"}
    assert set(left) == known
    assert left["unzipped"] == cleaning.UNKNOWN and "grades" in left["nbgrader"]
    assert left["VOC-0a1b"] == "it holds what was computed on other data"
    assert cleaning.clean(course) == []  # twice does no harm


@pytest.mark.parametrize("work", ["an answer", "a notebook of one's own", None])
def test_a_run_on_mini_goes_unless_somebody_worked_in_it(course, monkeypatch, work):
    """A finished copy is as `coursekit run` writes it."""
    folder = course / cleaning.RUN / "notebooks"
    folder.mkdir(parents=True)
    monkeypatch.setattr(runner.executing, "execute", lambda *_: None)
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(folder.parent))
    runner.run([course / NOTEBOOK], folder)
    if work:
        WORK[work](folder.parent)
    deleted = cleaning.clean(course)
    if work:
        assert folder.exists() and cleaning.stays(course) == {folder.parent: cleaning.WORKED}
    else:
        assert folder.parent in deleted and not folder.parent.exists()


def test_clean_knows_everything_that_commands_write_into_build():
    """What it does not know would stay forever."""
    sources = [ROOT / "Makefile", *(ROOT / "src" / "coursetools").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*sources, INSTRUCTORS))
    named = set(re.findall(r"_build/([a-z][\w.]*)", text))
    named |= {f"{name}.x" for name in re.findall(r'BUILT / "([\w.]+)"', text)}
    known = (*cleaning.BUILT, *cleaning.STAYS, *cleaning.EDITIONS)
    known += tuple(f"{name}.x" for name in known)
    assert {"html", "book.log", "student.zip"} <= named
    assert {name for name in named if not any(fnmatch(name, k) for k in known)} == set()


def test_make_clean_needs_no_installation_and_keeps_what_was_handed_in(tmp_path):
    edition = student.write(tmp_path / "edition")
    for name in ("_build/html/index.html", "_build/nbgrader/gradebook.db"):
        (edition / name).parent.mkdir(parents=True)
        (edition / name).touch()
    command = ["make", "clean", f"PYTHON={sys.executable} -S"]  # -S: without any package
    run = subprocess.run(command, cwd=edition, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert [path.name for path in (edition / "_build").iterdir()] == ["nbgrader"]
    assert f"{edition / '_build' / 'nbgrader'} stays" in run.stdout
    assert "Deleted: _build/html.\n" in run.stdout
    cleaning.refuse_work(edition)  # what belongs to the course is as it was
    assert set(cleaning.sealed(edition)) == set(cleaning.files(edition))


def test_a_lesson_that_a_teacher_has_changed_is_not_released_anew(tmp_path, monkeypatch, capsys):
    """nbgrader's own pages change it, too. What lies beside the lessons is no concern of ours."""
    source = tmp_path / "grading" / "source"
    written = source / "lesson-01" / "01_x.ipynb"

    def release(course, _notebooks):
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text("the lesson")
        if fails:
            raise RuntimeError("nbgrader refuses")

    monkeypatch.setattr(cli, "BUILT", tmp_path / "_build")
    monkeypatch.setattr(cli, "GRADING", tmp_path / "grading")
    monkeypatch.setattr("coursetools.publish.release.release", release)
    for fails in (True, False):
        assert cli.main(["release"]) == fails
    (source / "mine").mkdir()
    (source / "mine" / "test.ipynb").write_text("a test of one's own")
    assert cli.main(["release"]) == 0
    (source / "mine" / "test.ipynb").write_text("a better one")
    assert cli.main(["release"]) == 0
    written.write_text("the lesson, with another question")
    capsys.readouterr()
    assert cli.main(["release"]) == 1
    assert f"{written} has changed since it was written" in capsys.readouterr().err
    assert written.read_text() == "the lesson, with another question"
    written.unlink()
    assert cli.main(["release"]) == 0
    # nbgrader empties the folders of what is released, and leaves the rest
    notes = tmp_path / "grading" / "release" / "lesson-01" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("somebody's own")
    assert cli.main(["release"]) == 1
    assert f"{notes} would be deleted" in capsys.readouterr().err and notes.exists()
    notes.rename(notes.parents[1] / "notes.txt")
    assert cli.main(["release"]) == 0
    (tmp_path / "_build" / "nbgrader").mkdir(parents=True)
    assert cli.main(["release"]) == 1
    assert f"to {tmp_path / 'grading'}." in capsys.readouterr().err


def test_nobody_is_told_to_work_inside_build():
    texts = [*ROOT.glob("*.md"), *(ROOT / "book").glob("*.md")]
    told = "".join(path.read_text(encoding="utf-8") for path in texts)
    assert "Do not work inside `_build`" in told and re.findall(r"cd \S*_build\S*", told) == []
    assert "cd grading" in told
