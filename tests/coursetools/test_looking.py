"""The look at a data set of one's own: what stops the run before its first lesson, and what not."""

from pathlib import Path

from coursekit import settings
from coursetools import doctor, looking

import pytest

SIZE = (60, 40)
BOX = (11, 6, 30, 25)


@pytest.fixture
def own(voc_set, monkeypatch):
    """Sixteen pictures, eight each of mug and pen, in which nothing is wrong."""
    for i in range(16):
        voc_set.add(f"p{i:02d}", (("mug", "pen")[i % 2], *BOX), size=SIZE)
    monkeypatch.setenv("COURSEKIT_DATASET", str(voc_set.directory))
    monkeypatch.setenv("COURSEKIT_CLASSES", "mug,pen")
    return voc_set


def change(own, old, new, *numbers):
    """Change the text of some annotation files, or of all."""
    for number in numbers or range(16):
        file = own.directory / "Annotations" / f"p{number:02d}.xml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


def box(own, corners, *numbers):
    sides = ("xmin", "ymin", "xmax", "ymax")
    for side, old, new in zip(sides, BOX, corners, strict=True):
        change(own, f"<{side}>{old}<", f"<{side}>{new}<", *numbers)


def picture(own, number) -> Path:
    return own.directory / "JPEGImages" / f"p{number:02d}.jpg"


def said() -> str:
    return looking.report(looking.look())


def refused() -> str:
    with pytest.raises(ValueError) as stop:
        said()
    words = {row.check for row in looking.look() if row.ok is False}
    failed = {row.check: row for row in doctor.check_pictures() if row.ok is False}
    assert {*failed} == words - {"classes"}  # the doctor sees the same
    assert all(row.found and row.what_to_do for row in failed.values())
    return str(stop.value)


def test_of_a_clean_set_it_says_how_many_pictures_there_are(own):
    assert said() == "pictures: 16 in VOC with one object, 10 for train, 2 for val, 4 for test"
    assert [row.ok for row in doctor.check_pictures()] == [None]


def test_boxes_in_fractions_stop_the_run(own):
    box(own, (0.1, 0.2, 0.6, 0.7))
    assert "boxes: 16 of 16 are fractions (p00, p01" in refused()
    assert "Export them in pixels." in refused()


def test_many_boxes_in_fractions_do_so_too(own):
    box(own, (0.1, 0.2, 0.6, 0.7), 1, 2, 3, 4)
    assert "boxes: 4 of 16 are fractions (p01, p02, p03, p04)" in refused()


def test_boxes_outside_their_pictures_stop_the_run_where_they_are_many(own):
    box(own, [3 * side for side in BOX], 1, 2, 3, 4)
    assert "boxes: 4 of 16 lie outside (p01, p02, p03, p04). Were the pictures resized" in refused()


def test_a_few_boxes_outside_are_said(own):
    box(own, (11, 6, 99999, 25), 1)
    box(own, (-30, 6, 30, 25), 4)
    assert "box outside the image: 2 (p01, p04). Clip it, or draw it again.\n" in said()


def test_boxes_that_begin_at_0_are_no_reason_to_stop(own):
    box(own, (0, 0, 30, 25))
    assert "16 boxes begin at 0, where VOC begins at 1." in said()


def test_missing_and_torn_pictures_are_all_named(own):
    for number in (2, 5):
        picture(own, number).unlink()
    content = picture(own, 7).read_bytes()
    picture(own, 7).write_bytes(content[:-40])
    words = refused()
    assert "picture missing: 2 (p02, p05). Add the picture, or remove the annotation." in words
    assert "picture unreadable: 1 (p07.jpg cannot be decoded: " in words
    assert "Export the picture again, or remove its annotation." in words


def test_a_missing_picture_of_which_no_lesson_asks_is_said(own):
    own.add("q", ("lamp", *BOX), size=SIZE, picture=False)
    assert "picture missing: 1 (q)." in said()


def test_files_that_cannot_be_read_are_all_named_with_line_and_reason(own):
    own.write("p03", "<annotation>\n<size>")
    own.write("p04", "")
    words = refused()
    assert "annotations: 2 cannot be read: p03.xml, line 2: " in words and "; p04.xml, " in words
    assert "Correct each of these files, or remove it." in words
    assert "voc.audit" not in words  # nobody can type that in a terminal


def test_what_was_read_otherwise_is_said_with_its_line(own):
    change(own, "p03.jpg", "screenshot.jpg", 3)
    assert "left out or changed: 1 (p03.xml, line 1: <filename> is 'screenshot.jpg'; took" in said()
    assert "attrs" not in said()


