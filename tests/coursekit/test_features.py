import os
import shutil
import sys
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from coursekit import features, settings
from coursekit.features import CorruptImageError, extract, read_image

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from processes import python

N, BATCH = 11, 3  # the last batch has two pictures


@dataclass
class Mosaic:
    """A backbone made of NumPy: the mean color of each of 7 × 7 cells."""

    name: str = "mosaic"
    size: int = 14
    layers: tuple[str, ...] = ("last",)
    weights: float = 1.0
    calls: list[int] = field(default_factory=list)  # how many pictures each call brought

    shape = (7, 7, 3)

    @property
    def identity(self):
        return {"backbone": self.name, "layers": [*self.layers], "weights": self.weights}

    def __call__(self, images):
        assert images.dtype == np.uint8 and images.shape[1:] == (self.size, self.size, 3)
        self.calls.append(len(images))
        return self.weights * images.reshape(-1, 7, 2, 7, 2, 3).mean((2, 4), dtype=np.float32)


class Stopped(Mosaic):
    """One that a person interrupts in the third batch."""

    def __call__(self, images):
        if len(self.calls) == 2:
            raise KeyboardInterrupt
        return super().__call__(images)


class Pictures:
    """A data set of small JPEGs, and what `extract` makes of them."""

    def __init__(self, directory: Path, n: int = N):
        self.directory, self.folder = directory, directory / "features"
        (directory / "JPEGImages").mkdir(parents=True)
        rng = np.random.default_rng(7)
        names = [f"{number:06d}" for number in rng.permutation(n)]
        self.table = pd.DataFrame({"image_id": names, "filename": [f"{n}.jpg" for n in names]})
        for name in names:
            coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
            coarse.resize((60, 45)).save(self.file(name))

    def file(self, name: str) -> Path:
        return self.directory / "JPEGImages" / f"{name}.jpg"

    def extract(self, backbone=None, table=None, folder=None, batch=BATCH):
        return extract(
            Mosaic() if backbone is None else backbone,
            self.table if table is None else table,
            self.directory,
            folder=self.folder if folder is None else folder,
            batch=batch,
        )

    def spoil(self, row: int) -> str:
        """Cut a picture short; return its name."""
        name = self.table["image_id"][row]
        content = self.file(name).read_bytes()
        self.file(name).write_bytes(content[: len(content) // 2])
        return name


@pytest.fixture
def pictures(tmp_path):
    return Pictures(tmp_path / "set")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, but for those that are hidden."""
    return {file.name: file.read_bytes() for file in folder.glob("[!.]*.*")}


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
    images = np.stack([read_image(pictures.file(name), 14) for name in pictures.table["image_id"]])
    np.testing.assert_array_equal(maps, Mosaic()(images).astype(np.float16))
    assert image_ids == pictures.table["image_id"].tolist()
    assert image_ids != sorted(image_ids)  # it is the table's order that counts
    assert len(np.unique(maps.reshape(N, -1), axis=0)) == N


def test_the_maps_stay_on_disk(pictures):
    maps, _ = pictures.extract()
    assert isinstance(maps, np.memmap) and not maps.flags.writeable
    assert maps.dtype == np.float16 and maps.shape == (N, 7, 7, 3)
    (file,) = contents(pictures.folder)
    np.testing.assert_array_equal(np.load(pictures.folder / file), maps)


@pytest.mark.parametrize("batch", [1, N - 1, N, 50])
def test_any_size_of_the_batches_will_do(pictures, batch):
    backbone = Mosaic()
    maps, _ = pictures.extract(backbone, batch=batch)
    np.testing.assert_array_equal(maps, pictures.extract()[0])
    assert sum(backbone.calls) == N and max(backbone.calls) == min(batch, N)


def test_one_picture_and_none(pictures):
    maps, image_ids = pictures.extract(table=pictures.table[:1])
    assert maps.shape == (1, 7, 7, 3) and image_ids == [pictures.table["image_id"][0]]
    maps, image_ids = pictures.extract(table=pictures.table[:0])
    assert maps.shape == (0, 7, 7, 3) and image_ids == []


def test_by_default_the_file_lies_among_the_artifacts(pictures, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path / "artifacts"))
    maps, _ = extract(Mosaic(), pictures.table, pictures.directory)
    assert Path(maps.filename).parent == settings.artifacts() / "features"


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
    found = read_image(tmp_path / "a.png", 20)
    assert found.shape == (20, 20, 3) and found.dtype == np.uint8
    assert (found[:, :9] == [255, 0, 0]).all() and (found[:, 11:] == [0, 0, 255]).all()


def test_a_fine_pattern_becomes_its_mean(tmp_path):
    pattern = np.indices((60, 60)).sum(0) % 2 * 255
    Image.fromarray(pattern.astype(np.uint8)).save(tmp_path / "a.png")
    assert (np.abs(read_image(tmp_path / "a.png", 14)[1:-1, 1:-1] - 127.5) < 10).all()


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
    found = read_image(tmp_path / file, 14)
    assert found.shape == (14, 14, 3) and (np.abs(found - np.array(seen, int)) <= 2).all()


def test_a_picture_cut_anywhere_is_corrupt_and_named(pictures):
    file = pictures.file("000003")
    content = file.read_bytes()
    for end in range(0, len(content) - 40, 25):
        file.write_bytes(content[:end])
        with pytest.raises(CorruptImageError, match=r"000003\.jpg cannot be decoded"):
            read_image(file, 14)


def test_a_damaged_size_in_the_header_is_corrupt_too(pictures):
    file = pictures.file("000003")
    content = bytearray(file.read_bytes())
    place = content.index(b"\xff\xc0") + 5  # height and width in the frame header
    content[place : place + 4] = b"\xff\xff\xff\xff"
    file.write_bytes(content)
    with pytest.raises(CorruptImageError, match=r"000003\.jpg cannot be decoded"):
        read_image(file, 14)


# what is refused


def test_a_corrupt_picture_is_named_and_mended_by_its_owner(pictures):
    content = pictures.file(pictures.table["image_id"][4]).read_bytes()
    broken = pictures.spoil(4)
    with pytest.raises(CorruptImageError, match=rf"{broken}\.jpg cannot be decoded"):
        pictures.extract()
    assert not list(pictures.folder.glob("*.npy"))
    pictures.file(broken).write_bytes(content)
    assert len(pictures.extract()[0]) == N


def test_a_missing_picture_is_named(pictures):
    pictures.file("000003").unlink()
    with pytest.raises(FileNotFoundError, match=r"000003\.jpg"):
        pictures.extract()


def test_a_disk_without_room_is_named_before_anything_is_computed(pictures, monkeypatch):
    usage = namedtuple("usage", "total used free")
    need = 2 * N * 7 * 7 * 3
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, need - 1))
    backbone = Mosaic()
    with pytest.raises(OSError, match=r"need 0\.0 GB in .*features.* Make room, or set COURSEKIT"):
        pictures.extract(backbone)
    assert backbone.calls == [] and contents(pictures.folder) == {}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, need))
    assert len(pictures.extract(backbone)[0]) == N


def test_numbers_beyond_float16_are_refused(pictures):
    with pytest.raises(ValueError, match=r"a number beyond float16.* Take another layer"):
        pictures.extract(Mosaic(weights=1000.0))
    assert not list(pictures.folder.glob("*.npy"))


# a file for each content


def test_the_second_call_computes_nothing(pictures):
    first, second = Mosaic(), Mosaic()
    before = pictures.extract(first)
    written = {file: file.stat().st_mtime_ns for file in pictures.folder.glob("*.np*")}
    after = pictures.extract(second)
    assert first.calls == [3, 3, 3, 2] and second.calls == []
    assert written == {file: file.stat().st_mtime_ns for file in written}
    np.testing.assert_array_equal(before[0], after[0])


def other_content(pictures):
    image = Image.open(pictures.file("000003")).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image.save(pictures.file("000003"))
    return {}


CHANGES = {
    "a picture": other_content,
    "the backbone": lambda _: {"backbone": Mosaic(name="other")},
    "the weights": lambda _: {"backbone": Mosaic(weights=2.0)},
    "the layer": lambda _: {"backbone": Mosaic(layers=("first",))},
    "one layer more": lambda _: {"backbone": Mosaic(layers=("first", "last"))},
    "the batch": lambda _: {"batch": 4},
    "the order": lambda p: {"table": p.table[::-1]},
    "the choice": lambda p: {"table": p.table[1:]},
    "the names": lambda p: {"table": p.table.assign(image_id=[f"x{i}" for i in range(N)])},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_makes_a_new_file(pictures, change):
    pictures.extract()
    before = contents(pictures.folder)
    options = {"backbone": Mosaic()} | CHANGES[change](pictures)
    maps, image_ids = pictures.extract(**options)
    assert sum(options["backbone"].calls) == len(maps) == len(image_ids)
    after = contents(pictures.folder)
    assert len(after) == 2 and before.items() <= after.items()


def test_the_same_pictures_elsewhere_need_no_new_file(pictures):
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
        return read_image(file, size)

    class Watching(Mosaic):
        def __call__(self, images):
            held.append(len(read) - sum(self.calls))
            return super().__call__(images)

    monkeypatch.setattr(features, "read_image", counting)
    pictures.extract(Watching(), batch=2)
    assert len(held) == 30 and max(held) <= 2 * 2  # what is computed, and the next batch


def test_pictures_are_decoded_while_the_backbone_works(pictures, monkeypatch):
    busy, read = threading.Event(), threading.Event()

    def watching(file, size):
        image = read_image(file, size)
        if busy.is_set():
            read.set()
        return image

    class Slow(Mosaic):
        def __call__(self, images):
            if not self.calls:
                busy.set()
                assert read.wait(20), "nothing was decoded during the first forward pass"
            return super().__call__(images)

    def held_back(file, size):  # so that not all is decoded before the backbone begins
        if file.stem not in first:
            busy.wait(20)
        return watching(file, size)

    first = pictures.table["image_id"][:BATCH].tolist()
    monkeypatch.setattr(features, "read_image", held_back)
    assert len(pictures.extract(Slow())[0]) == N


def peaks(table, directory, folder) -> None:
    """Print the peak memory in MiB after a few pictures, and after many of them."""
    import resource

    class Large(Mosaic):
        shape = (7, 7, 3000)

        def __call__(self, images):
            return super().__call__(images).repeat(1000, axis=3)

    few = pd.read_json(table, dtype=str)
    many = pd.DataFrame({"image_id": range(300), "filename": few["filename"][0]})
    for pictures in (few, many):
        extract(Large(), pictures, directory, folder, batch=BATCH)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count in other units")
def test_memory_does_not_grow_with_the_pictures(pictures, tmp_path):
    before, after = map(float, elsewhere("peaks", pictures, tmp_path / "large").split())
    written = 300 * 7 * 7 * 3000 * 2 / 2**20
    assert after - before < written / 4


# others that work at the same time


def extract_together(me, other, table, directory, folder) -> None:
    """Extract at the same moment as another process; print how many pictures were computed."""

    class Slow(Mosaic):
        def __call__(self, images):
            time.sleep(0.1)
            return super().__call__(images)

    backbone = Slow()
    Path(me).touch()
    while not Path(other).exists():
        time.sleep(0.01)
    maps, _ = extract(backbone, pd.read_json(table, dtype=str), directory, folder, batch=BATCH)
    print(len(maps), sum(backbone.calls))


def test_processes_that_want_the_same_make_one_file(pictures, tmp_path):
    names = [tmp_path / "a", tmp_path / "b"]

    def start(here, there):
        return elsewhere("extract_together", pictures, pictures.folder, here, there)

    with ThreadPoolExecutor(2) as pool:
        shown = [*pool.map(start, names, names[::-1])]
    assert sorted(shown) == [f"{N} 0\n", f"{N} {N}\n"]
    assert len(contents(pictures.folder)) == 1


# interruptions


def die() -> None:
    """Be killed: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), 9)


