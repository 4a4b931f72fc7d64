"""Backbone and head as one network, and the file that keeps it once it is trained."""

import json
from collections.abc import Sequence
from pathlib import Path

from backbones import torch_backbones
from coursekit import lessons
from coursekit.files import written_whole
from localizer.heads import Outputs, PointingHead

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_bytes
from torch import nn

LESSON = "notebooks/04_pytorch_two_heads.ipynb"
VERSION = 1  # raise it whenever older files no longer fit
AGAIN = f"Run {LESSON} again, or name another file."


class Localizer(nn.Module):
    """A backbone and a head: from pictures to logits and boxes; see `PointingHead`."""

    def __init__(self, backbone: torch_backbones.Backbone, n_classes: int):
        super().__init__()
        self.backbone = backbone
        self.head = PointingHead(backbone.shapes, n_classes)

    def forward(self, images: torch.Tensor) -> Outputs:
        """Return logits and boxes of pictures, float32 of shape (batch, 3, h, w), 0 to 1."""
        return self.head(self.backbone(images))


def model_file() -> Path:
    """Return where lesson 04 keeps what it trained on the data set in use."""
    return lessons.artifacts_file("models/localizer.safetensors")


def _description(backbone: torch_backbones.Backbone, classes: Sequence[str]) -> dict:
    """Return what `load` must know, and check, before the weights; ready for JSON."""
    return {
        "version": VERSION,
        "backbone": backbone.name,
        "size": backbone.size,
        "shapes": {layer: [*shape] for layer, shape in backbone.shapes.items()},
        "classes": [*classes],
    }


def save(file: Path, localizer: Localizer, classes: Sequence[str]) -> None:
    """Write a localizer to one file: all weights, and as JSON in the file's metadata the rest.

    `classes` are the names that the logits stand for. The file is written whole; it holds no
    code, so nobody has to trust it. `ValueError` when there is not one logit for each name;
    `OSError` when the file cannot be written.
    """
    logits = localizer.head.name.out_features
    if len(classes) != logits:
        raise ValueError(f"The localizer tells {logits} names apart, and classes has {classes}.")
    weights = {name: one.cpu().contiguous() for name, one in localizer.state_dict().items()}
    described = json.dumps(_description(localizer.backbone, classes))
    # not with save_file, which leaves a file of its own when it is killed
    with written_whole(file) as new:
        new.write_bytes(as_bytes(weights, {"localizer": described}))


def load(file: Path) -> tuple[Localizer, list[str]]:
    """Return a localizer that `save` wrote, and the names of its classes.

    It is on `torch_backbones.device()`, in evaluation mode. All its weights are in the file:
    those that the backbone began with are not needed. `FileNotFoundError` when nothing has been
    trained yet; `ValueError` when the file is not a localizer, is damaged, or is from another
    version of the course.
    """
    if not file.is_file():
        raise FileNotFoundError(f"There is no trained model {file} yet. Run {LESSON} first.")
    try:
        with safe_open(file, "pt") as stored:
            described = json.loads((stored.metadata() or {}).get("localizer", "{}"))
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(
            f"{file} is not a trained model, or is damaged: {error}. {AGAIN}"
        ) from error
    if described.get("version") != VERSION:
        raise ValueError(
            f"{file} is not a trained model of this version of the course: it says version "
            f"{described.get('version')}, and not {VERSION}. {AGAIN}"
        )
    classes = described["classes"]
    backbone = torch_backbones.untrained(described["backbone"], [*described["shapes"]])
    ours = _description(backbone, classes)
    if differing := " and ".join(part for part in ours if ours[part] != described[part]):
        raise ValueError(f"{file} is for another backbone: its {differing} differ. {AGAIN}")
    localizer = Localizer(backbone, len(classes))
    try:
        localizer.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"The weights in {file} do not fit: {str(error)[:300]} {AGAIN}") from error
    return localizer.to(torch_backbones.device()).eval(), classes
