import xml.etree.ElementTree as ElementTree
from pathlib import Path

from coursekit import voc
from coursekit.voc.parsing import LARGEST_FILE
from coursekit.voc.reading import COLUMNS, SIDES
from minivoc import CLASSES

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

DOG = ("dog", 11, 21, 110, 220)


# ---------------------------------------------------------------- reading


def test_one_object_by_hand(voc_set):
    voc_set.add("000007", DOG)
    table = voc.load_annotations(voc_set.directory)
    row = table.iloc[0].to_dict()
    assert list(table) == COLUMNS
    assert row == {
        "image_id": "000007", "filename": "000007.jpg", "width": 500, "height": 375,
        "name": "dog", "xmin": 10.0, "ymin": 20.0, "xmax": 110.0, "ymax": 220.0,
        "difficult": False, "truncated": False,
    }  # fmt: skip


def test_x_is_not_y_and_the_order_of_the_sides_does_not_matter(voc_set):
    text = voc_set.add("a", DOG).read_text()
    mixed = "<ymax>220</ymax><xmax>110</xmax><ymin>21</ymin><xmin>11</xmin>"
    voc_set.write("a", text[: text.index("<xmin>")] + mixed + text[text.index("</ymax>") + 7 :])
    assert voc.load_annotations(voc_set.directory)[SIDES].iloc[0].tolist() == [10, 20, 110, 220]


def test_coordinates_may_have_decimals(voc_set):
    voc_set.add("a", ("dog", "45.70", "1.5", "100.25", "200"))
    assert voc.load_annotations(voc_set.directory)[SIDES].iloc[0].tolist() == [
        44.7,
        0.5,
        100.25,
        200,
    ]


def test_a_part_is_not_an_object_and_lends_it_nothing(voc_set):
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    part = f"<part><name>head</name>{box}</part>"
    voc_set.add("a", ("person", 1, 1, 100, 100), extra=part)
    table = voc.load_annotations(voc_set.directory)
    assert table["name"].tolist() == ["person"] and table["xmax"].tolist() == [100]
    nameless = voc_set.add("b", DOG, extra=part)
    nameless.write_text(nameless.read_text().replace("<name>dog</name>", ""))
    with pytest.raises(voc.AnnotationError, match="<object> has no <name>"):
        voc.load_annotations(voc_set.directory)


def test_flags_are_read_and_false_where_missing(voc_set):
    voc_set.add("a", DOG, extra="<difficult>1</difficult><truncated>0</truncated>")
    voc_set.add("b", DOG, extra="<difficult></difficult>")
    table = voc.load_annotations(voc_set.directory)
    assert table["difficult"].tolist() == [True, False]
    assert table["truncated"].tolist() == [False, False]


DIALECTS = {
    "labelimg": """<annotation verified="yes">
        <folder>pictures</folder><filename>x.jpg</filename><path>C:\\Users\\me\\x.jpg</path>
        <source><database>Unknown</database></source>
        <size><width>500</width><height>375</height><depth>3</depth></size><segmented>0</segmented>
        <object><name>dog</name><pose>Unspecified</pose><truncated>0</truncated>
        <difficult>0</difficult><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>110</xmax>
        <ymax>220</ymax></bndbox></object></annotation>""",
    "cvat": """<annotation><folder></folder><filename>sub/x.jpg</filename><source>
        <database>Unknown</database></source><size><width>500</width><height>375</height>
        <depth></depth></size><segmented>0</segmented><object><name>dog</name>
        <truncated>0</truncated><occluded>0</occluded><difficult>0</difficult>
        <bndbox><xmin>11.0</xmin><ymin>21.0</ymin><xmax>110.0</xmax><ymax>220.0</ymax></bndbox>
        <attributes><attribute><name>rotation</name><value>0.0</value></attribute></attributes>
        </object></annotation>""",
    "roboflow": """<annotation><folder></folder><filename>x_jpg.rf.0123.jpg</filename>
        <path>x_jpg.rf.0123.jpg</path><source><database>roboflow.com</database></source>
        <size><width>500</width><height>375</height><depth>3</depth></size>
        <object><name> dog </name><pose>Unspecified</pose><truncated>0</truncated>
        <difficult>0</difficult><occluded>0</occluded><bndbox><xmin>11</xmin><xmax>110</xmax>
        <ymin>21</ymin><ymax>220</ymax></bndbox><polygon><x1>11</x1><y1>21</y1></polygon>
        </object></annotation>""",
}


