"""Weights that somebody has tampered with: refused by name, and no code of theirs runs."""

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from processes import error_of


class Bomb:
    """What makes a folder when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def pickled(file: Path, mark: Path) -> None:
    file.write_bytes(pickle.dumps({"weight": Bomb(mark)}))


def pickled_in_an_archive(file: Path, mark: Path) -> None:
    """As `torch.save` packs it."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": Bomb(mark)}, protocol=2))
        archive.writestr("archive/version", "3\n")


def pickled_in_arrays(file: Path, mark: Path) -> None:
    with file.open("wb") as stream:
        np.savez(stream, weight=np.array([Bomb(mark)], dtype=object))


def safetensors(header: bytes, content: bytes = b"\0" * 64, length: int | None = None):
    def write(file: Path, _: Path) -> None:
        stated = len(header) if length is None else length
        file.write_bytes(struct.pack("<Q", stated) + header + content)

    return write


def tensor(**changes) -> bytes:
    return json.dumps(
        {"weight": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes}
    ).encode()


SAFETENSORS = {
    "nothing": lambda file, _: file.write_bytes(b""),
    "a header of 2^63 bytes": safetensors(b"{}", length=2**63),
    "a header longer than the file": safetensors(b"{}", length=10_000),
    "a header that is no JSON": safetensors(b"{nonsense"),
    "a header that is a list": safetensors(b"[]"),
    "a tensor beyond the end": safetensors(tensor(data_offsets=[0, 2**40], shape=[2**38])),
    "a tensor that ends before it begins": safetensors(tensor(data_offsets=[32, 16])),
    "a negative shape": safetensors(tensor(shape=[-4])),
    "an unknown type": safetensors(tensor(dtype="PY")),
    "more than the tensors": safetensors(tensor(), content=b"\0" * 4096),
    "a pickle": pickled,
}
PICKLES = {"a pickle": pickled, "one in an archive": pickled_in_an_archive}
PICKLES |= {"one in arrays": pickled_in_arrays}


def load(framework: str, backbone: str, file: str) -> str:
    """Return the error of loading a backbone's weights from a file."""
    from importlib import import_module

    load = import_module(f"backbones.{framework}_backbones").load
    return error_of(load, backbone, weights=file)


def load_localizer(file: str) -> str:
    from localizer import model

    return error_of(model.load, Path(file))


def load_code(suffix: str, folder: str) -> list:
    """Return the error of loading a Keras model with a layer that makes a folder when it is called.

    And whether the folder was there after that, and after Keras was told to trust the file.
    """
    import keras

    file, mark = Path(folder, f"model{suffix}"), Path(folder, "mark")
    code = eval(f"lambda x: (__import__('os').mkdir({str(mark)!r}), x)[1]")  # Keras keeps no names
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Lambda(code)])
    model.save(file)
    mark.rmdir()
    found = [load("keras", "mobilenet_v2", str(file)), mark.exists()]
    keras.models.load_model(file, safe_mode=False)
    return [*found, mark.exists()]


@pytest.mark.parametrize("framework", ["keras", "torch"])
@pytest.mark.parametrize("fault", SAFETENSORS)
def test_safetensors_are_refused(fault, framework, tmp_path, in_keras, in_torch, proof):
    call, file = {"keras": in_keras, "torch": in_torch}[framework], tmp_path / "a.safetensors"
    SAFETENSORS[fault](file, tmp_path / "mark")
    error = call(load, framework, "efficientnet_lite0", str(file))
    assert error.startswith("ValueError: ") and str(file) in error
    assert not (tmp_path / "mark").exists()
    proof(f"Of {len(SAFETENSORS)} files of weights that lie about what they hold, each is refused.")


@pytest.mark.parametrize("fault", SAFETENSORS)
def test_a_tampered_model_of_lesson_04_is_refused(fault, tmp_path, in_torch, proof):
    file = tmp_path / "a.safetensors"
    SAFETENSORS[fault](file, tmp_path / "mark")
    error = in_torch(load_localizer, str(file))
    assert error.startswith("ValueError: ") and str(file) in error
    assert not (tmp_path / "mark").exists()
    proof("So is each as the trained model of lesson 04.")


def test_the_pickles_do_hold_code(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".h5", ".keras"])
@pytest.mark.parametrize("fault", PICKLES)
def test_pickles_are_refused_and_not_executed(fault, suffix, tmp_path, in_keras, in_torch, proof):
    framework = "torch" if suffix.startswith(".p") else "keras"
    call, file = {"keras": in_keras, "torch": in_torch}[framework], tmp_path / f"a{suffix}"
    PICKLES[fault](file, tmp_path / "mark")
    error = call(load, framework, "mobilenet_v2", str(file))
    assert error.startswith("ValueError: ") and str(file) in error
    assert not (tmp_path / "mark").exists()
    proof("A pickle in place of weights is refused, and its code does not run.")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_layer_with_code_is_refused_and_not_executed(suffix, tmp_path, in_keras, proof):
    error, executed, if_trusted = in_keras(load_code, suffix, str(tmp_path))
    assert error.startswith("ValueError: ")
    assert not executed and if_trusted
    proof("So is a Keras model with a layer of code.")
