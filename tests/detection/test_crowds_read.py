"""The pictures of lesson 08: drawn ones, and those of other data."""

import os
import re
import shutil
from pathlib import Path

from coursekit import datasets
from detection import reading
from minivoc import CLASSES, crowds

import pandas as pd
import pytest
from PIL import Image

VOC = os.environ.get("COURSEKIT_VOC_SAMPLE")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return crowds.draw(tmp_path_factory.mktemp("crowds") / "drawn", n=40, processes=1)


def test_the_drawn_pictures_are_found_or_drawn(monkeypatch, tmp_path, drawn):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path))
    monkeypatch.setattr(crowds, "draw", lambda directory: Path(drawn))
    assert reading.locate() == drawn


def test_other_data_are_their_own_pictures(monkeypatch, drawn):
    monkeypatch.setenv("COURSEKIT_DATASET", str(drawn))
    assert reading.locate() == datasets.locate() == drawn


def test_every_picture_is_there_also_without_an_animal(drawn):
    table, objects, classes = reading.load(drawn)
    assert classes == list(CLASSES) and len(table) == 40
    assert {0, 1, 5} <= {*table["n"]}
    there = objects[~objects["difficult"]].groupby("image_id").size()
    assert table.set_index("image_id")["n"].loc[there.index].equals(there.rename("n"))
    assert (objects["label"].map(dict(enumerate(classes))) == objects["name"]).all()
    assert table["split"].value_counts().to_dict() == {"train": 24, "val": 5, "test": 11}


def test_of_other_data_all_classes_count_unless_some_are_named(monkeypatch, drawn):
    monkeypatch.setenv("COURSEKIT_DATASET", str(drawn))
    everything = reading.load(drawn)
    assert {*CLASSES} < {*everything.classes} == {*everything.objects["name"]}
    monkeypatch.setenv("COURSEKIT_CLASSES", "cow,dog")
    table, objects, classes = reading.load(drawn)
    assert classes == ["cow", "dog"] and {*objects["name"]} == {"cow", "dog"}
    assert len(table) == 40 and (table["n"] == 0).any()


def test_a_picture_of_another_size_stops_it_unless_one_of_the_two_is_chosen(
    monkeypatch, drawn, tmp_path
):
    halved = Path(shutil.copytree(drawn, tmp_path / "halved"))
    file = halved / "JPEGImages" / "000001.jpg"
    with Image.open(file) as picture:
        size = picture.width // 2, picture.height // 2
        picture.resize(size).save(file)
    with pytest.raises(ValueError, match=r"000001 says .*`--sizes picture`"):
        reading.load(halved)
    monkeypatch.setenv("COURSEKIT_SIZES", "picture")
    table, objects, _ = reading.load(halved)
    for rows in (table, objects):
        assert {*rows.loc[rows["image_id"] == "000001", "width"]} <= {size[0]}
    assert (table["width"] == size[0]).any()


def test_classes_and_boxes_are_checked_as_in_the_other_lessons(monkeypatch, drawn, tmp_path):
    monkeypatch.setenv("COURSEKIT_CLASSES", "dog,horze")
    with pytest.raises(ValueError, match="No object is called 'horze'"):
        reading.load(drawn)
    monkeypatch.delenv("COURSEKIT_CLASSES")
    flat = Path(shutil.copytree(drawn, tmp_path / "flat"))
    number = reading.load(flat).table.query("n > 1")["image_id"].iloc[0]
    file = flat / "Annotations" / f"{number}.xml"
    text = re.sub(r"<xmax>.*?</xmax>", "<xmax>1</xmax>", file.read_text(encoding="utf-8"))
    file.write_text(re.sub(r"<xmin>.*?</xmin>", "<xmin>9</xmin>", text), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{number}.* empty or inverted"):
        reading.load(flat)


def test_no_more_pictures_are_taken_than_asked_for(drawn):
    table, objects, _ = reading.load(drawn, most=5)
    assert table["split"].value_counts().to_dict() == {"train": 5, "val": 5, "test": 5}
    assert {*objects["image_id"]} <= {*table["image_id"]}
    everything = reading.load(drawn, most=1000).table
    pd.testing.assert_frame_equal(everything, reading.load(drawn).table)
    first = everything.groupby("split").head(5)
    # by chance, in the order of the files, and the same again
    assert {*first["image_id"]} != {*table["image_id"]}
    assert table["image_id"].tolist() == [
        i for i in everything["image_id"] if i in {*table["image_id"]}
    ]
    pd.testing.assert_frame_equal(table, reading.load(drawn, most=5).table)


@pytest.mark.skipif(not VOC, reason="COURSEKIT_VOC_SAMPLE names no photographs")
def test_photographs_have_all_of_their_classes(monkeypatch):
    monkeypatch.setenv("COURSEKIT_DATASET", VOC)
    table, objects, classes = reading.load(VOC)
    assert len(classes) == 18 and len(table) == 820
    assert (table["n"] > 1).sum() > 200 and {*table["split"]} == {"train", "val", "test"}
    assert objects.groupby("image_id").size().max() > 5
