"""The mistakes that the course warns of, made on purpose: something must notice each of them."""

import os
import shutil
import subprocess
import sys
from typing import NamedTuple

from coursekit import running

import nbformat
import pytest

from conftest import ROOT


class Mutation(NamedTuple):
    """One mistake: in `file`, `right` becomes `wrong`; `notices` is what must then fail."""

    file: str
    right: str
    wrong: str
    notices: str


MUTATIONS = {
    "x and y swapped": Mutation(
        "src/coursekit/voc/reading.py",
        'f"bndbox/{side}") for side in SIDES)',
        'f"bndbox/{side}") for side in ("ymin", "xmin", "ymax", "xmax"))',
        "tests/test_voc.py",
    ),
    "VOC's one-based pixels forgotten": Mutation(
        "src/coursekit/boxes.py",
        "_VOC_OFFSET = np.array([1.0, 1.0, 0.0, 0.0])",
        "_VOC_OFFSET = np.array([0.0, 0.0, 0.0, 0.0])",
        "tests/test_boxes.py",
    ),
    "one subtracted from all four sides": Mutation(
        "src/coursekit/boxes.py",
        "_VOC_OFFSET = np.array([1.0, 1.0, 0.0, 0.0])",
        "_VOC_OFFSET = np.array([1.0, 1.0, 1.0, 1.0])",
        "tests/test_boxes.py",
    ),
    "the image flipped without the box": Mutation(
        "notebooks/02_voc_annotations.ipynb",
        "return image[:, ::-1], np.array([width - xmax, ymin, width - xmin, ymax])",
        "return image[:, ::-1], np.array([xmin, ymin, xmax, ymax])",
        "Boxes that a flip or a crop puts in the wrong place",
    ),
    "the test sizes counted from 0": Mutation(
        "notebooks/02_voc_annotations.ipynb",
        'right_sizes = test[["width", "height"]].to_numpy()',
        'right_sizes = images[["width", "height"]].to_numpy()[: len(test)]',
        "Perfect boxes, right sizes: mean IoU",
    ),
}
IN_CODE = [name for name, m in MUTATIONS.items() if m.file.endswith(".py")]
IN_NOTEBOOKS = [name for name, m in MUTATIONS.items() if m.file.endswith(".ipynb")]


def mutate(text: str, mutation: Mutation) -> str:
    assert text.count(mutation.right) == 1, f"{mutation.file} no longer has {mutation.right!r}"
    return text.replace(mutation.right, mutation.wrong)


def run_tests(source, tests) -> subprocess.CompletedProcess:
    """Run quick unit tests against the package in `source`."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        [*command, "-k", "not libraries", "-m", "not real"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def package(tmp_path):
    """A copy of the package that may be spoiled."""
    return shutil.copytree(ROOT / "src", tmp_path / "src")


@pytest.mark.parametrize("name", IN_CODE)
def test_a_unit_test_notices(package, name):
    mutation = MUTATIONS[name]
    file = package.parent / mutation.file
    file.write_text(mutate(file.read_text(encoding="utf-8"), mutation), encoding="utf-8")
    run = run_tests(package, [mutation.notices])
    assert run.returncode == 1 and " failed" in run.stdout, run.stdout + run.stderr


def test_without_a_mutation_the_same_tests_pass(package):
    run = run_tests(package, sorted({MUTATIONS[name].notices for name in IN_CODE}))
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", IN_NOTEBOOKS)
def test_a_claim_notices(name, tmp_path, monkeypatch):
    mutation = MUTATIONS[name]
    monkeypatch.setenv("COURSEKIT_DATASET", "mini")
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    notebook = nbformat.read(ROOT / mutation.file, as_version=4)
    (cell,) = (cell for cell in notebook.cells if mutation.right in cell.source)
    cell.source = mutate(cell.source, mutation)
    spoiled = tmp_path / "spoiled.ipynb"
    nbformat.write(notebook, spoiled)
    with pytest.raises(running.LessonError) as stop:
        running.run([spoiled], tmp_path / "out")
    assert f"AssertionError: {mutation.notices}" in str(stop.value)
