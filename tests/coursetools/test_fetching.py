"""Fetching data sets from servers that misbehave."""

import gzip
import io
import socket
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution
from pathlib import Path
from types import SimpleNamespace

from archives import TEST, TRAINVAL, described, serving, tar_of, voc_tar
from coursekit import datasets
from coursetools import cli, fetching, resuming, runner

import pytest


@pytest.fixture
def server(monkeypatch):
    """A server that has the two archives of a small VOC 2007."""
    files = {
        TRAINVAL: voc_tar("000005", "trainval", seed=1),
        TEST: voc_tar("000001", "test", seed=2),
    }
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
    with serving(files) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch):
    """Wait only a moment for a byte; a busy machine may take longer to send one."""
    monkeypatch.setattr(resuming, "TIMEOUT", 0.3)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COURSEKIT_VOC_MIRROR", raising=False)
    return tmp_path / "home"


@pytest.fixture
def publish(server, home, monkeypatch):
    """Return a function that says how VOC's own host behaves, and which mirrors there are."""

    def publish(official: str, *mirrors: str) -> None:
        archives = tuple(fetching.Archive(**one) for one in described(server, official))
        monkeypatch.setattr(fetching, "ARCHIVES", {"voc2007": archives})
        addresses = [f"{server.url}/{way}" if way.isalpha() else way for way in mirrors]
        monkeypatch.setenv("COURSEKIT_VOC_MIRROR", " ".join(addresses))

    return publish


def fetch() -> Path:
    return fetching.fetch("voc2007", progress=False)


def assert_whole(directory: Path, home: Path, server) -> None:
    """The data set is what is in the archives, and nothing unfinished is left."""
    assert directory == home / "VOCdevkit" / "VOC2007"
    found = {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()}
    assert found == {
        *("Annotations/000005.xml", "JPEGImages/000005.jpg", "ImageSets/Main/trainval.txt"),
        *("Annotations/000001.xml", "JPEGImages/000001.jpg", "ImageSets/Main/test.txt"),
    }
    for image, name in (("000005", TRAINVAL), ("000001", TEST)):
        with tarfile.open(fileobj=io.BytesIO(server.files[name])) as archive:
            jpeg = archive.extractfile(f"VOCdevkit/VOC2007/JPEGImages/{image}.jpg").read()
        assert (directory / "JPEGImages" / f"{image}.jpg").read_bytes() == jpeg
    assert [p.name for p in (home / "VOCdevkit").iterdir()] == ["VOC2007"]
    assert sorted(p.name for p in (home / "downloads").iterdir()) == [".lock", TEST, TRAINVAL]


def assert_nothing(home: Path) -> None:
    """There is no data set, not even the beginning of one."""
    assert not (home / "VOCdevkit").exists() or not list((home / "VOCdevkit").iterdir())


def ways(server) -> list[str]:
    return [way for way, *_ in server.requests]


# --- fetching ------------------------------------------------------------------------------------


def test_both_archives_become_one_data_set(server, home, publish):
    publish("good")
    assert_whole(fetch(), home, server)
    assert datasets.locate("voc2007") == home / "VOCdevkit" / "VOC2007"


def test_what_is_there_is_not_fetched_again(server, home, publish):
    publish("good")
    fetch()
    server.requests.clear()
    assert_whole(fetch(), home, server)
    assert server.requests == []


def test_mirrors_come_first_and_the_official_host_last(server, home, publish):
    publish("good", "missing", f"{server.url}/missing/")
    assert_whole(fetch(), home, server)
    assert ways(server) == ["missing", "missing", "good"] * 2


@pytest.mark.parametrize("way", ["cut", "reset"])
def test_a_cut_download_is_carried_on_with(server, home, publish, way):
    publish("good", way)
    assert_whole(fetch(), home, server)
    starts = [wanted for asked, name, wanted in server.requests if name == TRAINVAL]
    assert len(starts) == 4
    assert starts[0] is None
    positions = [int(one.removeprefix("bytes=").removesuffix("-")) for one in starts[1:]]
    assert 0 < positions[0] < positions[1] < positions[2]
    assert server.sent < 1.5 * sum(len(content) for content in server.files.values())
    assert set(ways(server)) == {way}


def test_a_later_run_goes_on_where_an_earlier_one_stopped(server, home, publish, monkeypatch):
    publish("cut")
    monkeypatch.setattr(fetching, "TRIES", 1)
    with pytest.raises(fetching.DownloadError):
        fetch()
    assert_nothing(home)
    kept = (home / "downloads" / f"{TRAINVAL}.part").stat().st_size
    assert kept > 0
    publish("good")
    assert_whole(fetch(), home, server)
    assert ("good", TRAINVAL, f"bytes={kept}-") in server.requests


