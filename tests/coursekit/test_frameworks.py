"""What importing coursekit does, each in a process of its own."""

import subprocess
import sys
from pkgutil import walk_packages

import coursekit

import pytest


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_importing_the_package_imports_nothing_heavy():
    heavy = ["tensorflow", "keras", "torch", "torchvision", "pandas", "matplotlib", "numpy"]
    run = python(f"import coursekit, sys; print([m for m in {heavy} if m in sys.modules])")
    assert run.stdout == "[]\n"


WITH_FRAMEWORK = {f"coursekit.{name}_backbones" for name in ("keras", "torch")}
WITH_FRAMEWORK |= {"coursekit.torch_heads"}
MODULES = {module.name for module in walk_packages(coursekit.__path__, "coursekit.")}


def test_no_other_module_imports_a_framework():
    assert MODULES > WITH_FRAMEWORK
    code = "".join(f"import {name}\n" for name in sorted(MODULES - WITH_FRAMEWORK))
    run = python(code + "import sys; print({'tensorflow', 'torch'} & set(sys.modules))")
    assert run.stdout == "set()\n", run.stderr


@pytest.mark.parametrize("first, second", [("tensorflow", "torch"), ("torch", "tensorflow")])
def test_the_second_framework_is_refused_with_a_sentence(first, second):
    run = python(f"import coursekit, {first}\nimport {second}")
    assert run.returncode == 1
    assert f"ImportError: {second} cannot be imported: this process already uses" in run.stderr
    assert "Restart the kernel" in run.stderr


def test_keras_is_silent():
    code = "import coursekit, keras; print(keras.layers.Dense(3)(keras.ops.ones((1, 2))).shape)"
    run = python(code)
    assert (run.stdout, run.stderr) == ("(1, 3)\n", "")


def test_only_the_known_noise_is_held_back():
    code = """
import os
from coursekit.frameworks import without_noise
with without_noise():
    os.write(2, b"Could not find cuda drivers\\n")
    os.write(2, b"something real\\n")
os.write(2, b"after\\n")
"""
    assert python(code).stderr == "something real\nafter\n"


def test_looking_for_the_other_framework_without_loading_it_is_allowed():
    code = """
import importlib.util, sys, types
import coursekit
sys.modules["torch"] = types.ModuleType("torch")
print(importlib.util.find_spec("tensorflow").name)
"""
    assert python(code).stdout == "tensorflow\n"
