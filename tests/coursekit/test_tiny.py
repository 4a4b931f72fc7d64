"""The backbone `tiny`: what is shipped, in both frameworks, and the script that made it."""

import ast
import inspect
from pathlib import Path
from unittest import mock

import tiny
from coursekit import settings
from minivoc import dataset

import numpy as np
import pandas as pd
import pytest

SRC = settings.CHECKOUT / "src"
SCRIPT = SRC / "coursetools" / "pretrain.py"
STAGES = [f"stage_{number}" for number in range(1, 6)]
DRAWN, EPOCHS, FEW = 112, 16, 32


# what the process for Keras does


def ask_keras(pictures: Path, answer: Path) -> dict:
    """Write what each stage makes of the pictures."""
    from tiny import in_keras

    import keras

    network = in_keras.build()
    outputs = [network.get_layer(name).output for name in STAGES]
    x = np.load(pictures).astype(np.float32) / 127.5 - 1
    maps = keras.Model(network.input, outputs).predict_on_batch(x)
    np.savez(answer, **dict(zip(STAGES, maps, strict=True)))
    return {
        "parameters": network.count_params(),
    }


# what the process for PyTorch does


def ask_torch(pictures: Path, answer: Path) -> dict:
    """Write what each stage makes of the pictures, as Keras orders the axes."""
    from tiny import in_torch

    import torch
    from safetensors.torch import save_file

    network = in_torch.build().eval()
    x = torch.from_numpy(np.load(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    maps = {}
    with torch.no_grad():
        for name, stage in network.named_children():
            x = stage(x)
            maps[name] = x.permute(0, 2, 3, 1).numpy()
    np.savez(answer, **maps)

    weights = {name: torch.from_numpy(one) for name, one in tiny.load_weights().items()}
    del weights["stage_2.reduce.conv.weight"]
    save_file(weights, wrong := str(answer.with_name("wrong.safetensors")))
    try:
        in_torch.build(wrong)
        words = "no error"
    except RuntimeError as error:
        words = str(error)
    return {"wrong": words}


def retrain(directory: Path) -> dict:
    """Train on few drawings, and on fewer with and without an interruption."""
    from coursetools import pretrain

    file = pretrain.train(directory / "a", n=DRAWN - 16, held_out=16, sizes=(64,) * EPOCHS)
    pictures = np.load(directory / "a" / "drawings.npy", mmap_mode="r")

    few = {"n": FEW - 8, "held_out": 8, "sizes": (64,) * 3}
    for name in ("b", "c"):
        (directory / name).mkdir()
        np.save(directory / name / "drawings.npy", pictures[:FEW])
    pretrain.train(directory / "b", **few)
    epoch, begun = pretrain.train_epoch, []

    def interrupted(*arguments):
        begun.append(epoch)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return epoch(*arguments)

    with mock.patch.object(pretrain, "train_epoch", interrupted):
        try:
            pretrain.train(directory / "c", **few)
            raise AssertionError("the training was not interrupted")
        except KeyboardInterrupt:
            begun.clear()
        pretrain.train(directory / "c", **few)
    try:
        pretrain.train(directory / "b", n=5, held_out=5)
        words = "no error"
    except ValueError as error:
        words = str(error)
    return {
        "file": str(file),
        "columns": pretrain.LOG_COLUMNS,
        "sizes": pretrain.SIZES,
        "classes": len(pretrain.CLASSES),
        "labels": sorted(pretrain.label(index) for index in range(len(pretrain.CLASSES))),
        "same picture": bool((pretrain.draw(3) == pictures[3]).all()),
        "different pictures": len({picture.tobytes() for picture in pictures}),
        "seed": pretrain.SEED,
        "epochs after the interruption": len(begun),
        "other number": words,
    }


@pytest.fixture(scope="module")
def maps(in_keras, in_torch, tmp_path_factory) -> dict:
    """What both frameworks make of the same pictures, and what else they say."""
    folder = tmp_path_factory.mktemp("maps")
    rng = np.random.default_rng(5)
    small = rng.integers(0, 256, (3, 28, 28, 3), dtype=np.uint8)
    np.save(folder / "pictures.npy", small.repeat(8, axis=1).repeat(8, axis=2))
    found = {
        "keras": in_keras(ask_keras, folder / "pictures.npy", folder / "keras.npz"),
        "torch": in_torch(ask_torch, folder / "pictures.npy", folder / "torch.npz"),
    }
    for name in found:
        found[name]["maps"] = dict(np.load(folder / f"{name}.npz"))
    return found


@pytest.fixture(scope="module")
def trained(in_torch, tmp_path_factory) -> dict:
    """What a short training says; `directory` is where its files lie."""
    directory = tmp_path_factory.mktemp("trained")
    return in_torch(retrain, directory, TQDM_DISABLE="1") | {"directory": directory}


# what is shipped


def test_the_shipped_file_is_small_and_holds_what_the_network_needs():
    assert tiny.FILE.stat().st_size < 2_000_000
    weights = tiny.load_weights()
    assert all(one.dtype == np.float32 and np.isfinite(one).all() for one in weights.values())
    names = {name.rsplit(".", 2)[0] for name in weights}
    refined = {f"stage_{number}.refine" for number in tiny.REFINED}
    assert names == {f"{stage}.reduce" for stage in STAGES} | refined
    last = weights["stage_5.reduce.conv.weight"]
    assert last.shape == (tiny.WIDTHS[4], tiny.WIDTHS[3], 3, 3)


def test_the_log_tells_how_the_training_went(trained):
    log = pd.read_csv(tiny.LOG)
    assert log.columns.tolist() == trained["columns"]
    assert log["epoch"].tolist() == list(range(1, len(trained["sizes"]) + 1))
    assert log["size"].tolist() == trained["sizes"]
    assert log["loss"].iloc[-1] < log["loss"].iloc[0] / 2
    assert log["held_out_accuracy"].iloc[-1] > 0.9


# the two frameworks


@pytest.mark.parametrize("stage", STAGES)
def test_keras_and_pytorch_compute_the_same(maps, stage):
    number = STAGES.index(stage)
    ours, theirs = maps["keras"]["maps"][stage], maps["torch"]["maps"][stage]
    side = 224 // 2 ** (number + 1)
    assert ours.shape == theirs.shape == (3, side, side, tiny.WIDTHS[number])
    assert np.ptp(ours) > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def test_keras_has_no_weight_that_the_file_lacks(maps):
    assert maps["keras"]["parameters"] == sum(one.size for one in tiny.load_weights().values())


def test_another_file_is_refused_by_pytorch(maps):
    words = maps["torch"]["wrong"]
    assert 'Missing key(s) in state_dict: "stage_2.reduce.conv.weight"' in words


# the script


def test_nothing_imports_the_script():
    for file in SRC.rglob("*.py"):
        if file != SCRIPT:
            assert not {name for name in names_in(file) if "pretrain" in name}, file


def names_in(file: Path) -> set[str]:
    """Return every name that a file imports, reads or calls."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Name | ast.Attribute):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


def test_the_drawings_are_not_those_of_mini(trained):
    assert trained["seed"] != inspect.signature(dataset.draw).parameters["seed"].default


def test_the_script_sees_no_box():
    names = {part for name in names_in(SCRIPT) for part in name.split(".")}
    assert {"compose", "render"} <= names
    assert not names & {"find", "box", "boxes", "dataset", "datasets", "voc", "annotation"}


def test_every_drawing_can_be_made_again_by_its_number(trained):
    assert trained["same picture"] and trained["different pictures"] == DRAWN
    assert trained["classes"] == 16 and trained["labels"] == list(range(16))


def test_a_few_epochs_of_the_script_learn(trained):
    log = pd.read_csv(trained["directory"] / "a" / "training_log.csv")
    assert log.columns.tolist() == trained["columns"] and len(log) == EPOCHS
    assert log["loss"][0] == pytest.approx(np.log(trained["classes"]), abs=0.4)
    assert log["loss"].iloc[-2:].mean() < log["loss"][0] - 0.4
    assert log["accuracy"].iloc[-2:].mean() > log["accuracy"][0] + 0.2


def test_the_script_writes_the_file_that_the_package_reads(trained):
    weights = tiny.load_weights(Path(trained["file"]))
    shipped = tiny.load_weights()
    assert {n: w.shape for n, w in weights.items()} == {n: w.shape for n, w in shipped.items()}


def test_an_interrupted_training_ends_with_the_same_weights(trained):
    assert trained["epochs after the interruption"] == 1
    whole, mended = (
        tiny.load_weights(trained["directory"] / name / "tiny.safetensors") for name in "bc"
    )
    for name in whole:
        np.testing.assert_array_equal(whole[name], mended[name], err_msg=name)
    logs = [pd.read_csv(trained["directory"] / name / "training_log.csv") for name in "bc"]
    columns = ["epoch", "loss", "accuracy", "held_out_accuracy"]
    pd.testing.assert_frame_equal(logs[0][columns], logs[1][columns])


def test_drawings_of_another_number_are_not_taken(trained):
    assert f"holds {FEW} pictures, not 10. Delete it." in trained["other number"]
