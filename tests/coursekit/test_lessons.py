import json
import os
import subprocess
import sys

from coursekit import lessons, settings, voc

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path))
    return pd.DataFrame(
        {
            "image_id": ["000001", "000002", "000003"],
            "split": ["train", "test", "test"],
            "width": 500,
            "height": 375,
            "name": ["dog", "cat", "cat"],
            "xmin": 0.0, "ymin": 0.0, "xmax": 10.0, "ymax": 10.0,
            "pred_name": ["dog", "cat", "dog"],
            "confidence": [0.9, 0.8, 0.7],
            "pred_xmin": [0.0, 0.0, 0.0], "pred_ymin": 0.0,
            "pred_xmax": [10.0, 6.0, 10.0], "pred_ymax": 10.0,
        }
    )  # fmt: skip


def test_predictions_come_back_as_they_were_saved(table):
    path = lessons.save_predictions("mean_box", table)
    assert path == settings.artifacts() / "predictions" / "mean_box.csv"
    pd.testing.assert_frame_equal(lessons.load_predictions("mean_box", "01_x"), table)


def test_saving_records_the_results_of_each_split(table):
    lessons.save_predictions("mean_box", table)
    results = lessons.load_results()["models"]["mean_box"]
    names = ("n", "accuracy", "mean_iou", "accuracy_at_iou_50")
    assert [results["train"][name] for name in names] == [1, 1, 1, 1]
    assert [results["test"][name] for name in names] == [2, 0.5, pytest.approx(0.8), 0.5]
    assert results["train"]["accuracy_interval"] == [1, 1]
    assert results["test"]["mean_iou_interval"] == pytest.approx([0.6, 1])


def test_logits_are_kept_and_other_columns_dropped(table):
    lessons.save_predictions("m", table.assign(logit_dog=1.5, logit_cat=-2.0, note="x"))
    back = lessons.load_predictions("m", "01_x")
    assert back.columns.tolist() == [*table.columns, "logit_dog", "logit_cat"]
    with pytest.raises(ValueError, match="empty cells in logit_dog"):
        lessons.save_predictions("m", table.assign(logit_dog=np.nan))


def test_detections_come_back_in_any_number(table):
    detections = pd.concat([table, table])[lessons.DETECTION_COLUMNS]
    path = lessons.save_detections("m", detections)
    assert path == settings.artifacts() / "detections" / "m.csv"
    back = lessons.load_detections("m", "04_x")
    pd.testing.assert_frame_equal(back, detections.reset_index(drop=True))
    assert lessons.load_results()["models"] == {}  # scores of single objects would mean nothing


def test_missing_detections_name_the_notebook_to_run(table):
    with pytest.raises(
        FileNotFoundError, match=r"no detections/m\.csv yet\. Run notebooks/04_x\.ipynb"
    ):
        lessons.load_detections("m", "04_x")
    with pytest.raises(ValueError, match=r"no confidence\. Run the cells before this one"):
        lessons.save_detections("m", table.drop(columns="confidence"))


def test_missing_columns_and_numbers_are_named(table):
    with pytest.raises(ValueError, match="has no confidence, pred_ymax"):
        lessons.save_predictions("m", table.drop(columns=["pred_ymax", "confidence"]))
    with pytest.raises(ValueError, match="empty cells in pred_xmax"):
        lessons.save_predictions("m", table.assign(pred_xmax=[1.0, None, 1.0]))
    assert not settings.artifacts().joinpath("predictions").exists()


def test_an_inverted_prediction_is_not_saved(table):
    with pytest.raises(ValueError, match="not xmin <= xmax"):
        lessons.save_predictions("m", table.assign(pred_xmax=-1.0))
    assert not settings.artifacts().joinpath("predictions").exists()


def test_missing_predictions_name_the_notebook_to_run(table):
    with pytest.raises(FileNotFoundError, match=r"notebooks/03_keras\.ipynb first"):
        lessons.load_predictions("spatial", "03_keras")


def test_a_missing_file_of_another_kind_names_the_notebook_to_run(table):
    words = r"mini has no heads/x\.keras yet\. Run notebooks/03_keras\.ipynb first"
    with pytest.raises(FileNotFoundError, match=words):
        lessons.artifacts_file("heads/x.keras", "03_keras")
    path = lessons.artifacts_file("heads/x.keras")
    path.parent.mkdir()
    path.touch()
    assert lessons.artifacts_file("heads/x.keras", "03_keras") == path


