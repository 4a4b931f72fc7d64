"""What exports look like once people have copied, merged and renamed things in them."""

import json
import os
import shutil
import unicodedata
from pathlib import Path

from coursekit import voc
from coursetools import cli, foreign, importing

import pytest

from exports import coco, cvat, darknet, draw, labelme, rows, voc_beside, yolo


def two_folders(write, exported, folder: Path) -> None:
    """Lay a set out twice, in two folders; the pictures have the same names."""
    for part in ("train", "valid"):
        write(exported, folder / part)
    for file in folder.glob("*/data.yaml"):
        file.replace(folder / "data.yaml")


MISSING = {"yolo": yolo, "labelme": labelme, "voc": voc_beside, "darknet": darknet}


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("kind", MISSING)
def test_labels_of_a_missing_picture_do_not_go_to_another_of_its_name(
    exported, tmp_path, kind, labelled
):
    folder = tmp_path / "export"
    two_folders(MISSING[kind], exported, folder)
    next((folder / "train").rglob("a.jpg")).unlink()
    own = next(file for file in (folder / "valid").rglob("a.*") if file.suffix != ".jpg")
    own.write_text(own.read_text().replace("mug", "pen"))
    if kind in ("yolo", "darknet"):
        own.write_text("1 0.5 0.5 0.5 0.5\n")
    if not labelled:
        own.unlink()
    said = importing.lay_out(folder, tmp_path / "set")
    where = next((folder / "valid").rglob("a.jpg")).relative_to(folder).as_posix()
    lost = own.relative_to(folder).as_posix().replace("valid", "train")
    reason = "labels whose picture is missing, though another has its name"
    assert f"Left out, {reason}: 1 ({lost}, and there is {where})." in said
    assert "second" not in said
    found = [row[:2] for row in rows(tmp_path / "set") if row[0] == "a"]
    assert found == ([("a", "pen")] if labelled else [])


def test_of_a_folder_that_was_not_copied_no_labels_go_to_another(exported, tmp_path):
    folder = tmp_path / "export"
    coco(exported, folder / "cam2")
    file = folder / "cam2" / "instances.json"
    content = json.loads(file.read_text())
    more = json.loads(file.read_text().replace('"pen"', '"?"').replace('"mug"', '"pen"'))
    for i, image in enumerate(content["images"]):
        image["file_name"] = f"cam2/{image['file_name']}"
        more["images"][i] |= {"id": 10 + i, "file_name": f"cam1/{more['images'][i]['file_name']}"}
    for one in more["annotations"]:
        one["image_id"] += 10
    content["images"] = more["images"] + content["images"]
    content["annotations"] = more["annotations"] + content["annotations"]
    (folder / "instances.json").write_text(json.dumps(content))
    file.unlink()
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Left out, second labels of a picture: 3 (cam1/a.jpg, cam1/b.jpg, cam1/c.jpg)." in said
    assert len(rows(tmp_path / "set")) == 4
    coco(exported, tmp_path / "alone")
    importing.lay_out(tmp_path / "alone", tmp_path / "other")
    assert rows(tmp_path / "set") == rows(tmp_path / "other")


def test_a_list_that_names_a_picture_without_labels_means_no_other(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, tmp_path / "flat")
    for part in ("images", "labels"):
        shutil.copytree(tmp_path / "flat" / part, folder / part / "cam2")
    shutil.copy(tmp_path / "flat" / "data.yaml", folder)
    draw(folder / "images" / "cam1" / "a.jpg")
    (folder / "train.txt").write_text("images/cam1/a.jpg\nimages/cam2/b.jpg\n")
    (folder / "val.txt").write_text("images/cam2/a.jpg\nimages/cam2/c.jpg\n")
    said = importing.lay_out(folder, tmp_path / "set")
    line = "lines of lists that name no labelled picture: 1 (images/cam1/a.jpg in train.txt)."
    assert f"Left out, {line}" in said and "two splits" not in said
    found = voc.selecting.read_lists(tmp_path / "set")
    assert found == {"a": "val", "b": "train", "c": "val"}


