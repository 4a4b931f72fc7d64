"""The network of the page "A network to touch": its scenes, targets, training and export."""

from pathlib import Path
from unittest import mock

import detection
from coursekit.boxes import SIDES
from coursetools.publish import touch_network

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import _touch_scenes
import network_to_touch
from _touch_scenes import SIDE, Placed

# what the process for PyTorch does


def wanted(scenes: list) -> tuple[list, list]:
    """Return the maps wanted for scenes, and where their middles are."""
    import _touch_network

    objects = [[_touch_scenes.Object(name, box) for name, box in scene] for scene in scenes]
    maps, middles = _touch_network.targets(objects)
    return maps.tolist(), middles.tolist()


def read_out(scenes: list) -> list:
    """Return what is read out of the maps wanted for scenes."""
    import _touch_network

    maps, _ = wanted(scenes)
    table = _touch_network.detections(np.array(maps, dtype=np.float32))
    return table[["pred_name", *_touch_network.PREDICTED, "confidence"]].to_numpy().tolist()


def losses(scenes: list) -> list[float]:
    """Return the loss of the maps wanted, and of maps that say nothing."""
    import torch

    import _touch_network

    maps, middles = (torch.tensor(part) for part in wanted(scenes))
    perfect = torch.cat([torch.logit(maps[:, :-4], 1e-6), maps[:, -4:]], dim=1)
    return [_touch_network.loss(x, maps, middles).item() for x in (perfect, 0 * perfect)]


def after_folding(folder: str) -> tuple[float, float]:
    """Return how far the exported layers are from the network, and from what their file says."""
    import torch

    import _touch_network

    torch.manual_seed(0)
    model = _touch_network.Network().eval()
    for unit in model.modules():
        if isinstance(unit, torch.nn.BatchNorm2d):  # as if it were trained
            for numbers in (unit.weight, unit.bias, unit.running_mean, unit.running_var):
                numbers.data.uniform_(0.5, 1)
    images = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    with torch.no_grad():
        whole = model(_touch_network.as_input(images))
        whole[:, :5] = whole[:, :5].sigmoid()
    layers = _touch_network.folded(model)
    _touch_network.write(Path(folder, "weights.js"), layers)
    again = _touch_network.read(Path(folder, "weights.js"))
    one, other = (_touch_network.maps(part, images) for part in (layers, again))
    off = np.abs(one - whole.numpy()).max() / np.abs(whole.numpy()).max()
    return float(off), float(np.abs(one - other).max())


def weights_after(folder: str, *steps: int) -> list[float]:
    """Return some weights after a training that is interrupted after these steps."""
    import _touch_network

    file = Path(folder, "-".join(map(str, steps)))
    with mock.patch.object(_touch_network, "rate", lambda step, _: 0.001 / (step + 1)):
        for step in steps:
            model, _ = _touch_network.train(file, step, lambda: _touch_scenes.stock(0, 5))
    return model.head.weight.flatten()[:50].tolist()


def f_scores(limits: list[float]) -> list[float]:
    """Return the F-score of the page's network at IoU 0.5, for each limit of the score."""
    import _touch_network

    layers = _touch_network.read(network_to_touch.STATIC / "network_to_touch" / "weights.js")
    pictures, scenes = zip(*_touch_scenes.composed(4, 300), strict=True)  # a seed of its own
    found = _touch_network.detections(_touch_network.maps(layers, np.stack(pictures)))
    things = [(i, *thing) for i, scene in enumerate(scenes) for thing in scene]
    objects = pd.DataFrame(
        [(i, name, *box) for i, name, box in things], columns=["image_id", "name", *SIDES]
    )
    kept = [found[found["confidence"] >= limit] for limit in limits]
    hits = [detection.match(some, objects, 0.5).hits[0.5].sum() for some in kept]
    pairs = zip(hits, kept, strict=True)
    return [2 * hit / (len(some) + len(objects)) for hit, some in pairs]


def test_the_page_begins_with_the_limit_of_the_best_f_score(in_torch):
    limits = [0.05 * i for i in range(1, 20)]  # of the page's slider
    scores = in_torch(f_scores, limits)
    assert limits[int(np.argmax(scores))] == pytest.approx(touch_network.LEAST)
    assert touch_network.LEAST == network_to_touch.LEAST


