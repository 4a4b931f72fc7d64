"""`coursekit predict`: a line and an annotated picture for each of a reader's own pictures.

The command runs in the process for PyTorch, on a small model.
"""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import small_localizer

# what the process does


def predict(*arguments: str) -> tuple[int, str, str]:
    """Return status, stdout and stderr of the command."""
    from coursetools import cli

    out, err = io.StringIO(), io.StringIO()
    with (
        small_localizer.installed(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = cli.main(["predict", *arguments])
    return status, out.getvalue(), err.getvalue()


def line_of(found: dict, encoding: str) -> str:
    """Return the line that is printed on a terminal of this encoding."""
    from coursetools import predicting

    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding)):
        return predicting._line(found)


def save_trained(file: Path) -> None:
    small_localizer.trained(file)


# the tests


@pytest.fixture
def course(tmp_path, in_torch, monkeypatch) -> Path:
    """A folder for artifacts that has a trained model, and beside it a folder `mine`."""
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path / "artifacts"))
    in_torch(save_trained, tmp_path / "artifacts" / "models" / "localizer.safetensors")
    (tmp_path / "mine").mkdir()
    return tmp_path


def add(file: Path, width: int = 60, height: int = 40, **options) -> Path:
    """Write a picture of noise."""
    file.parent.mkdir(exist_ok=True)
    noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, **options)
    return file


@pytest.fixture
def run(in_torch, course):
    """Run the command, and return its status, the parsed lines, and what it complained about."""

    def run_it(*arguments):
        given = [*map(str, arguments), "--out", str(course / "out")]
        status, out, err = in_torch(predict, *given)
        return status, [json.loads(line) for line in out.splitlines()], err.splitlines()

    return run_it


def test_each_picture_gets_a_line_and_an_annotated_copy(run, course):
    file = add(course / "mine" / "rex.jpg")
    original = file.read_bytes()
    status, (line,), complaints = run(file)
    assert (status, complaints) == (0, [])
    assert [*line] == [
        *("file", "width", "height", "pred_name", "confidence"),
        *("pred_xmin", "pred_ymin", "pred_xmax", "pred_ymax", "annotated"),
    ]
    assert (line["file"], line["width"], line["height"]) == (str(file), 60, 40)
    assert line["pred_name"] in small_localizer.CLASSES and 1 / 3 < line["confidence"] <= 1
    assert line["confidence"] == round(line["confidence"], 4)
    assert 0 <= line["pred_xmin"] <= line["pred_xmax"] <= 60
    assert 0 <= line["pred_ymin"] <= line["pred_ymax"] <= 40
    annotated = course / "out" / "rex_predicted.png"
    assert line["annotated"] == str(annotated) and file.read_bytes() == original
    with Image.open(annotated) as image:
        image.load()
        assert image.width > 500


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_letter_is_shown_as_it_is_where_that_can_be(in_torch, encoding):
    line = in_torch(line_of, {"file": "Grünspecht.jpg"}, encoding)
    assert json.loads(line) == {"file": "Grünspecht.jpg"}
    assert ("Grünspecht" in line) == (encoding == "utf-8")


def test_a_folder_stands_for_its_pictures(run, course):
    for name in ("b.png", "a.jpg"):
        add(course / "mine" / name)
    status, lines, complaints = run(course / "mine")
    assert (status, complaints) == (0, [])
    assert [Path(line["file"]).name for line in lines] == ["a.jpg", "b.png"]


