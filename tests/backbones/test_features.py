import os
import shutil
import sys
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backbones import features
from backbones.features import extract
from coursekit import settings
from coursekit.pictures import CorruptImageError, read_picture

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mosaic import BATCH, NUMBERS, SHAPES, Mosaic, N, Pictures, Slow, Stopped, contents
from processes import python


@pytest.fixture
def pictures(tmp_path):
    return Pictures(tmp_path / "set")


def finished(folder: Path) -> list[Path]:
    """Return the folders in it that are complete."""
    return [one for one in folder.glob("mosaic-*") if one.suffix != ".part"]


def assert_whole(extracted: tuple[dict, list[str]]) -> None:
    maps, image_ids = extracted
    assert [len(image_ids), *map(len, maps.values())] == [N] * 3


def assert_same_maps(ours: dict, theirs: dict) -> None:
    assert [*ours] == [*theirs]
    for layer, maps in ours.items():
        np.testing.assert_array_equal(maps, theirs[layer])


def elsewhere(function: str, pictures: Pictures, folder, *arguments, killed=False) -> str:
    """Return what a function of this module prints in a process of its own."""
    folder.mkdir(exist_ok=True)
    pictures.table.to_json(table := folder.with_suffix(".table"))
    code = f"import sys, test_features; test_features.{function}(*sys.argv[1:])"
    everything = (*arguments, table, pictures.directory, folder)
    run = python("-c", code, *everything, PYTHONPATH=os.pathsep.join(sys.path))
    assert abs(run.returncode) == (9 if killed else 0), run.stderr
    return run.stdout


# what comes out


def test_the_maps_are_those_of_a_direct_computation(pictures):
    maps, image_ids = pictures.extract()
    images = np.stack(
        [read_picture(pictures.file(name), 14) for name in pictures.table["image_id"]]
    )
    wanted = {layer: one.astype(np.float16) for layer, one in Mosaic().maps(images).items()}
    assert_same_maps(maps, wanted)
    assert image_ids == pictures.table["image_id"].tolist()
    assert image_ids != sorted(image_ids)  # it is the table's order that counts
    assert len(np.unique(maps["fine"].reshape(N, -1), axis=0)) == N


def test_the_maps_stay_on_disk(pictures):
    maps, _ = pictures.extract()
    (folder,) = finished(pictures.folder)
    assert {layer: one.shape for layer, one in maps.items()} == {
        layer: (N, *shape) for layer, shape in SHAPES.items()
    }
    for layer, one in maps.items():
        assert isinstance(one, np.memmap) and not one.flags.writeable
        assert one.dtype == np.float16
        np.testing.assert_array_equal(np.load(folder / f"{layer}.npy"), one)


@pytest.mark.parametrize("batch", [1, N - 1, N, 50])
def test_any_size_of_the_batches_will_do(pictures, batch):
    backbone = Mosaic()
    maps, _ = pictures.extract(backbone, batch=batch)
    assert_same_maps(maps, pictures.extract()[0])
    assert sum(backbone.calls) == N and max(backbone.calls) == min(batch, N)


def test_one_picture_and_none(pictures):
    maps, image_ids = pictures.extract(table=pictures.table[:1])
    assert maps["coarse"].shape == (1, 2, 2, 5) and image_ids == [pictures.table["image_id"][0]]
    maps, image_ids = pictures.extract(table=pictures.table[:0])
    assert maps["coarse"].shape == (0, 2, 2, 5) and image_ids == []


def test_by_default_the_files_lie_among_the_artifacts(pictures, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path / "artifacts"))
    maps, _ = extract(Mosaic(), pictures.table, pictures.directory)
    assert Path(maps["fine"].filename).parents[1] == settings.artifacts() / "features"


