"""Cells that do not end well: each stops the run with one sentence, and the kernel with it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from coursekit import settings
from coursetools import executing

import nbformat
import pytest

FLOOD = "while True:\n    print('x' * 10_000)"
STUBBORN = """
while True:
    try:
        while True:
            print("x" * 10_000)
    except BaseException:
        pass
"""


def run(cells: list[str], folder: Path, hours: float = 1.0) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    executing.execute(notebook, folder, hours, lambda **_: None)
    return notebook


def texts(notebook) -> list[str]:
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in notebook.cells]


def test_only_an_answer_may_be_wrong(tmp_path):
    """A check that stops for another reason stops the run, as any cell does."""
    checked = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["check"]})
    with pytest.raises(executing.LessonError, match="ZeroDivisionError: division by zero"):
        executing.execute(nbformat.v4.new_notebook(cells=[checked]), tmp_path, 1.0, lambda **_: 0)


@pytest.mark.parametrize("cell", [FLOOD, STUBBORN])
def test_a_cell_that_prints_without_end_is_ended(cell, tmp_path, proof):
    with pytest.raises(executing.LessonError, match="4 million printed characters"):
        run([cell], tmp_path, hours=0.1)
    proof("A cell that prints without end is ended, and so is one that cannot be interrupted.")


def test_a_cell_that_never_ends_is_ended(tmp_path, proof):
    with pytest.raises(executing.LessonError, match=r"no end after 0\.0005"):
        run(["while True:\n    pass"], tmp_path, hours=2 / 3600)
    proof("A cell that never ends is ended when its time is up.")


def test_a_cell_that_is_killed_says_so(tmp_path, proof):
    kill = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(executing.LessonError, match="enough memory"):
        run([kill], tmp_path)
    proof("A cell that is killed, for memory for instance, stops the run with a sentence.")


def test_long_lines_are_joined_as_a_terminal_shows_them(tmp_path):
    """Ten lines of a third of a megabyte: nbclient's own way had not ended after ten minutes."""
    cells = ["for i in range(10):\n    print(str(i) * 300_000)", "print('a\\rb', end='\\rc')"]
    lines, overwritten = texts(run(cells, tmp_path))
    assert lines == "".join(str(i) * 300_000 + "\n" for i in range(10))
    assert overwritten == "c"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a\n", "a\n"),
        ("a\r\nb", "a\nb"),
        ("1 %\r2 %\r3 %\n", "3 %\n"),
        ("x\ny\rz", "x\nz"),
    ],
)
def test_a_carriage_return_goes_back_to_the_start_of_the_line(text, shown):
    assert executing.as_shown(text) == shown


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_says_so_in_one_line_and_goes_on(number, tmp_path, proof):
    """In a checkout of two notebooks, the second of which waits when it runs for the first time."""
    waits = "from pathlib import Path\nimport time\nhere = Path('been')\nif not here.exists():\n"
    waits += "    here.touch()\n    time.sleep(600)"
    for name, cell in (("01_first", "print('once', flush=True)"), ("02_waits", waits)):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    program = (
        "import sys\nfrom pathlib import Path\nfrom unittest import mock\n"
        "from coursekit import settings\nfrom coursetools import cli, fetching\n"
        "settings.CHECKOUT = Path.cwd()\nfetching.prepare = lambda: None\n"
        "sys.exit(cli.main(['run', '--out', 'out']))"
    )
    environment = os.environ | {
        "COURSEKIT_HOME": str(tmp_path / "home"),
        "COURSEKIT_DATASET": "mini",
    }
    environment |= {"PYTHONPATH": str(settings.CHECKOUT / "src"), "TQDM_DISABLE": "1"}

    def start() -> subprocess.Popen:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(
            [sys.executable, "-c", program], cwd=tmp_path, env=environment, **streams
        )

    process = start()
    while not (tmp_path / "notebooks" / "been").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.strip() == "coursekit run: stopped. Run it again to go on."
    first = tmp_path / "out" / "notebooks" / "01_first.ipynb"
    made = first.stat().st_mtime_ns
    process = start()
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert first.stat().st_mtime_ns == made
    finished = json.loads((tmp_path / "out" / "notebooks" / "02_waits.ipynb").read_text())
    assert finished["metadata"]["coursekit"]["finished"]
    proof("A run that somebody stops says so in one line; the same command goes on from there.")
