"""The backbone `tiny`: its shape and its weights, without a framework.

Five stages. Each halves the width and the height of what it is given: a 3 × 3 convolution with
stride 2, batch normalization, ReLU. In the stages 2, 3 and 4 a second convolution adds to the
result of the first (a residual connection). A picture of 224 × 224 pixels becomes a map of 7 × 7.

`tiny.in_keras` and `tiny.in_torch` build the same network and give its layers the same names.
``python -m coursetools.pretrain`` made the weights; ``training_log.csv`` says how that went.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

WIDTHS = (16, 32, 64, 128, 160)  # channels of each stage
REFINED = (2, 3, 4)  # the stages with a second convolution
EPSILON = 1e-5  # of the batch normalization
FILE = Path(__file__).with_name("tiny.safetensors")
LOG = Path(__file__).with_name("training_log.csv")


def load_weights(file: Path = FILE) -> dict[str, np.ndarray]:
    """Return the weights by name, float32, in PyTorch's order of the axes.

    ``stage_1.reduce.conv.weight`` has the shape (channels out, channels in, height, width); those
    of ``stage_1.reduce.norm`` are vectors. The second convolution of a stage is called ``refine``.
    """
    return load_file(file)
