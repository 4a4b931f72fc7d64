"""The mistakes that the course warns about, made on purpose: something must notice each of them."""

import re
import shutil
import subprocess

from coursekit import boxes
from coursekit.settings import CHECKOUT as ROOT
from coursetools import runner
from exercises import bugs

import nbformat
import pytest

import processes

# Those that lesson 05 shows, and one in a cell that defines no function.
MUTATIONS = bugs.BUGS | {
    "the test sizes of lesson 02 counted from 0": bugs.Bug(
        "000",
        bugs.IN_SOURCE,
        "notebooks/02_voc_annotations.ipynb",
        "",
        'right_sizes = test[["width", "height"]].to_numpy()',
        'right_sizes = images[["width", "height"]].to_numpy()[: len(test)]',
        "Perfect boxes, right sizes: mean IoU",
    ),
}
RECIPES = "tests/exercises/test_recipes.py"
IN_RECIPES = [name for name, m in MUTATIONS.items() if m.notices == RECIPES]
IN_CODE = [
    name for name, m in MUTATIONS.items() if m.file.endswith(".py") and name not in IN_RECIPES
]
IN_NOTEBOOKS = [name for name, m in MUTATIONS.items() if m.file.endswith(".ipynb")]

# These tests need no plugin, and to import all takes as long as to run them.
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def run_tests(source, tests) -> subprocess.CompletedProcess:
    """Run quick unit tests against the package in `source`."""
    options = ("-q", "-x", "-p", "no:cacheprovider", "-k", "not libraries", "-m", "not real")
    files = [ROOT / test for test in tests]
    return processes.python("-m", "pytest", *options, *files, **ALONE, PYTHONPATH=str(source))


@pytest.fixture
def package(tmp_path):
    """A copy of the package that may be spoiled."""
    return shutil.copytree(ROOT / "src", tmp_path / "src")


@pytest.mark.parametrize("name", IN_CODE)
def test_a_unit_test_notices(package, name):
    mutation = MUTATIONS[name]
    file = package.parent / mutation.file
    file.write_text(bugs.spoil(file.read_text(encoding="utf-8"), mutation), encoding="utf-8")
    run = run_tests(package, [mutation.notices])
    assert run.returncode == 1 and " failed" in run.stdout, run.stdout + run.stderr


def test_without_a_mutation_the_same_tests_pass(package):
    run = run_tests(package, sorted({MUTATIONS[name].notices for name in IN_CODE}))
    assert run.returncode == 0, run.stdout + run.stderr


# One process tries all of them, which saves a minute.
EACH_RECIPE = """
import sys
import exercises, pytest
from exercises import bugs

file, *names = sys.argv[1:]
for name in [None, *names]:
    module = bugs.load(name or names[0], faulty=name is not None)
    exercises.recipes = sys.modules["exercises.recipes"] = module
    sys.modules.pop("test_recipes", None)
    status = pytest.main(["-q", "-x", "-p", "no:cacheprovider", file])
    print(f"<{name}>", int(status))
"""


@pytest.fixture(scope="module")
def recipes_noticed() -> dict[str, int]:
    """What pytest returns for the tests of the recipes, by mutation; None is no mutation."""
    run = processes.python("-c", EACH_RECIPE, ROOT / RECIPES, *IN_RECIPES, **ALONE)
    assert run.returncode == 0, run.stdout + run.stderr
    return {name: int(n) for name, n in re.findall(r"^<(.+)> (\d)$", run.stdout, re.M)}


def test_the_recipes_pass_their_tests(recipes_noticed):
    assert recipes_noticed["None"] == 0
    assert list(recipes_noticed) == ["None", *IN_RECIPES]


@pytest.mark.parametrize("name", IN_RECIPES)
def test_a_test_of_the_recipes_notices(recipes_noticed, name):
    assert recipes_noticed[name] == 1


@pytest.mark.parametrize("name", IN_NOTEBOOKS)
def test_a_claim_notices(name, tmp_path, monkeypatch):
    mutation = MUTATIONS[name]
    monkeypatch.setenv("COURSEKIT_DATASET", "mini")
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    notebook = nbformat.read(ROOT / mutation.file, as_version=4)
    (cell,) = (cell for cell in notebook.cells if mutation.right in cell.source)
    cell.source = bugs.spoil(cell.source, mutation)
    spoiled = tmp_path / "spoiled.ipynb"
    nbformat.write(notebook, spoiled)
    with pytest.raises(runner.LessonError) as stop:
        runner.run([spoiled], tmp_path / "out")
    assert f"ClaimError: {mutation.notices}" in str(stop.value)


