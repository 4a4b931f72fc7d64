"""The look at a data set of one's own: what stops the run before its first lesson, and what not."""

from pathlib import Path

from coursekit import settings
from coursetools import chosen, doctor, looking, misspelt

import pytest
from PIL import Image

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
    assert "box in fractions: 16 of 16 (p00, p01" in refused()
    assert "Export them in pixels." in refused()


def test_many_boxes_in_fractions_do_so_too(own):
    box(own, (0.1, 0.2, 0.6, 0.7), 1, 2, 3, 4)
    assert "box in fractions: 4 of 16 (p01, p02, p03, p04)" in refused()


def test_boxes_outside_their_pictures_stop_the_run_where_they_are_many(own):
    box(own, [3 * side for side in BOX], 1, 2, 3, 4)
    words = refused()
    assert "image: 4 of 16 (p01, p02, p03, p04). Were pictures resized after" in words
    assert "Clip" not in words  # the cause is named, and once
    assert words.count("box outside the image") == 1


def test_a_few_boxes_outside_are_said(own):
    box(own, (11, 6, 99999, 25), 1)
    box(own, (-30, 6, 30, 25), 4)
    assert "box outside the image: 2 (p01, p04). Clip it, or draw it again.\n" in said()


def test_boxes_that_begin_at_0_are_no_reason_to_stop(own):
    box(own, (0, 0, 30, 25))
    words = said()
    assert "16 boxes begin at 0, where VOC begins at 1. The first is in p00. If your tool" in words
    assert "outside" not in words


def test_boxes_that_begin_at_1_are_asked_about_when_they_are_to_count_from_0(own, monkeypatch):
    words = "begin at 1 and none at 0. Do they count from 1? Then leave out `--zero-based`, or"
    box(own, (1, 6, 30, 25), 1, 2, 3)
    box(own, (11, 1, 30, 25), 4, 5)
    assert words not in said()
    monkeypatch.setenv("COURSEKIT_ZERO_BASED", "1")
    assert f"boxes: 5 {words}" in said()
    change(own, "<xmin>1<", "<xmin>2<", 1)
    assert words not in said()  # so few may be chance
    change(own, "<xmin>2<", "<xmin>1<", 1)
    change(own, "<ymin>6<", "<ymin>0<", 7)
    assert words not in said()


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


def test_where_no_file_can_be_read_nothing_is_said_of_names(own):
    for number in range(16):
        own.write(f"p{number:02d}", "<annotation>\n<size>")
    assert "annotations: 16 cannot be read: p00.xml, line 2: " in refused()
    assert "There are" not in refused()
    for number in range(16):
        own.write(f"p{number:02d}", "<annotation/>")
    assert refused() == "annotations: no file has an object. Annotate the pictures."


def test_file_names_that_lead_away_are_said_once(own):
    change(own, "<filename>", "<filename>C:\\pics\\")
    words = refused()
    assert (
        "line 2: <filename> is a path that leaves the data set. Leave only the picture's name"
        in words
    )
    assert words.count("leaves the data set") == 1


def test_what_was_read_otherwise_is_said_with_its_line(own):
    change(own, "p03.jpg", "screenshot.jpg", 3)
    assert "left out or changed: 1 (p03.xml, line 1: <filename> is 'screenshot.jpg'; took" in said()
    assert "attrs" not in said()


@pytest.mark.parametrize("name", ["Mug", "mugg", "mu g", "m_ug"])
def test_a_misspelt_class_does_not_vanish_without_a_word(own, name):
    change(own, "<name>mug", f"<name>{name}", 2)
    words = said()
    assert f"not asked for: {name} (1)\n" in words
    advice = f"If that is meant, correct '{name}' in the annotations."
    assert f"names: '{name}' (1) looks like 'mug'. {advice}" in words


def test_a_class_that_a_split_lacks_is_named(own):
    own.list("train", *[f"p{i:02d}" for i in range(10)])
    own.list("val", *[f"p{i:02d}" for i in (10, 12)])
    own.list("test", *[f"p{i:02d}" for i in (11, 13, 14, 15)])
    words = said()
    assert "classes: val has no 'pen'\n" in words and "test has no" not in words


def test_two_classes_that_were_asked_for_may_be_one(own, monkeypatch):
    """An import lists all names that it finds, slips too."""
    change(own, "<name>mug", "<name>mgu", 2)
    monkeypatch.setenv("COURSEKIT_CLASSES", "mug,mgu,pen")
    words = said()
    assert "names: 'mgu' (1) looks like 'mug'." in words and "'mug' (" not in words


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("appel", "apple", True),
        ("apples", "apple", True),
        ("Bosc birne", "Bosc Birne", True),
        ("dog", "cat", False),
        ("boat", "goat", False),
        ("dgo", "dog", True),
        ("Cta", "cat", True),
        ("cat", "car", False),
        ("cat", "tac", False),
        ("cat", "bus", False),
        ("class 12", "class 21", False),
        ("class 1", "class 2", False),
        ("type_12", "Type 12", True),
        ("--", "?", False),
    ],
)
def test_names_are_alike_in_case_spaces_and_a_letter_or_two_swapped(name, other, same):
    assert misspelt.alike(name, other) is misspelt.alike(other, name) is same


