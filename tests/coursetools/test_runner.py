import io
import json
import socket
import sys
from itertools import count

from coursekit import lessons, settings
from coursetools import cli, executing, runner

import nbformat
import pytest
from jupyter_client.connect import LocalPortCache

# Each starts a kernel; `lessons` takes as long to import as a kernel to start, so one has it.
GOOD = ["import os\nfrom coursekit import settings", "print(os.environ['COURSEKIT_DATASET'])"]
CLAIM = [
    "from coursekit import lessons\nfrom coursekit.claims import claim",
    "lessons.begin('02_claim')",
    "claim('Two is at least one', 2, at_least=1)",
]
FAILS_ELSEWHERE = [*CLAIM[:2], "claim('One is at least two', 1, at_least=2)"]


@pytest.fixture
def course(voc_set, tmp_path, monkeypatch):
    """A checkout with two short notebooks, and a data set to run them on."""
    for name in "abc":
        voc_set.add(name, ("dog", 1, 1, 20, 30))
    for name in ("DATASET", "ARTIFACTS", "BACKBONE", "WEIGHTS", "DEVICE", "CLASSES"):
        monkeypatch.setenv(f"COURSEKIT_{name}", "")  # so that what run sets is undone
        monkeypatch.delenv(f"COURSEKIT_{name}")
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COURSEKIT_CLASSES", "dog")
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path)
    (tmp_path / "book").mkdir()
    write(tmp_path, "01_good", GOOD)
    write(tmp_path, "02_claim", CLAIM)
    return tmp_path


def write(course, name, cells):
    notebook = nbformat.v4.new_notebook()
    for i, text in enumerate(cells):
        cell = nbformat.v4.new_code_cell(text)
        cell["id"] = f"cell-{i}"
        notebook.cells.append(cell)
    (course / "notebooks").mkdir(exist_ok=True)
    nbformat.write(notebook, course / "notebooks" / f"{name}.ipynb")


def outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in cells]


def run(course, *arguments):
    return cli.main(
        ["run", "--dataset", str(course / "VOC"), "--out", str(course / "out"), *arguments]
    )


