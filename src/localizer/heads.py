"""The head that points, and the loss of its boxes, in PyTorch.

Lesson 03 explains both, and builds the same head in Keras. Its layers have the names of the parts
here, apart from the one that gives the name: Keras calls it ``class``.
"""

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import box_convert, generalized_box_iou_loss

Maps = Mapping[str, torch.Tensor]  # a backbone's outputs, by layer
Outputs = tuple[torch.Tensor, torch.Tensor]


class Scale(nn.Module):
    """Brings the channels of one map, of shape (batch, channels, h, w), to the same scale."""

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("deviation", torch.ones(channels, 1, 1))

    def fit(self, maps: torch.Tensor) -> None:
        """Take mean and deviation of each channel from these maps, of training pictures."""
        deviation = maps.std((0, 2, 3), correction=0)[:, None, None]
        self.mean.copy_(maps.mean((0, 2, 3))[:, None, None])
        # or channels that hardly vary would drown out the others
        self.deviation.copy_(deviation + 0.1 * deviation.mean())

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the maps on that scale."""
        return (maps - self.mean) / self.deviation


class PointingHead(nn.Module):
    """Our head: the name from averages, each side of the box from its axis.

    The name is read from the last layer of a backbone, the box from all others; where there is
    one layer only, both are read from it.

    `shapes` has the shape (h, w, channels) of each layer's map, in the order of the layers; the
    backbones give it. There are `filters` channels between the maps and the positions.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, int, int]], n_classes: int, filters: int = 64
    ):
        super().__init__()
        self.layers = tuple(shapes)
        self.box_layers = self.layers[:-1] or self.layers
        self.grid = max(tuple(shapes[layer][:2]) for layer in self.box_layers)
        self.scale = nn.ModuleList(Scale(channels) for *_, channels in shapes.values())
        self.name = nn.Linear(shapes[self.layers[-1]][-1], n_classes)
        self.mix = nn.ModuleList(
            nn.Conv2d(shapes[layer][-1], filters, 1, bias=False) for layer in self.box_layers
        )
        self.norm = nn.BatchNorm2d(filters, eps=1e-3)
        self.look = nn.Conv2d(filters, filters, 3, padding=1)
        self.columns = nn.Conv1d(2 * filters, 2, 3, padding=1)
        self.rows = nn.Conv1d(2 * filters, 2, 3, padding=1)

    @torch.no_grad()
    def scale_to(self, maps: Maps) -> None:
        """Bring all channels to the same scale: that of these maps, of training pictures."""
        for layer, scale in zip(self.layers, self.scale, strict=True):
            scale.fit(maps[layer])

    def forward(self, maps: Maps) -> Outputs:
        """Return logits and boxes.

        The maps are float32 of shape (batch, channels, h, w). Logits are of shape (batch,
        classes), boxes of shape (batch, 4), cxcywh, in fractions of the picture.
        """
        scales = zip(self.layers, self.scale, strict=True)
        scaled = {layer: scale(maps[layer]) for layer, scale in scales}
        logits = self.name(scaled[self.layers[-1]].mean((2, 3)))
        mixes = zip(self.box_layers, self.mix, strict=True)
        y = sum(self._enlarge(mix(scaled[layer])) for layer, mix in mixes)
        y = functional.relu(self.norm(y))
        y = functional.relu(self.look(y))
        columns = torch.cat([y.mean(2), y.amax(2)], 1)
        rows = torch.cat([y.mean(3), y.amax(3)], 1)
        sides = torch.stack([_positions(self.columns(columns)), _positions(self.rows(rows))], -1)
        start, end = sides[:, 0], sides[:, 1]
        return logits, torch.cat([(start + end) / 2, end - start], 1)

    def _enlarge(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps on the finest grid: each cell becomes the cells that it covers."""
        return functional.interpolate(maps, size=self.grid, mode="nearest")


def _positions(scores: torch.Tensor) -> torch.Tensor:
    """Return the average position, 0 to 1, that scores of shape (batch, 2, cells) point to."""
    places = torch.linspace(-0.05, 1.05, scores.shape[-1], device=scores.device)
    return (scores.softmax(-1) * places).sum(-1)


def box_loss(boxes: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return generalized IoU loss plus the sum of the absolute errors, for each cxcywh box.

    Both are of shape (batch, 4), in fractions of the picture. A negative width counts as none.
    """
    corners = [
        box_convert(torch.cat([cxcywh[:, :2], cxcywh[:, 2:].clamp(min=0)], 1), "cxcywh", "xyxy")
        for cxcywh in (boxes, truth)
    ]
    return generalized_box_iou_loss(*corners) + (boxes - truth).abs().sum(1)
