"""Annotations in PASCAL VOC's format: read, audit, select, split.

The *table of objects* has one row per object and the columns ``image_id, filename, width,
height, name, xmin, ymin, xmax, ymax, difficult, truncated``. The *table of images* has one row
per image with exactly one object of the wanted classes: the same columns plus ``label`` (the
index into the classes) and ``split``.

Boxes in both are xyxy in pixels, zero-based and half-open. VOC's own are one-based and
inclusive; `reading` converts them, and nothing else ever does.
"""

from coursekit.voc.auditing import audit
from coursekit.voc.reading import AnnotationError, annotation_files, load_annotations
from coursekit.voc.selecting import assign_split, single_object

__all__ = [
    "AnnotationError",
    "annotation_files",
    "assign_split",
    "audit",
    "load_annotations",
    "single_object",
]
