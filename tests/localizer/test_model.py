"""The file of a trained model, written and read in the process for PyTorch."""

import json
from pathlib import Path
from unittest import mock

import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import small_localizer

# what the process does


def error_of(call, *arguments) -> str:
    """Return the kind and the words of the error that a call raises."""
    try:
        call(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def come_back(file: Path) -> dict:
    """Return what comes of a localizer that is saved and loaded."""
    from backbones import torch_backbones
    from localizer import model

    import torch

    localizer = small_localizer.trained()
    localizer.to(memory_format=torch.channels_last)  # no order in which a file keeps weights
    model.save(file, localizer, small_localizer.CLASSES)
    with small_localizer.installed():
        loaded, classes = model.load(file)
    images = torch.rand(2, 3, small_localizer.SIZE, small_localizer.SIZE)
    with torch.no_grad():
        pairs = zip(localizer(images), loaded.cpu()(images), strict=True)
        published = small_localizer.backbone()(images)["last"]
        last = loaded.backbone(images)["last"]
    return {
        "differences": [float((a - b).abs().max()) for a, b in pairs],
        "weights": largest_difference(localizer.state_dict(), loaded.state_dict()),
        "fine-tuned": float((last - published).abs().max()),
        "classes": classes,
        "training": loaded.training,
        "device": str(torch_backbones.device()),
        "moved": str(next(model_on_device(file).parameters()).device.type),
    }


def largest_difference(saved: dict, loaded: dict) -> float:
    """Return by how much two sets of weights with the same names differ at most."""
    assert saved.keys() == loaded.keys()
    return max(float((loaded[key].cpu() - weight).abs().max()) for key, weight in saved.items())


def model_on_device(file: Path):
    """Return the loaded localizer, where `load` has put it."""
    from localizer import model

    with small_localizer.installed():
        return model.load(file)[0]


def come_back_alone(file: Path) -> list[float]:
    """Return the differences of the weights of a localizer on a source's network, once loaded."""
    from backbones import torch_backbones
    from localizer import model

    backbone = torch_backbones.untrained("mobilenet_v2", ["features.14.conv.0", "features.18"])
    localizer = model.Localizer(backbone, len(small_localizer.CLASSES))
    model.save(file, localizer, small_localizer.CLASSES)
    weights = model.load(file)[0].cpu().state_dict()
    return [float((weights[k] - w).abs().max()) for k, w in localizer.state_dict().items()]


def refused(file: Path, channels: int = 4) -> str:
    """Return why a file is refused."""
    from localizer import model

    with small_localizer.installed(channels=channels):
        return error_of(model.load, file)


def save_trained(file: Path) -> None:
    small_localizer.trained(file)


def save_with_more(file: Path, classes: list[str]) -> str:
    from localizer import model

    return error_of(model.save, file, small_localizer.trained(), classes)


def interrupt(file: Path) -> list:
    """Return the error of a save that is stopped halfway, and the files that are there then."""
    from localizer import model

    def stop(new: Path, content: bytes, write=Path.write_bytes):
        write(new, content[: len(content) // 2])
        raise KeyboardInterrupt

    before = file.read_bytes()
    with mock.patch.object(Path, "write_bytes", stop):
        try:
            model.save(file, small_localizer.trained(), small_localizer.CLASSES)
        except KeyboardInterrupt:
            stopped = True
    return [stopped, [one.name for one in file.parent.iterdir()], file.read_bytes() == before]


def where() -> str:
    from localizer import model

    return str(model.model_file())


# the tests


@pytest.fixture
def file(in_torch, tmp_path) -> Path:
    """A file with a model."""
    path = tmp_path / "models" / "localizer.safetensors"
    in_torch(save_trained, path)
    return path


def rewrite(file: Path, described: dict, leave_out: str | None = None) -> None:
    """Write a model's file again, with another description or without a weight."""
    with safe_open(file, "numpy") as stored:
        metadata = json.loads(stored.metadata()["localizer"]) | described
        weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    weights.pop(leave_out, None)
    save_file(weights, file, {"localizer": json.dumps(metadata)})


def test_a_model_comes_back_from_its_file(in_torch, tmp_path):
    found = in_torch(come_back, tmp_path / "new folder" / "model.safetensors")
    assert max(found["differences"]) < 1e-5 and found["fine-tuned"] > 0.01
    assert found["weights"] == 0
    assert found["classes"] == small_localizer.CLASSES and not found["training"]
    assert found["moved"] == found["device"].split(":")[0]


def test_the_weights_that_the_backbone_began_with_are_not_asked_for(in_torch, tmp_path):
    nowhere = str(tmp_path / "no longer there.pth")
    found = in_torch(come_back_alone, tmp_path / "model.safetensors", COURSEKIT_WEIGHTS=nowhere)
    assert len(found) > 200 and max(found) == 0


def test_the_file_says_what_it_holds(file):
    with safe_open(file, "numpy") as stored:
        described = json.loads(stored.metadata()["localizer"])
    assert described == {
        "version": 1,
        "backbone": "efficientnet_lite0",
        "size": 32,
        "shapes": {"first": [8, 8, 4], "last": [4, 4, 6]},
        "classes": ["cat", "dog", "heron"],
    }
    assert [*described["shapes"]] == ["first", "last"]  # in the order of the layers


def test_the_model_of_lesson_04_lies_among_the_artifacts(in_torch, tmp_path):
    path = in_torch(where, COURSEKIT_ARTIFACTS=str(tmp_path))
    assert path == str(tmp_path.resolve() / "models" / "localizer.safetensors")


def test_a_missing_model_names_the_notebook_to_run(in_torch, tmp_path):
    words = in_torch(refused, tmp_path / "none.safetensors")
    assert words.startswith(f"FileNotFoundError: There is no trained model {tmp_path}")
    assert words.endswith("yet. Run notebooks/04_pytorch_two_heads.ipynb first.")


@pytest.mark.parametrize("length", [0, 5, 500, -10])
def test_a_file_that_was_cut_short_is_damaged(in_torch, file, length):
    file.write_bytes(file.read_bytes()[:length])
    words = in_torch(refused, file)
    assert words.startswith(f"ValueError: {file} is not a trained model, or is damaged: ")
    assert words.endswith("Run notebooks/04_pytorch_two_heads.ipynb again, or name another file.")


def test_weights_of_something_else_are_refused(in_torch, file):
    save_file({}, file)
    assert f"{file} is not a trained model of this version of the course" in in_torch(refused, file)


def test_a_file_of_another_version_is_refused(in_torch, file):
    rewrite(file, {"version": 7})
    assert "it says version 7, and not 1" in in_torch(refused, file)


def test_a_file_for_another_backbone_is_refused(in_torch, file):
    assert f"{file} is for another backbone: its shapes differ." in in_torch(refused, file, 5)
    rewrite(file, {"size": 64})
    assert "its size and shapes differ" in in_torch(refused, file, 5)


def test_a_weight_that_is_missing_is_named(in_torch, file):
    rewrite(file, {}, leave_out="head.look.bias")
    words = in_torch(refused, file)
    assert words.startswith(f"ValueError: The weights in {file} do not fit: ")
    assert "head.look.bias" in words


def test_every_logit_has_a_name(in_torch, tmp_path):
    words = in_torch(save_with_more, tmp_path / "model.safetensors", ["cat", "dog"])
    assert words == (
        "ValueError: The localizer tells 3 names apart, and classes has ['cat', 'dog']."
    )
    assert [*tmp_path.iterdir()] == []


def test_a_save_that_is_interrupted_leaves_the_old_file(in_torch, file):
    assert in_torch(interrupt, file) == [True, [file.name], True]