def test_progress_is_shown(pictures, monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with pytest.raises(KeyboardInterrupt):
        pictures.extract(Stopped())
    capsys.readouterr()
    pictures.extract()
    shown = capsys.readouterr().err
    assert f"{2 * BATCH}/{N}" in shown  # it goes on where it stopped
    assert "mosaic: 100%" in shown and f"{N}/{N}" in shown
    pictures.extract()
    assert capsys.readouterr().err == ""


# reading


def test_a_picture_is_squeezed_into_a_square(tmp_path):
    image = Image.new("RGB", (80, 40), (255, 0, 0))
    image.paste((0, 0, 255), (40, 0, 80, 40))
    image.save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", 20)
    assert found.shape == (20, 20, 3) and found.dtype == np.uint8
    assert (found[:, :9] == [255, 0, 0]).all() and (found[:, 11:] == [0, 0, 255]).all()


def test_a_fine_pattern_becomes_its_mean(tmp_path):
    pattern = np.indices((60, 60)).sum(0) % 2 * 255
    Image.fromarray(pattern.astype(np.uint8)).save(tmp_path / "a.png")
    assert (np.abs(read_picture(tmp_path / "a.png", 14)[1:-1, 1:-1] - 127.5) < 10).all()


def test_a_large_jpeg_is_decoded_at_half_its_size_and_looks_the_same(tmp_path, monkeypatch):
    resize, sizes = Image.Image.resize, []

    def watching(self, *arguments):
        sizes.append(self.size)
        return resize(self, *arguments)

    waves = np.sin(np.indices((70, 90)).sum(0)[..., None] / [3, 5, 9])
    picture = Image.fromarray((127.5 + 127 * waves).astype(np.uint8))
    for suffix in ("jpg", "png"):
        picture.save(tmp_path / f"a.{suffix}", quality=95)
    monkeypatch.setattr(Image.Image, "resize", watching)
    whole, half, small = (
        read_picture(tmp_path / f"a.{suffix}", size).astype(int)
        for suffix, size in (("png", 30), ("jpg", 30), ("jpg", 36))
    )
    assert sizes == [(90, 70), (45, 35), (90, 70)] and small.shape == (36, 36, 3)
    assert np.ptp(whole) > 150 and np.abs(whole - half).mean() < 8


@pytest.mark.parametrize(
    "mode, color, file, seen",
    [
        ("L", 90, "a.jpg", (90, 90, 90)),
        ("CMYK", (0, 255, 0, 0), "a.jpg", (255, 0, 255)),
        ("RGBA", (10, 200, 30, 255), "a.png", (10, 200, 30)),
        ("P", 0, "a.png", (0, 0, 0)),
        ("1", 1, "a.png", (255, 255, 255)),
    ],
)
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode, color, file, seen):
    Image.new(mode, (30, 20), color).save(tmp_path / file)
    found = read_picture(tmp_path / file, 14)
    assert found.shape == (14, 14, 3) and (np.abs(found - np.array(seen, int)) <= 2).all()


def test_a_picture_cut_anywhere_is_corrupt_and_named(pictures):
    file = pictures.file("000003")
    content = file.read_bytes()
    for end in range(0, len(content) - 40, 25):
        file.write_bytes(content[:end])
        with pytest.raises(
            CorruptImageError, match=r"000003\.jpg (cannot be decoded|is not a picture)"
        ):
            read_picture(file, 14)


def test_a_damaged_size_in_the_header_is_corrupt_too(pictures):
    file = pictures.file("000003")
    content = bytearray(file.read_bytes())
    place = content.index(b"\xff\xc0") + 5  # height and width in the frame header
    content[place : place + 4] = b"\xff\xff\xff\xff"
    file.write_bytes(content)
    with pytest.raises(
        CorruptImageError, match=r"000003\.jpg (cannot be decoded|is not a picture)"
    ):
        read_picture(file, 14)


# what is refused


def test_a_corrupt_picture_is_named_and_mended_by_its_owner(pictures):
    content = pictures.file(pictures.table["image_id"][4]).read_bytes()
    broken = pictures.spoil(4)
    with pytest.raises(CorruptImageError, match=rf"{broken}\.jpg cannot be decoded"):
        pictures.extract()
    assert finished(pictures.folder) == []
    pictures.file(broken).write_bytes(content)
    assert_whole(pictures.extract())


def test_a_missing_picture_is_named(pictures):
    pictures.file("000003").unlink()
    with pytest.raises(FileNotFoundError, match=r"000003\.jpg"):
        pictures.extract()


def test_a_disk_without_room_is_named_before_anything_is_computed(pictures, monkeypatch):
    usage = namedtuple("usage", "total used free")
    need = 2 * N * NUMBERS
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, need - 1))
    backbone = Mosaic()
    with pytest.raises(OSError, match=r"need 0\.0 GB in .*features.* Make room, or set COURSEKIT"):
        pictures.extract(backbone)
    assert backbone.calls == [] and contents(pictures.folder) == {}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, need))
    assert_whole(pictures.extract(backbone))


