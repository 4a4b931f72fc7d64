"""Training in several processes: two must learn what one learns.

One process trains in that for PyTorch, two as `torchrun` starts them, once for all tests: these
run the program first, and then make the mistakes that the comparison must notice.
"""

import contextlib
import io
import json
import os
import runpy
import sys
from pathlib import Path
from unittest import mock

from coursekit import datasets, settings, voc
from minivoc import CLASSES

import numpy as np
import pytest

from processes import python

STEPS, BATCH = 4, 4
# Rounding begins at 1e-6, and AdamW's first steps make it larger: 1.5e-4 after six of them.
# After more than five, a maximum between two cells that are nearly equal may go to the other.
CLOSE, FAR = 5e-4, 1e-2
OPTIONS = ("--steps", STEPS, "--batch", BATCH, "--threads", 1, "--out")
SCRIPT = settings.CHECKOUT / "notebooks" / "scripts" / "train_ddp.py"


def choices(artifacts: Path) -> dict[str, str]:
    """Return the environment variables with which the script finds the table of images there."""
    chosen = {"COURSEKIT_ARTIFACTS": str(artifacts), "COURSEKIT_DATASET": "mini"}
    chosen |= {"COURSEKIT_BACKBONE": "efficientnet_lite0", "COURSEKIT_WEIGHTS": "imagenet"}
    # two devices round differently, and one GPU would be for one process only
    return chosen | {"COURSEKIT_DEVICE": "cpu", "TQDM_DISABLE": "1"}


def train_alone(*arguments) -> list:
    """Return what the script prints in this process, and how it ends."""
    import train_ddp

    with (
        mock.patch.object(sys, "argv", [str(SCRIPT), *map(str, arguments)]),
        contextlib.redirect_stdout(io.StringIO()) as printed,
    ):
        try:
            train_ddp.main()
        except SystemExit as end:
            return [printed.getvalue(), end.code]
    return [printed.getvalue(), 0]


def places() -> dict[str, list[str]]:
    """Return where a process computes and through what it talks, by machine and processes."""
    from backbones import torch_backbones

    import torch

    import train_ddp

    def place(world: int, here: int, best: str, gpus: int) -> list[str]:
        with (
            mock.patch.object(torch_backbones, "device", lambda: torch.device(best)),
            mock.patch.object(torch.cuda, "device_count", lambda: gpus),
            mock.patch.dict(os.environ, {"LOCAL_RANK": "1"}),
        ):
            return [*map(str, train_ddp.place(world, here))]

    return {
        "alone, one GPU": place(1, 1, "cuda", 1),
        "alone, a Mac": place(1, 1, "mps", 0),
        "two, two GPUs": place(2, 2, "cuda", 2),
        "two, one GPU": place(2, 2, "cuda", 1),
        "two, a Mac": place(2, 2, "mps", 0),
        "two, no GPU": place(2, 2, "cpu", 0),
    }


# what the two processes do


def train_together(directory: Path, *arguments: str) -> None:
    """Run the program as `torchrun` does; then write the losses, or the error, of each mistake."""
    import torch
    from torch import distributed

    import train_ddp

    rank = int(os.environ["RANK"])
    given = {"steps": STEPS, "batch": BATCH, "rate": 1e-4, "seed": 0, "threads": 1}
    given["device"] = torch.device("cpu")

    def losses(number: int = rank, **changes) -> list[float] | str:
        try:
            return [loss for loss, _ in train_ddp.train(number, 2, **given | changes)]
        except ValueError as error:
            return str(error)

    # They are connected once for all: a second time, a process may read the addresses of the first
    # one and fail. So the program must not part them yet.
    with (
        mock.patch.object(sys, "argv", [str(SCRIPT), *arguments]),
        mock.patch.object(distributed, "destroy_process_group") as part,
    ):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    part.assert_called_once_with()
    answers = {
        "none": losses(),
        "the first share for all": losses(0),
        "the second share for all": losses(1),
        "other weights, other order": losses(seed=1),
        "batch of 7": losses(batch=7),
        "batch of 0": losses(batch=0),
        "batch of 10000": losses(batch=10_000),
    }
    train_ddp.DistributedDataParallel = lambda network: network
    answers["gradients not averaged"] = losses()
    distributed.destroy_process_group()
    if rank == 0:
        (directory / "mistakes.json").write_text(json.dumps(answers))


