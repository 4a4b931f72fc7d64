"""The student edition: the course with gaps, and no trace of what was in them."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from itertools import pairwise

from coursekit import settings
from coursekit.settings import CHECKOUT as ROOT
from coursetools import cli
from coursetools.publish import student

import pytest
import snowballstemmer
from sphinx.application import Sphinx

from exercising import (
    BEGIN,
    NOTEBOOKS,
    code,
    imports,
    lesson,
    read,
    split,
    stubbed,
    tagged,
    title,
    told,
)  # fmt: skip
from processes import make, python

SITE = ROOT / "_build" / "student_html"
FRAMEWORKS = {"keras": ("01", "03", "06"), "torch": ("04", "07", "08"), "none": ("02", "05")}
FIRST = "notebooks/01_x.ipynb"  # of the course that is made for the test
SHORTEST = 12  # characters of a line that can be called somebody's


def test_only_what_git_tracks_is_handed_out(course, tmp_path, capsys):
    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=course, check=True, capture_output=True)

    git("init")
    git("add", ".")
    (course / "book" / "grades.csv").write_text("Ada,1\n")
    folder = student.write(tmp_path / "student", root=course)
    assert not (folder / "book" / "grades.csv").exists()
    assert (folder / "notebooks" / "01_x.ipynb").exists()
    assert "does not track them: book/grades.csv." in capsys.readouterr().out


@pytest.mark.parametrize("place", ["book", "notebooks"])
def test_a_page_of_the_contents_that_git_does_not_track_is_refused(course, tmp_path, place):
    """The students' site would name a page that is not there."""
    page = "book/draft.md" if place == "book" else "notebooks/08_new.ipynb"
    shutil.copyfile(course / ("book/intro.md" if place == "book" else FIRST), course / page)
    toc = student.yaml.safe_load((course / "_toc.yml").read_text(encoding="utf-8"))
    lesson = {"file": "notebooks/01_x", "sections": [{"file": page.rpartition(".")[0]}]}
    toc["parts"][1]["chapters"].append(lesson)
    (course / "_toc.yml").write_text(student.yaml.safe_dump(toc), encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=course, check=True)
    subprocess.run(["git", "add", ".", f":!{page}"], cwd=course, check=True)
    with pytest.raises(ValueError, match=f"_toc.yml names {page}, .*`git add {page}`"):
        student.write(tmp_path / "student", root=course)
    assert not (tmp_path / "student").exists()
    subprocess.run(["git", "add", page], cwd=course, check=True)
    assert (student.write(tmp_path / "student", root=course) / page).exists()


def test_without_git_drafts_are_named(course, tmp_path, monkeypatch, capsys):
    (course / "book" / "ideas").mkdir()
    for draft in ("book/ideas/draft.md", "book/grades.csv"):
        (course / draft).write_text("Ada,1\n")
    said = "_toc.yml does not name book/grades.csv, book/ideas/draft.md, notebooks/01_x.ipynb."
    student.write(tmp_path / "student", root=course)
    assert said in capsys.readouterr().out
    subprocess.run(["git", "init", "-q"], cwd=course, check=True)
    subprocess.run(["git", "add", "."], cwd=course, check=True)
    student.write(tmp_path / "student", root=course)
    assert "does not name" not in capsys.readouterr().out
    monkeypatch.setattr(shutil, "which", lambda _: None)  # .git is there, the program is not
    student.write(tmp_path / "student", root=course)
    assert said in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="links want a right there")
def test_what_a_link_leads_to_is_not_handed_out(course, tmp_path):
    (tmp_path / "grades.csv").write_text("Ada,1\n")
    (course / "book" / "table.csv").symlink_to(tmp_path / "grades.csv")
    with pytest.raises(ValueError, match=r"table\.csv is a link"):
        student.write(tmp_path / "student", root=course)
    assert not (tmp_path / "student").exists()


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """The folder of the student edition; its zip is beside it."""
    folder = student.write(tmp_path_factory.mktemp("edition") / "student")
    student.pack(folder)
    return folder


