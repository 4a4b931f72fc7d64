"""The code of lesson 06, against torchvision, scipy and brute force."""

from exercises import lesson_code

import numpy as np
import pytest
from scipy import stats

LESSON = "06_losses_and_weights"
TORCH = {
    "GIoU": "generalized_box_iou_loss",
    "DIoU": "distance_box_iou_loss",
    "CIoU": "complete_box_iou_loss",
}


def boxes(n: int = 200) -> np.ndarray:
    """Return pairs of boxes, (n, 2, 4): apart, overlapping, and one in the other."""
    rng = np.random.default_rng(6)
    center, size = rng.uniform(0.2, 0.8, (n, 2, 2)), rng.uniform(0.05, 0.5, (n, 2, 2))
    center[: n // 4, 1] = center[: n // 4, 0]  # the same center: one may hold the other
    size[: n // 4, 1] = size[: n // 4, 0] * rng.uniform(0.3, 0.9, (n // 4, 1))
    return np.concatenate([center - size / 2, center + size / 2], axis=2).astype("float32")


def names(*roots: str, **more) -> dict:
    """Return what the lesson defines of these names, and all that they use."""
    notebook = lesson_code.read(LESSON)
    space: dict = {}
    exec(lesson_code.imports(lesson_code.taught(notebook)), space)
    space |= more
    exec(lesson_code.needed(notebook, roots), space)
    return space


def lesson_losses() -> dict[str, list]:
    """Return the value and the gradient of each loss of the lesson, for all pairs."""
    import tensorflow as tf

    space = names("COORDINATES", "OVERLAPS")
    truth, box = (tf.constant(part) for part in boxes().swapaxes(0, 1))
    found = {}
    for name, loss in (space["COORDINATES"] | space["OVERLAPS"]).items():
        with tf.GradientTape() as tape:
            tape.watch(box)
            values = loss(truth, box)
        gradients = tape.gradient(values, box)
        found[name] = [values.numpy().tolist(), gradients.numpy().tolist()]
    return found


def torch_losses() -> dict[str, list]:
    """Return the same of torchvision's and PyTorch's losses."""
    import torch
    from torch.nn import functional
    from torchvision import ops

    truth, given = (torch.tensor(part) for part in boxes().swapaxes(0, 1))
    losses = {name: getattr(ops, function) for name, function in TORCH.items()}
    losses["1 − IoU"] = lambda a, b: 1 - ops.box_iou(a, b).diagonal()
    for name, loss in (
        ("L1", functional.l1_loss),
        ("L2", functional.mse_loss),
        ("smooth L1", lambda a, b, **how: functional.smooth_l1_loss(a, b, beta=0.1, **how)),
    ):
        losses[name] = lambda a, b, loss=loss: loss(a, b, reduction="none").mean(1)
    found = {}
    for name, loss in losses.items():
        box = given.clone().requires_grad_()
        values = loss(box, truth)
        (gradients,) = torch.autograd.grad(values.sum(), box)
        found[name] = [values.tolist(), gradients.tolist()]
    return found


def train_one_and_many() -> float:
    """Return how far a member that learns among others ends from where it ends alone."""
    import keras

    rng = np.random.default_rng(0)
    n, classes = 96, ["dog", "cat"]
    data = {
        "x": rng.normal(size=(n, 12)).astype("float32"),
        "labels": rng.integers(0, 2, n),
        "truth": np.sort(rng.uniform(size=(n, 2, 2)), axis=1).reshape(n, 4).astype("float32"),
        "train": np.arange(n) < 64,
        "val": np.arange(n) >= 64,
        "CLASSES": classes,
        "SEED": 0,
    }
    space = names("sweep", "both", **data)
    space["EPOCHS"] = 3
    keras.utils.set_random_seed(0)
    many, alone = space["build"](3), space["build"](1)
    alone.set_weights([part[1:2] for part in many.get_weights()])
    space["train_members"](many, space["weighted"](np.array([0.1, 10, 1000], "float32")))
    space["train_members"](alone, space["weighted"](np.array([10], "float32")))
    pairs = zip(many.get_weights(), alone.get_weights(), strict=True)
    return max(float(np.abs(a[1] - b[0]).max()) for a, b in pairs)


@pytest.fixture(scope="module")
def ours(in_keras):
    return in_keras(lesson_losses)


@pytest.fixture(scope="module")
def theirs(in_torch):
    return in_torch(torch_losses)


@pytest.mark.parametrize("name", ["L1", "L2", "smooth L1", "1 − IoU", *TORCH])
def test_losses_and_slopes_are_those_of_torchvision(ours, theirs, name):
    for mine, other in zip(ours[name], theirs[name], strict=True):
        assert np.abs(np.array(other)).max() > 0.1
        np.testing.assert_allclose(mine, other, rtol=2e-3, atol=2e-4)


def test_a_member_learns_as_if_it_were_alone(in_keras):
    assert in_keras(train_one_and_many) < 1e-4


def counting() -> list:
    """Return what the lesson's small functions of NumPy give."""
    space = names("pareto", "widening", "REACH", "LEVELS")
    numbers = [np.arange(1.0, n) for n in (100, 20, 6)]
    promised = [float(space["widening"](part)) for part in numbers]
    front = space["pareto"](some_scores()).tolist()
    return [front, promised, space["LEVELS"].tolist(), space["REACH"].tolist()]


def some_scores() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 6, (60, 2)) / 5


@pytest.fixture(scope="module")
def counted(in_keras):
    return in_keras(counting)


def test_the_front_is_that_of_brute_force(counted):
    scores = some_scores()
    for row, on_front in zip(scores, counted[0], strict=True):
        beaten = any((other >= row).all() and (other > row).any() for other in scores)
        assert on_front != beaten


def test_a_promise_counts_the_new_picture(counted):
    assert counted[1] == [90, 18, np.inf]  # of five pictures: no rank is high enough


def test_the_intervals_are_laplaces(counted):
    _, _, levels, reach = counted
    _, high = stats.laplace.interval(levels)
    np.testing.assert_allclose(reach, high)
