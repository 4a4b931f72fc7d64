"""What a crash, or a full disk, may leave: it is made again, or named with what to do."""

import json
import os

from coursekit import lessons
from coursetools import executing, runner

import nbformat
import pandas as pd
import pytest

from mosaic import BATCH, Mosaic, N, Pictures, Stopped, contents

GARBAGE = [b"", b"\0" * 200, b"{", b"[]", b'{"claims": 3}', b"\xff\xfe{}"]


@pytest.fixture
def pictures(tmp_path):
    return Pictures(tmp_path / "set")


@pytest.mark.parametrize("garbage", [b"", b"\x93NUMPY", b"\0" * 4000, None])
def test_damaged_features_are_made_again(pictures, garbage, proof):
    pictures.extract()
    right = contents(pictures.folder)
    (file,) = pictures.folder.glob("*/coarse.npy")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if garbage is None else garbage)
    backbone = Mosaic()
    pictures.extract(backbone)
    assert sum(backbone.calls) == N
    assert contents(pictures.folder) == right
    proof("Features that are empty, cut off or not features at all are made again, byte for byte.")


@pytest.mark.parametrize("name", ["rows-0", "coarse.npy"])
@pytest.mark.parametrize("garbage", [b"", b"x", b"\0" * 100])
def test_damaged_features_of_a_stopped_run_are_begun_anew(pictures, name, garbage, proof):
    with pytest.raises(KeyboardInterrupt):
        pictures.extract(Stopped())
    (part,) = pictures.folder.glob("*.part")
    (part / name).write_bytes(garbage)
    backbone = Mosaic()
    pictures.extract(backbone)
    assert backbone.calls == [BATCH, BATCH, BATCH, N % BATCH]
    clean = Pictures(pictures.directory.parent / "clean")
    clean.extract()
    assert [*contents(pictures.folder).values()] == [*contents(clean.folder).values()]
    proof("So are those of a run that was stopped, if what it left is damaged.")


@pytest.mark.parametrize("garbage", GARBAGE)
def test_damaged_results_are_kept_aside_and_begun_anew(
    garbage, tmp_path, monkeypatch, capsys, proof
):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    (tmp_path / "results.json").write_bytes(garbage)
    lessons.begin("02_lesson")
    assert (
        "results.json is damaged. It is called results.damaged.json now" in capsys.readouterr().out
    )
    assert (tmp_path / "results.damaged.json").read_bytes() == garbage
    assert json.loads((tmp_path / "results.json").read_text())["claims"] == {"02_lesson": []}
    proof("A damaged `results.json` is kept under another name, and a new one begins.")


def test_a_table_that_is_cut_off_is_named_with_its_lesson(tmp_path, monkeypatch, proof):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    row = dict.fromkeys(lessons.IMAGE_COLUMNS, 1) | {"difficult": True, "truncated": False}
    path = lessons.save_images(pd.DataFrame([row | {"split": "training"}]))
    assert len(lessons.load_images()) == 1
    path.write_bytes(path.read_bytes()[:-4])  # in its last field, "train" would be left
    with pytest.raises(ValueError, match=r"images\.csv is not whole.*\n?.*02_voc_annotations"):
        lessons.load_images()
    proof("A table that is cut off is named, with the lesson that writes it.")


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\0\0", b'{"cells": 3}', b'"text"'])
def test_a_damaged_copy_is_executed_again(garbage, tmp_path, monkeypatch, proof):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.write(notebook, tmp_path / "01_a.ipynb")
    monkeypatch.setattr(executing, "execute", lambda *_: None)
    runner.run([tmp_path / "01_a.ipynb"], tmp_path / "out")
    right = (tmp_path / "out" / "01_a.ipynb").read_bytes()
    (tmp_path / "out" / "01_a.ipynb").write_bytes(garbage)
    runner.run([tmp_path / "01_a.ipynb"], tmp_path / "out")
    assert (tmp_path / "out" / "01_a.ipynb").read_bytes() == right
    proof("A damaged copy of a lesson is executed again.")


def test_a_clock_that_was_set_back_makes_nothing_anew(pictures, tmp_path, monkeypatch, proof):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path / "artifacts"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.write(notebook, tmp_path / "01_a.ipynb")
    runner.run([tmp_path / "01_a.ipynb"], tmp_path / "out")
    pictures.extract()
    lessons.begin("02_lesson")
    for path in tmp_path.rglob("*"):
        os.utime(path, (2**32, 2**32))  # in the year 2106
    monkeypatch.setattr(executing, "execute", lambda *_: pytest.fail("executed again"))
    runner.run([tmp_path / "01_a.ipynb"], tmp_path / "out")
    backbone = Mosaic()
    pictures.extract(backbone)
    assert backbone.calls == []
    lessons.begin("03_lesson")
    assert {*lessons.load_results()["claims"]} == {"02_lesson", "03_lesson"}
    proof("Files dated in the future, as after a clock was set back, are as good as others.")