def test_begin_says_that_the_text_is_not_about_other_data(table, capsys, monkeypatch):
    monkeypatch.setenv("COURSEKIT_DATASET", "/data/pets")
    lessons.begin("02_x")
    said = "Lesson 02_x, data set pets. The text describes mini: read your own numbers.\n"
    assert capsys.readouterr().out == said


def test_begin_notes_where_the_numbers_come_from(table, capsys):
    lessons.begin("02_x")
    assert capsys.readouterr().out == "Lesson 02_x, data set mini\n"
    provenance = lessons.load_results()["provenance"]["02_x"]
    assert provenance["dataset"] == "mini" and "numpy" in provenance["versions"]
    assert provenance["seed"] == 0 and provenance["weights"] == ["imagenet"]


def test_begin_names_weight_files_without_their_directories(table, monkeypatch):
    monkeypatch.setenv("COURSEKIT_BACKBONE", "mobilenet_v2")
    monkeypatch.setenv("COURSEKIT_WEIGHTS", os.pathsep.join(["/a/b/one.h5", "/c/two.pth"]))
    lessons.begin("02_x")
    assert lessons.load_results()["provenance"]["02_x"]["weights"] == ["one.h5", "two.pth"]


@pytest.fixture
def images(voc_set, table):
    """A table of images whose texts look like numbers, or like nothing."""
    voc_set.add("000010", ("NA", "45.70", 21, 110, 220), extra="<truncated>1</truncated>")
    voc_set.add("1e3", ("7", "0.3", 1, "33.333", 77), size=(333, 77))
    objects = voc.load_annotations(voc_set.directory)
    return voc.assign_split(voc.single_object(objects, ["7", "NA"]))


def test_the_table_of_images_comes_back_as_it_was_saved(images):
    path = lessons.save_images(images)
    assert path == settings.artifacts() / "images.csv"
    texts = images.astype({"split": str})  # not any objects
    pd.testing.assert_frame_equal(lessons.load_images(), texts, check_exact=True)


@pytest.fixture
def own(voc_set, table, monkeypatch):
    """A data set of one's own, whose table of images lesson 02 has saved."""
    for name, kind in (("a", "dog"), ("b", "cat"), ("c", "hen")):
        voc_set.add(name, (kind, 1, 1, 20, 30))
    monkeypatch.setenv("COURSEKIT_DATASET", str(voc_set.directory))
    monkeypatch.setenv("COURSEKIT_CLASSES", "dog,cat,hen")
    monkeypatch.setattr(lessons, "_lesson", None)
    lesson_02()
    return voc_set


def lesson_02():
    lessons.begin("02_voc_annotations")
    objects = voc.load_annotations(settings.dataset())
    lessons.save_images(voc.assign_split(voc.single_object(objects, settings.classes())))


def lesson_03(table):
    lessons.begin("03_x")
    lessons.load_images()
    lessons.save_predictions("m", table)


CHANGES = {
    "classes": lambda own, env: env("CLASSES", "dog,cat"),
    "zero-based": lambda own, env: env("ZERO_BASED", "1"),
    "sizes": lambda own, env: env("SIZES", "picture"),
    "polygons": lambda own, env: env("POLYGONS", "box"),
    "annotations or lists": lambda own, env: own.add("d", ("hen", 1, 1, 20, 30)),
    "lists": lambda own, env: own.list("train", "a"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_table_of_other_data_names_what_has_changed_and_the_notebook_to_run(
    own, monkeypatch, what
):
    assert len(lessons.load_images()) == 3
    CHANGES[what](own, lambda name, value: monkeypatch.setenv(f"COURSEKIT_{name}", value))
    words = (
        rf"images\.csv was made for the classes dog, cat, hen\. Changed since then: .*{what}.*\. "
        r"Run notebooks/02_voc_annotations\.ipynb first"
    )
    with pytest.raises(ValueError, match=words):
        lessons.load_images()
    if what != "lists":
        lesson_02()
        lessons.load_images()


def test_a_lesson_that_fails_before_it_saves_leaves_a_table_of_other_data(own, monkeypatch):
    monkeypatch.setenv("COURSEKIT_CLASSES", "dog,cat")
    lessons.begin("02_voc_annotations")  # and it stops
    with pytest.raises(ValueError, match="made for the classes dog, cat, hen"):
        lessons.load_images()


def test_predictions_for_other_data_are_refused_too(own, table, monkeypatch):
    lesson_03(table)
    lessons.load_predictions("m", "03_x")
    monkeypatch.setenv("COURSEKIT_CLASSES", "dog,cat")
    lesson_02()
    for load in (lessons.load_predictions, lessons.artifacts_file):
        name = "m" if load is lessons.load_predictions else "predictions/m.csv"
        with pytest.raises(ValueError, match=r"dog, cat, hen.*Run notebooks/03_x\.ipynb first"):
            load(name, "03_x")
    lesson_03(table)
    lessons.load_predictions("m", "03_x")


def test_what_needs_no_table_of_images_is_never_refused(own, table, monkeypatch):
    lessons.begin("01_x")
    lessons.save_predictions("rectangles", table)
    monkeypatch.setenv("COURSEKIT_CLASSES", "dog,cat")
    lessons.load_predictions("rectangles", "01_x")


def test_a_table_of_a_named_data_set_may_come_from_another_machine(images, monkeypatch, tmp_path):
    """Somebody runs all lessons, and hands out the folder."""
    lessons.begin("02_voc_annotations")
    lessons.save_images(images)
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "elsewhere"))
    assert len(lessons.load_images()) == len(images)


