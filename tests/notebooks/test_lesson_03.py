"""What lesson 03 writes out by hand, against torchvision and against its definition."""

from types import SimpleNamespace

from exercises.lesson_code import definitions, read

import numpy as np


def some_pairs() -> np.ndarray:
    """Return two lists of 500 cxcywh boxes, as fractions of a picture."""
    rng = np.random.default_rng(0)
    size = rng.uniform(0.05, 0.6, (2, 500, 2))
    return np.concatenate([rng.uniform(0.2, 0.8, (2, 500, 2)), size], axis=-1).astype("float32")


def lesson_with(**data) -> dict:
    """Return what the lesson defines, beside data that it computes itself."""
    exec(definitions(read("03_keras_precomputed_features")), data)
    return data


def by_the_lesson() -> list:
    """Return IoU, its loss and the loss of a box, as the lesson computes them."""
    lesson, pairs = lesson_with(), some_pairs()
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


SPLIT = np.arange(40) < 30
Y = np.random.default_rng(1).random((40, 7)).astype("float32")  # 3 classes and a box
CELLS = np.random.default_rng(2).random((40, 2, 3, 5)).astype("float32")


def by_the_probe() -> list:
    """Return the classes and the boxes of the lesson's linear probe, side by side."""
    lesson = lesson_with(names=Y[:, :3], targets=Y[:, 3:], CLASSES=["cat", "cow", "dog"])
    return np.hstack(lesson["probe"](CELLS, SPLIT, ~SPLIT)).tolist()


def test_the_probe_is_ridge_regression(in_keras):
    x = CELLS.reshape(40, 30).astype(float)
    x = (x - x[SPLIT].mean(0)) / (x[SPLIT].std(0) + 0.1 * x[SPLIT].std(0).mean())
    learn, y, mean = x[SPLIT], Y[SPLIT], Y[SPLIT].mean(0)
    penalty = 0.3 * (learn**2).sum() / len(learn) * np.eye(30)
    weights = np.linalg.solve(learn.T @ learn + penalty, learn.T @ (y - mean))
    np.testing.assert_allclose(in_keras(by_the_probe), x[~SPLIT] @ weights + mean, atol=1e-5)


def mirrored_batches(share: float) -> list:
    """Return a batch of four pictures, mirrored or not: map, averages and boxes, by picture."""
    lesson = lesson_with(names=np.eye(4), targets=Y[:4, 3:] * 100, SIZE=100)
    x = {"block": CELLS[:4], "last": CELLS[:4, 0, 0]}
    maps, truth = lesson["Mirrored"](x, np.ones(4, bool), 0, share)[0]
    order = np.argsort(truth["class"] @ np.arange(4))
    return [a[order].tolist() for a in (maps["block"], maps["last"], truth["box"])]


def test_maps_and_boxes_are_mirrored_and_averages_are_not(in_keras):
    for share, step in ((0.0, 1), (1.0, -1)):
        block, last, boxes = in_keras(mirrored_batches, share)
        np.testing.assert_array_equal(np.float32(block), CELLS[:4, :, ::step])
        np.testing.assert_array_equal(np.float32(last), CELLS[:4, 0, 0])
        center = Y[:4, 3] if step == 1 else 1 - Y[:4, 3]
        np.testing.assert_allclose(boxes, np.c_[center, Y[:4, 4:]], atol=1e-6)


def lost_by_the_grown_head() -> list[float]:
    """Return the loss of the head that grows on a classifier, twice: by Keras, and added up."""
    lesson = lesson_with(CLASSES=["cat", "cow", "dog"])
    keras, labels = lesson["keras"], np.argmax(Y[:, :3], axis=1)
    grown = lesson["grown_head"]((2, 3, 5), 3)
    lesson["compile_grown"](grown)
    truth = {"class": labels, "box": Y[:, 3:]}
    losses = grown.evaluate(CELLS, truth, batch_size=40, verbose=0, return_dict=True)
    out, kernel = grown(CELLS), grown.get_layer("dense_class").get_weights()[0]
    named = keras.losses.categorical_crossentropy(np.eye(3)[labels], out["class"])
    box = np.square(Y[:, 3:] - np.asarray(out["box"])).mean()
    parts = float(np.mean(named)), 10 * float(box), 0.01 * float(np.sum(kernel**2))
    assert min(parts) > 1e-3  # each counts
    return [losses["loss"], sum(parts), losses["class_loss"], parts[0]]


def test_the_loss_of_the_grown_head_is_its_parts_and_the_penalty(in_keras):
    loss, parts, sparse, one_hot = in_keras(lost_by_the_grown_head)
    np.testing.assert_allclose([loss, sparse], [parts, one_hot], rtol=1e-4)


def lost_by_the_pooled_head() -> list[float]:
    """Return the loss of the pooled head, twice: by Keras, and added up."""
    lesson = lesson_with(CLASSES=["cat", "cow", "dog"])
    pooled = lesson["pooled_head"]((2, 3, 5))
    lesson["compile_heads"](pooled, 0.3)
    truth = {"class": np.eye(3)[np.argmax(Y[:, :3], axis=1)], "box": Y[:, 3:]}
    losses = pooled.evaluate(CELLS, truth, batch_size=40, verbose=0, return_dict=True)
    kernel, bias = lesson["one_layer"](pooled)
    shares = lesson["metrics"].softmax(CELLS.mean(axis=(1, 2)) @ kernel + bias)
    away = float(np.abs(shares - np.asarray(pooled(CELLS)["class"])).max())
    spread = float(shares.std())
    return [losses["loss"], losses["class_loss"] + 0.3 * losses["box_loss"], away, spread]


def test_the_loss_of_the_pooled_head_is_weighted_and_its_two_layers_are_one(in_keras):
    loss, parts, away, spread = in_keras(lost_by_the_pooled_head)
    assert abs(loss - parts) < 1e-5
    assert away < 1e-5 < 1e-3 < spread


def batches_from_files() -> list:
    """Return pictures, labels and boxes of each batch of a data set of five pictures."""
    import pandas as pd

    images = pd.DataFrame({"label": [0, 1, 2, 1, 0, 2]})
    lesson = lesson_with(
        images=images, targets=Y[:6, 3:] * 100, SIZE=100, backbone=SimpleNamespace()
    )
    lesson["load_squares"] = lambda table: table.index.to_numpy()[:, None]
    lesson["backbone"].preprocess = lambda pictures: pictures * 2
    data = lesson["PictureFiles"](np.array([5, 3, 0, 1, 2]), batch_size=2)
    batches = [data[number] for number in range(len(data))]
    return [[x.tolist(), *(truth[k].tolist() for k in truth)] for x, truth in batches]


def test_pictures_from_files_come_with_their_labels_and_boxes(in_keras):
    batches = in_keras(batches_from_files)
    assert [x for x, *_ in batches] == [[[10], [6]], [[0], [2]], [[4]]]
    assert [labels for _, labels, _ in batches] == [[2, 1], [0, 1], [2]]
    boxes = np.concatenate([boxes for *_, boxes in batches])
    np.testing.assert_allclose(boxes, Y[[5, 3, 0, 1, 2], 3:], atol=1e-6)
