"""The settings, and how `coursekit run` hands them to the notebooks."""

import os
from pathlib import Path

from coursekit import settings
from coursetools import cli, fetching, keeping, looking, runner
from minivoc import CLASSES

import pytest

KERAS, TORCH = (".h5", ".keras"), (".pth", ".pt")
NAMES = ("DATASET", "CLASSES", "BACKBONE", "WEIGHTS", "DEVICE", "HOME", "ARTIFACTS", "ZERO_BASED")


@pytest.fixture(autouse=True)
def defaults(monkeypatch):
    """Nothing is set; what a test or the command sets is undone."""
    for name in NAMES:
        monkeypatch.setenv(f"COURSEKIT_{name}", "")
        monkeypatch.delenv(f"COURSEKIT_{name}")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that calls `coursekit run` in `tmp_path`; no notebook is executed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetching, "prepare", lambda: None)
    monkeypatch.setattr(runner, "find_notebooks", lambda _only: [])
    monkeypatch.setattr(runner, "run", lambda *_: [])
    return lambda *arguments: cli.main(["run", "--out", "out", *arguments])


def set_weights(monkeypatch, *files):
    monkeypatch.setenv("COURSEKIT_WEIGHTS", os.pathsep.join(files))


def test_the_classes_are_those_of_the_command(run):
    assert settings.classes() == list(CLASSES)
    assert run("--classes", "terrier, lynx,heron") == 0
    assert settings.classes() == ["terrier", "lynx", "heron"]


def test_a_name_with_a_space_needs_quotes_and_the_command_says_so(run, capsys):
    assert run("--classes", "grey heron,lynx") == 0
    assert settings.classes() == ["grey heron", "lynx"]
    with pytest.raises(SystemExit) as stop:
        run("--classes", "grey", "heron,", "lynx")
    said = " ".join(capsys.readouterr().err.split())
    assert stop.value.code == 2 and "arguments: heron, lynx" in said
    assert '"grey heron, lynx"' in said  # in the form in which it works
    with pytest.raises(SystemExit):
        run("--colour", "red")  # nothing to do with classes
    assert "quotes" not in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("--help")
    assert '"grey heron,lynx"' in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("option", ["--dataset", "--home", "--results"])
def test_a_path_with_a_space_needs_quotes_and_not_commas(run, capsys, option):
    with pytest.raises(SystemExit):
        run("--classes", "a,b", option, "/my", "own", "set")
    said = capsys.readouterr().err
    assert f'own set. For a space, use quotes: {option} "/my own set"' in said
    assert "Commas" not in said
    with pytest.raises(SystemExit):
        cli.main(["import", "/my", "own", "--out", "new"])
    assert 'For a space, use quotes: "/my own"' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("--classes", "a,b", "--only", "02", "03")
    assert "quotes" not in capsys.readouterr().err


def test_there_may_be_one_class(monkeypatch):
    monkeypatch.setenv("COURSEKIT_CLASSES", " raccoon ")
    assert settings.classes() == ["raccoon"]


@pytest.mark.parametrize("wanted", ["", "dog,dog", " , "])
def test_no_class_and_one_named_twice_are_refused(monkeypatch, wanted):
    monkeypatch.setenv("COURSEKIT_CLASSES", wanted)
    with pytest.raises(ValueError, match=r"^--classes or COURSEKIT_CLASSES is .* one name"):
        settings.classes()


def test_boxes_count_from_one_unless_the_command_says_otherwise(run, monkeypatch):
    assert settings.zero_based() is False
    assert run("--zero-based") == 0
    assert settings.zero_based() is True
    monkeypatch.setenv("COURSEKIT_ZERO_BASED", "yes")
    with pytest.raises(ValueError, match=r"is 'yes'. Choose one of: 0, 1\."):
        settings.zero_based()


def test_directories_of_one_name_do_not_share_their_artifacts(monkeypatch, tmp_path):
    found = set()
    for place in ("mini", tmp_path / "a" / "photos", tmp_path / "b" / "photos", tmp_path / "mini"):
        monkeypatch.setenv("COURSEKIT_DATASET", str(place))
        assert settings.dataset_name() == Path(place).name
        found.add(settings.artifacts())
    assert len(found) == 4
    assert settings.home() / "artifacts" / "mini" in found


def test_the_defaults():
    assert settings.all_weights() == ["imagenet"]
    assert settings.weights(KERAS) == settings.weights(TORCH) == "imagenet"

    assert settings.backbone() == settings.BACKBONES[0] == "efficientnet_lite0"
    assert settings.device() is None


def test_an_unknown_backbone_is_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("COURSEKIT_BACKBONE", "tiny")
    with pytest.raises(ValueError, match="BACKBONE is 'tiny'") as error:
        settings.backbone()
    assert ", ".join(settings.BACKBONES) in str(error.value)


