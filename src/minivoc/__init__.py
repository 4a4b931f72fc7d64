"""The data set ``mini``: drawn pictures of animals, in PASCAL VOC's format.

`dataset.draw` writes it into a directory. The package needs NumPy, Pillow and tqdm, and nothing
of the course. The names that the course shares with it stand here, where importing them imports
nothing else.
"""

CLASSES = ("dog", "cat", "bird", "cow", "horse")
SPLITS = {"train": 0.60, "val": 0.15, "test": 0.25}  # shares of every kind of picture
