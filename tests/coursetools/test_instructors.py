"""What the page for instructors promises: the minutes, and the example with other classes."""

import json
import math
import re

from coursekit import settings, voc

import pytest

from hygiene import prose

ROOT = settings.CHECKOUT
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
WORDS = {"half": 0.5, "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
TIME = re.compile(rf"\b({'|'.join(WORDS)}|[\d.]+)( and a half| a)? (minute|second)s?\b")


def minutes(text: str) -> int:
    """Return the first time that a text names, in minutes, the begun one counted."""
    number, rest, unit = TIME.search(text.lower()).groups()
    time = (WORDS.get(number) or float(number)) + 0.5 * (rest == " and a half")
    return math.ceil(time if unit == "minute" else time / 60)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("About one and a half minutes", 2),
        ("Less than a minute", 1),
        ("One to two minutes", 2),
        ("half a minute", 1),
        ("100 seconds", 2),
        ("2 minutes", 2),
    ],
)
def test_times_are_read_as_people_write_them(text, number):
    assert minutes(text) == number


def test_the_page_the_readme_and_the_lessons_name_the_same_minutes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lessons = {}
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        text = prose(json.loads(path.read_text(encoding="utf-8")))
        lessons[path.name[:2]] = minutes(text.split("## What you need\n")[1])
    rows = re.findall(r"^\| (\d\d) .+ \| (.+ minutes?) \|$", PAGE, re.MULTILINE)
    assert [(number, minutes(time)) for number, time in rows] == [*lessons.items()]
    rows = re.findall(r"^\| Lesson (\d\d) \| (.+?) \|", readme, re.MULTILINE)
    assert [(number, minutes(time)) for number, time in rows] == [*lessons.items()]


def test_the_worked_example_makes_a_data_set_with_the_classes_it_names(tmp_path, monkeypatch):
    (example,) = re.findall(r"### A worked example\n.+?```python\n(.+?)```", PAGE, re.DOTALL)
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