def test_numbers_beyond_float16_are_refused(pictures):
    with pytest.raises(ValueError, match=r"Layer fine gave a number beyond float16"):
        pictures.extract(Mosaic(weights=1000.0))
    assert finished(pictures.folder) == []


# a folder for each content


def test_the_second_call_computes_nothing(pictures):
    first, second = Mosaic(), Mosaic()
    before = pictures.extract(first)
    written = {file: file.stat().st_mtime_ns for file in pictures.folder.glob("*/*")}
    after = pictures.extract(second)
    assert first.calls == [3, 3, 3, 2] and second.calls == []
    assert written == {file: file.stat().st_mtime_ns for file in written}
    assert_same_maps(before[0], after[0])


def other_content(pictures):
    image = Image.open(pictures.file("000003")).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image.save(pictures.file("000003"))
    return {}


CHANGES = {
    "a picture": other_content,
    "the backbone": lambda _: {"backbone": Mosaic(name="other")},
    "the weights": lambda _: {"backbone": Mosaic(weights=2.0)},
    "the layers": lambda _: {"backbone": Mosaic(layers=("coarse",))},
    "their order": lambda _: {"backbone": Mosaic(layers=("coarse", "fine"))},
    "the batch": lambda _: {"batch": 4},
    "the order": lambda p: {"table": p.table[::-1]},
    "the choice": lambda p: {"table": p.table[1:]},
    "the names": lambda p: {"table": p.table.assign(image_id=[f"x{i}" for i in range(N)])},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_makes_a_new_folder(pictures, change):
    pictures.extract()
    before = contents(pictures.folder)
    options = {"backbone": Mosaic()} | CHANGES[change](pictures)
    maps, image_ids = pictures.extract(**options)
    assert sum(options["backbone"].calls) == len(maps["coarse"]) == len(image_ids)
    assert len([*pictures.folder.glob("[!.]*")]) == 2
    assert before.items() <= contents(pictures.folder).items()


def test_the_same_pictures_elsewhere_need_no_new_folder(pictures):
    pictures.extract()
    backbone = Mosaic()
    moved = pictures.directory.rename(pictures.directory.with_name("moved"))
    extract(backbone, pictures.table, moved, folder=moved / "features", batch=BATCH)
    assert backbone.calls == []


# streaming


def test_decoding_stays_a_few_batches_ahead(tmp_path, monkeypatch):
    pictures = Pictures(tmp_path / "set", n=60)
    read, held = [], []

    def counting(file, size):
        read.append(file)
        return read_picture(file, size)

    class Watching(Mosaic):
        def maps(self, images):
            held.append(len(read) - sum(self.calls))
            return super().maps(images)

    monkeypatch.setattr(features, "read_picture", counting)
    pictures.extract(Watching(), batch=2)
    assert len(held) == 30 and max(held) <= 2 * 2  # what is computed, and the next batch


def test_pictures_are_decoded_while_the_backbone_works(pictures, monkeypatch):
    busy, read = threading.Event(), threading.Event()

    def watching(file, size):
        image = read_picture(file, size)
        if busy.is_set():
            read.set()
        return image

    class Watched(Mosaic):
        def maps(self, images):
            if not self.calls:
                busy.set()
                assert read.wait(20), "nothing was decoded during the first forward pass"
            return super().maps(images)

    def held_back(file, size):  # so that not all is decoded before the backbone begins
        if file.stem not in first:
            busy.wait(20)
        return watching(file, size)

    first = pictures.table["image_id"][:BATCH].tolist()
    monkeypatch.setattr(features, "read_picture", held_back)
    assert_whole(pictures.extract(Watched()))


def peaks(table, directory, folder) -> None:
    """Print the peak memory in MiB after a few pictures, and after many of them."""
    import resource

    class Large(Mosaic):
        @property
        def shapes(self):
            return {layer: (*shape[:2], 1000 * shape[2]) for layer, shape in SHAPES.items()}

        def maps(self, images):
            return {layer: one.repeat(1000, 3) for layer, one in super().maps(images).items()}

    few = pd.read_json(table, dtype=str)
    many = pd.DataFrame({"image_id": range(300), "filename": few["filename"][0]})
    for pictures in (few, many):
        extract(Large(), pictures, directory, folder, batch=BATCH)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count in other units")
def test_memory_does_not_grow_with_the_pictures(pictures, tmp_path):
    before, after = map(float, elsewhere("peaks", pictures, tmp_path / "large").split())
    written = 300 * 1000 * NUMBERS * 2 / 2**20
    assert after - before < written / 4


# others that work at the same time


def extract_together(me, other, table, directory, folder) -> None:
    """Extract at the same moment as another process; print how many pictures were computed."""

    backbone = Slow(seconds=0.1)
    Path(me).touch()
    while not Path(other).exists():
        time.sleep(0.01)
    maps, _ = extract(backbone, pd.read_json(table, dtype=str), directory, folder, batch=BATCH)
    print(len(maps["fine"]), sum(backbone.calls))


def test_processes_that_want_the_same_make_one_folder(pictures, tmp_path):
    names = [tmp_path / "a", tmp_path / "b"]

    def start(here, there):
        return elsewhere("extract_together", pictures, pictures.folder, here, there)

    with ThreadPoolExecutor(2) as pool:
        shown = [*pool.map(start, names, names[::-1])]
    assert sorted(shown) == [f"{N} 0\n", f"{N} {N}\n"]
    assert len(finished(pictures.folder)) == 1


# interruptions


def die() -> None:
    """Be killed: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), 9)


def extract_and_die(moment, table, directory, folder) -> None:
    """Extract, in a process of its own that is killed at this moment."""
    open_memmap, count, replace = features.open_memmap, features.write_whole, Path.replace
    opened, synced = [], []

    class Fatal(Mosaic):
        def maps(self, images):
            return die() if len(self.calls) == 2 else super().maps(images)

    def reserve_and_die(file, mode, *others):
        open_memmap(file, mode, *others)
        if file.stem == "coarse":
            die()

    def die_within_the_batch(file, mode, *others):
        opened.append(mode)
        # it is opened for both layers of the first batch, and for one of the second
        return die() if opened.count("r+") == 4 else open_memmap(file, mode, *others)

    def count_or_die(file, text):
        return die() if text == str(2 * BATCH) else count(file, text)

    def die_within_the_count(handle):
        synced.append(handle)
        if len(synced) == 2:  # the first batch, the second
            die()

    def die_or_replace(self, target):
        return die() if self.suffix == ".part" else replace(self, target)

    def replace_and_die(self, target):
        replace(self, target)
        if self.suffix == ".part":
            die()

    place, name, deadly = {
        "the files are reserved": (features, "open_memmap", reserve_and_die),
        "one layer of the second batch is written": (features, "open_memmap", die_within_the_batch),
        "both its layers are written": (features, "write_whole", count_or_die),
        "half of the count is written": (os, "fsync", die_within_the_count),
        "the third batch is computed": (sys.modules[__name__], "Mosaic", Fatal),
        "the folder gets its name": (Path, "replace", die_or_replace),
        "the folder has its name": (Path, "replace", replace_and_die),
    }[moment]
    setattr(place, name, deadly)
    extract(Mosaic(), pd.read_json(table, dtype=str), directory, folder, batch=BATCH)


COMPUTED_AGAIN = {  # pictures that the second run has to compute
    "the files are reserved": [N],
    "one layer of the second batch is written": [N - BATCH],
    "both its layers are written": [N - BATCH],
    "half of the count is written": [N - BATCH],
    # the second may still have been on its way to the disk
    "the third batch is computed": [N - BATCH, N - 2 * BATCH],
    "the folder gets its name": [0],
    "the folder has its name": [0],
}


@pytest.mark.parametrize("moment", COMPUTED_AGAIN)
def test_a_run_killed_while_goes_on_and_gives_the_same_bytes(pictures, tmp_path, moment):
    elsewhere("extract_and_die", pictures, tmp_path / "killed", moment, killed=True)
    assert len(finished(tmp_path / "killed")) == (moment == "the folder has its name")
    backbone = Mosaic()
    pictures.extract(backbone, folder=tmp_path / "killed")
    assert sum(backbone.calls) in COMPUTED_AGAIN[moment]
    pictures.extract()
    assert contents(tmp_path / "killed") == contents(pictures.folder)
