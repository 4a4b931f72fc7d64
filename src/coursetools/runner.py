"""Execute the notebooks in order, on any data set, and say what went wrong where."""

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coursekit import datasets, lessons, settings, voc
from coursekit.files import write_whole
from coursekit.progress import progress_bar
from coursetools import executing
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


def look_at_data() -> str:
    """Return how many pictures the lessons will find; what stops lesson 02 is an error here.

    So an annotation that cannot be read is named in seconds, and not after the first lesson.
    """
    directory, classes = datasets.locate(), settings.classes()
    images = voc.single_object(voc.load_annotations(directory), classes)
    counts = voc.assign_split(images, directory)["split"].value_counts()
    number = {split: int(counts.get(split, 0)) for split in ("train", "val", "test")}
    if min(number.values()) == 0:
        raise ValueError(
            f"{directory} has {len(images)} pictures with exactly one object of "
            f"{', '.join(classes)}, and in the splits {number}. Each needs at least one: "
            "add pictures, or correct or remove the lists in ImageSets."
        )
    words = ", ".join(f"{n} for {split}" for split, n in number.items())
    return f"{settings.dataset_name()}: {len(images)} pictures with one object, {words}."


def copies_in(out: Path) -> Path:
    """Return the folder of the copies in `out`; `FileExistsError` when `out` is no run's folder."""
    copies = out / "notebooks"
    if out.exists() and any(out.iterdir()) and not copies.is_dir():
        raise FileExistsError(
            f"{out} holds other files, and a run might overwrite some. Give --out a new folder."
        )
    copies.mkdir(parents=True, exist_ok=True)
    return copies


def run(
    notebooks: Sequence[Path], out: Path | None = None, hours: float = executing.HOURS
) -> list[Path]:
    """Execute notebooks in order and return the executed files.

    Parameters
    ----------
    notebooks
        Their paths, in order.
    out
        Where the executed copies go. A copy that is there already, finished, made from the same
        source and with the same settings, is kept, and its notebook is skipped: after a
        failure, the run goes on at the notebook that failed. None executes every notebook and
        stores its outputs in the notebook itself.
    hours
        How long one cell may take.

    Raises
    ------
    FileExistsError
        When a file would be overwritten that may be somebody's work: in `out`, one that is not as
        a run has left it; in place, a notebook that was changed while it ran.
    LessonError
        At the first cell that fails. The copy, up to that cell, is in `out`.
    KeyboardInterrupt
        When somebody stops it. The copy, up to that cell, is in `out`.
    """
    loaded = {path: nbformat.read(path, as_version=4) for path in notebooks}
    for path in loaded if out is not None else ():
        _refuse_work(out / path.name)
    written = []
    total = sum(_count_code(notebook.cells) for notebook in loaded.values())
    data = _data_state()
    with progress_bar(total=total, unit="cell", file=sys.stdout) as bar:
        for path, notebook in loaded.items():
            target = (out or path.parent) / path.name
            mark = _fingerprint(notebook, data)
            bar.set_description(path.stem)
            if out is not None and _is_finished(target, mark):
                bar.update(_count_code(notebook.cells))
            else:
                _execute(notebook, path, target, bar, hours, mark if out is not None else None)
            written.append(target)
    return written


def _execute(
    notebook: NotebookNode, path: Path, target: Path, bar: tqdm, hours: float, mark: str | None
) -> None:
    """Run one notebook in a fresh kernel and write it to `target`, also when a cell fails."""
    reached = 0

    def note_cell(cell: NotebookNode, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index
        bar.update(cell.cell_type == "code")

    # What differs from run to run must not: no time stamps, no names of this machine's kernel.
    notebook.metadata = nbformat.from_dict(METADATA)
    sources = _sources(notebook)
    start = time.perf_counter()
    try:
        executing.execute(notebook, path.parent, hours, note_cell)
    except (LessonError, KeyboardInterrupt) as reason:
        if mark is not None:
            notebook.metadata["coursekit"] = {"sources": sources}
            _write(notebook, target)
        if isinstance(reason, KeyboardInterrupt):
            raise
        seen = f" The copy so far is in {target}." if mark is not None else ""
        number = _count_code(notebook.cells[: reached + 1])
        raise LessonError(
            f"{path.name}, code cell {number}, which starts with\n"
            f"    {_first_line(notebook.cells[reached])}\n"
            f"failed with {reason}\n{seen}"
        ) from reason
    if mark is not None:
        notebook.metadata["coursekit"] = {"sources": sources, "finished": mark}
    elif _sources(nbformat.read(target, as_version=4)) != sources:
        raise FileExistsError(
            f"{target} was changed while it ran, so it stays as it is, without the new outputs. "
            "Run it again."
        )
    _write(notebook, target)
    lessons.record_seconds(path.stem, time.perf_counter() - start)


def _count_code(cells: Sequence[NotebookNode]) -> int:
    return sum(cell.cell_type == "code" for cell in cells)


def _first_line(cell: NotebookNode) -> str:
    return next((line for line in cell.source.splitlines() if line.strip()), "")


def _write(notebook: NotebookNode, target: Path) -> None:
    write_whole(target, nbformat.writes(notebook) + "\n")


def _data_state() -> list[tuple]:
    """Return name, size and time of each file of the data."""
    if settings.dataset() == "mini":  # it is drawn again when it changes, under a new version
        return []
    files = [(file, file.stat()) for file in sorted(datasets.locate().rglob("*"))]
    return [(str(file), found.st_size, found.st_mtime_ns) for file, found in files]


def _refuse_work(target: Path) -> None:
    """Raise `FileExistsError` when a notebook does not have the text that a run has given it."""
    found = _read(target)
    mark = found.metadata.get("coursekit") if found else None
    # An earlier version of the course did not write the sources down.
    if found and not (mark and mark.get("sources", _sources(found)) == _sources(found)):
        raise FileExistsError(
            f"{target} is not what a run wrote there, and may hold somebody's work: it stays. "
            "Give another --out, or move that file away."
        )


def _sources(notebook: NotebookNode) -> str:
    """Return a hash of what a person wrote into a notebook."""
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _fingerprint(notebook: NotebookNode, data: list[tuple]) -> str:
    """Return a hash of what outputs depend on: cells, settings, and the state of the data."""
    sources = [cell.source for cell in notebook.cells]
    choices = [settings.dataset(), settings.classes(), settings.zero_based(), settings.backbone()]
    choices += [settings.all_weights(), settings.device(), settings.seed()]
    return hashlib.sha256(json.dumps([sources, choices, data]).encode()).hexdigest()


def _is_finished(target: Path, mark: str) -> bool:
    """Return whether a copy is there, whole, and made from the same; a damaged one is made anew."""
    found = _read(target)
    return bool(found) and found.metadata.get("coursekit", {}).get("finished") == mark


def _read(target: Path) -> NotebookNode | None:
    """Return a notebook; None when there is none, or one that is damaged."""
    try:
        found = nbformat.read(target, as_version=4)
        return found if found.metadata is not None and found.cells is not None else None
    except (OSError, ValueError, AttributeError, TypeError):  # nbformat has no one kind
        return None