# ------------------------------------------------------- the lessons of the course


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_of_the_students_is_the_lesson_minus_the_solutions(edition, path):
    ours, theirs = read(path), read(edition / "notebooks" / path.name)
    assert len(tagged(ours, "exercise")) >= 4
    assert len(tagged(ours, "check")) == len(tagged(ours, "exercise"))
    wanted = [stubbed(c.source) if BEGIN in c.source else turned(c.source) for c in ours.cells]
    assert [cell.source for cell in theirs.cells] == wanted
    prose = "\n".join(c.source for c in theirs.cells if c.cell_type == "markdown")
    assert "the solution." not in prose and prose.count(student.TURNED[1]) == 1
    for before, after in zip(ours.cells, theirs.cells, strict=True):
        if after.cell_type == "code":
            assert after.outputs == [] and after.execution_count is None
        tags = set(before.metadata.get("tags", [])) - set(after.metadata.get("tags", []))
        assert tags == ({"hide-input"} if BEGIN in before.source else set())
        assert "nbgrader" not in after.metadata and before.id == after.id
        folded = "jupyter" in before.metadata and BEGIN not in before.source
        assert folded == ("jupyter" in after.metadata)
    assert any("jupyter" in cell.metadata for cell in theirs.cells)
    assert not any("jupyter" in c.metadata for c in tagged(student.mark(ours, "0"), "exercise"))


def turned(text):
    """Return a text as it is where there are no solutions to look at."""
    return text.replace("Try it before you look at the solution.", "Try as often as you like.")


def pairs(path):
    """Return the pairs of exercise and check of a lesson, as sources."""
    both = zip(tagged(read(path), "exercise"), tagged(read(path), "check"), strict=True)
    return [(exercise.source, check.source) for exercise, check in both]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_each_stub_fails_its_check_and_each_solution_passes(request, edition, framework):
    numbers = FRAMEWORKS[framework]
    paths = [path for path in NOTEBOOKS if path.name[:2] in numbers]
    lessons = [(p.stem, imports(read(p)), pairs(p)) for p in paths]
    gaps = [(p.stem, imports(read(p)), pairs(edition / "notebooks" / p.name)) for p in paths]
    if framework == "none":
        said = told(lessons + gaps)
    else:
        said = request.getfixturevalue(f"in_{framework}")(told, lessons + gaps)
    half = len(said) // 2
    assert half >= 4 * len(numbers)
    assert [text for _, text in said[:half] if not re.fullmatch(r"✓ \w+ is right\.\n", text)] == []
    assert [text for _, text in said[half:] if "is not written yet" not in text] == []


def solutions():
    """Return the solutions of all lessons, each as a list of stripped lines."""
    cells = [cell for path in NOTEBOOKS for cell in tagged(read(path), "exercise")]
    return [[line.strip() for line in split(cell.source)[1]] for cell in cells]


def given():
    """Return what students get for other reasons: the package, the pages, the rest of a lesson."""
    files = [p for tree in ("src", "book") for p in (ROOT / tree).rglob("*.[pm][yd]")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    for path in NOTEBOOKS:
        gaps = student.with_gaps(read(path), path.name[:2], outputs=True)
        texts += [cell.source for cell in gaps.cells]
    return "\n".join(texts)


def own_lines():
    """Return the lines that are in a solution and nowhere else."""
    known = given()
    lines = {line for solution in solutions() for line in solution if len(line) >= SHORTEST}
    return sorted(line for line in lines if not line.startswith("#") and line not in known)


def leaks(lines, texts):
    """Return each line that is in a text, as it is or as it is written in JSON."""
    forms = {line: {line, json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]}
             for line in lines}  # fmt: skip
    return [(name, line) for name, text in texts.items() for line in lines
            if any(form in text for form in forms[line])]  # fmt: skip


