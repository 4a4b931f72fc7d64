"""Exports of common tools, laid out as VOC; globox's own writers make the exports."""

import re
import shlex
import shutil
from pathlib import Path

from coursekit import voc
from coursetools import cli, foreign, importing

import pytest

from exports import EXPORTS, coco, draw, labelme, rows, truth, voc_beside, yolo

SAID = {"yolo": "YOLO's text files", "darknet": "YOLO's text files", "coco": "COCO's JSON"}
SAID |= {"labelme": "labelme's JSON", "cvat": "CVAT's XML", "voc_beside": "VOC's XML"}


@pytest.mark.parametrize("kind", EXPORTS)
def test_each_format_gives_the_boxes_that_it_was_made_from(exported, tmp_path, kind, capsys):
    EXPORTS[kind](exported, tmp_path / "export")
    arguments = ["import", str(tmp_path / "export"), "--out", str(tmp_path / "set")]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert f"set: pictures 3, objects 4, read as {SAID[kind]}." in said
    assert "Left out" not in said and "roboflow" not in said
    for (*ours, x0, y0, x1, y1), (*theirs, a0, b0, a1, b1) in zip(
        rows(tmp_path / "set"), truth(exported), strict=True
    ):
        assert ours == theirs
        assert (x0, y0, x1, y1) == pytest.approx((a0, b0, a1, b1), abs=0.011)
    assert (tmp_path / "set" / "JPEGImages" / "a.jpg").read_bytes() == next(
        (tmp_path / "export").rglob("a.jpg")
    ).read_bytes()
    assert not (tmp_path / "set" / "ImageSets").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def parts(exported, folder: Path, way: str) -> None:
    """Put one picture into each split, as Roboflow and as Ultralytics lay them out."""
    yolo(exported, folder.parent / "flat")
    for part, stem in (("train", "a"), ("valid", "b"), ("test", "c")):
        for sub, ending in (("images", ".jpg"), ("labels", ".txt")):
            place = (part, sub) if way == "roboflow" else (sub, part)
            target = folder.joinpath(*place) / f"{stem}{ending}"
            target.parent.mkdir(parents=True)
            shutil.copy(folder.parent / "flat" / sub / f"{stem}{ending}", target)
    shutil.copy(folder.parent / "flat" / "data.yaml", folder)


@pytest.mark.parametrize("way", ["roboflow", "ultralytics"])
def test_folders_called_as_splits_are_the_splits(exported, tmp_path, way):
    parts(exported, tmp_path / "export", way)
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert "The folders are the splits: 1 for train, 1 for val, 1 for test." in said
    table = voc.load_annotations(tmp_path / "set")
    images = voc.assign_split(table.drop_duplicates("image_id"), tmp_path / "set")
    assert dict(zip(images["image_id"], images["split"], strict=True)) == {
        "a": "train",
        "b": "val",
        "c": "test",
    }


PARTS = {"train": "a", "val": "b", "test": "c"}
LISTS = {  # where tools put them, and what a line of theirs looks like
    "as VOC": ("ImageSets/Main/{}.txt", "{}"),
    "as CVAT": ("ImageSets/{}.txt", "data/obj/{}.jpg"),
    "as darknet": ("{}.txt", "C:\\exported\\images\\{}.jpg"),
}


def add_lists(folder: Path, form: str, parts: dict[str, str]) -> None:
    """Write lists, each with some stems, as a tool would."""
    place, line = LISTS[form]
    for split, stems in parts.items():
        file = folder / place.format(split)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(line.format(stem) + "\n" for stem in stems))


@pytest.mark.parametrize("form", LISTS)
@pytest.mark.parametrize("kind", EXPORTS)
def test_lists_of_any_export_are_carried_over(exported, tmp_path, kind, form):
    EXPORTS[kind](exported, tmp_path / "export")
    add_lists(tmp_path / "export", form, PARTS)
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert "The lists are the splits: 1 for train, 1 for val, 1 for test." in said
    assert "Left out" not in said
    found = voc.selecting.read_lists(tmp_path / "set")
    assert found == {stem: split for split, stem in PARTS.items()}


def test_lists_come_before_folders_and_know_pictures_of_one_name(exported, tmp_path):
    folder = tmp_path / "export"
    parts(exported, folder, "ultralytics")
    for sub, ending in (("images", ".jpg"), ("labels", ".txt")):
        (folder / sub / "test" / f"c{ending}").rename(folder / sub / "test" / f"a{ending}")
    add_lists(folder, "as CVAT", {"train": ["x/images/test/a"], "test": ["train/a", "b"]})
    importing.lay_out(folder, tmp_path / "set")
    assert voc.selecting.read_lists(tmp_path / "set") == {
        "images_test_a": "train",
        "images_train_a": "test",
        "b": "test",
    }


