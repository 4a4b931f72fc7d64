"""Seconds and peak memory of each notebook, each in a process tree of its own.

Linux and macOS only: the peak comes from the operating system's account of ended children.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from coursetools import runner

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024))
"""


def measure(notebook: Path, out: str) -> tuple[float, float]:
    """Return the seconds of one notebook, and its peak memory in GiB."""
    run = [sys.executable, "-m", "coursetools.cli", "run", "--dataset", "mini"]
    command = [*run, "--only", notebook.stem[:2], "--out", out]
    printed = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, check=True
    )
    seconds = json.loads((Path(out) / "results.json").read_text())["seconds"][notebook.stem]
    return seconds, int(printed.stdout) / 2**30


if __name__ == "__main__":
    print(f"{'notebook':32}{'seconds':>8}{'peak GiB':>10}")
    for notebook in runner.find_notebooks():
        with tempfile.TemporaryDirectory() as out:
            seconds, peak = measure(notebook, out)
        print(f"{notebook.stem:32}{seconds:8.1f}{peak:10.2f}")
