"""Write each page to touch as one file that needs no other, such as ``book/figures_to_touch.html``.

JupyterLab shows ``figures_to_touch.md`` without its figures, so there a link to it opens that
file; see `coursetools.lab`. Run `python -m coursetools.publish.touch_page` after a page, its
figures, scripts or styles have changed (`make execute` does), and commit what it writes.
"""

import base64
import re
from mimetypes import guess_type

from coursekit import settings
from coursekit.files import write_whole

from markdown_it import MarkdownIt

BOOK = settings.CHECKOUT / "book"
NAMES = ("figures_to_touch", "network_to_touch")
PAGE = """\
<!DOCTYPE html>
<html lang="en" data-theme="light">
<head><meta charset="utf-8"><title>{title}</title>
<!-- Made by coursetools.publish.touch_page. -->
<style>
html {{
  --pst-color-primary: #1c5c8f;
  --pst-color-text-base: #22303c;
  --pst-color-text-muted: #4d5b67;
  --pst-color-background: #fff;
  --pst-color-border: #d9d6cd;
  --course-exercise: #0a6b4d;
  --course-round: 0.5rem;
  background: #fff;
  color: #22303c;
}}
* {{ box-sizing: border-box }}
body {{ font: 1rem/1.6 system-ui, sans-serif; margin: 1rem auto; max-width: 58rem }}
body {{ padding: 0 1rem }}
{style}
</style></head>
<body>
{body}
<script>
{script}
</script>
</body></html>
"""


def inlined(figure: str) -> str:
    """Return a figure with its pictures in it."""

    def data(match: re.Match) -> str:
        attribute, name = match.groups()
        picture = base64.b64encode((BOOK / name).read_bytes()).decode()
        return f'{attribute}="data:{guess_type(name, strict=False)[0]};base64,{picture}"'

    return re.sub(r'(href|src)="\.\./(_static/[\w/]+\.\w+)"', data, figure)


def page(name: str) -> str:
    """Return a page: the text without its links, which would lead nowhere, and the figures.

    A link to the other of these pages becomes the name of its file, which JupyterLab can open.
    """
    _, front, text = (BOOK / f"{name}.md").read_text(encoding="utf-8").split("---\n", 2)
    loaded = front.partition("loads:")[2].split()
    parts = {
        kind: "\n".join(
            (BOOK / "_static" / file).read_text(encoding="utf-8")
            for file in loaded
            if file.endswith(kind)
        )
        for kind in (".css", ".js")
    }
    text = re.sub(rf"\[([^\]]*)\]\(({'|'.join(NAMES)})\.md\)", r"\1 (`book/\2.html`)", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\{kbd\}`([^`]*)`", r"<kbd>\1</kbd>", text)
    body = re.sub(  # a figure is set in after the Markdown was read, which would change it
        r'<pre><code class="language-\{raw\}">:file: (\S+)\n</code></pre>',
        lambda found: inlined((BOOK / found[1]).read_text(encoding="utf-8")),
        MarkdownIt().render(text),
    )
    title = re.search(r"^# (.+)$", text, re.MULTILINE)[1]
    return PAGE.format(title=title, style=parts[".css"], body=body, script=parts[".js"])


if __name__ == "__main__":
    for name in NAMES:
        write_whole(BOOK / f"{name}.html", page(name))
