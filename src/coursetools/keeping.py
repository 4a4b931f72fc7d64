"""What an earlier run has left: which copies of notebooks stay, since nothing has changed.

A finished copy carries a mark, a hash of all that its outputs depend on. The marks of the lessons
whose files it reads are part of it.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from coursekit import datasets, lessons, settings
from coursekit.voc import reading

import nbformat
from nbformat import NotebookNode

NAME = re.compile(r"\b\d\d_\w+")  # of a lesson
TOOLS = "coursetools"  # the one package that no lesson uses
CLUTTER = ("Thumbs.db", "desktop.ini")  # of Windows; that of others is hidden


def reads(notebook: NotebookNode, name: str) -> list[str]:
    """Return the earlier lessons whose files a lesson reads: those that its code names.

    To read a file, it must name the lesson that writes it; see `lessons.artifacts_file`. Only the
    table of images needs no name.
    """
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    named = {*NAME.findall(code)}
    if "load_images(" in code:
        named.add(lessons.OF_IMAGES)
    return sorted(other for other in named if other < name)


def inputs() -> list:
    """Return what all lessons depend on: settings, the course's code, and the state of the data.

    Of code it is a hash; of a file of data, which may be large, size and time.
    """
    choices = [settings.dataset(), settings.classes(), settings.zero_based(), settings.sizes()]
    choices += [settings.polygons(), settings.backbone(), settings.all_weights(), settings.device()]
    choices += [settings.seed(), settings.figures()]
    folders = [settings.CHECKOUT / "src", settings.CHECKOUT / "notebooks" / "scripts"]
    code = hashlib.sha256()
    for file in sorted(file for folder in folders for file in folder.rglob("*.py")):
        if TOOLS not in file.parts:
            code.update(f"{file.relative_to(settings.CHECKOUT)}\0".encode() + file.read_bytes())
    # mini and the drawn figures are drawn again when their code changes
    data = [datasets.locate()] if settings.dataset() != "mini" else []
    data += [Path(settings.figures()).expanduser()] if settings.figures() else []
    files = [folder / name for folder in data for name in reading.names_in(folder)]
    files = [file for file in files if file.name not in CLUTTER]
    files += [Path(file) for file in settings.all_weights()]  # "imagenet" is none
    states = [(str(file), file.stat()) for file in sorted(files) if file.exists()]
    found = [(name, state.st_size, state.st_mtime_ns) for name, state in states]
    return [choices, code.hexdigest(), found]


def mark(notebook: NotebookNode, name: str, given: list, out: Path) -> str:
    """Return a hash of what outputs depend on: `given`, cells, and what lessons before it left."""
    cells = [cell.source for cell in notebook.cells]
    earlier = [mark_of(out / f"{other}.ipynb") for other in reads(notebook, name)]
    return hashlib.sha256(json.dumps([given, cells, earlier]).encode()).hexdigest()


def mark_of(copy: Path) -> str | None:
    """Return the mark of a finished copy; None where there is none, or one that is damaged."""
    found = read(copy)
    return found.metadata.get("coursekit", {}).get("finished") if found else None


def outdated(notebook: NotebookNode, path: Path, given: list, out: Path) -> list[str]:
    """Return the lessons that a lesson reads and whose copies are not as they would be now."""
    found = []
    for other in reads(notebook, path.stem):
        source, copy = path.with_name(f"{other}.ipynb"), out / f"{other}.ipynb"
        if source.exists() and copy.exists():
            now = mark(nbformat.read(source, as_version=4), other, given, out)
            found += [other] if mark_of(copy) != now else []
    return found


def refuse_gaps(notebooks: Sequence[Path], out: Path | None, command: Sequence[str]) -> None:
    """Raise `ValueError` when lessons would read what no run has left, or left of other data.

    `command` is what was typed after ``coursekit``; the message says what to type instead.
    """
    made, now = lessons.load_results()["provenance"], datasets.state()
    folders = {path.parent for path in notebooks}
    every = [path for folder in folders for path in folder.glob("[0-9]*.ipynb")]
    every = {path.stem: path for path in [*every, *notebooks]}
    names, needed = {path.stem for path in notebooks}, {}
    waiting = [*names]
    for name in waiting:  # which grows
        for other in reads(nbformat.read(every[name], as_version=4), name):
            if other in names or other in needed or other not in every:
                continue
            copy = out / f"{other}.ipynb" if out else None
            there = mark_of(copy) if copy and copy.exists() else other in made
            of = made.get(other, {}).get("data") or now
            changed = ", ".join(key for key, value in now.items() if of.get(key) != value)
            if changed or not there:
                needed[other] = f"has run with other {changed}" if changed else "has not run yet"
                waiting.append(other)
    if needed:
        words = "; ".join(f"{name} {how}" for name, how in sorted(needed.items()))
        only = [part for name in sorted({*names, *needed}) for part in ("--only", name[:2])]
        given = " ".join(map(shlex.quote, [*_without_only(command), *only]))
        asked = " and ".join(name[:2] for name in sorted(names))
        where = f", in {out.parent}" if out else ""  # a run keeps results of its own
        advice = f"Run `coursekit {given}`."
        if out and settings.dataset() == "mini":
            advice += " Or `--in-place` goes on with the results of JupyterLab."
        raise ValueError(f"Before lesson {asked}{where}: {words}. {advice}")


def _without_only(command: Sequence[str]) -> Iterator[str]:
    words = iter(command)
    for word in words:
        if word == "--only":
            next(words)
        elif not word.startswith("--only="):
            yield word


def refuse_work(target: Path) -> None:
    """Raise `FileExistsError` when a notebook does not have the text that a run has given it."""
    found = read(target)
    mark = found.metadata.get("coursekit") if found else None
    # An earlier version of the course did not write the sources down.
    if found and not (mark and mark.get("sources", sources(found)) == sources(found)):
        raise FileExistsError(
            f"{target} is not what a run wrote there, and may hold somebody's work: it stays. "
            "Give another --out, or move that file away."
        )


def sources(notebook: NotebookNode) -> str:
    """Return a hash of what a person wrote into a notebook."""
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def read(target: Path) -> NotebookNode | None:
    """Return a notebook; None when there is none, or one that is damaged."""
    try:
        found = nbformat.read(target, as_version=4)
        return found if found.metadata is not None and found.cells is not None else None
    except (OSError, ValueError, AttributeError, TypeError):  # nbformat has no one kind
        return None
