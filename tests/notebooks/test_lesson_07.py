"""The code of lesson 07, against pycocotools and by hand."""

from types import SimpleNamespace

from exercises import lesson_code
from minivoc.bodies import JOINTS

import numpy as np
import pytest
from pycocotools.cocoeval import COCOeval, Params

from coco import JOINTS as COCO_JOINTS

LESSON = "07_boxes_to_joints"
MIRROR = "points[:, PARTNER], mask[:, PARTNER]"  # what a hurried author forgets


def some_poses(n: int = 40) -> dict[str, np.ndarray]:
    """Return true and predicted joints in pixels, flags, and areas; some joints are unknown."""
    rng = np.random.default_rng(7)
    true = rng.uniform(0, 200, (n, len(JOINTS), 2))
    flags = rng.choice([0, 1, 2], (n, len(JOINTS)), p=[0.2, 0.2, 0.6])
    flags[:, 0] = 2  # no figure without a joint
    # most turn their face to you
    left, right = JOINTS.index("left_shoulder"), JOINTS.index("right_shoulder")
    true[:30, [right, left], 0] = np.sort(true[:30, [right, left], 0])
    true[flags == 0] = 0
    points = true + rng.normal(0, 12, true.shape)
    return {"true": true, "points": points, "flags": flags, "area": rng.uniform(500, 30_000, n)}


def space(*roots: str, spoiled: bool = False, **more) -> dict:
    """Return what the lesson defines of these names, and all that they use."""
    notebook, names = lesson_code.read(LESSON), {"JOINTS": JOINTS}
    exec(lesson_code.imports(lesson_code.taught(notebook)), names)
    code = lesson_code.needed(notebook, roots)
    if spoiled:
        assert code.count(MIRROR) == 1
        code = code.replace(f"({MIRROR})", "(points, mask)")
        assert MIRROR not in code
    names |= more
    exec(code, names)
    return names


def computed() -> dict:
    """Return what the lesson's functions give, as lists."""
    import torch

    poses = some_poses()
    known = poses["flags"] > 0
    off = np.linalg.norm(poses["points"] - poses["true"], axis=-1)
    names = space("oks", "pose_loss", "mirror_figure", "facing", "correct", "SIGMAS")
    found = {"sigmas": names["SIGMAS"].tolist()}
    found["oks"] = names["oks"](np.where(known, off, np.nan), poses["area"]).tolist()

    # the loss: its value, and its slope where nothing is known
    points = torch.tensor(poses["points"], requires_grad=True)
    mask = torch.tensor(known)
    wild = torch.tensor(poses["true"]).masked_fill(~mask[..., None], 1e6)
    loss = names["pose_loss"](points, wild, mask)
    (slope,) = torch.autograd.grad(loss, points)
    found["loss"] = loss.item()
    found["slopes"] = [slope[mask].abs().max().item(), slope[~mask].abs().max().item()]
    nothing = names["pose_loss"](points, wild, torch.zeros_like(mask))
    found["loss of nothing"] = nothing.item()

    # PCK, from fractions of pictures of different shapes
    sizes = np.array([[200.0, 100.0]] * 20 + [[100.0, 300.0]] * 20)
    names |= {"sizes": sizes, "figure_sizes": np.full(40, 80.0), "known": mask}
    names["truth"] = torch.tensor(poses["true"] / sizes[:, None])
    found["right"] = names["correct"](poses["points"] / sizes[:, None]).tolist()

    # the mirror
    fractions = torch.tensor(poses["true"]) / 200
    once = names["mirror_figure"](fractions, mask)
    twice = names["mirror_figure"](*once)
    found["once"] = [part.tolist() for part in once]
    found["twice"] = [part.tolist() for part in twice]
    both = space("mirror_figure", "facing", spoiled=True)
    found["facing"] = [
        names["facing"](fractions, mask),
        names["facing"](*once),
        both["facing"](*both["mirror_figure"](fractions, mask)),
    ]
    return found


def predicted() -> dict:
    """Return what the two heads give before they have learned, and what they cost."""
    import torch

    torch.manual_seed(0)
    mean = torch.rand(14, 2)
    backbone = SimpleNamespace(shapes={"block": (12, 10, 112)})  # more rows than columns
    answers = {"truth": mean[None], "known": torch.ones(1, 14, dtype=bool), "train": [True]}
    names = space("HEADS", "cost", backbone=backbone, WHERE="block", **answers)
    x = torch.randn(3, 112, 12, 10)
    dense, heads = names["HEADS"]["dense"](), names["HEADS"]["heat maps"]()
    start = dense(x)
    heat = heads.heat(x)
    # a head that is sure: one cell, far down and a little to the right
    with torch.no_grad():
        sure = torch.full((1, 14, 12, 10), -1e4)
        sure[..., 11, 2] = 0
    heads.out.forward = lambda _: sure
    return {
        "start": (start - mean).abs().max().item(),
        "sums": heat.sum((2, 3)).flatten().tolist(),
        "sure": heads(x[:1])[0, 0].tolist(),
    }