def test_no_line_of_a_solution_is_in_the_zip(edition):
    with zipfile.ZipFile(edition.with_suffix(".zip")) as archive:
        names = archive.namelist()
        texts = {name: archive.read(name).decode("utf-8", "replace") for name in names}
    lines = own_lines()
    assert len(lines) >= len(solutions()) >= 20
    committed = {path.name: path.read_text(encoding="utf-8") for path in NOTEBOOKS}
    assert {line for _, line in leaks(lines, committed)} == set(lines)  # the search finds them
    assert leaks(lines, texts) == []


def test_no_check_holds_a_solution():
    checks = (ROOT / "src" / "exercises" / "checks").glob("*.py")
    text = "\n".join(line.strip() for p in checks for line in p.read_text("utf-8").splitlines())
    whole = ["\n".join(solution) for solution in solutions()]
    assert len(whole) >= 20 and [solution for solution in whole if solution in text] == []


def words(text):
    """Return the words of a text as the search index writes them; no encoded pictures."""
    stem = snowballstemmer.stemmer("porter").stemWord
    return {stem(word) for word in set(re.findall(r"\b\w{1,40}\b", text.lower()))}


def index_of(site):
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    return set(json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))["terms"])


def test_the_site_of_the_students_holds_no_solution():
    if not (SITE / "index.html").exists():
        pytest.skip("The site is not built. Run `make book EDITION=student` first.")
    files = {p for p in SITE.rglob("*.*") if p.suffix in {".html", ".js", ".md", ".ipynb", ".txt"}}
    files -= set((SITE / "_static").rglob("*"))  # the theme's, and pictures
    texts = {str(p): p.read_text(encoding="utf-8") for p in files}
    assert {"_sources", "notebooks", "searchindex.js"} <= {
        p.relative_to(SITE).parts[0] for p in files
    }
    assert leaks(own_lines(), texts) == []
    shown = "\n".join(text for name, text in texts.items() if "_sources" in name)
    secret = words("\n".join(line for solution in solutions() for line in solution)) - words(shown)
    assert secret and secret & index_of(SITE) == set()
    assert not (SITE / "book" / "instructors.html").exists()


# ------------------------------------------------------- the folder and the zip


def test_the_first_pages_say_what_you_need_and_that_outputs_come_with_a_run(edition):
    start, intro = (
        (edition / page).read_text(encoding="utf-8") for page in ("START.md", "book/intro.md")
    )
    steps = re.findall(r"^\d\. \*\*(.+?)\*\*", start, re.MULTILINE)
    assert ["TORCH=cpu" in step for step in steps] == [False, True, False, False]
    assert "in Keras or in PyTorch" in start and "in Keras or in PyTorch" in intro
    assert "Run the notebooks first" in start and "come without outputs" in intro


def test_the_folder_has_what_the_lessons_need_and_nothing_for_instructors(edition):
    names = {p.relative_to(edition).as_posix() for p in edition.rglob("*") if p.is_file()}
    for needed in [
        "START.md", "LICENSE", "Makefile", "environment.yml", "pyproject.toml", "requirements.txt",
        "book/_static/goal_01.png", "book/results.json", "book/results/heads_mini.csv",
        "src/efficientnet/__init__.py", "src/localizer/heads.py", "src/coursekit/voc/reading.py",
        "_toc.yml", "benchmarks/ideas.py", "benchmarks/_tables.py",
    ]:  # fmt: skip
        assert needed in names
    lessons = {path.name for path in NOTEBOOKS}  # and what JupyterLab would show beside them
    assert {p.name for p in edition.glob("notebooks/[!.]*")} == {*lessons, "scripts"}
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"tests", ".github", ".ci", "README.md", "CONTRIBUTING.md"}
    assert not [n for n in names if "instructors" in n or "/." in n or "__pycache__" in n]
    assert "instructors" not in (edition / "_toc.yml").read_text(encoding="utf-8")


