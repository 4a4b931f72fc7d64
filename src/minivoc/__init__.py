"""The data set ``mini``: drawn pictures of animals, in PASCAL VOC's format.

`dataset.draw` writes it into a directory. `rectangles` paints lesson 01's white rectangles, and
says which box each fills. The package needs NumPy, Pillow and tqdm, and nothing of the course. The
names that the course shares with it are here, where importing them imports nothing else.
"""

CLASSES = ("dog", "cat", "bird", "cow", "horse")
SPLITS = {"train": 0.34, "val": 0.10, "test": 0.56}  # shares of every kind of picture
