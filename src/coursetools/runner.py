"""Execute the notebooks in order, on any data set, and say what went wrong where."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from coursekit import lessons, settings
from coursekit.files import write_whole
from coursekit.progress import progress_bar

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class LessonError(RuntimeError):
    """A notebook stopped; says in which cell, and why."""


def find_notebooks(only: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks of the course in order, or those whose names start as in `only`."""
    every = sorted((settings.CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
    chosen = [path for path in every if not only or path.name.startswith(tuple(only))]
    if not chosen:
        names = ", ".join(path.stem for path in every) or "none: run this in the course's checkout"
        raise FileNotFoundError(f"No notebook starts with {' or '.join(only)}. There are: {names}.")
    return chosen


def run(notebooks: Sequence[Path], out: Path | None = None) -> list[Path]:
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

    Raises
    ------
    LessonError
        At the first cell that fails. The copy, up to that cell, is in `out`.
    """
    loaded = {path: nbformat.read(path, as_version=4) for path in notebooks}
    written = []
    total = sum(_count_code(notebook.cells) for notebook in loaded.values())
    with progress_bar(total=total, unit="cell", file=sys.stdout) as bar:
        for path, notebook in loaded.items():
            target = (out or path.parent) / path.name
            mark = _fingerprint(notebook)
            bar.set_description(path.stem)
            if out is not None and _is_finished(target, mark):
                bar.update(_count_code(notebook.cells))
            else:
                _execute(notebook, path, target, bar, mark if out is not None else None)
            written.append(target)
    return written


def _execute(notebook: NotebookNode, path: Path, target: Path, bar: tqdm, mark: str | None) -> None:
    """Run one notebook in a fresh kernel and write it to `target`, also when a cell fails."""
    reached = 0

    def note_cell(cell: NotebookNode, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index
        bar.update(cell.cell_type == "code")

    # What differs from run to run must not: no time stamps, no names of this machine's kernel.
    notebook.metadata = nbformat.from_dict(METADATA)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        on_cell_start=note_cell,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.perf_counter()
    try:
        client.execute(env=os.environ | {"TQDM_DISABLE": "1"})
    except (CellExecutionError, DeadKernelError) as error:
        if mark is not None:
            _write(notebook, target)
        seen = f" What was reached is in {target}." if mark is not None else ""
        number = _count_code(notebook.cells[: reached + 1])
        raise LessonError(
            f"{path.name}, code cell {number}, which starts with\n"
            f"    {_first_line(notebook.cells[reached])}\n"
            f"failed with {_reason(error)}\n{seen}"
        ) from error
    if mark is not None:
        notebook.metadata["coursekit"] = {"finished": mark}
    _write(notebook, target)
    lessons.record_seconds(path.stem, time.perf_counter() - start)


def _reason(error: Exception) -> str:
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {error.evalue}"
    return "a dead kernel. Was there enough memory? `coursekit doctor` looks."


def _count_code(cells: Sequence[NotebookNode]) -> int:
    return sum(cell.cell_type == "code" for cell in cells)


def _first_line(cell: NotebookNode) -> str:
    return next((line for line in cell.source.splitlines() if line.strip()), "")


def _write(notebook: NotebookNode, target: Path) -> None:
    write_whole(target, nbformat.writes(notebook) + "\n")


def _fingerprint(notebook: NotebookNode) -> str:
    """Return a hash of what the outputs depend on: the cells, and the reader's settings."""
    sources = [cell.source for cell in notebook.cells]
    choices = [settings.dataset(), settings.classes(), settings.backbone()]
    choices += [settings.all_weights(), settings.device(), settings.seed()]
    return hashlib.sha256(json.dumps([sources, choices]).encode()).hexdigest()


def _is_finished(target: Path, mark: str) -> bool:
    if not target.exists():
        return False
    found = nbformat.read(target, as_version=4).metadata
    return found.get("coursekit", {}).get("finished") == mark
