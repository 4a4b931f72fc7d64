"""The drawn figures: their skeletons, what the flags say, and COCO's format."""

import contextlib
import io
import json

from minivoc import bodies, figures
from minivoc.pictures import VISIBLE

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

N = 40


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return figures.draw(tmp_path_factory.mktemp("figures") / "drawn", n=N, processes=1)


def contents(directory, split: str) -> dict:
    file = directory / "annotations" / f"person_keypoints_{split}.json"
    return json.loads(file.read_text(encoding="utf-8"))


def bytes_of(directory) -> dict:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory): path.read_bytes() for path in files}


@pytest.mark.parametrize("activity", bodies.ACTIVITIES)
@pytest.mark.parametrize("turned", [-100, 0, 35, 180])
def test_bones_keep_their_length_in_every_pose(activity, turned):
    rng = np.random.default_rng(3)
    for _ in range(20):
        joints = bodies.skeleton(bodies.pose(rng, activity), turned)

        def length(one, other, joints=joints):
            return np.linalg.norm(joints[one] - joints[other])

        for side in bodies.SIDES:
            assert length(f"{side}_hip", f"{side}_knee") == pytest.approx(bodies.THIGH)
            assert length(f"{side}_knee", f"{side}_ankle") == pytest.approx(bodies.SHIN)
            assert length(f"{side}_shoulder", f"{side}_elbow") == pytest.approx(bodies.UPPER)
            assert length(f"{side}_elbow", f"{side}_wrist") == pytest.approx(bodies.FOREARM)
        assert length("neck", "head_top") == pytest.approx(bodies.HEAD)
        assert min(joints[f"{side}_ankle"][1] for side in bodies.SIDES) == pytest.approx(0.08)


def test_who_faces_you_has_the_right_hand_on_your_left():
    still = bodies.Pose(0, 0, *[(0, 0)] * 2, (0, 0), (0, 0), (20, 20), (0, 0))
    facing, turned = bodies.skeleton(still), bodies.skeleton(still, 180)
    for end in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert facing[f"right_{end}"][0] < facing[f"left_{end}"][0]
        assert turned[f"right_{end}"][0] > turned[f"left_{end}"][0]


def test_knees_bend_backward_and_elbows_forward():
    bent = bodies.Pose(0, 0, (0, 0), (0, 0), (60, 60), (0, 0), (0, 0), (60, 60))
    joints = bodies.skeleton(bent)  # the figure looks along z
    for side in bodies.SIDES:
        assert joints[f"{side}_ankle"][2] < joints[f"{side}_knee"][2] - 0.2
        assert joints[f"{side}_wrist"][2] > joints[f"{side}_elbow"][2] + 0.1


def test_cocos_own_reader_reads_the_files(drawn):
    for split, share in figures.SPLITS.items():
        file = drawn / "annotations" / f"person_keypoints_{split}.json"
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(str(file))
        assert len(coco.getImgIds()) == len([*(drawn / split).glob("*.jpg")]) == share * N
        assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == [*bodies.ACTIVITIES]
        assert coco.loadAnns(coco.getAnnIds(iscrowd=False))


def test_boxes_and_joints_lie_in_their_picture(drawn):
    seen = 0
    for split in figures.SPLITS:
        content = contents(drawn, split)
        images = {one["id"]: one for one in content["images"]}
        for one in content["annotations"]:
            image = images[one["image_id"]]
            with Image.open(drawn / split / image["file_name"]) as picture:
                assert picture.size == (image["width"], image["height"])
            x, y, width, height = one["bbox"]
            assert x >= 0 and y >= 0 and one["area"] <= width * height
            assert x + width <= image["width"] and y + height <= image["height"]
            points = np.reshape(one["keypoints"], (-1, 3))
            assert len(points) == len(bodies.JOINTS)
            known = points[points[:, 2] > 0]
            assert one["num_keypoints"] == len(known)
            assert (points[points[:, 2] == 0] == 0).all()
            assert (known[:, :2] >= 0).all()
            assert (known[:, :2] <= (image["width"], image["height"])).all()
            # what is seen of the figure is in its box, and so are the joints that are seen
            sure = points[points[:, 2] == 2]
            assert (sure[:, :2] >= np.array([x, y]) - 4).all()
            assert (sure[:, :2] <= np.array([x + width, y + height]) + 4).all()
            seen += len(sure)
    assert seen > 6 * N


def test_each_flag_occurs_and_most_joints_are_seen(drawn):
    flags = [
        flag
        for split in figures.SPLITS
        for one in contents(drawn, split)["annotations"]
        for flag in one["keypoints"][2::3]
    ]
    shares = np.bincount(flags, minlength=3) / len(flags)
    assert 0.01 < shares[0] < 0.15 and 0.05 < shares[1] < 0.35 and shares[2] > 0.6


def test_a_joint_behind_something_is_hidden_and_one_outside_is_unknown():
    rng = np.random.default_rng(1)
    thing = figures.figure(rng, "standing", (300, 300))
    x, y = thing.joints["neck"]
    assert figures.flag(thing, "neck", [], (300, 300)) in (figures.HERE, figures.SEEN)
    cover = Image.new("RGBA", (9, 9), (0, 0, 0, 255))
    front = [figures.Sprite("box", cover, (int(x) - 4, int(y) - 4))]
    assert figures.flag(thing, "neck", front, (300, 300)) == figures.HERE
    clear = [figures.Sprite("box", Image.new("RGBA", (9, 9)), (int(x) - 4, int(y) - 4))]
    flags = [figures.flag(thing, "neck", some, (300, 300)) for some in ([], clear)]
    assert flags[0] == flags[1]
    assert figures.flag(thing, "neck", [], (int(x), 300)) == figures.NOWHERE


def test_of_two_crossed_arms_the_near_one_is_seen():
    # the right arm reaches across the body, in front of the left elbow
    rng, found = np.random.default_rng(0), set()
    for _ in range(60):
        thing = figures.figure(rng, "running", (300, 300))
        sides = {
            side: figures.flag(thing, f"{side}_elbow", [], (300, 300)) for side in bodies.SIDES
        }
        found.add(tuple(sides.values()))
    # in profile one arm is behind the trunk, and from the front both are seen
    assert {(2, 2), (1, 2), (2, 1)} <= found


def test_a_hidden_figure_is_not_annotated():
    rng = np.random.default_rng(1)
    thing = figures.figure(rng, "standing", (300, 300))
    wall = figures.Sprite("box", Image.new("RGBA", (300, 300), (0, 0, 0, VISIBLE * 4 - 1)), (0, 0))
    assert figures.annotation(thing, [wall], (300, 300)) is None


def test_the_drawing_depends_on_the_seed_only(drawn, tmp_path):
    two = figures.draw(tmp_path / "two", n=N, processes=2)
    assert bytes_of(two) == bytes_of(drawn)
    other = figures.draw(tmp_path / "other", n=4, seed=1, processes=1)
    name = "train/000000000001.jpg"
    assert (other / name).read_bytes() != (drawn / name).read_bytes()


def test_activities_are_balanced_and_some_pictures_show_nobody_or_two():
    tasks = figures.roster(1000, 0)
    numbers = np.bincount([len(one) for one in tasks])
    assert numbers.tolist() == [40, 900, 60]
    counts = [sum(one.count(name) for one in tasks) for name in bodies.ACTIVITIES]
    assert max(counts) - min(counts) <= 1
