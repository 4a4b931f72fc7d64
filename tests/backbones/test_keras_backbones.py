"""The backbones of Keras, built in the process for Keras."""

import json
from pathlib import Path

from coursekit import settings

import numpy as np
import pytest

from processes import error_of

LITE = "efficientnet_lite0"


def pictures(size: int = 256) -> np.ndarray:
    """Return two pictures of noise in large and in small."""
    rng = np.random.default_rng(3)
    large = rng.integers(0, 200, (2, 4, 4, 3)).repeat(size // 4, 1).repeat(size // 4, 2)
    return (large + rng.integers(0, 56, large.shape)).astype(np.uint8)


# what the process does


def look_at_default(backbones, scratch: Path) -> dict:
    """Return what the default backbone does with two pictures: with all its layers, with others."""
    whole = backbones.load(LITE)
    maps = whole.maps(pictures())
    np.savez(scratch / "keras.npz", **maps)
    turned = backbones.load(LITE, layers=[*whole.shapes][::-1])
    return {
        "shapes": [*whole.shapes.items()],
        "shapes of the maps": {layer: one.shape for layer, one in maps.items()},
        "dtypes": [str(one.dtype) for one in maps.values()],
        "size": whole.size,
        "largest": {layer: float(np.abs(one).max()) for layer, one in maps.items()},
        "pictures differ by": {k: float(np.abs(one[0] - one[1]).max()) for k, one in maps.items()},
        "turned": [*turned.shapes],
        "turned maps": {
            layer: float(np.abs(one - maps[layer]).max())
            for layer, one in turned.maps(pictures()).items()
        },
        "trainable": len(whole.model.trainable_weights),
        "identity": whole.identity,
        "other identities": [
            turned.identity,
            backbones.load(LITE, layers=["last"]).identity,
            backbones.load(LITE, weights=other_weights(scratch)).identity,
        ],
        "same identity": backbones.load(LITE).identity,
        "from settings": backbones.load().identity,
    }


def other_weights(scratch: Path) -> Path:
    """Return a file with the default's weights, one number of which is changed."""
    from backbones import weights

    from safetensors.numpy import load_file, save_file

    tensors = load_file(weights.resolve(LITE, (".safetensors",), "imagenet"))
    tensors["block_3.depthwise.bias"][7] += 0.01
    save_file(tensors, file := scratch / "other.safetensors")
    return file


def look_at_preprocessing(backbones, _scratch: Path) -> dict:
    """Return how far each backbone's preprocessing is from Keras's own, and from the formula."""
    from keras import applications

    class Nothing:
        """A network that gives back what it was given."""

        predict_on_batch = staticmethod(lambda x: x)

    mean = np.array([103.939, 116.779, 123.68])  # of ImageNet: blue, green, red
    formulas = {
        LITE: lambda x: x,  # it is scaled inside the network
        "mobilenet_v2": lambda x: x / 127.5 - 1,
        "resnet50": lambda x: x[..., ::-1] - mean,
        "vgg16": lambda x: x[..., ::-1] - mean,
    }
    answers = {}
    for name, recipe in backbones.RECIPES.items():
        x = pictures()
        output = backbones.Backbone(name, Nothing(), recipe.preprocess, {}, "").maps(x)
        keras_own = np.asarray
        if name != LITE:
            keras_own = getattr(applications, name).preprocess_input
        answers[name] = {
            "dtype": str(output.dtype),
            "keras": float(np.abs(output - keras_own(x.astype(np.float32))).max()),
            "formula": float(np.abs(output - formulas[name](x.astype(float))).max()),
            "picture left alone": bool((x == pictures()).all()),
        }
    return answers


def look_at_layers(backbones, scratch: Path) -> dict:
    """Return the shapes of each backbone, built with random weights, and of its maps."""
    from keras import Sequential, layers

    answers = {}
    for name, recipe in list(backbones.RECIPES.items()):
        network = recipe.build(weights=None)
        backbones.RECIPES[name] = recipe._replace(build=lambda weights, found=network: found)
        backbone = backbones.load(name, weights="imagenet")
        maps = backbone.maps(pictures(backbone.size))
        answers[name] = {
            "shapes": backbone.shapes,
            "shapes of the maps": {layer: one.shape for layer, one in maps.items()},
        }
        if name == "mobilenet_v2":
            network.save_weights(scratch / "mobilenet.weights.h5")
        flat = Sequential([layers.Input((8, 8, 3)), layers.Flatten(name="flat")])
        backbones.RECIPES[name] = recipe._replace(build=lambda weights, found=flat: found)
        answers[name]["flat"] = error_of(backbones.load, name, ["flat"], "imagenet")
        backbones.RECIPES[name] = recipe
    return answers


def look_at_files(backbones, scratch: Path) -> dict:
    """Return what comes of weight files that fit, do not fit, or are none."""

    def no_network(weights):
        raise Exception("URL fetch failure")

    for name in ("text.safetensors", "text.h5", "torch.pth"):
        (scratch / name).write_text("text")
    mobilenet = scratch / "mobilenet.weights.h5"
    fitting = backbones.load("mobilenet_v2", weights=mobilenet)
    recipe = backbones.RECIPES["vgg16"]
    backbones.RECIPES["vgg16"] = recipe._replace(build=no_network)
    offline = error_of(backbones.load, "vgg16", weights="imagenet")
    backbones.RECIPES["vgg16"] = recipe
    return {
        "same": fitting.identity == backbones.load("mobilenet_v2", weights=mobilenet).identity,
        "shapes": fitting.shapes,
        "offline": offline,
        "missing": error_of(backbones.load, LITE, weights=scratch / "none.safetensors"),
        "of PyTorch": error_of(backbones.load, "vgg16", weights=scratch / "torch.pth"),
        "of another": error_of(backbones.load, "resnet50", weights=mobilenet),
        "of Keras for the default": error_of(backbones.load, LITE, weights=mobilenet),
        "text for the default": error_of(
            backbones.load, LITE, weights=scratch / "text.safetensors"
        ),
        "text for Keras": error_of(backbones.load, "vgg16", weights=scratch / "text.h5"),
        "unknown layer": error_of(backbones.load, LITE, ["block_16"]),
    }


def look(scratch: Path) -> dict:
    """Return all answers; `scratch` is a folder for files."""
    from backbones import keras_backbones

    parts = {
        "default": look_at_default,
        "preprocessing": look_at_preprocessing,
        "layers": look_at_layers,
        "files": look_at_files,
    }
    return {name: look_at(keras_backbones, scratch) for name, look_at in parts.items()}


# the tests


@pytest.fixture(scope="module")
def answers(in_keras, tmp_path_factory) -> dict:
    unset = {"COURSEKIT_BACKBONE": None, "COURSEKIT_WEIGHTS": None}
    return in_keras(look, tmp_path_factory.mktemp("weights"), **unset)


def test_there_is_a_recipe_for_every_backbone(answers):
    assert [*answers["layers"]] == [*settings.BACKBONES]


def test_the_default_gives_a_map_for_each_layer(answers):
    found = answers["default"]
    assert found["size"] == 256 and found["trainable"] == 0
    assert found["shapes"] == [[layer, [*shape]] for layer, shape in SHAPES[LITE].items()]
    assert found["shapes of the maps"] == {k: [2, *shape] for k, shape in SHAPES[LITE].items()}
    assert found["dtypes"] == ["float32"] * 3
    for layer, largest in found["largest"].items():
        assert 0 < largest < 1000  # far from the end of float16
        assert found["pictures differ by"][layer] > 0.01 * largest


def test_the_order_of_the_layers_changes_no_map(answers):
    found = answers["default"]
    assert found["turned"] == [*SHAPES[LITE]][::-1]
    assert max(found["turned maps"].values()) <= 1e-5 * min(found["largest"].values())


def test_by_default_the_settings_decide(answers):
    assert answers["default"]["from settings"] == answers["default"]["identity"]


def test_the_identity_changes_with_the_weights_and_the_layers(answers):
    found = answers["default"]
    assert found["same identity"] == found["identity"]
    different = [found["identity"], *found["other identities"]]
    assert len({json.dumps(one, sort_keys=True) for one in different}) == 4


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_preprocessing_is_that_of_the_training(answers, name):
    found = answers["preprocessing"][name]
    assert found["keras"] == 0 and found["formula"] < 1e-4 and found["picture left alone"]
    assert found["dtype"] == "float32"


SHAPES = {
    LITE: {"block_10": (16, 16, 112), "block_14": (8, 8, 192), "last": (8, 8, 1280)},
    "mobilenet_v2": {"block_13_expand_relu": (14, 14, 576), "out_relu": (7, 7, 1280)},
    "resnet50": {"conv4_block6_out": (14, 14, 1024), "conv5_block3_out": (7, 7, 2048)},
    "vgg16": {"block4_conv3": (28, 28, 512), "block5_conv3": (14, 14, 512)},
}


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_default_layers_exist(answers, name):
    found = answers["layers"][name]
    assert found["shapes"] == {layer: [*shape] for layer, shape in SHAPES[name].items()}
    batch = {layer: [2, *shape] for layer, shape in SHAPES[name].items()}
    assert found["shapes of the maps"] == batch


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_a_layer_without_cells_is_refused(answers, name):
    words = answers["layers"][name]["flat"]
    assert words == "ValueError: The output of flat is not a map: its shape is (None, 192)."


def test_an_unknown_layer_is_named_with_others_that_would_do(answers):
    words = answers["files"]["unknown layer"]
    assert words.startswith("ValueError: No such layer: block_16. Existing layers are: ")
    assert "'block_15'" in words


def test_a_weight_file_of_ones_own_is_taken(answers):
    assert answers["files"]["same"]
    assert answers["files"]["shapes"] == answers["layers"]["mobilenet_v2"]["shapes"]


def test_a_missing_weight_file_is_named(answers):
    words = answers["files"]["missing"]
    assert words.startswith("FileNotFoundError: There is no weight file ")
    assert "none.safetensors. Correct COURSEKIT_WEIGHTS" in words


@pytest.mark.parametrize(
    "case, file, name",
    [
        ("of another", "mobilenet.weights.h5", "resnet50"),
        ("of Keras for the default", "mobilenet.weights.h5", LITE),
        ("text for the default", "text.safetensors", LITE),
        ("text for Keras", "text.h5", "vgg16"),
    ],
)
def test_a_wrong_weight_file_is_named(answers, case, file, name):
    words = answers["files"][case]
    assert words.startswith("ValueError: "), words
    assert f"{file} does not hold the weights of {name}: " in words


def test_a_file_of_pytorch_is_refused_with_what_to_do(answers):
    words = answers["files"]["of PyTorch"]
    assert words.startswith("ValueError: ") and "torch.pth is not a weight file of this" in words
    assert "--weights for_keras.h5 --weights for_torch.pth" in words


def test_without_a_network_the_ways_out_are_named(answers):
    words = answers["files"]["offline"]
    assert words.startswith("OSError: The weights of vgg16 cannot be downloaded: URL")
    assert "COURSEKIT_WEIGHTS" in words and f"COURSEKIT_BACKBONE={LITE}" in words


def look_at_real_weights(weights: Path, pictures: Path) -> dict:
    """Return what the real weights make of a few photographs, and of a narrower network's."""
    from backbones import keras_backbones as backbones
    from coursekit.pictures import read_picture

    narrow, wide = (weights / f"keras_mobilenet_v2_{w}_224_no_top.h5" for w in ("0.35", "1.00"))
    x = np.stack([read_picture(file, 224) for file in sorted(pictures.glob("*.jpg"))[:4]])
    maps = backbones.load("mobilenet_v2", weights=wide).maps(x)["out_relu"]
    return {
        "shape": maps.shape,
        "largest": float(maps.max()),
        "spread": float(maps.std(0).mean() / maps.mean()),
        "narrow": error_of(backbones.load, "mobilenet_v2", weights=narrow),
    }


@pytest.mark.real
def test_real_imagenet_weights_load_from_a_file(in_keras, sample):
    weights = sample.parents[1] / "weights"
    found = in_keras(look_at_real_weights, weights, sample / "JPEGImages")
    assert found["shape"] == [4, *SHAPES["mobilenet_v2"]["out_relu"]]
    assert 1 < found["largest"] < 1000 and found["spread"] > 0.1
    assert "does not hold the weights of mobilenet_v2" in found["narrow"]