def test_a_class_that_does_not_occur_is_said_with_those_that_do(own, monkeypatch):
    monkeypatch.setenv("COURSEKIT_CLASSES", "mug,lamp")
    assert refused().startswith("No object is called 'lamp'. There are: 'mug', 'pen'.")


MEANT = {
    "mugg,pen": "Is 'mug' meant by 'mugg'?",
    "MUG,pen": "Is 'mug' meant by 'MUG'?",
    "mug,pne": "Is 'pen' meant by 'pne'?",
    "mug pen": "Commas separate names: mug,pen.",
    "Mug; pen": "Commas separate names: mug,pen.",
}


@pytest.mark.parametrize("classes", MEANT)
def test_a_misspelt_wish_is_said_to_be_one(own, monkeypatch, classes):
    monkeypatch.setenv("COURSEKIT_CLASSES", classes)
    words = refused()
    assert words.splitlines()[0].endswith(f"There are: 'mug', 'pen'. {MEANT[classes]}")
    assert "correct the annotations" not in words
    (row,) = [row for row in chosen.check_classes() if row.ok is False]
    assert row.what_to_do.endswith(MEANT[classes])


@pytest.mark.parametrize("absent", ["bus", "mud", "ben", "gum", "nep"])
def test_a_short_name_of_something_else_is_offered_nothing(own, monkeypatch, absent):
    monkeypatch.setenv("COURSEKIT_CLASSES", f"mug,{absent}")
    assert refused().splitlines()[0].endswith("There are: 'mug', 'pen'.")


def test_lists_that_name_what_is_not_there_are_said(own):
    names = [f"p{number:02d}" for number in range(16)]
    own.list("train", *names[:12], "q1")
    own.list("test", *names[12:], "q2")
    words = "lists: 2 lines of the lists in ImageSets name no annotation, for example 'q1' in"
    assert f"{words} train.txt. They are skipped." in said()


USES = {
    "train val": "lists: one is missing, so test takes 4 of val, val takes 2 of train. Add it if",
    "train test": "lists: one is missing, so val takes 2 of train. Add it if you mean otherwise.",
}


@pytest.mark.parametrize("lists", USES)
def test_a_list_that_is_used_for_another_split_is_said(own, lists):
    names, (first, second) = [f"p{number:02d}" for number in range(16)], lists.split()
    own.list(first, *names[:12])
    own.list(second, *names[12:])
    assert USES[lists] in said()
    own.list(first, *names[:8])
    own.list({"val": "test", "test": "val"}[second], *names[8:12])
    assert "lists" not in said()


@pytest.mark.parametrize("lists", USES)
def test_a_list_that_is_there_is_not_called_missing(own, lists):
    names, (first, second) = [f"p{number:02d}" for number in range(16)], lists.split()
    own.add("lamp", ("lamp", *BOX), size=SIZE)
    own.list(first, *names[:12])
    own.list(second, *names[12:])
    uses = USES[lists].partition("so ")[2].partition(".")[0]
    if lists == "train test":
        own.list("val")
        line = f"lists: val.txt is empty, so {uses}. Fill it if you mean otherwise."
        assert line in said().splitlines()
        own.list("val", "lamp")
        assert f"lists: val.txt names no picture in use, so {uses}. Fill it if" in said()
    else:
        own.list("test")
        assert f"lists: test.txt is empty, so {uses}. Fill it if you mean otherwise." in said()


IDLE = {  # lists that say nothing of the split, as somebody or a tool wrote them
    "empty": (
        dict.fromkeys(("train", "val", "test"), ()),
        "no picture is named in train.txt, val.txt, test.txt",
    ),
    "one, and empty": ({"train": ()}, "no picture is named in train.txt"),
    "of none": ({"train": ["p00 -1"]}, "no picture is named in train.txt"),
    "of a class": (
        {"mug_train": ["p00 1", "p01 -1"], "mug_val": ["p02 1"]},
        "none is called train.txt, only mug_train.txt, mug_val.txt",
    ),
    "of all": ({"default": ["p00", "p01"]}, "none is called train.txt, only default.txt"),
}


@pytest.mark.parametrize("case", IDLE)
def test_lists_from_which_no_split_comes_are_said(own, monkeypatch, capsys, case):
    lists, found = IDLE[case]
    for name, lines in lists.items():
        own.list(name, *lines)
    (line,) = [line for line in said().splitlines() if line.startswith("lists: ")]
    advice = "Write train.txt, val.txt and test.txt if you mean otherwise."
    assert line == f"lists: {found}, so the split is drawn at random. {advice}"
    monkeypatch.setattr(doctor, "CHECKS", (doctor.check_pictures,))
    assert doctor.main() == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "All is well" not in told and line in told


