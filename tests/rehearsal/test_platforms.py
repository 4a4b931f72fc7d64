"""What only real programs and the package registry can say of the files for other machines."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from coursekit.settings import CHECKOUT as ROOT

import pytest
import yaml

import workflows

pytestmark = pytest.mark.rehearsal

FOLDER = ROOT / ".github" / "workflows"
SCRIPTS = Path(sysconfig.get_path("scripts"))
ACTIONLINT = ROOT / "_build" / "hub" / "bin" / "actionlint"
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
# Sets up by lending the present environment, and hands all else to the real one.
MAKE = """#!/bin/sh -e
test "$1" != setup && exec {make} "$@"
mkdir .venv
for part in {environment}/*; do ln -s $part .venv; done
rm -f .venv/ready
echo default > .venv/ready
"""


@pytest.mark.parametrize("platform", ["linux", "aarch64-unknown-linux-gnu", "macos", "windows"])
def test_everything_that_conda_leaves_to_pip_can_be_had(platform, tmp_path):
    (python,) = (line.split("=")[1] for line in CONDA if str(line).startswith("python="))
    asked = tmp_path / "asked.in"
    lines = "\n".join(CONDA[-1]["pip"])
    asked.write_text(lines.replace("-r ", f"-r {ROOT}/").replace("-e .", f"-e {ROOT}"))
    options = ["--python-version", python, "--python-platform", platform]
    # Wheels only, but for the course itself: Binder and students have no compiler.
    options += ["--only-binary", ":all:", "--no-binary", "coursekit"]
    run = subprocess.run(
        [SCRIPTS / "uv", "pip", "compile", *options, asked, "-o", tmp_path / "solved.txt"],
        env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"},  # the oldest that torch has
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_actionlint_finds_nothing():
    if not ACTIONLINT.exists():
        pytest.skip("actionlint is not in _build/hub: `make rehearse` installs it")
    files = sorted(FOLDER.glob("*.yml"))
    run = subprocess.run([ACTIONLINT, *files], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_workflow_publishes_the_real_site(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(SCRIPTS / "python")
    make = MAKE.format(make=shutil.which("make"), environment=SCRIPTS.parent)
    (programs / "make").write_text(make)
    (programs / "make").chmod(0o755)
    (job,) = workflows.run(FOLDER / "publish.yml", ROOT, tmp_path / "jobs", programs)
    lessons = [path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")]
    assert all((job.published / "notebooks" / f"{name}.html").exists() for name in lessons)
