"""Which picture labels belong to, and what it is called in the new set."""

import shutil

from coursekit import voc
from coursetools import importing

import pytest
from PIL import Image

from exports import SIZE, coco, draw, rows, voc_beside, yolo


def in_folders(exported, folder) -> None:
    """Lay a set out as VOC does."""
    voc_beside(exported, folder)
    for name, suffix in (("Annotations", ".xml"), ("JPEGImages", ".jpg")):
        (folder / name).mkdir()
        for file in folder.glob(f"*{suffix}"):
            file.rename(folder / name / file.name)


def sizes(directory) -> dict[str, bytes]:
    """Return the content of each picture of a set."""
    return {file.name: file.read_bytes() for file in (directory / "JPEGImages").iterdir()}


@pytest.mark.parametrize("inner", ["VOC", "a/VOC/x", "."])
def test_pictures_of_one_name_and_one_folder_stay_apart(exported, tmp_path, inner, capsys):
    folder = tmp_path / "export"
    for group in ("anna1", "anna2", "Anna2/b"):
        in_folders(exported, folder / group / inner)
    said = importing.lay_out(folder, tmp_path / "set")
    assert "pictures 9, objects 12, read as VOC's XML." in said and "Left out" not in said
    originals = {file.read_bytes() for file in folder.rglob("*.jpg")}
    assert {*sizes(tmp_path / "set").values()} == originals and len(originals) == 9
    assert len({name.casefold() for name in sizes(tmp_path / "set")}) == 9
    table = voc.load_annotations(tmp_path / "set")
    assert len(table) == 12 and table["image_id"].nunique() == 9
    assert table.attrs["noted"] == []  # as they would be with the old <filename>
    assert capsys.readouterr().out == ""


def test_a_picture_keeps_its_own_labels_under_its_new_name(exported, tmp_path):
    folder = tmp_path / "export"
    for batch in ("batch0", "batch1"):
        yolo(exported, tmp_path / batch)
        for part in ("images", "labels"):
            shutil.copytree(tmp_path / batch / part, folder / batch / part / "train")
    (folder / "batch1/labels/train/a.txt").write_text("1 0.5 0.5 0.5 0.5\n")
    shutil.copy(tmp_path / "batch0" / "data.yaml", folder)
    importing.lay_out(folder, tmp_path / "set")
    found = {row[0]: row[1:] for row in rows(tmp_path / "set")}
    assert found["batch0_images_train_a"] == ("mug", 10, 20, 50, 60)
    assert found["batch1_images_train_a"] == ("pen", 40, 30, 120, 90)
    kept = sizes(tmp_path / "set")
    for batch in ("batch0", "batch1"):
        original = (folder / batch / "images/train/a.jpg").read_bytes()
        assert kept[f"{batch}_images_train_a.jpg"] == original


def test_pictures_that_differ_in_their_endings_only_stay_two(exported, tmp_path):
    folder = tmp_path / "export"
    coco(exported, folder)
    (folder / "images" / "b.jpg").unlink()
    draw(folder / "images" / "a.png")
    text = (folder / "instances.json").read_text()
    (folder / "instances.json").write_text(text.replace("b.jpg", "a.png"))
    said = importing.lay_out(folder, tmp_path / "set")
    assert "pictures 3, objects 4" in said and "Left out" not in said
    kept = sizes(tmp_path / "set")
    assert [*sorted(kept)] == ["a_jpg.jpg", "a_png.png", "c.jpg"]
    assert kept["a_png.png"] == (folder / "images" / "a.png").read_bytes()
    assert [row[:2] for row in rows(tmp_path / "set")] == [
        ("a_jpg", "mug"),
        ("a_png", "mug"),
        ("a_png", "pen"),
        ("c", "pen"),
    ]


def test_names_that_are_the_same_once_they_are_joined_stay_apart(exported, tmp_path):
    folder = tmp_path / "export"
    for place in ("x_y/z", "x/y_z"):
        voc_beside(exported, folder / place)
    assert "pictures 6" in importing.lay_out(folder, tmp_path / "set")
    assert len(sizes(tmp_path / "set")) == 6