@pytest.mark.parametrize("inside", ["", "results", "Annotations/results"])
def test_results_stay_out_of_the_data(course, inside, capsys):
    """A run would take its results for changed data, and start again from the first lesson."""
    out = course / "VOC" / inside
    for command in ("run", "--dataset"), ("import",):
        before = sorted(course.rglob("*"))
        assert cli.main([*command, str(course / "VOC"), "--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert f"{out} is inside the data, {course / 'VOC'}." in said and "--out" in said
        assert sorted(course.rglob("*")) == before


def test_a_run_writes_copies_and_results_and_leaves_the_notebooks_alone(course, capsys):
    before = (course / "notebooks" / "01_good.ipynb").read_bytes()
    assert run(course) == 0
    assert (course / "notebooks" / "01_good.ipynb").read_bytes() == before
    assert outputs(course / "out" / "notebooks" / "01_good.ipynb")[1].strip().endswith("VOC")
    results = json.loads((course / "out" / "results.json").read_text())
    assert results["claims"]["02_claim"][0]["holds"] and set(results["seconds"]) == {
        "01_good",
        "02_claim",
    }
    assert "1 of 1 claims hold on VOC" in capsys.readouterr().out


def test_a_failure_names_the_notebook_the_cell_and_the_reason(course, capsys):
    write(course, "01_good", [*GOOD, "x = 3\n1 / 0", "print('never')"])
    assert run(course) == 1
    words = capsys.readouterr().err
    assert "01_good.ipynb, code cell 3" in words and "x = 3" in words
    assert "ZeroDivisionError: division by zero" in words
    assert "02_claim.ipynb" not in words
    assert outputs(course / "out" / "notebooks" / "01_good.ipynb")[3] == ""
    assert not (course / "out" / "notebooks" / "02_claim.ipynb").exists()


def test_after_a_failure_the_run_goes_on_where_it_stopped(course, monkeypatch):
    write(course, "02_claim", ["1 / 0"])
    assert run(course) == 1
    write(course, "02_claim", CLAIM)
    executed = []
    execute = runner._execute
    monkeypatch.setattr(runner, "_execute", lambda *a: (executed.append(a[1].stem), execute(*a)))
    assert run(course) == 0
    assert executed == ["02_claim"]
    assert run(course) == 0 and executed == ["02_claim"]
    assert run(course, "--backbone", "vgg16", "--only", "01") == 0
    assert run(course, "--backbone", "vgg16", "--device", "cpu", "--only", "01") == 0
    assert executed == ["02_claim", "01_good", "01_good"]  # other settings make it another run


@pytest.fixture
def chain(course, no_kernel, monkeypatch):
    """Four notebooks, of which 03 reads what 02 leaves, and 04 what 03 does; list what ran."""
    write(course, "03_reads", ["images = lessons.load_images()"])
    write(course, "04_reads", ["THREE = '03_reads'"])
    monkeypatch.setattr(lessons, "OF_IMAGES", "02_claim")
    executed, execute = [], runner._execute
    monkeypatch.setattr(
        runner,
        "_execute",
        lambda n, path, *a: (executed.append(path.stem[:2]), execute(n, path, *a)),
    )
    assert run(course) == 0 and executed == ["01", "02", "03", "04"]
    executed.clear()
    return executed


def test_an_edited_lesson_runs_again_and_so_do_those_that_read_what_it_leaves(
    course, chain, capsys
):
    assert run(course) == 0 and chain == []
    said = capsys.readouterr().out
    assert said.count("is kept from an earlier run") == 4
    write(course, "02_claim", [*CLAIM, "print('edited')"])
    assert run(course) == 0 and chain == ["02", "03", "04"]
    assert "01_good is kept from an earlier run: nothing has changed" in capsys.readouterr().out
    write(course, "03_reads", ["images = lessons.load_images()[:40]"])
    assert run(course) == 0 and chain[3:] == ["03", "04"]
    assert run(course) == 0 and len(chain) == 5


def test_a_lesson_that_is_run_alone_says_that_what_it_reads_is_out_of_date(course, chain, capsys):
    capsys.readouterr()
    write(course, "02_claim", [*CLAIM, "print('edited')"])
    assert run(course, "--only", "03") == 0 and chain == []
    assert "03_reads reads what 02_claim left. That is out of date" in capsys.readouterr().out
    assert run(course) == 0 and chain == ["02", "03", "04"]  # the one that ran alone, too
    assert "out of date" not in capsys.readouterr().out


GAPS = {  # what is typed after a run with the class dog, and the answer
    "other classes": (["--classes", "cat,dog"], "02_claim has run with other classes", "02 03"),
    "a new folder": (["--out", "new"], "02_claim has not run yet", "02 03"),
    "a lesson further on": (["--out", "new"], "02_claim has not run yet; 03_reads has", "02 03 04"),
    "more than one": (["--out", "new", "--only", "01"], "Before lesson 01 and 03, in ", "01 02 03"),
}


@pytest.mark.parametrize("case", GAPS)
def test_a_lesson_alone_whose_files_are_not_there_is_refused_with_the_whole_command(
    course, chain, voc_set, monkeypatch, capsys, case
):
    monkeypatch.chdir(course)
    voc_set.add("d", ("cat", 1, 1, 20, 30))
    voc_set.add("grey cat", ("cat", 1, 1, 20, 30))
    with lessons.changing_results() as results:  # which the kernels of these tests do not write
        results["provenance"]["02_claim"] = {"data": lessons.datasets.state()}
    given, problem, only = GAPS[case]
    last = only[-2:]
    assert run(course, *given, f"--only={last}") == 1 and chain == []
    said = capsys.readouterr().err
    assert problem in said
    typed = said.split("`")[1].split()
    assert typed[1:3] == ["run", "--dataset"]
    assert [typed[i + 1] for i, word in enumerate(typed) if word == "--only"] == only.split()
    assert ", in " in said and "--in-place" not in said  # which is for mini
    assert " ".join(given[:2]) in said and f"--only={last}" not in said
    assert cli.main(typed[1:]) == 0 and chain == only.split()


@pytest.mark.parametrize("in_place", [False, True])
def test_a_lesson_alone_is_refused_before_its_data_set_is_drawn(
    course, chain, monkeypatch, capsys, in_place
):
    monkeypatch.setenv("COURSEKIT_DATASET", "mini")
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: chain.append("drawn"))
    assert cli.main(["run", "--only", "03", *["--in-place"] * in_place]) == 1 and chain == []
    said = capsys.readouterr().err
    assert "02_claim has not run yet" in said
    # it may have run in JupyterLab
    assert (f"Before lesson 03, in {settings.home() / 'runs' / 'mini'}: 02" in said) != in_place
    assert ("`--in-place` goes on with the results of JupyterLab" in said) != in_place


def test_after_a_failure_in_a_lesson_those_that_read_what_it_leaves_run_again(course, chain):
    write(course, "02_claim", ["1 / 0"])
    assert run(course) == 1 and chain == ["02"]
    write(course, "02_claim", CLAIM)
    assert run(course) == 0
    assert chain == ["02", "02"]  # as before the failure, and 03 had read just that


def test_the_notebooks_run_on_the_device_that_was_asked_for(course):
    write(course, "01_good", ["import os", "print(os.environ.get('COURSEKIT_DEVICE'))"])
    assert run(course, "--device", "cpu", "--only", "01") == 0
    assert outputs(course / "out" / "notebooks" / "01_good.ipynb")[1] == "cpu\n"


def test_claims_that_do_not_hold_elsewhere_are_reported_at_the_end(course, capsys):
    write(course, "02_claim", [*FAILS_ELSEWHERE, 'claim("There is", float("nan"), at_least=2)'])
    assert run(course, "--only", "02") == 0
    words = capsys.readouterr().out
    assert "0 of 1 claims hold on VOC" in words
    assert "✗ One is at least two: 1 here, at least 2 on mini" in words
    assert "– There is: nothing to measure here" in words  # what cannot be measured is apart


def test_a_console_that_lacks_a_sign_gets_another(course, monkeypatch):
    """Git Bash on Windows writes cp1252, which has no ✗."""
    write(course, "02_claim", FAILS_ELSEWHERE)
    for stream in ("stdout", "stderr"):  # the second time, what is finished is reported again
        console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
        with monkeypatch.context() as patch:
            patch.setattr(sys, stream, console)
            assert run(course, "--only", "02") == 0
        print("✗", file=console, flush=True)
        assert "?" in console.buffer.getvalue().decode("cp1252")


def test_mended_annotations_make_it_another_run(course, voc_set, monkeypatch):
    executed, execute = [], runner._execute
    monkeypatch.setattr(
        runner, "_execute", lambda n, path, *rest: (executed.append(path), execute(n, path, *rest))
    )
    assert run(course, "--only", "01") == run(course, "--only", "01") == 0
    assert len(executed) == 1
    voc_set.add("a", ("dog", 1, 1, 20, 35))
    assert run(course, "--only", "01") == 0
    assert len(executed) == 2


def test_a_copy_has_the_pages_and_pictures_that_it_shows_beside_it(course, capsys):
    (course / "book" / "_static").mkdir()
    (course / "book" / "_static" / "goal.png").write_bytes(b"a picture")
    (course / "book" / "words.md").write_text("# Words\n")
    write(course, "01_good", [*GOOD, "# ![](../book/_static/goal.png) [box](../book/words.md#box)"])
    assert run(course, "--only", "01") == 0
    pages = course / "out" / "book"
    assert (pages / "_static" / "goal.png").read_bytes() == b"a picture"
    assert (pages / "words.md").read_text() == "# Words\n"
    (pages / "words.md").write_text("# Somebody's own\n")
    assert run(course, "--only", "01") == 0
    assert (pages / "words.md").read_text() == "# Somebody's own\n"
    assert f"jupyter lab {course / 'out'}`." in capsys.readouterr().out.replace("\n", " ")


def test_a_misspelt_setting_is_named_before_a_run_without_it(course, monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_CLASES", "mug")
    assert run(course, "--only", "99") == 1
    words = "COURSEKIT_CLASES has no meaning. The nearest setting is COURSEKIT_CLASSES."
    assert words in capsys.readouterr().out.splitlines()


def test_data_that_cannot_be_read_stop_the_run_before_its_first_lesson(course, capsys):
    (course / "VOC" / "Annotations" / "b.xml").write_text("<annotation>", encoding="utf-8")
    assert run(course) == 1
    assert "b.xml" in capsys.readouterr().err
    assert not (course / "out" / "notebooks").exists()


def test_in_place_stores_the_outputs_and_the_results_of_mini(course, monkeypatch):
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: course / "VOC")
    assert cli.main(["run", "--in-place"]) == 0
    stored = course / "notebooks" / "01_good.ipynb"
    assert outputs(stored)[1] == "mini\n"
    assert set(nbformat.read(stored, as_version=4).metadata) == {"kernelspec", "language_info"}
    results = json.loads((course / "book" / "results.json").read_text())
    assert results["claims"]["02_claim"][0]["sentence"] == "Two is at least one"


STUB = "def {}(x):\n    # Your code here\n    raise NotImplementedError()"
GIVEN = "def twice(x):\n    ### BEGIN SOLUTION\n    return 3 * x\n    ### END SOLUTION"
EXERCISES = [
    "from exercises.checks.core import Check\ndouble = Check(lambda x: 2 * x, lambda: [(3,)], {})",
    STUB.format("first"),
    "double(first)",
    "def second(x):\n    return 5 * x",
    "double(second)",
    "def third(x):\n    return 2 * x",
    "double(third)",
    "print('the end')",
]


def write_exercises(course, name, cells):
    """Write a lesson whose first cell prepares, and whose next ones are exercises and checks."""
    write(course, name, cells)
    path = course / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for i, cell in enumerate(notebook.cells):
        kind = ("check", "exercise")[i % 2]
        cell.metadata.tags = [kind] if cell.source.startswith(("def", "double(")) else []
    nbformat.write(notebook, path)
    return path


def test_a_run_goes_past_the_exercises_that_are_still_open_and_names_them(
    course, monkeypatch, capsys
):
    """In the students' edition, where no exercise holds a solution."""
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: course / "VOC")
    stored = write_exercises(course, "01_good", EXERCISES)
    assert cli.main(["run", "--in-place", "--only", "01"]) == 0
    said = capsys.readouterr().out
    assert "Open exercises in 01_good: 1 not written yet, 1 not right yet.\n" in said
    # a sentence on a mistake does not name the exercise, so the line begins with its check
    assert "✗ double(second): second is not right yet. For x = 3 it gives 15" in said
    assert "double(first)" not in said
    assert outputs(stored)[6:] == ["✓ third is right.\n", "the end\n"]