def test_a_scene_has_boxes_of_what_can_be_seen():
    red, blue = (Image.new("RGBA", (40, 20), (*color, 255)) for color in ((255, 0, 0), (0, 0, 255)))
    scene = Image.new("RGB", (SIDE, SIDE))
    first = Placed("dog", red, 0.5, 0.5, 40 / SIDE)
    image, objects = _touch_scenes.compose(scene, [first])
    assert objects == [("dog", (44, 54, 84, 74))] and image.getpixel((50, 60)) == (255, 0, 0)
    half = Placed("cat", blue, 0.5 + 20 / SIDE, 0.5, 40 / SIDE)
    image, objects = _touch_scenes.compose(scene, [first, half])
    assert objects == [("dog", (44, 54, 64, 74)), ("cat", (64, 54, 104, 74))]
    most = half._replace(x=0.5 + 8 / SIDE)
    assert [name for name, _ in _touch_scenes.compose(scene, [first, most])[1]] == ["cat"]
    cut = first._replace(x=0.05)
    assert _touch_scenes.compose(scene, [cut])[1] == [("dog", (0, 54, 26, 74))]
    faint = first._replace(image=Image.new("RGBA", (40, 20), (0, 0, 0, 95)))
    assert _touch_scenes.compose(scene, [faint])[1] == []  # a shadow is no animal


def test_a_scene_is_the_same_for_the_same_numbers_and_its_nearest_animal_is_in_front():
    _, cut_outs = _touch_scenes.stock(0, 5)
    for seed in range(20):
        one, other = (_touch_scenes.scatter(np.random.default_rng(seed), cut_outs) for _ in "ab")
        assert [animal[2:] for animal in one] == [animal[2:] for animal in other]
        feet = [_touch_scenes.foot(animal) for animal in one]
        assert feet == sorted(feet) and len(feet) <= _touch_scenes.MOST


SCENE = [("dog", (10, 20, 74, 52)), ("cow", (100, 90, 126, 128))]


def test_the_heat_map_is_one_at_a_middle_and_falls_with_the_size_of_the_box(in_torch):
    maps, middles = map(np.array, in_torch(wanted, [SCENE, []]))
    assert np.argwhere(middles).tolist() == [[0, 4, 5], [0, 13, 14]]
    dog, cow = maps[0, 0], maps[0, 3]
    assert dog[4, 5] == cow[13, 14] == 1 and (maps[0, [1, 2, 4]] == 0).all()
    # a sixth of 64 pixels is 1.33 cells; of 32, 0.67
    assert dog[4, 6] == pytest.approx(np.exp(-1 / 2 / (8 / 6) ** 2), abs=1e-6)
    assert dog[5, 5] == pytest.approx(np.exp(-1 / 2 / (4 / 6) ** 2), abs=1e-6)
    assert maps[0, 5:, 4, 5] == pytest.approx([0.25, 0.5, np.log(64 / 128), np.log(32 / 128)])
    assert not maps[1].any()


def test_what_is_wanted_is_what_is_read_out(in_torch):
    found = in_torch(read_out, [SCENE])
    assert [name for name, *_ in found] == ["dog", "cow"]
    for (_, *sides, score), (_, box) in zip(found, SCENE, strict=True):
        assert sides == pytest.approx(box, abs=1e-3) and score == 1


def test_the_loss_is_least_for_what_is_wanted(in_torch):
    perfect, nothing = in_torch(losses, [SCENE])
    assert 0 <= perfect < 0.2 < nothing


def test_folding_changes_little_and_the_file_holds_what_was_folded(in_torch, tmp_path):
    folded, stored = in_torch(after_folding, str(tmp_path))
    assert folded < 0.02 and stored == 0  # 16 bits have three digits


def test_a_training_goes_on_where_it_was_interrupted(in_torch, tmp_path):
    whole = in_torch(weights_after, str(tmp_path), 4)
    assert in_torch(weights_after, str(tmp_path), 2, 4) == whole
    assert in_torch(weights_after, str(tmp_path), 3) != whole
