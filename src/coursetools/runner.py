"""Execute the notebooks in order, on any data set, and say what went wrong where."""

import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coursekit import lessons, settings
from coursekit.files import place_to_write, write_whole, written_whole
from coursekit.progress import progress_bar
from coursetools import executing, fetching, keeping
from coursetools.executing import LessonError

import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def find_notebooks(only: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks of the course in order, or those whose names start as in `only`."""
    every = sorted((settings.CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
    chosen = [path for path in every if not only or path.name.startswith(tuple(only))]
    if not chosen:
        names = ", ".join(path.stem for path in every) or "none: run this in the course's checkout"
        raise FileNotFoundError(f"No notebook starts with {' or '.join(only)}. There are: {names}.")
    return chosen


def copies_in(out: Path) -> Path:
    """Return the folder of the copies in `out`; `FileExistsError` when `out` is no run's folder."""
    copies = out / "notebooks"
    if out.is_dir() and any(out.iterdir()) and not copies.is_dir():
        raise FileExistsError(
            f"{out} holds other files, and a run might overwrite some. Give --out a new folder."
        )
    return place_to_write(copies, "Give --out another folder.")


def run(
    notebooks: Sequence[Path],
    out: Path | None = None,
    hours: float = executing.HOURS,
    typed: Sequence[str] = (),
) -> list[Path]:
    """Execute notebooks in order and return the executed files.

    Parameters
    ----------
    notebooks
        Their paths, in order.
    out
        Where the executed copies go. A copy that is there already, finished and made from the same
        (see `keeping.mark`), is kept, which a line says, and its notebook is skipped: after a
        failure, the run goes on at the notebook that failed. The pages and pictures that they show
        go into `book` beside it. None executes every notebook and
        stores its outputs in the notebook itself.
    hours
        How long one cell may take.
    typed
        The command that asked for it, without its first word: before anything runs, it is refused
        when a lesson reads what no run has left; see `keeping.refuse_gaps`. Only then is the data
        set drawn or downloaded, which may take minutes.

    Raises
    ------
    FileExistsError
        When a file would be overwritten that may be somebody's work: in `out`, one that is not as
        a run has left it; in place, a notebook that was changed while it ran.
    ValueError
        When `typed` is refused.
    LessonError
        At the first cell that fails. The outputs up to that cell are stored.
    KeyboardInterrupt
        When somebody stops it. The outputs up to that cell are stored.
    """
    loaded = {path: nbformat.read(path, as_version=4) for path in notebooks}
    for path in loaded if out is not None else ():
        keeping.refuse_work(out / path.name)
    if typed:
        keeping.refuse_gaps(notebooks, out, typed)
        fetching.prepare()
    for notebook in loaded.values() if out is not None else ():
        _bring_pages(notebook, out.parent)
    written = []
    total = sum(_count_code(notebook.cells) for notebook in loaded.values())
    given, names = keeping.inputs(), {path.stem for path in loaded}
    with progress_bar(total=total, unit="cell", file=sys.stdout) as bar:
        for path, notebook in loaded.items():
            target = (out or path.parent) / path.name
            mark = keeping.mark(notebook, path.stem, given, out) if out is not None else None
            bar.set_description(path.stem)
            for old in keeping.outdated(notebook, path, given, out) if mark else ():
                if old not in names:
                    bar.write(
                        f"{path.stem} reads what {old} left. That is out of date: run it, too."
                    )
            if mark and keeping.mark_of(target) == mark:
                bar.write(f"{path.stem} is kept from an earlier run: nothing has changed since.")
                bar.update(_count_code(notebook.cells))
            else:
                _execute(notebook, path, target, bar, hours, mark)
            written.append(target)
    return written


def _bring_pages(notebook: NotebookNode, out: Path) -> None:
    """Copy into `out` the pages and pictures of the book that a notebook leads to.

    A file that is there stays: it may be somebody's own.
    """
    text = "\n".join(cell.source for cell in notebook.cells)
    for name in {*re.findall(r"\.\./(book/[\w/]+\.(?:md|png))", text)}:
        if (source := settings.CHECKOUT / name).is_file() and not (out / name).exists():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            with written_whole(out / name) as new:
                shutil.copyfile(source, new)


def _execute(
    notebook: NotebookNode, path: Path, target: Path, bar: tqdm, hours: float, mark: str | None
) -> None:
    """Run one notebook in a fresh kernel and write it to `target`, also when a cell fails."""
    reached = 0
    changed = f"{target} was changed while it ran, so it stays as it is, without the new outputs."

    def note_cell(cell: NotebookNode, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index
        bar.update(cell.cell_type == "code")

    def store(**finished: str | None) -> bool:
        if mark is not None:
            notebook.metadata["coursekit"] = {"sources": sources} | finished
        elif keeping.sources(nbformat.read(target, as_version=4)) != sources:
            return False
        _write(notebook, target)
        return True

    # What differs from run to run must not: no time stamps, no names of this machine's kernel.
    notebook.metadata = nbformat.from_dict(METADATA)
    sources = keeping.sources(notebook)
    start = time.perf_counter()
    try:
        executing.execute(notebook, path.parent, hours, note_cell)
    except (LessonError, KeyboardInterrupt) as reason:
        stored = store()
        if isinstance(reason, KeyboardInterrupt):
            raise
        seen = f"What ran so far is in {target}." if stored else changed
        number = _count_code(notebook.cells[: reached + 1])
        raise LessonError(
            f"{path.name}, code cell {number}, which starts with\n"
            f"    {_first_line(notebook.cells[reached])}\n"
            f"failed with {reason}\n{seen}"
        ) from reason
    if not store(finished=mark):
        raise FileExistsError(f"{changed} Run it again.")
    with lessons.changing_results() as results:
        results["seconds"][path.stem] = round(time.perf_counter() - start, 1)


def _count_code(cells: Sequence[NotebookNode]) -> int:
    return sum(cell.cell_type == "code" for cell in cells)


def _first_line(cell: NotebookNode) -> str:
    return next((line for line in cell.source.splitlines() if line.strip()), "")


def _write(notebook: NotebookNode, target: Path) -> None:
    write_whole(target, nbformat.writes(notebook) + "\n")
