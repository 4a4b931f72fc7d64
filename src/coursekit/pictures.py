"""Pictures, as a camera, a phone or a program wrote them: the one place where they are opened.

A camera that was held upright stores the picture on its side, and how to turn it (EXIF). Here it
is turned, wherever it is opened or measured; so a box that was drawn on what is shown fits.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
# what Pillow may try: it reads some forty formats, and each decoder has its own mistakes
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # in EXIF; width and height change places
# what follows "ftyp" at the beginning of a file
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
EXPORT = (
    "is a HEIC picture, as phones write them, which this course does not read. Export it as JPEG; "
    "an iPhone takes JPEG when Settings > Camera > Formats says Most Compatible"
)
SHRINK = f"cannot be decoded: it has more than {Image.MAX_IMAGE_PIXELS:,} pixels. Make it smaller"


class CorruptImageError(ValueError):
    """A picture that cannot be decoded. The message names the file."""


def read_picture(file: str | Path, size: int | None = None) -> np.ndarray:
    """Return a picture as it is shown: uint8 of shape (height, width, 3), RGB.

    With `size`, it is squeezed into a square of that many pixels. A picture that a camera
    stored on its side is turned; what is transparent becomes white; 16 bits become 8; the first of
    several frames counts. `FileNotFoundError` when the file is not there, `CorruptImageError` when
    it is not a picture that can be read.
    """
    with _decoding(file) as image:
        if size is not None:
            image.draft("RGB", (size, size))  # a JPEG twice as large is decoded at half its size
        shown = _to_rgb(ImageOps.exif_transpose(image))
        if size is not None:
            shown = shown.resize((size, size), Image.Resampling.BILINEAR)
        return np.array(shown)  # a copy, which may be written to


def size_of(file: str | Path) -> tuple[int, int]:
    """Return width and height of a picture as it is shown, without decoding it; errors as there."""
    with _decoding(file) as image:
        width, height = image.size
        return (height, width) if is_turned(image) else (width, height)


def is_turned(image: Image.Image) -> bool:
    """Return whether width and height change places where an opened picture is shown."""
    # of a TIFF, Pillow gives the size as it is shown
    return image.format != "TIFF" and image.getexif().get(ORIENTATION) in TURNED


@contextmanager
def _decoding(file: str | Path) -> Iterator[Image.Image]:
    """Yield an opened picture; whatever its decoder stumbles over becomes a `CorruptImageError`."""
    if not Path(file).exists():
        raise FileNotFoundError(f"There is no picture {file}. Add it, or remove what names it.")
    with Path(file).open("rb") as stream:
        start = stream.read(12)
        stream.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(stream, formats=FORMATS) as image:
                    yield image
        except UnidentifiedImageError:
            heic = start[4:8] == b"ftyp" and start[8:] in HEIC
            reason = EXPORT if heic else "is not a picture, or of a kind not read here"
            raise CorruptImageError(f"{file} {reason}.") from None
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise CorruptImageError(f"{file} {SHRINK}.") from error
        except Exception as error:  # decoders stumble over broken files in many ways
            raise CorruptImageError(f"{file} cannot be decoded: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "F":
        raise ValueError("its gray values are decimals, and nothing says which of them is white")
    if image.mode.startswith("I"):  # gray, 16 bits: Pillow would cut off all above 255
        gray = np.asarray(image) / 257
        image = Image.fromarray(gray.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")
