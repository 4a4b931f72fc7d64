"""Seconds and peak memory of each notebook, each in a process tree of its own.

They run in order on `mini`, since each reads what those before it wrote. Linux and macOS only: the
peak comes from the operating system's account of ended children.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from coursetools import runner

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024))
"""
RUN = """
import sys
from pathlib import Path
from coursetools import runner
runner.run([Path(sys.argv[1])], Path(sys.argv[2]))
"""


def measure(notebook: Path, out: str) -> tuple[float, float]:
    """Return the seconds of one notebook, and its peak memory in GiB."""
    settings = {"COURSEKIT_DATASET": "mini", "COURSEKIT_ARTIFACTS": out, "TQDM_DISABLE": "1"}
    command = [sys.executable, "-c", MEASURE, sys.executable, "-c", RUN, notebook, f"{out}/run"]
    run = subprocess.run(
        command, env=os.environ | settings, stdout=subprocess.PIPE, text=True, check=True
    )
    results = json.loads((Path(out) / "results.json").read_text(encoding="utf-8"))
    return results["seconds"][notebook.stem], int(run.stdout) / 2**30


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each notebook."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, default=runner.find_notebooks())
    notebooks = parser.parse_args(arguments).notebooks
    print(f"{'notebook':32}{'seconds':>8}{'peak GiB':>10}")
    with tempfile.TemporaryDirectory() as out:
        for notebook in notebooks:
            seconds, peak = measure(notebook.resolve(), out)
            print(f"{notebook.stem:32}{seconds:8.1f}{peak:10.2f}", flush=True)


if __name__ == "__main__":
    main()
