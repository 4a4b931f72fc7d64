"""Checks of the exercises. Each one says which misunderstanding it saw.

A check knows the wrong answers that people give, as functions. It compares, and names the one
that fits. Reading it will not show you the solution, but it spoils the fun.
"""

from coursekit.checks.core import AnswerError, Check
from coursekit.checks.lesson_01 import above_floor, area, decode, iou, paint
from coursekit.checks.lesson_02 import (
    crop_box,
    flip_vertically,
    flip_voc,
    hold_out,
    resize_box,
    voc_to_half_open,
)

__all__ = [
    "AnswerError",
    "Check",
    "above_floor",
    "area",
    "crop_box",
    "decode",
    "flip_vertically",
    "flip_voc",
    "hold_out",
    "iou",
    "paint",
    "resize_box",
    "voc_to_half_open",
]
