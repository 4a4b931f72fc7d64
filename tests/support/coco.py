"""What several tests know of COCO."""

JOINTS = ["nose"] + [
    f"{side}_{end}"
    for end in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
]
