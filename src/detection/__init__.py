"""Any number of objects in a picture: reading them, and scoring what a detector finds.

`average_precision` is what lessons 05 and 08 score with; `reading` gives lesson 08 its pictures.
"""

from detection.matching import ANY_AREA, COCO_THRESHOLDS, area_under, average_precision, match

__all__ = ["ANY_AREA", "COCO_THRESHOLDS", "area_under", "average_precision", "match"]
