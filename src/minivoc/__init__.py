"""The data set ``mini``: drawn pictures of animals, in PASCAL VOC's format.

`draw` writes it into a directory. The package needs NumPy, Pillow and tqdm, and nothing of the
course.
"""

from minivoc.dataset import draw

__all__ = ["draw"]
