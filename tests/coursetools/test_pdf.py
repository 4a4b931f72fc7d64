"""The PDF: one page of HTML whose links lead somewhere, printed with page numbers."""

import re
import shutil
import sys

from coursekit import settings
from coursetools.publish import built, pdf

import pytest
from lxml import html

import small_site
from processes import make

BUILT = settings.CHECKOUT / "_build" / "html"


@pytest.fixture
def site(tmp_path):
    return small_site.write(tmp_path / "site")


def composed(site):
    return html.fromstring(pdf.compose(site, {}))


def faults(book):
    """Return what is wrong with a composed book: ids, links, and what paper has no use for."""
    ids = book.xpath("//*[@id][not(ancestor::svg)]/@id")
    found = [f"twice: {name}" for name in ids if ids.count(name) > 1]
    links = [link.get("href") for link in book.xpath("//a[@href]")]
    found += [f"dead: {a}" for a in links if a[0] == "#" and a[1:] not in ids]
    found += [f"beside the book: {a}" for a in links if a[0] != "#" and ":" not in a]
    found += [f"foreign: {a}" for a in book.xpath("//@src") if "//" in a]
    found += ["folded"] * len(book.xpath("//details[not(@open)]"))
    return found + ["button"] * len(book.xpath("//button | //nav[not(@class='contents')]"))


def test_an_address_is_read_from_the_root_of_the_site():
    assert built.within("book/intro.html", "../_images/a.png") == "_images/a.png"
    assert built.within("book/intro.html", "setup.html#install") == "book/setup.html#install"


def test_a_figure_lies_on_paper_without_what_scrolls_it(site):
    assert composed(site).xpath("//div[@class='cell_output']/img/@alt") == ["A white box."]


def test_the_pages_come_in_the_order_of_the_table_of_contents(site):
    names = ["book/intro.html", "notebooks/01_boxes.html", "book/glossary.html"]
    assert built.pages(site) == names
    headings = [h.text for h in composed(site).xpath("//*[@class='chapter']//h1")]
    assert headings == ["Where Is It?", "Boxes", "Glossary"]


def test_ids_are_unique_and_links_stay_in_the_book(site):
    book = composed(site)
    assert faults(book) == []
    targets = {link.text: link.get("href") for link in book.xpath("//section//a")}
    assert targets["To the summary"] == "#p-01_boxes--summary"
    assert targets["they"] == "#p-01_boxes--draw"
    assert targets["box"] == "#p-glossary--term-box"
    assert targets["elsewhere"] == "https://example.org/"


def test_the_contents_name_every_chapter_and_its_sections(site):
    lines = html.fromstring(pdf.compose(site, {"p-01_boxes--summary": 7})).xpath("//nav//a")
    titles = ["Where Is It?", "Boxes", "Draw", "Exercises", "Summary", "Glossary", "Boxes"]
    assert [line.find("span").text for line in lines] == titles
    assert [
        line.find("b").text for line in lines if line.get("href").endswith("01_boxes--summary")
    ] == ["7"]


def test_a_title_with_quotes_stays_whole_in_the_head_of_its_pages(site):
    lesson = site / "notebooks" / "01_boxes.html"
    text = lesson.read_text(encoding="utf-8")
    lesson.write_text(text.replace("<h1>Boxes", '<h1>Boxes, oder "Käs"'), encoding="utf-8")
    assert r'content: "Boxes, oder \"Käs\""' in pdf.compose(site, {})


def test_the_page_of_a_place_is_read_from_the_pdf():
    found = pdf.page_numbers(
        b"2 0 obj\n<</Type /Page\n/X 1>>\n9 0 obj\n<</Type /Page\n>>\n4 0 obj\n<</Type /Pages\n>>"
        b"<</p-a [2 0 R /XYZ 0 1 0]\n/p-a--b.c [9 0 R /XYZ 0 1 0]>>"
    )
    assert found == {"p-a": 1, "p-a--b.c": 2}


def test_the_real_book_has_no_dead_link_and_nothing_folded():
    if not (BUILT / "index.html").exists():
        pytest.skip("The site is not built. Run `make book` first.")
    assert faults(composed(BUILT)) == []


def test_without_a_browser_one_sentence_says_what_is_missing(site, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["pdf.py", str(site), str(tmp_path / "course.pdf")])
    assert pdf.main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "needs Chromium" in said
    assert not (tmp_path / "course.pdf").exists()


@pytest.mark.parametrize(
    ("edition", "site", "file"),
    [("full", "html", "course.pdf"), ("student", "student_html", "student.pdf")],
)
def test_make_pdf_prints_the_edition_that_is_asked_for(edition, site, file):
    words = ("-n", "--old-file=.venv/ready", "pdf", f"EDITION={edition}")
    run = make(settings.CHECKOUT, *words)
    *_, prints, says = run.stdout.splitlines()
    assert prints.endswith(f"-m coursetools.publish.pdf _build/{site} _build/{file}")
    assert says == f'echo "The PDF is ready: {settings.CHECKOUT}/_build/{file}"'


@pytest.mark.browser
def test_a_printed_book_has_links_bookmarks_and_the_numbers_of_its_pages(
    site, tmp_path, monkeypatch
):
    if pdf.find_browser() is None:
        pytest.skip(pdf.MISSING)
    shutil.copy(settings.CHECKOUT / "book" / "_static" / "print.css", site / "_static")
    target = tmp_path / "course.pdf"
    monkeypatch.setattr(sys, "argv", ["pdf.py", str(site), str(target)])
    assert pdf.main() == 0
    printed = target.read_bytes()
    numbers = pdf.page_numbers(printed)
    chapters = [numbers[name] for name in ("p-intro", "p-01_boxes", "p-glossary")]
    assert chapters == [3, 4, 6]  # after the title page and the contents
    assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) == 6
    assert b"/Outlines" in printed and b"/URI (https://example.org/)" in printed