@pytest.mark.parametrize("kind", ["darknet", "voc"])
def test_of_two_copies_the_one_with_labels_stays(exported, tmp_path, kind):
    folder = tmp_path / "export"
    MISSING[kind](exported, folder)
    shutil.copy(folder / "b.jpg", folder / "a (2).jpg")  # comes before b.jpg
    own = next(file for file in folder.glob("a.*") if file.suffix != ".jpg")
    empty = "" if kind == "darknet" else "<annotation/>"
    own.with_stem("a (2)").write_text(empty)
    said = importing.lay_out(folder, tmp_path / "set")
    line = "copies of a picture, byte for byte, that have other labels: 1 (a (2).jpg of b.jpg)."
    assert f"Left out, {line}" in said
    assert {row[0] for row in rows(tmp_path / "set")} == {"a", "b", "c"}


@pytest.mark.parametrize("field", ["images", "categories"])
def test_two_records_of_one_id_are_refused(exported, tmp_path, field):
    folder = tmp_path / "export"
    coco(exported, folder)
    content = json.loads((folder / "instances.json").read_text())
    first, second, *_ = content[field]
    second["id"] = first["id"]
    (folder / "instances.json").write_text(json.dumps(content))
    names = "a.jpg and b.jpg" if field == "images" else "mug and pen"
    with pytest.raises(ValueError, match=f"{names} have the same id, {first['id']}"):
        importing.lay_out(folder, tmp_path / "set")
    content[field].append(content[field].pop(1) | {"id": 77})
    content[field].append(content[field][0])  # the same twice does no harm
    content["annotations"] = content["annotations"][:1]
    (folder / "instances.json").write_text(json.dumps(content))
    importing.lay_out(folder, tmp_path / "set")


SPLIT = {"a": "train", "b": "val", "c": "test"}


def as_coco_2017(exported, folder: Path) -> None:
    coco(exported, folder)
    for stem, split in SPLIT.items():
        (folder / f"{split}2017").mkdir()
        (folder / "images" / f"{stem}.jpg").rename(folder / f"{split}2017" / f"{stem}.jpg")


def a_file_for_each_split(exported, folder: Path) -> None:
    coco(exported, folder)
    file = folder / "instances.json"
    for stem, split in SPLIT.items():
        content = json.loads(file.read_text())
        content["images"] = [i for i in content["images"] if i["file_name"] == f"{stem}.jpg"]
        ids = [i["id"] for i in content["images"]]
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] in ids]
        file.with_stem(f"instances_{split}2017").write_text(json.dumps(content))
    file.unlink()


def subsets_of_cvat(exported, folder: Path) -> None:
    cvat(exported, folder)
    file = folder / "annotations.xml"
    for stem, split in SPLIT.items():
        name = f'name="{stem}.jpg"'
        text = file.read_text()
        assert name in text
        file.write_text(text.replace(name, f'{name} subset="{split.title()}"'))


def folders_of_data_yaml(exported, folder: Path) -> None:
    yolo(exported, folder)
    text = "names: [mug, pen]\ntest:\n"
    for (stem, split), fold in zip(SPLIT.items(), ("fold_1", "fold_2", "fold_3"), strict=True):
        for part, suffix in (("images", ".jpg"), ("labels", ".txt")):
            (folder / part / fold).mkdir()
            name = f"{stem}{suffix}"
            (folder / part / name).rename(folder / part / fold / name)
        text = text.replace("test:\n", "") + f"{split}: ../{folder.name}/images/{fold}\n"
    (folder / "data.yaml").write_text(text)


SAID = {as_coco_2017: "folders", folders_of_data_yaml: "folders"}
SAID |= {a_file_for_each_split: "label files", subsets_of_cvat: "label files"}


@pytest.mark.parametrize("lay", SAID, ids=lambda lay: lay.__name__)
def test_a_published_split_is_kept(exported, tmp_path, lay):
    lay(exported, tmp_path / "export")
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert f"The {SAID[lay]} are the splits: 1 for train, 1 for val, 1 for test." in said
    assert "Left out" not in said
    assert voc.selecting.read_lists(tmp_path / "set") == SPLIT


