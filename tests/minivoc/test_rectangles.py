from coursekit import boxes
from minivoc import rectangles

import numpy as np
import pytest


def test_shapes_and_values():
    images, truth = rectangles.batch(5, np.random.default_rng(0))
    assert images.shape == (5, 224, 224, 1) and images.dtype == np.float32
    assert truth.shape == (5, 4) and truth.dtype == np.float64
    assert set(np.unique(images)) == {0.0, 1.0}


def test_the_box_is_just_the_white_pixels():
    images, truth = rectangles.batch(200, np.random.default_rng(1))
    for image, (xmin, ymin, xmax, ymax) in zip(images[..., 0], truth.astype(int), strict=True):
        assert image[ymin:ymax, xmin:xmax].all()
        assert image.sum() == (xmax - xmin) * (ymax - ymin)


@pytest.mark.parametrize("size", [112, 56, 28])
def test_a_smaller_image_is_the_mean_of_squares_of_the_large_one(size):
    drawn = rectangles.draw_boxes(200, np.random.default_rng(4))
    side = rectangles.SIZE // size
    squares = rectangles.paint(drawn).reshape(-1, size, side, size, side, 1)
    small, truth = rectangles.batch(200, np.random.default_rng(4), size)
    assert small.dtype == np.float32 and (truth == drawn).all()
    np.testing.assert_allclose(small, squares.mean(axis=(2, 4)), atol=1e-6)


def test_an_edge_between_two_pixels_is_gray():
    image = rectangles.paint([[1.25, 3, 4, 5.5]])[0, :, :, 0]
    np.testing.assert_allclose(image[3, :6], [0, 0.75, 1, 1, 0, 0])
    np.testing.assert_allclose(image[:7, 2], [0, 0, 0, 1, 1, 0.5, 0])


def test_equal_seeds_give_equal_batches_and_others_do_not():
    first, again, other = (rectangles.batch(8, np.random.default_rng(s))[1] for s in (3, 3, 4))
    assert (first == again).all() and (first != other).any()


def test_the_distribution_is_that_of_the_source():
    drawn = rectangles.draw_boxes(200_000, np.random.default_rng(2))
    left, top, width, height = boxes.xyxy_to_xywh(drawn).T
    for low in (left, top):
        assert low.min() == 1 and low.max() == 222
        assert np.ptp(np.bincount(low.astype(int))[1:223] / (200_000 / 222)) < 0.35
    for low, side in ((left, width), (top, height)):
        assert side.min() == 1 and (low + side).max() == 223
        # Uniform on 1 … 223 - low: on average half of what is left, and a half.
        np.testing.assert_allclose(np.mean(side - (224 - low) / 2), 0, atol=0.3)
