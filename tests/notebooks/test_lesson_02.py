"""What lesson 02 writes out by hand, against the library that does it for a living."""

from exercises.lesson_code import definitions, read

COMPARE = """
import torch
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional

rng = np.random.default_rng(0)
for trial in range(50):
    height, width = (int(side) for side in rng.integers(20, 90, 2))
    image = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
    corners = np.sort(rng.uniform(0, 1, (2, 2)), axis=0) * [width, height]
    box = corners.ravel()
    tensor = tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1))
    boxes_ = tv_tensors.BoundingBoxes(box[None], format="XYXY", canvas_size=(height, width))

    flipped, flipped_box = flip(image, box)
    assert (functional.horizontal_flip(tensor).permute(1, 2, 0).numpy() == flipped).all()
    np.testing.assert_allclose(functional.horizontal_flip(boxes_)[0].numpy(), flipped_box)

    left, top = int(rng.integers(0, width // 2)), int(rng.integers(0, height // 2))
    part, part_box = crop(image, box, (left, top, width - 3, height - 5))
    size = (top, left, height - 5 - top, width - 3 - left)
    assert (functional.crop(tensor, *size).permute(1, 2, 0).numpy() == part).all()
    theirs = functional.clamp_bounding_boxes(functional.crop(boxes_, *size))
    np.testing.assert_allclose(theirs[0].numpy(), part_box)

    smaller, small_box = resize(Image.fromarray(image), box, 32)
    assert smaller.size == (32, 32)
    np.testing.assert_allclose(functional.resize(boxes_, [32, 32])[0].numpy(), small_box)
"""


def compare_with_torchvision() -> None:
    """Raise where the functions of the lesson do not do what torchvision does."""
    exec(definitions(read("02_voc_annotations")) + COMPARE, {})


def test_flip_crop_and_resize_agree_with_torchvision(in_torch):
    in_torch(compare_with_torchvision)
