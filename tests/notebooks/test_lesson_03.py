"""What lesson 03 writes out by hand, against torchvision."""

from exercises.lesson_code import definitions, read

import numpy as np


def some_pairs() -> np.ndarray:
    """Return two lists of 500 cxcywh boxes, as fractions of a picture."""
    rng = np.random.default_rng(0)
    size = rng.uniform(0.05, 0.6, (2, 500, 2))
    return np.concatenate([rng.uniform(0.2, 0.8, (2, 500, 2)), size], axis=-1).astype("float32")


def by_the_lesson() -> list:
    """Return IoU, its loss and the loss of a box, as the lesson computes them."""
    lesson, pairs = {}, some_pairs()
    exec(definitions(read("03_keras_precomputed_features")), lesson)
    return [np.asarray(lesson[n](*pairs)).tolist() for n in ("iou", "giou_loss", "box_loss")]


def by_torchvision() -> list:
    """Return the same by torchvision."""
    import torch
    from torchvision import ops

    pairs = torch.from_numpy(some_pairs())
    corners = [ops.box_convert(boxes, "cxcywh", "xyxy") for boxes in pairs]
    iou, loss = ops.box_iou(*corners).diagonal(), ops.generalized_box_iou_loss(*corners)
    return [iou.tolist(), loss.tolist(), (loss + (pairs[0] - pairs[1]).abs().sum(1)).tolist()]


def test_iou_and_its_loss_agree_with_torchvision(in_keras, in_torch):
    ours, theirs = in_keras(by_the_lesson), in_torch(by_torchvision)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    touching = np.array(ours[0]) > 0
    assert 50 < touching.sum() < 450  # the pairs cover both cases
