"""The workflows of GitHub, step by step in a fresh clone, with a `make` that only plans."""

import os
import shutil
import sys

from coursekit.settings import CHECKOUT as ROOT

import pytest

import workflows

FOLDER = ROOT / ".github" / "workflows"
CALLS = {
    "publish": ["setup TORCH=cpu PYTHON=python", "book"],
    "test": ["setup TORCH=cpu PYTHON=python", "book", "lint", "test"],
}
# Notes how it is called, lets the real one say what it would do, and makes the site's folder.
MAKE = """#!/bin/sh -e
echo "$@" >> {calls}
{make} --dry-run "$@" > plan.txt
for site in $(grep -o "_build/[a-z_]*html" plan.txt); do
  mkdir -p $site
  touch $site/index.html
done
"""

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="The programs here are scripts of a Unix shell"),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="This is no clone, but a copy"),
]


@pytest.fixture
def programs(tmp_path):
    """A folder with a `python`, and a `make` that notes its calls in ``calls.txt``."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    make = folder / "make"
    make.write_text(MAKE.format(calls=tmp_path / "calls.txt", make=shutil.which("make")))
    make.chmod(0o755)
    return folder


@pytest.mark.parametrize("name", CALLS)
def test_the_steps_of_the_workflow_follow_from_each_other(name, tmp_path, programs):
    (job,) = workflows.run(FOLDER / f"{name}.yml", ROOT, tmp_path / "jobs", programs)
    assert (tmp_path / "calls.txt").read_text().splitlines() == CALLS[name]
    site = job.place / "_build" / "html"
    assert job.published == (site if name == "publish" else None)


def test_every_workflow_is_tried():
    assert sorted(CALLS) == sorted(path.stem for path in FOLDER.glob("*.yml"))
