"""Delete what was built, drawn, and computed on the drawings, and nobody's work.

An edition of the course in ``_build`` may hold answers that somebody wrote there. A list of what
we wrote is kept beside its files. A file that differs from the list is somebody's work: then
nothing is deleted. Outputs count as well, since they are what a student measured. What is hidden
in an edition stays: packages, downloads and results, and a repository of git. And what no command
has written into ``_build`` stays there.
"""

import hashlib
import json
import os
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path

EDITIONS = ("student", "student_book")
BUILT = (  # what commands write into _build; `.*.*` was interrupted
    *("html", "student_html", "jupyter_execute", "slides", "course.pdf", "student.pdf"),
    *(
        "hub",
        "hub.png",
        "student.zip",
        "*.log",
        "proof.jsonl",
        ".doctrees",
        ".jupyter_cache",
        ".*.*",
    ),
)
STAYS = {  # what make clean leaves in _build, and why
    "nbgrader": "it may hold what was handed in, and the grades",
    "margins": "a measurement that took hours goes on from there",
}
UNKNOWN = "no command of the course wrote it"
MEASURED = "it holds what was computed on other data"
RUN = ".coursekit/runs/mini"  # copies of the lessons, and what they computed
WORKED = "a lesson in it was changed, and may hold somebody's answers"
LIST = ".written.json"
# Hidden files, and what Python, setuptools and Jupyter Book leave behind.
LEFT_BEHIND = re.compile(r"\.|__pycache__$|.+\.egg-info$|_build$")
# in .coursekit, if minivoc's stamp is there: else somebody's own
DRAWN = ("mini", "figures", "crowds", "more_crowds")
PATTERNS = (
    *(f".coursekit/.{name}{ending}" for name in DRAWN for ending in ("-*", ".lock")),
    *(".coursekit/artifacts/mini", ".coursekit/weights"),
    *(".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__"),
    *(f"{tree}/**/__pycache__" for tree in ("benchmarks", "book", "notebooks", "src", "tests")),
)


def files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by their path within it, without what programs left there."""
    paths = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not LEFT_BEHIND.match(name)]
        paths += [Path(place, name) for name in names if not LEFT_BEHIND.match(name)]
    return {path.relative_to(folder).as_posix(): path for path in sorted(paths)}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal(folder: Path, pattern: str = "*") -> None:
    """Write the list of what is in a folder, which is taken for ours from then on."""
    ours = {name: path for name, path in files(folder).items() if fnmatch(name, pattern)}
    digests = {name: digest(path) for name, path in ours.items()}
    (folder / LIST).write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")


def sealed(folder: Path) -> dict[str, str]:
    """Return the digests of what we wrote into a folder; none when there is no list."""
    path = folder / LIST
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def refuse_changes(folder: Path, replaced: str = "") -> None:
    """Raise `FileExistsError` when a file that we wrote there was changed; others may be beside.

    Not so where names have the pattern `replaced`: what is there will be deleted.
    """
    ours = {folder / name: written for name, written in sealed(folder).items()}
    changed = [path for path, written in ours.items() if path.exists() and digest(path) != written]
    if changed:
        raise FileExistsError(
            f"{changed[0]} has changed since it was written, and would be overwritten. Keep a "
            "copy of it under another name, delete it, and try again."
        )
    beside = (path for name, path in files(folder).items() if fnmatch(name, replaced))
    others = [path for path in beside if path not in ours]
    if others:
        raise FileExistsError(
            f"{others[0]} would be deleted: {folder} is written anew. Move it elsewhere, and try "
            "again. nbgrader releases what lies beside a lesson in source/."
        )


def refuse_work(folder: Path) -> None:
    """Raise `FileExistsError` when a file in an edition is not as we wrote it."""
    ours = sealed(folder)
    work = [name for name, path in files(folder).items() if digest(path) != ours.get(name)]
    if work:
        first = min(work, key=lambda name: (not name.endswith(".ipynb"), name))
        raise FileExistsError(
            f"{folder / first} is not what was written there, and may hold somebody's answers: "
            f"move {folder} to a place of its own, such as ~/answers, go on working there, and try "
            "again. To work with a new edition, unzip _build/student.zip outside the course, "
            "for example into ~/student."
        )


def clear(folder: Path) -> None:
    """Delete an edition except for what is hidden in it, unless it holds somebody's work.

    Whatever is left by an interruption is as the list says, so it can be deleted later.
    """
    refuse_work(folder)
    for path in folder.iterdir() if folder.exists() else ():
        if not path.name.startswith("."):
            delete(path)
    (folder / LIST).unlink(missing_ok=True)
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def replace(folder: Path, part: Path) -> Path:
    """Return `folder` after moving the sealed edition `part` there, in place of the one before.

    The list goes first: an interruption leaves nothing that could be taken for work.
    """
    clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(part.iterdir(), key=lambda path: path.name != LIST):
        path.replace(folder / path.name)
    part.rmdir()
    return folder


def delete(path: Path) -> None:
    """Delete a file or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def stays(root: Path) -> dict[Path, str]:
    """Return what `clean` left in ``_build`` and of results, and why."""
    left = [path for path in sorted(root.glob("_build/*")) if path.name not in EDITIONS]
    reasons = {path: STAYS.get(path.name, UNKNOWN) for path in left}
    computed = [*root.glob(".coursekit/artifacts/*"), *root.glob(".coursekit/runs/*")]
    reasons |= dict.fromkeys(sorted(computed), MEASURED)
    return reasons | dict.fromkeys(root.glob(RUN), WORKED)


def _worked(run: Path) -> bool:
    """Return whether a notebook of a run is not as the run wrote it; see `keeping.refuse_work`.

    It is read as JSON: `make clean` needs no package.
    """
    for path in run.glob("notebooks/*.ipynb"):
        try:
            found = json.loads(path.read_bytes())
            cells = [(cell["cell_type"], "".join(cell["source"])) for cell in found["cells"]]
            mark = found["metadata"]["coursekit"]
        except (ValueError, KeyError, TypeError):  # damaged, or of somebody's own
            return True
        now = hashlib.sha256(json.dumps(cells).encode()).hexdigest()
        if mark.get("sources", now) != now:
            return True
    return False


def clean(root: Path) -> list[Path]:
    """Delete what was built and drawn in a checkout, unless an edition holds somebody's work.

    Return what is gone.
    """
    built = root / "_build"
    editions = [built / name for name in EDITIONS]
    written = [folder for folder in editions if (folder / LIST).exists()]
    for folder in editions:
        refuse_work(folder)
        clear(folder)
    made = {path for pattern in BUILT for path in built.glob(pattern)}
    stamps = [root / ".coursekit" / name / "VERSION" for name in DRAWN]
    drawn = [stamp.parent for stamp in stamps if stamp.exists()]
    left = [path for pattern in PATTERNS for path in root.glob(pattern)]
    left += [run for run in root.glob(RUN) if not _worked(run)]
    for path in (*made, *drawn, *left):
        delete(path)
    return sorted([*written, *made, *drawn, *left])
