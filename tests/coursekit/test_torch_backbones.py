"""The backbones of PyTorch, built in the process for PyTorch."""

import os
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from coursekit import settings

import numpy as np
import pytest
from test_keras_backbones import error_of, pictures

MAPS = 7


# what the process does


def tensor(images: np.ndarray):
    """Return uint8 pictures as a backbone of PyTorch wants them."""
    import torch

    return torch.from_numpy(images).permute(0, 3, 1, 2) / 255


def to_numpy(maps) -> np.ndarray:
    """Return maps of PyTorch with the axes in Keras' order."""
    return maps.detach().permute(0, 2, 3, 1).numpy()


def apart(a, b) -> float:
    """Return the largest difference of two tensors."""
    return float((a - b).abs().max())


def look_at_tiny(backbones, scratch: Path) -> dict:
    """Return what `tiny` does with two pictures: with both its layers, with each, and before."""
    from tiny import in_torch

    x = tensor(pictures())
    both = backbones.load("tiny")
    turned = backbones.load("tiny", layers=[*both.channels][::-1])
    maps, turned_maps = both(x), turned(x)
    np.save(scratch / "torch.npy", to_numpy(maps))
    raw = in_torch.build().eval()[:4](2 * x - 1)
    averaged = raw.unflatten(2, (MAPS, 2)).unflatten(4, (MAPS, 2)).mean((3, 5))
    found = {
        "shape": maps.shape,
        "dtype": str(maps.dtype),
        "largest": float(maps.max()),
        "channels": {name: [one.start, one.stop] for name, one in both.channels.items()},
        "turned": {name: [one.start, one.stop] for name, one in turned.channels.items()},
        "alone": {},
        "raw shape": raw.shape,
        "averaging": apart(averaged, maps[:, both.channels["stage_4"]]),
        "from settings": apart(backbones.load()(x), maps),
        "training": backbones.load("tiny").train()(x).sub(maps).abs().max().item(),
    }
    for name, one in both.channels.items():
        alone = backbones.load("tiny", layers=[name])(x)
        others = maps[:, one], turned_maps[:, turned.channels[name]]
        found["alone"][name] = [apart(alone, other) for other in others]
    return found


def look_at_scales(backbones, _scratch: Path) -> dict:
    """Return how far each backbone's scaling is from that of torchvision's own weights."""
    from torch import nn
    from torchvision.models import ResNet50_Weights
    from torchvision.transforms.v2.functional import normalize

    published = ResNet50_Weights.IMAGENET1K_V1.transforms()
    x, cells, answers = tensor(pictures()), nn.AvgPool2d(32), {}
    for name, recipe in backbones.RECIPES.items():
        backbone = backbones.Backbone(name, nn.Sequential(nn.Identity()), ["0"], recipe.scale)
        wanted = (published.mean, published.std) if name != "tiny" else ([0.5] * 3, [0.5] * 3)
        answers[name] = apart(backbone(x), cells(normalize(x, *wanted)))
    return answers


def look_at_training(backbones, _scratch: Path) -> dict:
    """Return what a step of training changes in `tiny`."""
    import torch
    from torch import nn

    backbone = backbones.load("tiny").train()
    before = {name: one.clone() for name, one in backbone.state_dict().items()}
    optimizer = torch.optim.SGD(backbone.parameters(), 0.01)
    backbone(tensor(pictures())).square().mean().backward()
    gradients = {name: one.grad for name, one in backbone.named_parameters()}
    optimizer.step()
    after = backbone.state_dict()
    norms = [one for one in backbone.modules() if isinstance(one, nn.BatchNorm2d)]
    statistics = [name for name in after if "running" in name or "tracked" in name]
    weights = [name for name in after if name in gradients]
    return {
        "training": backbone.training,
        "norms": len(norms),
        "norms in training": sum(one.training for one in norms),
        "without gradient": [k for k, one in gradients.items() if one is None or not one.any()],
        "statistics": len(statistics),
        "changed statistics": [k for k in statistics if not torch.equal(before[k], after[k])],
        "weights": len(weights),
        "changed weights": sum(not torch.equal(before[k], after[k]) for k in weights),
    }


def look_at_layers(backbones, scratch: Path) -> dict:
    """Return the shape and the channels of each backbone, built with random weights."""
    import torch
    from safetensors.torch import save_file

    answers = {}
    for name, recipe in backbones.RECIPES.items():
        network = recipe.build(weights=None)
        backbone = backbones.Backbone(name, network, recipe.layers)
        with torch.no_grad():
            shape = backbone(tensor(pictures()[:1])).shape
        channels = {layer: one.stop - one.start for layer, one in backbone.channels.items()}
        answers[name] = {"shape": shape, "channels": channels}
        if name == "resnet50":
            for layer in ("avgpool", "fc"):
                answers[layer] = error_of(backbones.Backbone, name, network, [layer])
        if name == "mobilenet_v2":
            torch.save(network.state_dict(), scratch / "whole.pth")
            save_file(network.state_dict(), scratch / "whole.safetensors")
    return answers


