"""The drawn crowds: how many animals, how alike, and that the files say what is to be seen."""

from collections import Counter
from itertools import chain

from coursekit import voc
from minivoc import CLASSES, crowds

import numpy as np
import pytest

N = 60


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return crowds.draw(tmp_path_factory.mktemp("crowds") / "drawn", n=N, processes=1)


def test_a_picture_shows_as_many_animals_as_its_roster_says(drawn):
    objects = voc.load_annotations(drawn)
    animals = objects[objects["name"].isin(CLASSES)].groupby("image_id").size()
    pictures = [f"{i + 1:06d}" for i in range(N)]
    assert animals.reindex(pictures, fill_value=0).tolist() == crowds.roster(N, 2017)
    assert sorted({*objects["image_id"]}) == pictures  # those without an animal show something


def test_every_split_has_every_number_in_the_shares_that_are_promised():
    numbers = crowds.roster(1400, 2017)
    assert Counter(numbers) == {k: round(1400 * share) for k, share in crowds.NUMBERS.items()}
    parts = crowds.split(numbers, 2017, crowds.SPLITS)
    assert sorted(chain(*parts.values())) == list(range(1400))
    for name, share in crowds.SPLITS.items():
        inside = Counter(numbers[i] for i in parts[name])
        assert all(abs(inside[k] - share * numbers.count(k)) <= 1 for k in crowds.NUMBERS)


def test_about_half_of_the_others_are_of_the_first_ones_kind():
    rng = np.random.default_rng(0)
    rows = [crowds.wanted(5, rng) for _ in range(2000)]
    alike = np.mean([[name == row[0] for name in row[1:]] for row in rows])
    assert alike == pytest.approx(0.5 + 0.5 / len(CLASSES), abs=0.02)
    assert crowds.wanted(0, rng) == ("",) and len(crowds.wanted(1, rng)) == 1


def test_boxes_lie_in_the_picture_and_a_crowd_is_smaller_than_one_alone(drawn):
    objects = voc.load_annotations(drawn)
    assert (objects[["xmin", "ymin"]].min(axis=1) >= -0.5).all()  # VOC 2011 writes decimals
    assert (objects["xmax"] <= objects["width"] + 0.5).all()
    animals = objects[objects["name"].isin(CLASSES)]
    height = (animals["ymax"] - animals["ymin"]) / animals["height"]
    number = animals.groupby("image_id")["name"].transform("size")
    assert height[number == 1].mean() > 1.3 * height[number == 5].mean()


def test_a_seed_gives_the_same_pictures_in_any_number_of_processes(drawn, tmp_path):
    again = crowds.draw(tmp_path / "again", n=N, processes=2)
    for file in sorted(path for path in drawn.rglob("*") if path.is_file()):
        assert file.read_bytes() == (again / file.relative_to(drawn)).read_bytes(), file.name
