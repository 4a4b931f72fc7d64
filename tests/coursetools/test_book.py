"""The built site, read as files: links, pictures, text alternatives, what loads by itself."""

import os
import re
import shutil
import subprocess
import time
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import few_icons
import pytest
import yaml
from fontTools.ttLib import TTFont
from sphinx.util.matching import Matcher

from processes import make

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build" / "html"

# What a browser fetches without being asked. A link (<a href>) may lead to any host.
LOADS = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "input": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "track": "src",
    "video": "src",
}
LINK_KINDS_NOT_FETCHED = {"canonical", "next", "prev", "search", "index", "author", "license"}
SHORTEST_ALT = 10  # characters; less cannot say what a figure shows


class Page(HTMLParser):
    """The tags of one page: each a name and its attributes, and the ids that links can lead to."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self.ids |= {attributes[name] for name in ("id", "name") if name in attributes}


@cache
def read(path: Path) -> Page:
    return Page(path)


def pages(root: Path) -> list[Path]:
    """Return the pages of a site, without the templates that the theme leaves in _static."""
    found = sorted(root.rglob("*.html"))
    return [path for path in found if path.relative_to(root).parts[0] != "_static"]


def fetched(tag: str, attributes: dict[str, str]) -> list[str]:
    """Return the addresses that a browser loads by itself because of a tag."""
    kinds = set(attributes.get("rel", "").split())
    addresses = []
    if tag in LOADS and not (tag == "link" and kinds & LINK_KINDS_NOT_FETCHED):
        addresses.append(attributes.get(LOADS[tag], ""))
    addresses += [part.split()[0] for part in attributes.get("srcset", "").split(",") if part]
    addresses += re.findall(r"url\(['\"]?([^'\")]+)", attributes.get("style", ""))
    return [address for address in addresses if address]


def is_foreign(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in {"http", "https"}


def broken(root: Path, path: Path, address: str) -> bool:
    """Return whether an address on a page leads nowhere within the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return False
    target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
    if not target.is_file() or not target.is_relative_to(root.resolve()):
        return True
    fragment = unquote(parts.fragment)
    return bool(fragment) and target.suffix == ".html" and fragment not in read(target).ids


def faults(root: Path, path: Path) -> list[str]:
    """Return one line for each fault of a page."""
    found = []
    for tag, attributes in read(path.resolve()).tags:
        loads = fetched(tag, attributes)
        found += [f"foreign: <{tag}> loads {address}" for address in loads if is_foreign(address)]
        links = [attributes["href"]] if tag == "a" and attributes.get("href") else []
        leads = [address for address in loads + links if broken(root, path.resolve(), address)]
        found += [f"broken: <{tag}> leads to {address}" for address in leads]
        decorative = "logo__image" in attributes.get("class", "")
        if tag == "img" and not decorative and len(attributes.get("alt", "")) < SHORTEST_ALT:
            found.append(f"alt: {attributes.get('src')} has the text {attributes.get('alt')!r}")
    return found


@pytest.fixture(scope="module")
def site() -> Path:
    if not (BUILT / "index.html").exists():
        pytest.skip("The site is not built. Run `make book` first.")
    return BUILT


def test_every_link_leads_somewhere_and_every_figure_has_a_text(site):
    assert {str(path): found for path in pages(site) if (found := faults(site, path))} == {}


def test_stylesheets_load_nothing_from_other_hosts(site):
    foreign = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//[^)'\"]+")
    found = {
        str(path): foreign.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.css")
    }
    assert {path: addresses for path, addresses in found.items() if addresses} == {}


def test_math_comes_from_the_site_itself(site):
    scripts = {
        a.get("src", "") for path in pages(site) for t, a in read(path).tags if t == "script"
    }
    assert any(src.split("?")[0].endswith("_static/mathjax/tex-chtml.js") for src in scripts)
    assert list((site / "_static" / "mathjax").rglob("*.woff"))


def test_the_pages_of_the_table_of_contents_are_built_and_no_others(site):
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    wanted = {f"{name}.html" for name in re.findall(r"(?:root|file): (\S+)", toc)}
    built = {path.relative_to(site).as_posix() for path in pages(site)}
    hint = "Pages of an older build? `make clean` removes them."
    assert built == wanted | {"index.html", "genindex.html", "search.html"}, hint


