"""A reader's own pictures, as a camera or a phone wrote them."""

from pathlib import Path

from coursekit.features import CorruptImageError

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
SUFFIXES += (".heic", ".heif")  # not read, but named
ANNOTATED = "_predicted.png"  # how our own pictures end, which are no answers to ask about
# what stands behind "ftyp" at the beginning of a file
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
EXPORT = (
    "is a HEIC picture, as phones write them, which this course does not read. Export it as JPEG; "
    "an iPhone takes JPEG when Settings > Camera > Formats says Most Compatible"
)


def find(path: str | Path) -> list[Path]:
    """Return a file as it is, and for a folder the pictures in it, by name; there may be none."""
    path = Path(path)
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.glob("[!.]*") if not file.name.endswith(ANNOTATED))
    return [file for file in files if file.suffix.lower() in SUFFIXES and file.is_file()]


def read(file: str | Path) -> np.ndarray:
    """Return a picture as it is shown: uint8 of shape (height, width, 3), RGB.

    A camera that was held upright writes the picture lying, and how to turn it; so it is turned.
    What is transparent becomes white; of several frames the first counts. `OSError` when the file
    cannot be opened, `CorruptImageError` when it is no picture that can be read.
    """
    with Path(file).open("rb") as stream:
        start = stream.read(12)
        stream.seek(0)
        try:
            with Image.open(stream) as image:
                return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
        except UnidentifiedImageError:
            heic = start[4:8] == b"ftyp" and start[8:] in HEIC
            reason = EXPORT if heic else "is no picture, or of a kind that Pillow does not read"
            raise CorruptImageError(f"{file} {reason}.") from None
        except Exception as error:  # decoders stumble over broken files in many ways
            raise CorruptImageError(f"{file} cannot be decoded: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its gray values are decimals, and nobody says which of them is white")
    if image.mode.startswith("I"):  # gray, 16 bits: Pillow would cut off all above 255
        gray = np.asarray(image) / 257
        image = Image.fromarray(gray.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def squeeze(picture: np.ndarray, size: int) -> np.ndarray:
    """Return a picture in a square of `size` pixels, as the pictures of the training were."""
    square = Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(square)
