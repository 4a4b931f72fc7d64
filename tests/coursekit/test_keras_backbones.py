"""The backbones of Keras, built in the process for Keras."""

import json
from pathlib import Path

import tiny
from coursekit import settings

import numpy as np
import pytest

SIZE, MAPS = 224, 7


def pictures() -> np.ndarray:
    """Return two pictures of noise."""
    return np.random.default_rng(3).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)


# what the process does


def error_of(call, *arguments, **options) -> str:
    """Return the kind and the words of the error that a call raises."""
    try:
        call(*arguments, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def look_at_tiny(backbones, scratch: Path) -> dict:
    """Return what `tiny` does with two pictures: with both its layers, with each, and before."""
    from tiny import in_keras

    import keras

    both = backbones.load("tiny")
    maps = both(pictures())
    alone = {name: backbones.load("tiny", layers=[name]) for name in both.channels}
    network = in_keras.build()
    x = pictures().astype(np.float32) / 127.5 - 1
    raw = keras.Model(network.input, network.get_layer("stage_4").output).predict_on_batch(x)
    averaged = raw.reshape(2, MAPS, 2, MAPS, 2, -1).mean((2, 4))
    turned = backbones.load("tiny", layers=[*both.channels][::-1])
    return {
        "shape": maps.shape,
        "promised shape": both.shape,
        "dtype": str(maps.dtype),
        "channels": {name: [one.start, one.stop] for name, one in both.channels.items()},
        "alone": {
            name: float(np.abs(one(pictures()) - maps[..., both.channels[name]]).max())
            for name, one in alone.items()
        },
        "raw shape": raw.shape,
        "averaging": float(np.abs(averaged - maps[..., both.channels["stage_4"]]).max()),
        "largest": float(maps.max()),
        "pictures differ by": float(np.abs(maps[0] - maps[1]).max()),
        "trainable": len(both.model.trainable_weights),
        "identity": both.identity,
        "other identities": [
            alone["stage_5"].identity,
            turned.identity,
            backbones.load("tiny", weights=other_weights(scratch)).identity,
        ],
        "same identity": backbones.load("tiny").identity,
        "from settings": backbones.load().identity,
    }


def other_weights(scratch: Path) -> str:
    """Return a file with `tiny`'s weights, one number of which is another one."""
    from safetensors.numpy import save_file

    weights = tiny.load_weights()
    weights["stage_3.refine.norm.bias"][7] += 0.01
    save_file(weights, file := str(scratch / "other.safetensors"))
    return file


def look_at_preprocessing(backbones, _scratch: Path) -> dict:
    """Return how far each backbone's preprocessing is from Keras's own, and from the formula."""
    from keras import applications

    class Nothing:
        """A network that gives back what it was given."""

        predict_on_batch = staticmethod(lambda x: x)

    mean = np.array([103.939, 116.779, 123.68])  # of ImageNet: blue, green, red
    formulas = {
        "mobilenet_v2": lambda x: x / 127.5 - 1,
        "resnet50": lambda x: x[..., ::-1] - mean,
        "vgg16": lambda x: x[..., ::-1] - mean,
    }
    answers = {}
    for name, recipe in backbones.RECIPES.items():
        x = pictures()
        found = backbones.Backbone(name, Nothing(), recipe.preprocess, {})(x)
        module = "mobilenet_v2" if name == "tiny" else name
        keras_own = getattr(applications, module).preprocess_input(pictures().astype(np.float32))
        answers[name] = {
            "keras": float(np.abs(found - keras_own).max()),
            "formula": float(np.abs(found - formulas[module](pictures().astype(float))).max()),
            "picture left alone": bool((x == pictures()).all()),
        }
    return answers


def look_at_layers(backbones, scratch: Path) -> dict:
    """Return the shape and the channels of each backbone, built with random weights."""
    answers = {}
    for name, recipe in list(backbones.RECIPES.items()):
        network = recipe.build(weights=None)
        backbones.RECIPES[name] = recipe._replace(build=lambda weights, found=network: found)
        backbone = backbones.load(name, weights="imagenet")
        channels = {layer: one.stop - one.start for layer, one in backbone.channels.items()}
        answers[name] = {"shape": backbone.shape, "channels": channels}
        if name == "mobilenet_v2":
            answers["padded"] = error_of(backbones.load, name, ["block_1_pad"], "imagenet")
            network.save_weights(scratch / "mobilenet.weights.h5")
        backbones.RECIPES[name] = recipe
    return answers


def look_at_files(backbones, scratch: Path) -> dict:
    """Return what comes of weight files that fit, do not fit, or are none."""

    def no_network(weights):
        raise Exception("URL fetch failure")

    (scratch / "text.safetensors").write_text("text")
    (scratch / "text.h5").write_text("text")
    mobilenet = scratch / "mobilenet.weights.h5"
    fitting = backbones.load("mobilenet_v2", weights=mobilenet)
    recipe = backbones.RECIPES["vgg16"]
    backbones.RECIPES["vgg16"] = recipe._replace(build=no_network)
    offline = error_of(backbones.load, "vgg16", weights="imagenet")
    backbones.RECIPES["vgg16"] = recipe
    return {
        "same": fitting.identity == backbones.load("mobilenet_v2", weights=mobilenet).identity,
        "shape": fitting(pictures()).shape,
        "offline": offline,
        "missing": error_of(backbones.load, "tiny", weights=scratch / "none.safetensors"),
        "of another": error_of(backbones.load, "resnet50", weights=mobilenet),
        "of Keras for tiny": error_of(backbones.load, "tiny", weights=mobilenet),
        "text for tiny": error_of(backbones.load, "tiny", weights=scratch / "text.safetensors"),
        "text for Keras": error_of(backbones.load, "vgg16", weights=scratch / "text.h5"),
        "unknown layer": error_of(backbones.load, "tiny", ["stage_6"]),
        "unknown name": error_of(backbones.load, "alexnet"),
    }


def look(scratch: Path) -> dict:
    """Return all answers; `scratch` is a folder for files."""
    from coursekit import keras_backbones

    parts = {
        "tiny": look_at_tiny,
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
    assert [name for name in answers["layers"] if name != "padded"] == [*settings.BACKBONES]


def test_tiny_gives_maps_of_7_by_7(answers):
    found = answers["tiny"]
    assert found["shape"] == [2, MAPS, MAPS, 288] and found["promised shape"] == [MAPS, MAPS, 288]
    assert found["dtype"] == "float32"
    assert 0 < found["largest"] < 1000  # far from the end of float16
    assert found["pictures differ by"] > 0.01 * found["largest"]
    assert found["trainable"] == 0


def test_two_layers_lie_one_after_the_other(answers):
    found = answers["tiny"]
    assert found["channels"] == {"stage_4": [0, 128], "stage_5": [128, 288]}
    for difference in found["alone"].values():
        assert difference <= 1e-6 * found["largest"]


def test_more_than_7_by_7_cells_are_averaged(answers):
    found = answers["tiny"]
    assert found["raw shape"] == [2, 14, 14, 128]
    assert found["averaging"] <= 1e-5 * found["largest"]


def test_by_default_the_settings_decide(answers):
    assert answers["tiny"]["from settings"] == answers["tiny"]["identity"]


def test_the_identity_changes_with_the_weights_and_the_layers(answers):
    found = answers["tiny"]
    assert found["same identity"] == found["identity"]
    different = [found["identity"], *found["other identities"]]
    assert len({json.dumps(one, sort_keys=True) for one in different}) == 4


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_preprocessing_is_that_of_the_training(answers, name):
    found = answers["preprocessing"][name]
    assert found["keras"] == 0 and found["formula"] < 1e-4 and found["picture left alone"]


CHANNELS = {
    "tiny": {"stage_4": 128, "stage_5": 160},
    "mobilenet_v2": {"block_13_expand_relu": 576, "out_relu": 1280},
    "resnet50": {"conv4_block6_out": 1024, "conv5_block3_out": 2048},
    "vgg16": {"block4_conv3": 512, "block5_conv3": 512},
}


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_default_layers_exist(answers, name):
    found = answers["layers"][name]
    assert found["channels"] == CHANNELS[name]
    assert found["shape"] == [MAPS, MAPS, sum(CHANNELS[name].values())]


def test_a_layer_that_cannot_be_cut_into_cells_is_refused(answers):
    words = answers["layers"]["padded"]
    assert words == "ValueError: An output of 113 × 113 cells cannot be averaged to 7 × 7."


def test_an_unknown_layer_is_named_with_others_that_would_do(answers):
    words = answers["files"]["unknown layer"]
    assert words.startswith("ValueError: No such layer: stage_6. Existing layers are: ")
    assert "stage_5.reduce.norm" in words


def test_a_weight_file_of_ones_own_is_taken(answers):
    assert answers["files"]["same"]
    assert answers["files"]["shape"] == [2, MAPS, MAPS, 576 + 1280]


def test_a_missing_weight_file_is_named(answers):
    words = answers["files"]["missing"]
    assert words.startswith("FileNotFoundError: There is no weight file ")
    assert "none.safetensors. Correct COURSEKIT_WEIGHTS" in words


@pytest.mark.parametrize(
    "case, file, name",
    [
        ("of another", "mobilenet.weights.h5", "resnet50"),
        ("of Keras for tiny", "mobilenet.weights.h5", "tiny"),
        ("text for tiny", "text.safetensors", "tiny"),
        ("text for Keras", "text.h5", "vgg16"),
    ],
)
def test_a_wrong_weight_file_is_named(answers, case, file, name):
    words = answers["files"][case]
    assert words.startswith("ValueError: "), words
    assert f"{file} does not hold the weights of {name}: " in words


def test_without_a_network_the_ways_out_are_named(answers):
    words = answers["files"]["offline"]
    assert words.startswith("OSError: The weights of vgg16 cannot be downloaded: URL")
    assert "COURSEKIT_WEIGHTS" in words and "COURSEKIT_BACKBONE=tiny" in words


def look_at_real_weights(weights: Path, pictures: Path) -> dict:
    """Return what the real weights make of a few photographs, and of a narrower network's."""
    from coursekit import keras_backbones as backbones
    from coursekit.features import read_image

    narrow, wide = (weights / f"keras_mobilenet_v2_{w}_224_no_top.h5" for w in ("0.35", "1.00"))
    x = np.stack([read_image(file, SIZE) for file in sorted(pictures.glob("*.jpg"))[:4]])
    maps = backbones.load("mobilenet_v2", weights=wide)(x)
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
    assert found["shape"] == [4, MAPS, MAPS, sum(CHANNELS["mobilenet_v2"].values())]
    assert 1 < found["largest"] < 1000 and found["spread"] > 0.1
    assert "does not hold the weights of mobilenet_v2" in found["narrow"]
