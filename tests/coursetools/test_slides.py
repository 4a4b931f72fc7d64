"""The slides: one for every heading, nothing from elsewhere, no solution on the screen."""

import re

from coursekit import settings
from coursetools.publish import built, slides

import pytest
from lxml import html
from test_book import faults

import small_site

BUILT = settings.CHECKOUT / "_build" / "html"
LESSON = "notebooks/01_boxes.html"


@pytest.fixture
def small(tmp_path):
    """The slides of the small lesson: their file, and what is in it."""
    site = small_site.write(tmp_path / "site")
    file = slides.write(site, LESSON, tmp_path / "slides")
    return file, html.parse(file).getroot()


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """The slides of the lessons, beside the pages that they were made from."""
    if not (BUILT / "index.html").exists():
        pytest.skip("The site is not built. Run `make book` first.")
    folder = tmp_path_factory.mktemp("slides")
    lessons = [page for page in built.pages(BUILT) if page.startswith("notebooks/")]
    return {page: slides.write(BUILT, page, folder) for page in lessons}


def shown(deck):
    return [s for s in deck.iter("section") if "more" not in s.get("class")]


def test_every_heading_of_every_lesson_became_a_slide(every):
    for page, file in every.items():
        headings = built.article(BUILT, page).xpath(".//h1 | .//h2 | .//h3")
        assert [s[0].text_content() for s in shown(html.parse(file).getroot())] == [
            h.text_content() for h in headings
        ]


def test_no_slide_asks_another_host_or_shows_a_broken_picture(every):
    assert {
        str(file): found for file in every.values() if (found := faults(file.parent, file))
    } == {}
    styles = [path for file in every.values() for path in file.parent.rglob("*.[cj]s*")]
    foreign = re.compile(r"(?:url\(|@import|fetch\(|import\()\s*['\"]?(?:https?:)?//")
    own = [path for path in styles if "mathjax" not in path.parts]
    assert own and not [path for path in own if foreign.search(path.read_text(encoding="utf-8"))]


def test_a_slide_ends_with_its_figure_and_when_it_is_full(small):
    _file, deck = small
    titles = [(s[0].tag, s[0].text) for s in deck.iter("section")]
    assert titles == [
        ("h1", "Boxes"),
        *[("h2", "Draw"), ("p", "Draw"), ("p", "Draw"), ("h3", "More & more")],
        *[("h2", "Exercises"), ("h2", "Summary")],
    ]
    assert [len(s.xpath(".//img")) for s in deck.iter("section")][:4] == [0, 0, 1, 0]


def test_solutions_are_left_out_and_answers_are_folded(small):
    file, deck = small
    text = file.read_text(encoding="utf-8")
    assert "the_solution" not in text and "checks.it" not in text
    folded = {d.find("summary").text: d.get("open") for d in deck.iter("details")}
    assert folded == {"Code, 2 lines": None, "Answer": None}


CLAIM = """<article><div class="cell tag_hide-input"><details class="admonition hide above-input">
<summary><p>Show how it was measured</p></summary><div class="cell_input"><pre>claim()</pre></div>
</details><div class="cell_output"><div class="output stream"><pre><span class="claim">✓ It is so
</span></pre></div></div></div></article>"""


def test_what_a_claim_printed_stays_and_its_code_is_folded_like_any_other():
    prepared = slides.prepare(html.fromstring(CLAIM))
    (fold,) = prepared.iter("details")
    assert fold.find("summary").text == "Code, 1 line" and "claim()" in fold.text_content()
    assert "✓ It is so" in prepared.text_content() and "✓" not in fold.text_content()
    assert "measured" not in prepared.text_content()


def test_links_into_the_site_become_text(small):
    _file, deck = small
    assert [a.get("href") for a in deck.iter("a")] == ["https://example.org/"]


def test_formulas_bring_mathjax_along(every):
    for file in every.values():
        deck = html.parse(file).getroot()
        scripts = deck.xpath("//script[contains(@src, 'mathjax')]/@src")
        assert bool(scripts) == bool(deck.find_class("math"))
        assert all((file.parent / script).exists() for script in scripts)