# what the tests ask


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory) -> Path:
    """A directory with a table of images like that of lesson 02: few, since all are measured."""
    directory, mini = tmp_path_factory.mktemp("artifacts"), datasets.prepare("mini")
    images = voc.single_object(voc.load_annotations(mini), CLASSES)
    images = voc.assign_split(images, mini).groupby(["split", "name"]).head(2)
    images.to_csv(directory / "images.csv", index=False)
    return directory


@pytest.fixture(scope="module")
def together(artifacts) -> str:
    """What two processes print that `torchrun` starts; their files are in the directory."""
    two = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2)
    variables = choices(artifacts) | {"PYTHONPATH": os.pathsep.join(sys.path)}
    options = (*OPTIONS, artifacts / "2.json")
    done = python(*two, Path(__file__), artifacts, *options, **variables)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def logs(in_torch, artifacts, together) -> dict[int, dict]:
    """What one process, and two, write about the same training, by their number."""
    files = {world: artifacts / f"{world}.json" for world in (1, 2)}
    alone, code = in_torch(train_alone, *OPTIONS, files[1], **choices(artifacts))
    assert code == 0, code
    printed = {1: alone, 2: together}
    return {n: json.loads(files[n].read_text()) | {"printed": printed[n]} for n in files}


@pytest.fixture(scope="module")
def mistakes(artifacts, together) -> dict:
    """The losses, or the error, of two processes, by the mistake made."""
    return json.loads((artifacts / "mistakes.json").read_text())


def test_two_processes_learn_what_one_learns(logs):
    two, one = (logs[n]["losses"] for n in (2, 1))
    np.testing.assert_allclose(two, one, rtol=0, atol=CLOSE)
    assert [logs[n]["world_size"] for n in (1, 2)] == [1, 2]


def test_the_losses_change_and_fall(logs):
    losses = logs[1]["losses"]
    assert len(losses) == STEPS and np.abs(np.diff(losses)).min() > CLOSE
    assert np.mean(losses[-2:]) < np.mean(losses[:2]) - 0.1


def test_the_first_process_alone_prints_each_step(logs):
    for log in logs.values():
        lines = [line for line in log["printed"].splitlines() if line.startswith("step ")]
        assert [line.split()[2] for line in lines] == [f"{loss:.4f}" for loss in log["losses"]]
        assert len(log["seconds"]) == STEPS and min(log["seconds"]) > 0


def test_the_comparison_is_with_the_same_training(logs, mistakes):
    same, one = mistakes["none"], logs[1]["losses"]
    np.testing.assert_allclose(same, one, rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    "mistake",
    [
        "the first share for all",
        "the second share for all",
        "gradients not averaged",
        "other weights, other order",
    ],
)
def test_the_comparison_notices(logs, mistakes, mistake):
    away = np.abs(np.subtract(mistakes[mistake], logs[1]["losses"]))
    assert away.max() > FAR
    if mistake == "gradients not averaged":
        assert away[0] < CLOSE  # the first loss comes before the first gradient


def test_the_two_shares_make_up_the_batch(logs, mistakes):
    first, second = (mistakes[f"the {which} share for all"][0] for which in ("first", "second"))
    assert abs(first - second) > FAR
    assert (first + second) / 2 == pytest.approx(logs[1]["losses"][0], abs=CLOSE)


@pytest.mark.parametrize("batch", [0, 7, 10_000])
def test_a_batch_that_cannot_be_shared_is_refused(mistakes, batch):
    words = mistakes[f"batch of {batch}"]
    assert words.startswith(f"A batch of {batch} pictures cannot be shared equally by 2 process")
    assert "Take a multiple of 2, from 2 to 10." in words


def test_each_process_takes_a_gpu_where_there_are_enough(in_torch):
    assert in_torch(places) == {
        "alone, one GPU": ["cuda", ""],
        "alone, a Mac": ["mps", ""],
        "two, two GPUs": ["cuda:1", "nccl"],
        "two, one GPU": ["cpu", "gloo"],
        "two, a Mac": ["cpu", "gloo"],
        "two, no GPU": ["cpu", "gloo"],
    }


def test_a_missing_table_names_the_notebook_to_run(in_torch, tmp_path):
    out = ("--out", tmp_path / "never.json")
    printed, code = in_torch(train_alone, *out, **choices(tmp_path))
    beginning = "train_ddp: mini has no images.csv yet. Run notebooks/02_"
    assert code.startswith(beginning) and printed == ""  # Python prints it, and returns 1
    assert not list(tmp_path.iterdir())


if __name__ == "__main__":
    train_together(Path(sys.argv[1]), *sys.argv[2:])