@pytest.mark.parametrize("name", ["Mug", "mugg", "mu g", "m_ug"])
def test_a_misspelt_class_does_not_vanish_without_a_word(own, name):
    change(own, "<name>mug", f"<name>{name}", 2)
    words = said()
    assert f"not asked for: {name} (1)\n" in words
    assert f"names: '{name}' (1) looks like 'mug'. If it is, correct the annotations" in words


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("appel", "apple", True),
        ("apples", "apple", True),
        ("Bosc birne", "Bosc Birne", True),
        ("dog", "cat", False),
        ("boat", "goat", False),
        ("class 1", "class 2", False),
        ("type_12", "Type 12", True),
        ("--", "?", False),
    ],
)
def test_names_are_alike_in_case_spaces_and_one_letter(name, other, same):
    assert looking.alike(name, other) is looking.alike(other, name) is same


def test_a_class_that_does_not_occur_is_said_with_those_that_do(own, monkeypatch):
    monkeypatch.setenv("COURSEKIT_CLASSES", "mug,lamp")
    assert refused().startswith("No object is called 'lamp'. There are: 'mug', 'pen'.")


def test_all_that_is_wrong_is_said_at_once(own):
    picture(own, 2).unlink()
    own.write("p03", "")
    box(own, (0.1, 0.2, 0.6, 0.7), 4, 5, 6, 7)
    checks = [row.check for row in looking.look() if row.ok is False]
    assert checks == ["annotations", "picture missing", "boxes"]


def test_sizes_that_differ_stop_the_run_until_one_is_chosen(own, monkeypatch):
    for side, length in (("width", 600), ("height", 400)):
        change(own, f"<{side}>{length // 10}<", f"<{side}>{length}<", 3, 5)
    assert "p03 says (600, 400) pixels" in refused() and "`--sizes picture`" in refused()
    for sizes in ("picture", "annotation"):
        monkeypatch.setenv("COURSEKIT_SIZES", sizes)
        assert "size differs from picture: 2 (p03, p05)" in said()


def test_with_the_size_of_the_picture_boxes_lie_in_it_or_not(own, monkeypatch):
    change(own, "<width>60<", "<width>6<")
    monkeypatch.setenv("COURSEKIT_SIZES", "picture")
    assert "16 in VOC with one object" in said()
    monkeypatch.setenv("COURSEKIT_SIZES", "annotation")
    assert "boxes: 16 of 16 lie outside" in refused()


def test_a_polygon_without_a_box_stops_the_run_until_its_box_is_asked_for(own, monkeypatch):
    path = own.directory / "Annotations" / "p03.xml"
    start, end = path.read_text().split("<bndbox>")[0], path.read_text().split("</bndbox>")[1]
    corners = "<x1>5</x1><y1>6</y1><x2>20</x2><y2>6</y2><x3>9</x3><y3>30</y3>"
    own.write("p03", f"{start}<polygon>{corners}</polygon>{end}")
    assert "p03.xml, line" in refused() and "COURSEKIT_POLYGONS=box" in refused()
    monkeypatch.setenv("COURSEKIT_POLYGONS", "box")
    assert "16 in VOC with one object" in said()
    own.write("p00", f"{start}<polygon>{corners}</polygon>{end}")
    assert "p00.xml has one and no box. Lesson 02 reads the first file by hand" in refused()


def test_too_few_pictures_for_three_splits_stop_the_run(own):
    for number in range(2, 16):
        (own.directory / "Annotations" / f"p{number:02d}.xml").unlink()
    assert "has 2 pictures with exactly one object of mug, pen" in refused()


def test_a_folder_without_annotations_is_said(own):
    for file in (own.directory / "Annotations").iterdir():
        file.unlink()
    assert "holds no .xml file" in refused()


def test_the_doctor_leaves_the_named_data_sets_to_the_lessons(monkeypatch, tmp_path):
    for name in (*settings.NAMED_DATASETS, str(tmp_path / "nowhere")):
        monkeypatch.setenv("COURSEKIT_DATASET", name)
        assert [*doctor.check_pictures()] == []


def test_a_setting_without_a_meaning_is_no_fault_of_the_environment(own, monkeypatch):
    monkeypatch.setenv("COURSEKIT_SIZES", "both")
    (row,) = doctor.check_pictures()
    assert "COURSEKIT_SIZES is 'both'. Choose one of: check, annotation, picture." in row.what_to_do