def test_a_check_of_a_solution_that_fails_stops_the_run(course, monkeypatch, capsys):
    """In the full edition, nothing is open. In place, too, what was reached is stored."""
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: course / "VOC")
    prepare, *rest = EXERCISES
    cells = [f"{prepare}\nprint('so far')", GIVEN, "double(twice)", *rest]
    stored = write_exercises(course, "01_good", cells)
    assert cli.main(["run", "--in-place", "--only", "01"]) == 1
    said = capsys.readouterr().err
    assert "AnswerError: twice is not right yet" in said and f"so far is in {stored}" in said
    assert outputs(stored)[0] == "so far\n" and outputs(stored)[4] == ""


@pytest.mark.parametrize("changed", [False, True])
def test_a_run_in_place_that_is_stopped_stores_what_it_reached(
    course, monkeypatch, capsys, changed
):
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: course / "VOC")
    stored = course / "notebooks" / "01_good.ipynb"
    work = []

    def execute(notebook, *_):
        notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="reached")]
        if changed:
            work.append(answer(stored))
        raise KeyboardInterrupt

    monkeypatch.setattr(runner.executing, "execute", execute)
    assert cli.main(["run", "--in-place"]) == 130
    said = capsys.readouterr().err
    assert "a second run begins with the first lesson" in said and "--only 03" in said
    assert outputs(stored)[1] == ("" if changed else "reached")
    assert not changed or [stored.read_bytes()] == work  # never over somebody's work


