"""What several tests know of COCO, and the challenge's own program."""

import contextlib
import io

from coursekit.boxes import SIDES, xyxy_to_xywh
from coursekit.metrics import PREDICTED

import pandas as pd
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

BEYOND_ALL = 1e11  # COCOeval does not count objects whose area is outside of its range "all"

JOINTS = ["nose"] + [
    f"{side}_{end}"
    for end in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
]


def judged(
    found: pd.DataFrame, there: pd.DataFrame, names: list[str], areas: tuple | None = None
) -> COCOeval:
    """Return COCO's judgment of detections; `areas`, if given, are the range called "all"."""
    images = sorted(set(there["image_id"]) | set(found["image_id"]))
    truth, answer = COCO(), COCO()
    for coco, table, name, sides in (
        (truth, there, "name", SIDES),
        (answer, found, "pred_name", PREDICTED),
    ):
        boxes = xyxy_to_xywh(table[sides])
        hidden = table.get("difficult", pd.Series(False, table.index))
        coco.dataset = {
            "images": [{"id": number} for number in range(len(images))],
            "categories": [{"id": number} for number in range(len(names))],
            "annotations": [
                {
                    "id": row + 1,
                    "image_id": images.index(table["image_id"].iloc[row]),
                    "category_id": names.index(table[name].iloc[row]),
                    "bbox": boxes[row].tolist(),
                    "area": BEYOND_ALL if hidden.iloc[row] else boxes[row, 2:].prod(),
                    "score": table["confidence"].iloc[row] if name == "pred_name" else None,
                    "iscrowd": 0,
                }
                for row in range(len(table))
            ],
        }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        answer.createIndex()
        judge = COCOeval(truth, answer, "bbox")
        if areas:
            judge.params.areaRng[0] = list(areas)
        judge.evaluate()
        judge.accumulate()
    return judge
