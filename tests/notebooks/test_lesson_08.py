"""The code of lesson 08, against torchvision, pycocotools, SciPy, and by hand."""

from hashlib import sha256
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import detection
from coursekit import boxes, lessons
from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED
from exercises import lesson_code

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from coco import judged
from serving import served

LESSON = "08_one_to_many"
CLASSES = ["dog", "cat", "bird"]
ROWS, COLUMNS = 5, 7  # of the grid; they differ, so that nobody can exchange them
BACKBONE = SimpleNamespace(shapes={"fine": (ROWS, COLUMNS, 4), "coarse": (3, 4, 6)})


def space(*roots: str) -> dict:
    """Return what the lesson defines of these names, and all that they use."""
    notebook = lesson_code.read(LESSON)
    names = {"CLASSES": CLASSES, "SEED": 0, "backbone": BACKBONE}
    exec(lesson_code.imports(lesson_code.taught(notebook)), names)
    exec(lesson_code.needed(notebook, roots), names)
    return names


def without_torch(*roots: str) -> dict:
    """Return the same of names that need no framework, for a test in this process."""
    names = {"boxes": boxes, "detection": detection, "np": np, "pd": pd, "SIDES": SIDES}
    names |= {"PREDICTED": PREDICTED, "lessons": lessons}
    exec(lesson_code.needed(lesson_code.read(LESSON), roots), names)
    return names


def some_truth() -> list[tuple[list, list]]:
    """Return boxes, cxcywh in fractions, and labels of a few pictures, each center in a cell."""
    return [
        ([[0.5, 0.5, 0.4, 0.6], [0.1, 0.9, 0.15, 0.1]], [0, 2]),
        ([], []),
        ([[0.95, 0.05, 0.1, 0.1], [0.3, 0.31, 0.3, 0.2], [0.7, 0.72, 0.3, 0.5]], [1, 1, 1]),
    ]


def found_on_maps() -> dict:
    """Return what is read from maps that are the targets themselves, and the losses of them."""
    import torch
    from torchvision import ops

    names = space("targets_of", "read_points", "focal", "cross_entropy", "points_loss")
    truth = [
        (torch.tensor(sides).reshape(-1, 4), torch.tensor(label, dtype=torch.long))
        for sides, label in some_truth()
    ]
    heats, numbers, mask = map(
        torch.stack, zip(*(names["targets_of"](*t) for t in truth), strict=True)
    )
    names |= {"heats": heats, "numbers": numbers, "mask": mask}
    scores = heats.clamp(1e-5, 1 - 1e-5).logit()
    names["maps"] = [torch.arange(3.0)]

    def perfect(maps):
        rows = maps[0].long()
        return scores[rows], numbers[rows]

    some = torch.arange(3)
    confidence, label, cxcywh = names["read_points"](perfect, some)
    everywhere = names["read_points"](perfect, some, False, 12)

    torch.manual_seed(0)
    wrong = torch.randn(scores.shape, requires_grad=True)
    exact = (heats == 1).float()
    focal = names["focal"](wrong, exact).item()
    theirs = ops.sigmoid_focal_loss(wrong, exact, alpha=-1, gamma=2, reduction="sum").item()
    loss = names["points_loss"](lambda _: (wrong, numbers + 10), some)
    (slope,) = torch.autograd.grad(loss, wrong)
    off = names["points_loss"](lambda _: (scores, numbers + 0.25), some)
    gentle = {
        name: torch.autograd.grad(names[name](wrong, heats), wrong)[0].abs()
        for name in ("focal", "cross_entropy")
    }
    beside = (heats > 0.1) & (heats < 1)
    return {
        "peaks": [(confidence > 0.99).sum(1).tolist(), (confidence > 0.01).sum(1).tolist()],
        "label": label.tolist(),
        "boxes": cxcywh.tolist(),
        "everywhere": (everywhere[0] > 0.01).sum(1).tolist(),
        "heats": [heats.max().item(), heats[1].max().item(), (heats == 1).sum((1, 2, 3)).tolist()],
        "wide": heats[0, 0].tolist(),
        "focal": [focal, theirs],
        "perfect": names["points_loss"](perfect, some).item(),
        "off": off.item() - names["points_loss"](perfect, some).item(),
        "slope": slope.abs().sum().item(),
        "beside": [gentle[name][beside].mean().item() for name in gentle],
    }