def answer(notebook):
    """Change a notebook, as somebody does who works in it; return what it holds then."""
    changed = nbformat.read(notebook, as_version=4)
    changed.cells.append(nbformat.v4.new_code_cell("my = 'answer'"))
    nbformat.write(changed, notebook)
    return notebook.read_bytes()


@pytest.fixture
def no_kernel(course, monkeypatch):
    """Notebooks are not executed: these tests are about their files."""

    def execute(notebook, *_):
        if "1 / 0" in notebook.cells[0].source:
            raise runner.LessonError("ZeroDivisionError")

    monkeypatch.setattr(runner.executing, "execute", execute)


def test_a_copy_in_which_somebody_worked_is_not_written_anew(course, no_kernel, capsys):
    assert run(course, "--only", "01") == 0
    work = answer(course / "out" / "notebooks" / "01_good.ipynb")
    write(course, "01_good", [*GOOD, "print('a new version')"])
    assert run(course) == 1
    said = capsys.readouterr().err
    assert "01_good.ipynb is not what a run wrote there" in said and "another --out" in said
    assert (course / "out" / "notebooks" / "01_good.ipynb").read_bytes() == work
    assert not (course / "out" / "notebooks" / "02_claim.ipynb").exists()  # nothing was run


def test_a_copy_of_an_earlier_version_counts_as_ours(course, no_kernel):
    """It says that it is finished, and not from which text; hours may have gone into it."""
    assert run(course, "--only", "01") == 0
    copy = course / "out" / "notebooks" / "01_good.ipynb"
    notebook = nbformat.read(copy, as_version=4)
    del notebook.metadata["coursekit"]["sources"]
    nbformat.write(notebook, copy)
    before = copy.read_bytes()
    assert run(course, "--only", "01") == 0 and copy.read_bytes() == before


