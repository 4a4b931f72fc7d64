"""The offline data set: its layout, its format, its boxes, and how hard it is."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from minivoc import CLASSES, SPLITS, dataset, drawing, sketching
from minivoc.pictures import VISIBLE, Found, render

import numpy as np
import pytest
from PIL import Image, ImageChops

from processes import python

N = 120
VOC_CLASSES = {
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
}  # fmt: skip
CORNERS = ("xmin", "ymin", "xmax", "ymax")


@pytest.fixture(scope="session")
def mini(tmp_path_factory):
    return dataset.draw(tmp_path_factory.mktemp("data") / "mini", n=N, processes=2)


@pytest.fixture(scope="session")
def sound(mini):
    """The annotations without the faults that are there on purpose."""
    wrong = dataset.faults(dataset.roster(N, 2007))
    paths = sorted((mini / "Annotations").glob("*.xml"))
    return {i: ElementTree.parse(p).getroot() for i, p in enumerate(paths) if i not in wrong}


def box_of(element):
    return np.array([float(element.findtext(f"bndbox/{corner}")) for corner in CORNERS])


def animals_in(root):
    return [o for o in root.findall("object") if o.findtext("name") in CLASSES]


def files_of(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def relative_boxes(mini, sound, split):
    """Boxes of single animals as shares of the picture's sides, one row each."""
    wanted = set((mini / f"ImageSets/Main/{split}.txt").read_text().split())
    rows = []
    for i, root in sound.items():
        found = animals_in(root)
        if f"{i + 1:06d}" in wanted and len(found) == 1:
            size = [float(root.findtext(f"size/{side}")) for side in ("width", "height")] * 2
            rows.append((box_of(found[0]) - (1, 1, 0, 0)) / size)
    return np.array(rows)


def test_layout(mini):
    names = [f"{i + 1:06d}" for i in range(N)]
    assert [p.stem for p in sorted((mini / "JPEGImages").glob("*.jpg"))] == names
    assert [p.stem for p in sorted((mini / "Annotations").glob("*.xml"))] == names
    stamp = json.loads((mini / "VERSION").read_text())
    assert stamp == {"version": dataset.VERSION, "seed": 2007, "n": N}
    lists = {p.stem: p.read_text().split() for p in (mini / "ImageSets/Main").glob("*.txt")}
    assert sorted(lists["train"] + lists["val"] + lists["test"]) == names
    assert lists["trainval"] == sorted(lists["train"] + lists["val"])


def test_full_size_has_the_balance_of_voc():
    kinds = dataset.roster(2100, 2007)
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    single = sum(counts[name] for name in CLASSES)
    assert (single, counts["several"], counts["none"]) == (1785, 168, 147)
    for name, weight in {"dog": 221, "cat": 177, "bird": 130, "cow": 40, "horse": 132}.items():
        assert abs(counts[name] / single - weight / 700) < 0.001


def test_splits_are_stratified():
    kinds = dataset.roster(2100, 2007)
    parts = dataset.split(kinds, 2007)
    for name, share in SPLITS.items():
        for kind in set(kinds):
            inside = sum(kinds[i] == kind for i in parts[name])
            assert abs(inside - share * kinds.count(kind)) <= 1


def test_pictures_show_what_the_roster_says(sound):
    for i, kind in enumerate(dataset.roster(N, 2007)):
        if i in sound:
            names = [o.findtext("name") for o in animals_in(sound[i])]
            assert {"none": len(names) == 0, "several": len(names) >= 2}.get(kind, names == [kind])


def test_annotations_are_true_to_the_pictures(mini, sound):
    for i, root in sound.items():
        with Image.open(mini / "JPEGImages" / root.findtext("filename")) as image:
            width, height = image.size
        assert root.findtext("filename") == f"{i + 1:06d}.jpg"
        assert [root.findtext(f"size/{s}") for s in ("width", "height", "depth")] == [
            str(width), str(height), "3",
        ]  # fmt: skip
        for thing in root.findall("object"):
            assert thing.findtext("name") in VOC_CLASSES
            assert thing.findtext("pose") in {"Left", "Right", "Frontal", "Unspecified"}
            assert thing.findtext("difficult") in "01" and thing.findtext("truncated") in "01"
            for holder in (thing, *thing.findall("part")):
                xmin, ymin, xmax, ymax = box_of(holder)
                assert 1 <= xmin < xmax <= width and 1 <= ymin < ymax <= height


