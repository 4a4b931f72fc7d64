"""Which layer of a backbone knows the name, and which the place? Lesson 03's linear probe.

Run it with the settings of `coursekit run`. What it printed for `tiny` on `mini`, and for
MobileNetV2 on photographs, chose the default layers in `coursekit.keras_backbones`.
"""

import os
import sys

from coursekit import boxes, settings

os.environ.setdefault("TQDM_DISABLE", "1")
CANDIDATES = {
    "tiny": ("stage_3", "stage_4", "stage_5"),
    "resnet50": ("conv3_block4_out", "conv4_block6_out", "conv5_block1_out", "conv5_block3_out"),
    "vgg16": ("block4_conv3", "block5_conv1", "block5_conv3", "block5_pool"),
} | dict.fromkeys(
    ("mobilenet_v2", "mobilenet_v2_035"),
    (
        *("block_10_expand_relu", "block_13_expand_relu", "block_14_expand_relu"),
        *("block_15_expand_relu", "block_16_expand_relu", "out_relu"),
    ),
)


def main() -> None:
    """Print accuracy and mean IoU on the test split, for each layer and each way to read it."""
    from heads import DATA, lesson_code

    space: dict = {}
    exec(lesson_code(), space)
    layers = sys.argv[1:] or CANDIDATES[settings.backbone()]
    exec(DATA.replace("load()", f"load(layers={layers!r})"), space)
    images, maps = space["images"], space["maps"]
    test = (images["split"] == "test").to_numpy()
    space["test"] = test
    print(f"{'layer':24}{'read':>10}{'accuracy':>10}{'mean IoU':>10}")
    for layer, channels in space["backbone"].channels.items():
        cells = maps[..., channels].astype("float32")
        for kind, x in (("averaged", cells.mean(axis=(1, 2))), ("all cells", cells)):
            found = [space["probe"](x, space[y]) for y in ("names", "targets")]
            table = space["decode"](*found, images[test])
            right = (table["name"] == table["pred_name"]).mean()
            overlap = boxes.iou(table[boxes.SIDES], table[space["PREDICTED"]]).mean()
            print(f"{layer:24}{kind:>10}{right:10.3f}{overlap:10.3f}", flush=True)


if __name__ == "__main__":
    main()
