"""Keep of the icons only those that the site shows.

The theme brings two thousand icons: a font of 150 kB, which no server can make smaller, and for
each icon a line of style. The site shows some thirty.
"""

import re
from pathlib import Path
from typing import Any

from fontTools import subset  # comes with matplotlib
from sphinx.application import Sphinx

STYLE = Path("styles", "pydata-sphinx-theme.css")
FONT = Path("vendor", "fontawesome", "webfonts", "fa-solid-900.ttf")
# One icon's line of style, .fa-bars:before,.fa-navicon:before{content:"\f0c9"}
ICON = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"[^"]*"\}')
LARGER = re.compile(r'url\([^)]*fa-solid-900\.woff2\) format\("woff2"\),')
CONTENT = re.compile(r'content:\s*"([^"]+)"')


def keep_icons(css: str, names: set[str]) -> str:
    """Return a style without the lines of icons that are not among `names`, as ``fa-bars``."""

    def line(found: re.Match) -> str:
        return found[0] if names & set(re.findall(r"fa-[\w-]+", found[1])) else ""

    return LARGER.sub("", ICON.sub(line, css))


def characters(css: str) -> set[int]:
    r"""Return the characters that a style sets, where it says ``content: "\f059"``."""
    codes = re.findall(r"\\([0-9a-f]{2,6})", " ".join(CONTENT.findall(css)))
    return {int(code, 16) for code in codes}


def shrink(site: Path) -> None:
    """Rewrite the theme's style and its font of icons, for what the pages and scripts name."""
    static = site / "_static"
    files = [*site.rglob("*.html"), *static.rglob("*.js")]
    texts = (file.read_text(encoding="utf-8") for file in files if file.stem != "fontawesome")
    names = {name for text in texts for name in re.findall(r"\bfa-[\w-]+", text)}
    style, font = static / STYLE, static / FONT
    css = keep_icons(style.read_text(encoding="utf-8"), names)
    style.write_text(css, encoding="utf-8")
    styles = [*static.glob("*.css"), *static.glob("styles/*.css")]
    shown = set().union(*(characters(file.read_text(encoding="utf-8")) for file in styles))
    arguments = [str(font), f"--output-file={font}.part", "--no-hinting"]
    subset.main([*arguments, f"--unicodes={','.join(f'{code:x}' for code in sorted(shown))}"])
    Path(f"{font}.part").replace(font)
    for unused in font.parent.glob("*.woff2"):
        if unused.stem == font.stem:
            unused.unlink()


def shrink_site(app: Sphinx, exception: Exception | None) -> None:
    """Do so when a site has been built with the theme."""
    site = Path(app.outdir)
    if exception is None and app.builder.name == "html" and (site / "_static" / STYLE).exists():
        shrink(site)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("build-finished", shrink_site, priority=900)  # the pages are written and mended
    return {"parallel_read_safe": True, "parallel_write_safe": True}
