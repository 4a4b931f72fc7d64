import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from coursekit.files import write_whole, written_whole

import numpy as np
import pytest


def test_the_text_is_written_as_it_stands(tmp_path):
    path = write_whole(tmp_path / "new" / "a.txt", "1 × 2\r\n")
    assert path.read_bytes() == "1 × 2\r\n".encode()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, error):
    path = write_whole(tmp_path / "a.txt", "old")
    with pytest.raises(error), written_whole(path) as new:
        new.write_text("new")
        raise error
    assert path.read_text() == "old" and [*tmp_path.iterdir()] == [path]


def test_a_write_that_never_began_is_an_error_and_leaves_the_old_file(tmp_path):
    path = write_whole(tmp_path / "a.txt", "old")
    with pytest.raises(FileNotFoundError), written_whole(path):
        pass
    assert path.read_text() == "old" and [*tmp_path.iterdir()] == [path]


def test_the_old_file_stands_until_the_new_one_is_on_the_disk(tmp_path, monkeypatch):
    path, events = write_whole(tmp_path / "a.txt", "old"), []

    def sync(_):
        events.append(path.read_text())

    monkeypatch.setattr(os, "fsync", sync)
    write_whole(path, "new")
    assert events == ["old"] and path.read_text() == "new"


def test_a_library_may_go_by_the_ending_of_the_name(tmp_path):
    with written_whole(tmp_path / "a.npy") as new:
        np.save(new, [1, 2])  # adds .npy to any other name
    assert np.load(tmp_path / "a.npy").tolist() == [1, 2]


def test_of_many_writers_each_file_is_one_writers(tmp_path):
    path = write_whole(tmp_path / "a.txt", "start")
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write_whole, path, text) for text in texts * 5]
        seen = {path.read_text() for _ in range(200)}
        for job in writing:
            job.result()
    assert seen | {path.read_text()} <= {"start", *texts}
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bits")
def test_the_file_may_be_read_by_those_who_may_read_other_files(tmp_path):
    usual = os.umask(0o027)
    try:
        mode = write_whole(tmp_path / "a.txt", "text").stat().st_mode
    finally:
        os.umask(usual)
    assert mode & 0o777 == 0o640


@pytest.mark.parametrize(("age", "stays"), [(60, True), (7200, False), (-7200, False)])
def test_what_a_killed_process_left_is_deleted_an_hour_later(tmp_path, age, stays):
    left, others = (
        tmp_path / ".0123abcd.a.txt",
        [".0123abcd.b.txt", ".notes.a.txt", "0123abcd.a.txt"],
    )
    for path in (left, *(tmp_path / name for name in others)):
        path.write_text("half")
        os.utime(path, (time.time() - age, time.time() - age))
    write_whole(tmp_path / "a.txt", "whole")
    assert left.exists() == stays
    assert all((tmp_path / name).exists() for name in others)
