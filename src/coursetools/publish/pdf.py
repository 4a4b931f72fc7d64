"""Print the built site as one PDF with Chromium: title page, contents, and every page in order.

Run `make pdf`, or `python -m coursetools.publish.pdf SITE FILE.pdf` for another site.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path, PurePosixPath

from coursetools.publish.built import FIRST, article, mathjax, pages

from lxml import html

# Names to look for, and where macOS and Windows keep a browser that can print.
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "chrome", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing is fetched from anywhere
    "--no-pdf-header-footer",  # print.css has its own
    "--generate-pdf-document-outline",
    "--virtual-time-budget=60000",  # waits until the formulas are set
)
MISSING = "make pdf needs Chromium, Chrome or Edge to print with, and found none on this machine."

BOOK = """<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>
<base href="{base}"><link rel="stylesheet" href="_static/pygments.css">
<link rel="stylesheet" href="_static/touch.css"><link rel="stylesheet" href="_static/print.css">
<style>{headers}</style>{formulas}</head>
<body><header class="title"><h1>{title}</h1><p class="subtitle">{subtitle}</p>
<img src="_static/cover.png" alt=""><p>{license}</p></header>
<nav class="contents"><h2>Contents</h2>{contents}</nav>
{articles}</body></html>
"""
HEADER = "@page {name} {{ @top-right {{ content: {title} }} }} #{name} {{ page: {name} }}\n"
LICENSE = "Text and figures: CC BY 4.0. Code: BSD 3-Clause."


def name_of(page: str) -> str:
    """Return the name that a page has within the book, such as `p-glossary`."""
    return f"p-{PurePosixPath(page).stem}"


def chapter(site: Path, page: str, every: list[str]) -> html.HtmlElement:
    """Return the article of a page, with ids that are unique and links that stay in the book."""
    found = article(site, page)
    for element in found.xpath(".//*[@id][not(ancestor::svg)]"):
        element.set("id", f"{name_of(page)}--{element.get('id')}")
    for element in found.xpath(".//details"):
        element.set("open", "open")  # nobody can click on paper
    for link in found.xpath(".//a[@href]"):
        target, _, fragment = link.get("href").partition("#")
        target = target or page
        if target in every:
            link.set("href", "#" + name_of(target) + (f"--{fragment}" if fragment else ""))
        elif ":" not in target:
            link.drop_tag()  # a file beside the site
    found.tag = "section"
    found.set("id", name_of(page))
    found.set("class", "chapter")
    return found


def entry(element: html.HtmlElement, target: str, numbers: dict[str, int]) -> str:
    """Return one line of the table of contents."""
    title, page = escape(element.text_content()), numbers.get(target, "")
    return f'<a href="#{target}"><span>{title}</span><i></i><b>{page}</b></a>'


def contents(chapters: list[html.HtmlElement], numbers: dict[str, int]) -> str:
    """Return the table of contents, two levels deep, with the page numbers that are known."""
    lines = []
    for found in chapters:
        lines.append(entry(found.find(".//h1"), found.get("id"), numbers))
        inner = [
            entry(h, h.getparent().get("id"), numbers)
            for h in found.iterfind(".//h2")
            if len(h.text_content()) > 1  # not the letters of the glossary
        ]
        lines.append(f'<div class="inner">{"".join(inner)}</div>')
    return "".join(lines)


def compose(site: Path, numbers: dict[str, int]) -> str:
    """Return the whole book as one page of HTML."""
    every = pages(site)
    chapters = [chapter(site, page, every) for page in every]
    titles = {found.get("id"): found.find(".//h1").text_content() for found in chapters}
    return BOOK.format(
        title=escape(titles[name_of(FIRST)]),
        subtitle=escape(chapters[0].xpath("string(.//p)")),
        base=site.resolve().as_uri() + "/",
        headers="".join(
            HEADER.format(name=n, title=json.dumps(t, ensure_ascii=False))
            for n, t in titles.items()
        ),
        formulas=next(filter(None, (mathjax(site, found) for found in chapters)), ""),
        license=LICENSE,
        contents=contents(chapters, numbers),
        articles="\n".join(html.tostring(found, encoding="unicode") for found in chapters),
    )


def page_numbers(pdf: bytes) -> dict[str, int]:
    """Return the page of each place that a link of the PDF leads to, as Chromium writes it."""
    objects = re.findall(rb"(\d+) 0 obj\s*<</Type /Page\b(?!s)", pdf)
    number = {name: i for i, name in enumerate(objects, 1)}
    places = re.findall(rb"/([\w.-]+) \[(\d+) 0 R /XYZ", pdf)
    return {name.decode(): number[page] for name, page in places}


def find_browser() -> str | None:
    """Return a browser that can print, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def print_pdf(browser: str, page: str) -> bytes:
    """Return a page of HTML as PDF."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "book.html"), Path(folder, "book.pdf")
        source.write_text(page, encoding="utf-8")
        profile = f"--user-data-dir={folder}/profile"
        command = [browser, *FLAGS, profile, f"--print-to-pdf={target}", source.as_uri()]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if not target.exists():
            raise RuntimeError(f"{browser} printed nothing. It said: {run.stderr.strip()[-500:]}")
        return target.read_bytes()


def main() -> int:
    """Print the book twice: the first time shows on which page each chapter is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("pdf", type=Path)
    options = parser.parse_args()
    browser = find_browser()
    if browser is None:
        print(MISSING, file=sys.stderr)
        return 1
    draft = print_pdf(browser, compose(options.site, {}))
    printed = print_pdf(browser, compose(options.site, page_numbers(draft)))
    options.pdf.write_bytes(printed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
