"""The student edition: the course with a gap in place of each solution, ready to be handed out.

nbgrader cuts the solutions out. This module says which cells it should look at, and which
files a student gets.
"""

import copy
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from coursekit import settings
from coursekit.files import written_whole
from coursetools import cleaning, yaml_files
from exercises.lesson_code import BEGIN

import nbformat
import yaml
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

NAME = "where-is-it"  # of the folder in the zip, and of the course in nbgrader
CODE_STUB = {"python": "# Your code here\nraise NotImplementedError()"}
TITLE = re.compile(r"^:::+\{admonition\} Exercise (\d+)(?: \((.+?)\))?", re.MULTILINE)
# No student has a solution to look at.
TURNED = ("Try it before you look at the solution.", "Try as often as you like.")
POINTS = {"easy": 1, "open": 3}  # all others: 2

SHIPPED = [
    *("CITATION.cff", "LICENSE", "Makefile", "environment.yml", "pyproject.toml"),
    *("requirements.txt", "setup.py", "_config.yml", "_toc.yml"),
    *(
        "benchmarks/*.py",  # which the lessons name
        "book/**/*",
        "notebooks/*.ipynb",
        "notebooks/scripts/*.py",
        "src/**/*",
    ),
]
LEFT_OUT = ["book/results_template.md", "book/start.md", "src/coursetools/publish/**/*"]
LEFT_OUT += ["benchmarks/open_exercises.py"]  # it needs what is left out
# the solutions of the open exercises, and what they measured
LEFT_OUT += ["benchmarks/solutions/**/*", "book/**/open_exercises/*"]
TEACHERS = "For teachers"  # a part of _toc.yml; its pages are left out too
INSTRUCTORS = "# --- For instructors."  # this line of the Makefile, and what follows it, is cut


def mark(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """Return a copy whose exercises and checks carry nbgrader's metadata: kind, points and id.

    Parameters
    ----------
    notebook
        A lesson, in which the cells tagged ``exercise`` and ``check`` alternate. The number and
        the points come from the title of the admonition above.
    lesson
        Its number, for the ids: ``exercise-05-1``, ``check-05-1``.

    Raises
    ------
    ValueError
        When an exercise has no title, no solution, or not one check.
    """
    notebook = copy.deepcopy(notebook)
    awaited, title = "exercise", None
    for i, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            title = (TITLE.findall(cell.source) or [title])[-1]
            cell.source = cell.source.replace(*TURNED)
        kinds = {"exercise", "check"} & set(cell.metadata.get("tags", []))
        if not kinds and BEGIN not in cell.source:
            continue
        if kinds != {awaited} or (BEGIN in cell.source) != (awaited == "exercise") or not title:
            raise ValueError(
                f"Lesson {lesson}, cell {i}: here should be the {awaited} of an exercise with a "
                f"title, tagged {awaited!r}. Only an exercise has a solution, after {BEGIN!r}."
            )
        number, level = title
        check = awaited == "check"
        cell.metadata.nbgrader = grading(f"{awaited}-{lesson}-{number}", solution=not check)
        if not check:  # a solution is folded in JupyterLab, but a gap must be visible
            cell.metadata.pop("jupyter", None)
        else:
            cell.metadata.nbgrader |= {"grade": True, "locked": True, "points": points(level)}
        awaited, title = ("exercise", None) if check else ("check", title)
    if awaited == "check":
        raise ValueError(f"Lesson {lesson}: the last exercise has no check.")
    return notebook


def grading(grade_id: str, solution: bool) -> NotebookNode:
    """Return nbgrader's metadata of a cell that is not graded; see its documentation."""
    flags = {"grade": False, "locked": False, "task": False, "solution": solution}
    return NotebookNode(schema_version=3, grade_id=grade_id, **flags)


def points(level: str) -> int:
    """Return the points of an exercise: one for an easy one, two for most, three for an open."""
    return POINTS.get(level, 2)


def with_gaps(notebook: NotebookNode, lesson: str, outputs: bool = False) -> NotebookNode:
    """Return a copy with stubs for solutions, and without outputs.

    With `outputs`, only the exercises and their checks lose theirs.
    """
    marked = mark(notebook, lesson)
    marked, _ = ClearSolutions(code_stub=CODE_STUB).preprocess(marked, {})
    clear = ClearOutputPreprocessor()
    for i, cell in enumerate(marked.cells):
        exercise = cell.metadata.pop("nbgrader", None)
        if exercise or not outputs:
            clear.preprocess_cell(cell, {}, i)
        if exercise:  # a solution is folded in the book, but a gap must be visible
            cell.metadata.tags = [tag for tag in cell.metadata.tags if tag != "hide-input"]
    return marked


def write(folder: Path, outputs: bool = False, root: Path = settings.CHECKOUT) -> Path:
    """Return `folder`, which now holds the student edition.

    With `outputs`, the lessons keep theirs: this is what the students' site is built from. What
    was installed and downloaded in the folder stays there.

    Raises
    ------
    FileExistsError
        When somebody has worked in the folder. Nothing is changed then.
    ValueError
        When a file of the course is a link: it might lead to anything.
    """
    cleaning.refuse_work(folder)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for path in _shipped(root):
        target = part / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            notebook = with_gaps(nbformat.read(path, as_version=4), path.name[:2], outputs)
            target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="")
        elif path.name in CHANGES:
            text = CHANGES[path.name](path.read_text(encoding="utf-8"), root)
            target.write_text(text, encoding="utf-8", newline="")
        else:
            shutil.copyfile(path, target)
    shutil.copyfile(root / "book" / "start.md", part / "START.md")
    cleaning.seal(part)
    return cleaning.replace(folder, part)


