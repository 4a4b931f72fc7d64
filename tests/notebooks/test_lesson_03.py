"""What lesson 03 writes out by hand, against torchvision."""

import subprocess
import sys

from exercises.lesson_code import definitions, read

import numpy as np

IN_KERAS = """
rng = np.random.default_rng(0)
size = rng.uniform(0.05, 0.6, (2, 500, 2))
pairs = np.concatenate([rng.uniform(0.2, 0.8, (2, 500, 2)), size], axis=-1).astype("float32")
np.save(FILE, np.stack([iou(*pairs), giou_loss(*pairs), box_loss(*pairs)]))
np.save(FILE.replace("ours", "pairs"), pairs)
"""
IN_TORCH = """
import numpy as np, torch
from torchvision import ops
first, second = (ops.box_convert(torch.from_numpy(p), "cxcywh", "xyxy") for p in np.load(PAIRS))
np.save(FILE, np.stack([
    ops.box_iou(first, second).diagonal(),
    ops.generalized_box_iou_loss(first, second),
    ops.generalized_box_iou_loss(first, second) + np.abs(np.subtract(*np.load(PAIRS))).sum(1),
]))
"""


def python(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_iou_and_its_loss_agree_with_torchvision(tmp_path):
    ours, theirs = str(tmp_path / "ours.npy"), str(tmp_path / "theirs.npy")
    lesson = definitions(read("03_keras_precomputed_features"))
    python(f"{lesson}\nFILE = {ours!r}\n{IN_KERAS}")
    python(f"FILE, PAIRS = {theirs!r}, {ours.replace('ours', 'pairs')!r}\n{IN_TORCH}")
    np.testing.assert_allclose(np.load(ours), np.load(theirs), atol=1e-5)
    touching = np.load(ours)[0] > 0
    assert 50 < touching.sum() < 450  # the pairs cover both cases
