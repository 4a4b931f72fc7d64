"""Ten thousand spoiled annotation files: each is read rightly, or refused, and none is lost."""

import resource
import time

from coursekit import voc
from coursekit.boxes import SIDES

import pytest

import hostile_xml

N, SEED = 10_000, 14
LONGEST = 2  # seconds for one file


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    """A data set of spoiled files, and what they are made from."""
    directory = tmp_path_factory.mktemp("hostile")
    for part in ("Annotations", "JPEGImages"):
        (directory / part).mkdir()
    files = {f"{number:05d}": hostile_xml.make(number, SEED) for number in range(N)}
    for image_id, file in files.items():
        (directory / "Annotations" / f"{image_id}.xml").write_bytes(file.content())
    return directory, files


def test_each_file_is_read_rightly_or_refused(spoiled, proof):
    directory, files = spoiled
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    table = voc.load_annotations(directory, errors="skip")
    seconds = time.perf_counter() - start
    skipped = {entry["file"].removesuffix(".xml") for entry in table.attrs["skipped"]}
    assert skipped == {image_id for image_id, file in files.items() if not file.readable}
    wanted = [
        [image_id, file.width, file.height, name, *box]
        for image_id, file in files.items()
        if file.readable
        for name, *box in file.objects
    ]
    table[SIDES] += [1, 1, 0, 0]
    columns = ["image_id", "width", "height", "name", *SIDES]
    assert table[columns].to_numpy().tolist() == wanted
    assert seconds < LONGEST * 60  # of ten thousand
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 500_000  # KiB
    ways = len(hostile_xml.HARMLESS) + len(hostile_xml.UNREADABLE)
    proof(
        f"Of {N:,} annotation files that were spoiled in {ways} ways, one or several at a time, "
        f"{N - len(skipped):,} were read rightly, {len(skipped):,} were refused with file, line "
        "and reason, and none was read wrongly."
    )


def test_every_refusal_says_where_and_what(spoiled):
    directory, _ = spoiled
    skipped = voc.load_annotations(directory, errors="skip").attrs["skipped"]
    assert len(skipped) > N / 3
    for entry in skipped:
        assert entry["file"].endswith(".xml") and len(entry["problem"]) > 10
        assert entry["problem"].isprintable() or "\n" not in entry["problem"]
