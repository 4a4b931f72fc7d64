import json

from coursekit import lessons, settings

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
    assert results["train"] == {"n": 1, "accuracy": 1, "mean_iou": 1, "accuracy_at_iou_50": 1}
    assert results["test"] == {"n": 2, "accuracy": 0.5, "mean_iou": 0.8, "accuracy_at_iou_50": 0.5}


def test_missing_columns_and_numbers_are_named(table):
    with pytest.raises(ValueError, match="lack the columns confidence, pred_ymax"):
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


def test_begin_notes_where_the_numbers_come_from(table, capsys):
    lessons.begin("02_x")
    assert capsys.readouterr().out == "Lesson 02_x, data set mini\n"
    provenance = lessons.load_results()["provenance"]["02_x"]
    assert provenance["dataset"] == "mini" and "numpy" in provenance["versions"]


def test_a_missing_table_of_images_names_the_notebook_to_run(table):
    with pytest.raises(FileNotFoundError, match=r"notebooks/02_voc_annotations\.ipynb first"):
        lessons.load_images()


def test_measurements_that_come_with_the_course():
    rows = lessons.measured("heads_mini")
    assert {"step", "seed", "accuracy", "mean_iou", "accuracy_at_iou_50"} <= set(rows)


def test_results_are_readable_text(table):
    lessons.save_predictions("m", table)
    assert json.loads(lessons.results_file().read_text(encoding="utf-8"))["models"]["m"]