def look_at_files(backbones, scratch: Path) -> dict:
    """Return what comes of weight files that fit, do not fit, or are none."""
    import torch
    from tiny import in_torch

    x = tensor(pictures()[:1])
    whole, tensors = scratch / "whole.pth", scratch / "whole.safetensors"
    for name in ("text.pth", "text.safetensors", "keras.h5"):
        (scratch / name).write_text("text")
    torch.save(in_torch.build().state_dict(), scratch / "tiny.pth")
    maps = [backbones.load("mobilenet_v2", weights=file)(x) for file in (whole, tensors)]
    again = backbones.load("tiny", weights=scratch / "tiny.pth")(x)
    return {
        "shape": maps[0].shape,
        "spread": float(maps[0].std()),
        "either kind of file": apart(*maps),
        "tiny as .pth": apart(again, backbones.load("tiny")(x)),
        "missing": error_of(backbones.load, "tiny", weights=scratch / "none.pth"),
        "of Keras": error_of(backbones.load, "vgg16", weights=scratch / "keras.h5"),
        "of resnet50": error_of(backbones.load, "resnet50", weights=whole),
        "of another": error_of(backbones.load, "mobilenet_v2", weights=scratch / "tiny.pth"),
        "of another for tiny": error_of(backbones.load, "tiny", weights=tensors),
        "text": error_of(backbones.load, "resnet50", weights=scratch / "text.pth"),
        "text for tiny": error_of(backbones.load, "tiny", weights=scratch / "text.safetensors"),
        "unknown layer": error_of(backbones.load, "tiny", ["stage_6"]),
        "part of a name": error_of(backbones.load, "tiny", ["stage_5.red"]),
    }


def look_at_download(backbones, scratch: Path) -> dict:
    """Return what comes of weights that torchvision downloads, from a server that runs here."""
    import torch
    from torchvision.models import get_weight

    served = scratch / "served"
    served.mkdir()
    name, recipe = "mobilenet_v2", backbones.RECIPES["mobilenet_v2"]
    torch.save(recipe.build(weights=None).state_dict(), served / "new.pth")
    content = (served / "new.pth").read_bytes()
    mark = sha256(content).hexdigest()[:8]  # torchvision checks it
    file = (served / "new.pth").rename(served / f"new-{mark}.pth")
    (served / f"short-{mark}.pth").write_bytes(content[:-1000])

    handler = partial(SimpleHTTPRequestHandler, directory=served)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()

    published = get_weight(f"MobileNet_V2_Weights.{recipe.published}").value

    def load_from(path: str):
        published.url = f"http://127.0.0.1:{server.server_port}/{path}"
        return backbones.load(name, weights="imagenet")

    x = tensor(pictures()[:1])
    maps = [load_from(file.name)(x), backbones.load(name, weights=file)(x)]
    broken = {path: error_of(load_from, path) for path in (f"short-{mark}.pth", "nowhere.pth")}
    server.shutdown()
    server.server_close()
    kept = [one.name for one in Path(os.environ["TORCH_HOME"]).rglob("*") if one.is_file()]
    return {
        "same": apart(*maps),
        "spread": float(maps[0].std()),
        "again, offline": apart(load_from(file.name)(x), maps[0]),
        "kept": [one.replace(mark, "hash") for one in kept],
        "cut short": broken[f"short-{mark}.pth"],
        "not there": broken["nowhere.pth"],
        "offline": error_of(load_from, "other.pth"),
    }


def look(scratch: Path) -> dict:
    """Return all answers; `scratch` is a folder for files."""
    from coursekit import torch_backbones

    parts = {
        "tiny": look_at_tiny,
        "scales": look_at_scales,
        "training": look_at_training,
        "layers": look_at_layers,
        "files": look_at_files,
        "download": look_at_download,
    }
    return {name: look_at(torch_backbones, scratch) for name, look_at in parts.items()}


# the tests


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def answers(in_torch, scratch) -> dict:
    changed = dict.fromkeys(f"COURSEKIT_{name}" for name in ("BACKBONE", "WEIGHTS"))
    changed |= {"TORCH_HOME": str(scratch / "home"), "NO_PROXY": "127.0.0.1"}
    return in_torch(look, scratch, **changed)


def test_there_is_a_recipe_for_every_backbone(answers):
    assert [one for one in answers["layers"] if one not in ("avgpool", "fc")] == [
        *settings.BACKBONES
    ]


def test_tiny_gives_maps_of_7_by_7(answers):
    found = answers["tiny"]
    assert found["shape"] == [2, 288, MAPS, MAPS] and found["dtype"] == "torch.float32"
    assert found["from settings"] == 0


def test_layers_lie_in_the_order_in_which_they_were_asked_for(answers):
    found = answers["tiny"]
    assert [*found["channels"].items()] == [("stage_4", [0, 128]), ("stage_5", [128, 288])]
    assert [*found["turned"].items()] == [("stage_5", [0, 160]), ("stage_4", [160, 288])]
    for differences in found["alone"].values():
        assert max(differences) <= 1e-6 * found["largest"]