@pytest.mark.parametrize("tool", DIALECTS)
def test_the_dialects_of_common_tools(voc_set, tool):
    voc_set.write("x", DIALECTS[tool])
    row = voc.load_annotations(voc_set.directory).iloc[0]
    assert row["name"] == "dog" and row[SIDES].tolist() == [10, 20, 110, 220]
    assert row["filename"] in DIALECTS[tool]


def test_what_is_missing_is_taken_from_the_picture(voc_set):
    file = voc_set.add("a", DOG, size=(320, 240))
    for old, new in (("320", "0"), ("<filename>a.jpg</filename>", "")):
        file.write_text(file.read_text().replace(old, new))
    row = voc.load_annotations(voc_set.directory).iloc[0]
    assert (row["filename"], row["width"], row["height"]) == ("a.jpg", 320, 240)
    (voc_set.directory / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(voc.AnnotationError, match=r"no <size>, and a\.jpg cannot be opened"):
        voc.load_annotations(voc_set.directory)


def test_a_file_name_without_an_ending_finds_its_picture(voc_set):
    voc_set.add("a", DOG, filename="a.png")
    file = voc_set.directory / "Annotations" / "a.xml"
    file.write_text(file.read_text().replace("a.png", "a"))
    assert voc.load_annotations(voc_set.directory)["filename"].tolist() == ["a.png"]


BOMB = """<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY l2 "&l;&l;&l;&l;">]>
<annotation><filename>a.jpg</filename><object><name>&l2;</name></object></annotation>"""
LEAK = """<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<annotation><filename>&f;</filename></annotation>"""


@pytest.mark.parametrize(
    "text, problem",
    [
        ("<annotation>\n<object>\n</annotation>", "line 3: is not well-formed"),
        ("", "not well-formed"),
        (BOMB, "document type"),
        (LEAK, "document type"),
        ("<annotation>" + "<a>" * 400 + "</a>" * 400 + "</annotation>", "not well-formed"),
        ("<annotation>" + " " * LARGEST_FILE + "</annotation>", "larger than"),
        ("<kml/>", "line 1: starts with <kml>"),
    ],
)
def test_what_is_no_annotation_is_refused_with_its_line(voc_set, text, problem):
    file = voc_set.write("bad", text)
    with pytest.raises(voc.AnnotationError) as caught:
        voc.load_annotations(voc_set.directory)
    assert problem in str(caught.value) and str(file) in str(caught.value)


@pytest.mark.parametrize("value", ["", "abc", "nan", "1e999"])
def test_a_coordinate_that_is_no_number_is_named(voc_set, value):
    voc_set.add("a", ("dog", 1, value, 20, 20))
    with pytest.raises(voc.AnnotationError, match=r"a\.xml, line \d+: .*<bndbox/ymin>"):
        voc.load_annotations(voc_set.directory)


@pytest.mark.parametrize(
    "name", ["../b.jpg", "/etc/b.jpg", "c:\\b.jpg", "x/../../b.jpg", "..\\b.jpg"]
)
def test_a_file_name_that_leaves_the_data_set_is_refused(voc_set, name):
    voc_set.add("a", DOG, filename=name, picture=False)
    with pytest.raises(voc.AnnotationError, match="leaves the data set"):
        voc.load_annotations(voc_set.directory)


def test_skip_collects_the_bad_files(voc_set):
    voc_set.add("a", DOG)
    voc_set.write("b", "<annotation>\n<object></annotation>")
    voc_set.write("c", "<kml/>")
    table = voc.load_annotations(voc_set.directory, errors="skip")
    assert table["image_id"].tolist() == ["a"]
    assert [(s["file"], s["line"]) for s in table.attrs["skipped"]] == [("b.xml", 2), ("c.xml", 1)]


def test_a_directory_without_annotations_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no \.xml file"):
        voc.load_annotations(tmp_path)


# ---------------------------------------------------------------- selecting


@pytest.fixture
def five(voc_set):
    voc_set.add("a", DOG)
    voc_set.add("b", DOG, ("person", 1, 1, 30, 30))
    voc_set.add("c", DOG, ("cat", 1, 1, 30, 30))
    voc_set.add("d", ("person", 1, 1, 30, 30))
    voc_set.add("e", ("cat", 1, 1, 30, 30))
    return voc.load_annotations(voc_set.directory)


def test_single_object_among_the_wanted_classes(five):
    images = voc.single_object(five, ["dog", "cat"])
    assert images["image_id"].tolist() == ["a", "b", "e"]
    assert images["name"].tolist() == ["dog", "dog", "cat"]
    assert images["label"].tolist() == [0, 0, 1]


def test_single_object_at_all(five):
    assert voc.single_object(five, ["dog", "cat"], exclusive=True)["image_id"].tolist() == [
        "a",
        "e",
    ]


def test_an_unknown_class_and_an_empty_box_are_refused(voc_set):
    voc_set.add("a", DOG)
    voc_set.add("b", ("dog", 50, 1, 20, 30))
    table = voc.load_annotations(voc_set.directory)
    with pytest.raises(ValueError, match=r"called 'unicorn'\. There are: 'dog'\.$"):
        voc.single_object(table, ["unicorn"])
    with pytest.raises(ValueError, match="boxes of b are empty or inverted"):
        voc.single_object(table, ["dog"])


def test_names_with_spaces_and_commas_are_told_apart(voc_set):
    voc_set.add("a", ("grey heron", 1, 1, 9, 9), ("apple, red", 1, 1, 9, 9))
    table = voc.load_annotations(voc_set.directory)
    with pytest.raises(ValueError, match="called 'apple', 'red'") as stop:
        voc.single_object(table, ["apple", "red", "grey heron"])
    assert "There are: 'apple, red', 'grey heron'. " in str(stop.value)
    assert "rename 'apple, red' in the files" in str(stop.value)


def many(n_dog=200, n_cow=20):
    names = ["dog"] * n_dog + ["cow"] * n_cow
    return pd.DataFrame({"image_id": [f"{i:06}" for i in range(len(names))], "name": names})


def test_the_drawn_split_is_stratified_and_complete():
    split = voc.assign_split(many(), seed=1)
    counts = split.groupby(["name", "split"]).size().unstack()
    assert counts.loc["dog"].to_dict() == {"train": 120, "val": 30, "test": 50}
    assert counts.loc["cow"].to_dict() == {"train": 12, "val": 3, "test": 5}


def test_the_drawn_split_depends_on_the_seed_and_not_on_the_order():
    images = many()
    first = voc.assign_split(images, seed=1).set_index("image_id")["split"]
    shuffled = images.sample(frac=1, random_state=0).reset_index(drop=True)
    again = voc.assign_split(shuffled, seed=1).set_index("image_id")["split"]
    assert (again.loc[first.index] == first).all()
    assert (voc.assign_split(images, seed=2)["split"].to_numpy() != first.to_numpy()).any()


def test_the_split_is_not_in_the_order_of_the_files():
    test = voc.assign_split(many(), seed=0).query("split == 'test'").index
    assert test.min() < 30 and test.max() > 190


def of_sizes(*sizes: int) -> pd.DataFrame:
    """Return a table of images of that many classes, of that many images each."""
    names = [f"class {i}" for i, size in enumerate(sizes) for _ in range(size)]
    return pd.DataFrame({"image_id": [f"{i:03}" for i in range(len(names))], "name": names})


def drawn_class_by_class(images: pd.DataFrame, seed: int) -> list[str]:
    """Return the split that is drawn where each class has an image for each part of it."""
    rng, found = np.random.default_rng(seed), {}
    for _, members in images.groupby("name"):
        n = len(members)
        until = min(max(round(0.75 * n), 2), n - 1)
        train = min(max(round(0.6 * n), 1), until - 1)  # or of six, none would be for val
        parts = ["train"] * train + ["val"] * (until - train) + ["test"] * (n - until)
        found |= dict(zip(rng.permutation(members.index), parts, strict=True))
    return [found[i] for i in images.index]


@given(st.lists(st.integers(3, 40), min_size=1, max_size=5), st.integers(0, 99))
def test_classes_of_three_or_more_are_each_in_every_split(sizes, seed):
    images = of_sizes(*sizes)
    assert voc.assign_split(images, seed=seed)["split"].tolist() == drawn_class_by_class(
        images, seed
    )


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 9))
@example([2, 2, 2], 0)
@example([1] * 6, 0)
def test_few_images_of_many_classes_fill_every_split(sizes, seed):
    images = of_sizes(*sizes)
    split = voc.assign_split(images, seed=seed).groupby("name")["split"].agg(list)
    assert len({part for parts in split for part in parts}) == min(3, sum(sizes))
    for parts in split:
        assert len(set(parts)) == min(3, len(parts))  # none is spared what it has images for
        assert "train" in parts or len(parts) == 1


