"""Bounding boxes: their formats, their areas, and how much two of them overlap.

Inside the package a box is ``xyxy``: four floats ``xmin, ymin, xmax, ymax``, in pixels of the
original image, zero-based and half-open. The box covers every x with xmin <= x < xmax, so its
width is simply ``xmax - xmin``, and the box of a whole 500 × 375 image is ``0, 0, 500, 375``.

Every function takes one box of shape (4,) or any stack of them, shape (..., 4), as integers or
floats, computes in float64, and returns a new array. None changes its input.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.float64]
SIDES = ["xmin", "ymin", "xmax", "ymax"]  # the four numbers by name, in the order of xyxy

# VOC counts pixels from 1 and includes the last one. Its xmin and ymin are therefore one larger
# than ours. Its xmax and ymax are equal to ours: minus one for counting from zero, plus one for
# excluding the last pixel.
_VOC_OFFSET = np.array([1.0, 1.0, 0.0, 0.0])


def as_boxes(boxes: ArrayLike, name: str = "boxes") -> Boxes:
    """Return boxes as a float64 array; `ValueError` unless the last axis has four numbers."""
    array = np.asarray(boxes, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != 4:
        raise ValueError(
            f"{name} must have four numbers in its last axis, shape (..., 4), "
            f"but its shape is {array.shape}."
        )
    return array


def as_xyxy(boxes: ArrayLike, name: str = "boxes") -> Boxes:
    """Return xyxy boxes as float64; `ValueError` at the first inverted or unfinished one.

    A box may be empty (xmax equal to xmin), but its corners may not be exchanged, and no
    coordinate may be NaN.
    """
    array = as_boxes(boxes, name)
    xmin, ymin, xmax, ymax = np.moveaxis(array, -1, 0)
    upright = (xmin <= xmax) & (ymin <= ymax)
    if not upright.all():
        index = tuple(int(i) for i in np.argwhere(~upright)[0])
        where = f"{name}[{', '.join(map(str, index))}]" if index else name
        raise ValueError(
            f"{where} is {array[index].tolist()}, which is not xmin <= xmax and ymin <= ymax. "
            "Is it in another format, such as xywh? Are its corners exchanged?"
        )
    return array


def voc_to_xyxy(boxes: ArrayLike) -> Boxes:
    """Return xyxy boxes from VOC's one-based, inclusive ``xmin, ymin, xmax, ymax``, in pixels.

    Source: the VOC 2007 development kit counts the top left pixel as (1, 1).
    """
    return as_boxes(boxes) - _VOC_OFFSET


def xyxy_to_voc(boxes: ArrayLike) -> Boxes:
    """Return VOC's one-based, inclusive boxes from xyxy boxes, in pixels."""
    return as_boxes(boxes) + _VOC_OFFSET


def xyxy_to_xywh(boxes: ArrayLike) -> Boxes:
    """Return ``xmin, ymin, width, height`` from xyxy boxes, in the same unit."""
    array = as_boxes(boxes)
    return np.concatenate([array[..., :2], array[..., 2:] - array[..., :2]], axis=-1)


def xywh_to_xyxy(boxes: ArrayLike) -> Boxes:
    """Return xyxy boxes from ``xmin, ymin, width, height``, in the same unit."""
    array = as_boxes(boxes)
    return np.concatenate([array[..., :2], array[..., :2] + array[..., 2:]], axis=-1)


def xyxy_to_cxcywh(boxes: ArrayLike) -> Boxes:
    """Return ``center x, center y, width, height`` from xyxy boxes, in the same unit."""
    array = as_boxes(boxes)
    low, high = array[..., :2], array[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def cxcywh_to_xyxy(boxes: ArrayLike) -> Boxes:
    """Return xyxy boxes from ``center x, center y, width, height``, in the same unit."""
    array = as_boxes(boxes)
    center, half = array[..., :2], array[..., 2:] / 2
    return np.concatenate([center - half, center + half], axis=-1)


def _sides(size: ArrayLike) -> Boxes:
    """Return ``width, height, width, height`` for one size (2,) or a stack of sizes (..., 2)."""
    array = np.asarray(size, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != 2 or not (array > 0).all():
        raise ValueError(
            "size must be (width, height), or a stack of such pairs, all above 0, "
            f"but it is {np.array2string(array, threshold=8)}."
        )
    return np.concatenate([array, array], axis=-1)


def normalize(boxes: ArrayLike, size: ArrayLike) -> Boxes:
    """Return boxes as fractions of the image, 0 to 1, from boxes in pixels.

    Works for xyxy, xywh and cxcywh alike: x and widths are divided by the image's width, y and
    heights by its height. `size` is ``(width, height)`` in pixels: one for all boxes, or one for
    each, shape (..., 2).
    """
    return as_boxes(boxes) / _sides(size)


def denormalize(boxes: ArrayLike, size: ArrayLike) -> Boxes:
    """Return boxes in pixels from boxes as fractions of the image; undoes `normalize`."""
    return as_boxes(boxes) * _sides(size)


def clip(boxes: ArrayLike, size: ArrayLike) -> Boxes:
    """Return xyxy boxes in pixels, cut at the border of the image; see `normalize` for its size.

    A box wholly outside becomes an empty box on the border.
    """
    return np.clip(as_boxes(boxes), 0.0, _sides(size))


def area(boxes: ArrayLike) -> NDArray[np.float64]:
    """Return the area of each xyxy box, shape (...,), in square pixels; 0 for an empty box."""
    array = as_xyxy(boxes)
    return (array[..., 2] - array[..., 0]) * (array[..., 3] - array[..., 1])


def _overlap(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Return the IoU of boxes whose leading axes are equal or broadcast."""
    # One axis after the other, because NumPy is slow along an axis of only two numbers.
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    intersection = np.maximum(width, 0) * np.maximum(height, 0)
    union = area(a) + area(b) - intersection
    # Two empty boxes have no union. Their IoU is 0, like their intersection, and not 0 / 0.
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return the intersection over union of each box in `a` with its partner in `b`.

    ``IoU = |A ∩ B| / |A ∪ B|``, from 0 (apart) to 1 (equal); the Jaccard index of two sets of
    pixels [Everingham et al., 2010, section 4.2]. Empty boxes have IoU 0 with every box.

    Both are xyxy of shape (..., 4), or one of them is a single box of shape (4,). The IoU has the
    shape (...,). `ValueError` when the shapes do not match, or a box is inverted.
    """
    a, b = as_xyxy(a, "a"), as_xyxy(b, "b")
    if a.shape != b.shape and a.ndim > 1 and b.ndim > 1:
        raise ValueError(
            f"iou compares box by box, but a has shape {a.shape} and b has shape {b.shape}. "
            "For every pair of a box in a and a box in b, use pairwise_iou."
        )
    return _overlap(a, b)


def pairwise_iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return the IoU of every box in `a` with every box in `b`, both xyxy; see `iou`.

    From shapes (n, 4) and (m, 4) to (n, m); row i belongs to box i of `a`. `ValueError` when `a`
    or `b` is not a list of boxes, or a box is inverted.
    """
    a, b = as_xyxy(a, "a"), as_xyxy(b, "b")
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(
            f"pairwise_iou takes two lists, (n, 4) and (m, 4), not {a.shape} and {b.shape}."
        )
    return _overlap(a[:, None], b[None, :])
