"""The backbones of PyTorch, built in the process for PyTorch."""

import os
from hashlib import sha256
from pathlib import Path
from unittest import mock

from coursekit import settings

import numpy as np
import pytest
from test_keras_backbones import LITE, SHAPES, pictures

from processes import error_of
from serving import served

# what the process does


def apart(a, b) -> float:
    """Return the largest difference of two arrays or tensors."""
    return abs(a - b).max().item()


def all_apart(a: dict, b: dict) -> float:
    """Return the largest difference of the maps of all layers."""
    assert [*a] == [*b]
    return max(apart(a[layer], b[layer]) for layer in a)


def look_at_default(backbones, scratch: Path) -> dict:
    """Return what the default backbone does with two pictures: with all its layers, with others."""
    x = backbones.to_tensor(pictures())
    whole = backbones.load(LITE)
    turned = backbones.load(LITE, layers=[*whole.shapes][::-1])
    maps, tensors = whole.maps(pictures()), whole(x)
    np.savez(scratch / "torch.npz", **maps)
    turned_maps = turned.maps(pictures())
    return {
        "pictures": [x.shape, str(x.dtype), apart(x[1, 2] * 255, pictures()[1, ..., 2])],
        "size": whole.size,
        "shapes": [*whole.shapes.items()],
        "shapes of the maps": {layer: one.shape for layer, one in maps.items()},
        "shapes of the tensors": {layer: one.shape for layer, one in tensors.items()},
        "dtypes": [str(one.dtype) for one in maps.values()],
        "the same": all_apart(maps, {k: to_numpy(one) for k, one in tensors.items()}),
        "turned": [*turned.shapes],
        "turned maps": max(apart(turned_maps[layer], maps[layer]) for layer in maps),
        "identity": whole.identity,
        "from settings": all_apart(backbones.load().maps(pictures()), maps),
        "training": all_apart(backbones.load(LITE).train().maps(pictures()), maps),
        "turned late": error_of(getattr, turned, "late"),
        "names": sorted({name.split(".")[1] for name in whole.state_dict()}),
    }


def to_numpy(maps) -> np.ndarray:
    """Return maps of PyTorch with the axes in Keras' order."""
    return maps.detach().permute(0, 2, 3, 1).numpy()


def look_at_scales(backbones, _scratch: Path) -> dict:
    """Return how far each backbone's scaling is from that of torchvision's own weights."""
    from torch import nn
    from torchvision.models import ResNet50_Weights
    from torchvision.transforms.v2.functional import normalize

    published = ResNet50_Weights.IMAGENET1K_V1.transforms()
    x, answers = backbones.to_tensor(pictures()), {}
    for name, recipe in backbones.RECIPES.items():
        network = nn.Sequential(nn.Identity())
        output = backbones.Backbone(name, network, ["0"], recipe.size, recipe.scale)(x)["0"]
        wanted = (255 * x - 127) / 128  # of the default
        if name != LITE:
            wanted = normalize(x, published.mean, published.std)
        answers[name] = apart(output, wanted)
    return answers


def random_backbone(backbones, name: str):
    """Return a backbone with random weights, in the layers by default."""
    return backbones.untrained(name, backbones.RECIPES[name].layers)


def look_at_training(backbones, _scratch: Path) -> dict:
    """Return what a step of training changes: the weights of the default, others' statistics."""
    import torch
    from torch import nn

    def step(backbone):
        backbone.train()
        maps = backbone(backbones.to_tensor(pictures(backbone.size)[:1]))
        sum(one.square().mean() for one in maps.values()).backward()
        torch.optim.SGD(backbone.parameters(), 0.01).step()
        return backbone.state_dict()

    backbone = backbones.load(LITE)
    before = {name: one.clone() for name, one in backbone.state_dict().items()}
    after = step(backbone)
    normed = random_backbone(backbones, "mobilenet_v2")
    fixed = {name: one.clone() for name, one in normed.state_dict().items() if "runn" in name}
    norms = [one for one in normed.modules() if isinstance(one, nn.BatchNorm2d)]
    still = step(normed)
    return {
        "training": normed.training,
        "norms": len(norms),
        "norms in training": sum(one.training for one in norms),
        "statistics": len(fixed),
        "changed statistics": [k for k, one in fixed.items() if not torch.equal(one, still[k])],
        "unchanged weights": [k for k, one in before.items() if torch.equal(one, after[k])],
    }