def test_where_no_list_is_none_is_said(own):
    for name in ("notes.md", "._train.txt"):
        (own.directory / "ImageSets" / "Main" / name).write_text("p00")
    assert "lists" not in said()


def test_a_few_boxes_in_fractions_are_said_and_nothing_else_of_them(own):
    box(own, (0.1, 0.2, 0.6, 0.7), 1, 4)
    words = said()
    assert "box in fractions: 2 (p01, p04). They look like shares of the picture." in words
    assert "outside" not in words


def test_the_doctor_ends_with_what_is_odd_and_where(own, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", (doctor.check_pictures,))
    assert doctor.main() == 0
    assert capsys.readouterr().out.endswith("\nAll is well.\n")
    box(own, (11, 6, 300, 25), 3)
    box(own, (0, 6, 30, 25), 5)
    assert doctor.main() == 0
    end = capsys.readouterr().out.partition("Nothing stops the lessons. But look at this:\n")[2]
    assert "box outside the image: 1 (p03). Clip it, or draw it again.\n" in end
    assert "The first is in p05. If your tool counts from 0, say so:" in " ".join(end.split())
    picture(own, 7).unlink()
    assert doctor.main() == 1
    end = capsys.readouterr().out.partition("\n\n")[2].splitlines()
    assert end[0] == "picture missing: 1 (p07). Add the picture, or remove the annotation."
    assert end[1] == "And look at this:" and "(p03)" in "".join(end[2:])


def test_the_doctor_says_which_class_is_never_alone(own, monkeypatch):
    own.add("both", ("mug", *BOX), ("cup", *BOX), size=SIZE)
    monkeypatch.setenv("COURSEKIT_CLASSES", "mug,pen,cup")
    (found,) = [row.found for row in doctor.check_pictures() if row.check == "classes"]
    assert found == "Left out, since no picture has one of them as its only object: 'cup'."


def test_all_that_is_wrong_is_said_at_once(own):
    picture(own, 2).unlink()
    own.write("p03", "")
    box(own, (0.1, 0.2, 0.6, 0.7), 4, 5, 6, 7)
    checks = [row.check for row in looking.look() if row.ok is False]
    assert checks == ["annotations", "picture missing", "box in fractions"]


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
    words = "p04, …). By the other size they are inside. Take it: `--sizes picture`, or the word in"
    assert "box outside the image: 16 of 16 (p00" in refused() and words in refused()
    assert "Were pictures" not in refused()


def test_with_the_size_of_the_annotation_boxes_lie_in_it_or_in_neither(own, monkeypatch):
    monkeypatch.setenv("COURSEKIT_SIZES", "picture")
    for number in range(16):
        Image.new("RGB", (15, 10)).save(picture(own, number))
    assert "are inside. Take it: `--sizes annotation`" in refused()
    change(own, "<width>60<", "<width>16<")
    assert "Were pictures resized" in refused() and "other size" not in refused()


def test_boxes_of_pictures_that_lay_on_their_side_are_not_stretched(own, monkeypatch):
    """The size in the files would put them inside, and on something else."""
    for number in range(16):
        Image.new("RGB", (40, 60)).save(picture(own, number))
    box(own, (44, 3, 58, 30))
    assert "Was it turned? Boxes drawn on it as it lay must be drawn anew" in refused()
    monkeypatch.setenv("COURSEKIT_SIZES", "picture")
    assert "lay on their side? Then no size is right: draw them on the pictures as" in refused()
    assert "Take it" not in refused()


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


def test_one_problem_of_many_files_is_said_once(own):
    for number in range(3, 16):
        change(own, "<bndbox>", "<polygon><x1>", number)
        change(own, "</bndbox>", "</x1></polygon>", number)
    words = refused()
    assert words.count("has a polygon and no box. `--polygons box`, or") == 1
    assert "annotations: 13 cannot be read: p03.xml, line 4: <object> has" in words
    assert "takes one (and p04.xml, line 4; p05.xml, line 4; " in words


def test_one_cause_of_inverted_boxes_is_said_once(own):
    box(own, (11, 6, 9, 5))
    words = refused()
    assert words.count("They look like x, y, width, height. Export the corners.") == 1
    assert words.count("Are they corners, and exchanged?") == 1  # as these are
    assert "Draw" not in words


def test_boxes_that_may_be_in_percent_are_said(own):
    words = "boxes: no side is beyond 100, though pictures have 200 pixels and more. Are they in"
    assert words not in said()
    for side, length in (("width", 60), ("height", 40)):
        change(own, f"<{side}>{length}<", f"<{side}>500<")
    for number in range(16):
        Image.new("RGB", (500, 500)).save(picture(own, number))
    assert words in said()
    box(own, (11, 6, 130, 25), 3)
    assert words not in said()


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