def test_more_than_7_by_7_cells_are_averaged(answers):
    found = answers["tiny"]
    assert found["raw shape"] == [2, 128, 14, 14]
    assert found["averaging"] <= 1e-5 * found["largest"]


def write_maps_of_keras(file: Path) -> None:
    """Write what `tiny` makes of the pictures in Keras."""
    from coursekit import keras_backbones

    np.save(file, keras_backbones.load("tiny")(pictures()))


def test_keras_and_pytorch_give_the_same_maps(in_keras, answers, scratch):
    unset = dict.fromkeys(("COURSEKIT_BACKBONE", "COURSEKIT_WEIGHTS"))
    in_keras(write_maps_of_keras, scratch / "keras.npy", **unset)
    ours, theirs = np.load(scratch / "torch.npy"), np.load(scratch / "keras.npy")
    assert ours.shape == theirs.shape == (2, MAPS, MAPS, 288) and np.ptp(theirs) > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_scaling_is_that_of_the_training(answers, name):
    assert answers["scales"][name] < 1e-5


def test_training_leaves_the_statistics_alone(answers):
    found = answers["training"]
    assert found["training"] and found["norms in training"] == 0 < found["norms"]
    assert found["changed statistics"] == [] and found["statistics"] == 3 * found["norms"]
    assert answers["tiny"]["training"] == 0


def test_training_reaches_every_weight(answers):
    found = answers["training"]
    assert found["without gradient"] == []
    assert found["changed weights"] == found["weights"] == 3 * found["norms"]


CHANNELS = {
    "tiny": {"stage_4": 128, "stage_5": 160},
    "mobilenet_v2": {"features.14.conv.0": 576, "features.18": 1280},
    "resnet50": {"layer3": 1024, "layer4": 2048},
    "vgg16": {"features.22": 512, "features.29": 512},
}


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_default_layers_exist(answers, name):
    found = answers["layers"][name]
    assert found["channels"] == CHANNELS[name]
    assert found["shape"] == [1, sum(CHANNELS[name].values()), MAPS, MAPS]


@pytest.mark.parametrize("layer, shape", [("avgpool", "(2048, 1, 1)"), ("fc", "(1000,)")])
def test_a_layer_that_cannot_be_cut_into_cells_is_refused(answers, layer, shape):
    assert answers["layers"][layer] == (
        f"ValueError: The output of {layer} has the shape {shape}, which cannot be averaged to "
        "7 × 7 cells."
    )


def test_an_unknown_layer_is_named(answers):
    words = answers["files"]["unknown layer"]
    assert words.startswith("ValueError: node: 'stage_6' is not present in model.")
    assert "node: 'stage_5.red' is not present" in answers["files"]["part of a name"]


def test_a_weight_file_of_ones_own_is_taken(answers):
    found = answers["files"]
    assert found["shape"] == [1, 576 + 1280, MAPS, MAPS] and found["spread"] > 0
    assert found["either kind of file"] == 0 and found["tiny as .pth"] == 0


def test_a_missing_weight_file_is_named(answers):
    words = answers["files"]["missing"]
    assert words.startswith("FileNotFoundError: There is no weight file ")
    assert "none.pth. Correct COURSEKIT_WEIGHTS" in words


def test_a_file_of_keras_is_refused_with_what_to_do(answers):
    words = answers["files"]["of Keras"]
    assert words.startswith("ValueError: ") and "keras.h5 is no file of PyTorch: " in words
    assert "--weights for_keras.h5 --weights for_torch.pth" in words


@pytest.mark.parametrize(
    "case, file, name",
    [
        ("of resnet50", "whole.pth", "resnet50"),
        ("of another", "tiny.pth", "mobilenet_v2"),
        ("of another for tiny", "whole.safetensors", "tiny"),
        ("text", "text.pth", "resnet50"),
        ("text for tiny", "text.safetensors", "tiny"),
    ],
)
def test_a_wrong_weight_file_is_named(answers, case, file, name):
    words = answers["files"][case]
    assert words.startswith("ValueError: "), words
    assert f"{file} does not hold the weights of {name}: " in words


def test_published_weights_are_downloaded_once(answers):
    found = answers["download"]
    assert found["same"] == found["again, offline"] == 0 < found["spread"]
    assert found["kept"] == ["new-hash.pth"]


@pytest.mark.parametrize(
    "case, reason",
    [("offline", "refused"), ("not there", "HTTP Error 404"), ("cut short", "invalid hash")],
)
def test_a_failed_download_names_the_ways_out(answers, case, reason):
    words = answers["download"][case]
    assert words.startswith("OSError: The weights of mobilenet_v2 cannot be downloaded: ")
    assert reason in words
    assert "COURSEKIT_WEIGHTS" in words and "COURSEKIT_BACKBONE=tiny" in words