SIXES = [(6,), (4, 2), (3, 3), (3, 2, 1), (3, 1, 1, 1), (2, 2, 2), (2, 2, 1, 1), (1,) * 6]


@pytest.mark.parametrize("sizes", SIXES, ids=str)
def test_six_images_leave_two_for_test(sizes):
    """A single image has no interval: lesson 05 needs two."""
    counts = voc.assign_split(of_sizes(*sizes))["split"].value_counts()
    assert counts["test"] >= 2 and counts["val"] >= 1 and counts["train"] >= 2


def test_lists_are_the_split(five, voc_set):
    images = voc.single_object(five, ["dog", "cat"])
    voc_set.list("train", "a", "c", "d")
    voc_set.list("val", "e")
    voc_set.list("test", "b")
    assert voc.assign_split(images, voc_set.directory)["split"].tolist() == ["train", "test", "val"]


def test_without_a_test_list_val_is_the_test_split(voc_set):
    images = many(40, 10)
    for image_id in images["image_id"]:
        voc_set.add(image_id, picture=False)
    voc_set.list("train", *images["image_id"][:20], *images["image_id"][40:45])
    voc_set.list("val", *images["image_id"][20:40], *images["image_id"][45:])
    split = voc.assign_split(images, voc_set.directory)["split"]
    assert (split[20:40] == "test").all() and (split[45:] == "test").all()
    assert split[:20].value_counts().to_dict() == {"train": 16, "val": 4}
    assert split[40:45].value_counts().to_dict() == {"train": 4, "val": 1}


