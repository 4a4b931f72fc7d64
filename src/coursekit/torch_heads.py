"""The head that points, and the loss of its boxes, in PyTorch.

Lesson 03 explains both. Lesson 04 and ``notebooks/scripts/train_ddp.py`` train with them.
"""

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import box_convert, generalized_box_iou_loss

Outputs = tuple[torch.Tensor, torch.Tensor]


class PointingHead(nn.Module):
    """Our head: the name from averages, each side of the box from its axis.

    It takes float32 maps of shape (batch, channels, 7, 7), and returns logits of shape (batch,
    classes) and boxes of shape (batch, 4), cxcywh, in fractions of the picture.
    `channels` says where each layer's output lies in the map, in the order of the layers: the name
    is read from the last one, the box from all. `filters` channels lie between the map and the
    positions.
    """

    # the order in which Keras lists the layers
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


def box_loss(boxes: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return generalized IoU loss plus the sum of the absolute errors, for each cxcywh box.

    Both are of shape (batch, 4), in fractions of the picture. A negative width counts as none.
    """
    corners = [
        box_convert(torch.cat([cxcywh[:, :2], cxcywh[:, 2:].clamp(min=0)], 1), "cxcywh", "xyxy")
        for cxcywh in (boxes, truth)
    ]
    return generalized_box_iou_loss(*corners) + (boxes - truth).abs().sum(1)