def test_cuts_that_bring_progress_do_not_count(server, home, publish, monkeypatch):
    monkeypatch.setattr(fetching, "TRIES", 1)
    monkeypatch.setattr(resuming, "PROGRESS", 10_000)
    publish("cut")
    assert_whole(fetch(), home, server)


def test_a_host_that_always_cuts_is_given_up(server, home, publish):
    publish("good", "alwayscut")
    assert_whole(fetch(), home, server)
    assert ways(server) == (["alwayscut"] * fetching.TRIES + ["good"]) * 2


@pytest.mark.parametrize("way", ["wrong", "longer", "nonsense", "page", "missing", "elsewhere"])
def test_a_wrong_file_is_thrown_away_and_the_next_mirror_asked(server, home, publish, way, proof):
    publish("good", way)
    assert_whole(fetch(), home, server)
    assert ways(server) == [way, "good"] * 2
    assert all(wanted is None for *_, wanted in server.requests)
    proof(
        "A server that lies about length or content, or leads to another place, is left for the "
        "next."
    )


def test_a_wrong_beginning_is_found_out(server, home, publish):
    publish("good")
    (home / "downloads").mkdir(parents=True)
    (home / "downloads" / f"{TRAINVAL}.part").write_bytes(b"of another file" * 100)
    (home / "downloads" / f"{TEST}.part").write_bytes(bytes(len(server.files[TEST]) + 1))
    assert_whole(fetch(), home, server)


def test_a_wrong_beginning_and_a_wrong_host(server, home, publish):
    publish("good", "wrong")
    (home / "downloads").mkdir(parents=True)
    (home / "downloads" / f"{TRAINVAL}.part").write_bytes(b"of another file" * 100)
    assert_whole(fetch(), home, server)
    assert ways(server) == ["wrong", "wrong", "good", "wrong", "good"]


@pytest.mark.usefixtures("impatient")
def test_a_slow_host_is_waited_for(server, home, publish):
    publish("missing", "slow")
    begin = time.monotonic()
    assert_whole(fetch(), home, server)
    assert time.monotonic() - begin > 2 * resuming.TIMEOUT
    assert ways(server) == ["slow", "slow"]


@pytest.mark.usefixtures("impatient")
def test_a_host_that_drips_is_left_for_the_next(server, home, publish, monkeypatch, proof):
    monkeypatch.setattr(fetching, "TRIES", 1)
    publish("good", "drip")
    assert_whole(fetch(), home, server)
    assert ways(server) == ["drip", "good"] * 2
    proof("So is one that sends a byte now and then, and one that falls silent.")


@pytest.mark.usefixtures("impatient")
def test_a_stalled_host_is_left_for_the_next(server, home, publish, monkeypatch, proof):
    monkeypatch.setattr(fetching, "TRIES", 2)
    publish("good", "stall")
    assert_whole(fetch(), home, server)
    assert ways(server) == ["stall", "stall", "good"] * 2
    proof("So is one that sends a byte now and then, and one that falls silent.")


@pytest.mark.parametrize("way", ["norange", "refuserange"])
def test_a_host_that_cannot_send_parts_is_asked_for_all(server, home, publish, way, proof):
    publish("missing", way)
    assert_whole(fetch(), home, server)
    proof("One that cannot send part of a file is asked for all of it.")


