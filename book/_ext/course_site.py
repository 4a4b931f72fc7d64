"""What the site of the course needs beyond Jupyter Book.

- The launch and repository buttons, as soon as the environment says where the repository is.
- A front door, ``index.html``, that is a whole page: title, language and a link.
- Small mends of the theme's pages, so that they pass the accessibility rules and load less.
- Claims that are read like results: each line of them has a name, for the style.
- Scripts and styles that only one page needs, named in its front matter.
"""

import os
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

VARIABLES = ("COURSEKIT_REPOSITORY", "GITHUB_REPOSITORY")
ADDRESS = re.compile(r"(?:https://github\.com/)?([\w.-]+)/([\w.-]+?)(?:\.git)?/?")

INDEX = """\
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{title}</title>
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="refresh" content="0; url={page}">
  <link rel="icon" href="_static/favicon.svg">
  <link rel="canonical" href="{page}">
</head>
<body>
  <main><h1>{title}</h1><p><a href="{page}">Go to the first page of the course.</a></p></main>
</body>
</html>
"""


TYPED = "_static/searchtools|_static/language_data|searchindex"
FIGURE = r'<div class="picture pst-scrollable-table-container">\1</div>'
# What is changed in the finished pages: a pattern, and what takes its place. The first ones are
# faults of the theme, most of them against WCAG 2 A and AA, as axe-core finds them.
MENDS = (
    # The label hides the text that can be seen on the button, "Search Ctrl+K".
    (re.compile(r'(<button class="btn search-button-field[^>]*?) aria-label="[^"]*"'), r"\1"),
    # The titles of the three icons become text that is not in the button's label, "Color mode".
    (re.compile(r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"'), r"\1"),
    # The same on a fold, "Show the solution" or "Show how it was measured".
    (re.compile(r'(<summary) aria-label="Toggle hidden content"'), r"\1"),
    # It draws the icons a second time, as SVG. The font does it already, at a tenth of the size.
    (re.compile(r"<script [^>]*scripts/fontawesome\.js[^>]*></script>\s*"), ""),
    # What a claim or a report printed, line by line: course.css shows it like text, not like code.
    (re.compile(r"^(.*<pre><span></span>)?([✓✗·] .*\n)", re.M), r'\1<span class="claim">\2</span>'),
    # Colored like the text around them: half of the weight of a lesson's page would be these tags.
    (re.compile(r'<span class="[npw]">([^<]*)</span>'), r"\1"),
    # They search while you type, which is turned off. The page of the search has its own.
    (re.compile(rf'^    <script src="[^"]*({TYPED})\.js"></script>\n', re.M), ""),
    # A number stays in one line with its spread.
    (re.compile(r"(<td>[^<]*\d) ± (?=\d)"), r"\1&nbsp;±&nbsp;"),
    # A figure of a notebook scrolls by itself. The theme's script gives what it calls a table
    # container a place in the order of the keys, where it is wider than the page.
    (re.compile(r'^(<img alt="[^"]*" src="[^"]*_images/[^"]*" />)$', re.M), FIGURE),
)


def repository_options(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the theme options that make the buttons; none when no repository is named.

    Parameters
    ----------
    environment
        ``COURSEKIT_REPOSITORY`` is read first, then ``GITHUB_REPOSITORY``, which GitHub's own
        workflows set. Each is ``owner/name`` or ``https://github.com/owner/name``.

    Raises
    ------
    ConfigError
        When the value has another form.
    """
    name = next((name for name in VARIABLES if environment.get(name)), None)
    if name is None:
        return {}
    match = ADDRESS.fullmatch(environment[name].strip())
    if match is None:
        raise ConfigError(
            f"{name} is {environment[name]!r}. Write owner/name, or the repository's address "
            "https://github.com/owner/name."
        )
    return {
        "repository_url": f"https://github.com/{match[1]}/{match[2]}",
        "repository_branch": "main",
        "path_to_docs": "",  # the book's sources start at the root of the repository
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
        },
    }


def add_buttons(app: Sphinx, config: Config) -> None:
    """Give the theme the options of `repository_options`."""
    config.html_theme_options = {**config.html_theme_options, **repository_options(os.environ)}


def add_page_files(app: Sphinx, page: str, template: str, context: dict, doctree: Any) -> None:
    """Load the scripts and styles that a page names in its front matter, as ``loads: a.js b.css``.

    They lie in ``_static``. The other pages do not load them.
    """
    for name in ((context.get("meta") or {}).get("loads") or "").split():
        if name.endswith(".css"):
            app.add_css_file(name)
        else:
            app.add_js_file(name, loading_method="defer")


def mend(html: str) -> str:
    """Return a page with the changes in `MENDS`. A page that was mended stays as it is."""
    for pattern, replacement in MENDS:
        html = pattern.sub(replacement, html)
    return html


def mend_pages(app: Sphinx, exception: Exception | None) -> None:
    """Mend every page that has something to mend."""
    if exception is not None or app.builder.name != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        if (mended := mend(page)) != page:
            path.write_text(mended, encoding="utf-8")


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write ``index.html``, which leads to the first page of the book."""
    if exception is None and app.builder.name == "html":
        title, page = escape(app.config.html_title), f"{app.config.root_doc}.html"
        index = INDEX.format(title=title, page=page)
        (Path(app.outdir) / "index.html").write_text(index, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("config-inited", add_buttons)
    app.connect("html-page-context", add_page_files)
    app.connect("build-finished", mend_pages)
    app.connect("build-finished", write_index, priority=400)  # before the table of contents does
    return {"parallel_read_safe": True, "parallel_write_safe": True}
