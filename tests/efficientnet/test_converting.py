"""The file of weights is made once, whole, from the published file only."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import efficientnet
from efficientnet import converting

import numpy as np
import pytest
from filelock import FileLock
from safetensors import safe_open
from safetensors.numpy import load_file

LOCK = f".{converting.FILE}.lock"


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def forbidden(*_, **__):
    raise AssertionError("this must not happen")


def test_the_file_holds_one_filter_and_one_bias_for_each_convolution(weights):
    tensors = load_file(weights)
    layers = {"stem", "last", "classify"}
    for number, block in enumerate(efficientnet.blocks()):
        parts = ("expand", "depthwise", "project")[block.expansion == 1 :]
        layers |= {f"block_{number}.{part}" for part in parts}
    assert {*tensors} == {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}
    assert tensors["block_3.expand.weight"].shape == (144, 24, 1, 1)
    assert tensors["block_3.depthwise.weight"].shape == (144, 1, 5, 5)
    assert tensors["block_3.project.bias"].shape == (40,)
    assert all(one.dtype == np.float32 and np.isfinite(one).all() for one in tensors.values())
    with safe_open(weights, "numpy") as file:
        assert "Apache License 2.0" in file.metadata()["source"]


def test_nothing_but_the_file_and_its_lock_is_left(weights):  # nor what a killed process left
    assert names(weights.parent) == {converting.FILE, LOCK}
    ordinary = weights.parent / "ordinary"
    ordinary.touch()
    assert weights.stat().st_mode == ordinary.stat().st_mode  # others may read it, too
    ordinary.unlink()


def test_a_file_that_is_there_is_taken(weights, monkeypatch):
    monkeypatch.setattr(subprocess, "run", forbidden)
    changed = weights.stat().st_mtime_ns
    assert converting.weights_file(weights.parent) == weights
    assert weights.stat().st_mtime_ns == changed


def test_another_file_is_not_converted(tmp_path, monkeypatch):
    spoiled = tmp_path / "spoiled.pth"
    content = bytearray(converting.source().read_bytes())
    content[len(content) // 2] ^= 1
    spoiled.write_bytes(content)
    monkeypatch.setattr(converting, "source", lambda: spoiled)
    with pytest.raises(OSError, match=r"spoiled\.pth: its checksum is wrong. Install the package"):
        converting.weights_file(tmp_path / "cache")
    assert names(tmp_path / "cache") == {LOCK}


def test_without_the_package_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(converting, "PACKAGE", "no_such_package")
    with pytest.raises(ModuleNotFoundError, match=r"no_such_package.*not installed: `make setup`"):
        converting.weights_file(tmp_path)


def write_half(command, **_):
    """Stand in for `subprocess.run` with a process that the system killed."""
    Path(command[-1]).write_bytes(b"half of it")
    return subprocess.CompletedProcess(command, -9, "", "")


def write_half_and_stop(command, **_):
    write_half(command)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [(write_half, OSError, "ended with -9"), (write_half_and_stop, KeyboardInterrupt, None)],
)
def test_a_conversion_that_is_cut_off_leaves_nothing(tmp_path, monkeypatch, run, error, words):
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(error, match=words):
        converting.weights_file(tmp_path)
    assert names(tmp_path) == {LOCK}


def test_a_second_process_waits_and_takes_what_the_first_made(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", forbidden)
    with ThreadPoolExecutor(1) as pool:
        with FileLock(tmp_path / LOCK):  # as the first process holds it
            second = pool.submit(converting.weights_file, tmp_path)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
            (tmp_path / converting.FILE).write_bytes(b"what the first made")
        assert second.result(timeout=60).read_bytes() == b"what the first made"
