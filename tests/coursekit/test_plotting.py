from coursekit import plotting

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(autouse=True)
def drawn_without_a_screen():
    with mpl.rc_context():
        plt.switch_backend("Agg")
        plotting.use_style()
        yield
        plt.close("all")


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def test_the_style_sheet_has_the_colors_of_the_module():
    cycle = mpl.rcParams["axes.prop_cycle"].by_key()
    assert cycle["color"] == plotting.SERIES
    colors = [mpl.rcParams[name] for name in ("axes.facecolor", "text.color", "grid.color")]
    assert colors == [plotting.PAPER, plotting.INK, plotting.FAINT]


def test_a_half_open_box_covers_just_its_pixels():
    ax = plt.subplots()[1]
    plotting.show_image(ax, np.zeros((10, 20)))
    plotting.draw_box(ax, [2, 3, 5, 7])
    (box,) = ax.patches
    assert (box.get_x(), box.get_y(), box.get_width(), box.get_height()) == (2, 3, 3, 4)
    assert ax.images[0].get_extent() == [0, 20, 10, 0]  # pixel 0 from 0 to 1, y downward


@pytest.mark.parametrize("height, width", [(1, 1), (1, 5), (5, 1)])
def test_an_image_of_one_row_or_column_keeps_its_shape(height, width):
    for shape in ((height, width), (height, width, 1), (height, width, 3)):
        ax = plt.subplots()[1]
        plotting.show_image(ax, np.zeros(shape))
        (drawn,) = ax.images
        assert tuple(drawn.get_extent()) == (0, width, height, 0)
        assert drawn.get_array().shape == (shape[:2] if shape[2:] in ((), (1,)) else shape)


def test_truth_is_solid_and_prediction_dashed():
    ax = plt.subplots()[1]
    plotting.show_image(ax, np.zeros((10, 10)))
    for kind in plotting.BOX_STYLES:
        plotting.draw_box(ax, [1, 1, 5, 5], kind, kind)
    styles = [patch.get_linestyle() for patch in ax.patches]
    assert styles[0] == "-" and len(set(map(str, styles))) == 3
    assert [text.get_text() for text in ax.texts] == list(plotting.BOX_STYLES)


def test_a_gallery_shows_every_image_and_the_boxes_that_are_given():
    images = [np.zeros((30, 40, 3)), np.ones((40, 30)), np.zeros((30, 40, 1))]
    boxes = [[1, 1, 9, 9], None, [2, 2, 8, 8]]
    figure = plotting.gallery(
        images, truth=boxes, prediction=boxes, titles=["a", "b", "c"], columns=2
    )
    assert [len(ax.images) for ax in figure.axes] == [1, 1, 1, 0]
    assert [len(ax.patches) for ax in figure.axes] == [2, 0, 2, 0]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b", "c", ""]


def test_an_all_black_image_is_black_and_an_all_white_one_white():
    for value in (0, 1):
        figure, ax = plt.subplots()
        plotting.show_image(ax, np.full((4, 4), value))
        drawn = pixels(figure)
        center = drawn[drawn.shape[0] // 2, drawn.shape[1] // 2]
        assert center.tolist() == [255 * value] * 3


def test_curves_start_at_1_and_differ_in_more_than_color():
    ax = plotting.curves({"a": [3, 2, 1], "b": [4, 3]}, "epoch", "loss")
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_a_forest_has_a_line_from_low_to_high_for_each_row_and_shows_the_runs():
    rows = pd.DataFrame(
        {"mean": [0.5, 0.7], "low": [0.4, np.nan], "high": [0.6, np.nan]}, ["first", "second"]
    )
    ax = plotting.forest(rows, "mean IoU", runs={"first": [0.45, 0.55]})
    assert [text.get_text() for text in ax.get_yticklabels()] == ["first", "second"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is the upper one
    ends = ax.collections[0].get_segments()[0]
    assert ends[:, 0].tolist() == [0.4, 0.6] and set(ends[:, 1]) == {0}
    points = [line.get_xdata().tolist() for line in ax.lines]
    assert points == [[0.5], [0.45, 0.55], [0.7], []]


def luminance(color):
    rgb = np.array(mpl.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(
    "color", [plotting.INK, plotting.TRUTH, plotting.PREDICTION, plotting.OTHER]
)
def test_colors_that_carry_text_have_enough_contrast(color):
    """WCAG 2 AA asks 4.5 : 1; ink is on paper, white is on the colors of the boxes."""
    other = plotting.PAPER if color == plotting.INK else "white"
    light, dark = sorted([luminance(color), luminance(other)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("name", ["a$\\frac$", "$x_", "<b>", "{{x}}", "a\nb"])
def test_a_name_means_nothing_to_matplotlib(name):
    figure, ax = plt.subplots()
    plotting.draw_box(ax, [0, 0, 1, 1], label=name)
    ax.set_title(name)
    ax.set_xticks([0.5], [name])
    pixels(figure)
