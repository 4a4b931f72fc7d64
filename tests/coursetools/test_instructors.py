"""What the page for instructors promises: the minutes, and the example with other classes."""

import json
import re

from coursekit import settings, voc

import pytest

ROOT = settings.CHECKOUT
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")


def test_the_minutes_are_enough_for_what_was_measured_and_no_more():
    measured = json.loads((ROOT / "book/results.json").read_text(encoding="utf-8"))["seconds"]
    rows = re.findall(r"^\| (\d\d) .+ \| (\d+) minutes? \|$", PAGE, re.MULTILINE)
    written = {lesson: 60 * int(minutes) for lesson, minutes in rows}
    spare = {name: written[name[:2]] - seconds for name, seconds in measured.items()}
    assert {name: s for name, s in spare.items() if not 0 <= s < 120} == {}


def test_the_worked_example_makes_a_data_set_with_the_classes_it_names(tmp_path, monkeypatch):
    (example,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    (classes,) = re.findall(r"--classes (\S+)", PAGE)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    monkeypatch.setenv("COURSEKIT_CLASSES", classes)
    images = voc.single_object(voc.load_annotations("mine"), settings.classes())
    assert len(images) == 60
    assert images["name"].value_counts().tolist() == [20, 20, 20]
    assert voc.assign_split(images, "mine")["split"].value_counts().to_dict() == {
        "train": 36,
        "test": 15,
        "val": 9,
    }
    # The message that the page shows is the one that a reader gets without `--classes`.
    monkeypatch.delenv("COURSEKIT_CLASSES")
    with pytest.raises(ValueError, match="No object is called dog, cat, bird"):
        voc.single_object(voc.load_annotations("mine"), settings.classes())