def test_an_interrupted_comparison_of_checksums_loses_nothing(server, home, publish, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    publish("good")
    with monkeypatch.context() as patch:
        patch.setattr("pooch.core.hash_matches", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch()
    assert_whole(fetch(), home, server)
    assert len(server.requests) == 2


def test_a_disk_without_links_will_do(server, home, publish, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    publish("good", "wrong")
    assert_whole(fetch(), home, server)
    assert ways(server) == ["wrong", "good"] * 2


def test_an_overloaded_host_is_asked_again(server, home, publish):
    publish("missing", "busy")
    assert_whole(fetch(), home, server)
    assert ways(server) == ["busy"] * 3


@pytest.mark.usefixtures("impatient")
def test_the_error_lists_every_address_and_what_to_do(server, home, publish, monkeypatch):
    monkeypatch.setattr(fetching, "TRIES", 1)
    with socket.socket() as closed:  # a port on which nobody answers
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/voc"
        publish("missing", "wrong", "longer", "page", nobody, "no-address", "stall")
        with pytest.raises(fetching.DownloadError) as caught:
            fetch()
    message = str(caught.value)
    for expected in (
        f"{server.url}/wrong/{TRAINVAL}\n    another file: its checksum is wrong",
        f"{server.url}/longer/{TRAINVAL}\n    another file: it has",
        f"{server.url}/page/{TRAINVAL}\n    the server sent a web page",
        f"{nobody}/{TRAINVAL}\n    [Errno",
        f"no-address/{TRAINVAL}\n    not an address",
        f"{server.url}/stall/{TRAINVAL}\n    no answer for 0.3 seconds, after 1,000 of",
        f"{server.url}/missing/{TRAINVAL}\n    the server answered 404",
        "COURSEKIT_VOC_MIRROR=https://",
        f"put it at {home / 'downloads' / TRAINVAL}",
    ):
        assert expected in message
    assert_nothing(home)


def test_a_mirror_may_be_a_directory(server, home, publish, tmp_path):
    for name, content in server.files.items():
        (tmp_path / name).write_bytes(content)
    publish("missing", tmp_path.as_uri())
    assert_whole(fetch(), home, server)
    assert server.requests == []


def test_a_file_put_there_by_hand_is_used(server, home, publish):
    publish("missing")
    (home / "downloads").mkdir(parents=True)
    for name, content in server.files.items():
        (home / "downloads" / name).write_bytes(content)
    assert_whole(fetch(), home, server)
    assert server.requests == []


def test_a_file_put_there_by_hand_is_completed(server, home, publish):
    publish("good")
    (home / "downloads").mkdir(parents=True)
    for name, content in server.files.items():
        (home / "downloads" / name).write_bytes(content[:5000])
    assert_whole(fetch(), home, server)
    assert [wanted for *_, wanted in server.requests] == ["bytes=5000-"] * 2


def test_room_is_checked_before_anything_is_sent(server, home, publish, monkeypatch):
    publish("good")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_500_000))
    with pytest.raises(OSError, match=r"voc2007 needs 0\.0 GB .* COURSEKIT_HOME"):
        fetch()
    assert server.requests == []
    # with one archive there already, it is enough
    (home / "downloads" / TEST).write_bytes(server.files[TEST])
    assert_whole(fetch(), home, server)


def test_an_old_python_is_told_before_the_download(server, home, publish, monkeypatch):
    publish("good")
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(RuntimeError, match=r"3\.11\.4"):
        fetch()
    assert server.requests == []


def test_the_progress_bar_leaves_standard_output_alone(server, home, publish, capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    publish("good")
    fetching.fetch("voc2007", progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    size = f"{len(server.files[TRAINVAL]) / 1000:.0f}k"
    assert f"{TRAINVAL}: 100%" in said.err
    assert f"{size}/{size}" in said.err


def test_only_known_data_sets_can_be_fetched(home):
    with pytest.raises(FileNotFoundError, match="none of mini, voc2007, voc2012"):
        fetching.fetch("coco")


def test_preparing_fetches_what_is_missing_and_leaves_alone_what_is_there(server, home, publish):
    publish("good")
    assert_whole(fetching.prepare("voc2007"), home, server)
    (home / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main" / "test.txt").unlink()
    server.requests.clear()
    assert fetching.prepare("voc2007") == home / "VOCdevkit" / "VOC2007"  # lists are optional
    assert server.requests == []


def test_the_command_fetches_before_it_runs(server, home, publish, monkeypatch, tmp_path):
    publish("good")
    monkeypatch.setenv("COURSEKIT_DATASET", "voc2007")
    monkeypatch.setenv("COURSEKIT_ARTIFACTS", "")  # so that what run sets is undone
    monkeypatch.setattr(runner, "find_notebooks", lambda _only: [])
    assert cli.main(["run", "--out", str(tmp_path / "out")]) == 0
    assert_whole(home / "VOCdevkit" / "VOC2007", home, server)


def test_two_that_fetch_at_the_same_time_fetch_once(server, home, publish):
    publish("slow")
    with ThreadPoolExecutor(2) as pool:
        directories = list(pool.map(lambda _: fetch(), range(2)))
    assert directories[0] == directories[1]
    assert_whole(directories[0], home, server)
    assert ways(server) == ["slow"] * 2


def test_the_table_is_that_of_torchvision():
    source = distribution("torchvision").locate_file("torchvision/datasets/voc.py").read_text()
    for archive in (one for archives in fetching.ARCHIVES.values() for one in archives):
        assert any(f'"{site}/{archive.name}"' in source for site in archive.sites)
        assert f'"{archive.md5}"' in source.split(f'"{archive.name}"')[1][:100]


# --- unpacking -----------------------------------------------------------------------------------


def link(name: str, kind: bytes, to: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


@pytest.mark.parametrize(
    "case", ["parent", "absolute", "symlink", "link inside", "hard link", "device", "pipe"]
)
def test_an_archive_that_reaches_outside_is_refused(server, home, publish, tmp_path, case, proof):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    inside = "VOCdevkit/VOC2007"
    evil = {
        "parent": [tarfile.TarInfo("../../../outside/evil")],
        "absolute": [tarfile.TarInfo(f"{outside}/evil")],
        "symlink": [
            link(f"{inside}/way", tarfile.SYMTYPE, str(outside)),
            tarfile.TarInfo(f"{inside}/way/evil"),
        ],
        "link inside": [link(f"{inside}/evil", tarfile.SYMTYPE, "Annotations")],
        "pipe": [link(f"{inside}/evil", tarfile.FIFOTYPE, "")],
        "hard link": [link(f"{inside}/evil", tarfile.LNKTYPE, "../../../outside/secret")],
        "device": [link(f"{inside}/evil", tarfile.CHRTYPE, "")],
    }[case]
    stream = io.BytesIO(server.files[TEST])
    with tarfile.open(fileobj=stream, mode="a") as archive:
        for member in evil:
            archive.addfile(member)
    server.files[TEST] = stream.getvalue()
    publish("good")

    with pytest.raises(fetching.DownloadError, match="cannot be unpacked"):
        fetch()
    assert_nothing(home)
    assert [p.name for p in outside.iterdir()] == ["secret"]
    assert not list(tmp_path.rglob("evil"))
    proof("An archive with a link, a device or a path that leads out of its folder is refused.")


@pytest.mark.parametrize("case", ["compressed", "sparse"])
def test_an_archive_that_grows_is_refused(server, home, publish, case, proof):
    if case == "compressed":
        server.files[TEST] = gzip.compress(server.files[TEST])
    else:
        member = tarfile.TarInfo("VOCdevkit/VOC2007/JPEGImages/hole.jpg")
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        member.pax_headers |= {"GNU.sparse.name": member.name, "GNU.sparse.realsize": "9" * 12}
        content = b"0\n".ljust(512, b"\0")
        member.size = len(content)
        stream = io.BytesIO(server.files[TEST])
        with tarfile.open(fileobj=stream, mode="a", format=tarfile.PAX_FORMAT) as archive:
            archive.addfile(member, io.BytesIO(content))
        server.files[TEST] = stream.getvalue()
    publish("good")
    with pytest.raises(fetching.DownloadError, match="cannot be unpacked"):
        fetch()
    assert_nothing(home)
    proof("So is one that is packed, or that has holes: neither grows on the disk.")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError("disk full")])
def test_an_interrupted_extraction_leaves_nothing(server, home, publish, monkeypatch, interruption):
    publish("good")
    keep = tarfile.data_filter

    def interrupt(member, path):
        if member.name.endswith("ImageSets/Main/test.txt"):  # the last file of all
            raise interruption
        return keep(member, path)

    with monkeypatch.context() as patch:
        patch.setattr(tarfile, "data_filter", interrupt)
        with pytest.raises((KeyboardInterrupt, OSError)):
            fetch()
    assert_nothing(home)
    server.requests.clear()
    assert_whole(fetch(), home, server)
    assert server.requests == []  # the archives were kept


def test_what_only_looks_like_a_leftover_stays(server, home, publish):
    publish("good")
    mine = home / "downloads" / "tmp12345678"
    mine.parent.mkdir(parents=True)
    mine.write_text("three years")
    assert fetch() == home / "VOCdevkit" / "VOC2007"
    assert mine.read_text() == "three years"


@pytest.mark.parametrize("broken", ["truncated", "no tar", "empty"])
def test_a_broken_archive_leaves_nothing(server, home, publish, broken):
    whole = server.files[TEST]
    server.files[TEST] = {
        "truncated": whole[:200_000],
        "no tar": b"no tar" * 1000,
        "empty": tar_of({"VOCdevkit/README": b"nothing here"}),
    }[broken]
    publish("good")
    with pytest.raises(fetching.DownloadError, match=r"cannot be unpacked|lack .*test\.txt"):
        fetch()
    assert_nothing(home)


@pytest.mark.parametrize("parts", [["Annotations", "JPEGImages"], ["Annotations"], []])
def test_what_is_there_is_left_as_it_is(server, home, publish, parts):
    publish("good")
    there = home / "VOCdevkit" / "VOC2007"
    there.mkdir(parents=True)
    for part in parts:
        (there / part).mkdir()
    (there / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"without .*ImageSets/Main/test\.txt"):
        fetch()
    assert (there / "notes.txt").read_text() == "mine"
    assert server.requests == []