def pack(folder: Path, name: str = NAME) -> Path:
    """Return a zip file beside `folder` with what was written there: the same bytes each time.

    All files have the date of the release: JupyterLab shows it.
    """
    released = _released(settings.CHECKOUT / "CITATION.cff").timetuple()[:6]
    target = folder.with_suffix(".zip")
    with written_whole(target) as new, ZipFile(new, "w") as archive:
        for inside in sorted(cleaning.sealed(folder)):
            info = ZipInfo(f"{name}/{inside}", released)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, (folder / inside).read_bytes(), ZIP_DEFLATED)
    return target


def _released(file: Path) -> date:
    content = yaml_files.parse(file.read_text(encoding="utf-8"), file)
    released = content.get("date-released") if isinstance(content, dict) else None
    if not isinstance(released, date):
        raise ValueError(f"{file} needs such a line, without quotes: date-released: 2026-11-22")
    return released


def _shipped(root: Path) -> list[Path]:
    def names(paths: set[Path]) -> list[str]:
        return sorted(path.relative_to(root).as_posix() for path in paths)

    toc = yaml_files.parse((root / "_toc.yml").read_text(encoding="utf-8"), root / "_toc.yml")
    teachers = _pages([part for part in toc["parts"] if part.get("caption") == TEACHERS])
    left_out = [*LEFT_OUT, *(f"{page}.*" for page in teachers)]
    shipped = {path for pattern in SHIPPED for path in root.glob(pattern) if path.is_file()}
    shipped -= {path for pattern in left_out for path in root.glob(pattern)}
    shipped &= set(cleaning.files(root).values())
    contents = {path for path in shipped if names({path.with_suffix("")})[0] in _pages(toc)}
    # grades and drafts may lie around; git knows what the course is
    if (root / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, encoding="utf-8"
        )
        tracked = {root / name for name in listed.stdout.split("\0") if name}
        if pages := names(contents - tracked):
            raise ValueError(
                f"_toc.yml names {', '.join(pages)}, which git does not track, and students get "
                f"what git tracks. Run `git add {' '.join(pages)}`, or correct _toc.yml."
            )
        if unknown := names(shipped - tracked):
            print(f"Left out, since git does not track them: {', '.join(unknown)}.")
        shipped &= tracked
    else:
        seen = {path for folder in ("book", "notebooks") for path in root.glob(f"{folder}/*")}
        seen |= {path for path in shipped if path.suffix in (".md", ".ipynb")}
        others = ", ".join(names(shipped & seen - contents)) or "nothing else"
        print(
            "Without git, nothing says what is a draft: all files in book, notebooks, benchmarks "
            f"and src go along. Should they? _toc.yml does not name {others}."
        )
    if links := [path for path in shipped if path.is_symlink()]:
        raise ValueError(f"{links[0]} is a link. Put the file itself there.")
    return sorted(shipped)


def _pages(toc: object) -> set[str]:
    """Return the pages that a part of _toc.yml names, without their endings."""
    if isinstance(toc, list):
        return {page for entry in toc for page in _pages(entry)}
    if not isinstance(toc, dict):
        return set()
    own = {Path(toc[key]).with_suffix("").as_posix() for key in ("root", "file") if key in toc}
    return own | _pages([*toc.values()])


def _makefile(text: str, root: Path) -> str:
    """Return a Makefile without what is for instructors, and with the course's choice of torch."""
    text = text.partition(INSTRUCTORS)[0].rstrip() + "\n"
    ready = root / ".venv" / "ready"
    chosen = ready.read_text(encoding="utf-8").strip() if ready.exists() else "default"
    return text.replace(",default)", f",{chosen or 'default'})")


def _without_teachers(text: str, root: Path) -> str:
    toc = yaml_files.parse(text, root / "_toc.yml")
    toc["parts"] = [part for part in toc["parts"] if part.get("caption") != TEACHERS]
    return yaml.safe_dump(toc, sort_keys=False)


CHANGES = {
    "Makefile": _makefile,
    "_toc.yml": _without_teachers,
    # nbgrader would put its menus into the students' JupyterLab, where they lead nowhere.
    "requirements.txt": lambda text, _: re.sub(r"^nbgrader==.*\n", "", text, flags=re.MULTILINE),
}
