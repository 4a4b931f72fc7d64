"""Finding and preparing data sets."""

import subprocess
import sys
from pathlib import Path

from coursekit import datasets, settings

import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make(directory: Path) -> Path:
    for part in datasets.PARTS:
        (directory / part).mkdir(parents=True)
    return directory


@pytest.fixture
def drawings(monkeypatch):
    """A stand-in for drawing; the list of the directories in which it was asked to draw."""
    drawings = []

    def draw(directory):
        drawings.append(directory)
        if not directory.exists():
            make(directory)

    monkeypatch.setattr("minivoc.dataset.draw", draw)
    return drawings


def test_mini_is_the_default_and_is_drawn_where_it_is_prepared(home, drawings, monkeypatch):
    monkeypatch.delenv("COURSEKIT_DATASET", raising=False)
    assert datasets.prepare() == datasets.prepare("mini") == home / "mini"
    assert drawings == [home / "mini"] * 2  # minivoc itself knows whether it has been drawn
    assert datasets.locate() == datasets.locate("mini") == home / "mini"
    assert len(drawings) == 2


def test_locating_draws_nothing_and_says_who_does(home, drawings):
    with pytest.raises(FileNotFoundError) as caught:
        datasets.locate("mini")
    message = str(caught.value)
    assert f"mini is not at {home / 'mini'}." in message
    assert "notebooks/02_voc_annotations.ipynb" in message and "`coursekit fetch mini`" in message
    assert (settings.CHECKOUT / "notebooks" / "02_voc_annotations.ipynb").exists()
    assert drawings == [] and not home.exists()


def test_only_mini_is_drawn(home, drawings):
    there = make(home / "VOCdevkit" / "VOC2007")
    assert datasets.prepare("voc2007") == there
    with pytest.raises(FileNotFoundError, match="`coursekit fetch voc2012`"):
        datasets.prepare("voc2012")
    assert drawings == []


@pytest.mark.parametrize("look", [datasets.locate, datasets.prepare])
def test_a_damaged_mini_is_named(home, drawings, look):
    (home / "mini" / "Annotations").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="If something is there, move it away first") as e:
        look("mini")
    first, then = (str(e.value).find(word) for word in ("move it away", "02_voc_annotations"))
    assert first < then  # lesson 02 says it, too: to run it again would not help


def test_a_folder_that_happens_to_be_called_mini_survives(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path))
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "thesis.txt").write_text("three years")
    with pytest.raises(FileExistsError, match=r"mini exists.* Move it away.* COURSEKIT_HOME"):
        datasets.prepare("mini")
    assert [path.name for path in tmp_path.rglob("*")] == ["mini", "thesis.txt"]


@pytest.mark.parametrize("disable", ["", "1"])
def test_drawing_says_so_to_a_person_only(home, monkeypatch, capsys, disable):
    def draw_quickly(index, kind, fault, seed, directory):
        (directory / "JPEGImages" / f"{index}.jpg").touch()

    def refuse(*_, **__):
        raise OSError("no processes here")

    monkeypatch.setenv("TQDM_DISABLE", disable)
    monkeypatch.setattr("minivoc.dataset.draw_one", draw_quickly)
    monkeypatch.setattr("minivoc.drawing.ProcessPoolExecutor", refuse)
    datasets.prepare("mini")
    first = capsys.readouterr()
    datasets.prepare("mini")
    second = capsys.readouterr()
    assert first.out == second.out == second.err == ""
    assert ("Drawing the data set" in first.err) == (not disable)


@pytest.mark.parametrize("name", ["voc2007", "voc2012"])
def test_voc_is_found_or_the_command_named_that_fetches_it(home, name, monkeypatch):
    monkeypatch.setenv("COURSEKIT_DATASET", name)
    with pytest.raises(FileNotFoundError, match=f"`coursekit fetch {name}`"):
        datasets.locate()
    there = make(home / "VOCdevkit" / name.upper())
    assert datasets.locate() == there


def test_a_directory_is_found(tmp_path, monkeypatch):
    there = make(tmp_path / "pets")
    monkeypatch.setenv("COURSEKIT_DATASET", str(there))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert datasets.locate() == datasets.locate("~/pets") == datasets.locate(there) == there


@pytest.mark.parametrize("given", ["", "devkit", "devkit/VOC2007/JPEGImages"])
def test_a_directory_near_the_data_set_is_answered_with_the_right_one(tmp_path, given):
    there = make(tmp_path / "devkit" / "VOC2007")
    with pytest.raises(FileNotFoundError) as caught:
        datasets.locate(tmp_path / given)
    assert f"Did you mean {there}?" in str(caught.value)
    assert "no Annotations/ and no JPEGImages/" in str(caught.value)


def test_an_archive_is_to_be_unpacked_and_not_imported(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match=r"pets\.zip is a file.* Unpack it") as caught:
        datasets.locate(tmp_path / "pets.zip")
    assert "coursekit import" not in str(caught.value)


def test_the_command_that_imports_a_directory_can_be_typed(tmp_path):
    (tmp_path / "my pets").mkdir()
    with pytest.raises(FileNotFoundError, match=r"`coursekit import '.*/my pets' --out NEW`"):
        datasets.locate(tmp_path / "my pets")


def test_half_a_data_set_is_none(tmp_path):
    (tmp_path / "pets" / "Annotations").mkdir(parents=True)
    with pytest.raises(FileNotFoundError) as caught:
        datasets.locate(tmp_path / "pets")
    assert "pets is not a data set in VOC's layout: it has no JPEGImages/." in str(caught.value)
    assert "must hold the XML files" in str(caught.value)
    assert "Did you mean" not in str(caught.value)


def test_a_name_that_is_none_is_answered_with_the_names(home):
    with pytest.raises(FileNotFoundError, match="'voc2008': it is none of mini, voc2007, voc2012"):
        datasets.locate("voc2008")


SCRIPT = """
from pathlib import Path
from coursekit.datasets import draw_once
from minivoc.drawing import fill_once, for_each

def fill(directory):
    for i in for_each(abs, [-2, -3], processes=2):
        (directory / f"{i}.txt").touch()

place = Path("drawn")
draw_once(place, lambda directory: fill_once(directory, {"version": 1}, fill))
print(sorted(file.name for file in place.iterdir()))
"""


def test_a_script_without_a_guard_draws_and_does_not_wait_for_itself(tmp_path):
    """Its processes import it again, and so would draw themselves."""
    (tmp_path / "draw.py").write_text(SCRIPT)
    command = [sys.executable, "draw.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout == "['2.txt', '3.txt', 'VERSION']\n"
    assert 'below `if __name__ == "__main__":`' in done.stderr