def paired() -> dict:
    """Return pairs by the lesson and by trying all of them, and losses of sets."""
    import torch
    from torchvision import ops

    names = space("sets_loss", "pair", "Sets", "read_sets")
    torch.manual_seed(0)
    truth = [
        (torch.tensor(sides).reshape(-1, 4), torch.tensor(label, dtype=torch.long))
        for sides, label in some_truth()
    ]
    names |= {"truth": truth, "maps": [torch.arange(3.0)]}
    logits, cxcywh = torch.randn(3, 5, 4), torch.rand(3, 5, 4) * 0.5 + 0.1
    ours, cheapest = [], []
    for i, (true, label) in enumerate(truth):
        cost = 5 * (cxcywh[i][:, None] - true).abs().sum(-1) - logits[i].softmax(-1)[:, label]
        corners = [ops.box_convert(b, "cxcywh", "xyxy") for b in (cxcywh[i], true)]
        cost = cost - 2 * ops.generalized_box_iou(*corners)
        answer, partner = names["pair"](logits[i], cxcywh[i], true, label)
        ours.append(cost[answer, partner].sum().item())
        ways = permutations(range(5), len(label))
        cheapest.append(min(sum(cost[q, j].item() for j, q in enumerate(w)) for w in ways))

    def loss(logits, cxcywh):
        return names["sets_loss"](lambda _: (logits, cxcywh), torch.arange(3)).item()

    order = torch.tensor([3, 0, 4, 1, 2])
    right_names, right_boxes = torch.full((3, 5, 4), -20.0), torch.rand(3, 5, 4)
    right_names[..., 3] = 20
    for i, (true, label) in enumerate(truth):
        for j, k in enumerate(label):
            right_names[i, 4 - j] = -20
            right_names[i, 4 - j, k] = 20
            right_boxes[i, 4 - j] = true[j]
    silent = torch.full_like(right_names, -20.0)
    silent[..., 3] = 20
    return {
        "cost": [ours, cheapest],
        "loss": [loss(logits, cxcywh), loss(logits[:, order], cxcywh[:, order])],
        "right": loss(right_names, right_boxes),
        "silent": loss(silent, right_boxes),
    }


def two_boxes() -> list:
    """Return what one box becomes for two, by each loss."""
    import torch

    names = space("best_single_box", "LOSSES")
    true = torch.tensor([[0.0, 0.2, 0.3, 0.5], [0.7, 0.5, 1.0, 0.8]])
    return [names["best_single_box"](loss, true).tolist() for loss in names["LOSSES"].values()]


def kept(seed: int) -> list:
    """Return which boxes the lesson and torchvision keep; many scores are equal."""
    import torch
    from torchvision import ops

    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (80, 2))
    corners = np.concatenate([corner, corner + rng.uniform(5, 40, (80, 2))], axis=1)
    confidence = rng.integers(0, 20, 80) / 20
    names = space("nms")
    ours = [names["nms"](corners, confidence, t).tolist() for t in (0.1, 0.3, 0.6)]
    tensors = torch.from_numpy(corners), torch.from_numpy(confidence)
    return [ours, [ops.nms(*tensors, t).tolist() for t in (0.1, 0.3, 0.6)]]


def published(name: str, scratch: Path) -> dict:
    """Return what a published detector finds, with random weights from a server that runs here."""
    import torch
    from torchvision import models

    weights = models.get_model_weights(name).DEFAULT
    coco = weights.meta["categories"]
    plane = coco.index("airplane")
    torch.manual_seed(0)
    detector = models.get_model(name, weights=None, weights_backbone=None)
    for layer in detector.modules():
        layer.momentum = 1.0  # of batch normalization
    pictures = np.random.default_rng(0).integers(0, 256, (2, 60, 90, 3), dtype=np.uint8)
    tensors = [torch.from_numpy(picture).permute(2, 0, 1) / 255 for picture in pictures]
    detector.backbone(detector.transform(tensors)[0].tensors)  # what is seen reaches the last layer
    state = detector.state_dict()
    for key, bias in state.items():  # it says "airplane" more often than all else
        if key.endswith("bias") and len(bias) % len(coco) == 0:
            bias.view(-1, len(coco))[:, plane] += 99
    torch.save(state, scratch / "new.pth")
    mark = sha256((scratch / "new.pth").read_bytes()).hexdigest()[:8]  # torchvision checks it
    file = (scratch / "new.pth").rename(scratch / f"new-{mark}.pth")

    (scratch / "JPEGImages").mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(scratch / "JPEGImages" / f"{number}.png")
    names = space("load_published", "run_published")
    names |= {"directory": scratch, "MOST": 10, "CLASSES": ["aeroplane", "dog"]}
    names["table"] = pd.DataFrame({"image_id": ["c", "a", "b"], "filename": ["", "0.png", "1.png"]})

    with served(scratch) as address:
        weights.value.url = f"{address}/{file.name}"
        absent = names["load_published"](name)
        names["DOWNLOAD"] = True
        names["load_published"](name)
    names["DOWNLOAD"] = False  # nobody answers any more: it is in the cache
    detector, called = names["load_published"](name)
    table = names["run_published"](detector, called, np.array([1, 2]))
    with torch.no_grad():
        # one by one, as in the lesson: in a batch, some processors add up in another order
        theirs = [detector([tensor])[0] for tensor in tensors]
    return {
        "absent": absent,
        "columns": [*table],
        "called": sorted({*table["pred_name"]}),
        "boxes": [table.loc[table["image_id"] == i, PREDICTED].to_numpy().tolist() for i in "ab"],
        "theirs": [one["boxes"][one["labels"] == plane][:10].tolist() for one in theirs],
    }