def test_trainval_beside_a_test_list_alone_is_for_training(voc_set):
    """These two are what VOC 2007 calls its splits."""
    images = many(20, 10)
    for image_id in images["image_id"]:
        voc_set.add(image_id, picture=False)
    voc_set.list("trainval", *images["image_id"][:15], *images["image_id"][20:25])
    assert voc.selecting.read_lists(voc_set.directory) == {}  # alone, it says nothing
    voc_set.list("test", *images["image_id"][15:20], *images["image_id"][25:])
    split = voc.assign_split(images, voc_set.directory)["split"]
    assert (split[15:20] == "test").all() and (split[25:] == "test").all()
    assert split[:15].value_counts().to_dict() == {"train": 12, "val": 3}
    voc_set.list("train", *images["image_id"][:15])
    voc_set.list("val", *images["image_id"][20:25])
    split = voc.assign_split(images, voc_set.directory)["split"]
    assert (split[:15] == "train").all() and (split[20:25] == "val").all()


def test_an_image_in_two_lists_or_in_none_is_refused(five, voc_set):
    images = voc.single_object(five, ["dog", "cat"])
    voc_set.list("train", "a", "b")
    with pytest.raises(ValueError, match=r"1 images are in none of the lists .* e"):
        voc.assign_split(images, voc_set.directory)
    voc_set.list("test", "b", "e")
    with pytest.raises(ValueError, match=r"b is in train\.txt and in test\.txt"):
        voc.assign_split(images, voc_set.directory)


def two_files_for_one(voc_set, n: int = 40) -> pd.DataFrame:
    """Return a table of pictures that have two annotation files each, in two folders."""
    for folder in "ab":
        (voc_set.directory / "Annotations" / folder).mkdir()
        for i in range(n):
            voc_set.add(f"{folder}/{i:02d}", DOG, filename=f"{i:02d}.jpg", size=(120, 230))
    return voc.single_object(voc.load_annotations(voc_set.directory), ["dog"])


def test_two_annotation_files_of_one_picture_are_in_one_split(voc_set):
    images = two_files_for_one(voc_set)
    drawn = voc.assign_split(images, voc_set.directory)
    assert (drawn.groupby("filename")["split"].nunique() == 1).all()
    assert drawn["split"].value_counts().to_dict() == {"train": 48, "test": 20, "val": 12}
    pd.testing.assert_frame_equal(
        drawn, voc.assign_split(images.sample(frac=1, random_state=0)).loc[drawn.index]
    )
    names = sorted(images["image_id"])
    voc_set.list("train", *names[:30], *names[40:70])
    voc_set.list("test", *names[30:40], *names[70:])
    listed = voc.assign_split(images, voc_set.directory)
    assert {*listed["split"]} == {"train", "val", "test"}  # val is drawn from train
    assert (listed.groupby("filename")["split"].nunique() == 1).all()