def look_at_late(backbones, _scratch: Path) -> dict:
    """Return how the part of each backbone after its first layer agrees with the whole of it."""
    import torch

    answers = {}
    for name in backbones.RECIPES:
        backbone = random_backbone(backbones, name)
        x = backbones.to_tensor(pictures(backbone.size)[:1])
        with torch.no_grad():
            before = backbone(x)
        first, *others = before
        size = len(backbone.state_dict())
        late = backbone.late(before[first])
        sum(maps.sum() for maps in late.values()).backward()
        with torch.no_grad():
            for weight in backbone.parameters():
                if weight.grad is not None:
                    weight.mul_(1.5)
            after, late_after = backbone(x), backbone.late(before[first])
        gradients = [one.grad for one in backbone.parameters()]
        answers[name] = {
            "layers": [*late],
            "largest": max(float(maps.abs().max()) for maps in after.values()),
            "same": all_apart(late, before),
            "same after the change": all_apart(late_after, after),
            "first": apart(after[first], before[first]),
            "others": [apart(after[layer], before[layer]) for layer in others],
            "parameters": len(gradients),
            "behind": len([one for one in gradients if one is not None]),
            "grew": len(backbone.state_dict()) - size,
        }
    return answers


def look_at_layers(backbones, scratch: Path) -> dict:
    """Return the shapes of each backbone, built with random weights; write two files of them."""
    import torch
    from safetensors.torch import save_file

    shapes = {name: random_backbone(backbones, name).shapes for name in backbones.RECIPES}
    network = backbones.RECIPES["mobilenet_v2"].build(weights=None)
    torch.save(network.state_dict(), scratch / "whole.pth")
    save_file(network.state_dict(), scratch / "whole.safetensors")
    return {"shapes": shapes, "flat": error_of(backbones.Backbone, "x", network, ["flatten"])}


def look_at_files(backbones, scratch: Path) -> dict:
    """Return what comes of weight files that fit, do not fit, or are none."""
    whole, tensors = scratch / "whole.pth", scratch / "whole.safetensors"
    for name in ("text.pth", "text.safetensors", "keras.h5"):
        (scratch / name).write_text("text")
    maps = [
        backbones.load("mobilenet_v2", weights=file).maps(pictures(224))
        for file in (whole, tensors)
    ]
    return {
        "spread": float(maps[0]["features.18"].std()),
        "either kind of file": all_apart(*maps),
        "missing": error_of(backbones.load, LITE, weights=scratch / "none.pth"),
        "of Keras": error_of(backbones.load, "vgg16", weights=scratch / "keras.h5"),
        "of resnet50": error_of(backbones.load, "resnet50", weights=whole),
        "of another": error_of(backbones.load, LITE, weights=tensors),
        "text": error_of(backbones.load, "resnet50", weights=scratch / "text.pth"),
        "text for the default": error_of(
            backbones.load, LITE, weights=scratch / "text.safetensors"
        ),
        "unknown layer": error_of(backbones.load, LITE, ["block_16"]),
        "part of a name": error_of(backbones.load, LITE, ["block_3.exp"]),
    }


def look_at_devices(backbones, _scratch: Path) -> dict:
    """Return which devices are given, and what is said about those that are not there."""
    import torch

    def device_of(name: str | None) -> str:
        changed = {} if name is None else {"COURSEKIT_DEVICE": name}
        with mock.patch.dict(os.environ, changed):
            return str(backbones.device())

    def there(**devices: bool):
        """Let PyTorch say that these are there."""
        cuda, mps = devices.get("cuda", False), devices.get("mps", False)
        return (
            mock.patch.object(torch.cuda, "is_available", lambda: cuda),
            mock.patch.object(torch.backends.mps, "is_available", lambda: mps),
        )

    best, beside, missing = {}, {}, {}
    for devices in ("", "mps", "cuda", "cuda mps"):
        cuda, mps = there(**dict.fromkeys(devices.split(), True))
        with cuda, mps:
            best[devices], beside[devices] = device_of(None), device_of("cpu")
            if not devices:
                missing = {name: error_of(device_of, name) for name in ("cuda", "mps", "gpu")}
    return {"best": best, "beside": beside, "missing": missing}


def compare_devices() -> dict | None:
    """Return how far the maps of the best device are from the CPU's, None where it is the CPU."""
    from backbones import torch_backbones as backbones

    if backbones.device().type == "cpu":
        return None
    ours = backbones.load(LITE).to(backbones.device()).maps(pictures())
    theirs = backbones.load(LITE).maps(pictures())
    return {layer: apart(ours[layer], one) / float(one.max()) for layer, one in theirs.items()}


