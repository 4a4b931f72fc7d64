"""Each page of the built site in Chromium: as wide as a desktop and as a phone, light and dark.

A page must load nothing from another host, log no error, not be wider than the window, have code,
figures and tables that can be read, and break none of axe-core's rules for WCAG 2, levels A and AA.
"""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from visiting import requested, visit

pytestmark = pytest.mark.browser

BUILT = Path(__file__).resolve().parents[2] / "_build" / "html"
PAGES = sorted(path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*.html"))
# index.html only leads to the first page; a test of its own follows it.
PAGES = [p for p in PAGES if not p.startswith(("_static/", "_sources/")) and p != "index.html"]
WIDTHS = {"desk": 1280, "phone": 360}
# A phone in the dark shows the colors of a desk in the dark: two pages are looked at, and no more.
SEEN = (("desk", "light"), ("desk", "dark"), ("phone", "light"))
VIEWS = [(page, *seen) for page in PAGES for seen in SEEN]
VIEWS += [(page, "phone", "dark") for page in ("book/intro.html", "notebooks/05_evaluation.html")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: arguments[0], resultTypes: ["violations"]}).then(
  found => done(found.violations.flatMap(v => v.nodes.map(
    n => `${v.id}: ${n.target.join(" ")} | ${(n.failureSummary || "").slice(0, 300)}`))),
  error => done([`axe-core failed: ${error}`]));
"""
WIDER = """
const room = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= room) return [];
const inScroller = e => {
  for (let p = e.parentElement; p; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== "visible" && p !== document.body) return true;
  return false;
};
return [...document.body.querySelectorAll("*")]
  .filter(e => e.getBoundingClientRect().right > room + 1 && !inScroller(e))
  .map(e => e.outerHTML.slice(0, 120)).slice(0, 5).concat("the page");
"""

# On a desk, a line of code that must be scrolled, and a figure or code that is not as wide as the
# text. On a phone, a figure that is smaller than its letters allow. Everywhere, cells that touch.
UNREADABLE = """
const found = [], desk = innerWidth >= 1280;
const say = (what, e) => found.push(`${what}: ${(e.alt || e.textContent).trim().slice(0, 80)}`);
const seen = e => e.checkVisibility() && !e.closest("details:not([open])");
const text = document.querySelector(".bd-article section > p");
for (const code of document.querySelectorAll(".bd-article div.cell_input"))
  if (desk && seen(code)) {
    if (code.querySelector("pre").scrollWidth > code.querySelector("pre").clientWidth)
      say("code scrolls", code);
    if (Math.abs(code.getBoundingClientRect().right - text.getBoundingClientRect().right) > 4)
      say("code is not as wide as text", code);
  }
for (const figure of document.querySelectorAll(".picture > img, .cell_output img"))
  if (seen(figure) && figure.clientWidth < Math.min(figure.naturalWidth, 36 * 16 - 26))
    if (!desk || figure.clientWidth < figure.parentElement.clientWidth - 2)
      say("figure too small", figure);
const ends = cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getBoundingClientRect();
};
for (const row of document.querySelectorAll(".bd-article table tr")) {
  const cells = [...row.cells].filter(cell => seen(cell) && cell.textContent.trim());
  for (let i = 1; i < cells.length; i++)
    if (ends(cells[i]).left - ends(cells[i - 1]).right < 6) say("cells touch", cells[i]);
}
return found;
"""

# A formula that is still text: MathJax puts an mjx-container into each.
NOT_TYPESET = """
return [...document.querySelectorAll(".math")]
  .filter(e => !e.querySelector("mjx-container")).map(e => e.textContent.slice(0, 80));
"""
COPY_BUTTONS = """
const codes = [...document.querySelectorAll("div.highlight pre")];
return [codes.length, codes.filter(code => {
  const button = code.parentElement.querySelector("button.copybtn");
  return button && document.querySelector(button.dataset.clipboardTarget) === code;
}).length];
"""
FIGURES = """
return [...document.querySelectorAll(".bd-article img")].map(e => getComputedStyle(e))
  .map(style => [style.filter, style.backgroundColor]);
"""


def foreign_requests(browser, own: str) -> list[str]:
    """Return the addresses that the last page asked for outside its own host."""
    return [url for url in requested(browser) if not url.startswith((own, "data:", "blob:"))]


def faults(browser, axe: str, own: str, page: str, width: int, mode: str) -> list[str]:
    """Return one line for each fault of a page; none for a good one."""
    visit(browser, f"{own}/{page}", width, mode)
    found = [f"foreign request: {url}" for url in foreign_requests(browser, own)]
    logged = [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    found += [f"console: {message}" for message in logged]
    found += [f"too wide: {element}" for element in browser.execute_script(WIDER)]
    found += browser.execute_script(UNREADABLE)
    found += [f"not typeset: {formula}" for formula in browser.execute_script(NOT_TYPESET)]
    browser.execute_script(axe)
    found += [f"axe: {violation}" for violation in browser.execute_async_script(RUN_AXE, RULES)]
    return found


def test_what_the_browsers_own_tab_asks_for_is_no_request_of_the_page():
    addresses = ("chrome://favicon2/?size=24", "http://127.0.0.1:1/a", "http://example.org/x.png")
    sent = {"method": "Network.requestWillBeSent"}
    messages = [sent | {"params": {"request": {"url": address}}} for address in addresses]
    entries = [{"message": json.dumps({"message": message})} for message in messages]
    browser = SimpleNamespace(get_log=lambda _: entries)
    assert foreign_requests(browser, "http://127.0.0.1:1") == ["http://example.org/x.png"]


@pytest.mark.parametrize(("page", "width", "mode"), VIEWS)
def test_page_has_no_faults(site, browser, axe, page, width, mode):
    assert faults(browser, axe, site, page, WIDTHS[width], mode) == []


def test_the_address_of_the_site_leads_to_the_first_page(site, browser):
    visit(browser, f"{site}/index.html", 1280, "light")
    WebDriverWait(browser, 10).until(lambda browser: "/book/intro.html" in browser.current_url)
    assert "book/intro.html" in PAGES  # it is examined as all others are


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_page_follows_the_color_scheme(site, browser, mode):
    visit(browser, f"{site}/book/intro.html", 1280, mode)
    shown = browser.execute_script("return document.documentElement.dataset.theme")
    assert shown == mode


def test_figures_lie_undimmed_on_their_own_paper_in_the_dark(site, browser):
    visit(browser, f"{site}/book/intro.html", 1280, "dark")
    figures = browser.execute_script(FIGURES)
    assert figures and all(figure == ["none", "rgb(253, 252, 249)"] for figure in figures)


def test_every_piece_of_code_has_a_button_that_copies_it(site, browser):
    visit(browser, f"{site}/book/setup.html", 1280, "light")
    pieces, with_button = browser.execute_script(COPY_BUTTONS)
    assert pieces == with_button > 0


ROWS = """
return [...document.querySelectorAll(".bd-article details:is(.option, :not([class])) > summary")]
  .map(row => { row.focus(); return [row.getBoundingClientRect().height,
    row.matches(":focus-visible") && getComputedStyle(row).outlineStyle]; });
