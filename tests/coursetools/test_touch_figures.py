"""The data under the threshold slider: made from the predictions, and still those of the book."""

import json
import re

from coursekit import boxes, metrics, settings
from coursetools.publish import touch_figures, touch_pose
from exercises import lesson_code

import numpy as np
import pandas as pd
import pytest
from PIL import Image

BOOK = settings.CHECKOUT / "book"
AGAIN = "Run `python -m coursetools.publish.touch_figures`, and commit what it writes."


@pytest.fixture(scope="module")
def committed() -> str:
    return (BOOK / "touch" / "threshold.html").read_text(encoding="utf-8")


def attribute(text: str, name: str) -> str:
    return re.search(rf'data-{name}="([^"]*)"', text)[1]


def test_the_committed_figure_agrees_with_the_results(committed):
    file = (BOOK / "results.json").read_text(encoding="utf-8")
    scores = json.loads(file)["models"][touch_figures.MODEL]["test"]
    hits = list(map(int, attribute(committed, "hits").split()))
    assert int(attribute(committed, "n")) == scores["n"], AGAIN
    assert hits[50] / scores["n"] == pytest.approx(scores["accuracy_at_iou_50"]), AGAIN
    assert float(attribute(committed, "mean-iou")) == pytest.approx(scores["mean_iou"]), AGAIN
    assert len(hits) == 96 and hits == sorted(hits, reverse=True)
    assert f">{scores['accuracy_at_iou_50']:.3f}<" in committed


def test_the_pictures_are_there_and_small(committed):
    named = set(re.findall(r"threshold/(\d+\.jpg)", committed))
    files = sorted((BOOK / "_static" / "threshold").iterdir())
    assert {file.name for file in files} == named and 12 <= len(named) <= 20
    assert sum(file.stat().st_size for file in files) < 150_000
    assert {Image.open(file).size for file in files} == {(160, 120)}


def test_the_first_picture_of_the_boxes_shows_their_iou():
    text = (BOOK / "touch" / "iou.html").read_text(encoding="utf-8")
    cells = np.array(re.findall(r"<td>(\d+)</td><td>(\d+)</td>", text), dtype=float)
    truth, prediction = cells.T
    both = np.prod(np.minimum(truth, prediction)[2:] - np.maximum(truth, prediction)[:2])
    either = boxes.area(truth) + boxes.area(prediction) - both
    for name, shown in (("iou", f"{both / either:.3f}"), ("union", f"{either:,.0f}")):
        assert f'data-show="{name}">{shown}<' in text
    assert f'data-show="intersection">{both:,.0f}<' in text
    assert both / either == pytest.approx(boxes.iou(truth, prediction))
    for xmin, ymin, xmax, ymax in (truth, prediction):
        size = f'width="{xmax - xmin:g}" height="{ymax - ymin:g}"'
        assert f'<rect x="{xmin:g}" y="{ymin:g}" {size}/>' in text


def a_table(n=60) -> pd.DataFrame:
    """Return invented predictions of every kind."""
    rng = np.random.default_rng(0)
    truth = np.array([100.0, 100.0, 300.0, 300.0])
    table = pd.DataFrame([truth] * n, columns=boxes.SIDES)
    table[metrics.PREDICTED] = truth + rng.uniform(0, 190, (n, 1)) * [1, 0, 1, 0]
    names = {"name": "cat", "pred_name": np.where(np.arange(n) % 7, "cat", "dog")}
    ids = [f"{i:06}" for i in range(n)]
    return table.assign(image_id=ids, split="test", width=500, height=375, **names)


def test_the_figure_counts_what_the_metrics_count(monkeypatch):
    table = a_table()
    train = table.assign(split="train")
    both = pd.concat([train, table])
    monkeypatch.setattr(touch_figures.lessons, "load_predictions", lambda *_: both)
    found = touch_figures.predictions()
    page = touch_figures.page(found)
    hits = np.array(attribute(page, "hits").split(), dtype=int)
    shares = metrics.accuracy_at(table, touch_figures.THRESHOLDS)
    np.testing.assert_allclose(hits / len(table), shares)
    for last, iou, named in zip(found["last"], found["iou"], metrics.named(found), strict=True):
        assert (last == -1) == (not named)
        assert not named or last / 100 < iou <= (last + 1) / 100 or last == 95
    chosen = touch_figures.choose(found)
    assert chosen["iou"].is_monotonic_increasing and chosen["image_id"].is_unique
    assert (~metrics.named(chosen)).sum() == len(touch_figures.MISNAMED)
    assert page.count("✓ right") == (chosen["last"] >= 50).sum()
    assert page.count("named dog") == len(touch_figures.MISNAMED)


def test_the_committed_pose_is_that_of_todays_drawings():
    text = touch_pose.FILE.read_text(encoding="utf-8")
    assert text == touch_pose.page(), "Run `python -m coursetools.publish.touch_pose`."
    points = touch_pose.predicted(touch_pose.figure()[1].round(1))
    assert f'data-x="{touch_pose.figure()[1][0, 0]:.1f}"' in text
    assert f'cx="{points[0, 0]:.1f}" cy="{points[0, 1]:.1f}"' in text


def test_the_sigmas_of_the_pose_are_those_of_lesson_07():
    names: dict = {"JOINTS": touch_pose.JOINTS, "np": np}
    exec(lesson_code.needed(lesson_code.read("07_boxes_to_joints"), ["SIGMAS"]), names)
    ours = [touch_pose.sigma(joint) for joint in touch_pose.JOINTS]
    assert names["SIGMAS"].tolist() == ours
