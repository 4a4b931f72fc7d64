"""The heads in PyTorch: what they compute is what lesson 03's heads compute in Keras.

The process for Keras builds the heads with the functions of lesson 03, and saves them with its
last cells. The process for PyTorch reads those files with the functions of lesson 04.
"""

import json
from pathlib import Path
from types import SimpleNamespace

from coursekit import settings
from exercises.lesson_code import code_cells, definitions, source

import numpy as np
import pytest
from test_keras_backbones import error_of

LESSON = settings.CHECKOUT / "notebooks" / "03_keras_precomputed_features.ipynb"
LESSON_04 = settings.CHECKOUT / "notebooks" / "04_pytorch_two_heads.ipynb"
FIRST, CHANNELS = 24, 56  # where the last layer's channels start, and how many there are in all
N_CLASSES = 5
HEADS = ("pooled", "spatial", "pointing")

# what the process for Keras does

BUILD = """
lessons = SimpleNamespace(
    artifacts_file=lambda name: Path(folder) / name, save_predictions=lambda *_: None
)
results = {"mean box": None}
rng = np.random.default_rng(0)
SIZE, CLASSES, LAST = 224, ["cat"] * N_CLASSES, slice(FIRST, CHANNELS)
scales = rng.uniform(0.2, 5, CHANNELS)
x_all = (rng.gamma(0.5, 1, (48, 7, 7, CHANNELS)) * scales).astype("float32")
MEAN, VARIANCE = x_all.mean((0, 1, 2)), (x_all.std((0, 1, 2)) + 0.1) ** 2
x_last, x_ours = x_all[..., LAST], x_all
labels = rng.integers(0, N_CLASSES, 48)
names = np.eye(N_CLASSES, dtype="float32")[labels]
targets = np.concatenate([rng.uniform(50, 170, (48, 2)), rng.uniform(10, 100, (48, 2))], 1)
targets = targets.astype("float32")
test = np.arange(48) >= 32

keras.utils.set_random_seed(0)
pooled, spatial = pooled_head(x_last.shape[1:]), spatial_head(x_last.shape[1:])
ours = pointing_head(x_ours.shape[1:], dropout=0.2)
compile_heads(pooled, 0.01)
compile_heads(spatial, 1 / SIZE**2)
compile_heads(ours, 1.0, box_loss, keras.optimizers.AdamW(0.01))
for model, x, unit in ((pooled, x_last, 1), (spatial, x_last, 1), (ours, x_ours, SIZE)):
    truth = {"class": names[~test], "box": targets[~test] / unit}
    model.fit(x[~test], truth, epochs=3, batch_size=8, verbose=0)
"""


def last_cells(notebook: dict) -> str:
    """Return the cells of lesson 03 that save the heads and what they answer."""
    cells = [source(cell) for cell in code_cells(notebook)]
    return "\n\n".join(cell for cell in cells if "save_file(" in cell)


def save_heads(folder: Path) -> None:
    """Build and save the heads, with the code that the notebook has now."""
    notebook = json.loads(LESSON.read_text(encoding="utf-8"))
    space = dict(folder=folder, Path=Path, SimpleNamespace=SimpleNamespace)
    space |= dict(FIRST=FIRST, CHANNELS=CHANNELS, N_CLASSES=N_CLASSES)
    quiet = "claim = lambda *_, **__: None"
    for code in (definitions(notebook), quiet, BUILD, last_cells(notebook), KERNELS):
        exec(code, space)


KERNELS = """
kernels = {}
for name, layer, shape in (
    ("Linear", layers.Dense(3), (2, 5)),
    ("Conv1d", layers.Conv1D(3, 3, padding="same"), (2, 6, 5)),
    ("Conv2d", layers.Conv2D(3, (3, 1), padding="same"), (2, 6, 4, 5)),
):
    x = rng.normal(size=shape).astype("float32")
    kernels |= {f"{name} x": x, f"{name} y": np.asarray(layer(x))}
    kernels |= {f"{name} {one.name}": np.asarray(one) for one in layer.weights}
save_file(kernels, Path(folder) / "kernels.safetensors")
"""

# what the process for PyTorch does


def lesson_04() -> SimpleNamespace:
    """Return what lesson 04 imports and defines: its heads, and the one of the package."""
    space = {"SEED": 0, "AUGMENT": ()}  # defaults of functions that nothing here calls
    exec(definitions(json.loads(LESSON_04.read_text(encoding="utf-8"))), space)
    return SimpleNamespace(**space)


