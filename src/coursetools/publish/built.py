"""Read the built site: its pages in order, and the article of each, for paper and for slides."""

from pathlib import Path, PurePosixPath

from lxml import html

FIRST = "book/intro.html"
# What only the site needs: links to a heading itself, buttons, scripts, the style of each table.
DROPPED = (".//a[@class='headerlink']", ".//button", ".//script", ".//noscript", ".//style")


def pages(site: Path) -> list[str]:
    """Return the pages in the order of the table of contents, as paths within the site."""
    if not (site / FIRST).exists():
        raise FileNotFoundError(f"There is no site in {site}. Run `make book` first.")
    links = html.parse(site / FIRST).xpath("//nav[contains(@class, 'bd-links')]//a/@href")
    return [FIRST if link == "#" else within(FIRST, link) for link in links]


def within(page: str, address: str) -> str:
    """Return an address on a page as a path from the root of the site."""
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / address).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def article(site: Path, page: str) -> html.HtmlElement:
    """Return the text of a page, without what only the site needs.

    The addresses of pictures and of other pages start at the root of the site.
    """
    tree = html.parse(site / page, html.HTMLParser(encoding="utf-8"))
    (found,) = tree.xpath("//article")
    for element in found.xpath(" | ".join(DROPPED)):
        element.drop_tree()
    for element in found.find_class("picture"):
        element.drop_tag()  # it only scrolls
    for name in ("src", "href"):
        for element in found.xpath(f".//*[@{name}]"):
            address = element.get(name)
            if ":" not in address and not address.startswith("#"):
                element.set(name, within(page, address))
    return found


def mathjax(site: Path, found: html.HtmlElement) -> str:
    """Return the tags that set the formulas of an article; nothing when it has none.

    They are taken from a page of the site that has formulas, with addresses from its root.
    """
    if not found.find_class("math"):
        return ""
    for page in pages(site):
        tree = html.parse(site / page)
        for script in tree.xpath("//script[contains(@src, 'mathjax')]"):
            settings = tree.xpath("string(//script[contains(text(), 'MathJax =')])")
            source = within(page, script.get("src").split("?")[0])
            return f'<script>{settings}</script><script defer src="{source}"></script>'
    raise ValueError(f"The site in {site} has formulas, but none of its pages loads MathJax.")