def test_trainval_beside_a_test_list_alone_is_carried_over(exported, tmp_path):
    voc_beside(exported, tmp_path / "export")
    add_lists(tmp_path / "export", "as VOC", {"trainval": "ab", "test": "c"})
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert "The lists are the splits: 2 for train, 1 for test." in said and "Left out" not in said
    found = voc.selecting.read_lists(tmp_path / "set")
    assert found == {"a": "train", "b": "train", "c": "test"}


def test_the_command_that_is_printed_can_be_typed(exported, tmp_path, capsys):
    coco(exported, tmp_path / "export")
    out = tmp_path / "my own set"
    assert cli.main(["import", str(tmp_path / "export"), "--out", str(out)]) == 0
    _, command, _ = capsys.readouterr().out.splitlines()[-1].split("`")
    words = shlex.split(command)
    assert words[1:] == ["run", "--dataset", str(out), "--classes", "mug,pen"]
    assert cli._parser().parse_args(words[1:]).classes == "mug,pen"


@pytest.mark.parametrize("count", [6, 7])
def test_of_many_classes_the_command_names_the_most_frequent(tmp_path, count):
    names = ["it's", "grey heron", *"cdefg"][:count]
    draw(tmp_path / "export" / "a.jpg")
    lines = [f"{i} 0.5 0.5 0.2 0.2\n" * (9 - i) for i in range(count)]
    (tmp_path / "export" / "a.txt").write_text("".join(reversed(lines)))
    (tmp_path / "export" / "classes.txt").write_text("\n".join([*names, "never seen"]))
    last = importing.lay_out(tmp_path / "export", tmp_path / "set").splitlines()[-1]
    _, command, more = last.split("`")
    shown, told = (names, "") if count == 6 else (names[:3], MOST)
    assert (shlex.split(command)[-1], more) == (",".join(shown), told)


MOST = " These are the 3 most frequent of 7 names; you may give others."
BAD_LISTS = {
    "all in two": (
        {"train": "abc", "test": "abc"},
        r"lists, .* no two splits apart: 2 \(test\.txt, train\.txt\)",
    ),
    "one alone": ({"train": "abc"}, r"lists, .* no two splits apart: 1 \(train\.txt\)"),
    "of another name": ({"trainval": "abc"}, r"other files of ImageSets: 1 \(trainval\.txt\)"),
    "without a picture": ({"train": "a", "test": "b"}, r"outside every split: 1 \(c\.jpg\)"),
}


@pytest.mark.parametrize("fault", BAD_LISTS)
def test_lists_that_are_not_carried_over_are_named(exported, tmp_path, fault):
    voc_beside(exported, tmp_path / "export")
    lists, said = BAD_LISTS[fault]
    add_lists(tmp_path / "export", "as VOC", lists)
    report = importing.lay_out(tmp_path / "export", tmp_path / "set")
    (line,) = [line for line in report.splitlines() if line.startswith("Left out")]
    assert re.match(f"Left out, .*{said}", line)
    kept = fault == "without a picture"
    assert (tmp_path / "set" / "ImageSets").exists() == kept
    assert ("The lists are the splits: 1 for train, 1 for test." in report) == kept
    assert ("lesson 02 draws a split at random." in report) != kept


def test_of_lists_with_a_fault_the_rest_is_carried_over(exported, tmp_path):
    folder = tmp_path / "export"
    voc_beside(exported, folder)
    for name in ("one", "two"):
        draw(folder / name / "d.jpg")
        shutil.copy(folder / "a.xml", folder / name / "d.xml")
    add_lists(folder, "as VOC", {"train": "abx", "test": "bcd"})
    report = importing.lay_out(folder, tmp_path / "set").splitlines()
    assert report[1:-1] == [
        "The lists are the splits: 1 for train, 1 for test.",
        "Left out, lines of lists that name no labelled picture: 1 (x in train.txt).",
        "Left out, lines of lists that fit several pictures: 1 (d in test.txt).",
        "Left out, pictures in two splits: 1 (b.jpg in train.txt and test.txt).",
        "Left out, pictures outside every split: 2 (d.jpg).",
    ]
    assert voc.selecting.read_lists(tmp_path / "set") == {"a": "train", "c": "test"}


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_torn_picture_is_left_out_and_named(exported, tmp_path, kind):
    EXPORTS[kind](exported, tmp_path / "export")
    file = next((tmp_path / "export").rglob("b.jpg"))
    file.write_bytes(file.read_bytes()[:-300])
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert "set: pictures 2, objects 2, read as" in said
    assert "Left out, pictures that cannot be read: 1 (b.jpg)." in said
    assert {row[0] for row in rows(tmp_path / "set")} == {"a", "c"}


