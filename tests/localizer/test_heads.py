"""The head that points, in PyTorch: it computes what the same head computes in Keras.

The process for Keras rebuilds the head from its description, and writes what it answers. The
process for PyTorch takes its weights over by name.
"""

from pathlib import Path

import numpy as np
import pytest

N_CLASSES, SIZE = 3, 16
SHAPES = {"fine": (8, 8, 5), "coarse": (4, 4, 6), "last": (4, 4, 7)}


def truth() -> dict[str, np.ndarray]:
    """Return maps, labels and boxes of a few pictures."""
    rng = np.random.default_rng(0)
    maps = {name: rng.gamma(0.5, 2, (SIZE, *shape)) for name, shape in SHAPES.items()}
    boxes = np.concatenate([rng.uniform(0.3, 0.7, (SIZE, 2)), rng.uniform(0.1, 0.5, (SIZE, 2))], 1)
    arrays = maps | {"boxes": boxes, "labels": np.eye(N_CLASSES)[np.arange(SIZE) % N_CLASSES]}
    return {name: array.astype("float32") for name, array in arrays.items()}


# what the process for Keras does


def answer_in_keras(file: Path) -> None:
    """Write the weights of a head in Keras, its outputs and its gradients."""
    import keras
    import tensorflow as tf
    from keras import layers, ops
    from safetensors.numpy import save_file

    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items()}
    given = truth()
    scaled = {
        name: layers.Normalization(
            mean=given[name].mean((0, 1, 2)), variance=given[name].var((0, 1, 2)), name=f"scale.{i}"
        )(x)
        for i, (name, x) in enumerate(inputs.items())
    }
    averages = layers.GlobalAveragePooling2D()(scaled["last"])
    name = layers.Dense(N_CLASSES, name="class")(averages)
    fine = layers.Conv2D(64, 1, use_bias=False, name="mix.0")(scaled["fine"])
    coarse = layers.Conv2D(64, 1, use_bias=False, name="mix.1")(scaled["coarse"])
    y = fine + layers.UpSampling2D(2, interpolation="nearest")(coarse)
    y = layers.ReLU()(layers.BatchNormalization(name="norm")(y))
    y = layers.Conv2D(64, 3, padding="same", activation="relu", name="look")(y)
    sides = []
    for axis, part in ((1, "columns"), (2, "rows")):
        strip = ops.concatenate([ops.mean(y, axis=axis), ops.max(y, axis=axis)], axis=-1)
        scores = layers.Conv1D(2, 3, padding="same", name=part)(strip)
        places = np.linspace(-0.05, 1.05, 8, dtype="float32")[:, None]
        sides.append(ops.sum(ops.softmax(scores, axis=1) * places, axis=1))
    (xmin, xmax), (ymin, ymax) = (ops.split(side, 2, axis=-1) for side in sides)
    box = ops.concatenate([(xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin], axis=-1)
    head = keras.Model(inputs, {"class": name, "box": box})
    norm = head.get_layer("norm")
    norm.moving_mean.assign(np.linspace(-1, 1, 64))
    norm.moving_variance.assign(np.linspace(0.5, 2, 64))

    with tf.GradientTape() as tape:
        out = head({name: given[name] for name in SHAPES})
        logs = tf.nn.softmax_cross_entropy_with_logits(given["labels"], out["class"])
        loss = tf.reduce_mean(logs) + tf.reduce_mean(tf.abs(out["box"] - given["boxes"]))
    gradients = tape.gradient(loss, head.trainable_weights)
    saved = {
        f"gradient {one.path}": g for one, g in zip(head.trainable_weights, gradients, strict=True)
    }
    saved |= {one.path: one for one in head.weights}
    saved |= {f"output {key}": value for key, value in out.items()} | {"output loss": loss}
    for i in range(len(SHAPES)):
        scale = head.get_layer(f"scale.{i}")
        saved |= {f"scale.{i}/mean": scale.mean, f"scale.{i}/variance": scale.variance}
    save_file({k: np.ascontiguousarray(v, "float32") for k, v in saved.items()}, file)


# what the process for PyTorch does

NAMES = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
NAMES |= {"moving_mean": "running_mean", "moving_variance": "running_var"}


def axes(weight):
    """Return a weight of Keras with PyTorch's axes."""
    return weight.permute(-1, -2, *range(weight.ndim - 2)) if weight.ndim > 1 else weight


def share(ours, theirs, largest=None) -> float:
    """Return the largest difference as a share of the largest number."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    return float((ours - theirs).detach().abs().max() / (largest or theirs.abs().max()))


def look_at_parity(file: Path) -> dict:
    """Return how far outputs and gradients are from those of Keras."""
    from localizer.heads import PointingHead

    import torch
    from safetensors.torch import load_file
    from torch.nn import functional

    saved = load_file(file)
    head, state = PointingHead(SHAPES, N_CLASSES).eval(), {}
    for path, weight in saved.items():
        layer, _, name = path.rpartition("/")
        layer = layer.replace("class", "name")
        if layer.startswith("scale"):
            name, weight = {"mean": ("mean", weight), "variance": ("deviation", weight.sqrt())}[
                name
            ]
            state[f"{layer}.{name}"] = weight.flatten()[:, None, None]
        elif name in NAMES and "gradient" not in path:
            state[f"{layer}.{NAMES[name]}"] = axes(weight)
    head.load_state_dict(state)  # its names are those of the layers
    given = {name: torch.from_numpy(array) for name, array in truth().items()}
    logits, boxes = head({name: given[name].permute(0, 3, 1, 2) for name in SHAPES})
    loss = functional.cross_entropy(logits, given["labels"])
    loss = loss + functional.l1_loss(boxes, given["boxes"])
    loss.backward()
    outputs = {"class": logits, "box": boxes, "loss": loss.reshape(1)}
    gradients = {
        path.removeprefix("gradient "): axes(one)
        for path, one in saved.items()
        if path.startswith("gradient")
    }
    parameters = dict(head.named_parameters())
    largest = max(one.abs().max() for one in gradients.values())
    found = {}
    for path, theirs in gradients.items():
        layer, _, name = path.replace("class", "name").rpartition("/")
        found[path] = share(parameters.pop(f"{layer}.{NAMES[name]}").grad, theirs, largest)
    return {
        "outputs": {name: share(one, saved[f"output {name}"]) for name, one in outputs.items()},
        "gradients": found,
        "without": [*parameters],
        "spread": [logits.std(0).min().item(), boxes.std(0).max().item()],
    }


def look_at_box_loss() -> dict:
    """Return how far `box_loss` is from the sum of its parts, and what is special about it."""
    from localizer.heads import box_loss

    import torch
    from torchvision import ops

    torch.manual_seed(0)
    boxes, truth = torch.rand(2, 500, 4) * torch.tensor([0.8, 0.8, 0.5, 0.5]) + 0.05
    boxes[:50, 2:] *= -1
    boxes.requires_grad_()
    found = box_loss(boxes, truth)
    low, high = boxes[:, :2] - boxes[:, 2:].relu() / 2, boxes[:, :2] + boxes[:, 2:].relu() / 2
    corners = torch.cat([low, high], 1), ops.box_convert(truth, "cxcywh", "xyxy")
    errors = torch.cdist(boxes[:, None], truth[:, None], p=1).flatten()
    giou, iou = (one(*corners).diagonal() for one in (ops.generalized_box_iou, ops.box_iou))
    found.sum().backward()
    return {
        "shape": found.shape,
        "difference": float((found - (1 - giou + errors)).abs().max()),
        "equal": float(box_loss(truth, truth).abs().max()),
        "touching": int((iou > 0).sum()),
        "finite": bool(boxes.grad.isfinite().all()),
        "without pull": int((boxes.grad.abs().sum(1) == 0).sum()),
    }


def look_at_scale() -> dict:
    """Return mean and deviation of the maps that the pointing head sees after `scale_to`."""
    from localizer.heads import PointingHead

    import torch

    torch.manual_seed(0)
    shapes = {"first": (8, 8, 6), "last": (4, 4, 6)}
    scales = torch.logspace(-1, 1, 6)[:, None, None]
    maps = {name: (torch.randn(100, c, h, w) + 3) * scales for name, (h, w, c) in shapes.items()}
    maps["last"][:, 2] = 0.5  # a channel that never varies
    head = PointingHead(shapes, 3)
    head.scale_to(maps)
    scaled = [scale(one) for scale, one in zip(head.scale, maps.values(), strict=True)]
    return {
        "means": [one.mean((0, 2, 3)).tolist() for one in scaled],
        "deviations": [one.std((0, 2, 3)).tolist() for one in scaled],
        "learns": [name for name, _ in head.named_parameters() if name.startswith("scale")],
        "saved": [name for name in head.state_dict() if name.startswith("scale")],
        "finite": bool(head(maps)[1].isfinite().all()),
    }


def look_at_layers() -> dict:
    """Return which layers name and box are read from, and the shapes of both."""
    from localizer.heads import PointingHead

    import torch

    answers = {}
    for count in (1, 2, 3):
        shapes = dict([*SHAPES.items()][-count:])
        torch.manual_seed(0)
        head = PointingHead(shapes, N_CLASSES).eval()
        maps = {k: torch.rand(2, c, h, w, requires_grad=True) for k, (h, w, c) in shapes.items()}
        # in another order: only the names of the layers count
        logits, boxes = head(dict(reversed(maps.items())))
        read = [
            [name for name, one in zip(maps, grads, strict=True) if one is not None and one.any()]
            for grads in (
                torch.autograd.grad(
                    out.square().sum(), maps.values(), retain_graph=True, allow_unused=True
                )
                for out in (logits, boxes)
            )
        ]
        answers[str(count)] = [read, [*logits.shape], [*boxes.shape]]
    return answers


# the tests


@pytest.fixture(scope="module")
def parity(in_keras, in_torch, tmp_path_factory) -> dict:
    file = tmp_path_factory.mktemp("heads") / "head.safetensors"
    in_keras(answer_in_keras, file)
    return in_torch(look_at_parity, file)


def test_outputs_and_losses_are_those_of_keras(parity):
    assert min(parity["spread"]) > 0.01  # the pictures are told apart
    assert {*parity["outputs"]} == {"class", "box", "loss"}
    assert max(parity["outputs"].values()) < 1e-5


def test_the_gradients_of_all_weights_are_those_of_keras(parity):
    assert parity["without"] == [] and len(parity["gradients"]) == 12
    assert max(parity["gradients"].values()) < 1e-5


def test_the_box_loss_is_that_of_torchvision_plus_the_errors(in_torch):
    found = in_torch(look_at_box_loss)
    assert found["shape"] == [500] and found["difference"] < 1e-5
    assert 50 < found["touching"] < 450  # the pairs cover both cases
    assert found["equal"] < 1e-4  # torchvision adds 1e-7 to each area that it divides by
    # every box is pulled, also where it touches nothing
    assert found["finite"] and found["without pull"] == 0


def test_channels_are_brought_to_one_scale(in_torch):
    found = in_torch(look_at_scale)
    assert np.abs(found["means"]).max() < 1e-4
    first, last = found["deviations"]
    still = last.pop(2)
    for deviations in (first, last):  # raw, they differ a hundredfold
        assert 0.1 < min(deviations) < 0.95 < max(deviations) < 1
    assert still < 1e-4 and found["finite"]
    assert found["learns"] == [] and len(found["saved"]) == 4


def test_the_name_is_read_from_the_last_layer_and_the_box_from_the_others(in_torch):
    answers = in_torch(look_at_layers)
    sizes = [2, N_CLASSES], [2, 4]
    assert answers["3"] == [[["last"], ["fine", "coarse"]], *sizes]
    assert answers["2"] == [[["last"], ["coarse"]], *sizes]
    assert answers["1"] == [[["last"], ["last"]], *sizes]
