"""Reading figures: files of the real layouts, made here, and what is wrong with them."""

import json

from coursekit import claims, settings
from joints import reading
from minivoc import figures

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from coco import JOINTS as COCO_JOINTS

PERSON = {
    "supercategory": "person",
    "id": 1,
    "name": "person",
    "keypoints": COCO_JOINTS,
    "skeleton": [[16, 14], [14, 12], [17, 15]],
}


def picture(image_id: int) -> dict:
    """Return an entry as COCO writes it."""
    return {
        "license": 4,
        "file_name": f"{image_id:012d}.jpg",
        "coco_url": "",
        "height": 200,
        "width": 160,
        "date_captured": "2013-11-14 17:02:52",
        "id": image_id,
    }


def person(image_id: int, number: int, **more) -> dict:
    """Return an annotation as COCO writes it, of a person who is large and has two joints."""
    keypoints = [0] * 3 * len(COCO_JOINTS)
    keypoints[:6] = [70, 30, 2, 75, 25, 1]
    return {
        "segmentation": [[20.5, 10.0, 120.0, 10.0, 120.0, 190.0]],
        "num_keypoints": 2,
        "area": 9000.5,
        "iscrowd": 0,
        "keypoints": keypoints,
        "image_id": image_id,
        "bbox": [20.5, 10.0, 100.0, 180.0],
        "category_id": 1,
        "id": number,
    } | more


def write_coco(directory, split: str, images: list, annotations: list, **more):
    content = {"info": {}, "licenses": [], "images": images, "annotations": annotations}
    content |= {"categories": [PERSON]} | more
    file = directory / "annotations" / f"person_keypoints_{split}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return file


@pytest.fixture
def coco(tmp_path):
    """A directory as COCO 2017 lays it out: no keypoints for testing."""
    ids = [9 * i + 139 for i in range(10)]
    write_coco(tmp_path, "train2017", [*map(picture, ids)], [person(k, k + 1) for k in ids])
    (tmp_path / "train2017").mkdir()
    ids = [7, 8, 9, 10, 11, 12]
    people = [
        person(7, 1),
        *(person(8, 2), person(8, 3)),  # two
        person(9, 4, iscrowd=1, keypoints=[0] * 51, num_keypoints=0),
        person(10, 5, keypoints=[0] * 51, num_keypoints=0),  # nobody marked the joints
        person(11, 6, bbox=[20.0, 10.0, 30.0, 70.0]),  # small
    ]  # picture 12 shows nobody
    write_coco(tmp_path, "val2017", [*map(picture, ids)], people)
    return tmp_path


def test_coco_as_it_is_handed_out(coco):
    table, joints, names, bones = reading.load(coco)
    assert names == tuple(COCO_JOINTS) and bones == ((15, 13), (13, 11), (16, 14))
    assert table["split"].value_counts().to_dict() == {"train": 8, "val": 2, "test": 1}
    (row,) = table[table["split"] == "test"].index
    assert table.loc[row, "image_id"] == "7"
    assert table.loc[row, ["xmin", "ymin", "xmax", "ymax"]].tolist() == [20.5, 10, 120.5, 190]
    assert table.loc[row, ["width", "height", "area", "name", "label"]].tolist() == [
        *(160, 200, 9000.5, "person", 0),
    ]
    assert joints[row, :3].tolist() == [[70, 30, 2], [75, 25, 1], [0, 0, 0]]
    assert joints.shape == (11, 17, 3)
    # the pictures lie beside the annotations, or in images/
    assert table.loc[0, "filename"] == str(coco / "train2017" / "000000000139.jpg")
    assert table.loc[row, "filename"] == str(coco / "images" / "val2017" / "000000000007.jpg")


def test_only_the_first_of_each_split_are_taken(coco):
    table, joints, *_ = reading.load(coco, most=1)
    assert table["split"].tolist() == ["val", "train", "test"] and len(joints) == 3


def test_pictures_of_one_kind_are_divided(tmp_path):
    ids = range(1, 11)
    write_coco(tmp_path, "val2017", [*map(picture, ids)], [person(k, k) for k in ids])
    table, *_ = reading.load(tmp_path)
    assert table["split"].tolist() == ["train", "train", "train", "val", "test"] * 2


