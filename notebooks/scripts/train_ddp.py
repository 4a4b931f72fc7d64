"""Fine-tunes backbone and head together, in one process or in several.

``python train_ddp.py`` trains in one process, ``torchrun --nproc-per-node 2 train_ddp.py`` in two.
Both compute the same, except for rounding: each step takes the same pictures, each process a share
of them, and before the update they average their gradients. Where there is a GPU for each process,
each takes its own; otherwise several share the processor's cores.
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

from backbones import torch_backbones
from coursekit import boxes, datasets, lessons, settings
from coursekit.files import write_whole
from coursekit.pictures import read_picture
from localizer.heads import box_loss
from localizer.model import Localizer

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


def place(world: int, here: int) -> tuple[torch.device, str]:
    """Return where this process computes, and through what it talks to the others.

    `world` is the number of processes, and `here` that of those on this machine. One alone takes
    the best device. Of several, each takes a GPU of its own, if there are enough.
    """
    best = torch_backbones.device()
    if world == 1:
        return best, ""
    if best.type == "cuda" and torch.cuda.device_count() >= here:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"])), "nccl"
    return torch.device("cpu"), "gloo"


def read(table: pd.DataFrame, size: int, threads: int) -> torch.Tensor:
    """Return the pictures of a table, float32 of shape (n, 3, size, size), from 0 to 1."""
    folder = datasets.place(settings.dataset()) / "JPEGImages"
    files = [folder / name for name in table["filename"]]
    with ThreadPoolExecutor(threads) as pool:
        pictures = list(pool.map(partial(read_picture, size=size), files))
    return torch_backbones.to_tensor(np.stack(pictures))


def build(
    n_classes: int, table: pd.DataFrame, device: torch.device, threads: int
) -> Localizer:
    """Return backbone and head, the head's scales taken from the pictures of a table."""
    network = Localizer(torch_backbones.load(), n_classes)
    network.to(device, memory_format=torch.channels_last)
    head = network.head
    head.norm.momentum = 1.0  # its statistics become those of the pictures
    with torch.no_grad():
        pictures = read(table, network.backbone.size, threads).to(device)
        maps = network.backbone(pictures)
        head.scale_to(maps)
        head(maps)
    # In training mode, batch normalization would see the share of one process only, so two
    # processes would not learn what one does. SyncBatchNorm, the usual remedy, does not
    # work on the CPU. So the statistics stay as they were just measured.
    return network.eval()


def loss_of(
    network: nn.Module, pictures: torch.Tensor, table: pd.DataFrame
) -> torch.Tensor:
    """Return the mean loss of the pictures of a table: of their names plus of their boxes."""
    logits, found = network(pictures)
    unit = boxes.normalize(table[boxes.SIDES], table[["width", "height"]])
    truth = torch.from_numpy(boxes.xyxy_to_cxcywh(unit)).float()
    labels = torch.tensor(table["label"].to_numpy())
    named = functional.cross_entropy(logits, labels.to(logits.device))
    return named + box_loss(found, truth.to(found.device)).mean()


def train(
    rank: int,
    world: int,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    threads: int,
    device: torch.device,
) -> Iterator[tuple[float, float]]:
    """Yield, for each step, the mean loss of all its pictures, and the seconds it took.

    `rank` is the number of this process, of `world`. They must be connected, if several.
    """
    images = lessons.load_images()
    datasets.locate()
    n_classes = images["label"].nunique()
    images = images[images["split"] == "train"]
    if batch % world or not 0 < batch <= len(images):
        raise ValueError(
            f"A batch of {batch} pictures cannot be shared equally by {world} process(es), as "
            f"averaging needs it. Take a multiple of {world}, from {world} to {len(images)}."
        )
    torch.set_num_threads(threads)
    torch.manual_seed(seed)  # the same initial weights in all processes
    measured = next(batches(len(images), min(MEASURED, len(images)), seed))
    network = build(n_classes, images.iloc[measured], device, threads)
    size = network.backbone.size
    if world > 1:
        network = DistributedDataParallel(network)
    optimizer = torch.optim.AdamW(network.parameters(), rate)
    for chosen in islice(batches(len(images), batch, seed), steps):
        start = time.perf_counter()
        share = images.iloc[chosen[rank::world]]
        pictures = read(share, size, threads).to(device)
        loss = loss_of(network, pictures, share)
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
        given["device"], talk = place(world, here)
        if talk == "nccl":
            torch.cuda.set_device(given["device"])
        if world > 1:
            distributed.init_process_group(talk)
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
