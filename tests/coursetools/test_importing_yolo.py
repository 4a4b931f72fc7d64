"""What YOLO's numbers mean: the names of the classes, and numbers of keypoints."""

from coursetools import importing

import pytest

from exports import darknet, rows, truth, yolo

SWAPPED = "pen\nmug\n"


def other_names(folder, names: str, to: dict[str, str]) -> None:
    """Rewrite label files of a folder for names in another order."""
    for file in folder.glob("[a-c].txt"):
        lines = [line.split(" ", 1) for line in file.read_text().splitlines()]
        file.write_text("".join(f"{to[number]} {rest}\n" for number, rest in lines))
    (folder / "classes.txt").write_text(names)


def test_each_folder_has_the_names_that_lie_in_it(exported, tmp_path):
    """LabelImg writes a classes.txt into each, in the order in which classes were first used."""
    darknet(exported, tmp_path / "export" / "anna")
    ben = tmp_path / "export" / "ben"
    ben.mkdir()
    for stem in "bc":
        for suffix in (".jpg", ".txt"):
            (tmp_path / "export" / "anna" / f"{stem}{suffix}").rename(ben / f"{stem}{suffix}")
    other_names(ben, SWAPPED, {"0": "1", "1": "0"})
    importing.lay_out(tmp_path / "export", tmp_path / "set")
    names = [row[:2] for row in rows(tmp_path / "set")]
    assert names == [row[:2] for row in truth(exported)]


def test_two_files_of_names_that_are_as_near_must_agree(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, folder)
    (folder / "classes.txt").write_text("mug\npen\n")
    importing.lay_out(folder, tmp_path / "set")
    (folder / "classes.txt").write_text(SWAPPED)
    with pytest.raises(ValueError, match=r"classes\.txt and .*data\.yaml name .* differently"):
        importing.lay_out(folder, tmp_path / "more")


@pytest.mark.parametrize("values", [2, 3])
def test_of_a_pose_the_box_is_taken_and_not_the_keypoints(exported, tmp_path, values):
    folder = tmp_path / "export"
    yolo(exported, folder)
    with (folder / "data.yaml").open("a") as file:
        file.write(f"kpt_shape: [4, {values}]\n")
    for file in (folder / "labels").iterdir():
        points = " 0.9 0.95 2"[: 9 if values == 2 else None] * 4
        text = file.read_text().splitlines()
        file.write_text("".join(f"{line}{points}\n" for line in text))
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Polygons" not in said and "Left out" not in said
    for (*ours, x0, y0, x1, y1), (*theirs, a0, b0, a1, b1) in zip(
        rows(tmp_path / "set"), truth(exported), strict=True
    ):
        assert ours == theirs
        assert (x0, y0, x1, y1) == pytest.approx((a0, b0, a1, b1), abs=0.011)


def test_keypoints_that_data_yaml_does_not_know_are_refused(exported, tmp_path):
    folder = tmp_path / "export"
    yolo(exported, folder)
    for file in (folder / "labels").iterdir():
        file.write_text("0 0.5 0.5 0.2 0.2 0.3 0.3 1 0.4 0.4 1 0.5 0.5 1\n")
    with pytest.raises(ValueError, match=r"14 numbers .* data\.yaml needs kpt_shape"):
        importing.lay_out(folder, tmp_path / "set")
    for file in (folder / "labels").iterdir():
        file.write_text("0 0.5 0.5 0.2 0.2 0.3 0.3 2 0.4 0.4 2\n")
    with pytest.raises(ValueError, match=r"values above 1.* data\.yaml needs kpt_shape"):
        importing.lay_out(folder, tmp_path / "set")
    (folder / "data.yaml").write_text("names: [mug, pen]\nkpt_shape: [4, 2]\n")
    with pytest.raises(ValueError, match="11 numbers in a line, not 13, as kpt_shape"):
        importing.lay_out(folder, tmp_path / "set")


NO_NAMES = {
    "empty": ("", r"data\.yaml: `names` is missing"),
    "a list": ("- mug\n- pen\n", r"data\.yaml: `names` is missing"),
    "other keys": ("nc: 2\ntrain: x\n", r"data\.yaml: `names` is missing"),
    "a tab": ("names:\n\t- mug\n", r"data\.yaml, line 2: .*\\t.* not with tabs"),
    "two documents": ("names: [mug]\n---\nnames: [pen]\n", r"data\.yaml, line 2: .*Correct"),
    "a character": ("names: [mug\0]\n", r"data\.yaml.* YAML.*Correct"),
    "one word": ("names: mug\n", r"data\.yaml: `names` is no list of names"),
    "lists": ("names: [[mug], [pen]]\n", r"data\.yaml: `names` is no list of names"),
    "keypoints": ("names: [mug, pen]\nkpt_shape: 4\n", r"data\.yaml: `kpt_shape` is '4'"),
}


@pytest.mark.parametrize("fault", NO_NAMES)
def test_a_data_yaml_without_names_is_refused_with_what_to_do(exported, tmp_path, fault):
    text, said = NO_NAMES[fault]
    yolo(exported, tmp_path / "export")
    (tmp_path / "export" / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=said):
        importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_names_in_yaml_are_words_whatever_they_look_like(exported, tmp_path):
    yolo(exported, tmp_path / "export")
    (tmp_path / "export" / "data.yaml").write_text("names: {0: no, 1: 007}\n")
    importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert {row[1] for row in rows(tmp_path / "set")} == {"no", "007"}


@pytest.mark.parametrize("name", ["data.yaml", "classes.txt", "obj.names"])
def test_names_that_are_not_in_utf_8_are_refused_with_the_file(exported, tmp_path, name):
    yolo(exported, tmp_path / "export")
    (tmp_path / "export" / "data.yaml").unlink()
    text = "names: [Bär, pen]" if name == "data.yaml" else "Bär\npen\n"
    (tmp_path / "export" / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=rf"{name} is not text in UTF-8.* Save it as UTF-8\."):
        importing.lay_out(tmp_path / "export", tmp_path / "set")


def test_a_class_without_a_name_is_unknown(exported, tmp_path):
    darknet(exported, tmp_path / "export")
    (tmp_path / "export" / "classes.txt").write_text("mug\n \n")
    said = importing.lay_out(tmp_path / "export", tmp_path / "set")
    assert "Left out, label files with unknown classes: 2 (b.txt: 1, c.txt: 1)." in said


def test_numbers_that_begin_at_1_are_refused(exported, tmp_path):
    """All but the last name would be wrong by one, and nothing else would be odd."""
    folder = tmp_path / "export"
    yolo(exported, folder)
    for file in (folder / "labels").iterdir():
        lines = [line.split(" ", 1) for line in file.read_text().splitlines()]
        file.write_text("".join(f"{int(number) + 1} {rest}\n" for number, rest in lines))
    with pytest.raises(ValueError, match=r"class 0, and some have 2, one beyond .* begin at 1"):
        importing.lay_out(folder, tmp_path / "set")
    (folder / "data.yaml").write_text("names: [unused, mug, pen]\n")
    importing.lay_out(folder, tmp_path / "set")
    names = [row[:2] for row in rows(tmp_path / "set")]
    assert names == [row[:2] for row in truth(exported)]
