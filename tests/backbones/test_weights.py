"""Which weights a backbone takes, what they are called, and what is said about wrong ones."""

import os
from hashlib import blake2b
from pathlib import Path

from backbones import weights
from coursekit import settings
from efficientnet import converting

import numpy as np
import pytest

SUFFIXES = (".h5", ".keras")


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """A folder with a file for Keras and one for PyTorch; no weights are set."""
    monkeypatch.delenv("COURSEKIT_WEIGHTS", raising=False)
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "home"))
    for name in ("a.h5", "b.pth"):
        (tmp_path / name).write_text(name)
    return tmp_path


# where they are


@pytest.mark.parametrize("name", settings.BACKBONES[1:])
def test_the_sources_networks_are_downloaded_by_their_framework(files, name):
    assert weights.resolve(name, SUFFIXES, None) == "imagenet"
    assert weights.resolve(name, SUFFIXES, "imagenet") == "imagenet"


def test_the_default_networks_weights_are_converted_into_the_home(files, monkeypatch):
    asked = []
    monkeypatch.setattr(converting, "weights_file", lambda folder: asked.append(folder) or "made")
    assert weights.resolve("efficientnet_lite0", SUFFIXES, None) == "made"
    assert asked == [settings.home() / "weights"]


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_a_file_is_taken_for_every_network(files, name):
    assert weights.resolve(name, SUFFIXES, files / "a.h5") == str(files / "a.h5")


def test_the_settings_are_asked_where_no_file_is_given(files, monkeypatch):
    both = os.pathsep.join(str(files / name) for name in ("a.h5", "b.pth"))
    monkeypatch.setenv("COURSEKIT_WEIGHTS", both)
    assert weights.resolve("vgg16", SUFFIXES, None) == str(files / "a.h5")
    assert weights.resolve("vgg16", (".pth",), None) == str(files / "b.pth")
    assert weights.resolve("vgg16", SUFFIXES, "imagenet") == "imagenet"


def test_a_file_of_another_framework_is_refused(files):
    with pytest.raises(ValueError, match=r"b\.pth is not a weight file of this framework") as error:
        weights.resolve("vgg16", SUFFIXES, files / "b.pth")
    assert ".h5, .keras" in str(error.value) and "--weights for_keras.h5" in str(error.value)


@pytest.mark.parametrize("missing", ["none.h5", "folder.h5"])
def test_a_missing_file_is_named(files, missing):
    (files / "folder.h5").mkdir()
    with pytest.raises(FileNotFoundError, match=rf"{missing}\. Correct COURSEKIT_WEIGHTS"):
        weights.resolve("vgg16", SUFFIXES, files / missing)


def test_a_tilde_is_the_readers_home_as_for_the_doctor(files, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(files))
    assert weights.resolve("vgg16", SUFFIXES, "~/a.h5") == str(files / "a.h5")


# what they are called


def test_a_file_is_called_by_its_content(files):
    (files / "copy.h5").write_text("a.h5")
    names = [weights.digest(str(files / name), []) for name in ("a.h5", "copy.h5", "b.pth")]
    assert names[0] == names[1] != names[2]
    assert names[0] == blake2b(b"a.h5", digest_size=16).hexdigest()


def test_the_arrays_of_a_file_are_not_looked_at(files):
    def arrays():
        raise AssertionError("they were asked for")
        yield

    assert weights.digest(str(files / "a.h5"), arrays())


def test_downloaded_weights_are_called_by_their_arrays():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    name = weights.digest("imagenet", [array, array])
    assert name == weights.digest("imagenet", [np.asfortranarray(array), array.copy()])
    assert name != weights.digest("imagenet", [array + 1, array])
    assert name != weights.digest("imagenet", [array])


# what was wrong with them


@pytest.mark.parametrize("kind", [RuntimeError, KeyError, OSError])
def test_weights_that_cannot_be_downloaded(kind):
    with (
        pytest.raises(OSError, match=r"weights of vgg16 cannot be downloaded: .*no route") as error,
        weights.loading("vgg16", "imagenet"),
    ):
        raise kind("no route")
    assert "COURSEKIT_WEIGHTS" in str(error.value)
    assert f"COURSEKIT_BACKBONE={settings.BACKBONES[0]}" in str(error.value)
    assert isinstance(error.value.__cause__, kind)


@pytest.mark.parametrize("kind", [RuntimeError, KeyError, OSError])
def test_weights_that_do_not_fit(kind):
    words = r"a\.h5 does not hold the weights of vgg16: "
    with pytest.raises(ValueError, match=words) as error, weights.loading("vgg16", "a.h5"):
        raise kind("x" * 1000)
    assert len(str(error.value)) < 400 and isinstance(error.value.__cause__, kind)


def test_nothing_is_said_where_nothing_is_wrong():
    with weights.loading("vgg16", "a.h5"):
        pass
    with pytest.raises(KeyboardInterrupt), weights.loading("vgg16", "a.h5"):
        raise KeyboardInterrupt
