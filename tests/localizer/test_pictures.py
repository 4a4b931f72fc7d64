"""A reader's pictures: turned as they are shown, of any kind, and named where they are none."""

from coursekit.pictures import ORIENTATION, CorruptImageError, read_picture
from localizer import pictures

import numpy as np
import pytest
from PIL import Image

from turning import TURNS


def noise(height: int = 6, width: int = 9) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("number", TURNS)
def test_a_picture_is_turned_as_it_is_shown(tmp_path, number):
    image = Image.fromarray(noise())
    exif = image.getexif()
    exif[ORIENTATION] = number
    lying = image if TURNS[number] is None else image.transpose(TURNS[number])
    lying.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "turned.png"), noise())


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("notes", [b"MM\0*\0\0\0\x08\0\x09\x01\x12", b"MM\0*", b"nonsense", b""])
def test_notes_of_a_camera_that_cannot_be_read_do_no_harm(tmp_path, notes):
    file = tmp_path / "notes.jpg"
    Image.fromarray(noise()).save(file, exif=b"Exif\0\0" + notes)
    assert read_picture(file).shape == (6, 9, 3)


GRAY = Image.new("L", (9, 6), 100)
CLEAR = Image.new("RGBA", (9, 6), (200, 0, 0, 0))
HALF = Image.new("RGBA", (9, 6), (0, 0, 0, 128))
DEEP = Image.fromarray(np.full((6, 9), 128 * 257, np.uint16))
PALETTE = Image.new("RGB", (9, 6), (10, 20, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
KINDS = {
    "gray.png": (GRAY, (100, 100, 100)),
    "gray.jpg": (GRAY, (100, 100, 100)),
    "black and white.png": (Image.new("1", (9, 6), 1), (255, 255, 255)),
    "clear.png": (CLEAR, (255, 255, 255)),
    "half.webp": (HALF, (127, 127, 127)),
    "gray and clear.png": (CLEAR.convert("LA"), (255, 255, 255)),
    "palette.gif": (PALETTE, (10, 20, 30)),
    "clear palette.png": (CLEAR.quantize(), (255, 255, 255)),
    "print.jpg": (Image.new("CMYK", (9, 6), (0, 0, 0, 255)), (0, 0, 0)),
    "sixteen bits.png": (DEEP, (128, 128, 128)),
    "sixteen bits.tif": (DEEP, (128, 128, 128)),
    "plain.bmp": (Image.new("RGB", (9, 6), (1, 2, 3)), (1, 2, 3)),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_picture_of_any_kind_becomes_rgb(tmp_path, name):
    image, color = KINDS[name]
    image.save(tmp_path / name)
    picture = read_picture(tmp_path / name)
    assert picture.shape == (6, 9, 3) and picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - color).max() <= 2


def test_of_several_frames_the_first_counts(tmp_path):
    first, second = (Image.new("RGB", (9, 6), color) for color in ("white", "black"))
    first.save(tmp_path / "film.gif", save_all=True, append_images=[second])
    assert read_picture(tmp_path / "film.gif").min() == 255


def test_decimals_are_refused(tmp_path):
    Image.new("F", (9, 6), 0.5).save(tmp_path / "decimals.tif")
    with pytest.raises(CorruptImageError, match=r"decimals\.tif cannot be decoded: its gray"):
        read_picture(tmp_path / "decimals.tif")


def test_heic_is_named_with_what_to_do(tmp_path):
    file = tmp_path / "IMG_0001.HEIC"
    file.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(CorruptImageError, match=r"IMG_0001\.HEIC is a HEIC picture.* JPEG"):
        read_picture(file)


@pytest.mark.parametrize(
    "name, content",
    [
        ("notes.txt", b"not a picture"),
        ("empty.jpg", b""),
        ("film.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isom"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptImageError, match=rf"{name} is not a picture"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("name", ["short.jpg", "short.png", "short.tif", "short.gif", "short.webp"])
def test_a_picture_that_was_cut_short_is_named(tmp_path, name):
    file = tmp_path / name
    Image.fromarray(noise(60, 90)).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(CorruptImageError, match=rf"{name} (cannot be decoded|is not a picture)"):
        read_picture(file)


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no picture .*none\.jpg\. Add it"):
        read_picture(tmp_path / "none.jpg")


def test_a_picture_is_squeezed_as_in_training(tmp_path):
    file = tmp_path / "noise.jpg"
    Image.fromarray(noise(40, 60)).save(file)
    square = pictures.squeeze(read_picture(file), 32)
    np.testing.assert_array_equal(square, read_picture(file, 32))


def test_a_folder_stands_for_its_pictures(tmp_path):
    names = ["b.JPG", "a.png", "c.heic", ".hidden.jpg", "a_predicted.png", "notes.txt"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "empty.jpg").mkdir()
    found = [file.name for file in pictures.find(tmp_path)]
    assert found == ["a.png", "b.JPG", "c.heic"]
    assert pictures.find(tmp_path / "empty.jpg") == []
    assert pictures.find(str(tmp_path / "notes.txt")) == [tmp_path / "notes.txt"]
