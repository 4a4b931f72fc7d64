"""What a lesson hands to the next one: named early where it is missing, untouched by exercises."""

import ast
import json
import re

from coursekit import boxes, lessons
from coursekit.settings import CHECKOUT as ROOT
from exercises.lesson_code import definitions
from exercises.lesson_code import read as read_lesson

import numpy as np
import pytest

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
EARLY = 5  # code cells: before anything takes long
OVER_AGAIN = re.compile(r"cells again|[Rr]estart|after the imports|lessons\.|save_|= lambda")
READS = re.compile(r'lessons\.load_\w+\((?!\*)[^()]*\)|lessons\.artifacts_file\("\S+", [^()]*\)')


def cells(path, kind):
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def files(path):
    """Return the calls of `artifacts_file` with a plain name: cell, name, and other arguments."""
    for number, source in enumerate(cells(path, "code"), 1):
        for node in ast.walk(ast.parse(source)):
            called = isinstance(node, ast.Call) and ast.unparse(node.func)
            if called == "lessons.artifacts_file" and isinstance(node.args[0], ast.Constant):
                yield number, node.args[0].value, len(node.args) - 1


def test_a_lesson_asks_early_for_the_files_of_an_earlier_one():
    asked, written = [], set()
    for path in NOTEBOOKS:
        calls = list(files(path))
        for name in {name for _, name, _ in calls} & written:
            early = [more for number, other, more in calls if other == name and number <= EARLY]
            assert early == [1], f"{path.name} should name the lesson that writes {name}"
            asked.append(name)
        written |= {name for _, name, _ in calls}
    assert sorted(asked) == ["heads/answers.safetensors", "heads/pointing.keras"]


@pytest.mark.parametrize("path", NOTEBOOKS[1:6], ids=lambda path: path.stem)
def test_without_the_earlier_lessons_the_first_cells_name_the_one_to_run(
    path, tmp_path, monkeypatch
):
    """Only the calls that read are made, in their order, as on a machine where nothing has run."""
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    found = [call for source in cells(path, "code")[:EARLY] for call in READS.findall(source)]
    if path.stem.startswith("02"):
        assert found == []  # it reads what is drawn
        return
    space = {"lessons": lessons, "LESSON_03": "03_keras_precomputed_features"}
    for call in found:
        with pytest.raises(FileNotFoundError, match=r"Run notebooks/0\d_\w+\.ipynb first"):
            exec(call, space)
    assert found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_exercise_never_writes_what_a_later_lesson_reads(path):
    """Done as the text says, it works in its own cells, and saves nothing."""
    texts = cells(path, "markdown")
    start = next(i for i, text in enumerate(texts) if text.startswith("## Exercises"))
    assert "Work in new cells." in texts[start]
    for text in texts[start + 1 :]:
        assert not OVER_AGAIN.search(text), text


def test_the_wrong_conversion_of_lesson_02_shows_only_where_the_truth_is_asked():
    """Exercise 8: subtract one from all four sides."""
    exec(definitions(read_lesson("02_voc_annotations")), space := {})
    rng = np.random.default_rng(0)
    low = rng.integers(0, 60, (50, 2))
    true = np.hstack([low, low + rng.integers(2, 40, (50, 2))]).astype(float)
    wrong = boxes.xyxy_to_voc(true) - 1
    forgetful = boxes.xyxy_to_voc(true)
    np.testing.assert_array_equal(boxes.iou(true, wrong), boxes.iou(true, forgetful))
    assert np.abs(boxes.voc_to_xyxy(boxes.xyxy_to_voc(true)) - wrong).max() == 1
    size = (100, 100)
    assert np.allclose(boxes.denormalize(boxes.normalize(wrong, size), size), wrong)
    for xmin, ymin, xmax, ymax in wrong.astype(int):
        mask = np.zeros(size)
        mask[ymin:ymax, xmin:xmax] = 1
        flipped, box = space["flip"](mask, np.array([xmin, ymin, xmax, ymax]))
        assert list(box) == space["box_of"](flipped)