def test_pictures_of_one_name_in_two_splits_stay_two(exported, tmp_path):
    parts(exported, tmp_path / "export", "ultralytics")
    for sub, ending in (("images", ".jpg"), ("labels", ".txt")):
        (tmp_path / "export" / sub / "test" / f"c{ending}").rename(
            tmp_path / "export" / sub / "test" / f"a{ending}"
        )
    importing.lay_out(tmp_path / "export", tmp_path / "set")
    found = {row[0]: row[1] for row in rows(tmp_path / "set")}
    assert found == {"images_train_a": "mug", "b": "pen", "images_test_a": "pen"}


def test_of_the_same_picture_in_two_splits_that_for_training_stays(exported, tmp_path):
    folder = tmp_path / "export"
    parts(exported, folder, "roboflow")
    for part, stem in (("test", "d"), ("valid", "a")):
        shutil.copy(folder / "train/images/a.jpg", folder / f"{part}/images/{stem}.jpg")
        shutil.copy(folder / "train/labels/a.txt", folder / f"{part}/labels/{stem}.txt")
    said = importing.lay_out(folder, tmp_path / "set").splitlines()
    assert said[1:-1] == [
        "The folders are the splits: 1 for train, 1 for val, 1 for test.",
        "Left out, copies of a picture, byte for byte: 2 (valid/images/a.jpg of "
        "train/images/a.jpg, test/images/d.jpg of train/images/a.jpg).",
    ]
    assert voc.selecting.read_lists(tmp_path / "set") == {"a": "train", "b": "val", "c": "test"}


@pytest.mark.parametrize("kind", EXPORTS)
def test_of_the_same_picture_twice_one_stays_where_there_are_no_splits(exported, tmp_path, kind):
    EXPORTS[kind](exported, tmp_path / "export")
    first, second = (next((tmp_path / "export").rglob(f"{stem}.jpg")) for stem in "ac")
    shutil.copy(first, second)
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    place = first.relative_to(tmp_path / "export").parent
    names = " of ".join((place / name).as_posix() for name in ("c.jpg", "a.jpg"))
    reason = "copies of a picture, byte for byte, that have other labels"
    assert f"Left out, {reason}: 1 ({names})." in said
    assert {row[0] for row in rows(tmp_path / "set")} == {"a", "b"}


WRONG = {  # what is written for a box that begins at (10, 20) and ends at (150, 110)
    "pixels": "0 10 20 150 110",
    "pixels of centre and size": "0 80 65 140 90",
    "corners": "0 0.0625 0.1667 0.9375 0.9167",
    "percent": "0 50 54 87 75",
}


@pytest.mark.parametrize("form", WRONG)
def test_numbers_of_yolo_that_are_no_fractions_of_centre_and_size(exported, tmp_path, form):
    folder = tmp_path / "export"
    yolo(exported, folder)
    labels = folder / "labels" / "a.txt"
    right = labels.read_text()
    labels.write_text(f"{right}\n{WRONG[form]}\n")
    with pytest.raises(
        ValueError, match=r"1 of 3 label files .* outside the picture: a\.txt\. The"
    ):
        importing.lay_out(folder, tmp_path / "set")
    for i in range(3):
        draw(folder / "images" / f"more{i}.jpg")
        (folder / "labels" / f"more{i}.txt").write_text(right)
    said = importing.lay_out(folder, tmp_path / "set")
    reason = "values above 1, or boxes far outside the picture, where YOLO's have fractions"
    assert f"Left out, label files with {reason}: 1 (a.txt)." in said
    assert {row[0] for row in rows(tmp_path / "set")} == {"b", "c", "more0", "more1", "more2"}