def extract_and_die(moment, table, directory, folder) -> None:
    """Extract, in a process of its own that is killed at this moment."""
    open_memmap, write, count = features.open_memmap, features._write, features.write_whole
    replace, synced = Path.replace, []

    class Fatal(Mosaic):
        def __call__(self, images):
            return die() if len(self.calls) == 2 else super().__call__(images)

    def reserve_and_die(file, mode, *others):
        open_memmap(file, mode, *others)
        die()

    def write_half_and_die(part, row, maps):
        write(part, row, maps if row == 0 else maps[:1])
        if row > 0:
            die()

    def count_or_die(file, text):
        return die() if text == str(2 * BATCH) else count(file, text)

    def die_within_the_count(handle):
        synced.append(handle)
        if len(synced) == 2:
            die()

    def die_or_replace(self, target):
        return die() if Path(target).suffix == ".npy" else replace(self, target)

    def replace_and_die(self, target):
        replace(self, target)
        if Path(target).suffix == ".npy":
            die()

    place, name, deadly = {
        "the file is reserved": (features, "open_memmap", reserve_and_die),
        "some rows of the second batch are written": (features, "_write", write_half_and_die),
        "all of its rows are written": (features, "write_whole", count_or_die),
        "half of the count is written": (os, "fsync", die_within_the_count),
        "the third batch is computed": (sys.modules[__name__], "Mosaic", Fatal),
        "the file gets its name": (Path, "replace", die_or_replace),
        "the file has its name": (Path, "replace", replace_and_die),
    }[moment]
    setattr(place, name, deadly)
    extract(Mosaic(), pd.read_json(table, dtype=str), directory, folder, batch=BATCH)


