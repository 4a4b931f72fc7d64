"""JupyterLab: what is installed for it, where its root is, and where the links lead."""

import json
import re
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

from coursekit.settings import CHECKOUT as ROOT
from coursetools import lab
from coursetools.publish import touch_page

import pytest
from docutils.nodes import make_id
from traitlets.config import Config

BOOK, NOTEBOOKS = ROOT / "book", ROOT / "notebooks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
INSTALLED = [
    (Path(sys.prefix, folder, Path(file).name), ROOT / file)
    for folder, files in PROJECT["tool"]["setuptools"]["data-files"].items()
    for file in files
]
LOOKED_UP = ("glossary", "bibliography")
LINK = re.compile(r"\]\((?:\.\./book/)?(glossary|bibliography)?(?:\.md)?#([\w-]+)\)")


def headings(page: str) -> set[str]:
    """Return the anchors of a page, as JupyterLab and the site spell them."""
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    return {make_id(title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("installed, ours", INSTALLED, ids=lambda path: path.name)
def test_jupyterlab_finds_what_the_course_installs_for_it(installed, ours):
    hint = "It was changed after the installation. Run `make setup`."
    assert installed.read_bytes() == ours.read_bytes(), hint


@pytest.mark.parametrize("chosen", [False, True])
def test_the_root_is_the_course_unless_another_was_chosen(tmp_path, chosen):
    for folder in ("notebooks", "book"):
        (tmp_path / folder).mkdir()
    (tmp_path / "book" / "glossary.md").touch()
    lessons = str(tmp_path / "notebooks")
    server = SimpleNamespace(root_dir=lessons, config=Config())
    if chosen:
        server.config.ServerApp.root_dir = lessons
    lab._link_jupyter_server_extension(server)
    assert server.root_dir == (lessons if chosen else str(tmp_path))


def test_a_folder_of_other_notebooks_stays_the_root(tmp_path):
    (tmp_path / "notebooks").mkdir()
    assert lab.course_of(tmp_path / "notebooks") is None
    assert lab.course_of(ROOT) is None
    assert lab.course_of(NOTEBOOKS) == ROOT


@pytest.mark.parametrize(
    "path", [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(BOOK.glob("*.md"))], ids=lambda p: p.stem
)
def test_each_term_and_each_citation_leads_to_an_entry(path):
    entries = {page: headings(page) for page in LOOKED_UP}
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\{(term|cite)", text)
    found = [(page or path.stem, anchor) for page, anchor in LINK.findall(text)]
    assert [link for link in found if link[1] not in entries.get(link[0], [link[1]])] == []
    assert len(found) >= 3 or path.suffix == ".md"


@pytest.mark.parametrize("page", LOOKED_UP)
def test_the_entries_are_sorted_and_each_has_an_anchor_of_its_own(page):
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        titles = re.findall(r"^### (.+)$", part, re.MULTILINE)
        assert titles == sorted(titles, key=str.lower)
        assert page != "glossary" or {title[0].upper() for title in titles} == {part[0]}
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert len({make_id(title) for title in titles}) == len(titles) > 40


def test_the_words_that_a_lesson_takes_for_granted_can_be_looked_up():
    assumed = {"convolution", "dense-layer", "gradient", "optimizer", "relu"}
    assert assumed <= headings("glossary")
    notebook = json.loads((NOTEBOOKS / "01_synthetic_rectangles.ipynb").read_text("utf-8"))
    prose = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
    linked = "[95 % interval](../book/glossary.md#confidence-interval)"
    named = [text for text in prose if "95 % interval" in text]
    assert len(named) >= 2 and [text for text in named if linked not in text] == []


def test_each_paper_of_the_bibliography_is_cited():
    paths = [*NOTEBOOKS.glob("*.ipynb"), *BOOK.glob("*.md")]
    texts = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    cited = {anchor for page, anchor in LINK.findall(texts) if page == "bibliography"}
    text = (BOOK / "bibliography.md").read_text(encoding="utf-8")
    assert {make_id(title) for title in re.findall(r"^### (.+)$", text, re.MULTILINE)} <= cited


def test_a_page_to_touch_names_the_file_of_the_other():
    """It has no links, since it is opened inside JupyterLab."""
    assert "book/network_to_touch.html" in touch_page.page("figures_to_touch")


@pytest.mark.parametrize("name", touch_page.NAMES)
def test_the_figures_for_jupyterlab_are_those_of_the_page(name):
    written = (BOOK / f"{name}.html").read_text(encoding="utf-8")
    assert written == touch_page.page(name), "Run `python -m coursetools.publish.touch_page`."
    assert not re.search(r'(src|href)="(?!data:|#)', written)