def test_what_is_hidden_in_a_second_folder_of_the_course_is_no_page():
    """Of all other pages, the book leaves out those that _toc.yml does not name."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    excluded = Matcher(config["exclude_patterns"])
    for place in ("", "where-is-it/", "a/b/"):
        for folder in (".venv", ".coursekit", "notebooks/.ipynb_checkpoints"):
            assert excluded(f"{place}{folder}"), (place, folder)
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert not [page for page in re.findall(r"(?:root|file): (\S+)", toc) if excluded(page)]


def test_notebooks_can_be_downloaded_and_code_copied(site):
    for path in sorted((site / "notebooks").glob("*.html")):
        links = [a.get("href", "") for tag, a in read(path).tags if tag == "a"]
        assert f"../_sources/notebooks/{path.stem}.ipynb" in links
        scripts = [a.get("src", "") for tag, a in read(path).tags if tag == "script"]
        assert any("copybutton.js" in src for src in scripts)


def test_only_an_exercise_is_folded_as_a_solution(site):
    for path in sorted((site / "notebooks").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert text.count(">Show the solution<") == text.count("tag_exercise"), path


def test_lessons_link_to_the_glossary(site):
    for path in sorted((site / "notebooks").glob("*.html")):
        links = [a.get("href", "") for tag, a in read(path).tags if tag == "a"]
        terms = {link for link in links if link.startswith("../book/glossary.html#")}
        assert len(terms) >= 3, path


# What a lesson's code or an annotation file calls a thing: the reader needs these very names.
NAMES = {"image_id", "class_name", "x_min", "x_max", "y_min", "y_max", "block_10", "block_14"}
NAMES |= {"pred_name", "pred_xmin", "pred_ymin", "pred_xmax", "pred_ymax"}
NAMES |= {f"{side}_{joint}" for side in ("left", "right") for joint in ("ankle", "knee", "hip")}
NAMES |= {"right_wrist"}


def unclear(page: str) -> list[str]:
    """Return what no reader should see in a page's tables: underscores, and a spread of nothing."""
    heads = re.findall(r"<th\b[^>]*>(.*?)</th>", page, re.DOTALL)
    names = {name for head in heads for name in re.findall(r"\w*_\w*", head)} - NAMES
    cells = re.findall(r"<td\b[^>]*>(.*?)</td>", page, re.DOTALL)
    return sorted(names) + [c for c in cells if re.search(r"±(&nbsp;|\s)*(0?\.?0+|nan)\b(?!\.)", c)]


def test_tables_have_words_and_no_spread_of_nothing(site):
    found = {path.name: unclear(path.read_text(encoding="utf-8")) for path in pages(site)}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "table, wanted",
    [
        ("<th>mean_iou</th><th>image_id</th><th>mean IoU</th>", ["mean_iou"]),
        ("<td>0.319 ± 0.000</td><td>0.3 ± 0.01</td>", ["0.319 ± 0.000"]),
        ("<td>1<br/>±&nbsp;0</td><td>5 ± 0.5</td><td>a ± nan</td>", ["1<br/>±&nbsp;0", "a ± nan"]),
    ],
)
def test_an_unclear_table_is_reported(table, wanted):
    assert unclear(f"<table><tr>{table}</tr></table>") == wanted


def test_code_keeps_its_colors_without_the_tags_that_were_left_out(site):
    style = (site / "_static" / "pygments.css").read_text(encoding="utf-8")
    for mode in ("light", "dark"):
        rules = re.findall(rf'"{mode}"\] \.highlight( \.\w+)? \{{.*?\bcolor: (#\w+) }}', style)
        colors = {name.strip(" ."): color for name, color in rules}
        assert {colors[name] for name in ("", "n", "p", "w")} == {colors[""]}


def test_the_font_has_every_icon_that_a_page_shows(site):
    style = (site / "_static" / few_icons.STYLE).read_text(encoding="utf-8")
    font = site / "_static" / few_icons.FONT
    drawn = set(TTFont(font).getBestCmap())
    named = {
        name
        for path in pages(site)
        for a in [a for _tag, a in read(path.resolve()).tags]
        for name in re.findall(r"\bfa-[\w-]+", a.get("class", ""))
    }
    icons = named - {"fa-solid", "fa-lg"}
    assert len(icons) > 8
    for name in icons:
        (code,) = re.findall(rf'\.{name}:before[^{{}}]*\{{content:"\\(\w+)"', style)
        assert int(code, 16) in drawn, name
    own = (site / "_static" / "course.css").read_text(encoding="utf-8")
    assert few_icons.characters(own) <= drawn and font.stat().st_size < 20_000


def test_only_icons_that_are_named_stay_in_the_style():
    css = '.a{b:c}.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}.fa-0:before{content:"\\30"}'
    kept = css.removesuffix('.fa-0:before{content:"\\30"}')
    assert few_icons.keep_icons(css, {"fa-navicon", "fa-solid"}) == kept
    assert few_icons.characters(kept) == {0xF0C9}
    source = (
        'src:url(x/fa-solid-900.woff2) format("woff2"),url(x/fa-solid-900.ttf) format("truetype")'
    )
    assert few_icons.keep_icons(source, set()) == 'src:url(x/fa-solid-900.ttf) format("truetype")'


GOOD = '<img src="a.png" alt="A curve that falls."><a href="#top" id="top">x</a>'
BAD = {
    "broken: <a> leads to nowhere.html": '<a href="nowhere.html">x</a>',
    "broken: <a> leads to #nowhere": '<a href="#nowhere">x</a>',
    "broken: <img> leads to b.png": '<img src="b.png" alt="A curve that falls.">',
    "broken: <a> leads to ../outside.txt": '<a href="../outside.txt">x</a>',
    "alt: a.png has the text None": '<img src="a.png">',
    "alt: a.png has the text 'plot'": '<img src="a.png" alt="plot">',
    "foreign: <script> loads https://example.org/x.js": "<script src='https://example.org/x.js'>",
    "foreign: <link> loads //example.org/x.css": (
        '<link rel="stylesheet" href="//example.org/x.css">'
    ),
    "foreign: <img> loads http://example.org/x.png": (
        '<img src="a.png" srcset="http://example.org/x.png 2x" alt="A curve that falls.">'
    ),
    "foreign: <p> loads https://example.org/x.png": (
        '<p style="background: url(https://example.org/x.png)">x</p>'
    ),
}