def test_copies_never_take_the_place_of_a_course(course, capsys):
    before = (course / "notebooks" / "01_good.ipynb").read_bytes()
    assert run(course, "--out", str(course)) == 1
    assert "may hold somebody's work" in capsys.readouterr().err
    assert (course / "notebooks" / "01_good.ipynb").read_bytes() == before


def test_a_folder_with_other_files_is_left_alone(course, no_kernel, capsys):
    (course / "book" / "results.json").write_text("mine")
    assert run(course, "--out", str(course / "book")) == 1
    assert "book holds other files" in capsys.readouterr().err
    assert [path.name for path in (course / "book").iterdir()] == ["results.json"]
    (course / "book" / "results.json").unlink()
    assert run(course, "--out", str(course / "book")) == 0  # an empty one is as good as a new one


def test_a_copy_that_stopped_at_a_failure_may_be_written_anew(course, no_kernel, capsys):
    write(course, "01_good", ["1 / 0"])
    assert run(course, "--only", "01") == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    write(course, "01_good", GOOD)
    assert run(course, "--only", "01") == 0


def test_a_notebook_that_is_changed_while_it_runs_in_place_stays(course, monkeypatch, capsys):
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: course / "VOC")
    notebook = course / "notebooks" / "01_good.ipynb"
    work = []

    def execute(*_):  # it takes minutes, and JupyterLab is open beside it
        work.append(answer(notebook))

    monkeypatch.setattr(runner.executing, "execute", execute)
    assert cli.main(["run", "--in-place", "--only", "01"]) == 1
    assert "was changed while it ran, so it stays as it is" in capsys.readouterr().err
    assert [notebook.read_bytes()] == work


def test_a_finished_run_copies_its_results_to_where_the_command_was_typed(course, monkeypatch):
    (course / "elsewhere").mkdir()
    monkeypatch.chdir(course / "elsewhere")
    assert run(course, "--only", "02", "--results", "new/found.json") == 0
    copy = course / "elsewhere" / "new" / "found.json"
    assert copy.read_bytes() == (course / "out" / "results.json").read_bytes()
    assert list(copy.parent.iterdir()) == [copy]  # no temporary file is left


def test_a_run_that_fails_copies_no_results(course):
    write(course, "02_claim", ["1 / 0"])
    (course / "found.json").write_text("earlier")
    assert run(course, "--only", "02", "--results", str(course / "found.json")) == 1
    assert (course / "found.json").read_text() == "earlier"


def test_results_in_place_of_a_directory_are_refused_before_anything_runs(course, capsys):
    assert run(course, "--results", str(course / "book")) == 1
    assert "book is a directory" in capsys.readouterr().err
    assert not (course / "out").exists()


def test_in_place_copies_the_results_to_a_named_file_too(course, monkeypatch):
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: course / "VOC")
    found = course / "found.json"
    assert cli.main(["run", "--in-place", "--only", "02", "--results", str(found)]) == 0
    assert found.read_bytes() == (course / "book" / "results.json").read_bytes()


def test_in_place_one_lesson_leaves_the_results_of_the_others(course, monkeypatch):
    """In a fresh clone, nothing has run, and the committed results are of all lessons."""
    monkeypatch.setattr("coursetools.fetching.prepare", lambda: course / "VOC")
    book = course / "book" / "results.json"
    parts = ("claims", "reports", "provenance", "seconds")
    both = {part: {"01_good": "kept", "02_claim": "old"} for part in parts}
    both["models"] = {"saved": "old", "other": "kept"}
    book.write_text(json.dumps(both), encoding="utf-8")

    def execute(*_):  # a lesson, in the process of the test
        lessons.begin("02_claim")
        predictions = lessons.artifacts_file("predictions")
        predictions.mkdir(exist_ok=True)
        (predictions / "saved.csv").touch()
        with lessons.changing_results() as results:
            results["models"] = {"saved": "new", "of another day": "new"}

    monkeypatch.setattr(runner.executing, "execute", execute)
    assert cli.main(["run", "--in-place", "--only", "02"]) == 0
    found = json.loads(book.read_text(encoding="utf-8"))
    assert found["models"] == {"saved": "new", "other": "kept"}
    for part in parts:
        assert found[part]["01_good"] == "kept" and found[part]["02_claim"] != "old", part
    assert cli.main(["run", "--in-place"]) == 0  # all of them: what others left is gone
    assert json.loads(book.read_text(encoding="utf-8"))["models"] == {"saved": "new"}
    assert "kept" not in book.read_text(encoding="utf-8")