def test_lists_that_put_one_picture_into_two_splits_are_refused(voc_set):
    images = two_files_for_one(voc_set, 4)
    voc_set.list("train", "a/00", "a/01", "a/02", "b/02")
    voc_set.list("test", "b/00", "b/01", "a/03", "b/03")
    with pytest.raises(ValueError, match=r"a/00 and b/00 are .* one picture, 00\.jpg, .*\(2 in"):
        voc.assign_split(images, voc_set.directory)


def test_names_in_lists_that_have_no_annotation_are_said_once(five, voc_set, capsys):
    images = voc.single_object(five, ["dog", "cat"])
    voc_set.list("train", "a", "b", "gone")
    voc_set.list("test", "e", "c", "lost 1", "d -1", "other -1")
    capsys.readouterr()
    assert voc.assign_split(images, voc_set.directory)["split"].tolist()[2] == "test"
    assert capsys.readouterr().out == (
        "2 lines of the lists in ImageSets name no annotation, for example 'gone' in train.txt. "
        "They are skipped.\n"
    )


# ---------------------------------------------------------------- auditing


def outside(voc_set) -> list[str]:
    table = voc.load_annotations(voc_set.directory)
    return voc.audit(table).loc["box outside the image", "images"]


def test_a_box_is_outside_of_the_size_in_use(voc_set, monkeypatch):
    monkeypatch.delenv("COURSEKIT_SIZES", raising=False)
    swapped = voc_set.add("swapped", ("dog", 11, 150, 90, 220), size=(120, 230))
    halved = voc_set.add("halved", ("dog", 30, 30, 110, 110), size=(60, 60))
    voc_set.add("right", ("dog", 30, 30, 110, 110), size=(120, 230))
    voc_set.add("wrong", ("dog", 30, 30, 130, 110), size=(120, 230))
    for file, *sizes in ((swapped, (120, 230), (230, 120)), (halved, (60, 60), (120, 120))):
        text = file.read_text()
        for side, old, new in zip(("width", "height"), *sizes, strict=True):
            text = text.replace(f"<{side}>{old}<", f"<{side}>{new}<")
        file.write_text(text)
    assert outside(voc_set) == ["wrong"]  # the other two are named with their sizes
    monkeypatch.setenv("COURSEKIT_SIZES", "annotation")
    assert outside(voc_set) == ["swapped", "wrong"]
    monkeypatch.setenv("COURSEKIT_SIZES", "picture")
    assert outside(voc_set) == ["halved", "wrong"]
    report = voc.audit(voc.load_annotations(voc_set.directory))
    assert "the other size" in report.loc["box outside the image", "what_to_do"]
    assert report.loc["size differs from picture", "images"] == ["halved", "swapped"]


def test_a_fault_is_named_by_its_cause_and_once(voc_set, capsys):
    for i in range(12):
        voc_set.add(f"p{i:02d}", DOG)
    voc_set.add("share", ("dog", 0, 0.2, 0.5, 0.6))
    voc_set.add("zero", ("dog", 0, 20, 110, 220))
    report = voc.audit(voc.load_annotations(voc_set.directory))
    assert report.loc["box in fractions", "images"] == ["share"]
    assert report.loc["box outside the image", "count"] == 0
    said = capsys.readouterr().out
    assert said.startswith("1 box begins at 0, where VOC begins at 1. The first is in zero. If")
    for i in range(12):
        voc_set.add(f"p{i:02d}", ("dog", 50, 60, 20, 30))
    report = voc.audit(voc.load_annotations(voc_set.directory))
    assert report.loc["many boxes inverted", "count"] == 12
    assert report.loc["box empty or inverted", "count"] == 0
    with pytest.raises(ValueError, match=r"inverted \(12 in all\)\. .* x, y, width, height"):
        voc.single_object(voc.load_annotations(voc_set.directory), ["dog"])