def look_at_download(backbones, scratch: Path) -> dict:
    """Return what comes of weights that torchvision downloads, from a server that runs here."""
    import torch
    from torchvision.models import get_weight

    folder = scratch / "served"
    folder.mkdir()
    name, recipe = "mobilenet_v2", backbones.RECIPES["mobilenet_v2"]
    torch.save(recipe.build(weights=None).state_dict(), folder / "new.pth")
    content = (folder / "new.pth").read_bytes()
    mark = sha256(content).hexdigest()[:8]  # torchvision checks it
    file = (folder / "new.pth").rename(folder / f"new-{mark}.pth")
    (folder / f"short-{mark}.pth").write_bytes(content[:-1000])

    published = get_weight(f"MobileNet_V2_Weights.{backbones.PUBLISHED}").value

    def load_from(path: str):
        published.url = f"{address}/{path}"
        return backbones.load(name, weights="imagenet")

    x = pictures(224)
    with served(folder) as address:
        maps = [load_from(file.name).maps(x), backbones.load(name, weights=file).maps(x)]
        broken = {path: error_of(load_from, path) for path in (f"short-{mark}.pth", "nowhere.pth")}
    kept = [one.name for one in Path(os.environ["TORCH_HOME"]).rglob("*") if one.is_file()]
    return {
        "same": all_apart(*maps),
        "spread": float(maps[0]["features.18"].std()),
        "again, offline": all_apart(load_from(file.name).maps(x), maps[0]),
        "kept": [one.replace(mark, "hash") for one in kept],
        "cut short": broken[f"short-{mark}.pth"],
        "not there": broken["nowhere.pth"],
        "offline": error_of(load_from, "other.pth"),
    }


def look(scratch: Path) -> dict:
    """Return all answers; `scratch` is a folder for files."""
    from backbones import torch_backbones

    parts = {
        "default": look_at_default,
        "scales": look_at_scales,
        "training": look_at_training,
        "late": look_at_late,
        "layers": look_at_layers,
        "files": look_at_files,
        "devices": look_at_devices,
        "download": look_at_download,
    }
    return {name: look_at(torch_backbones, scratch) for name, look_at in parts.items()}


# the tests


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def answers(in_torch, scratch) -> dict:
    changed = dict.fromkeys(f"COURSEKIT_{name}" for name in ("BACKBONE", "WEIGHTS", "DEVICE"))
    changed |= {"TORCH_HOME": str(scratch / "home"), "NO_PROXY": "127.0.0.1"}
    return in_torch(look, scratch, **changed)


def test_there_is_a_recipe_for_every_backbone(answers):
    assert [*answers["layers"]["shapes"]] == [*settings.BACKBONES]


def test_pictures_become_tensors(answers):
    shape, dtype, difference = answers["default"]["pictures"]
    assert shape == [2, 3, 256, 256] and dtype == "torch.float32" and difference < 1e-4


def test_the_default_gives_a_map_for_each_layer(answers):
    found = answers["default"]
    assert found["size"] == 256 and found["dtypes"] == ["float32"] * 3
    assert found["shapes"] == [[layer, [*shape]] for layer, shape in SHAPES[LITE].items()]
    assert found["shapes of the maps"] == {k: [2, *shape] for k, shape in SHAPES[LITE].items()}
    assert found["shapes of the tensors"] == {
        layer: [2, channels, height, width]
        for layer, (height, width, channels) in SHAPES[LITE].items()
    }
    assert found["the same"] == found["from settings"] == found["training"] == 0


def test_the_order_of_the_layers_changes_no_map(answers):
    found = answers["default"]
    assert found["turned"] == [*SHAPES[LITE]][::-1] and found["turned maps"] == 0


def test_nothing_that_comes_after_the_last_layer_is_kept(answers):
    blocks = {f"block_{number}" for number in range(16)}
    assert {*answers["default"]["names"]} == blocks | {"stem", "last"}


def write_maps_of_keras(file: Path) -> dict:
    """Write what the default backbone makes of the pictures in Keras, and return its identity."""
    from backbones import keras_backbones

    backbone = keras_backbones.load(LITE)
    np.savez(file, **backbone.maps(pictures()))
    return backbone.identity


def test_keras_and_pytorch_give_the_same_maps(in_keras, answers, scratch):
    unset = dict.fromkeys(("COURSEKIT_BACKBONE", "COURSEKIT_WEIGHTS"))
    identity = in_keras(write_maps_of_keras, scratch / "keras.npz", **unset)
    assert answers["default"]["identity"] == identity
    ours, theirs = np.load(scratch / "torch.npz"), np.load(scratch / "keras.npz")
    assert ours.files == theirs.files == [*SHAPES[LITE]]
    for layer in ours.files:
        largest = np.abs(theirs[layer]).max()
        assert largest > 1 and theirs[layer].std() > 0.01 * largest
        np.testing.assert_allclose(ours[layer], theirs[layer], rtol=0, atol=1e-4 * largest)


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_scaling_is_that_of_the_training(answers, name):
    assert answers["scales"][name] < 1e-5