@pytest.mark.parametrize("name", settings.DEVICES)
def test_a_device_can_be_asked_for(monkeypatch, name):
    monkeypatch.setenv("COURSEKIT_DEVICE", name)
    assert settings.device() == name


@pytest.mark.parametrize("name", ["gpu", "CUDA", ""])
def test_an_unknown_device_is_refused_with_the_known_ones(monkeypatch, name):
    monkeypatch.setenv("COURSEKIT_DEVICE", name)
    with pytest.raises(ValueError, match="Choose one of: cuda, mps, cpu"):
        settings.device()


def test_a_single_file_is_for_every_framework(monkeypatch):
    set_weights(monkeypatch, "a.h5")
    assert settings.all_weights() == ["a.h5"]
    assert settings.weights(KERAS) == settings.weights(TORCH) == "a.h5"  # which says what is wrong


@pytest.mark.parametrize("files", [("a.h5", "b.pth"), ("b.pth", "a.h5")])
def test_of_two_files_each_framework_takes_its_own(monkeypatch, files):
    set_weights(monkeypatch, *files)
    assert settings.all_weights() == [*files]
    assert settings.weights(KERAS) == "a.h5" and settings.weights(TORCH) == "b.pth"


@pytest.mark.parametrize("suffixes, number", [(KERAS, 2), (TORCH, 0)])
def test_two_files_for_one_framework_are_refused(monkeypatch, suffixes, number):
    set_weights(monkeypatch, "a.h5", "b.keras")
    with pytest.raises(ValueError, match=f"COURSEKIT_WEIGHTS names {number} files") as error:
        settings.weights(suffixes)
    assert " or ".join(suffixes) in str(error.value) and "a.h5, b.keras" in str(error.value)


def test_two_weight_files_reach_the_notebooks(run, tmp_path):
    assert run("--weights", "a.h5", "--weights", "deep/b.pth") == 0
    assert settings.all_weights() == [str(tmp_path / "a.h5"), str(tmp_path / "deep" / "b.pth")]


def test_the_command_resolves_what_the_environment_says(run, tmp_path, monkeypatch):
    set_weights(monkeypatch, "imagenet", "a.h5", "b.pth")
    assert run() == 0
    wanted = ["imagenet", str(tmp_path / "a.h5"), str(tmp_path / "b.pth")]
    assert settings.all_weights() == wanted


def test_a_flag_beats_the_environment(run, tmp_path, monkeypatch):
    set_weights(monkeypatch, "a.h5", "b.pth")
    assert run("--weights", "imagenet") == 0
    assert settings.all_weights() == ["imagenet"]


def test_without_a_flag_nothing_is_set(run):
    assert run() == 0
    assert "COURSEKIT_WEIGHTS" not in os.environ


def test_copies_made_with_other_weights_are_made_again(monkeypatch, tmp_path):
    notebook = runner.nbformat.v4.new_notebook()
    marks = [keeping.mark(notebook, "03_x", keeping.inputs(), tmp_path)]
    for files in (["a.h5"], ["a.h5", "b.pth"]):
        set_weights(monkeypatch, *files)
        marks.append(keeping.mark(notebook, "03_x", keeping.inputs(), tmp_path))
    assert len(set(marks)) == 3


def test_a_data_set_in_the_folder_of_the_course_is_found_from_a_notebook(tmp_path, monkeypatch):
    mine = tmp_path / "course" / "mine"
    mine.mkdir(parents=True)
    (tmp_path / "course" / "notebooks").mkdir()
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path / "course")
    monkeypatch.setenv("COURSEKIT_DATASET", "mine")
    names = set()
    for folder in ("course", "course/notebooks"):
        monkeypatch.chdir(tmp_path / folder)
        assert Path(settings.dataset()).resolve() == mine
        names.add(settings.folder_name())
    assert len(names) == 1
    (tmp_path / "course" / "notebooks" / "mine").mkdir()  # what is nearer comes first
    assert Path(settings.dataset()).resolve() == tmp_path / "course" / "notebooks" / "mine"
    monkeypatch.setenv("COURSEKIT_DATASET", "nowhere")
    assert settings.dataset() == "nowhere"


def test_a_run_finds_it_there_as_well(run, tmp_path, monkeypatch):
    mine = tmp_path / "course" / "mine"
    mine.mkdir(parents=True)
    monkeypatch.setattr(settings, "CHECKOUT", tmp_path / "course")
    monkeypatch.setenv("COURSEKIT_DATASET", "mine")
    monkeypatch.setattr(looking, "look", lambda: None)
    monkeypatch.setattr(looking, "report", lambda _: "")
    assert run() == 0
    assert Path(os.environ["COURSEKIT_DATASET"]) == mine
