"""The heads of lesson 03, in PyTorch: from a feature map to a name and a box.

Each takes float32 maps of shape (batch, channels, 7, 7), and returns logits of shape (batch,
classes) and boxes of shape (batch, 4), cxcywh. `read_keras` carries over the weights that lesson 03
saved.
"""

from itertools import groupby
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from torchvision.ops import box_convert, generalized_box_iou_loss

Outputs = tuple[torch.Tensor, torch.Tensor]


class PooledHead(nn.Module):
    """Source 000's first model: name and box from averages. Boxes in pixels of 224 × 224."""

    IN_KERAS = ("hidden", "box", "name")  # the order in which Keras lists the layers

    def __init__(self, channels: int, n_classes: int, hidden: int = 1000):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.hidden = nn.Linear(channels, hidden)
        self.name = nn.Linear(hidden, n_classes)
        self.box = nn.Linear(hidden, 4)

    def forward(self, maps: torch.Tensor) -> Outputs:
        """Return logits and boxes."""
        x = self.hidden(self.drop(maps.mean((2, 3))))
        return self.name(x), self.box(x)


class SpatialHead(nn.Module):
    """Source 000's second model: the box from all cells. Boxes in pixels of 224 × 224."""

    IN_KERAS = ("cells", "hidden", "box", "name")

    def __init__(self, channels: int, n_classes: int, hidden: int = 1000):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.hidden = nn.Linear(channels, hidden)
        self.name = nn.Linear(hidden, n_classes)
        self.cells = nn.Conv2d(channels, 4, 1)
        self.box = nn.Linear(7 * 7 * 4, 4)

    def forward(self, maps: torch.Tensor) -> Outputs:
        """Return logits and boxes."""
        logits = self.name(self.hidden(self.drop(maps.mean((2, 3)))))
        # Keras keeps the channels last, so its flat vector runs through them first
        cells = functional.relu(self.cells(maps)).permute(0, 2, 3, 1).flatten(1)
        return logits, self.box(self.drop(cells))


class PointingHead(nn.Module):
    """Our head: the name from averages, each side of the box from its axis. Boxes in fractions.

    Parameters
    ----------
    channels
        Where each layer's output lies in the map, in the order of the layers. The name is read
        from the last one, the box from all.
    n_classes
        Number of classes.
    filters
        Channels between the map and the positions.
    """

    IN_KERAS = ("mix", "norm", "look", "columns", "rows", "name")

    def __init__(self, channels: dict[str, slice], n_classes: int, filters: int = 64):
        super().__init__()
        self.last = [*channels.values()][-1]
        total = self.last.stop
        self.register_buffer("mean", torch.zeros(total, 1, 1))
        self.register_buffer("deviation", torch.ones(total, 1, 1))
        self.name = nn.Linear(total - self.last.start, n_classes)
        self.mix = nn.Conv2d(total, filters, 1, bias=False)
        self.norm = nn.BatchNorm2d(filters, eps=1e-3)
        self.look = nn.Conv2d(filters, filters, 3, padding=1)
        self.columns = nn.Conv1d(2 * filters, 2, 3, padding=1)
        self.rows = nn.Conv1d(2 * filters, 2, 3, padding=1)

    def scale_to(self, maps: torch.Tensor) -> None:
        """Bring all channels to the same scale: that of these maps, of training pictures."""
        deviation = maps.std((0, 2, 3), correction=0)[:, None, None]
        self.mean.copy_(maps.mean((0, 2, 3))[:, None, None])
        # or channels that hardly vary would shout
        self.deviation.copy_(deviation + 0.1 * deviation.mean())

    def forward(self, maps: torch.Tensor) -> Outputs:
        """Return logits and boxes."""
        x = (maps - self.mean) / self.deviation
        logits = self.name(x[:, self.last].mean((2, 3)))
        y = functional.relu(self.norm(self.mix(x)))
        y = functional.relu(self.look(y))
        columns = torch.cat([y.mean(2), y.amax(2)], 1)
        rows = torch.cat([y.mean(3), y.amax(3)], 1)
        sides = torch.stack([_positions(self.columns(columns)), _positions(self.rows(rows))], -1)
        start, end = sides[:, 0], sides[:, 1]
        return logits, torch.cat([(start + end) / 2, end - start], 1)


def _positions(scores: torch.Tensor) -> torch.Tensor:
    """Return the average position, 0 to 1, that scores of shape (batch, 2, cells) point to."""
    places = torch.linspace(-0.05, 1.05, scores.shape[-1], device=scores.device)
    return (scores.softmax(-1) * places).sum(-1)


def read_keras(head: nn.Module, file: Path) -> None:
    """Fill a head with the weights that lesson 03 saved for it.

    Raises
    ------
    FileNotFoundError
        When there is no such file. The message names the notebook to run first.
    ValueError
        When the weights are those of another head.
    """
    if not file.exists():
        raise FileNotFoundError(
            f"There is no {file}. Run notebooks/03_keras_precomputed_features.ipynb first."
        )
    saved = load_file(file)  # keys such as "06 Conv2D kernel"
    groups = groupby(sorted(saved), key=lambda key: key.rsplit(" ", 1)[0])
    layers = [{key.split()[-1]: keras_to_torch(saved[key]) for key in keys} for _, keys in groups]
    try:
        if "variance" in layers[0]:
            scale = layers.pop(0)
            head.mean.copy_(scale["mean"].reshape(head.mean.shape))
            head.deviation.copy_(scale["variance"].sqrt().reshape(head.deviation.shape))
        for name, weights in zip(head.IN_KERAS, layers, strict=True):
            state = {KERAS_NAMES[key]: weight for key, weight in weights.items()}
            missing, _ = getattr(head, name).load_state_dict(state, strict=False)
            if [one for one in missing if one != "num_batches_tracked"]:
                raise ValueError(f"{name} needs {', '.join(missing)}")
    except (AttributeError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"{file} does not fit {type(head).__name__}: {error}") from error


KERAS_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def keras_to_torch(weight: torch.Tensor) -> torch.Tensor:
    """Return a weight of Keras, or its gradient, with the axes in PyTorch's order.

    A kernel is (…, in, out) in Keras, with the place in front, and (out, in, …) in PyTorch.
    """
    return weight.permute(-1, -2, *range(weight.ndim - 2)) if weight.ndim > 1 else weight


def box_loss(boxes: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return generalized IoU loss plus the sum of the absolute errors, for each cxcywh box.

    Both are of shape (batch, 4), in fractions of the picture. A negative width counts as none.
    """
    corners = [
        box_convert(torch.cat([one[:, :2], one[:, 2:].clamp(min=0)], 1), "cxcywh", "xyxy")
        for one in (boxes, truth)
    ]
    return generalized_box_iou_loss(*corners) + (boxes - truth).abs().sum(1)
