"""A site of a few pages, built as Jupyter Book builds one, for the tests of PDF and slides."""

from pathlib import Path

from PIL import Image

PAGE = """<!DOCTYPE html><html lang="en"><body><nav class="bd-links"><ul>
<li><a href="{up}intro.html">Where Is It?</a></li>
<li><a href="{up}../notebooks/01_boxes.html">Lesson 01</a></li>
<li><a href="{up}glossary.html">Glossary</a></li></ul></nav>
<article class="bd-article">{article}</article></body></html>"""
INTRO = """<section id="where"><h1>Where Is It?<a class="headerlink" href="#where">#</a></h1>
<p>A course.</p><p><a href="../notebooks/01_boxes.html#summary">To the summary</a></p></section>"""
LESSON = """<section id="boxes"><h1>Boxes</h1>
<p>Where are <a href="#draw">they</a>?</p><button>Copy</button>
<section id="draw"><h2>Draw</h2><p>{long}</p><p>{long}</p>
<div class="cell"><div class="cell_input"><pre>draw(box)\nshow()</pre></div>
<div class="cell_output"><div class="picture x"><img alt="A white box." src="../_images/box.png">
</div></div></div>
<p>It is white.</p><section id="more"><h3>More &amp; more</h3></section></section>
<section id="exercises"><h2>Exercises</h2><p>Write it.</p>
<div class="cell tag_exercise tag_hide-input"><details class="admonition hide above-input">
<summary><p>Show code cell source</p></summary>
<div class="cell_input"><pre>the_solution = 42</pre></div></details></div>
<div class="cell tag_check"><div class="cell_input"><pre>checks.it(it)</pre></div></div>
<div class="dropdown admonition"><p class="admonition-title">Answer</p><p>Hidden.</p></div>
</section>
<section id="summary"><h2>Summary</h2><p><a href="../book/glossary.html#term-box">box</a>,
<a href="https://example.org/">elsewhere</a></p></section></section>"""
GLOSSARY = """<section id="glossary"><h1>Glossary</h1><section id="summary"><h2>Boxes</h2><dl>
<dt id="term-box">box</dt><dd>Four numbers.</dd></dl></section></section>"""


def write(root: Path) -> Path:
    """Return `root`, which now holds an introduction, a lesson and a glossary."""
    articles = {
        "book/intro.html": INTRO,
        "notebooks/01_boxes.html": LESSON.format(long="A long sentence. " * 30),
        "book/glossary.html": GLOSSARY,
    }
    for name, article in articles.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        up = "" if name.startswith("book/") else "../book/"
        (root / name).write_text(PAGE.format(up=up, article=article), encoding="utf-8")
    for name in ("_images/box.png", "_static/cover.png"):
        (root / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (80, 40)).save(root / name)
    for name in ("pygments.css", "print.css", "slides.css", "slides.js", "favicon.svg"):
        (root / "_static" / name).touch()
    return root
