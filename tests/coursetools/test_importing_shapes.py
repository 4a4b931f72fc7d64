"""Objects that are no plain boxes, or no good ones: each is boxed, or left out and named."""

import json

from coursetools import importing

import pytest

from exports import coco, cvat, draw, labelme, rows

LABELME = {  # the box around, or None where there is none
    "circle": ([[50, 60], [50, 80]], (30, 40, 70, 80)),
    "polygon": ([[20, 30], [60, 30], [40, 90]], (20, 30, 60, 90)),
    "mask": ([[20, 30], [60, 90]], (20, 30, 60, 90)),
    "point": ([[20, 30]], None),
    "line": ([[20, 30], [60, 90]], None),
    "linestrip": ([[20, 30], [60, 90], [70, 20]], None),
    "points": ([[20, 30], [60, 90]], None),
}


@pytest.mark.parametrize("kind", LABELME)
def test_a_shape_of_labelme_is_boxed_or_left_out_and_named(exported, tmp_path, kind):
    folder = tmp_path / "export"
    labelme(exported, folder)
    content = json.loads((folder / "a.json").read_text())
    points, box = LABELME[kind]
    content["shapes"].append({"label": "pen", "shape_type": kind, "points": points})
    (folder / "a.json").write_text(json.dumps(content))
    said = importing.lay_out(folder, tmp_path / "set")
    found = [row[1:] for row in rows(tmp_path / "set") if row[0] == "a"]
    assert found == [("mug", 10, 20, 50, 60), *([("pen", *box)] if box else [])]
    left = f"Left out, shapes that have no upright box: 1 (pen ({kind}) in a.json)."
    assert (left in said) == (box is None)


def test_labelme_need_not_say_the_size_nor_the_kind_of_a_polygon(exported, tmp_path):
    folder = tmp_path / "export"
    labelme(exported, folder)
    for file in folder.glob("*.json"):
        content = json.loads(file.read_text())
        del content["imageWidth"]
        for shape in content["shapes"]:
            (x0, y0), (x1, y1) = shape["points"]
            shape.pop("shape_type")
            shape["points"] = [[x0, y0], [x1, y0], [x1, y1]]
        file.write_text(json.dumps(content))
    said = importing.lay_out(folder, tmp_path / "set")
    assert "pictures 3, objects 4" in said and "Left out" not in said
    assert rows(tmp_path / "set")[0] == ("a", "mug", 10, 20, 50, 60)


CVAT = {
    "polygon": ('points="20.0,30.0;60.0,30.0;40.0,90.0"', (20, 30, 60, 90)),
    "ellipse": ('cx="50" cy="60" rx="20" ry="10"', (30, 50, 70, 70)),
    "mask": ('rle="1" left="20" top="30" width="40" height="60"', (20, 30, 60, 90)),
    "polyline": ('points="20.0,30.0;60.0,30.0"', None),
    "points": ('points="20.0,30.0"', None),
    "cuboid": ('xtl1="20" ytl1="30"', None),
    "tag": ("", None),
    "box": ('xtl="20" ytl="30" xbr="60" ybr="90" rotation="30.00"', None),
}


@pytest.mark.parametrize("kind", CVAT)
def test_a_shape_of_cvat_is_boxed_or_left_out_and_named(exported, tmp_path, kind):
    folder = tmp_path / "export"
    cvat(exported, folder)
    attributes, box = CVAT[kind]
    text = (folder / "annotations.xml").read_text()
    start, image, rest = text.partition('name="a.jpg"')
    before, close, after = rest.partition(">")
    shape = f'<{kind} label="pen" {attributes}/>'
    text = start + image + before + close + shape + after
    (folder / "annotations.xml").write_text(text)
    said = importing.lay_out(folder, tmp_path / "set")
    found = sorted(row[1:] for row in rows(tmp_path / "set") if row[0] == "a")
    assert found == [("mug", 10, 20, 50, 60), *([("pen", *box)] if box else [])]
    called = "rotated box" if kind == "box" else kind
    left = f"Left out, shapes that have no upright box: 1 (pen ({called}) in a.jpg)."
    assert (left in said) == (box is None)


@pytest.mark.parametrize("kind", ["labelme", "cvat"])
def test_the_boxes_around_polygons_are_counted(exported, tmp_path, kind):
    folder = tmp_path / "export"
    if kind == "labelme":
        test_a_shape_of_labelme_is_boxed_or_left_out_and_named(exported, tmp_path, "polygon")
    else:
        test_a_shape_of_cvat_is_boxed_or_left_out_and_named(exported, tmp_path, "polygon")
    said = importing.lay_out(folder, tmp_path / "again")
    assert "Polygons of which the box around each was taken: 1." in said


