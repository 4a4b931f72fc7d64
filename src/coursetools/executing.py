"""Execute one notebook, with a limit to what a cell prints and to how long it takes."""

import asyncio
import atexit
import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from exercises.lesson_code import BEGIN

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

PRINTED = 2**22  # characters: more in one cell is a mistake, and no browser would show it
HOURS = 3.0  # for one cell
STARTS = 3  # of a kernel: another program can take a port that had just been free


class LessonError(RuntimeError):
    """A notebook stopped; says in which cell, and why."""


class _Client(NotebookClient):
    """nbclient's; it ends a cell that prints without end, and joins what was printed in pieces."""

    printed = 0
    solved = False  # whether the last exercise came with its solution

    async def async_execute_cell(self, cell: NotebookNode, *rest, **options) -> NotebookNode:
        self.printed = 0
        if _has(cell, "exercise"):
            self.solved = BEGIN in cell.source
        # An answer that a student still owes, or has wrong, stops nothing. A solution must hold.
        self.allow_errors = _has(cell, "check") and not self.solved
        try:
            await super().async_execute_cell(cell, *rest, **options)
        finally:
            if cell.cell_type == "code":
                cell.outputs = joined(cell.outputs)
        for error in _errors(cell) if self.allow_errors else ():
            if error.ename != "AnswerError":
                raise CellExecutionError.from_cell_and_msg(cell, error)
        return cell

    def output(self, outs: list, msg: dict, *rest) -> NotebookNode | None:
        if msg["msg_type"] == "stream":
            before, self.printed = self.printed, self.printed + len(msg["content"]["text"])
            if self.printed > PRINTED:
                if before <= PRINTED:
                    self.ending = asyncio.ensure_future(self.km.provisioner.kill())
                return None
        return super().output(outs, msg, *rest)

    @property
    def interrupted(self) -> bool:
        """Whether nbclient has received Ctrl-C, or a request to end."""
        return hasattr(self, "_async_cleanup_kernel_future")

    def reason(self, error: Exception) -> str:
        """Return in words why the notebook stopped."""
        if isinstance(error, CellExecutionError):
            return f"{error.ename}: {error.evalue}"
        if isinstance(error, CellTimeoutError):
            return f"no end after {self.timeout / 3600:g} hours. `--hours` gives a cell more time"
        if self.printed > PRINTED:
            return f"more than {PRINTED / 1e6:.0f} million printed characters"
        return "a dead kernel. Was there enough memory? `coursekit doctor` looks."


def execute(
    notebook: NotebookNode, folder: Path, hours: float, on_cell_start: Callable[..., None]
) -> None:
    """Run the cells of a notebook, which gets their outputs, in a fresh kernel in a folder.

    `on_cell_start` gets each cell and its index. `LessonError` says why a cell failed, and
    `KeyboardInterrupt` that somebody has stopped it; the kernel has ended then. The check of an
    exercise without its solution may fail: see `open_exercises`.
    """
    client = _Client(
        notebook,
        timeout=max(1, round(hours * 3600)),
        kernel_name="python3",
        record_timing=False,
        on_cell_start=on_cell_start,
        extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        _run(client, STARTS)
    except (CellExecutionError, CellTimeoutError, DeadKernelError, AssertionError) as error:
        if client.interrupted:  # nbclient ends its kernel twice then, and stumbles
            raise KeyboardInterrupt from error
        raise LessonError(client.reason(error)) from error


def _run(client: _Client, starts: int) -> None:
    try:
        client.execute(env=os.environ | {"TQDM_DISABLE": "1"})
    except RuntimeError as error:
        if "Kernel died before" not in str(error):  # jupyter_client has no class for it
            raise
        atexit.unregister(client._cleanup_kernel)  # nbclient leaves that to kernels that start
        if starts == 1 or client.interrupted:
            raise DeadKernelError(str(error)) from error
        _run(client, starts - 1)


def open_exercises(executed: Path) -> list[str]:
    """Return which checks of an executed notebook failed, and what they say of the answers."""
    checks = [c for c in nbformat.read(executed, as_version=4).cells if _has(c, "check")]
    return [f"{cell.source}: {error.evalue}" for cell in checks for error in _errors(cell)]


def _has(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _errors(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return outputs in which neighbors of one stream are one, and overwritten text is gone."""
    found = []
    for stream, group in groupby(outputs, lambda output: output.get("name")):
        first, *others = group
        if stream is None:
            found += [first, *others]
            continue
        first["text"] = as_shown("".join([first["text"], *(other["text"] for other in others)]))
        found.append(first)
    return found


def as_shown(text: str) -> str:
    """Return what a terminal shows: a carriage return goes back to the start of the line."""
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return "\n".join(line.rpartition("\r")[2] for line in lines)