def test_a_folder_around_all_pictures_tells_nothing_apart(exported, tmp_path):
    around = tmp_path / "export" / "my test 2"
    as_coco_2017(exported, around)
    for split in SPLIT.values():  # a word of another split is in the folder around
        (around / "of train").mkdir(exist_ok=True)
        (around / f"{split}2017").rename(around / "of train" / split)
    draw(around / "alone.jpg")
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert "The folders are the splits: 1 for train, 1 for val, 1 for test." in said
    assert voc.selecting.read_lists(tmp_path / "set") == SPLIT


def test_the_folders_that_data_yaml_names_come_before_their_own_names(exported, tmp_path):
    folder = tmp_path / "export"
    folders_of_data_yaml(exported, folder)
    for part in ("images", "labels"):
        (folder / part / "fold_1").rename(folder / part / "val")
        (folder / part / "fold_2").rename(folder / part / "train")
    file = folder / "data.yaml"
    text = file.read_text().replace("fold_1", "val").replace("fold_2", "train")
    file.write_text(text.replace("test: ", "more: "))
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Left out, pictures outside every split: 1 (c.jpg)." in said
    assert voc.selecting.read_lists(tmp_path / "set") == {"a": "train", "b": "val"}


@pytest.mark.parametrize("places", ["images", "nowhere"])
def test_a_data_yaml_that_tells_no_folders_apart_says_nothing(exported, tmp_path, places):
    yolo(exported, tmp_path / "export")
    with (tmp_path / "export" / "data.yaml").open("a") as file:
        file.write(f"train: {places}\nval: [{places}]\ntest: 5\n")
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert "tell two splits apart: lesson 02 draws a split at random." in said


def changed(exported, folder: Path, old: str, new: str) -> Path:
    """Write VOC's files and their pictures; return the folder, with a text of the first changed."""
    voc_beside(exported, folder)
    text = (folder / "a.xml").read_text()
    assert old in text
    (folder / "a.xml").write_text(text.replace(old, new))
    return folder