def test_of_a_polygon_of_yolo_the_box_around_it_is_taken(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, folder)
    for stem in "abc":
        text = "1 0.25 0.25 0.75 0.5 0.5 0.75\n"
        (folder / "labels" / f"{stem}.txt").write_text(text)
    said = importing.lay_out(folder, tmp_path / "set").splitlines()
    assert said[2:-1] == ["Polygons of which the box around each was taken: 3."]
    assert rows(tmp_path / "set") == [(stem, "pen", 40, 30, 120, 90) for stem in "abc"]


def test_six_numbers_of_yolo_are_refused_since_any_may_be_the_confidence(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, folder)
    for stem in "abc":
        (folder / "labels" / f"{stem}.txt").write_text("0 0.5 0.5 0.25 0.25 0.9\n")
    with pytest.raises(
        ValueError, match=r"no labels in YOLO's .*\n.*: 3 \(a\.txt: six numbers in a"
    ):
        importing.lay_out(folder, tmp_path / "set")


def test_what_is_left_out_is_counted_and_named(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, folder)
    draw(folder / "images" / "alone.jpg")
    (folder / "images" / "c.jpg").write_bytes(b"no picture")
    (folder / "labels" / "lost.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (folder / "labels" / "broken.txt").write_text("0 0.5 O.5 0.1 0.1\n")
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0 0.1\n")
    (folder / "labels" / "b.txt").write_text("7 0.5 0.5 0.1 0.1\n")
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "labels" / "._a.txt").write_bytes(b"x")
    said = importing.lay_out(folder, tmp_path / "set").splitlines()
    assert said[0] == f"{tmp_path / 'set'}: pictures 1, objects 1, read as YOLO's text files."
    assert said[1] == (
        "No lists, folders or label files tell two splits apart: lesson 02 draws a split at random."
    )
    assert said[2:-1] == [
        "Left out, label files with unknown classes: 1 (b.txt: 7).",
        "Left out, label files that cannot be read: 1 (broken.txt: Syntax error in txt annotation "
        "file.).",
        "Left out, labels without a picture: 1 (lost).",
        "Left out, pictures without labels: 1 (alone.jpg).",
        "Left out, pictures that cannot be read: 1 (c.jpg).",
        "Left out, boxes without an area: 1 (pen in a.jpg).",
    ]


def test_fractions_are_of_the_picture_as_it_is_shown(exported, tmp_path):
    yolo(exported, tmp_path / "export")
    draw(tmp_path / "export" / "images" / "a.jpg", exif=6)  # shown upright: 120 × 160
    importing.lay_out(tmp_path / "export", tmp_path / "set")
    row = voc.load_annotations(tmp_path / "set").set_index("image_id").loc["a"]
    assert (row["width"], row["height"]) == (120, 160)
    assert row[["xmin", "ymin", "xmax", "ymax"]].tolist() == pytest.approx(
        [10 / 160 * 120, 20 / 120 * 160, 50 / 160 * 120, 60 / 120 * 160], abs=0.011
    )


def test_numbers_without_names_are_refused_with_what_to_do(exported, tmp_path):
    yolo(exported, tmp_path / "export")
    (tmp_path / "export" / "data.yaml").unlink()
    with pytest.raises(ValueError, match=r"Put a classes\.txt beside them"):
        importing.lay_out(tmp_path / "export", tmp_path / "set")


def test_several_kinds_and_none_are_refused_with_the_choice(exported, tmp_path):
    coco(exported, tmp_path / "export")
    labelme(exported, tmp_path / "export")
    with pytest.raises(ValueError, match=r"several kinds: coco, labelme.*--from"):
        importing.lay_out(tmp_path / "export", tmp_path / "set")
    importing.lay_out(tmp_path / "export", tmp_path / "set", "coco")
    with pytest.raises(
        ValueError, match=r"no labels that .* Archives must be unpacked first.*--from"
    ):
        importing.lay_out(tmp_path / "set" / "JPEGImages", tmp_path / "more")


def test_nothing_is_overwritten_and_nothing_half_done_is_left(exported, tmp_path, monkeypatch):
    coco(exported, tmp_path / "export")
    (tmp_path / "set").mkdir()
    with pytest.raises(FileExistsError, match="exists already"):
        importing.lay_out(tmp_path / "export", tmp_path / "set")
    monkeypatch.setattr(shutil, "copyfile", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        importing.lay_out(tmp_path / "export", tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export", "set"]


def test_the_command_offers_every_kind():
    parser = cli._parser()
    assert foreign.READERS.keys() == foreign.NAMES.keys()
    for kind in foreign.READERS:
        assert parser.parse_args(["import", "x", "--out", "y", "--from", kind]).kind == kind