def share(ours, theirs, largest=None) -> float:
    """Return the largest difference as a share of the largest number."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    largest = theirs.abs().max() if largest is None else largest
    return float((ours - theirs).detach().abs().max() / largest)


def load_head(heads, folder: Path, name: str):
    """Return a head with the weights that Keras saved, in evaluation mode."""
    last = CHANNELS - FIRST
    head = {
        "pooled": lambda: heads.PooledHead(last, N_CLASSES),
        "spatial": lambda: heads.SpatialHead(last, N_CLASSES),
        "pointing": lambda: heads.PointingHead(
            {"first": slice(0, FIRST), "last": slice(FIRST, CHANNELS)}, N_CLASSES
        ),
    }[name]()
    heads.read_keras(head, folder / f"{name}.safetensors")
    return head.eval()


def look_at_parity(heads, folder: Path) -> dict:
    """Return how far outputs, losses and gradients are from those of Keras."""
    from safetensors.torch import load_file
    from torch.nn import functional

    saved = load_file(folder / "answers.safetensors")
    maps, boxes = saved["maps"].permute(0, 3, 1, 2), saved["boxes"]
    losses = {
        "pooled": lambda found: 0.01 * functional.mse_loss(found, boxes),
        "spatial": lambda found: functional.mse_loss(found, boxes) / 224**2,
        "pointing": lambda found: heads.box_loss(found, boxes / 224).mean(),
    }
    answers = {}
    for name in HEADS:
        head = load_head(heads, folder, name)
        logits, found = head(maps if name == "pointing" else maps[:, FIRST:])
        loss = functional.cross_entropy(logits, saved["labels"].argmax(1)) + losses[name](found)
        loss.backward()
        logits, found = logits.detach(), found.detach()
        weights = [one for part in head.IN_KERAS for one in getattr(head, part).parameters()]
        keys = [key for key in saved if key.startswith(f"{name} gradient")]
        theirs = [heads.keras_to_torch(saved[f"{name} gradient {i}"]) for i in range(len(keys))]
        # a constant does not change a softmax, so the biases of `columns` and `rows` have none
        largest = max(one.abs().max() for one in theirs)
        answers[name] = {
            "weights": [len(weights), len([*head.parameters()])],
            "class": share(logits.softmax(1), saved[f"{name} class"]),
            "box": share(found, saved[f"{name} box"]),
            "loss": share(loss.reshape(1), saved[f"{name} loss"].reshape(1)),
            "gradients": [
                share(weight.grad, one, largest)
                for weight, one in zip(weights, theirs, strict=True)
            ],
            "gradients of nothing": sum(not one.any() for one in theirs),
            "spread": [float(logits.softmax(1).std()), float(found.std(0).max() / found.max())],
        }
    norm = head.norm
    answers["statistics"] = [float(norm.running_mean.std()), float(norm.running_var.std())]
    return answers


def look_at_kernels(heads, folder: Path) -> dict:
    """Return how far layers of PyTorch are from those of Keras whose weights they took over."""
    import torch
    from safetensors.torch import load_file
    from torch import nn

    layers = {
        "Linear": nn.Linear(5, 3),
        "Conv1d": nn.Conv1d(5, 3, 3, padding="same"),
        "Conv2d": nn.Conv2d(5, 3, (3, 1), padding="same"),
    }
    saved, answers = load_file(folder.parent / "kernels.safetensors"), {}
    for name, layer in layers.items():
        layer.weight.data = heads.keras_to_torch(saved[f"{name} kernel"])
        layer.bias.data = saved[f"{name} bias"]
        x, y = (saved[f"{name} {one}"].movedim(-1, 1) for one in "xy")
        answers[name] = share(layer(x), y)
    bias = saved["Conv2d bias"]
    return answers | {"bias": bool(torch.equal(heads.keras_to_torch(bias), bias))}


def look_at_box_loss(heads, _folder: Path) -> dict:
    """Return how far `box_loss` is from the sum of its parts, and what is special about it."""
    import torch
    from torchvision import ops

    torch.manual_seed(0)
    boxes, truth = torch.rand(2, 500, 4) * torch.tensor([0.8, 0.8, 0.5, 0.5]) + 0.05
    boxes[:50, 2:] *= -1
    boxes.requires_grad_()
    found = heads.box_loss(boxes, truth)
    low, high = boxes[:, :2] - boxes[:, 2:].relu() / 2, boxes[:, :2] + boxes[:, 2:].relu() / 2
    corners = torch.cat([low, high], 1), ops.box_convert(truth, "cxcywh", "xyxy")
    errors = torch.cdist(boxes[:, None], truth[:, None], p=1).flatten()
    giou, iou = (one(*corners).diagonal() for one in (ops.generalized_box_iou, ops.box_iou))
    found.sum().backward()
    return {
        "shape": found.shape,
        "difference": float((found - (1 - giou + errors)).abs().max()),
        "equal": float(heads.box_loss(truth, truth).abs().max()),
        "touching": int((iou > 0).sum()),
        "finite": bool(boxes.grad.isfinite().all()),
        "without pull": int((boxes.grad.abs().sum(1) == 0).sum()),
    }


def look_at_scale(heads, _folder: Path) -> dict:
    """Return mean and deviation of the maps that the pointing head sees after `scale_to`."""
    import torch

    torch.manual_seed(0)
    scales = torch.logspace(-1, 1, 6)[:, None, None]
    maps = (torch.randn(100, 6, 7, 7) + 3) * scales
    maps[:, 2] = 0.5  # a channel that never varies
    head = heads.PointingHead({"first": slice(0, 2), "last": slice(2, 6)}, 3)
    head.scale_to(maps)
    scaled = (maps - head.mean) / head.deviation
    return {
        "means": scaled.mean((0, 2, 3)).tolist(),
        "deviations": scaled.std((0, 2, 3)).tolist(),
        "saved": [*head.state_dict()][:2],
        "finite": bool(head(maps)[1].isfinite().all()),
    }


def look_at_errors(heads, folder: Path) -> dict:
    """Return the words of what `read_keras` raises."""
    from safetensors.torch import load_file, save_file

    saved = load_file(folder / "pooled.safetensors")
    few = {key: one for key, one in saved.items() if "bias" not in key}
    save_file(few, folder / "few.safetensors")
    short = {key: one for key, one in saved.items() if not key.startswith(max(saved)[:2])}
    save_file(short, folder / "short.safetensors")
    old = {f"dense/{number}": one for number, one in enumerate(saved.values())}
    save_file(old, folder / "old.safetensors")
    pooled = heads.PooledHead(CHANNELS - FIRST, N_CLASSES)
    one_class = heads.PooledHead(CHANNELS - FIRST, 1)
    return {
        "missing": error_of(heads.read_keras, pooled, folder / "none.safetensors"),
        "other head": error_of(heads.read_keras, pooled, folder / "spatial.safetensors"),
        "pointing": error_of(heads.read_keras, pooled, folder / "pointing.safetensors"),
        "other classes": error_of(heads.read_keras, one_class, folder / "pooled.safetensors"),
        "other names": error_of(heads.read_keras, pooled, folder / "old.safetensors"),
        "without a layer": error_of(heads.read_keras, pooled, folder / "short.safetensors"),
        "without biases": error_of(heads.read_keras, pooled, folder / "few.safetensors"),
    }


def look(folder: Path) -> dict:
    """Return all answers; `folder` holds what Keras saved."""
    heads = lesson_04()
    parts = {
        "parity": look_at_parity,
        "kernels": look_at_kernels,
        "box loss": look_at_box_loss,
        "scale": look_at_scale,
        "errors": look_at_errors,
    }
    return {name: look_at(heads, folder) for name, look_at in parts.items()}


# the tests


@pytest.fixture(scope="module")
def answers(in_keras, in_torch, tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("artifacts")
    in_keras(save_heads, folder)
    return in_torch(look, folder / "heads")


@pytest.mark.parametrize("name", HEADS)
def test_outputs_and_losses_are_those_of_keras(answers, name):
    found = answers["parity"][name]
    assert min(found["spread"]) > 0.01  # the pictures are told apart
    assert max(found["class"], found["box"], found["loss"]) < 1e-5


@pytest.mark.parametrize("name", HEADS)
def test_the_gradients_of_all_weights_are_those_of_keras(answers, name):
    found = answers["parity"][name]
    read, in_all = found["weights"]
    assert read == in_all == len(found["gradients"]) and found["gradients of nothing"] == 0
    assert max(found["gradients"]) < 1e-5


def test_the_statistics_of_the_batches_are_not_those_of_the_beginning(answers):
    assert min(answers["parity"]["statistics"]) > 0.01


@pytest.mark.parametrize("layer", ["Linear", "Conv1d", "Conv2d"])
def test_a_layer_computes_the_same_with_the_weights_of_keras(answers, layer):
    assert answers["kernels"][layer] < 1e-5 and answers["kernels"]["bias"]


def test_the_box_loss_is_that_of_torchvision_plus_the_errors(answers):
    found = answers["box loss"]
    assert found["shape"] == [500] and found["difference"] < 1e-5
    assert 50 < found["touching"] < 450  # the pairs cover both cases
    assert found["equal"] < 1e-4  # torchvision adds 1e-7 to each area that it divides by


def test_every_box_is_pulled_also_where_it_touches_nothing(answers):
    assert answers["box loss"]["finite"] and answers["box loss"]["without pull"] == 0


def test_the_pointing_head_brings_channels_to_one_scale(answers):
    found = answers["scale"]
    assert np.abs(found["means"]).max() < 1e-4
    moving = [one for channel, one in enumerate(found["deviations"]) if channel != 2]
    assert min(moving) > 0.1 and max(moving) < 1  # raw, they differ a hundredfold
    assert moving[-1] > 0.95 and found["deviations"][2] < 1e-4
    assert found["saved"] == ["mean", "deviation"] and found["finite"]


def test_a_missing_file_names_the_notebook_to_run(answers):
    words = answers["errors"]["missing"]
    assert words.startswith("FileNotFoundError: There is no ")
    assert words.endswith(f"none.safetensors. Run notebooks/{LESSON.name} first.")


@pytest.mark.parametrize(
    "case, file",
    [
        ("other head", "spatial"),
        ("pointing", "pointing"),
        ("other classes", "pooled"),
        ("other names", "old"),
        ("without a layer", "short"),
        ("without biases", "few"),
    ],
)
def test_weights_of_another_head_are_refused(answers, case, file):
    words = answers["errors"][case]
    assert words.startswith("ValueError: "), words
    assert f"{file}.safetensors does not fit PooledHead: " in words