@pytest.mark.parametrize("fault", [None, *BAD])
def test_the_checker_reports_what_is_wrong(tmp_path, fault):
    root = tmp_path / "site"
    root.mkdir()
    (root / "a.png").touch()
    (tmp_path / "outside.txt").touch()
    (root / "page.html").write_text(GOOD + BAD.get(fault, ""), encoding="utf-8")
    assert faults(root, root / "page.html") == ([] if fault is None else [fault])


def test_a_link_to_another_host_is_no_fault(tmp_path):
    (tmp_path / "page.html").write_text('<a href="https://example.org/">x</a>', encoding="utf-8")
    assert faults(tmp_path, tmp_path / "page.html") == []


BUILD = """#!/bin/sh
echo "A banner of twenty lines"
mkdir -p _build/html/book _build/.doctrees
for page in book/*.md; do touch "_build/html/$page.html"; done
test -e _build/html/index.html || touch _build/html/index.html
# As Sphinx does, it warns of a page when it reads it, and not again.
if test -e fails && test ! -e _build/.doctrees/read; then touch _build/.doctrees/read; exit 1; fi
touch _build/.doctrees/read
"""
on_unix = pytest.mark.skipif(
    os.name == "nt", reason="the stand-in for jupyter-book is a shell script"
)


@pytest.fixture
def small(tmp_path) -> Path:
    """A course of one page, whose book is built in no time. It fails where a file says so."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "_toc.yml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "intro.md").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    builder = tmp_path / ".venv" / "bin" / "jupyter-book"
    builder.write_text(BUILD)
    builder.chmod(0o755)
    (tmp_path / ".venv" / "ready").touch()
    return tmp_path


def said_ready(folder: Path) -> str:
    return f"The book is ready. Open {folder}/_build/html/index.html in a browser.\n"


@on_unix
@pytest.mark.parametrize("fails", [False, True])
def test_make_book_prints_one_line_unless_the_build_fails(small, fails):
    if fails:
        (small / "fails").touch()
    run = make(small, "book")
    if fails:
        assert run.returncode != 0 and "A banner of twenty lines" in run.stdout
        assert "The book is ready" not in run.stdout
    else:
        assert run.returncode == 0 and run.stderr == ""
        assert run.stdout == said_ready(small)


ODD = ("my notes.md", "übung.md", "Untitled Folder/a b.md", "1: x | [y]; z.md", "100% (#1) $5.md")


@on_unix
@pytest.mark.parametrize("has_git", [True, False])
def test_a_page_may_have_any_name(small, has_git):
    pages = [small / "book" / name for name in ODD]
    pages[2].parent.mkdir()
    for page in pages:
        page.touch()
    deleted = small / "book" / "deleted.md"
    deleted.touch()
    if has_git:
        (small / ".gitignore").write_text(".venv\n_build\n")
        subprocess.run(["git", "init", "-q"], cwd=small, check=True)
        subprocess.run(["git", "add", "."], cwd=small, check=True)
    deleted.unlink()
    assert make(small, "book").stdout == said_ready(small)
    built = (small / "_build" / "html" / "index.html").stat().st_mtime
    assert "jupyter-book" not in make(small, "-n", "book").stdout
    for page in pages:
        os.utime(page, (built + 1, built + 1))
        assert "jupyter-book" in make(small, "-n", "book").stdout, page
        os.utime(page, (built - 1, built - 1))


def outdate(folder: Path, name: str) -> None:
    """Give the site an earlier date than a file has."""
    for path, seconds in ((folder / "_build" / "html" / "index.html", 2), (folder / name, 1)):
        os.utime(path, (time.time() - seconds,) * 2)


@on_unix
def test_a_page_that_is_no_longer_in_the_contents_leaves_the_site(small):
    page = small / "book" / "removed.md"
    page.touch()
    make(small, "book")
    built = small / "_build" / "html" / "book"
    assert {path.name for path in built.iterdir()} == {"intro.md.html", "removed.md.html"}
    page.unlink()
    outdate(small, "_toc.yml")
    assert make(small, "book").stdout == said_ready(small)
    assert {path.name for path in built.iterdir()} == {"intro.md.html"}


@on_unix
@pytest.mark.parametrize("changed", ["book/intro.md", "_toc.yml"])
def test_a_book_that_failed_fails_again_until_it_is_mended(small, changed):
    make(small, "book")
    outdate(small, changed)
    (small / "fails").touch()
    shutil.rmtree(small / "_build" / ".doctrees")  # what changed is read
    for _ in range(3):
        run = make(small, "book")
        assert run.returncode != 0 and "ready" not in run.stdout
    (small / "fails").unlink()
    assert make(small, "book").stdout == said_ready(small)