@pytest.fixture(scope="module")
def maps(in_torch):
    return in_torch(found_on_maps)


@pytest.fixture(scope="module")
def sets(in_torch):
    return in_torch(paired)


def test_maps_that_are_the_targets_give_the_true_boxes_back(maps):
    for i, (sides, label) in enumerate(some_truth()):
        assert maps["peaks"][0][i] == maps["peaks"][1][i] == len(label)
        found = maps["boxes"][i][: len(label)]
        pairs = sorted(zip(maps["label"][i], found, strict=False))
        wanted = sorted(zip(label, sides, strict=True))
        assert [k for k, _ in pairs] == [k for k, _ in wanted]
        np.testing.assert_allclose([b for _, b in pairs], [b for _, b in wanted], atol=1e-5)


def test_without_peaks_the_same_object_is_found_in_several_cells(maps):
    assert maps["everywhere"][0] > maps["peaks"][1][0]


def test_a_heat_map_is_1_at_centers_only_and_as_wide_as_the_box(maps):
    highest, of_nothing, ones = maps["heats"]
    assert highest == 1 and of_nothing == 0 and ones == [2, 0, 3]
    dog = np.array(maps["wide"])
    row, column = np.unravel_index(dog.argmax(), dog.shape)
    assert (row, column) == (2, 3)
    # 0.4 of 7 columns and 0.6 of 5 rows, a sixth of each
    spread = np.array([0.6 * ROWS, 0.4 * COLUMNS]) / 6
    beside = np.exp(-1 / (2 * spread.clip(0.5) ** 2))
    assert [dog[3, 3], dog[2, 4]] == pytest.approx(beside)


def test_with_hard_targets_the_focal_loss_is_torchvisions(maps):
    ours, theirs = maps["focal"]
    assert ours == pytest.approx(theirs, rel=1e-4) and ours > 1


def test_the_loss_of_points_counts_the_four_numbers_at_centers_only(maps):
    # a perfect answer pays only for the entropy of the clipped logits
    assert 0 <= maps["perfect"] < 0.2
    assert maps["off"] == pytest.approx(4 * 0.25, abs=1e-4)
    assert maps["slope"] > 0


def test_beside_a_center_the_focal_loss_is_gentle(maps):
    focal, cross_entropy = maps["beside"]
    assert focal < 0.7 * cross_entropy


def test_pairs_are_the_cheapest_of_all(sets):
    ours, cheapest = sets["cost"]
    assert ours == pytest.approx(cheapest, abs=1e-5) and ours[1] == 0


def test_the_loss_of_a_set_does_not_depend_on_its_order(sets):
    first, other = sets["loss"]
    assert first == pytest.approx(other) and first > 1


def test_right_answers_cost_nothing_and_silence_does(sets):
    assert sets["right"] == pytest.approx(0, abs=1e-5)
    assert sets["silent"] > 1


def test_one_box_for_two_is_a_compromise(in_torch):
    squared, distance, giou = np.array(in_torch(two_boxes))
    true = np.array([[0.0, 0.2, 0.3, 0.5], [0.7, 0.5, 1.0, 0.8]])
    np.testing.assert_allclose(squared, true.mean(axis=0), atol=0.01)
    assert boxes.iou(squared, true).max() == 0
    assert ((distance >= true.min(axis=0) - 0.01) & (distance <= true.max(axis=0) + 0.01)).all()
    assert giou[0] < 0.05 and giou[2] > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_non_maximum_suppression_is_torchvisions(in_torch, seed):
    ours, theirs = in_torch(kept, seed)
    assert ours == theirs
    assert len(ours[0]) < len(ours[1]) < len(ours[2]) < 80


# ------------------------------------------------------------------------------- scores and errors