@pytest.mark.parametrize("masks", ["SegmentationClass", "A_masks"])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_masks_of_the_same_name_are_not_taken_for_the_pictures(exported, tmp_path, masks, suffix):
    folders = {"voc": tmp_path / "voc", "yolo": tmp_path / "yolo", "coco": tmp_path / "coco"}
    in_folders(exported, folders["voc"])
    yolo(exported, folders["yolo"])
    coco(exported, folders["coco"])
    for name, folder in folders.items():
        for stem in "abc":
            draw(folder / masks / f"{stem}{suffix}")
        said = importing.lay_out(folder, tmp_path / f"{name}_set").splitlines()
        assert "pictures 3, objects 4" in said[0]
        named = [] if masks == "SegmentationClass" else ["Left out, pictures without labels"]
        assert [line.partition(":")[0] for line in said[2:-1]] == named  # VOC's own are no surprise
        home = folder / ("JPEGImages" if name == "voc" else "images")
        assert sizes(tmp_path / f"{name}_set") == {f.name: f.read_bytes() for f in home.iterdir()}


def test_of_two_pictures_in_one_folder_the_filename_decides(exported, tmp_path):
    in_folders(exported, tmp_path / "export")
    draw(tmp_path / "export" / "JPEGImages" / "a.png")
    importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert {*sizes(tmp_path / "set")} == {"a.jpg", "b.jpg", "c.jpg"}


def test_labels_that_fit_two_pictures_are_named_with_both(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, folder)
    draw(folder / "images" / "a.png")
    said = importing.lay_out(folder, tmp_path / "set")
    assert (
        "Left out, labels that fit several pictures: 1 (a: images/a.jpg and images/a.png)." in said
    )
    assert "without" not in said  # both are named already


def test_the_filename_finds_a_picture_of_another_name(exported, tmp_path):
    folder = tmp_path / "export"
    in_folders(exported, folder)
    for i, stem in enumerate("abc"):
        (folder / "Annotations" / f"{stem}.xml").rename(folder / "Annotations" / f"{i:05}.xml")
    said = importing.lay_out(folder, tmp_path / "set")
    assert "pictures 3, objects 4" in said and "Left out" not in said
    assert rows(tmp_path / "set")[0] == ("a", "mug", 10, 20, 50, 60)


def test_a_stale_filename_takes_no_picture_from_its_own_labels(exported, tmp_path):
    folder = tmp_path / "export"
    in_folders(exported, folder)
    stale = (folder / "Annotations" / "a.xml").read_text().replace("mug", "lost")
    (folder / "Annotations" / "0.xml").write_text(stale)  # comes before a.xml
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Left out, second labels of a picture: 1 (0)." in said
    assert rows(tmp_path / "set")[0] == ("a", "mug", 10, 20, 50, 60)


@pytest.mark.parametrize("ending", [".heic", ".HEIF", ".jpg"])
def test_a_picture_in_heic_is_called_one(exported, tmp_path, ending):
    folder = tmp_path / "export"
    yolo(exported, folder)
    (folder / "images" / "a.jpg").unlink()
    (folder / "images" / f"a{ending}").write_bytes(b"\0\0\0\x18ftypheic" + b"0" * 100)
    line = "Left out, pictures in HEIC, which this course does not read; export them as JPEG: "
    said = importing.lay_out(folder, tmp_path / "set")
    assert f"{line}1 (a{ending})." in said and "without" not in said
    for stem in "bc":
        (folder / "images" / f"{stem}.jpg").write_bytes(b"\0\0\0\x18ftypheic" + b"0" * 100)
    with pytest.raises(ValueError, match=f"{line}3"):
        importing.lay_out(folder, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_picture_of_too_many_pixels_is_to_be_made_smaller(exported, tmp_path, monkeypatch):
    folder = tmp_path / "export"
    yolo(exported, folder)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SIZE[0] * SIZE[1])
    Image.new("RGB", (SIZE[0] + 1, SIZE[1])).save(folder / "images" / "a.jpg")
    Image.new("RGB", (SIZE[0] * 2 + 1, SIZE[1])).save(folder / "images" / "b.jpg")
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Left out, pictures of too many pixels; make them smaller: 2 (a.jpg, b.jpg)." in said


def test_a_csv_is_not_read_and_the_message_says_what_is(exported, tmp_path):
    draw(tmp_path / "export" / "a.jpg")
    (tmp_path / "export" / "boxes.csv").write_text("filename,class,xmin\na.jpg,mug,1\n")
    with pytest.raises(ValueError, match=r"boxes\.csv, and CSV is not read\. Export VOC's XML"):
        importing.lay_out(tmp_path / "export", tmp_path / "set")


def test_an_archive_and_what_is_not_there_are_no_folders(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match=r"set\.zip is a file.* Unpack it first"):
        importing.lay_out(tmp_path / "set.zip", tmp_path / "new")
    with pytest.raises(FileNotFoundError, match=r"absent is not there\. Correct the path"):
        importing.lay_out(tmp_path / "absent", tmp_path / "new")