def test_each_bug_can_be_shown_and_loaded_with_and_without():
    for name, bug in bugs.BUGS.items():
        spoiled, right = bugs.code(name), bugs.code(name, faulty=False)
        assert bug.right in right and right.replace(bug.right, bug.wrong) == spoiled != right, name
        modules = [bugs.load(name, faulty) for faulty in (True, False)]
        assert all(callable(getattr(module, bug.shown)) for module in modules), name


def test_a_loaded_bug_leaves_the_course_alone():
    spoiled = bugs.load("one-based pixels forgotten")
    assert spoiled.voc_to_xyxy([1, 1, 2, 2]).tolist() == [1, 1, 2, 2]
    assert boxes.voc_to_xyxy([1, 1, 2, 2]).tolist() == [0, 0, 2, 2]


def test_a_bug_that_no_longer_fits_its_file_is_named():
    bug = bugs.BUGS["last batch lost"]
    with pytest.raises(ValueError, match=r"recipes\.py has 'math\.ceil.*' 0 times, not once"):
        bugs.spoil("count = 3", bug)


def test_lesson_05_hunts_every_bug_of_the_sources():
    notebook = nbformat.read(ROOT / "notebooks" / "05_evaluation.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    hunted = re.findall(r'hunt\(\s*"(.+?)"', code)
    assert sorted(hunted) == sorted(
        bug.shown for bug in bugs.BUGS.values() if bug.source[:2] == "00"
    )


# A piece of the source that shows the fault, for every bug that is in one.
EVIDENCE = {
    "one-based pixels forgotten": {"000": "[int(float(obj.find('bndbox/xmin').text)),"},
    "test sizes counted from 0": {"000": 'img_size=annotations[index]["size"])'},
    "pixels cut off, not rounded": {"000": "int(small_box[0] * img_size[0] / img_resize)"},
    "last tenth of the files as test": {"000": "beg, end = (9 * len(annotations)) // 10,"},
    "answers in shuffled order": {"001": "preds = model.predict_generator(train_generator)"},
    "last batch lost": {"001": "return len(self.df) // self.batch_size"},
    "loss with a floor": {"002": "model.compile(loss='binary_crossentropy'"},
    "accuracy of four coordinates": {
        "002": "optimizer='adam', metrics=['accuracy'])",
        "003": 'metrics=["accuracy"],',
    },
    "first picture of the batch only": {"003": "y_class_true = y_true[0]"},
}
# it has the same line, and reports no IoU
ALSO = {"one-based pixels forgotten": {"004": "np.array([[int(bb['xmin']), int(bb['ymin']),"}}


def test_there_is_evidence_for_every_bug_of_a_source_and_for_no_other():
    ours = {name: bug for name, bug in bugs.BUGS.items() if bug.kind != bugs.INSPIRED}
    assert {bug.kind for bug in ours.values()} == {bugs.IN_SOURCE, bugs.LATENT}
    sources = {name: ", ".join(lines) for name, lines in EVIDENCE.items()}
    assert sources == {name: bug.source for name, bug in ours.items()}


@pytest.mark.real
@pytest.mark.parametrize("name", EVIDENCE)
def test_the_evidence_stands_in_our_copy_of_the_source(name, sample):
    for source, line in (EVIDENCE[name] | ALSO.get(name, {})).items():
        found = list((sample.parents[1] / "seeds").glob(f"{source}*.txt"))
        if not found:
            pytest.skip("The five sources do not lie beside the sample.")
        assert line in found[0].read_text(encoding="utf-8")


def test_lesson_05_says_of_each_bug_what_it_is_in_its_source():
    notebook = nbformat.read(ROOT / "notebooks" / "05_evaluation.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    hunts = re.findall(r"\*\*Hunt \d+\*\* \((.+?)\).*?\nhunt\(\s*\"(.+?)\"", text, re.DOTALL)
    words = {bugs.IN_SOURCE: "in", bugs.LATENT: "latent in", bugs.INSPIRED: "inspired by"}
    ours = {bug.shown: bug for bug in bugs.BUGS.values() if bug.source[:2] == "00"}
    assert len(hunts) == len(ours)
    for label, shown in hunts:
        numbers = " and ".join(re.findall(r"\d{3}", ours[shown].source))
        sources = "source" if len(numbers) == 3 else "sources"
        assert label == f"{words[ours[shown].kind]} {sources} {numbers}", shown