# A path from the folder of the course, a file, and where a link leads.
PATH = re.compile(
    r"(?<![\w/.:~-])(?:\.\./)?(?:benchmarks|book|notebooks|scripts|src|tests)/[\w./-]*\w"
)
FILE = re.compile(r"(?<![\w/.-])[\w-]+\.(?:py|ipynb|md|toml|yml|cfg)\b")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def named(text):
    """Return the files that a text names or leads to."""
    return {*PATH.findall(text), *FILE.findall(text), *LINK.findall(text)}


def test_every_file_that_a_text_names_is_there(edition):
    everything = {path.name for path in edition.rglob("*.*")}
    lost, seen = [], set()
    for path, text in texts(edition).items():
        for name in named(text):
            seen.add(name)
            near = [(base / name).resolve() for base in (edition, (edition / path).parent)]
            if not any(place.exists() for place in near) and name not in everything:
                lost.append((path, name))
    assert {"../book/setup.md", "benchmarks/ideas.py"} <= seen
    assert sorted(lost) == []


# What is written as code: a block, or a word between backticks.
CODE = re.compile(r"(`+)([^`]+?)\1")
SETTINGS = r"^\s*(?:[A-Z_]+=\S+ )*(?:\S*[/\\])?"
COMMAND = re.compile(SETTINGS + r"(make|coursekit|python -m) ([a-z][\w.]*)", re.MULTILINE)


def texts(folder):
    """Return what people read, by file: the pages, and the prose of the notebooks."""
    pages = [*folder.glob("*.md"), *folder.glob("book/*.md")]
    prose = {page.relative_to(folder): page.read_text(encoding="utf-8") for page in pages}
    for path in folder.glob("notebooks/*.ipynb"):
        cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
        prose[path.relative_to(folder)] = "\n".join(cells)
    return {path.as_posix(): text for path, text in prose.items()}


