"""A localizer with few weights, for tests in the process for PyTorch."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

SIZE, CLASSES = 32, ["cat", "dog", "heron"]


def backbone(name: str = "efficientnet_lite0", layers: Sequence[str] = (), channels: int = 4):
    """Return a backbone of two convolutions, always with the same weights."""
    from backbones import torch_backbones

    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        parts = {
            "first": nn.Conv2d(3, channels, 3, stride=4, padding=1),
            "last": nn.Conv2d(channels, 6, 3, stride=2, padding=1),
        }
    network = nn.Sequential(OrderedDict(parts))
    return torch_backbones.Backbone(name, network, layers or [*parts], size=SIZE)


@contextmanager
def installed(**options) -> Iterator[None]:
    """Let `torch_backbones.untrained` return the small backbone, with these options."""
    from backbones import torch_backbones

    def untrained(name, layers):
        return backbone(name, layers, **options)

    with mock.patch.object(torch_backbones, "untrained", untrained):
        yield


def trained(file: Path | None = None):
    """Return a localizer, fine-tuned in that all weights are its own, and save it to `file`."""
    from localizer import model

    import torch

    torch.manual_seed(0)
    localizer = model.Localizer(backbone(), len(CLASSES))
    for weight in localizer.parameters():
        weight.data.add_(0.1 * torch.randn_like(weight))
    if file is not None:
        model.save(file, localizer, CLASSES)
    return localizer.eval()