def test_what_is_no_picture_is_named_and_the_others_are_done(run, course):
    good = [add(course / "mine" / name) for name in ("a.jpg", "z.jpg")]
    (course / "mine" / "notes.txt").write_text("no picture")
    (course / "mine" / "short.jpg").write_bytes(good[0].read_bytes()[:500])
    (course / "mine" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    (course / "empty").mkdir()
    names = ["a.jpg", "notes.txt", "short.jpg", "IMG_1.HEIC", "none.jpg", "z.jpg"]
    status, lines, complaints = run(*(course / "mine" / name for name in names), course / "empty")
    assert status == 1 and [line["file"] for line in lines] == [str(file) for file in good]
    assert all(words.startswith("coursekit predict: ") for words in complaints)
    text, short, heic, missing, empty = complaints
    assert f"{course / 'mine' / 'notes.txt'} is not a picture" in text
    assert "short.jpg cannot be decoded" in short
    assert "IMG_1.HEIC is a HEIC picture" in heic and "Export it as JPEG" in heic
    assert "none.jpg" in missing
    assert f"{course / 'empty'} is a folder without pictures." in empty


def test_pictures_of_extreme_shapes_are_pictures(run, course):
    shapes = [(1, 1), (1, 50), (50, 1), (8000, 10), (10, 8000)]
    for width, height in shapes:
        add(course / "mine" / f"{width}x{height}.png", width, height)
    status, lines, complaints = run(*(course / "mine" / f"{w}x{h}.png" for w, h in shapes))
    assert (status, complaints) == (0, [])
    assert [(line["width"], line["height"]) for line in lines] == shapes
    for line in lines:
        with Image.open(line["annotated"]) as image:
            assert 1 / 20 < image.width / image.height < 20, line


def test_sizes_are_those_of_the_picture_as_it_is_shown(run, course):
    exif = Image.Exif()
    exif[0x0112] = 6
    _, (line,), _ = run(add(course / "mine" / "upright.jpg", 60, 40, exif=exif))
    assert (line["width"], line["height"]) == (40, 60)
    with Image.open(line["annotated"]) as image:
        assert image.height > image.width


def test_two_pictures_of_one_name_do_not_overwrite_each_other(run, course):
    files = [add(course / folder / "rex.jpg", w) for folder, w in (("mine", 40), ("yours", 60))]
    files.append(add(course / "mine" / "Rex.png", 50))
    _, lines, _ = run(*files)
    names = [Path(line["annotated"]).name for line in lines]
    assert names == ["rex_predicted.png", "rex_2_predicted.png", "Rex_3_predicted.png"]
    _, again, _ = run(*files)  # a second run replaces what the first has written
    assert again == lines and len([*(course / "out").iterdir()]) == 3


def test_annotated_pictures_are_no_new_questions(run, course):
    add(course / "out" / "rex.jpg")
    assert [len(run(course / "out")[1]) for _ in range(2)] == [1, 1]


def test_another_model_can_be_named(run, course, monkeypatch):
    trained = course / "artifacts" / "models" / "localizer.safetensors"
    other = course / "results" / "models" / "localizer.safetensors"  # as with --out results
    other.parent.mkdir(parents=True)
    trained.rename(other)
    picture = add(course / "mine" / "rex.jpg")
    status, lines, (words,) = run(picture)
    assert (status, lines) == (1, [])
    assert words == (
        f"coursekit predict: There is no trained model {trained} yet. "
        "Run notebooks/04_pytorch_two_heads.ipynb first. A run with --out DIR has it in "
        "DIR/models/localizer.safetensors: name that file with --model."
    )
    monkeypatch.setenv("COURSEKIT_HOME", str(course / "home"))
    ran = course / "home" / "runs" / "mini" / "models" / other.name  # as without --out
    ran.parent.mkdir(parents=True)
    ran.touch()
    _, _, (words,) = run(picture)
    assert words.endswith(f"But a run has written one: add `--model {ran}`.")
    status, (line,), complaints = run(picture, "--model", other)
    assert (status, complaints) == (0, []) and line["pred_name"] in small_localizer.CLASSES
    status, _, (words,) = run(picture, "--model", picture)
    assert status == 1 and f"{picture} is not a trained model, or is damaged" in words


def test_a_file_in_place_of_the_folder_is_named(run, course):
    (course / "out").touch()
    status, lines, (words,) = run(add(course / "mine" / "rex.jpg"))
    assert (status, lines) == (1, []) and str(course / "out") in words