def test_training_leaves_the_statistics_alone(answers):
    found = answers["training"]
    assert found["training"] and found["norms in training"] == 0 < found["norms"]
    assert found["changed statistics"] == [] and found["statistics"] == 2 * found["norms"]


def test_training_reaches_every_weight(answers):
    assert answers["training"]["unchanged weights"] == []


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_what_lies_behind_the_first_layer_shares_the_weights(answers, name):
    found = answers["late"][name]
    _, *others = found["layers"]
    limit = 1e-5 * found["largest"]
    assert found["same"] <= limit and found["same after the change"] <= limit
    assert found["first"] == 0 and len(found["others"]) == len(others)
    assert min(found["others"]) > limit
    assert 0 < found["behind"] < found["parameters"] and found["grew"] == 0


def test_a_first_layer_that_the_others_do_not_lie_behind_is_named(answers):
    words = answers["default"]["turned late"]
    assert words.startswith("ValueError: Not all layers come after last. Begin with one ")


CELLS = {  # height, width, channels; in PyTorch, layers have other names
    LITE: SHAPES[LITE],
    "mobilenet_v2": {"features.14.conv.0": (14, 14, 576), "features.18": (7, 7, 1280)},
    "resnet50": {"layer3": (14, 14, 1024), "layer4": (7, 7, 2048)},
    "vgg16": {"features.22": (28, 28, 512), "features.29": (14, 14, 512)},
}


@pytest.mark.parametrize("name", settings.BACKBONES)
def test_the_default_layers_exist_and_are_those_of_keras(answers, name):
    shapes = answers["layers"]["shapes"][name]
    assert shapes == {layer: [*shape] for layer, shape in CELLS[name].items()}
    assert [*CELLS[name].values()] == [*SHAPES[name].values()]


def test_a_layer_without_cells_is_refused(answers):
    words = answers["layers"]["flat"]
    assert words == "ValueError: The output of flatten is not a map: its shape is (1280,)."


def test_an_unknown_layer_is_named(answers):
    words = answers["files"]["unknown layer"]
    assert words.startswith("ValueError: node: 'block_16' is not present in model.")
    assert "node: 'block_3.exp' is not present" in answers["files"]["part of a name"]


def test_a_weight_file_of_ones_own_is_taken(answers):
    assert answers["files"]["either kind of file"] == 0 < answers["files"]["spread"]


def test_the_best_device_is_taken(answers):
    best = {"": "cpu", "mps": "mps", "cuda": "cuda", "cuda mps": "cuda"}
    assert answers["devices"]["best"] == best


def test_the_setting_overrules_it(answers):
    assert {*answers["devices"]["beside"].values()} == {"cpu"}


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_named(answers, name):
    words = answers["devices"]["missing"][name]
    assert words == f"ValueError: COURSEKIT_DEVICE is {name}, which PyTorch does not find here."


def test_an_unknown_device_is_named(answers):
    words = answers["devices"]["missing"]["gpu"]
    assert words == "ValueError: COURSEKIT_DEVICE is 'gpu'. Choose one of: cuda, mps, cpu."


def test_a_gpu_gives_the_same_maps(in_torch):
    differences = in_torch(compare_devices, COURSEKIT_DEVICE=None)
    if differences is None:
        pytest.skip("PyTorch finds no GPU here")
    assert [*differences] == [*SHAPES[LITE]] and max(differences.values()) < 1e-3


def test_a_missing_weight_file_is_named(answers):
    words = answers["files"]["missing"]
    assert words.startswith("FileNotFoundError: There is no weight file ")
    assert "none.pth. Correct COURSEKIT_WEIGHTS" in words


def test_a_file_of_keras_is_refused_with_what_to_do(answers):
    words = answers["files"]["of Keras"]
    assert (
        words.startswith("ValueError: ")
        and "keras.h5 is not a weight file of this framework: " in words
    )
    assert "--weights for_keras.h5 --weights for_torch.pth" in words


@pytest.mark.parametrize(
    "case, file, name",
    [
        ("of resnet50", "whole.pth", "resnet50"),
        ("of another", "whole.safetensors", LITE),
        ("text", "text.pth", "resnet50"),
        ("text for the default", "text.safetensors", LITE),
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
    assert "COURSEKIT_WEIGHTS" in words and f"COURSEKIT_BACKBONE={LITE}" in words