def bad(**changes):
    return lambda one: one | changes


BAD = {  # what is wrong with one annotation, and what is said
    "no bbox": (lambda one: {k: v for k, v in one.items() if k != "bbox"}, "has no bbox of four"),
    "empty bbox": (bad(bbox=[]), "has no bbox of four numbers"),
    "five numbers": (bad(bbox=[1, 2, 3, 4, 5]), "has no bbox of four numbers"),
    "words": (bad(bbox=["a", 2, 3, 4]), "has no bbox of four numbers"),
    "nan": (bad(bbox=[float("nan"), 2, 3, 4]), "has no bbox of four numbers"),
    "negative": (bad(bbox=[50, 50, -20, 4]), "has a bbox with a negative width or height"),
    "category": (bad(category_id=55), "has a category_id that no category has"),
    "image": (bad(image_id=55), "has an image_id that no image has"),
    "crowd": (bad(iscrowd=1), "is a crowd (iscrowd), and not one object"),
}


@pytest.mark.parametrize("fault", BAD)
def test_one_bad_annotation_of_coco_costs_only_itself(exported, tmp_path, fault):
    folder = tmp_path / "export"
    coco(exported, folder)
    content = json.loads((folder / "instances.json").read_text())
    change, said = BAD[fault]
    first = content["annotations"][0]
    content["annotations"].append(change(first | {"id": 99}))
    (folder / "instances.json").write_text(json.dumps(content))
    report = importing.lay_out(folder, tmp_path / "set")
    assert "pictures 3, objects 4" in report
    (line,) = [line for line in report.splitlines() if line.startswith("Left out")]
    where = "image 55" if fault == "image" else "a.jpg"
    assert said in line and line.endswith(f": 1 (id 99 of {where}).")
    assert len(rows(tmp_path / "set")) == 4


@pytest.mark.parametrize("fault", BAD)
def test_a_file_of_coco_with_only_bad_annotations_is_refused(exported, tmp_path, fault):
    folder = tmp_path / "export"
    coco(exported, folder)
    content = json.loads((folder / "instances.json").read_text())
    change, said = BAD[fault]
    content["annotations"] = [change(one) for one in content["annotations"]]
    (folder / "instances.json").write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=r"none of its 4 annotations can be used; id \d of"
    ) as info:
        importing.lay_out(folder, tmp_path / "set")
    assert f"id 0 of {'image 55' if fault == 'image' else 'a.jpg'} {said}" in str(info.value)
    assert not (tmp_path / "set").exists()


def test_a_captions_file_beside_that_of_the_boxes_is_named(exported, tmp_path):
    folder = tmp_path / "export"
    coco(exported, folder)
    content = json.loads((folder / "instances.json").read_text())
    del content["categories"]
    (folder / "captions.json").write_text(json.dumps(content))
    said = importing.lay_out(folder, tmp_path / "set")
    assert "cannot be read: 1 (captions.json: 'categories' is missing)." in said
    assert len(rows(tmp_path / "set")) == 4


@pytest.mark.parametrize("size", [{}, {"width": 0, "height": 0}, {"width": None, "height": 120}])
def test_images_of_coco_without_a_size_have_that_of_their_pictures(exported, tmp_path, size):
    folder = tmp_path / "export"
    coco(exported, folder)
    content = json.loads((folder / "instances.json").read_text())
    for image in content["images"]:
        del image["width"], image["height"]
        image |= size
    (folder / "instances.json").write_text(json.dumps(content))
    assert "pictures 3, objects 4" in importing.lay_out(folder, tmp_path / "set")
    text = (tmp_path / "set" / "Annotations" / "a.xml").read_text()
    assert "<width>160</width>" in text and "<height>120</height>" in text


def test_what_is_no_number_is_no_side_of_a_box(exported, tmp_path):
    folder = tmp_path / "export"
    cvat(exported, folder)
    file = folder / "annotations.xml"
    draw(folder / "images" / "d.jpg")
    image = '<image name="d.jpg" width="160" height="120">'
    box = '<box label="mug" xtl="nan" ytl="30" xbr="60" ybr="90"/>'
    text = file.read_text().replace("</annotations>", f"{image}{box}</image></annotations>")
    file.write_text(text)
    said = importing.lay_out(folder, tmp_path / "set")
    assert "Left out, boxes without an area: 1 (mug in d.jpg)." in said