FAULTS = {  # of an object, and what is said of it
    "no number": (("<xmin>11<", "<xmin>abc<"), "cannot be read: 1 (a.xml, line 11: <bndbox/xmin>"),
    "inverted": (("<xmin>11<", "<xmin>99<"), "boxes without an area: 1 (mug in a.xml)"),
    "no name": (("mug", ""), "cannot be read: 1 (a.xml, line 8: <object> has no <name>)"),
    "flag": (("<bndbox>", "<difficult>x</difficult><bndbox>"), "objects that cannot be read: 1"),
    "rotated": (("bndbox>", "robndbox>"), "shapes that have no upright box: 1 (a.xml, rotated"),
    "nothing": (("bndbox>", "part>"), "cannot be read: 1 (a.xml, line 8: <object> has no"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_of_voc_what_a_run_would_refuse_is_left_out_and_named(exported, tmp_path, fault):
    change, said = FAULTS[fault]
    folder = changed(exported, tmp_path / "export", *change)
    report = importing.lay_out(folder, tmp_path / "set")
    assert "pictures 3, objects 3" in report and said in report
    table = voc.load_annotations(tmp_path / "set")
    assert len(table) == 3 and table.attrs["skipped"] == table.attrs["noted"] == []
    assert (tmp_path / "set/Annotations/b.xml").read_bytes() == (folder / "b.xml").read_bytes()


def test_a_polygon_of_voc_gets_the_box_around_it(exported, tmp_path):
    folder = tmp_path / "export"
    voc_beside(exported, folder)
    sides = "<x1>11</x1><y1>21</y1><x2>50</x2><y2>21</y2><x3>30</x3><y3>60</y3>"
    text = (folder / "a.xml").read_text()
    start, end = text.index("<bndbox>"), text.index("</bndbox>") + len("</bndbox>")
    (folder / "a.xml").write_text(f"{text[:start]}<polygon>{sides}</polygon>{text[end:]}")
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Polygons of which the box around each was taken: 1." in said
    assert rows(tmp_path / "set")[0] == ("a", "mug", 10, 20, 50, 60)


def test_of_a_torn_file_of_voc_the_line_is_said_and_no_path(exported, tmp_path):
    folder = tmp_path / "export"
    voc_beside(exported, folder)
    (folder / "a.xml").write_text((folder / "a.xml").read_text()[:-30])
    said = importing.lay_out(folder, tmp_path / "set")
    assert "cannot be read: 1 (a.xml: line 15: is not well-formed XML: " in said


@pytest.mark.parametrize("size", ["<width>abc</width><height>1</height>", "</size><size>"])
def test_a_size_that_cannot_be_read_is_that_of_the_picture(exported, tmp_path, size):
    folder = changed(exported, tmp_path / "export", "<width>160</width>", size)
    said = importing.lay_out(folder, tmp_path / "set")
    assert "those of the pictures are taken: 1 (a.xml)." in said
    assert voc.load_annotations(tmp_path / "set")["width"].tolist() == [160] * 4


@pytest.mark.parametrize("name", [r"C:\me\a.jpg", "/home/me/a.jpg", "../a.jpg", "stale.jpg"])
def test_a_path_in_filename_becomes_the_name_of_the_picture(exported, tmp_path, name):
    folder = changed(exported, tmp_path / "export", "a.jpg", name)
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Left out" not in said
    table = voc.load_annotations(tmp_path / "set")
    assert table.attrs["noted"] == [] and len(table) == 4


def test_the_xml_of_a_whole_project_may_be_large(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(voc.parsing, "LARGEST_FILE", 100)
    monkeypatch.setattr(voc.parsing.parse, "__defaults__", ("annotation", 100))
    cvat(exported, tmp_path / "export")
    importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert len(rows_of_large(tmp_path / "set", monkeypatch)) == 4
    monkeypatch.setattr(foreign, "LARGEST_OF_CVAT", 100)
    with pytest.raises(ValueError, match="is larger than 100 bytes"):
        importing.lay_out(tmp_path / "export", tmp_path / "more")


def rows_of_large(directory, monkeypatch) -> list[tuple]:
    with monkeypatch.context() as patch:
        patch.setattr(voc.parsing.parse, "__defaults__", ("annotation", 10_000))
        return rows(directory)


def test_tracks_of_a_video_are_refused_with_what_to_export(exported, tmp_path):
    draw(tmp_path / "export" / "frame_0.jpg")
    text = '<annotations><track id="0" label="mug"><box frame="0"/></track></annotations>'
    (tmp_path / "export" / "annotations.xml").write_text(text)
    with pytest.raises(ValueError, match=r"tracks of a video\. Export it as CVAT for images"):
        importing.lay_out(tmp_path / "export", tmp_path / "set")


JSON = {
    "of another tool": ('{"_via_img_metadata": {}}', r"x\.json, and JSON of that kind is not read"),
    "of a third": ('[{"file_upload": "a.jpg"}]', r"x\.json, and JSON of that kind is not read"),
    "torn": ('{"images": [', r"x\.json, which is not JSON: .*line 1"),
}


@pytest.mark.parametrize("kind", JSON)
def test_json_that_is_not_read_is_named_with_what_is(tmp_path, kind):
    draw(tmp_path / "export" / "a.jpg")
    text, said = JSON[kind]
    (tmp_path / "export" / "x.json").write_text(text)
    with pytest.raises(ValueError, match=rf"no labels but {said}.* Export VOC's XML"):
        importing.lay_out(tmp_path / "export", tmp_path / "set")


@pytest.mark.parametrize("way", ["decomposed", "composed", "capital ending"])
@pytest.mark.parametrize("kind", ["coco", "darknet"])
def test_names_match_in_any_unicode_form_and_case_of_the_ending(exported, tmp_path, kind, way):
    folder = tmp_path / "export"
    {"coco": coco, "darknet": darknet}[kind](exported, folder)
    forms = {"decomposed": ("NFD", "NFC"), "composed": ("NFC", "NFD")}.get(way, ("NFC", "NFC"))
    ours, theirs = (unicodedata.normalize(form, "Küche") for form in forms)
    ending = ".JPG" if way == "capital ending" else ".jpg"
    picture = next(folder.rglob("a.jpg"))
    picture.rename(picture.with_name(f"{ours}{ending}"))
    if kind == "coco":
        text = (folder / "instances.json").read_text().replace("a.jpg", f"{theirs}.jpg")
        (folder / "instances.json").write_text(text)
    else:
        (folder / "a.txt").rename(folder / f"{theirs}.txt")
    (folder / "train.txt").write_text(f"{theirs}.jpg\nb.jpg\n")
    (folder / "test.txt").write_text("c.jpg\n")
    said = importing.lay_out(folder, tmp_path / "set")
    assert "pictures 3, objects 4" in said and "Left out" not in said
    assert voc.selecting.read_lists(tmp_path / "set")[ours] == "train"


def test_what_tools_put_beside_the_labels_is_not_named_as_lost(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, folder)
    for name in ("README.dataset.txt", "README.roboflow.txt"):
        (folder / name).write_text("# mugs > 2026\nhttps://example.org\n")
    for stem in "abc":
        draw(folder / "SegmentationClass" / f"{stem}.png")
    (folder / "images" / "far.jpg").symlink_to(folder / "nowhere.jpg")
    for file in (folder / "labels").iterdir():
        lines = [line.split(" ", 1) for line in file.read_text().splitlines()]
        file.write_text("".join(f"{number}.0 {rest}\n" for number, rest in lines))
    said = importing.lay_out(folder, tmp_path / "set").splitlines()
    assert "pictures 3, objects 4" in said[0]
    assert said[2:-1] == ["Left out, links that lead nowhere: 1 (far.jpg)."]


def test_a_name_that_a_list_would_not_hold_is_written_otherwise(exported, tmp_path):
    folder = tmp_path / "export"
    darknet(exported, folder)
    for suffix in (".jpg", ".txt"):
        (folder / f"a{suffix}").rename(folder / f"IMG -1{suffix}")
    (folder / "train.txt").write_text("IMG -1.jpg\n")
    (folder / "test.txt").write_text("b.jpg\nc.jpg\n")
    assert "Left out" not in importing.lay_out(folder, tmp_path / "set")
    found = voc.selecting.read_lists(tmp_path / "set")
    assert found == {"IMG_-1": "train", "b": "test", "c": "test"}
    assert "IMG_-1" in {row[0] for row in rows(tmp_path / "set")}


def test_what_a_killed_import_left_goes_with_the_next(exported, tmp_path):
    darknet(exported, tmp_path / "export")
    old, others, new = (tmp_path / f".set-{name}" for name in ("abcdef12", "my_own_1", "zbcdef12"))
    for folder in (old / "set" / "Annotations", others / "work", new / "set"):
        folder.mkdir(parents=True)
    for folder in (old, others):
        os.utime(folder, (0, 0))
    importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert not old.exists() and others.exists() and new.exists()


def test_a_stopped_import_does_not_promise_to_go_on(exported, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    darknet(exported, tmp_path / "export")
    monkeypatch.setattr(shutil, "copyfile", stop)
    arguments = ["import", str(tmp_path / "export"), "--out", str(tmp_path / "set")]
    assert cli.main(arguments) == 130
    assert capsys.readouterr().err == "\ncoursekit import: stopped. Run it again.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_of_polygons_without_a_box_coco_gives_the_box_around(exported, tmp_path):
    folder = tmp_path / "export"
    coco(exported, folder)
    content = json.loads((folder / "instances.json").read_text())
    for one in content["annotations"]:
        x, y, width, height = one.pop("bbox")
        one["segmentation"] = [
            [x, y, x + width, y, x + width, y + height / 2],
            [x, y + height / 2, x, y + height, x + width / 2, y + height],
        ]
    (folder / "instances.json").write_text(json.dumps(content))
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Polygons of which the box around each was taken: 4." in said
    assert rows(tmp_path / "set")[0] == ("a", "mug", 10, 20, 50, 60)