@pytest.mark.parametrize(
    "name", ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"]
)
def test_a_published_detector_comes_once_and_its_boxes_are_torchvisions(in_torch, tmp_path, name):
    home = {"TORCH_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
    found = in_torch(published, name, tmp_path, **home)
    assert found["absent"] is None  # without weights, and without leave to download them
    assert {*found["columns"]} == {*PREDICTED, "image_id", "pred_name", "confidence"}
    assert found["called"] == ["aeroplane"]  # by VOC's name
    assert all(1 <= len(one) <= 10 for one in found["boxes"])
    for ours, theirs in zip(found["boxes"], found["theirs"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)  # pixels


def scene(seed: int, images: int = 12) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return detections, at most ten for each picture, and objects; all confidences differ."""
    rng = np.random.default_rng(seed)
    there, found = [], []
    for i in range(images):
        for _ in range(rng.integers(0, 5)):
            corner = rng.uniform(0, 150, 2)
            box = np.concatenate([corner, corner + rng.uniform(20, 90, 2)])
            name = rng.choice(CLASSES)
            there.append([f"{i}", name, *box, rng.random() < 0.15])
            for _ in range(rng.integers(0, 3)):
                named = name if rng.random() < 0.8 else rng.choice(CLASSES)
                found.append([f"{i}", named, rng.random(), *(box + rng.normal(0, 5, 4))])
    objects = pd.DataFrame(there, columns=["image_id", "name", *SIDES, "difficult"])
    return pd.DataFrame(found, columns=lessons.DETECTION_COLUMNS), objects


def coco_recall(found: pd.DataFrame, objects: pd.DataFrame) -> float:
    """Return COCO's average recall of at most ten boxes for each picture and class."""
    judge = judged(found, objects, CLASSES)
    recall = judge.eval["recall"][:, :, 0, 1]
    return recall[recall > -1].mean()


@pytest.mark.parametrize("seed", range(3))
def test_recall_at_ten_is_cocos(seed):
    found, objects = scene(seed)
    names = without_torch("recall_at_ten")
    ours = names["recall_at_ten"](detection.match(found, objects)).mean().mean()
    assert ours == pytest.approx(coco_recall(found, objects)) and 0.1 < ours < 0.9


def by_the_book(hits: np.ndarray, n: int) -> float:
    """Return VOC 2007's average precision, as its report defines it."""
    total = 0.0
    for tenth in range(11):
        best = 0.0
        for k in range(1, len(hits) + 1):
            if sum(hits[:k]) * 10 >= tenth * n:
                best = max(best, sum(hits[:k]) / k)
        total += best / 11
    return total


@pytest.mark.parametrize("seed", range(3))
def test_the_eleven_points_are_those_of_voc(seed):
    found, objects = scene(seed)
    names = without_torch("eleven_points")
    ours = names["eleven_points"](found, objects)
    hits, wanted = detection.match(found, objects, 0.5)
    for name in CLASSES:
        n = int(wanted["counts"][wanted["name"] == name].sum())
        hit = hits.loc[hits["pred_name"] == name, 0.5].dropna().astype(int).tolist()
        assert ours[name] == pytest.approx(by_the_book(hit, n))
    assert 0 < ours.mean() < 1


def test_each_kind_of_error_is_named():
    names = without_torch("sort_errors")
    objects = pd.DataFrame(
        [["1", "dog", 0, 0, 10, 10, False], ["1", "cat", 50, 50, 60, 60, False]],
        columns=["image_id", "name", *SIDES, "difficult"],
    )
    rows = {
        "hit": ["1", "dog", 0.9, 0, 0, 10, 10],
        "duplicate": ["1", "dog", 0.8, 0, 0, 10, 9],
        "class": ["1", "bird", 0.7, 50, 50, 60, 60],
        "localization": ["1", "cat", 0.6, 50, 50, 60, 53],
        "both": ["1", "bird", 0.5, 50, 50, 60, 53],
        "background": ["1", "cat", 0.4, 80, 0, 90, 10],
        "elsewhere": ["2", "cat", 0.3, 50, 50, 60, 60],
    }
    found = pd.DataFrame(rows.values(), columns=lessons.DETECTION_COLUMNS)
    kinds = names["sort_errors"](found, objects)
    assert kinds.tolist() == [*list(rows)[:-1], "background"]
    hidden = objects.assign(difficult=[True, False])
    assert names["sort_errors"](found, hidden).tolist()[0] == "ignored"


def test_the_limit_has_the_best_f_score():
    names = without_torch("best_limit")
    found, objects = scene(1)
    names["objects_of"] = lambda _: objects
    limit = names["best_limit"](found, None)

    def f_score(limit: float) -> float:
        hits, wanted = detection.match(found[found["confidence"] >= limit], objects, 0.5)
        hit = hits[0.5].dropna()
        return 2 * hit.sum() / (len(hit) + wanted["counts"].sum())

    assert f_score(limit) == pytest.approx(max(map(f_score, found["confidence"])))