def test_truncated_objects_touch_the_edge(sound):
    for root in sound.values():
        width, height = (float(root.findtext(f"size/{s}")) for s in ("width", "height"))
        for thing in animals_in(root):
            xmin, ymin, xmax, ymax = box_of(thing)
            touches = min(xmin - 1, ymin - 1, width - xmax, height - ymax) < 1
            assert touches or thing.findtext("truncated") == "0"


def test_voc_oddities_are_there(mini):
    files = [p.read_text() for p in sorted((mini / "Annotations").glob("*.xml"))]
    for oddity in ("<part>", "<occluded>", "<difficult>1", "<truncated>1"):
        assert any(oddity in text for text in files), oddity
    assert any("<occluded>" not in text for text in files)
    assert any(-1 < text.find("<xmax>") < text.find("<xmin>") for text in files)
    assert any("." in corner for text in files for corner in text.split("xmin>")[1::2])


def test_faults_spare_single_animals():
    kinds = dataset.roster(2100, 2007)
    wrong = dataset.faults(kinds)
    assert len(wrong) == 5
    assert {kinds[i] for i in wrong} == {"none", "several"}


@pytest.mark.parametrize("seed", range(20))
def test_what_is_listed_twice_is_equal_to_the_letter(seed):
    things = [Found("dog", (3, 5, 40, 50), "Left", False, 1.0, False, ())] * 2
    text = dataset.annotation("000001", (50, 60), things, np.random.default_rng(seed))
    first, second = ElementTree.fromstring(text).findall("object")
    # without the white space behind them, which leads to what comes next
    assert ElementTree.tostring(first).strip() == ElementTree.tostring(second).strip()


def silhouette_box(backdrop, sprites, index):
    """The box of the pixels that change when one object turns from black to white."""
    versions = []
    for level in (0, 255):
        image = sprites[index].image
        alpha = image.getchannel("A")
        flat = Image.merge("RGBA", [alpha.point(lambda _, v=level: v)] * 3 + [alpha])
        painted = [*sprites]
        painted[index] = sprites[index]._replace(image=flat)
        versions.append(render(backdrop, painted))
    change = ImageChops.difference(*versions).getchannel("R")
    return change.point(lambda v: 255 * (v >= 0.75 * VISIBLE)).getbbox()


def test_boxes_are_tight(sound):
    kinds = dataset.roster(N, 2007)
    checked = 0
    for i in range(36):
        if i not in sound:
            continue
        _, backdrop, sprites, _ = dataset.compose_one(i, kinds[i], 2007)
        seen = [
            silhouette_box(backdrop, sprites, k)
            for k, sprite in enumerate(sprites)
            if sprite.name in CLASSES
        ]
        for thing, box in zip(animals_in(sound[i]), seen, strict=True):
            corners = np.round(box_of(thing)) - (1, 1, 0, 0)
            np.testing.assert_allclose(corners, box, atol=1)  # exact to a pixel
            checked += 1
    assert checked >= 30


def test_a_picture_shows_one_of_the_given_scenes():
    def brightness(scene):
        drawn = [dataset.compose_one(i, "cow", 2007, [scene])[1].image for i in range(3)]
        return np.mean([np.asarray(image).mean() for image in drawn])

    assert brightness("night") < 100 < 200 < brightness("snow")


def test_same_bytes_for_any_number_of_processes(tmp_path):
    one = dataset.draw(tmp_path / "one", n=14, seed=3, processes=1)
    two = dataset.draw(tmp_path / "two", n=14, seed=3, processes=2)
    assert files_of(one) == files_of(two)
    other = dataset.draw(tmp_path / "other", n=2, seed=4, processes=1)
    name = "JPEGImages/000001.jpg"
    assert (other / name).read_bytes() != (one / name).read_bytes()