@pytest.fixture(scope="module")
def ours(in_torch):
    return in_torch(computed)


@pytest.fixture(scope="module")
def heads(in_torch):
    return in_torch(predicted)


def coco_oks(sigmas: list[float]) -> list[float]:
    """Return pycocotools' similarity of each pair."""
    poses = some_poses()
    judge = COCOeval(iouType="keypoints")
    judge.params = Params(iouType="keypoints")
    judge.params.kpt_oks_sigmas = np.array(sigmas)
    found = []
    for true, points, flags, area in zip(*poses_in_order(poses), strict=True):
        truth = np.concatenate([true, flags[:, None]], axis=1).ravel().tolist()
        guess = np.concatenate([points, np.ones((len(points), 1))], axis=1).ravel().tolist()
        judge._gts[1, 1] = [{"keypoints": truth, "bbox": [0, 0, 200, 200], "area": area}]
        judge._dts[1, 1] = [{"keypoints": guess, "score": 1.0}]
        found.append(float(judge.computeOks(1, 1)[0, 0]))
    return found


def poses_in_order(poses: dict) -> list[np.ndarray]:
    return [poses[name] for name in ("true", "points", "flags", "area")]


def test_oks_is_that_of_pycocotools(ours):
    theirs = coco_oks(ours["sigmas"])
    assert 0.05 < min(theirs) < max(theirs) < 0.999
    np.testing.assert_allclose(ours["oks"], theirs, atol=1e-6)


def test_the_sigmas_are_cocos():
    defaults = dict(zip(COCO_JOINTS, Params(iouType="keypoints").kpt_oks_sigmas, strict=True))
    for joint, end in (("left_wrist", "wrist"), ("right_hip", "hip"), ("nose", "nose")):
        assert sigma_of(end) == pytest.approx(defaults[joint])


def sigma_of(end: str) -> float:
    names: dict = {"JOINTS": (end,), "np": np}
    exec(lesson_code.needed(lesson_code.read(LESSON), ["SIGMAS"]), names)
    return float(names["SIGMAS"][0])


def test_every_sigma_of_coco_is_known():
    defaults = Params(iouType="keypoints").kpt_oks_sigmas
    ours = [sigma_of(joint.split("_")[-1]) for joint in COCO_JOINTS]
    np.testing.assert_allclose(ours, defaults)
    assert sigma_of("neck") == sigma_of("top") == 0.079


def test_what_is_not_known_has_no_part_in_the_loss(ours):
    poses = some_poses()
    known = poses["flags"] > 0
    by_hand = np.abs(poses["points"] - poses["true"]).sum(axis=-1)[known].mean()
    assert ours["loss"] == pytest.approx(by_hand)
    assert ours["slopes"][0] > 0 == ours["slopes"][1]
    assert ours["loss of nothing"] == 0


def test_pck_counts_in_pixels_of_the_original(ours):
    poses = some_poses()
    off = np.linalg.norm(poses["points"] - poses["true"], axis=-1)
    right = np.array(ours["right"], float)
    known = poses["flags"] > 0
    assert np.isnan(right[~known]).all()
    assert (right[known] == (off <= 8)[known]).all() and 0.1 < right[known].mean() < 0.9


def test_a_mirrored_figure_has_its_sides_exchanged(ours):
    poses = some_poses()
    (points, mask), (again, mask_again) = ours["once"], ours["twice"]
    fractions, known = poses["true"] / 200, poses["flags"] > 0
    np.testing.assert_allclose(again, fractions, atol=1e-9)
    assert np.array_equal(mask_again, known)
    points, mask = np.array(points), np.array(mask)
    for one, other in (("left_wrist", "right_wrist"), ("neck", "neck"), ("right_hip", "left_hip")):
        here, there = JOINTS.index(one), JOINTS.index(other)
        np.testing.assert_allclose(points[:, here, 0], 1 - fractions[:, there, 0])
        np.testing.assert_allclose(points[:, here, 1], fractions[:, there, 1])
        assert np.array_equal(mask[:, here], known[:, there])


def test_counting_notices_sides_that_were_not_exchanged(ours):
    before, exchanged, mistaken = ours["facing"]
    assert exchanged == pytest.approx(before)
    assert mistaken == pytest.approx(1 - before) and abs(mistaken - before) > 0.05


def test_the_dense_head_starts_at_the_mean_pose(heads):
    assert heads["start"] < 1e-6


def test_heat_maps_are_shares_and_point_where_they_are_sure(heads):
    np.testing.assert_allclose(heads["sums"], 1, rtol=1e-5)
    x, y = heads["sure"]
    assert x == pytest.approx(-0.05 + 1.1 * 2 / 9, abs=1e-5)
    assert y == pytest.approx(1.05, abs=1e-5)
