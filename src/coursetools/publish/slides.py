"""Turn each lesson of the built site into slides that need no network.

A slide for every heading, and as many more as its text and its figures need. Code and answers are
folded; a click opens them. The solutions of the exercises are left out.

Run `make slides`, or `python -m coursetools.publish.slides SITE FOLDER` for another site.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from coursetools.publish.built import article, mathjax, pages

from lxml import html

ROOM = 720  # characters of text on a slide
LINE = 45  # how many characters of text take as much room as a line of output
FILES = ("_static/pygments.css", "_static/slides.css", "_static/slides.js", "_static/favicon.svg")
FONTS = "output/chtml/fonts"  # of MathJax, beside its script

PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="_static/favicon.svg"><link rel="stylesheet" href="_static/pygments.css">
<link rel="stylesheet" href="_static/slides.css">{formulas}
<script defer src="_static/slides.js"></script></head>
<body><main>
{slides}</main>
<nav><button type="button" id="back" aria-label="Slide before">‹</button>
<span id="place" aria-live="polite"></span>
<button type="button" id="next" aria-label="Next slide">›</button></nav></body></html>
"""
SLIDE = '<section class="slide {kind}"><{tag}>{heading}</{tag}>\n{body}</section>\n'


def has(element: html.HtmlElement, name: str) -> bool:
    """Return whether an element is of a class."""
    return name in element.get("class", "").split()


def fold(element: html.HtmlElement, label: str) -> None:
    """Put an element into a box that a click opens."""
    box = html.Element("details")
    summary = html.Element("summary")
    summary.text = label
    element.getparent().replace(element, box)
    element.tail = None
    box.extend([summary, element])


def prepare(found: html.HtmlElement) -> html.HtmlElement:
    """Return an article with code and answers folded, and without solutions and dead links."""
    for cell in found.find_class("tag_exercise") + found.find_class("tag_check"):
        cell.drop_tree()
    for box in found.xpath(".//details[contains(@class, 'hide')]"):
        box.find("summary").drop_tree()
        box.drop_tag()
    for code in found.find_class("cell_input"):
        lines = len(code.text_content().strip().splitlines())
        fold(code, f"Code, {lines} lines" if lines > 1 else "Code, 1 line")
    for answer in found.xpath(".//div[contains(@class, 'dropdown')]"):
        title = answer.find("p").text_content()
        answer.find("p").drop_tree()
        fold(answer, title)
    for link in found.xpath(".//a[@href]"):
        if not link.get("href").startswith("http"):
            link.drop_tag()
    return found


def weight(block: html.HtmlElement) -> int:
    """Return how much room a block takes, in characters; what is folded takes a line."""
    if block.tag == "details":
        return LINE
    if has(block, "cell"):
        return LINE * (1 + sum(len(o.text_content().splitlines()) for o in outputs(block)))
    return len(block.text_content())


def outputs(cell: html.HtmlElement) -> list[html.HtmlElement]:
    """Return what a cell printed or displayed, other than pictures."""
    return cell.xpath("./div[contains(@class, 'cell_output')]/*[not(self::img)]")


def parts(blocks: list[html.HtmlElement]) -> Iterator[list[html.HtmlElement]]:
    """Divide the blocks below a heading into slides; a figure or a table ends one."""
    current: list[html.HtmlElement] = []
    for block in blocks:
        full = sum(map(weight, current)) + weight(block) > ROOM
        if current and full and not has(block, "option"):  # those stay with their question
            yield current
            current = []
        current.append(block)
        if block.xpath("descendant-or-self::img | descendant-or-self::table"):
            yield current
            current = []
    if current:
        yield current


def slides(found: html.HtmlElement) -> Iterator[str]:
    """Return the slides of an article, one by one, in HTML."""
    for section in found.iter("section"):
        heading, *blocks = section
        blocks = [block for block in blocks if block.tag != "section"]
        for number, part in enumerate(list(parts(blocks)) or [[]]):
            kind = "more" if number else ("first" if heading.tag == "h1" else "")
            body = "".join(html.tostring(block, encoding="unicode") for block in part)
            title = escape(heading.text_content())
            tag = "p" if number else heading.tag
            yield SLIDE.format(kind=kind, tag=tag, heading=title, body=body)


def write(site: Path, page: str, folder: Path) -> Path:
    """Write the slides of a lesson, with the pictures that they show, and return their file."""
    found = prepare(article(site, page))
    text = PAGE.format(
        title=escape(found.find(".//h1").text_content()),
        formulas=mathjax(site, found),
        slides="".join(slides(found)),
    )
    pictures = [source for source in found.xpath(".//img/@src") if ":" not in source]
    scripts = re.findall(r'src="(_static/[^"]*mathjax[^"]*)"', text)
    for name in {*FILES, *pictures, *scripts}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(site / name, folder / name)
    for script in scripts:
        fonts = Path(script).parent / FONTS
        shutil.copytree(site / fonts, folder / fonts, dirs_exist_ok=True)
    target = folder / f"{Path(page).name[:2]}.html"
    target.write_text(text, encoding="utf-8")
    return target


def main() -> int:
    """Write the slides of every lesson into an empty folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    for page in pages(options.site):
        if re.match(r"notebooks/\d\d_", page):
            write(options.site, page, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
