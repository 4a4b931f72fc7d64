"""Annotation files as tools and people write them: read rightly, noted, or refused by name."""

import os

from coursekit import voc
from coursekit.boxes import SIDES

import numpy as np
import pandas as pd
import pytest
from PIL import Image

SIZE = (50, 40)
DOG = "<name>dog</name>"
BOX = "<bndbox><xmin>9</xmin><ymin>9</ymin><xmax>20</xmax><ymax>20</ymax></bndbox>"
READ = [8.0, 8.0, 20.0, 20.0]


def annotation(inside: str, filename: str = "a.jpg", size=SIZE, attributes: str = "") -> str:
    width, height = size
    return (
        f"<annotation{attributes}><filename>{filename}</filename><size><width>{width}</width>"
        f"<height>{height}</height><depth>3</depth></size>{inside}</annotation>"
    )


def one(inside: str) -> str:
    return annotation(f"<object>{inside}</object>")


@pytest.fixture
def picture_set(voc_set):
    """A data set with one picture, a.jpg, and no annotation yet."""
    Image.new("RGB", SIZE).save(voc_set.directory / "JPEGImages" / "a.jpg")
    return voc_set


SPLIT = {
    "a comment": ("<name>hot<!-- a dog --> dog</name>" + BOX, "hot dog", READ),
    "an instruction": ("<name>d<?x y?>og</name>" + BOX, "dog", READ),
    "CDATA": ("<name><![CDATA[dog]]></name>" + BOX, "dog", READ),
    "line breaks": ("<name>\n hot\n\tdog </name>" + BOX, "hot dog", READ),
    "a comment in a number": (DOG + BOX.replace("20</ymax>", "2<!-- -->0</ymax>"), "dog", READ),
    "signs and exponents": (DOG + BOX.replace("20</xmax>", "+2.0e1</xmax>"), "dog", READ),
}


@pytest.mark.parametrize("case", SPLIT)
def test_a_value_is_read_whole(picture_set, case):
    inside, name, sides = SPLIT[case]
    picture_set.write("a", one(inside))
    row = voc.load_annotations(picture_set.directory).iloc[0]
    assert row["name"] == name and row[SIDES].tolist() == sides


