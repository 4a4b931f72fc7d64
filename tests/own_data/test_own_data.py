"""Small data sets of people's own go through the lessons, each with its oddity.

Lesson 02 runs on every set. All lessons run on the last, which has most oddities at once, and with
``COURSEKIT_OWN_DATA=all`` on every one: that takes an hour.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from coursekit import lessons, settings, voc
from coursekit.pictures import read_picture
from coursetools import cli, looking, runner
from exercises import lesson_code

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest

import own_sets

EVERYWHERE = os.environ.get("COURSEKIT_OWN_DATA") == "all"
DATA_LESSONS = ("02", "03", "04", "05", "06", "08")  # 01 and 07 draw their own
# what lesson 05 reads of lesson 01
OF_LESSON_01 = ("mean_box", "plain_sigmoid", "schedule", "larger_network", "axis")
# What these lessons train is of no use here: of so few pictures nothing can be learned.
QUICKER = {
    "03": {"rate=0.01, steps=250)": "rate=0.01, steps=10)"},
    "04": {"seed=SEED, epochs=25)": "seed=SEED, epochs=3)"},
    "06": {"EPOCHS = 40": "EPOCHS = 2"},
    "08": {"EPOCHS = 20": "EPOCHS = 2", "steps=500)": "steps=5)"},
}
CHOSEN = own_sets.SETS if EVERYWHERE else own_sets.SETS[-1:]


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Return a function that writes a set, and sets what `coursekit run` would; and the flags."""
    for name in ("DATASET", "CLASSES", "ARTIFACTS", "ZERO_BASED"):
        monkeypatch.setenv(f"COURSEKIT_{name}", "")  # so that what run sets is undone
        monkeypatch.delenv(f"COURSEKIT_{name}")

    def given(make) -> list[str]:
        made = make(np.random.default_rng(1))
        own_sets.write(made, tmp_path / "photos")
        classes = ",".join(made.classes)
        monkeypatch.setenv("COURSEKIT_DATASET", str(tmp_path / "photos"))
        monkeypatch.setenv("COURSEKIT_CLASSES", classes)
        monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path / "out"))
        monkeypatch.setenv("COURSEKIT_ZERO_BASED", str(int(made.zero_based)))
        flags = ["--dataset", str(tmp_path / "photos"), "--classes", classes]
        return flags + ["--zero-based"] * made.zero_based

    return given


def save_lesson_01() -> None:
    """Write what a run of lesson 01 leaves, with predictions of a few rectangles."""
    (settings.artifacts() / "notebooks").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for model in OF_LESSON_01:
        low, high = rng.uniform(0, 50, (60, 2)), rng.uniform(70, 200, (60, 2))
        corners = np.concatenate([low, high], axis=1)
        table = pd.DataFrame(corners, columns=lessons.SIDES)
        table[lessons.metrics.PREDICTED] = corners + rng.uniform(-9, 9, corners.shape)
        table = table.assign(image_id=[f"{i:03d}" for i in range(60)], split="test", width=224)
        table = table.assign(height=224, name="rectangle", pred_name="rectangle", confidence=1.0)
        lessons.save_predictions(f"rectangles_{model}", table)
    with lessons.changing_results() as results:
        results["provenance"]["01_synthetic_rectangles"] = {}


def find_quick(only: Sequence[str], find=runner.find_notebooks) -> list[Path]:
    """Return the notebooks, or copies of them that train for fewer steps."""
    return [quick_copy(path) if path.name[:2] in QUICKER else path for path in find(only)]


def quick_copy(path: Path) -> Path:
    text = path.read_text(encoding="utf-8")
    for steps, fewer in QUICKER[path.name[:2]].items():
        assert text.count(steps) == 1
        text = text.replace(steps, fewer)
    copy = settings.artifacts() / path.name
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.parametrize("make", own_sets.SETS, ids=lambda make: make.__name__)
def test_lesson_02_makes_a_table_of_every_set(make, given, tmp_path):
    given(make)
    plt.switch_backend("agg")
    space: dict = {}
    for cell in lesson_code.code_cells(lesson_code.read("02_voc_annotations")):
        exec(lesson_code.source(cell), space)
    plt.close("all")
    made = make(np.random.default_rng(1))
    images = lessons.load_images().set_index("image_id")
    wanted = {
        f"photo {i:02d}": things[0]
        for i, one in enumerate(made.scenes)
        if len(things := [t for t in one.things if t[0] in made.classes]) == 1
    }
    assert {*images.index} == {*wanted}
    for image_id, (name, *corners) in wanted.items():
        row = images.loc[image_id]
        assert [row["name"], *row[lessons.SIDES]] == [name, *corners]
    labels = images.groupby("name")["label"].unique().str[0].astype(int)
    assert sorted(labels) == [*range(len(labels))]
    assert {*images["split"]} == {"train", "val", "test"}


@pytest.mark.parametrize("make", own_sets.SETS, ids=lambda make: make.__name__)
def test_the_look_before_the_first_lesson_stops_none_of_them(make, given):
    given(make)
    assert [row for row in looking.look() if row.ok is False] == []


@pytest.mark.parametrize("make", CHOSEN, ids=lambda make: make.__name__)
def test_all_lessons_run_on_own_data(make, given, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner, "find_notebooks", find_quick)
    flags = given(make)
    save_lesson_01()
    only = [part for number in DATA_LESSONS for part in ("--only", number)]
    status = cli.main(["run", *flags, *only, "--out", str(tmp_path / "out")])
    said = capsys.readouterr()
    assert status == 0, said.err
    assert "claims hold on photos" in said.out
    if make is own_sets.SETS[-1]:
        assert lessons.load_images()["split"].eq("train").sum() % 32 == 1  # a batch of one
    results = lessons.load_results()
    assert {name[:2] for name in results["claims"]} == {*DATA_LESSONS}
    assert "torch_fine_tuned" in results["models"]
    assert_inert(tmp_path / "out")


def assert_inert(out: Path) -> None:
    """No name of a class has become HTML in an output, or another name in a table."""
    for path in (out / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", ()):
                shown = "".join(output.get("data", {}).get("text/html", ""))
                assert own_sets.HOSTILE[0] not in shown, path.name
    for path in (out / "predictions").glob("torch_*.csv"):
        table = lessons.load_predictions(path.stem, "04")
        assert {*table["name"], *table["pred_name"]} <= {*settings.classes()}


def test_a_box_lies_on_what_a_phone_has_stored_lying(given, tmp_path):
    """The share of the object's color in its box is as high in turned pictures as in others."""
    given(own_sets.photographs_of_a_phone)
    table = voc.single_object(voc.load_annotations(tmp_path / "photos"), ["mug"])
    shares = []
    for row in table.itertuples():
        picture = read_picture(tmp_path / "photos" / "JPEGImages" / row.filename, 160)
        scale = np.array([160 / row.width, 160 / row.height] * 2)
        x0, y0, x1, y1 = (scale * [row.xmin, row.ymin, row.xmax, row.ymax]).round().astype(int)
        colored = np.ptp(picture.astype(int), axis=2) > 90  # the ground is gray
        shares.append(colored[y0:y1, x0:x1].mean())
    assert len(shares) > 10 and min(shares) > 0.5