SPOILED = {
    "no JSON": (lambda file: file.write_text('{"images": ['), r"train2017\.json is not JSON"),
    "another file": (
        lambda file: file.write_text('{"images": [], "annotations": []}'),
        "has no list categories",
    ),
    "a list": (lambda file: file.write_text("[]"), "has no list images"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_damaged_file_is_named(coco, name):
    spoil, message = SPOILED[name]
    spoil(coco / "annotations" / "person_keypoints_train2017.json")
    with pytest.raises(ValueError, match=message):
        reading.load(coco)


WRONG = {
    "too few numbers": (person(7, 3, keypoints=[1, 2, 2]), "keypoints has 3 numbers, not 3 for"),
    "no picture": (person(99, 3), "image_id 99 belongs to no picture"),
    "another category": (person(7, 3, category_id=5), r"annotation 3: KeyError\(5\)"),
    "no box": (person(7, 3, bbox=None), "annotation 3: TypeError"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_annotation_is_named(tmp_path, name):
    annotation, message = WRONG[name]
    write_coco(tmp_path, "val2017", [picture(7)], [annotation])
    with pytest.raises(ValueError, match=message):
        reading.load(tmp_path)


def test_categories_must_agree_about_the_joints(tmp_path):
    other = PERSON | {"id": 2, "keypoints": ["nose"]}
    write_coco(tmp_path, "val2017", [picture(7)], [person(7, 1)], categories=[PERSON, other])
    with pytest.raises(ValueError, match="have 2 lists of keypoints"):
        reading.load(tmp_path)
    write_coco(tmp_path, "val2017", [picture(7)], [person(7, 1)])
    write_coco(tmp_path, "train2017", [picture(7)], [], categories=[other])
    with pytest.raises(ValueError, match="joints are not those of"):
        reading.load(tmp_path)


def test_a_directory_without_a_usable_figure_is_refused(tmp_path):
    write_coco(tmp_path, "val2017", [picture(7)], [])
    with pytest.raises(ValueError, match="no file holds a picture with one figure"):
        reading.load(tmp_path)
    small = person(7, 1, bbox=[0, 0, 30, 30])
    write_coco(tmp_path, "val2017", [picture(7)], [small])
    with pytest.raises(ValueError, match="shows a single large figure"):
        reading.load(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="COURSEKIT_FIGURES names a directory"):
        reading.load(tmp_path / "empty")


@pytest.fixture
def leeds(tmp_path):
    """Leeds Sports Pose: joints.mat with 3 x 14 x 2000 numbers, here of 1,003 pictures."""
    rng = np.random.default_rng(0)
    parts = [rng.uniform(0, 90, (14, 1003)), rng.uniform(0, 110, (14, 1003))]
    values = np.stack([*parts, rng.integers(0, 2, (14, 1003))])
    values[:, 0, 0] = [12.25, 34.5, 0]  # the right ankle, seen
    values[:, 13, 0] = [56, 78, 1]  # the top of the head, hidden
    values[:, 5, 0] = [-3, 20, 0]  # the left ankle, outside
    savemat(tmp_path / "joints.mat", {"joints": values})
    (tmp_path / "images").mkdir()
    for i in range(1003):
        file = tmp_path / "images" / f"im{i + 1:04d}.jpg"
        if i == 0:
            Image.new("RGB", (90, 110)).save(file)
        else:
            file.hardlink_to(tmp_path / "images" / "im0001.jpg")
    return tmp_path


def test_leeds_sports_pose_as_it_is_handed_out(leeds):
    table, joints, names, bones = reading.load(leeds)
    assert names == figures.JOINTS and len(bones) == 13
    assert table["split"].value_counts().to_dict() == {"train": 800, "val": 200, "test": 3}
    assert table.loc[0, ["image_id", "name", "width", "height"]].tolist() == [
        *("0001", "person", 90, 110)
    ]
    assert joints[0, 0].tolist() == [12.25, 34.5, 2]
    assert joints[0, 13].tolist() == [56, 78, 1]
    assert joints[0, 5].tolist() == [0, 0, 0]
    inside = joints[0][joints[0, :, 2] > 0]
    box = table.loc[0, ["xmin", "ymin", "xmax", "ymax"]].tolist()
    assert box == pytest.approx([*inside[:, :2].min(0), *inside[:, :2].max(0)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"MATLAB", "joints.mat is damaged"),
        ({"joints": np.zeros((14, 3, 10))}, r"shape \(14, 3, 10\).* Extended"),
        ({"other": np.zeros((3, 14, 1))}, "no array joints"),
    ],
)
def test_a_wrong_file_of_leeds_is_named(tmp_path, content, message):
    if isinstance(content, bytes):
        (tmp_path / "joints.mat").write_bytes(content)
    else:
        savemat(tmp_path / "joints.mat", content)
    with pytest.raises(ValueError, match=message):
        reading.load(tmp_path)


def test_where_the_figures_lie(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_FIGURES", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match=r"no directory .*none"):
        reading.locate()
    monkeypatch.setenv("COURSEKIT_FIGURES", str(tmp_path))
    assert reading.locate() == tmp_path
    monkeypatch.delenv("COURSEKIT_FIGURES")
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(figures, "draw", lambda directory: directory)
    assert reading.locate() == settings.home() / "figures"


def test_the_drawn_figures_are_read(tmp_path):
    directory = figures.draw(tmp_path / "figures", n=30, processes=1)
    table, joints, names, bones = reading.load(directory)
    assert names == figures.JOINTS and len(bones) == 13
    assert {*table["split"]} == {"train", "val", "test"}
    assert (joints[..., 2].max(axis=1) > 0).all()
    assert all(table["name"] == table["label"].map(dict(enumerate(figures.ACTIVITIES))))


def test_on_other_figures_a_claim_is_no_promise(monkeypatch, tmp_path):
    assert claims._promised()
    monkeypatch.setenv("COURSEKIT_FIGURES", str(tmp_path))
    assert not claims._promised()