NO_NUMBERS = ("1_0", "nan", "inf", "١٢", "0x10", "12,5", "1e9999", "--1", "1 0", "")
REFUSED = {
    f"number {value!r}": (one(DOG + BOX.replace("9</xmin>", f"{value}</xmin>")), "<bndbox/xmin>")
    for value in NO_NUMBERS
} | {
    "two boxes": (one(DOG + BOX + BOX), "has 2 <bndbox>. Which one is meant"),
    "two names": (one(DOG + DOG + BOX), "has 2 <name>"),
    "two sides": (one(DOG + BOX.replace("<xmin>", "<xmin>1</xmin><xmin>")), "has 2 <xmin>"),
    "a child in a name": (one("<name>d<b>o</b>g</name>" + BOX), "<name> holds <b>, not only"),
    "a flag": (one(DOG + BOX + "<difficult>maybe</difficult>"), "<difficult> is 'maybe'"),
    "no box": (one(DOG), "has no <bndbox/xmin>"),
    "a rotated box": (one(DOG + "<robndbox><cx>9</cx></robndbox>"), "rotated box. Export upright"),
    "a polygon": (one(DOG + "<polygon><x1>9</x1></polygon>"), "COURSEKIT_POLYGONS=box"),
    "a wide picture": (annotation("", size=("1e30", 40)), "larger than any picture"),
    "a long name": (annotation("", filename=300 * "x"), "more than 255 bytes"),
    "Latin-1": (one("<name>Tür</name>" + BOX).encode("latin-1"), "Save it as UTF-8"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(20), "not well-formed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_rightly_is_refused_and_can_be_skipped(picture_set, case):
    content, problem = REFUSED[case]
    content = content if isinstance(content, bytes) else content.encode()
    (picture_set.directory / "Annotations" / "bad.xml").write_bytes(content)
    picture_set.write("a", one(DOG + BOX))
    with pytest.raises(voc.AnnotationError) as caught:
        voc.load_annotations(picture_set.directory)
    assert problem in str(caught.value) and "bad.xml, line " in str(caught.value)
    table = voc.load_annotations(picture_set.directory, errors="skip")
    assert table["image_id"].tolist() == ["a"]
    assert [entry["file"] for entry in table.attrs["skipped"]] == ["bad.xml"]


def test_what_is_no_file_is_refused_and_can_be_skipped(picture_set):
    picture_set.write("a", one(DOG + BOX))
    folder = picture_set.directory / "Annotations"
    (folder / "folder.xml").mkdir()
    (folder / "link.xml").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.xml")
    table = voc.load_annotations(picture_set.directory, errors="skip")
    assert table["image_id"].tolist() == ["a"]
    assert [entry["file"] for entry in table.attrs["skipped"]] == ["link.xml", "pipe.xml"]


PROLOGS = {
    "white space first": "\n  <?xml version='1.0'?>\n{}",
    "a byte order mark": "\ufeff<?xml version='1.0'?>{}",
    "both": "\ufeff\n<?xml version='1.0'?>{}",
}


@pytest.mark.parametrize("case", PROLOGS)
def test_what_stands_before_the_declaration_does_no_harm(picture_set, case):
    picture_set.write("a", PROLOGS[case].format(one(DOG + BOX)))
    assert voc.load_annotations(picture_set.directory)["name"].tolist() == ["dog"]


def test_a_namespace_is_overlooked(picture_set):
    text = annotation(f"<object>{DOG}{BOX}</object>", attributes=' xmlns="urn:x"')
    picture_set.write("a", text)
    assert voc.load_annotations(picture_set.directory)[SIDES].iloc[0].tolist() == READ


def test_utf_16_is_read_where_it_is_declared(picture_set):
    text = '<?xml version="1.0" encoding="UTF-16"?>' + one("<name>Tür</name>" + BOX)
    (picture_set.directory / "Annotations" / "a.xml").write_bytes(text.encode("utf-16"))
    assert voc.load_annotations(picture_set.directory)["name"].tolist() == ["Tür"]


@pytest.mark.parametrize(
    ("word", "set_"), [("True", True), ("no", False), ("1", True), ("0.0", False), (" ", False)]
)
def test_flags_are_numbers_or_words(picture_set, word, set_):
    picture_set.write("a", one(f"{DOG}{BOX}<truncated>{word}</truncated>"))
    table = voc.load_annotations(picture_set.directory)
    assert table["truncated"].tolist() == [set_] and not table.attrs["noted"]


def test_what_is_left_out_or_changed_is_said_and_counted(picture_set, capsys):
    picture_set.write("a", annotation(f"<object>{DOG}{BOX}</object><object/>"))
    Image.new("RGB", SIZE).save(picture_set.directory / "JPEGImages" / "b.jpg")
    stale = one(f"{DOG}{BOX}<difficult>Unspecified</difficult>")  # its <filename> is a.jpg
    picture_set.write("b", stale)
    table = voc.load_annotations(picture_set.directory)
    assert table["filename"].tolist() == ["a.jpg", "b.jpg"]
    problems = [(entry["file"], entry["problem"]) for entry in table.attrs["noted"]]
    assert problems == [
        ("a.xml", "an empty <object>, left out"),
        ("b.xml", "<filename> is 'a.jpg'; took 'b.jpg', named as the annotation"),
        ("b.xml", "<difficult> says that it is not known; took no"),
    ]
    assert "Of 2 annotation files, 0 were left out, and 3 values" in capsys.readouterr().out
    assert voc.audit(table).loc["left out or changed", ["count", "images"]].tolist() == [
        3,
        ["a", "b"],
    ]


def test_files_are_found_in_folders_and_with_large_endings(picture_set, capsys):
    folder = picture_set.directory / "Annotations"
    (folder / "more").mkdir()
    (picture_set.directory / "JPEGImages" / "more").mkdir()
    Image.new("RGB", SIZE).save(picture_set.directory / "JPEGImages" / "more" / "dog.rf.1.PNG")
    (folder / "more" / "dog.rf.1.XML").write_text(one(DOG + BOX))
    for hidden in ("._a.xml", ".DS_Store", "Thumbs.db"):
        (folder / hidden).write_bytes(b"\0")
    table = voc.load_annotations(picture_set.directory)
    assert table[["image_id", "filename"]].to_numpy().tolist() == [
        ["more/dog.rf.1", "more/dog.rf.1.PNG"]
    ]
    report = voc.audit(table)
    assert report.loc["picture missing", "count"] == 0
    assert report.loc["picture without annotation", "images"] == ["a"]


@pytest.mark.parametrize("ending", ["bmp", "gif", "tif", "webp", "jfif", "Jpg", "png"])
def test_pictures_of_any_kind_are_found(voc_set, ending):
    kind = {"Jpg": "JPEG", "jfif": "JPEG", "tif": "TIFF"}.get(ending, ending)
    file = voc_set.directory / "JPEGImages" / f"a.{ending}"
    Image.new("RGB", SIZE).save(file, format=kind)
    for given in (f"a.{ending}", "a", "a.jpg", ""):
        voc_set.write("a", annotation(f"<object>{DOG}{BOX}</object>", filename=given))
        table = voc.load_annotations(voc_set.directory)
        assert table["filename"].tolist() == [f"a.{ending}"] and not table.attrs["noted"]


def test_the_box_around_a_polygon_is_taken_when_asked(picture_set, monkeypatch):
    corners = ((8, 9), (20, 9), (14, 21))
    polygon = "".join(f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>" for n, (x, y) in enumerate(corners, 1))
    picture_set.write("a", one(f"{DOG}<polygon>{polygon}</polygon>"))
    table = voc.load_annotations(picture_set.directory, polygons="box")
    assert table[SIDES].iloc[0].tolist() == [7, 8, 20, 21]
    monkeypatch.setenv("COURSEKIT_POLYGONS", "box")  # in all lessons, and as it is stored
    pd.testing.assert_frame_equal(voc.load_annotations(picture_set.directory), table)


def test_zero_based_boxes_stay_as_they_are_when_asked(picture_set):
    picture_set.write("a", one(DOG + BOX))
    table = voc.load_annotations(picture_set.directory, zero_based=True)
    assert table[SIDES].iloc[0].tolist() == [9, 9, 20, 20]


@pytest.mark.parametrize("turned", [3, 6, 8])
def test_sizes_are_those_of_the_picture_as_it_is_shown(voc_set, turned):
    exif = Image.Exif()
    exif[0x0112] = turned
    file = voc_set.directory / "JPEGImages" / "a.jpg"
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(file, exif=exif)
    voc_set.write("a", one(DOG + BOX).replace("<width>50</width>", "<width>0</width>"))
    row = voc.load_annotations(voc_set.directory).iloc[0]
    shown = (50, 40) if turned == 3 else (40, 50)
    assert (row["width"], row["height"]) == shown
    voc_set.write("a", one(DOG + BOX))  # 50 × 40
    report = voc.audit(voc.load_annotations(voc_set.directory))
    assert report.loc["size differs from picture", "count"] == (turned != 3)


def test_units_that_are_no_pixels_and_corners_that_are_none_are_flagged(voc_set):
    for number in range(4):
        voc_set.add(f"f{number}", ("dog", 0.2, 0.2, 0.5, 0.5))
    report = voc.audit(voc.load_annotations(voc_set.directory, zero_based=True))
    assert report.loc["box in fractions", "count"] == 4
    assert report.loc["many boxes inverted", "count"] == 0
    for number in range(4):
        voc_set.add(f"f{number}", ("dog", 30, 30, 10, 8))
    report = voc.audit(voc.load_annotations(voc_set.directory))
    assert report.loc["many boxes inverted", "count"] == 4


IDS = ("a", "b 1", "c.rf.2", "more/d")
LINES = {
    "ids": "a\nb 1\nc.rf.2\nmore/d\n",
    "line ends of Windows": "a\r\nb 1\r\nc.rf.2\r\nmore/d\r\n\r\n",
    "endings": "a.jpg\nb 1.png\nc.rf.2.jpg\nmore/d.jpg\n",
    "paths": "data/obj/a.jpg\nJPEGImages\\b 1.jpg\n./c.rf.2.jpg\nmore/d.jpg\n",
    "VOC's column": "a  1\nb 1  1\nc.rf.2 0\nmore/d 1\nx -1\n",
}


@pytest.fixture
def listed(tmp_path):
    """A directory with the annotation files of `IDS`, empty, and without lists."""
    for image_id in IDS:
        file = tmp_path / "Annotations" / f"{image_id}.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "ImageSets").mkdir()
    return tmp_path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", LINES)
def test_lists_of_many_forms_are_read(listed, form, encoding):
    (listed / "ImageSets" / "Train.txt").write_bytes(LINES[form].encode(encoding))
    found = voc.selecting.read_lists(listed)
    assert found == dict.fromkeys(IDS, "train")


def test_a_list_without_any_image_and_one_that_is_no_text_are_refused(listed):
    file = listed / "ImageSets" / "valid.txt"
    file.write_text("x\ny\n")
    with pytest.raises(ValueError, match=r"valid\.txt names no annotated image.* 'x'.* 'a'"):
        voc.selecting.read_lists(listed)
    file.write_bytes(b"\xe4\n")
    with pytest.raises(ValueError, match="Save it as UTF-8"):
        voc.selecting.read_lists(listed)


def test_with_lists_for_train_and_test_only_a_share_of_train_becomes_val(voc_set):
    names = [f"{number:02d}" for number in range(40)]
    images = pd.DataFrame({"image_id": names, "name": ["dog"] * 40})
    for name in names:
        voc_set.add(name, picture=False)
    voc_set.list("train", *names[:30])
    voc_set.list("test", *names[30:])
    split = voc.assign_split(images, voc_set.directory)["split"]
    assert split[:30].value_counts().to_dict() == {"train": 24, "val": 6}
    assert (split[30:] == "test").all()


def test_a_size_that_is_not_the_pictures_is_not_used_unasked(picture_set, monkeypatch):
    picture_set.write("a", annotation(f"<object>{DOG}{BOX}</object>", size=(500, 400)))
    table = voc.load_annotations(picture_set.directory)
    with pytest.raises(ValueError, match=r"a says \(500, 400\) pixels, .* has \(50, 40\) \(1 in"):
        voc.single_object(table, ["dog"])
    for sizes, wanted in (("picture", [50, 40]), ("annotation", [500, 400])):
        images = voc.single_object(table, ["dog"], sizes=sizes)
        assert images[["width", "height"]].iloc[0].tolist() == wanted
        with monkeypatch.context() as setting:
            setting.setenv("COURSEKIT_SIZES", sizes)
            pd.testing.assert_frame_equal(voc.single_object(table, ["dog"]), images)
