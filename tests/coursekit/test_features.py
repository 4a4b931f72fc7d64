import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from coursekit import features, settings
from coursekit.features import CorruptImageError, extract, read_image

import numpy as np
import pandas as pd
import pytest
from PIL import Image

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

    def extract(self, backbone=None, table=None, folder=None, batch=BATCH, **options):
        return extract(
            Mosaic() if backbone is None else backbone,
            self.table if table is None else table,
            self.directory,
            folder=self.folder if folder is None else folder,
            batch=batch,
            **options,
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
    """Return the finished files of a folder."""
    return {file.name: file.read_bytes() for file in folder.glob("*.*") if file.suffix != ".lock"}


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
    (file,) = pictures.folder.glob("*.npy")
    np.testing.assert_array_equal(np.load(file), maps)
    assert sorted(contents(pictures.folder)) == sorted([file.name, f"{file.stem}.json"])


@pytest.mark.parametrize("batch", [1, N - 1, N, 50])
def test_any_size_of_the_batches_will_do(pictures, batch):
    backbone = Mosaic()
    maps, _ = pictures.extract(backbone, batch=batch)
    np.testing.assert_array_equal(maps, pictures.extract().maps)
    assert sum(backbone.calls) == N and max(backbone.calls) == min(batch, N)


def test_one_picture_and_none(pictures):
    assert pictures.extract(table=pictures.table[:1]).maps.shape == (1, 7, 7, 3)
    nothing = pictures.extract(table=pictures.table[:0])
    assert nothing.maps.shape == (0, 7, 7, 3) and nothing.image_ids == []


def test_by_default_the_file_lies_among_the_artifacts(pictures, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", str(tmp_path / "artifacts"))
    maps, _ = extract(Mosaic(), pictures.table, pictures.directory)
    assert Path(maps.filename).parent == settings.artifacts() / "features"


def test_progress_is_shown(pictures, monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    pictures.extract()
    assert "mosaic: 100%" in (shown := capsys.readouterr().err) and f"{N}/{N}" in shown
    pictures.extract()
    assert capsys.readouterr().err == ""
    pictures.spoil(7)
    with pytest.raises(CorruptImageError):
        pictures.extract()
    capsys.readouterr()
    pictures.extract(skip_corrupt=True)
    assert f"6/{N}" in capsys.readouterr().err  # it goes on where it stopped


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


# pictures that cannot be read


def test_a_corrupt_picture_is_named_and_skipped_only_when_asked(pictures):
    names = pictures.table["image_id"].tolist()
    whole = np.array(pictures.extract().maps)
    broken = [pictures.spoil(row) for row in (4, 7)]
    with pytest.raises(CorruptImageError, match=rf"{broken[0]}\.jpg cannot be decoded"):
        pictures.extract()
    maps, image_ids = pictures.extract(skip_corrupt=True)
    assert image_ids == [name for name in names if name not in broken]
    np.testing.assert_array_equal(maps, np.delete(whole, [4, 7], axis=0))
    with pytest.raises(CorruptImageError, match=rf"{broken[0]}\.jpg cannot be decoded"):
        pictures.extract()
    again = Mosaic()
    assert pictures.extract(again, skip_corrupt=True).image_ids == image_ids and not again.calls


def test_a_batch_of_corrupt_pictures_only_is_skipped_too(pictures):
    for row in range(3, 6):
        pictures.spoil(row)
    backbone = Mosaic()
    maps, image_ids = pictures.extract(backbone, skip_corrupt=True)
    assert len(maps) == len(image_ids) == N - 3 and backbone.calls == [3, 3, 2]


def test_nothing_but_corrupt_pictures(pictures):
    for row in range(N):
        pictures.spoil(row)
    maps, image_ids = pictures.extract(skip_corrupt=True)
    assert maps.shape == (0, 7, 7, 3) and image_ids == []


def test_a_mended_picture_is_read_anew(pictures):
    content = pictures.file(pictures.table["image_id"][4]).read_bytes()
    broken = pictures.spoil(4)
    assert len(pictures.extract(skip_corrupt=True).maps) == N - 1
    pictures.file(broken).write_bytes(content)
    assert len(pictures.extract().maps) == N


def test_a_missing_picture_is_named(pictures):
    pictures.file("000003").unlink()
    for skip in (False, True):
        with pytest.raises(FileNotFoundError, match=r"000003\.jpg"):
            pictures.extract(skip_corrupt=skip)


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
    np.testing.assert_array_equal(before.maps, after.maps)


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
    assert len(after) == 4 and before.items() <= after.items()


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
    assert len(held) == 30 and max(held) <= 2 * (1 + features.THREADS)


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
    assert len(pictures.extract(Slow()).maps) == N


def test_threads_that_want_the_same_make_one_file(pictures):
    backbones = [Mosaic() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(pictures.extract, backbones))
    assert sorted(sum(one.calls) for one in backbones) == [0, 0, 0, N]
    for maps, image_ids in found:
        np.testing.assert_array_equal(maps, found[0].maps)
        assert image_ids == found[0].image_ids
    assert len(contents(pictures.folder)) == 2


# interruptions


def die() -> None:
    """Be killed: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), 9)


def extract_and_die(moment, table, directory, folder) -> None:
    """Extract, in a process of its own that is killed at this moment."""

    class Fatal(Mosaic):
        def __call__(self, images):
            if len(self.calls) == 2 and moment == "during the third batch":
                die()
            return super().__call__(images)

    synced, sync, replace = [], os.fsync, Path.replace

    def sync_and_die(handle):
        sync(handle)
        synced.append(handle)
        if len(synced) == 2:
            die()

    def die_or_replace(self, target):
        return die() if Path(target).suffix == ".npy" else replace(self, target)

    if moment == "after the maps, before the line":
        os.fsync = sync_and_die
    if moment == "before the file gets its name":
        Path.replace = die_or_replace
    if moment == "after the file got its name":
        Path.unlink = lambda *_, **__: die()
    extract(Fatal(), pd.read_json(table, dtype=str), directory, folder, batch=BATCH)


COMPUTED_AGAIN = {  # pictures that the second run has to compute
    "during the third batch": (N - BATCH, N - 2 * BATCH),  # is the second one written by then?
    "after the maps, before the line": (N - BATCH,),
    "before the file gets its name": (0,),
    "after the file got its name": (0,),
}


@pytest.mark.parametrize("moment", COMPUTED_AGAIN)
def test_a_killed_run_goes_on_and_gives_the_same_bytes(pictures, tmp_path, moment):
    table = tmp_path / "table.json"
    pictures.table.to_json(table)
    code = "import sys, test_features; test_features.extract_and_die(*sys.argv[1:])"
    arguments = [moment, table, pictures.directory, tmp_path / "killed"]
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert abs(run.returncode) == 9, run.stderr
    named = list((tmp_path / "killed").glob("*.npy"))
    assert len(named) == (moment == "after the file got its name")
    backbone = Mosaic()
    pictures.extract(backbone, folder=tmp_path / "killed")
    assert sum(backbone.calls) in COMPUTED_AGAIN[moment]
    pictures.extract()
    wanted, found = contents(pictures.folder), contents(tmp_path / "killed")
    assert wanted.items() <= found.items()
    assert {Path(name).suffix for name in set(found) - set(wanted)} <= {".journal"}


@pytest.fixture
def unfinished(pictures, tmp_path, monkeypatch):
    """The two files of a run that was stopped just before the last step; with corrupt pictures."""
    for row in (4, 6, 7, 8):  # one in the second batch, all of the third
        pictures.spoil(row)
    stop = Path.replace

    def stopped(self, target):
        if Path(target).suffix == ".npy":
            raise KeyboardInterrupt
        return stop(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            pictures.extract(folder=tmp_path / "stopped", skip_corrupt=True)
    (part,) = (tmp_path / "stopped").glob("*.part")
    (journal,) = (tmp_path / "stopped").glob("*.journal")
    return part, part.read_bytes(), journal, journal.read_bytes()


def test_any_cut_through_the_files_is_mended(pictures, unfinished):
    part, maps, journal, lines = unfinished
    pictures.extract(skip_corrupt=True)
    wanted = contents(pictures.folder)
    start = np.load(pictures.folder / part.with_suffix(".npy").name, mmap_mode="r").offset
    row = 7 * 7 * 3 * 2
    rest = [N - 4, N - 4 - 3, N - 4 - 5, N - 4 - 5, 0]  # to compute after so many whole lines
    for end in range(0, len(lines) + 1, 3):
        whole = lines[:end].count(b"\n")
        promised = start + row * (N - 4 - rest[whole])
        for size in {promised, min(promised + row // 2, len(maps)), len(maps)}:
            part.write_bytes(maps[:size])
            journal.write_bytes(lines[:end])
            backbone = Mosaic()
            pictures.extract(backbone, folder=part.parent, skip_corrupt=True)
            assert sum(backbone.calls) == rest[whole]
            assert contents(part.parent) == wanted
            for name in wanted:
                (part.parent / name).unlink()


@pytest.mark.parametrize("lost", ["maps", "half of the maps", "journal", "ids"])
def test_files_that_do_not_fit_are_not_believed(pictures, unfinished, lost):
    part, maps, journal, _ = unfinished
    if lost == "maps":
        part.unlink()
    elif lost == "half of the maps":
        part.write_bytes(maps[: len(maps) // 2])
    else:
        (journal if lost == "journal" else part.with_suffix(".json")).unlink()
    pictures.extract(folder=part.parent, skip_corrupt=True)
    pictures.extract(skip_corrupt=True)
    assert contents(part.parent) == contents(pictures.folder)


def test_a_run_stopped_by_a_corrupt_picture_keeps_what_it_did(pictures):
    pictures.spoil(7)
    first, second = Mosaic(), Mosaic()
    with pytest.raises(CorruptImageError):
        pictures.extract(first)
    pictures.extract(second, skip_corrupt=True)
    assert (first.calls, second.calls) == ([3, 3], [2, 2])
