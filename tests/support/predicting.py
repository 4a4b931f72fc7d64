"""Small tables of predictions, for the tests of what scores them."""

from coursekit.boxes import SIDES
from coursekit.metrics import PREDICTED

import pandas as pd
from hypothesis import strategies as st

CLASSES = ["car", "cat", "dog"]


def predictions(rows):
    """A table with one row for each (true class, predicted class, IoU).

    The true box is 10 pixels wide and high; the predicted one is lower, as the IoU demands.
    """
    names, pred_names, overlaps = zip(*rows, strict=True)
    table = pd.DataFrame({"image_id": [f"{i:06d}" for i in range(len(rows))], "name": names})
    table[SIDES] = [0, 0, 10, 10]
    table["pred_name"] = pred_names
    table[PREDICTED] = [[0, 0, 10, 10 * overlap] for overlap in overlaps]
    return table


NAMES = st.sampled_from(CLASSES)
TABLES = st.lists(st.tuples(NAMES, NAMES, st.floats(0, 1)), min_size=1, max_size=30).map(
    predictions
)
