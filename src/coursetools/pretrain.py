"""Trains the backbone `tiny` on drawings: ``python -m coursetools.pretrain``.

The network learns to name the main object of a drawing, one of 16 kinds. It sees no box, and no
picture of `mini`: those come from another seed. What is shipped with the course came out of this
script as it stands. It goes on where it was interrupted.
"""

import argparse
import math
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import tiny
from coursekit import settings
from coursekit.files import written_whole
from coursekit.progress import progress_bar
from minivoc.pictures import render
from minivoc.scenes import NAMES, compose
from tiny import in_torch

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

SEED = 1963  # of the drawings; `mini` is drawn from another one
CLASSES = tuple(sorted(NAMES))
SIZE = 224
PICTURES, HELD_OUT = 16_000, 800
SIZES = (112,) * 13 + (224,) * 3  # of the pictures in each epoch: most of it is learned small
BATCH, RATE, DECAY, SMOOTHING = 64, 0.003, 0.02, 0.1
LOG_COLUMNS = ("epoch", "size", "loss", "accuracy", "held_out_accuracy", "seconds")


def draw(index: int) -> np.ndarray:
    """Return picture number `index`, uint8 of shape (224, 224, 3). Its class: `label(index)`."""
    rng = np.random.default_rng([SEED, index])
    image = render(*compose(rng, (CLASSES[label(index)],)))
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def label(index: int) -> int:
    """Return the class of picture number `index`: they take turns."""
    return index % len(CLASSES)


def draw_all(file: Path, n: int) -> np.ndarray:
    """Return the pictures 0 to n - 1 as a memory map of shape (n, 224, 224, 3), drawn once."""
    if not file.exists():
        shape = (n, SIZE, SIZE, 3)
        with (
            written_whole(file) as new,
            ProcessPoolExecutor(mp_context=get_context("spawn")) as pool,
        ):
            pictures = np.lib.format.open_memmap(new, mode="w+", dtype=np.uint8, shape=shape)
            drawn = pool.map(draw, range(n), chunksize=16)
            for index, picture in enumerate(progress_bar(drawn, total=n, desc="Drawing")):
                pictures[index] = picture
            pictures.flush()
    pictures = np.load(file, mmap_mode="r")
    if len(pictures) != n:
        raise ValueError(f"{file} holds {len(pictures)} pictures, not {n}. Delete it.")
    return pictures


def augment(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """Return each picture mirrored or not, cropped or shrunk, and a little brighter or darker.

    From uint8 of shape (batch, 224, 224, 3) to float32 of shape (batch, 3, size, size), -1 to 1.
    """
    n = len(pictures)
    zoom = torch.empty(n).uniform_(0.6, 1.1)  # the share of the width and height that is seen
    mirror = torch.randint(0, 2, (n,)) * 2 - 1
    shift = torch.empty(n, 2).uniform_(-1, 1) * (1 - zoom).abs()[:, None]
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = zoom * mirror, zoom, shift
    grid = functional.affine_grid(theta, (n, 3, size, size), align_corners=False)
    seen = functional.grid_sample(scale(pictures), grid, padding_mode="border", align_corners=False)
    contrast, light = torch.empty(2, n, 1, 1, 1).uniform_(-0.25, 0.25)
    return (seen * (1 + contrast) + light).clamp(-1, 1)


def scale(pictures: torch.Tensor) -> torch.Tensor:
    """Return uint8 pictures (batch, height, width, 3) as (batch, 3, height, width), -1 to 1."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def train_epoch(
    network, optimizer, schedule, pictures, order, size: int, short: bool
) -> tuple[float, float]:
    """Return mean loss and accuracy of one epoch over the pictures in this order."""
    network.train()
    losses, right = [], 0
    chosen = np.array_split(order, math.ceil(len(order) / BATCH))
    for indices in progress_bar(chosen, desc=f"{size} pixels"):
        x = augment(torch.from_numpy(pictures[np.sort(indices)]), size)
        y = torch.from_numpy(np.sort(indices) % len(CLASSES))
        with torch.autocast("cpu", torch.bfloat16, enabled=short):
            logits = network(x.contiguous(memory_format=torch.channels_last)).float()
        loss = functional.cross_entropy(logits, y, label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        right += (logits.argmax(1) == y).sum().item()
    return float(np.mean(losses)), right / len(order)


@torch.no_grad()
def accuracy(network: nn.Module, pictures: np.ndarray, indices: np.ndarray) -> float:
    """Return the share of the pictures at these indices that are named rightly."""
    network.eval()
    right = 0
    for part in np.array_split(indices, math.ceil(len(indices) / BATCH)):
        logits = network(scale(torch.from_numpy(pictures[part])))
        right += (logits.argmax(1).numpy() == part % len(CLASSES)).sum()
    return float(right / len(indices))


def train(
    directory: Path, n: int = PICTURES, held_out: int = HELD_OUT, sizes=SIZES, short: bool = False
) -> Path:
    """Return the weight file in `directory`, after training on `n` drawings; see the module.

    Parameters
    ----------
    directory
        For the drawings (2.5 GB with the default numbers), the checkpoint, the log, and
        ``tiny.safetensors``.
    n, held_out
        Drawings to learn from, and drawings to test on.
    sizes
        Pixels of the pictures' side, for each epoch.
    short
        Multiply in bfloat16: twice as fast on processors that can, slower on others.
    """
    pictures = draw_all(directory / "drawings.npy", n + held_out)
    torch.manual_seed(SEED)
    backbone = in_torch.build(weights=None)
    network = nn.Sequential(
        backbone, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(tiny.WIDTHS[-1], len(CLASSES))
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = len(sizes) * math.ceil(n / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    checkpoint, log = directory / "checkpoint.pt", []
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        log = saved.pop("log")
        for name, part in parts.items():
            part.load_state_dict(saved[name])
    for epoch in range(len(log), len(sizes)):
        start = time.perf_counter()
        torch.manual_seed(SEED + epoch)  # so that an interrupted training ends the same
        order = np.random.default_rng([SEED, epoch]).permutation(n)
        loss, right = train_epoch(
            network, optimizer, schedule, pictures, order, sizes[epoch], short
        )
        held = accuracy(network, pictures, np.arange(n, n + held_out))
        row = (epoch + 1, sizes[epoch], loss, right, held, time.perf_counter() - start)
        log.append([*row])
        states = {name: part.state_dict() for name, part in parts.items()}
        with written_whole(checkpoint) as new:
            torch.save(states | {"log": log}, new)
    table = pd.DataFrame(log, columns=LOG_COLUMNS).round(4)
    table.to_csv(directory / tiny.LOG.name, index=False, lineterminator="\n")
    weights = {k: v.contiguous() for k, v in backbone.state_dict().items() if v.ndim}
    save_file(weights, directory / tiny.FILE.name)
    return directory / tiny.FILE.name


def main() -> None:
    """Train, and say where the files lie."""
    parser = argparse.ArgumentParser(prog="python -m coursetools.pretrain", description=__doc__)
    parser.add_argument("--directory", type=Path, default=settings.home() / "pretrain")
    parser.add_argument("--bfloat16", action="store_true", help="faster on recent processors")
    given = parser.parse_args()
    file = train(given.directory, short=given.bfloat16)
    print(f"{file} is ready. Copy it and {tiny.LOG.name} to {tiny.FILE.parent}.")


if __name__ == "__main__":
    main()
