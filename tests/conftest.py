"""What several test modules share."""

import json
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from coursekit import settings
from coursetools.publish import proof_page

import hypothesis
import pytest
from PIL import Image
from xdist.scheduler import LoadFileScheduling

import processes

ROOT = settings.CHECKOUT
LONG = ("notebooks/", "tests/own_data/", "tests/backbones/", "tests/faults/", "tests/exercises/")
SAMPLE = os.environ.get("COURSEKIT_VOC_SAMPLE")

# No test depends on how fast the machine is, or on what else it does.
hypothesis.settings.register_profile("course", deadline=None)
hypothesis.settings.load_profile("course")


def pytest_collection_modifyitems(items):
    """Put what takes long first; skip what needs photographs where there are none, and say so."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    if SAMPLE and Path(SAMPLE).is_dir():
        return
    reason = "COURSEKIT_VOC_SAMPLE names no directory with the real VOC sample"
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker(pytest.mark.skip(reason=reason))


# What one process runs, which saves it from starting again what takes long to start: lessons that
# read what others wrote; tests of one server of processes; and those that call a framework.
LESSONS, SERVER = r"notebooks/(?!01)\d\d_", r"tests/faults/test_(killed|full_disk)\.py"
FRAMEWORKS = r"\bin_(keras|torch|{)"


class OneByOne(LoadFileScheduling):
    """Hands each file to one process, and files that belong together to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return together(super()._split_scope(nodeid))


@cache
def together(file: str) -> str:
    """Return the name of what a file belongs to, or its own."""
    for pattern in (LESSONS, SERVER):
        if re.match(pattern, file):
            return pattern
    return FRAMEWORKS if re.search(FRAMEWORKS, (ROOT / file).read_text("utf-8")) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let each process run one file at a time, where ``--dist loadfile`` asks for that."""
    return OneByOne(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
def sample() -> Path:
    """The directory of the real VOC 2007 sample; only for tests marked `real`."""
    return Path(SAMPLE)


@pytest.fixture(scope="session")
def in_keras() -> Iterator[Callable]:
    """Call a function in the process for Keras, which answers all tests: see `processes`."""
    with processes.lasting() as call:
        yield call


@pytest.fixture(scope="session")
def in_torch() -> Iterator[Callable]:
    """Call a function in the process for PyTorch, which answers all tests: see `processes`."""
    with processes.lasting() as call:
        yield call


OBJECT = """
  <object>
    <name>{name}</name>
    <bndbox>
      <xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax>
    </bndbox>{extra}
  </object>"""
FILE = """<annotation>
  <filename>{filename}</filename>
  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>{objects}
</annotation>
"""


class Voc:
    """A small data set in VOC's layout, for one test."""

    def __init__(self, directory: Path):
        self.directory = directory
        for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
            (directory / part).mkdir(parents=True)

    def add(self, image_id, *objects, size=(500, 375), picture=True, filename=None, extra=""):
        """Add a file with objects `(name, xmin, ymin, xmax, ymax)`, in VOC's coordinates."""
        described = [
            OBJECT.format(name=n, xmin=a, ymin=b, xmax=c, ymax=d, extra=extra)
            for n, a, b, c, d in objects
        ]
        filename = filename if filename is not None else f"{image_id}.jpg"
        if picture:
            Image.new("RGB", size).save(self.directory / "JPEGImages" / filename)
        text = FILE.format(
            filename=filename, width=size[0], height=size[1], objects="".join(described)
        )
        return self.write(image_id, text)

    def write(self, image_id, text):
        """Add a file with just this text."""
        path = self.directory / "Annotations" / f"{image_id}.xml"
        path.write_text(text, encoding="utf-8")
        return path

    def list(self, split, *image_ids):
        """Add a list of images."""
        path = self.directory / "ImageSets" / "Main" / f"{split}.txt"
        path.write_text("".join(f"{i}\n" for i in image_ids))


@pytest.fixture
def voc_set(tmp_path) -> Voc:
    """An empty data set, to be filled by the test."""
    return Voc(tmp_path / "VOC")


@pytest.fixture
def proof(request):
    """Return a function that takes a sentence which a test of faults has just shown to be true.

    The sentence must be on the page; under `make proof`, the page is made from all of them.
    """

    def proof(sentence: str) -> None:
        part = request.module.__doc__.splitlines()[0]
        if file := os.environ.get("COURSEKIT_PROOF"):
            with Path(file).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps([part, sentence]) + "\n")
            return
        page = proof_page.PAGE.read_text(encoding="utf-8")
        assert f"- {sentence}\n" in page, f"Rewrite the page with `make proof`: {sentence}"

    return proof
