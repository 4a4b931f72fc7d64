"""Checks of the exercises. Each one says which misunderstanding it saw.

A check knows the wrong answers that people give, as functions. It compares, and names the one
that fits. Reading it will not show you the solution, but it spoils the fun.
"""

from exercises.checks.core import AnswerError, Check
from exercises.checks.lesson_01 import above_floor, area, decode, iou, paint
from exercises.checks.lesson_02 import (
    crop_box,
    flip_vertically,
    flip_voc,
    from_source_001,
    hold_out,
    resize_box,
    voc_to_half_open,
)
from exercises.checks.lesson_03 import (
    box_weights,
    generalized_iou,
    mirror_map,
    soft_argmax,
    solved,
)
from exercises.checks.lesson_04 import (
    as_fractions,
    kept_epoch,
    map_side,
    rotate_left,
    torch_kernel,
)
from exercises.checks.lesson_05 import (
    average_precision,
    calibration,
    confusion_matrix,
    middle_95,
    paired_means,
    with_temperature,
)
from exercises.checks.lesson_06 import (
    box_factor,
    in_pixels,
    laplace_interval,
    learned_rate,
    smooth_l1_slope,
)
from exercises.checks.lesson_07 import allowed, average_place, count_flags, pckh, untangle
from exercises.checks.lesson_08 import (
    center_cell,
    eleven_point_ap,
    find_peaks,
    focal_cell,
    greedy_cost,
)

__all__ = [
    "AnswerError",
    "Check",
    "above_floor",
    "allowed",
    "area",
    "as_fractions",
    "average_place",
    "average_precision",
    "box_factor",
    "box_weights",
    "calibration",
    "center_cell",
    "confusion_matrix",
    "count_flags",
    "crop_box",
    "decode",
    "eleven_point_ap",
    "find_peaks",
    "flip_vertically",
    "flip_voc",
    "focal_cell",
    "from_source_001",
    "generalized_iou",
    "greedy_cost",
    "hold_out",
    "in_pixels",
    "iou",
    "kept_epoch",
    "laplace_interval",
    "learned_rate",
    "map_side",
    "middle_95",
    "mirror_map",
    "paint",
    "paired_means",
    "pckh",
    "resize_box",
    "rotate_left",
    "smooth_l1_slope",
    "soft_argmax",
    "solved",
    "torch_kernel",
    "untangle",
    "voc_to_half_open",
    "with_temperature",
]
