"""What importing coursekit does."""

import importlib
from pkgutil import walk_packages

import backbones
import coursekit

import pytest

from processes import python


def test_importing_the_package_imports_nothing_heavy():
    heavy = ["tensorflow", "keras", "torch", "torchvision", "pandas", "matplotlib", "numpy"]
    run = python("-c", f"import coursekit, sys; print([m for m in {heavy} if m in sys.modules])")
    assert run.stdout == "[]\n"


WITH_FRAMEWORK = {f"backbones.{name}_backbones" for name in ("keras", "torch")}
IMPORTED = "import sys; print({'tensorflow', 'torch'} & {*sys.modules})"
MODULES = {
    module.name
    for package in (coursekit, backbones)
    for module in walk_packages(package.__path__, f"{package.__name__}.")
}


def test_no_other_module_imports_a_framework():
    assert MODULES > WITH_FRAMEWORK
    code = "".join(f"import {name}\n" for name in sorted(MODULES - WITH_FRAMEWORK))
    run = python("-c", code + IMPORTED)
    assert run.stdout == "set()\n", run.stderr


def refuse(first: str, second: str) -> str:
    """Return why the second framework cannot be imported beside the first."""
    importlib.import_module(first)
    try:
        importlib.import_module(second)
    except ImportError as error:
        return str(error)
    return "no error"


@pytest.mark.parametrize(
    "process, first, second",
    [("in_keras", "tensorflow", "torch"), ("in_torch", "torch", "tensorflow")],
)
def test_the_second_framework_is_refused_with_a_sentence(request, process, first, second):
    words = request.getfixturevalue(process)(refuse, first, second)
    assert words.startswith(f"{second} cannot be imported: this process already uses {first}")
    assert "Restart the kernel" in words


def test_where_both_came_first_coursekit_is_refused():
    code = """
import sys, types
for name in ("torch", "tensorflow"):
    sys.modules[name] = types.ModuleType(name)
import coursekit
"""
    run = python("-c", code)
    assert run.returncode == 1
    words = run.stderr.splitlines()[-1]
    assert "coursekit cannot be imported: this process already uses torch and tensorflow" in words
    assert "Restart the kernel" in words


@pytest.mark.parametrize("before, after", [(None, "1"), ("0", "0")])
def test_onednn_is_on_where_nobody_switched_it_off(before, after):
    code = "import coursekit, os; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    assert python("-c", code, TF_ENABLE_ONEDNN_OPTS=before).stdout == f"{after}\n"


def test_keras_is_silent():
    code = "import coursekit, keras; print(keras.layers.Dense(3)(keras.ops.ones((1, 2))).shape)"
    run = python("-c", code)
    assert (run.stdout, run.stderr) == ("(1, 3)\n", "")


def test_only_the_known_noise_is_held_back():
    code = """
import os
from frameworks import without_noise
with without_noise():
    os.write(2, b"Could not find cuda drivers\\n")
    os.write(2, b"something real\\n")
os.write(2, b"after\\n")
"""
    assert python("-c", code).stderr == "something real\nafter\n"


def test_looking_for_the_other_framework_without_loading_it_is_allowed():
    code = """
import importlib.util, sys, types
import coursekit
sys.modules["torch"] = types.ModuleType("torch")
print(importlib.util.find_spec("tensorflow").name)
"""
    assert python("-c", code).stdout == "tensorflow\n"
