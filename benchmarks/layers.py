"""Which layer of a backbone knows the name, and which the place? Lesson 03's linear probe.

Run it with the settings of `coursekit run`. It prints the scores on the
validation split: layers are chosen there. What it printed for `tiny` on `mini`, and for MobileNetV2
on photographs, chose the default layers in `coursekit.keras_backbones`.
"""

import argparse
import os
from collections.abc import Sequence

from coursekit import metrics, settings

import ideas

CANDIDATES = {
    "tiny": ("stage_3", "stage_4", "stage_5"),
    "resnet50": ("conv3_block4_out", "conv4_block6_out", "conv5_block1_out", "conv5_block3_out"),
    "vgg16": ("block4_conv3", "block5_conv1", "block5_conv3", "block5_pool"),
    "mobilenet_v2": (
        *("block_10_expand_relu", "block_13_expand_relu", "block_14_expand_relu"),
        *("block_15_expand_relu", "block_16_expand_relu", "out_relu"),
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print accuracy and mean IoU for each layer and each way to read it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layers", nargs="*", help="by default, the backbone's usual candidates")
    layers = parser.parse_args(arguments).layers or CANDIDATES[settings.backbone()]
    os.environ.setdefault("TQDM_DISABLE", "1")
    space = ideas.prepare(("probe", "decode", "encode"), layers)
    images, maps, held_out = space["images"], space["maps"], space["subsets"]["val"]
    space["test"] = held_out  # what the probe predicts
    print(f"{'layer':24}{'read':>10}{'accuracy':>10}{'mean IoU':>10}")
    for layer, channels in space["backbone"].channels.items():
        cells = maps[..., channels].astype("float32")
        for kind, x in (("averaged", cells.mean(axis=(1, 2))), ("all cells", cells)):
            answers = [space["probe"](x, space[y]) for y in ("names", "targets")]
            table = space["decode"](*answers, images[held_out])
            accuracy, overlap = metrics.named(table).mean(), metrics.iou(table).mean()
            print(f"{layer:24}{kind:>10}{accuracy:10.3f}{overlap:10.3f}", flush=True)


if __name__ == "__main__":
    main()