def test_a_picture_whose_annotation_is_in_a_folder_is_not_without_one(voc_set):
    (voc_set.directory / "Annotations" / "batch").mkdir()
    voc_set.add("batch/full", DOG, filename="full.jpg")
    voc_set.add("batch/empty", filename="empty.jpg")
    voc_set.add("batch/other", filename="scan.jpg")
    voc_set.add("batch/torn", filename="torn.jpg")
    voc_set.write("batch/torn", "<annotation>")
    voc_set.add("alone", DOG)
    (voc_set.directory / "Annotations" / "alone.xml").unlink()
    report = voc.audit(voc.load_annotations(voc_set.directory, errors="skip"))
    assert report.loc["picture without annotation", "images"] == ["alone"]
    assert report.loc["no object", "images"] == ["batch/empty", "batch/other"]


def test_the_audit_finds_each_fault_and_nothing_else(voc_set):
    voc_set.add("good", DOG)
    voc_set.add("inverted", ("cat", 50, 10, 20, 30))
    voc_set.add("outside", ("dog", 400, 10, 501, 30))
    voc_set.add("left", ("dog", -3, 10, 50, 30))
    voc_set.add("zero", ("dog", 0, 10, 50, 30))  # `load_annotations` says so, with the cause
    voc_set.add("twice", DOG, DOG)
    voc_set.add("missing", DOG, picture=False)
    voc_set.add("nothing")
    voc_set.add("flags", DOG, extra="<difficult>1</difficult><truncated>1</truncated>")
    resized = voc_set.add("resized", DOG)
    resized.write_text(resized.read_text().replace("375", "374"))
    voc_set.write("broken", "<annotation>")
    pictures = voc_set.directory / "JPEGImages"
    (pictures / "lonely.jpg").write_bytes((pictures / "good.jpg").read_bytes())
    voc_set.add("torn", DOG)
    (pictures / "torn.jpg").write_bytes(b"no picture")
    voc_set.add("shared", DOG, filename="good.jpg", picture=False)

    report = voc.audit(voc.load_annotations(voc_set.directory, errors="skip"))
    found = {check: images for check, images in report["images"].items() if images}
    assert report.loc["class cat", "count"] == 1 and report.loc["class dog", "count"] == 11
    assert {k: v for k, v in found.items() if not k.startswith("class")} == {
        "unreadable file": ["broken"],
        "box empty or inverted": ["inverted"],
        "box outside the image": ["left", "outside"],
        "same box twice": ["twice"],
        "two files for one picture": ["good", "shared"],
        "picture missing": ["missing"],
        "picture unreadable": ["torn"],
        "size differs from picture": ["resized"],
        "picture without annotation": ["lonely"],
        "no object": ["nothing"],
        "difficult": ["flags"],
        "truncated": ["flags"],
    }
    assert (report["what_to_do"].str.len() > 0).all()


# ---------------------------------------------------------------- real files


@pytest.mark.real
def test_the_real_sample_has_the_known_counts(sample):
    table = voc.load_annotations(sample)
    assert table["image_id"].nunique() == 820
    images = voc.single_object(table, CLASSES)
    counts = {"dog": 221, "cat": 177, "horse": 132, "bird": 130, "cow": 40}
    assert images["name"].value_counts().to_dict() == counts
    assert voc.assign_split(images, sample)["split"].value_counts().sum() == 700
    report = voc.audit(table)
    assert report.loc["picture missing", "count"] == 0


def rows_of_torchvision(sample: Path) -> list:
    """Return an object a row, as torchvision reads the first files."""
    from torchvision.datasets import VOCDetection

    rows = []
    for file in sorted(sample.glob("Annotations/*.xml"))[:200]:
        parsed = VOCDetection.parse_voc_xml(ElementTree.parse(file).getroot())
        for item in parsed["annotation"]["object"]:
            rows.append([file.stem, item["name"], *(float(item["bndbox"][s]) for s in SIDES)])
    return rows


@pytest.mark.real
def test_the_table_agrees_with_torchvision_on_the_real_sample(in_torch, sample):
    printed = in_torch(rows_of_torchvision, sample)
    theirs = pd.DataFrame(printed, columns=["image_id", "name", *SIDES])
    ours = voc.load_annotations(sample).head(len(theirs))
    for column in ("image_id", "name"):
        assert ours[column].tolist() == theirs[column].tolist()
    np.testing.assert_array_equal(ours[SIDES] + [1, 1, 0, 0], theirs[SIDES])
