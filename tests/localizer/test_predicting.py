"""From outputs to names and boxes in pixels, in the process for PyTorch."""

from unittest import mock

import numpy as np
import pytest

import small_localizer

# what the process does


def noise(*sizes: tuple[int, int]) -> list[np.ndarray]:
    """Return pictures of noise, each of its own (height, width) and color."""
    rng = np.random.default_rng(0)
    return [
        (rng.uniform(0, 1, (*size, 3)) * rng.uniform(0, 255, 3)).astype(np.uint8) for size in sizes
    ]


def tabulate(logits: list, cxcywh: list, sizes: list) -> list[dict]:
    """Return the rows of the table of some outputs."""
    from localizer.predicting import to_table

    import torch

    outputs = torch.tensor(logits, requires_grad=True), torch.tensor(cxcywh, requires_grad=True)
    table = to_table(*outputs, small_localizer.CLASSES, np.array(sizes))
    return table.to_dict("records")


def look_at_pictures() -> dict:
    """Return what is predicted for three pictures: together, in batches of two, and alone."""
    from coursekit.metrics import PREDICTED
    from localizer import predicting

    import torch

    pictures = noise((40, 60), (32, 32), (50, 20))
    localizer = small_localizer.trained().train()
    together = predicting.predict(localizer, small_localizer.CLASSES, pictures)
    with mock.patch.object(predicting, "BATCH", 2):
        batches = predicting.predict(localizer, small_localizer.CLASSES, pictures)
    alone = predicting.predict(localizer, small_localizer.CLASSES, pictures[1:2])
    images = torch.from_numpy(pictures[1] / np.float32(255)).permute(2, 0, 1)[None]
    logits, (cxcywh,) = localizer(images)  # already a square of the right size
    numbers = ["confidence", *PREDICTED]
    return {
        "columns": [*together],
        "sizes": together[["width", "height"]].to_numpy().tolist(),
        "batches": float((together[numbers] - batches[numbers]).abs().max().max()),
        "alone": float((together[numbers].iloc[1] - alone[numbers].iloc[0]).abs().max()),
        "confidence": float(logits.softmax(1).max()) - together["confidence"][1],
        "center": [
            float(32 * cxcywh[0]) - together.loc[1, ["pred_xmin", "pred_xmax"]].mean(),
            float(32 * cxcywh[1]) - together.loc[1, ["pred_ymin", "pred_ymax"]].mean(),
        ],
        "spread": float(together["confidence"].std()),
    }


def look_at_drawing() -> list[dict]:
    """Return what is drawn for a large picture and a small one."""
    from localizer import predicting

    import matplotlib.pyplot as plt
    import pandas as pd

    rows = [[4000, 3000, "dog", 0.934, 400, 300, 4000, 1500], [40, 60, "cat", 0.5, 4, 6, 40, 30]]
    columns = ["width", "height", "pred_name", "confidence"]
    columns += ["pred_xmin", "pred_ymin", "pred_xmax", "pred_ymax"]
    table = pd.DataFrame(rows, columns=columns)
    figure = predicting.draw(noise((3000, 4000), (60, 40)), table, columns=2)
    drawn = [
        {
            # at the left in the style of the course, which another test may have set
            "title": ax.get_title(loc="left") + ax.get_title(),
            "box": ax.patches[0].get_bbox().extents.tolist(),
            "solid": ax.patches[0].get_linestyle() in ("-", "solid"),
            "pixels": ax.images[0].get_array().shape,
        }
        for ax in figure.axes
    ]
    plt.close(figure)
    return drawn


# the tests


def test_the_name_is_that_of_the_largest_logit(in_torch):
    logits = [[0.0, float(np.log(3)), -50.0], [0.0, 0.0, 9.0]]
    first, second = in_torch(tabulate, logits, [[0.5] * 4] * 2, [[10, 20]] * 2)
    assert [first["pred_name"], second["pred_name"]] == ["dog", "heron"]
    assert first["confidence"] == pytest.approx(0.75) and second["confidence"] > 0.99


@pytest.mark.parametrize(
    "cxcywh, corners",
    [
        ([0.5, 0.5, 0.2, 0.4], [80, 30, 120, 70]),
        ([0.5, 0.5, 3.0, 3.0], [0, 0, 200, 100]),  # ends at the border
        ([0.5, 0.25, -0.2, 0.1], [100, 20, 100, 30]),  # a negative width counts as none
        ([1.5, 0.5, 0.2, 0.2], [200, 40, 200, 60]),
    ],
)
def test_boxes_are_corners_in_pixels_of_the_picture(in_torch, cxcywh, corners):
    (row,) = in_torch(tabulate, [[0.0, 1.0, 2.0]], [cxcywh], [[200, 100]])
    found = [row[f"pred_{side}"] for side in ("xmin", "ymin", "xmax", "ymax")]
    assert found == pytest.approx(corners, abs=1e-4)


def test_pictures_of_any_size_are_predicted_in_their_order(in_torch):
    found = in_torch(look_at_pictures)
    assert found["columns"] == [
        *("width", "height", "pred_name", "confidence"),
        *("pred_xmin", "pred_ymin", "pred_xmax", "pred_ymax"),
    ]
    assert found["sizes"] == [[60, 40], [32, 32], [20, 50]]
    assert max(found["batches"], found["alone"]) < 1e-3  # in pixels
    assert abs(found["confidence"]) < 1e-5 and np.abs(found["center"]).max() < 1e-3
    assert found["spread"] > 1e-4  # the pictures are told apart


def test_a_prediction_is_drawn_dashed_under_name_and_confidence(in_torch):
    large, small = in_torch(look_at_drawing)
    assert [large["title"], small["title"]] == ["dog, 93 %", "cat, 50 %"]
    assert large["pixels"] == [600, 800, 3] and small["pixels"] == [60, 40, 3]
    assert large["box"] == pytest.approx([80, 60, 800, 300])
    assert small["box"] == pytest.approx([4, 6, 40, 30])
    assert not large["solid"]
