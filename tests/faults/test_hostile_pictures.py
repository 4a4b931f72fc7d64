"""Two thousand pictures, whole and spoiled: each is read as it is shown, or named."""

import io
import time
import zlib
from collections import Counter
from pathlib import Path

from coursekit.pictures import ORIENTATION, CorruptImageError, read_picture, size_of

import numpy as np
import psutil
import pytest
from PIL import Image

from turning import TURNS

N = 2000
LOST = 8.0  # of 255, on average, by a lossy format
LOSSLESS = {"PNG": ".png", "BMP": ".bmp", "TIFF": ".tif", "GIF": ".gif"}
LOSSY = {"JPEG": ".jpg", "WEBP": ".webp"}
KINDS = ("RGB", "L", "1", "P", "16", "LA", "RGBA", "CMYK", "YCbCr", "turned")


def pixels(rng, size: tuple[int, int]) -> np.ndarray:
    """Return a smooth picture, so that lossy formats keep it."""
    coarse = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def whole(rng) -> tuple[bytes, str, np.ndarray, float]:
    """Return a picture's file, ending, what it shows, and how far its numbers may be off."""
    size = tuple(int(side) for side in rng.integers(9, 60, 2))
    shown, kind = pixels(rng, size), str(rng.choice(KINDS))
    image, options = Image.fromarray(shown), {}
    form, off = "PNG", 0.0
    gray = np.asarray(image.convert("L"))
    if kind in ("RGB", "turned"):
        form = str(rng.choice([*LOSSLESS, *LOSSY]))
        form = "PNG" if form == "GIF" else form  # has 256 colors
        off = LOST if form in LOSSY else 0.0
    if kind in ("L", "1"):
        image = Image.fromarray(gray).convert(kind)
        shown = np.asarray(image.convert("RGB"))
        form = str(rng.choice([*LOSSLESS]))
    if kind == "P":
        image = image.quantize(64)
        shown, form = np.asarray(image.convert("RGB")), str(rng.choice(["PNG", "GIF", "BMP"]))
    if kind == "16":
        image = Image.fromarray(gray.astype(np.uint16) * 257)
        shown, form = np.repeat(gray[..., None], 3, 2), str(rng.choice(["PNG", "TIFF"]))
    if kind in ("LA", "RGBA"):
        alpha = np.where(rng.random(shown.shape[:2]) < 0.5, 0, 255).astype(np.uint8)
        base = image.convert("L").convert("RGB") if kind == "LA" else image
        shown = np.where(alpha[..., None] == 0, 255, np.asarray(base)).astype(np.uint8)
        image = image.convert(kind)
        image.putalpha(Image.fromarray(alpha))
    if kind in ("CMYK", "YCbCr"):
        image = image.convert(kind)
        shown, form, off = np.asarray(image.convert("RGB")), "JPEG", LOST
    if kind == "turned" and form != "BMP":  # which has no notes of a camera
        number = int(rng.choice([*TURNS][1:]))  # the first is upright
        image = image.transpose(TURNS[number])
        options["exif"] = image.getexif()
        options["exif"][ORIENTATION] = number
    if form in LOSSY:
        options |= {"quality": 95}
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue(), (LOSSLESS | LOSSY)[form], shown, off


def bomb(side: int) -> bytes:
    """Return a PNG of few bytes that says it has `side` × `side` pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    packed = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed)


def spoiled(rng, content: bytes) -> bytes:
    """Return what is surely not a whole picture."""
    way = rng.integers(6)
    if way == 0:
        return b""
    if way == 1:
        return content[: len(content) // 3]
    if way == 2:
        return b"<html>Not found</html>"
    if way == 3:
        return rng.bytes(300)
    if way == 4:
        return bomb(int(rng.choice([20_000, 65_000, 2**31 - 1])))
    return content[:12] + bytes(len(content) - 12)


def make(rng) -> tuple[bytes, str, np.ndarray | None, float]:
    """Return a file as `whole` does; what it shows is None for one that must be refused."""
    content, ending, shown, off = whole(rng)
    if rng.random() < 0.3:
        return spoiled(rng, content), ending, None, off
    if rng.random() < 0.1:  # a wrong name changes nothing
        ending = str(rng.choice([".jpg", ".png", ".gif"]))
    return content, ending, shown, off


@pytest.mark.filterwarnings("ignore")
def test_two_thousand_pictures_are_read_as_they_are_shown_or_named(tmp_path, proof):
    rng, counts, slowest = np.random.default_rng(14), Counter(), 0.0
    memory, most = psutil.Process(), 0
    before = memory.memory_info().rss
    for number in range(N):
        content, ending, shown, off = make(rng)
        file = Path(tmp_path, f"{number:04d}{ending}")
        file.write_bytes(content)
        start = time.process_time()
        try:
            picture = read_picture(file)
        except CorruptImageError as error:
            assert str(file) in str(error)
            counts["refused"] += 1
            assert shown is None, (number, str(error))
        else:
            counts["read"] += 1
            assert shown is not None, number
            assert picture.shape == shown.shape and picture.dtype == np.uint8
            away = np.abs(picture.astype(int) - shown)
            assert (away.mean() if off else away.max()) <= off + 1, (number, away.mean())
            assert size_of(file) == picture.shape[1::-1]
            square = read_picture(file, 32)
            again = Image.fromarray(picture).resize((32, 32), Image.Resampling.BILINEAR)
            assert np.abs(square.astype(int) - np.asarray(again)).mean() <= 12
        slowest = max(slowest, time.process_time() - start)
        most = max(most, memory.memory_info().rss)
    grown = (most - before) / 2**20
    assert counts["read"] + counts["refused"] == N
    assert min(counts.values()) > N / 5
    assert slowest < 2
    assert grown < 500
    proof(
        f"Of {N:,} pictures in {len(LOSSLESS | LOSSY)} formats, turned, transparent, of 1 to 16 "
        f"bits, {counts['read']:,} were read as they are shown, and {counts['refused']:,} were "
        "refused by name: cut off, empty, or no picture at all."
    )
