"""From the outputs of a localizer to names and boxes in pixels, as a table and as a picture."""

from collections.abc import Sequence

from backbones import torch_backbones
from coursekit import boxes, plotting
from coursekit.metrics import PREDICTED
from localizer.model import Localizer
from localizer.pictures import squeeze

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from PIL import Image

BATCH = 32
SHOWN = 800  # pixels of the longer side of a picture that is drawn


def to_table(
    logits: torch.Tensor, cxcywh: torch.Tensor, classes: Sequence[str], sizes: np.ndarray
) -> pd.DataFrame:
    """Return the table of what a localizer predicted: ``pred_name, confidence, pred_xmin …``.

    Logits are of shape (n, classes), boxes of shape (n, 4), cxcywh in fractions; `sizes`, of shape
    (n, 2), has width and height of each picture. The table's boxes are xyxy in pixels of the
    picture, and end at its border; the confidence is the softmax of the name's logit.
    """
    confidence, label = logits.detach().cpu().double().softmax(1).max(1)
    cxcywh = cxcywh.detach().cpu().double().numpy().copy()
    cxcywh[:, 2:] = cxcywh[:, 2:].clip(min=0)  # a head may predict a negative width
    corners = boxes.clip(boxes.cxcywh_to_xyxy(cxcywh), (1, 1))
    table = pd.DataFrame({"pred_name": np.take(classes, label), "confidence": confidence.numpy()})
    table[PREDICTED] = boxes.denormalize(corners, sizes)
    return table


@torch.no_grad()
def predict(
    localizer: Localizer, classes: Sequence[str], pictures: Sequence[np.ndarray]
) -> pd.DataFrame:
    """Return name, confidence and box for pictures of any size; see `to_table`.

    The pictures are uint8 of shape (height, width, 3), RGB. ``width`` and ``height``, in pixels,
    are the first columns of the table.
    """
    device = next(localizer.parameters()).device
    localizer.eval()
    squares = np.stack([squeeze(picture, localizer.backbone.size) for picture in pictures])
    batches = torch_backbones.to_tensor(squares).split(BATCH)
    outputs = [localizer(batch.to(device)) for batch in batches]
    sizes = pd.DataFrame([p.shape[1::-1] for p in pictures], columns=["width", "height"])
    logits, cxcywh = (torch.cat(parts) for parts in zip(*outputs, strict=True))
    return sizes.join(to_table(logits, cxcywh, classes, sizes))


def draw(pictures: Sequence[np.ndarray], table: pd.DataFrame, **options) -> Figure:
    """Return a figure of pictures with the predicted box dashed, name and confidence above.

    `table` is what `predict` returned for them; `options` are those of `plotting.gallery`.
    """
    images = [Image.fromarray(picture) for picture in pictures]
    for image in images:
        image.thumbnail((SHOWN, SHOWN))
    shown = boxes.normalize(table[PREDICTED], table[["width", "height"]])
    return plotting.gallery(
        [np.asarray(image) for image in images],
        prediction=boxes.denormalize(shown, [image.size for image in images]),
        titles=[f"{row.pred_name}, {100 * row.confidence:.0f} %" for row in table.itertuples()],
        **options,
    )
