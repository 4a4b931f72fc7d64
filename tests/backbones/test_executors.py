"""Features that several processes make: the bytes of one, whatever happens to a process."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from backbones import features
from coursekit.pictures import CorruptImageError

import pytest
from distributed import Client, LocalCluster

from mosaic import BATCH, Mosaic, N, Pictures, Slow, contents


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "SHARD", 1)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    return Pictures(tmp_path / "set")


@pytest.fixture
def right(pictures, tmp_path):
    pictures.extract(folder=tmp_path / "right")
    return contents(tmp_path / "right")


@pytest.fixture
def cluster():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options, processes=True, silence_logs=50) as cluster:
        yield cluster


def extract(pictures, backbone, executor):
    """Extract with an executor."""
    return features.extract(
        backbone, pictures.table, pictures.directory, pictures.folder, BATCH, executor
    )


def test_processes_of_this_machine_make_the_bytes_of_one(pictures, right):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        maps, ids = extract(pictures, Mosaic(), executor)
    assert contents(pictures.folder) == right
    assert len(ids) == N == len(maps["fine"])


def test_a_worker_of_dask_that_is_killed_costs_nothing_but_time(pictures, right, cluster):
    """One of two workers is killed in its first job; another makes its shard."""

    def kill_one() -> None:
        while not [*pictures.folder.glob("*.part/rows-*")]:
            time.sleep(0.01)
        killed.append(next(iter(cluster.workers.values())).pid)
        os.kill(killed[0], signal.SIGKILL)

    killed: list[int] = []
    killer = threading.Thread(target=kill_one)
    killer.start()
    with Client(cluster) as client:
        extract(pictures, Slow(), client.get_executor())
    killer.join()
    assert killed
    assert contents(pictures.folder) == right


def test_what_a_worker_stumbles_over_is_named(pictures, cluster):
    name = pictures.spoil(4)
    with (
        Client(cluster) as client,
        pytest.raises(CorruptImageError, match=name),
    ):
        extract(pictures, Mosaic(), client.get_executor())
    assert not [folder for folder in pictures.folder.glob("mosaic-*") if folder.suffix != ".part"]