"""


def test_the_answers_open_from_rows_that_a_finger_can_touch(site, browser):
    visit(browser, f"{site}/notebooks/05_evaluation.html", 360, "light")
    ActionChains(browser).send_keys(Keys.TAB).perform()  # the focus is shown to who uses keys
    rows = browser.execute_script(ROWS)
    assert rows and all(height >= 44 and outline == "solid" for height, outline in rows)


TERMS = ["softmax", "bootstrap", "backbone", "IoU", "fine-tuning", "average precision"]


@pytest.mark.parametrize("term", TERMS)
def test_the_search_finds_the_terms_of_the_glossary(site, browser, term):
    visit(browser, f"{site}/search.html?q={term}", 1280, "light")
    found = WebDriverWait(browser, 20).until(
        lambda chrome: chrome.find_elements("css selector", "#search-results li a")
    )
    assert any("glossary.html" in link.get_attribute("href") for link in found)


MOST = 1_000_000  # bytes that a lesson may transfer, without its figures; and may be, unpacked
FORMULAS = "_static/mathjax/"  # unpacked, what sets them is larger than a page; it is loaded once
PACKED = {".html", ".css", ".js", ".svg", ".json"}  # what a web server compresses on the way


def transferred(path: Path) -> int:
    """Return the bytes that a web server such as that of GitHub Pages sends for a file."""
    content = path.read_bytes()
    return len(gzip.compress(content, 6)) if path.suffix in PACKED else len(content)


LESSONS = [page for page in PAGES if page.startswith("notebooks/")]


@pytest.mark.parametrize("page", LESSONS)
def test_a_lesson_is_less_than_a_megabyte_without_its_figures(site, browser, page):
    visit(browser, f"{site}/{page}", 1280, "light")
    asked = {url for url in requested(browser) if url.startswith(site)}
    files = {unquote(urlsplit(url).path).lstrip("/") for url in asked}
    sizes = {name: transferred(BUILT / name) for name in files if not name.startswith("_images/")}
    assert page in sizes and len(sizes) > 10
    assert sum(sizes.values()) < MOST, sorted(sizes.items(), key=lambda item: -item[1])[:5]
    whole = {n: (BUILT / n).stat().st_size for n in sizes if not n.startswith(FORMULAS)}
    assert sum(whole.values()) < MOST, sorted(whole.items(), key=lambda item: -item[1])[:5]
    assert "searchindex.js" not in sizes  # only the page of the search needs it


LESSON = """<div class="bd-article"><section><p style="margin: 0">Text</p></section>
<div class="cell_input" style="width: {}"><pre style="overflow: auto">{}</pre></div></div>"""
TABLE = (
    '<div class="bd-article"><table><tr><td style="padding: {}">0.3</td><td>0.4</td></table></div>'
)
GOOD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>
<body><main><h1>A page</h1>{}</main></body></html>"""
WIDE = '<svg xmlns="http://www.w3.org/2000/svg" width="729" height="200"/>'
BAD = {
    "foreign request": '<img src="http://example.org/x.png" alt="A picture from elsewhere">',
    "console": "<script>throw new Error('broken')</script>",
    "too wide": '<div style="width: 2000px">wide</div>',
    "code scrolls": LESSON.format("auto", "x" * 300),
    "code is not as wide as text": LESSON.format("50%", "x"),
    "figure too small": '<div class="picture"><img src="wide.svg" alt="Wide" width="300"></div>',
    "cells touch": TABLE.format("0"),
    "not typeset": '<span class="math">x^2</span>',
    "axe: color-contrast": '<p style="color: #bbb; background: #fff">Hard to read.</p>',
    "axe: image-alt": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
}


@pytest.mark.parametrize("fault", [None, *BAD])
def test_the_checks_report_what_is_wrong(serve, browser, axe, tmp_path, fault):
    (tmp_path / "wide.svg").write_text(WIDE, encoding="utf-8")
    good = LESSON.format("auto", "x") + TABLE.format("0 8px")
    (tmp_path / "page.html").write_text(GOOD.format(BAD.get(fault, good)), encoding="utf-8")
    width = WIDTHS["desk" if (fault or "").startswith("code") else "phone"]
    with serve(tmp_path) as address:
        found = faults(browser, axe, address, "page.html", width, "light")
    if fault is None:
        assert found == []
    else:
        assert any(line.startswith(fault) for line in found), found
