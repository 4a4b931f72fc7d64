from coursekit import boxes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

COORDINATES = st.floats(0, 1000, allow_nan=False, width=32)
SIDES = st.floats(0.5, 1000, allow_nan=False, width=32)
COUNTS = st.integers(1, 8)


@st.composite
def box_lists(draw, n=COUNTS):
    """Upright boxes, shape (n, 4)."""
    count = draw(n)
    corner = draw(arrays.arrays(float, (count, 2), elements=COORDINATES))
    return np.concatenate(
        [corner, corner + draw(arrays.arrays(float, (count, 2), elements=SIDES))], 1
    )


ROUND_TRIPS = [
    (boxes.voc_to_xyxy, boxes.xyxy_to_voc),
    (boxes.xyxy_to_voc, boxes.voc_to_xyxy),
    (boxes.xyxy_to_xywh, boxes.xywh_to_xyxy),
    (boxes.xyxy_to_cxcywh, boxes.cxcywh_to_xyxy),
    (lambda b: boxes.normalize(b, (500, 375)), lambda b: boxes.denormalize(b, (500, 375))),
]


@pytest.mark.parametrize("there, back", ROUND_TRIPS)
@given(box_lists())
def test_there_and_back_again(there, back, b):
    np.testing.assert_allclose(back(there(b)), b, atol=1e-9)


def test_formats_of_one_box_by_hand():
    # VOC's box of the pixels 1 … 10 in x and 2 … 4 in y has ten columns and three rows.
    xyxy = boxes.voc_to_xyxy([1, 2, 10, 4])
    assert xyxy.tolist() == [0, 1, 10, 4]
    assert boxes.xyxy_to_xywh(xyxy).tolist() == [0, 1, 10, 3]
    assert boxes.xyxy_to_cxcywh(xyxy).tolist() == [5, 2.5, 10, 3]
    assert boxes.normalize(xyxy, (20, 8)).tolist() == [0, 0.125, 0.5, 0.5]
    assert boxes.area(xyxy) == 30


def test_the_area_of_a_voc_box_is_its_number_of_pixels():
    xmin, ymin, xmax, ymax = 3, 7, 12, 9
    pixels = sum(
        1 for x in range(1, 50) for y in range(1, 50) if xmin <= x <= xmax and ymin <= y <= ymax
    )
    assert boxes.area(boxes.voc_to_xyxy([xmin, ymin, xmax, ymax])) == pixels


def test_normalize_takes_one_size_for_each_box():
    b = [[0, 0, 50, 100], [0, 0, 50, 100]]
    expected = [[0, 0, 0.5, 0.5], [0, 0, 0.25, 1]]
    assert boxes.normalize(b, [[100, 200], [200, 100]]).tolist() == expected


def test_clip_cuts_at_the_border_and_empties_what_lies_outside():
    b = [[-5, 10, 30, 500], [600, 10, 700, 20]]
    assert boxes.clip(b, (500, 375)).tolist() == [[0, 10, 30, 375], [500, 10, 500, 20]]


def test_nothing_changes_its_input():
    b = np.array([[1.0, 2, 30, 40]])
    for function in (boxes.voc_to_xyxy, boxes.xyxy_to_xywh, boxes.xyxy_to_cxcywh, boxes.area):
        function(b)
    boxes.clip(b, (10, 10))
    boxes.iou(b, b + 5)
    boxes.pairwise_iou(b, b)
    assert b.tolist() == [[1, 2, 30, 40]]


@given(box_lists(), box_lists())
def test_iou_is_symmetric_and_between_0_and_1(a, b):
    table = boxes.pairwise_iou(a, b)
    assert table.shape == (len(a), len(b))
    assert ((table >= 0) & (table <= 1 + 1e-12)).all()
    np.testing.assert_allclose(table, boxes.pairwise_iou(b, a).T, atol=1e-12)


@given(box_lists(), st.floats(-500, 500), st.floats(-500, 500), st.floats(0.1, 10))
def test_iou_ignores_where_the_boxes_lie_and_in_which_unit(b, right, down, scale):
    a = b[::-1]
    moved = [(x + np.array([right, down, right, down])) * scale for x in (a, b)]
    np.testing.assert_allclose(boxes.iou(*moved), boxes.iou(a, b), atol=1e-6)


@given(box_lists())
def test_a_box_has_iou_1_with_itself(b):
    np.testing.assert_allclose(boxes.iou(b, b), 1)


@given(box_lists(n=st.just(4)), box_lists(n=st.just(4)))
def test_iou_is_the_diagonal_of_pairwise_iou(a, b):
    np.testing.assert_allclose(boxes.iou(a, b), np.diag(boxes.pairwise_iou(a, b)))


