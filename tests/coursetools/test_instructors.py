"""What the page for instructors promises, how long lessons run, and the worked example."""

import json
import re
from pathlib import Path

from coursekit import settings, voc
from coursetools.publish import times

import pytest

from hygiene import prose

ROOT = settings.CHECKOUT
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")


def test_how_long_lessons_run_is_said_once():
    """The table comes from what was measured; every other text leads there."""
    seconds = json.loads(times.RESULTS.read_text(encoding="utf-8"))["seconds"]
    setup = times.PAGE.read_text(encoding="utf-8")
    assert setup == times.page(setup, seconds), "Run `python -m coursetools.publish.times`."
    assert setup.count(times.HEAD) == 1
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    assert [f"../notebooks/{path.name}" for path in notebooks] == re.findall(
        r"^\| \[\d\d\]\((.+)\) \| [\d.]+ \|$", setup, re.MULTILINE
    )
    needs = {
        path.stem: prose(json.loads(path.read_text(encoding="utf-8")))
        .split("## What you need\n")[1]
        .split("\n#")[0]
        for path in notebooks
    }
    for name, text in needs.items():
        assert "minute" not in text and "second" not in text, name
        assert "(../book/setup.md) says how long" in text, name
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "| Lesson 0" not in readme and "[Setup](book/setup.md) has a table" in readme
    rows = [line for line in PAGE.splitlines() if re.match(r"\| 0\d ", line)]
    assert len(rows) == len(notebooks) and "minute" not in "".join(rows)


@pytest.mark.parametrize("seconds, minutes", [(7.5, "0.5"), (59.1, "1"), (60.1, "1.5"), (120, "2")])
def test_times_are_rounded_up_to_half_a_minute(seconds, minutes):
    text = f"Before\n\n{times.HEAD}| old | row |\n\nafter\n"
    row = f"| [01](../notebooks/01_x.ipynb) | {minutes} |"
    assert times.page(text, {"01_x": seconds}) == f"Before\n\n{times.HEAD}{row}\n\nafter\n"


def test_the_worked_example_makes_a_data_set_with_the_classes_it_names(tmp_path, monkeypatch):
    section = PAGE.split("### A worked example\n")[1].split("\n### ")[0]
    (example,) = re.findall(r"```python\n(.+?)```", section, re.DOTALL)
    (classes,) = re.findall(r"--classes ([\w,]+)", section)
    for name in ("HOME", "USERPROFILE"):  # the second is that of Windows
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "course").mkdir()
    monkeypatch.chdir(tmp_path / "course")
    exec(example, {})
    # It leaves nothing in the folder of the course, where git and `make lint` would find it.
    assert not any((tmp_path / "course").iterdir())
    paths = re.findall(r"(?:python|--dataset|--out) (\S+)", section)
    assert len(paths) == 5 and {path[:2] for path in paths} == {"~/"}
    mine = Path("~/mine").expanduser()
    monkeypatch.setenv("COURSEKIT_CLASSES", classes)
    images = voc.single_object(voc.load_annotations(mine), settings.classes())
    assert len(images) == 60
    assert images["name"].value_counts().tolist() == [20, 20, 20]
    assert voc.assign_split(images, mine)["split"].value_counts().to_dict() == {
        "train": 36,
        "test": 15,
        "val": 9,
    }
    # The message that the page shows is the one that a reader gets without `--classes`.
    monkeypatch.delenv("COURSEKIT_CLASSES")
    with pytest.raises(ValueError, match="No object is called") as stop:
        voc.single_object(voc.load_annotations(mine), settings.classes())
    (shown,) = re.findall(r"```text\n(.+?)```", section, re.DOTALL)
    assert " ".join(shown.split()) == f"coursekit run: {stop.value}"
