"""Keras, PyTorch and the unfolded network compute the same, each in its own process."""

from pathlib import Path

import efficientnet
from coursekit import voc
from coursekit.pictures import read_picture
from efficientnet import LAYERS, converting
from minivoc import CLASSES

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from processes import error_of

HALVING = {1, 3, 5, 11}  # the blocks with stride 2
CHANNELS = (16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320, 1280)
CELLS = {224: 7, 256: 8, 320: 10, 193: 7}  # 193 is odd, and so is each half of it, rounded up
SIDES = (*CELLS,)
DOGS, CATS = range(151, 269), range(281, 286)  # among ImageNet's classes


def pictures(side: int) -> np.ndarray:
    """Return two pictures of colored spots, uint8, RGB."""
    cells = -(-side // 8)
    small = np.random.default_rng(side).integers(0, 256, (2, cells, cells, 3), dtype=np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)[:, :side, :side]


# what the process for Keras does


def ask_keras(weights: Path, wrong: dict[str, Path], folder: Path) -> dict:
    """Write what each layer makes of the pictures, and the logits."""
    from efficientnet import in_keras

    import keras

    for side in SIDES:
        network = in_keras.build(weights, classify=True, size=side)
        outputs = [network.get_layer(name).output for name in LAYERS]
        model = keras.Model(network.input, [*outputs, network.output])
        answers = model.predict_on_batch(pictures(side).astype(np.float32))
        np.savez(folder / f"{side}.npz", **dict(zip([*LAYERS, "logits"], answers, strict=True)))
    bare = in_keras.build(weights)
    return {
        "parameters": [bare.count_params(), network.count_params()],
        "default output": bare.output_shape,
        "random": float(np.abs(in_keras.build().get_layer("last").get_weights()[0]).max()),
        "errors": {name: error_of(in_keras.build, file) for name, file in wrong.items()},
    }


def top_classes(weights: Path, files: list[str]) -> list[int]:
    """Return the most likely of ImageNet's classes for each photograph."""
    from efficientnet import in_keras

    network = in_keras.build(weights, classify=True, size=224)
    classes = []
    for start in range(0, len(files), 32):
        batch = np.stack([read_picture(file, 224) for file in files[start : start + 32]])
        logits = network.predict_on_batch(batch.astype(np.float32))
        classes += logits.argmax(axis=1).tolist()
    return classes


# what the process for PyTorch does


def ask_torch(weights: Path, wrong: dict[str, Path], folder: Path) -> dict:
    """Write what each layer makes of the pictures, with and without folding."""
    from efficientnet import in_torch

    import torch
    from torchvision.models.feature_extraction import create_feature_extractor

    extractor = create_feature_extractor(in_torch.build(weights), list(LAYERS))
    classifier = in_torch.build(weights, classify=True)
    state = torch.load(converting.source(), weights_only=True)
    for side in SIDES:
        x = torch.from_numpy(pictures(side)).permute(0, 3, 1, 2)
        x = (x.float() - efficientnet.MEAN) / efficientnet.DEVIATION
        with torch.no_grad():
            folded = extractor(x) | {"logits": classifier(x)}
            original = unfolded(state, x)
        for name, maps in {"folded": folded, "unfolded": original}.items():
            np.savez(
                folder / f"{name}_{side}.npz", **{n: channels_last(m) for n, m in maps.items()}
            )
    return {
        "names": [name for name, _ in extractor.named_parameters()],
        "errors": {name: error_of(in_torch.build, file) for name, file in wrong.items()},
    }


def channels_last(maps) -> np.ndarray:
    """Return maps as Keras orders the axes, and logits as they are."""
    return np.moveaxis(maps.numpy(), 1, -1)


def unfolded(state: dict, x) -> dict:
    """Return the output of each layer of the network as it was published.

    It reads the structure from the shapes of the weights, and knows only the strides.
    """
    import torch
    from torch.nn.functional import batch_norm, conv2d, linear, pad, relu6

    def convolve(x, name: str, norm: str, stride: int = 1):
        weight = state[f"{name}.weight"]
        kernel = weight.shape[-1]
        around = []
        for side in (x.shape[3], x.shape[2]):  # TensorFlow's "same", the last axis first
            missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            around += [missing // 2, missing - missing // 2]
        groups = x.shape[1] // weight.shape[1]
        x = conv2d(pad(x, around), weight, stride=stride, groups=groups)
        gamma, beta, mean, variance = (
            state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return batch_norm(x, mean, variance, gamma, beta, eps=0.001)

    outputs = {}
    x = relu6(convolve(x, "_conv_stem", "_bn0", 2))
    for number in range(16):
        block, before = f"_blocks.{number}", x
        if f"{block}._expand_conv.weight" in state:
            x = relu6(convolve(x, f"{block}._expand_conv", f"{block}._bn0"))
        stride = 2 if number in HALVING else 1
        x = relu6(convolve(x, f"{block}._depthwise_conv", f"{block}._bn1", stride))
        x = convolve(x, f"{block}._project_conv", f"{block}._bn2")
        x = x + before if x.shape == before.shape else x
        outputs[f"block_{number}"] = x
    outputs["last"] = relu6(convolve(x, "_conv_head", "_bn1"))
    pooled = torch.mean(outputs["last"], dim=(2, 3))
    return outputs | {"logits": linear(pooled, state["_fc.weight"], state["_fc.bias"])}


# what they are asked


@pytest.fixture(scope="module")
def wrong(weights, tmp_path_factory) -> dict[str, Path]:
    """Files that do not hold the weights."""
    folder, tensors = tmp_path_factory.mktemp("wrong"), load_file(weights)
    bias = tensors.pop("block_3.expand.bias")
    save_file(tensors, folder / "lacking.safetensors")
    save_file(tensors | {"block_3.expand.bias": bias[1:]}, folder / "short.safetensors")
    return {name: folder / f"{name}.safetensors" for name in ("lacking", "short")}


@pytest.fixture(scope="module")
def keras(in_keras, weights, wrong, tmp_path_factory) -> dict:
    """What Keras says, and under `maps` what it computes, by the side of the pictures."""
    folder = tmp_path_factory.mktemp("keras")
    answer = in_keras(ask_keras, weights, wrong, folder)
    return answer | {"maps": {side: dict(np.load(folder / f"{side}.npz")) for side in SIDES}}


@pytest.fixture(scope="module")
def torch(in_torch, weights, wrong, tmp_path_factory) -> dict:
    """What PyTorch says, and what it computes with and without folding."""
    folder = tmp_path_factory.mktemp("torch")
    answer = in_torch(ask_torch, weights, wrong, folder)
    for name in ("folded", "unfolded"):
        answer[name] = {side: dict(np.load(folder / f"{name}_{side}.npz")) for side in SIDES}
    return answer


def assert_equal(one: np.ndarray, other: np.ndarray) -> None:
    """Assert that two outputs differ by less than 1e-4 of the largest activation."""
    assert one.shape == other.shape
    assert np.ptp(other) > 0.1
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * np.abs(other).max())


def test_the_table_has_sixteen_blocks():
    blocks = efficientnet.blocks()
    assert {number for number, block in enumerate(blocks) if block.stride == 2} == HALVING
    assert (*(block.outputs for block in blocks), efficientnet.LAST) == CHANNELS
    inputs = (efficientnet.STEM, *CHANNELS[:-2])
    assert tuple(block.inputs for block in blocks) == inputs
    assert len(LAYERS) == 17 and LAYERS[-2:] == ("block_15", "last")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("layer", [*LAYERS, "logits"])
def test_folding_changes_nothing(torch, layer, side):
    assert_equal(torch["folded"][side][layer], torch["unfolded"][side][layer])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("layer", [*LAYERS, "logits"])
def test_keras_and_pytorch_compute_the_same(keras, torch, layer, side):
    assert_equal(keras["maps"][side][layer], torch["folded"][side][layer])


@pytest.mark.parametrize("side", SIDES)
def test_each_layer_has_its_shape(keras, side):
    maps = keras["maps"][side]
    assert tuple(maps[layer].shape[-1] for layer in LAYERS) == CHANNELS
    assert maps["last"].shape == (2, CELLS[side], CELLS[side], 1280)
    assert maps["logits"].shape == (2, 1000)


def test_the_default_takes_the_pictures_of_the_course(keras):
    cells = efficientnet.SIZE // 32
    assert keras["default output"] == [None, cells, cells, 1280]


def test_the_network_has_no_weight_that_the_file_lacks(keras):
    classifier = 1280 * 1000 + 1000
    bare, whole = keras["parameters"]
    assert whole - bare == classifier and bare == 3_350_000


def test_pytorch_names_its_weights_as_the_file_does(torch, weights):
    names = {name for name in load_file(weights) if not name.startswith("classify.")}
    assert {*torch["names"]} == names


def test_without_weights_they_are_random(keras):
    assert 0 < keras["random"] < 0.1


def test_a_file_with_other_weights_is_refused(keras, torch):
    assert keras["errors"]["lacking"].startswith("ValueError: ")
    assert "lacks block_3.expand.weight or block_3.expand.bias" in keras["errors"]["lacking"]
    assert keras["errors"]["short"].startswith("ValueError: ")
    for name in ("lacking", "short"):
        assert torch["errors"][name].startswith("RuntimeError: ")
        assert "block_3.expand.bias" in torch["errors"][name]


@pytest.mark.real
@pytest.mark.parametrize(("name", "classes", "expected"), [("dog", DOGS, 178), ("cat", CATS, 99)])
def test_photographs_are_recognized_as_the_original_does(
    in_keras, weights, sample, name, classes, expected
):
    table = voc.single_object(voc.load_annotations(sample), CLASSES)
    files = [str(sample / "JPEGImages" / f) for f in table.loc[table["name"] == name, "filename"]]
    answers = in_keras(top_classes, weights, files)
    assert abs(sum(answer in classes for answer in answers) - expected) <= 3