def test_the_boxes_in_the_file_are_xyxy_in_pixels(images):
    header, first, _ = lessons.save_images(images).read_text().splitlines()
    assert header.startswith("image_id,filename,width,height,name,xmin,ymin,xmax,ymax,difficult,")
    assert first.startswith("000010,000010.jpg,500,375,NA,44.7,20.0,110.0,220.0,False,True,1,")


def test_an_unfinished_table_of_images_is_not_saved(images):
    with pytest.raises(ValueError, match=r"table of images has no split\."):
        lessons.save_images(images.drop(columns="split"))
    with pytest.raises(ValueError, match=r"table of images has empty cells in xmax\."):
        lessons.save_images(images.assign(xmax=np.nan))
    assert not lessons.artifacts_file("images.csv").exists()


def test_a_table_of_images_from_an_earlier_version_names_the_notebook_to_run(images):
    earlier = images.rename(columns={"xmin": "x_min", "name": "class_name"})
    earlier.to_csv(lessons.artifacts_file("images.csv"), index=False)
    words = r"images\.csv lacks the columns name, xmin\. Run notebooks/02_voc_annotations\.ipynb"
    with pytest.raises(ValueError, match=words):
        lessons.load_images()


def test_texts_of_predictions_that_look_like_numbers_stay_texts(table):
    table = table.assign(image_id=["007", "NA", "1e3"], name=["1", "2", "NA"], pred_name="01")
    lessons.save_predictions("m", table)
    pd.testing.assert_frame_equal(lessons.load_predictions("m", "01_x"), table, check_exact=True)


def test_a_missing_table_of_images_names_the_notebook_to_run(table):
    with pytest.raises(FileNotFoundError, match=r"notebooks/02_voc_annotations\.ipynb first"):
        lessons.load_images()


def test_measurements_that_come_with_the_course():
    rows = lessons.measured("heads_mini")
    assert {"step", "seed", "accuracy", "mean_iou", "accuracy_at_iou_50"} <= set(rows)


def test_results_are_readable_text(table):
    lessons.save_predictions("m", table)
    assert json.loads(lessons.artifacts_file(lessons.RESULTS).read_text(encoding="utf-8"))[
        "models"
    ]["m"]


RECORD = """
import sys
from coursekit import lessons
from coursekit.claims import claim
name = sys.argv[1]
lessons.begin(name)
for number in range(20):
    claim(f"{name} {number}", number, at_least=0)
"""


def test_two_lessons_at_once_lose_no_claim_of_each_other(tmp_path):
    environment = os.environ | {"COURSEKIT_ARTIFACTS": str(tmp_path)}
    start = [sys.executable, "-c", RECORD]
    names = ("01_x", "02_y")
    processes = [subprocess.Popen([*start, name], env=environment) for name in names]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    claims = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["claims"]
    assert {name: len(claims[name]) for name in names} == dict.fromkeys(names, 20)


def test_a_place_in_which_nobody_may_write_is_named_at_the_beginning(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path / "file" / "mini"))
    with pytest.raises(OSError, match=r"Nothing can be written in .*file.* Set COURSEKIT_HOME"):
        lessons.begin("02_lesson")