COMPUTED_AGAIN = {  # pictures that the second run has to compute
    "the file is reserved": N,
    "some rows of the second batch are written": N - BATCH,
    "all of its rows are written": N - BATCH,
    "half of the count is written": N - BATCH,
    "the third batch is computed": N - 2 * BATCH,
    "the file gets its name": 0,
    "the file has its name": 0,
}


@pytest.mark.parametrize("moment", COMPUTED_AGAIN)
def test_a_run_killed_while_goes_on_and_gives_the_same_bytes(pictures, tmp_path, moment):
    elsewhere("extract_and_die", pictures, tmp_path / "killed", moment, killed=True)
    named = list((tmp_path / "killed").glob("*.npy"))
    assert len(named) == (moment == "the file has its name")
    backbone = Mosaic()
    pictures.extract(backbone, folder=tmp_path / "killed")
    assert sum(backbone.calls) == COMPUTED_AGAIN[moment]
    pictures.extract()
    assert contents(tmp_path / "killed") == contents(pictures.folder)


@pytest.mark.parametrize("moment", ["the file is reserved", "all of its rows are written"])
def test_a_count_without_its_maps_is_not_believed(pictures, tmp_path, moment):
    with pytest.raises(KeyboardInterrupt):
        pictures.extract(Stopped(), folder=tmp_path / "killed")
    next((tmp_path / "killed").glob("*.part")).unlink()
    elsewhere("extract_and_die", pictures, tmp_path / "killed", moment, killed=True)
    pictures.extract(folder=tmp_path / "killed")
    pictures.extract()
    assert contents(tmp_path / "killed") == contents(pictures.folder)