def commands(folder):
    """Return what somebody can type in a folder, as pairs of a program and a word."""
    makefile = (folder / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    helped = python("-B", "-m", "coursetools.cli", "--help", PYTHONPATH=str(folder / "src"))
    words = re.findall(r"^    ([a-z]+) ", helped.stdout, re.MULTILINE)
    modules = [path.relative_to(folder / "src") for path in folder.glob("src/**/*.py")]
    return (
        {("make", target) for target in targets}
        | {("coursekit", word) for word in words}
        | {("python -m", ".".join(module.with_suffix("").parts)) for module in modules}
    )


@pytest.mark.parametrize("page", ["START.md", "README.md"])
def test_every_command_that_a_text_names_is_there(edition, page):
    folder = edition if page == "START.md" else ROOT
    named = {
        (name, *command)
        for name, text in texts(folder).items()
        for _, code_in_text in CODE.findall(text)
        for command in COMMAND.findall(code_in_text)
    }
    there = commands(folder)
    assert {name for name, *_ in named} >= {page, "book/setup.md"}
    assert {("make", "lab"), ("coursekit", "doctor"), ("coursekit", "fetch")} <= there
    assert (("coursekit", "release") in there) == (folder == ROOT)
    allowed = {("python -m", "ipykernel")}  # a program of Jupyter's
    assert sorted(name for name in named if name[1:] not in there | allowed) == []


def test_every_package_that_a_program_imports_is_installed(edition):
    lock = (edition / "requirements.txt").read_text(encoding="utf-8")
    installed = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", lock, re.M)}
    packages = {path.name for path in (edition / "src").iterdir()}
    scripts = {path.stem for path in edition.glob("benchmarks/*.py")}
    ours = packages | scripts | set(sys.stdlib_module_names)
    modules = set()
    for path in [*edition.glob("src/**/*.py"), *edition.glob("benchmarks/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                left_out = path.name == "cli.py" and node.module == "coursetools.publish"
                modules |= set() if left_out else {node.module}  # the command looks for it
    places = [edition / "src" / name.replace(".", "/") for name in modules]
    places = [place for place in places if place.relative_to(edition / "src").parts[0] in packages]
    assert [p for p in places if not (p.is_dir() or p.with_suffix(".py").exists())] == []
    imported = {name.split(".")[0] for name in modules}
    providers = packages_distributions()
    lacking = [
        name
        for name in imported - ours
        if not {p.lower().replace("_", "-") for p in providers.get(name, [])} & installed
    ]
    assert {"keras", "torch"} <= imported and lacking == []


def test_the_project_file_names_only_files_that_are_there(edition):
    project = tomllib.loads((edition / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["license-files"], *([project["readme"]] if "readme" in project else [])]
    assert [name for name in named if not (edition / name).exists()] == []
    lock = (edition / "requirements.txt").read_text(encoding="utf-8")
    assert "nbgrader" not in lock and "\njupyterlab==" in lock


def test_the_unzipped_folder_works_without_git(edition, tmp_path):
    with zipfile.ZipFile(edition.with_suffix(".zip")) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / student.NAME
    (folder / ".venv").mkdir()
    (folder / ".venv" / "ready").write_text("cpu\n")  # as if it had been installed
    git = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    run = {"cwd": folder, "capture_output": True, "text": True, "check": True}
    command = subprocess.run(["make", "-n", "lab"], env=os.environ | git, **run).stdout
    assert "/lab/tree/notebooks/01_synthetic_rectangles.ipynb\n" in command
    for place, moved in ((folder, False), ("/somewhere/else", True)):  # its .venv holds the path
        (folder / ".venv" / "place").write_text(f"{place}\n")
        command = subprocess.run(["make", "-n", "lab"], env=os.environ | git, **run).stdout
        assert ("-m venv --clear .venv" in command) == moved
        assert ("--torch-backend=cpu" in command) == moved  # the choice moves, too
    (folder / ".venv" / "place").unlink()
    book = subprocess.run(["make", "-n", "book"], env=os.environ | git, **run).stdout
    assert "jupyter-book build ." in book
    helped = subprocess.run(["make", "help"], env=os.environ | git, **run).stdout
    assert re.findall(r"make (\w+)", helped)[:3] == ["help", "setup", "book"]
    assert "release" not in helped and "make lab" in helped
    script = "from coursekit import lessons, settings; print(len(lessons.measured('heads_mini')))\n"
    script += "print(settings.home())"
    found = python("-c", script, PYTHONPATH=str(folder / "src")).stdout.split()
    assert int(found[0]) > 0 and found[1] == str(folder / ".coursekit")


@pytest.mark.parametrize("chosen", ["cpu", "default", None])
def test_an_edition_begins_with_the_torch_of_the_course(course, tmp_path, chosen):
    (course / ".venv").mkdir()
    if chosen:
        (course / ".venv" / "ready").write_text(f"{chosen}\n")
    folder = student.write(tmp_path / "student", root=course)
    for file in ("requirements.txt", "pyproject.toml"):
        (folder / file).touch()

    lab = ("-n", "lab", f"PYTHON={sys.executable}")

    def setup(*words: str) -> str:
        return make(folder, *lab, *words).stdout

    assert "Each folder of the course has its own" in setup()  # it says that it installs
    assert ("--torch-backend=cpu" in setup()) == (chosen == "cpu")
    assert "--torch-backend=cpu" not in setup("TORCH=default")
    assert "--torch-backend=cpu" in setup("TORCH=cpu")
    for misspelt in ("CPU", "gpu"):
        refused = make(folder, *lab, f"TORCH={misspelt}")
        assert refused.returncode != 0 and "pip" not in refused.stdout
        assert f'TORCH is default or cpu, not "{misspelt}"' in refused.stderr


def test_the_zip_is_the_same_each_time(edition, tmp_path):
    again = student.pack(student.write(tmp_path / "student"))
    assert again.read_bytes() == edition.with_suffix(".zip").read_bytes()
    with zipfile.ZipFile(again) as archive:
        names = archive.namelist()
        assert names == sorted(names) and all(a != b for a, b in pairwise(names))
        (date,) = {info.date_time for info in archive.infolist()}
    released = "date-released: {}-{:02}-{:02}\n".format(*date)
    assert released in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "old, new, said",
    [
        (r"name: .*", 'name: The authors of "Animals: A"', r", line \d+: is not YAML: .*quotes"),
        (r"title: .*", "title: Animals: A course", r", line \d+: is not YAML: .*quotes"),
        (
            r"date-released: .*",
            'date-released: "2026-11-22"',
            " needs such a line, without",
        ),
        (r"date-released: .*", "date-released: 2026-13-40", ": is not YAML: month must be in"),
        (r"date-released: .*\n", "", " needs such a line"),
    ],
)
def test_a_citation_that_cannot_be_read_is_named(
    edition, tmp_path, monkeypatch, capsys, old, new, said
):
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text(re.sub(old, new, citation, count=1), encoding="utf-8")
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path)
    monkeypatch.setattr(student, "write", lambda _: edition)
    assert cli.main(["student"]) == 1
    words = re.escape(f"coursekit student: {tmp_path / 'CITATION.cff'}")
    assert re.match(words + said, capsys.readouterr().err)


# ------------------------------------------------------- with a lesson made for the test


@pytest.fixture
def course(tmp_path):
    """A course of one small lesson, with one page for teachers."""
    root = tmp_path / "course"
    for folder in ("notebooks/.ipynb_checkpoints", "book", "src/coursekit/__pycache__"):
        (root / folder).mkdir(parents=True)
    student.nbformat.write(lesson(), root / "notebooks" / "01_x.ipynb")
    for name in ("start.md", "intro.md", "instructors.md", ".hidden"):
        (root / "book" / name).write_text("# A page\n")
    (root / "src/coursekit/__pycache__/x.pyc").touch()
    for name in ("_toc.yml", "Makefile", "LICENSE", "README.md"):
        shutil.copyfile(ROOT / name, root / name)
    return root


def test_only_the_files_of_a_student_are_written(course, tmp_path):
    folder = student.write(tmp_path / "student", root=course)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert names == [
        ".written.json", "LICENSE", "Makefile", "START.md", "_toc.yml", "book/intro.md",
        "notebooks/01_x.ipynb",
    ]  # fmt: skip


def test_contents_that_cannot_be_read_are_named(course, tmp_path):
    with (course / "_toc.yml").open("a", encoding="utf-8") as toc:
        toc.write("caption: To do: more\n")
    with pytest.raises(ValueError, match=r"_toc\.yml, line \d+: is not YAML: .*quotes"):
        student.write(tmp_path / "student", root=course)


def test_a_run_that_fails_leaves_the_last_edition(course, tmp_path):
    folder = student.write(tmp_path / "student", root=course)
    broken = lesson()
    del broken.cells[2]
    student.nbformat.write(broken, course / "notebooks" / "01_x.ipynb")
    with pytest.raises(ValueError, match="Lesson 01, cell 3"):
        student.write(folder, root=course)
    assert "zebracrossing" not in (folder / "notebooks" / "01_x.ipynb").read_text()


def test_a_gap_keeps_signature_and_docstring():
    gap = student.with_gaps(lesson(), "01").cells[3]
    assert gap.source == (
        'def total(a, b):\n    """Return the total."""\n'
        "    # Your code here\n    raise NotImplementedError()"
    )


def test_the_site_keeps_the_outputs_of_the_lesson_only():
    cells = student.with_gaps(lesson(), "01", outputs=True).cells
    kept = {i: c.execution_count for i, c in enumerate(cells) if c.get("outputs")}
    assert kept == {1: 1}
    assert [cells[i].execution_count for i in (3, 4, 6, 7)] == [None] * 4


def test_the_original_is_left_alone():
    notebook = lesson()
    student.with_gaps(notebook, "01")
    assert notebook == lesson()


SPOILED = {
    "no title": (lambda cells: cells.pop(2), "cell 3: here should be the exercise"),
    "no check": (lambda cells: cells.pop(4), "cell 6: here should be the check"),
    "no last check": (lambda cells: cells.pop(7), "the last exercise has no check"),
    "a check alone": (lambda cells: cells.pop(3), "cell 4: here should be the exercise"),
    "no solution": (lambda cells: cells[3].update(source="1"), "cell 4: here should"),
    "no tag": (lambda cells: cells[3].metadata.pop("tags"), "cell 4: here should"),
    "a solution elsewhere": (
        lambda cells: cells.insert(1, code(cells[3].source)),
        "cell 2: here should",
    ),
    "one title for two": (lambda cells: cells.pop(5), "cell 6: here should be the exercise"),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_a_lesson_that_breaks_the_pattern_is_refused(fault):
    notebook = lesson()
    spoil, words_of_it = SPOILED[fault]
    spoil(notebook.cells)
    with pytest.raises(ValueError, match=words_of_it):
        student.with_gaps(notebook, "01")


def test_the_points_follow_from_the_title():
    marks = [cell.metadata.get("nbgrader") for cell in student.mark(lesson(), "01").cells]
    assert [m.grade_id for m in marks if m] == [
        "exercise-01-1", "check-01-1", "exercise-01-2", "check-01-2",
    ]  # fmt: skip
    assert [m.points for m in marks if m and m.grade] == [1, 2]
    assert student.points("open") == 3 and student.points("") == student.points("hard") == 2
    assert title(4, "easy").source.startswith(":::{admonition} Exercise 4 (easy)")


def build(directory, notebook):
    """Return the folder of the site that Sphinx makes of one notebook."""
    source = directory / "source"
    source.mkdir(parents=True)
    student.nbformat.write(notebook, source / "lesson.ipynb")
    settings = {
        "extensions": ["myst_nb"], "nb_execution_mode": "off", "root_doc": "lesson",
        "myst_enable_extensions": ["colon_fence"], "html_sourcelink_suffix": "",
    }  # fmt: skip
    html = directory / "html"
    Sphinx(source, None, html, html / ".doctrees", "html", settings, None, None).build()
    return html


@pytest.mark.parametrize("gaps", [False, True])
def test_neither_page_nor_source_nor_index_shows_a_solution(tmp_path, gaps):
    notebook = student.with_gaps(lesson(), "01", outputs=True) if gaps else lesson()
    site = build(tmp_path, notebook)
    page, source = (
        (site / name).read_text(encoding="utf-8")
        for name in ("lesson.html", "_sources/lesson.ipynb")
    )
    assert ["zebracrossing" in text for text in (page, source)] == [not gaps] * 2
    assert ("zebracross" in index_of(site)) != gaps
    assert ("NotImplementedError" in page) == gaps and "a lesson" in page


def test_the_advice_for_a_new_lesson_fits_the_lessons_that_there_are():
    """The next number, a file for git, and every place that its number has to be told."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Add a lesson\n")[1].split("\n## ")[0]
    following = f"{len(NOTEBOOKS) + 1:02}"
    said = "CONTRIBUTING, Add a lesson: step 2 should name the number that is next now"
    assert {*re.findall(r"\b\d\d(?=_)", section)} == {following}, said
    assert "`git add" in section and "_toc.yml" in section


def test_the_command_writes_a_folder_and_a_zip(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, "BUILT", tmp_path)
    assert cli.main(["student"]) == 0
    assert (tmp_path / "student" / "START.md").exists() and (tmp_path / "student.zip").exists()
    assert str(tmp_path / "student.zip") in capsys.readouterr().out
    assert cli.main(["student", "--site"]) == 0
    with_outputs = read(tmp_path / "student_book" / "notebooks" / NOTEBOOKS[0].name)
    assert any(cell.get("outputs") for cell in with_outputs.cells)


def test_where_nbgrader_is_missing_the_command_says_so(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "coursetools.publish.student")
    monkeypatch.delattr("coursetools.publish.student", raising=False)
    monkeypatch.setitem(sys.modules, "nbgrader.preprocessors", None)
    assert cli.main(["student"]) == 1
    assert "coursekit student: import of nbgrader.preprocessors" in capsys.readouterr().err