@given(box_lists())
def test_iou_takes_one_box_against_many(b):
    column = boxes.pairwise_iou(b, b[:1])[:, 0]
    np.testing.assert_array_equal(boxes.iou(b, b[0]), column)
    np.testing.assert_array_equal(boxes.iou(b[0], b), column)
    stack = np.stack([b, b])
    np.testing.assert_array_equal(boxes.iou(stack, b[0]), [column, column])
    assert boxes.iou(b[0], b[0]).shape == ()


def test_no_boxes_have_no_pairs():
    none, one = np.zeros((0, 4)), [[0, 0, 1, 1]]
    assert boxes.iou(none, none).shape == (0,)
    assert boxes.pairwise_iou(none, one).shape == (0, 1)
    assert boxes.pairwise_iou(one, none).shape == (1, 0)


def test_iou_by_counting_pixels():
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 15, (2, 200, 2))
    pair = np.concatenate([corner, corner + rng.integers(1, 12, (2, 200, 2))], axis=2)
    grid_y, grid_x = np.mgrid[:30, :30]
    masks = [
        (grid_x >= b[:, 0, None, None]) & (grid_x < b[:, 2, None, None])
        & (grid_y >= b[:, 1, None, None]) & (grid_y < b[:, 3, None, None])
        for b in pair
    ]  # fmt: skip
    counted = (masks[0] & masks[1]).sum((1, 2)) / (masks[0] | masks[1]).sum((1, 2))
    np.testing.assert_allclose(boxes.iou(*pair), counted)


def test_exchanging_x_and_y_is_seen_in_a_box_that_is_not_square():
    wide, tall = [0, 0, 40, 10], [0, 0, 10, 40]
    assert boxes.iou(wide, tall) == pytest.approx(100 / 700)


def test_empty_and_distant_boxes_have_iou_0_without_a_warning():
    empty, point, far = [5, 5, 5, 9], [0, 0, 0, 0], [100, 100, 110, 110]
    others = [[0, 0, 10, 10], empty, point, far]
    for box in (empty, point):
        assert boxes.pairwise_iou([box], others).max() == 0
    assert boxes.iou([0, 0, 10, 10], [10, 0, 20, 10]) == 0  # they touch


def test_whole_numbers_are_counted_without_overflow():
    huge = np.array([[0, 0, 60_000, 60_000]], dtype=np.uint16)
    assert boxes.area(huge) == [3.6e9]
    assert boxes.iou(huge, huge) == [1]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: boxes.iou([0, 0, 1], [0, 0, 1]), r"four numbers .* \(3,\)"),
        (lambda: boxes.area(3), "four numbers"),
        (lambda: boxes.iou(np.ones((2, 4)), np.ones((3, 4))), "pairwise_iou"),
        (lambda: boxes.pairwise_iou([0, 0, 1, 1], [[0, 0, 1, 1]]), "two lists"),
        (lambda: boxes.iou([[0, 0, 1, 1], [9, 0, 3, 1]], [[0, 0, 1, 1]] * 2), r"a\[1\] is \[9"),
        (lambda: boxes.area([0, 0, np.nan, 1]), "not xmin <= xmax"),
        (lambda: boxes.normalize([0, 0, 1, 1], (0, 5)), "width, height"),
        (lambda: boxes.clip([0, 0, 1, 1], 5), "width, height"),
    ],
)
def test_errors_say_what_is_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def some_boxes() -> np.ndarray:
    """Return two lists of sixty boxes."""
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, 300, (2, 60, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, 200, (2, 60, 2))], axis=2)


def by_torchvision() -> list:
    import torch
    from torchvision import ops

    return ops.box_iou(*torch.tensor(some_boxes())).tolist()


def by_keras() -> list:
    from keras.utils.bounding_boxes import compute_iou

    return np.asarray(compute_iou(*some_boxes().astype("float32"), "xyxy")).tolist()


def formats_by_keras() -> list:
    from keras.utils.bounding_boxes import convert_format

    def converted(to: str) -> list:
        return np.asarray(convert_format(some_boxes()[0], "xyxy", to, 375, 500)).tolist()

    return [converted(to) for to in ("xywh", "center_xywh", "rel_xyxy")]


ORACLES = {
    "torchvision": ("torch", by_torchvision),
    "keras": ("keras", by_keras),
    "keras formats": ("keras", formats_by_keras),
}


@pytest.mark.parametrize("name", ORACLES)
def test_agreement_with_the_libraries(request, name):
    framework, oracle = ORACLES[name]
    theirs = request.getfixturevalue(f"in_{framework}")(oracle)
    a, b = some_boxes()
    if name == "keras formats":
        formats = (boxes.xyxy_to_xywh(a), boxes.xyxy_to_cxcywh(a), boxes.normalize(a, (500, 375)))
        expected = np.array(formats)
    else:
        expected = boxes.pairwise_iou(a, b)
    assert expected.max() > 0.1
    np.testing.assert_allclose(theirs, expected, rtol=1e-5, atol=1e-5)
