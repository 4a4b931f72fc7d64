"""Fine-tunes backbone and head together, in one process or in several, on the CPU.

``python train_ddp.py`` trains in one process, ``torchrun --nproc-per-node 2 train_ddp.py`` in two.
Both compute the same, but for rounding: each step takes the same pictures, each process a share
of them, and before the update they average their gradients.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, islice
from pathlib import Path

from coursekit import (
    boxes,
    datasets,
    lessons,
    settings,
    torch_backbones,
    torch_heads,
)
from coursekit.features import read_image
from coursekit.files import write_whole

import numpy as np
import pandas as pd
import torch
from torch import distributed, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

MEASURED = 64  # pictures that the head takes its scales from


def batches(n: int, batch: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the pictures of each step, without end; the rest of an epoch is left out."""
    for epoch in count():
        order = np.random.default_rng([seed, epoch]).permutation(n)
        yield from order[: n // batch * batch].reshape(-1, batch)


def read(table: pd.DataFrame, threads: int) -> torch.Tensor:
    """Return the pictures of a table, float32 of shape (n, 3, 224, 224), from 0 to 1."""
    files = [
        datasets.place(settings.dataset()) / "JPEGImages" / name
        for name in table["filename"]
    ]
    with ThreadPoolExecutor(threads) as pool:
        pictures = list(
            pool.map(partial(read_image, size=torch_backbones.SIZE), files)
        )
    return (
        torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
        / 255
    )


def build(n_classes: int, pictures: torch.Tensor) -> nn.Sequential:
    """Return backbone and head, the head's scales taken from these pictures."""
    backbone = torch_backbones.load()
    head = torch_heads.PointingHead(backbone.channels, n_classes)
    head.norm.momentum = 1.0  # its statistics become those of the pictures
    with torch.no_grad():
        maps = backbone(pictures)
        head.scale_to(maps)
        head(maps)
    # In training mode, batch normalization would see the share of one process only, so two
    # processes would learn something else than one. SyncBatchNorm, the usual remedy, does not
    # work on the CPU. So the statistics stay as they were just measured.
    return (
        nn.Sequential(backbone, head)
        .to(memory_format=torch.channels_last)
        .eval()
    )


def loss_of(
    network: nn.Module, table: pd.DataFrame, threads: int
) -> torch.Tensor:
    """Return the mean loss of the pictures of a table: of their names plus of their boxes."""
    logits, found = network(read(table, threads))
    unit = boxes.normalize(table[boxes.SIDES], table[["width", "height"]])
    truth = torch.from_numpy(boxes.xyxy_to_cxcywh(unit)).float()
    named = functional.cross_entropy(
        logits, torch.tensor(table["label"].to_numpy())
    )
    return named + torch_heads.box_loss(found, truth).mean()


def train(
    rank: int,
    world: int,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    threads: int,
) -> Iterator[tuple[float, float]]:
    """Yield, for each step, the mean loss of all its pictures, and the seconds it took.

    `rank` is the number of this process, of `world`. They must be connected, if several.
    """
    images = lessons.load_images()
    datasets.locate()
    images, n_classes = (
        images[images["split"] == "train"],
        images["label"].nunique(),
    )
    if batch % world or not 0 < batch <= len(images):
        raise ValueError(
            f"A batch of {batch} pictures cannot be shared equally by {world} process(es), as "
            f"averaging needs it. Take a multiple of {world}, from {world} to {len(images)}."
        )
    torch.set_num_threads(threads)
    torch.manual_seed(seed)  # the same initial weights in all processes
    measured = next(batches(len(images), min(MEASURED, len(images)), seed))
    network = build(n_classes, read(images.iloc[measured], threads))
    if world > 1:
        network = DistributedDataParallel(network)
    optimizer = torch.optim.AdamW(network.parameters(), rate)
    for chosen in islice(batches(len(images), batch, seed), steps):
        start = time.perf_counter()
        loss = loss_of(network, images.iloc[chosen[rank::world]], threads)
        optimizer.zero_grad()
        loss.backward()  # here the processes average their gradients
        optimizer.step()
        mean = loss.detach() / world
        if world > 1:
            distributed.all_reduce(mean)  # the sum over the processes
        yield mean.item(), time.perf_counter() - start


def main() -> None:
    """Train, print each step, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument(
        "--batch",
        type=int,
        default=32,
        help="pictures of all processes together",
    )
    parser.add_argument(
        "--rate", type=float, default=1e-4, help="learning rate"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads",
        type=int,
        help="of each process; by default, share all cores",
    )
    parser.add_argument(
        "--out", type=Path, help="a JSON file for losses and seconds"
    )
    given = vars(parser.parse_args())
    out, log = given.pop("out"), {"losses": [], "seconds": []}
    names = {
        "RANK": 0,
        "WORLD_SIZE": 1,
        "LOCAL_WORLD_SIZE": 1,
    }  # torchrun sets these
    rank, world, here = (
        int(os.environ.get(name, alone)) for name, alone in names.items()
    )
    # torchrun also sets OMP_NUM_THREADS to 1, which would leave cores idle where there are more
    given["threads"] = given["threads"] or max(
        1, (os.cpu_count() or 1) // here
    )
    try:
        if world > 1:
            distributed.init_process_group("gloo")
        for loss, seconds in train(rank, world, **given):
            log["losses"].append(loss)
            log["seconds"].append(seconds)
            if rank == 0:
                print(
                    f"step {len(log['losses']):3}  {loss:.4f}  {seconds:.2f} s",
                    flush=True,
                )
    except (OSError, ValueError) as error:
        sys.exit(f"train_ddp: {error}")
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
    if out and rank == 0:
        write_whole(
            out,
            json.dumps(
                log | {"world_size": world, "threads": given["threads"]}
            ),
        )


if __name__ == "__main__":
    main()