@pytest.mark.parametrize("flag", ["--out", "--home", "--results"])
def test_a_place_in_which_nothing_can_be_written_is_named_with_what_to_do(
    course, no_kernel, capsys, flag
):
    (course / "file").touch()
    assert run(course, flag, str(course / "file" / "x" / "y")) == 1
    words = capsys.readouterr().err
    assert "Nothing can be written in" in words and str(course / "file") in words
    assert flag in words and "one where you may write" in words
    assert "Errno" not in words and not (course / "out" / "notebooks").exists()


def test_a_file_in_place_of_a_folder_for_the_copies_is_named_too(course, no_kernel, capsys):
    (course / "file").touch()
    assert run(course, "--out", str(course / "file")) == 1
    words = capsys.readouterr().err
    assert "file/notebooks: Not a directory. Give --out another folder." in words


def test_where_the_system_only_says_what_is_wrong_the_command_says_what_to_do(
    course, monkeypatch, capsys
):
    (course / "file").touch()
    monkeypatch.setenv("COURSEKIT_HOME", str(course / "file" / "x"))
    assert cli.main(["fetch", "mini"]) == 1
    words = capsys.readouterr().err
    assert "Errno" not in words and "Correct the path, or name another place." in words


def test_in_place_is_for_mini_only(course, capsys):
    assert cli.main(["run", "--in-place", "--dataset", str(course / "VOC")]) == 1
    assert "--out" in capsys.readouterr().err


def test_a_wrong_notebook_or_data_set_is_said_before_anything_runs(course, capsys):
    assert run(course, "--only", "09") == 1
    assert "No notebook starts with 09. There are: 01_good, 02_claim" in capsys.readouterr().err
    assert cli.main(["run", "--dataset", str(course / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_relative_paths_mean_the_same_in_the_notebooks(course, monkeypatch):
    monkeypatch.chdir(course)
    assert cli.main(["run", "--dataset", "VOC", "--out", "out", "--only", "01"]) == 0
    assert outputs(course / "out" / "notebooks" / "01_good.ipynb")[1].strip() == str(course / "VOC")


def test_a_dead_kernel_is_reported(course, capsys):
    write(course, "01_good", ["import os, signal\nos.kill(os.getpid(), 9)"])
    assert run(course, "--only", "01") == 1
    assert "a dead kernel" in capsys.readouterr().err


@pytest.mark.parametrize(("times", "ended"), [(1, 0), (9, 1)])
def test_a_kernel_whose_port_another_program_has_taken_starts_again(
    course, monkeypatch, capsys, times, ended
):
    free, asked = LocalPortCache.find_available_port, count()
    with socket.create_server(("127.0.0.1", 0)) as taken:

        def port(self, ip):  # a kernel has five: the first of each start is the taken one
            start, which = divmod(next(asked), 5)
            return free(self, ip) if which or start >= times else taken.getsockname()[1]

        monkeypatch.setattr(LocalPortCache, "find_available_port", port)
        assert run(course, "--only", "01") == ended
    assert next(asked) == 5 * min(times + 1, executing.STARTS)
    assert ("01_good" in (said := capsys.readouterr().err) and "dead kernel" in said) == ended


def test_the_command_has_help(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    words = capsys.readouterr().out
    assert all(word in words for word in ("run", "fetch", "doctor"))


@pytest.mark.real
def test_lesson_02_runs_unchanged_on_real_photographs(sample, tmp_path, monkeypatch, capsys):
    for name in ("DATASET", "ARTIFACTS"):
        monkeypatch.setenv(f"COURSEKIT_{name}", "")
    assert cli.main(["run", "--dataset", str(sample), "--only", "02", "--out", str(tmp_path)]) == 0
    words = capsys.readouterr().out
    assert "of 16 claims hold on VOC2007" in words
    executed = tmp_path / "notebooks" / "02_voc_annotations.ipynb"
    assert any(
        "<td>221</td>" in "".join(o.get("data", {}).get("text/html", ""))
        for cell in nbformat.read(executed, as_version=4).cells
        for o in cell.get("outputs", [])
    )