def test_drawn_once_and_again_for_another_version(tmp_path, monkeypatch):
    directory = dataset.draw(tmp_path / "mini", n=3, processes=1)
    monkeypatch.setattr(dataset, "for_each", lambda *_, **__: pytest.fail("drawn again"))
    assert dataset.draw(directory, n=3) == directory
    monkeypatch.undo()
    (directory / "stray.txt").write_text("from an older version")
    monkeypatch.setattr(dataset, "VERSION", dataset.VERSION + 1)
    dataset.draw(directory, n=3, processes=1)
    assert json.loads((directory / "VERSION").read_text())["version"] == dataset.VERSION
    assert not (directory / "stray.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["mini"]


@pytest.mark.parametrize("version", [None, "1.0\n", '{"version": 1}', "[1]", b"\xff"])
def test_what_was_not_drawn_is_never_deleted(tmp_path, monkeypatch, version):
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "thesis.txt").write_text("three years")
    if version is not None:
        content = version if isinstance(version, bytes) else version.encode()
        (tmp_path / "mini" / "VERSION").write_bytes(content)
    before = files_of(tmp_path)
    monkeypatch.setattr(dataset, "for_each", lambda *_, **__: pytest.fail("drawn before it looked"))
    with pytest.raises(FileExistsError, match=r"mini exists.* Move it away"):
        dataset.draw(tmp_path / "mini", n=3)
    assert files_of(tmp_path) == before


def test_what_comes_while_it_is_being_drawn_is_not_deleted_either(tmp_path, monkeypatch):
    def intrude(*_, **__):
        (tmp_path / "mini").mkdir()
        (tmp_path / "mini" / "thesis.txt").write_text("three years")

    monkeypatch.setattr(dataset, "for_each", intrude)
    with pytest.raises(FileExistsError):
        dataset.draw(tmp_path / "mini", n=3)
    assert files_of(tmp_path) == {Path("mini/thesis.txt"): b"three years"}


def test_interruption_leaves_nothing(tmp_path, monkeypatch):
    draw_one = dataset.draw_one

    def interrupted(index, *args, **kwargs):
        if index == 2:
            raise KeyboardInterrupt
        draw_one(index, *args, **kwargs)

    monkeypatch.setattr(dataset, "draw_one", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dataset.draw(tmp_path / "mini", n=5, processes=1)
    assert list(tmp_path.iterdir()) == []


def test_without_worker_processes_it_draws_alone(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError("no processes here")

    monkeypatch.setattr(drawing, "ProcessPoolExecutor", refused)
    assert (dataset.draw(tmp_path / "mini", n=2, processes=2) / "VERSION").exists()


def test_a_constant_box_is_not_enough(mini, sound):
    mean = relative_boxes(mini, sound, "train").mean(axis=0)
    test = relative_boxes(mini, sound, "test")
    sides = np.minimum(mean[2:], test[:, 2:]) - np.maximum(mean[:2], test[:, :2])
    common = sides.clip(min=0).prod(axis=1)
    union = (mean[2:] - mean[:2]).prod() + (test[:, 2:] - test[:, :2]).prod(axis=1) - common
    assert len(test) > 20
    assert (common / union).mean() < 0.45


def test_the_names_come_without_the_drawing():
    code = "import minivoc, sys; print({'PIL', 'numpy', 'tqdm'} & {*sys.modules})"
    run = python("-c", code)
    assert run.stdout == "set()\n", run.stderr


@pytest.mark.parametrize("name", sketching.DRAWERS)
def test_every_kind_can_be_drawn(name):
    for seed in range(12):
        image = sketching.draw_object(name, np.random.default_rng(seed), 60)
        assert image.mode == "RGBA" and image.height == 60
        left, top, right, bottom = image.getchannel("A").getbbox()
        assert (top, bottom) == (0, 60) and left <= 1 and right >= image.width - 1


def test_unknown_kind_is_named():
    with pytest.raises(ValueError, match="unicorn"):
        sketching.draw_object("unicorn", np.random.default_rng(1), 60)
