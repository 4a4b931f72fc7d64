"""The Sphinx extension of the book: the buttons, the front door and the mends."""

import io
import json
import re
from pathlib import Path

from coursekit import settings
from exercises.checks import AnswerError

import course_site
import pytest
import yaml
from lxml import html
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def test_without_a_repository_there_are_no_buttons():
    assert course_site.repository_options({}) == {}
    assert course_site.repository_options({"GITHUB_REPOSITORY": ""}) == {}


@pytest.mark.parametrize(
    "environment",
    [
        {"GITHUB_REPOSITORY": "owner/name"},
        {"COURSEKIT_REPOSITORY": "https://github.com/owner/name"},
        {"COURSEKIT_REPOSITORY": "https://github.com/owner/name.git"},
        {"COURSEKIT_REPOSITORY": "owner/name", "GITHUB_REPOSITORY": "a/fork"},
    ],
)
def test_with_a_repository_there_are_buttons(environment):
    options = course_site.repository_options(environment)
    assert options["repository_url"] == "https://github.com/owner/name"
    assert options["use_repository_button"] and options["use_issues_button"]
    assert options["launch_buttons"]["binderhub_url"] == "https://mybinder.org"
    assert options["launch_buttons"]["colab_url"] == "https://colab.research.google.com"


@pytest.mark.parametrize("value", ["name", "a/b/c", "https://example.org/owner/name", "a b/c"])
def test_another_form_is_refused_with_a_hint(value):
    with pytest.raises(ConfigError, match=r"COURSEKIT_REPOSITORY is .* Write owner/name"):
        course_site.repository_options({"COURSEKIT_REPOSITORY": value})


def build(
    directory: Path, output: Path, *cells: dict, warnings: io.StringIO | None = None, **more
) -> str:
    """Return the page that Sphinx makes of a notebook, with the theme and the extension."""
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# A lesson"}
    notebook = {"cells": [title, *cells], "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    (directory / "lesson.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    settings = {
        "extensions": ["myst_nb", "sphinx_book_theme", "course_site"],
        "html_theme": "sphinx_book_theme",
        "nb_execution_mode": "off",
        "root_doc": "lesson",
        **more,
    }
    folders = (directory, None, output, output / ".doctrees")
    Sphinx(*folders, "html", settings, status=None, warning=warnings).build()
    return (output / "lesson.html").read_text(encoding="utf-8")


def of_notebooks() -> dict:
    """Return how the book shows notebooks."""
    own = yaml.safe_load((settings.CHECKOUT / "_config.yml").read_text(encoding="utf-8"))
    return {k: v for k, v in own["sphinx"]["config"].items() if k.startswith("nb_")}


@pytest.mark.parametrize("repository", [None, "owner/name"])
def test_the_buttons_on_a_page(tmp_path, monkeypatch, repository):
    for variable in course_site.VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    if repository:
        monkeypatch.setenv("COURSEKIT_REPOSITORY", repository)
    source = tmp_path / "source"
    source.mkdir()
    page = build(source, tmp_path / "html", html_title="Boxes & <b>")
    links = [
        "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/lesson.ipynb",
        "https://colab.research.google.com/github/owner/name/blob/main/lesson.ipynb",
        "https://github.com/owner/name/issues/new",
    ]
    assert [link in page for link in links] == [repository is not None] * 3
    index = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    assert "url=lesson.html" in index and "<title>Boxes &amp; &lt;b&gt;</title>" in index


def test_a_page_loads_the_files_that_it_names_and_no_other_page_does(tmp_path):
    source = tmp_path / "source"
    (source / "files").mkdir(parents=True)
    for name in ("own.js", "own.css"):
        (source / "files" / name).touch()
    text = "---\nloads: own.js own.css\norphan: true\n---\n\n# A page\n"
    (source / "page.md").write_text(text, encoding="utf-8")
    other = build(source, tmp_path / "html", html_static_path=["files"])
    page = (tmp_path / "html" / "page.html").read_text(encoding="utf-8")
    assert '<script defer="defer" src="_static/own.js' in page
    assert re.search(r'<link [^>]*href="_static/own\.css', page)
    assert "own." not in other


def test_the_mends_leave_a_mended_page_alone():
    page = (
        '<button class="btn search-button-field x" title="Search" aria-label="Search" id="s">'
        '<i class="theme-switch fa-sun" data-mode="light" title="Light"></i>'
        '<script defer src="../_static/scripts/fontawesome.js?digest=1"></script>\n'
        '<script defer src="../_static/scripts/bootstrap.js?digest=1"></script>'
    )
    mended = course_site.mend(page)
    assert mended == (
        '<button class="btn search-button-field x" title="Search" id="s">'
        '<i class="theme-switch fa-sun" data-mode="light"></i>'
        '<script defer src="../_static/scripts/bootstrap.js?digest=1"></script>'
    )
    assert course_site.mend(mended) == mended


def test_the_fold_of_a_solution_is_named_by_what_it_says():
    page = '<summary aria-label="Toggle hidden content"><span>Show the solution</span></summary>'
    assert course_site.mend(page) == "<summary><span>Show the solution</span></summary>"


def test_tags_without_a_color_of_their_own_are_left_out():
    page = '<span class="k">if</span><span class="w"> </span><span class="n">x</span>'
    assert course_site.mend(page) == '<span class="k">if</span> x'


def test_a_page_does_not_load_what_searches_while_one_types():
    scripts = ("_static/searchtools", "_static/language_data", "searchindex")
    page = "".join(f'\n    <script src="../{name}.js"></script>' for name in scripts) + "\n"
    search = "".join(f'\n  <script src="{name}.js"></script>' for name in scripts) + "\n"
    assert course_site.mend(page) == "\n" and course_site.mend(search) == search


def test_a_number_stays_in_one_line_with_its_spread():
    mended = course_site.mend("<td>0.7 ± 0.01</td><p>0.7 ± 0.01</p>")
    assert mended == "<td>0.7&nbsp;±&nbsp;0.01</td><p>0.7 ± 0.01</p>"


def test_a_figure_of_a_notebook_scrolls_by_itself():
    figure = '<img alt="A curve." src="../_images/0.png" />'
    mended = course_site.mend(f"<div>\n{figure}\n</div>\n<p>{figure}</p>\n")
    wrapped = f'<div class="picture pst-scrollable-table-container">{figure}</div>'
    assert mended == f"<div>\n{wrapped}\n</div>\n<p>{figure}</p>\n"
    assert course_site.mend(mended) == mended


def test_each_line_of_a_claim_has_a_name_and_no_other_line():
    lines = "✓ A: 1 (at least 0)\n96 pictures\n· B: ≈0.2 here\n✗ C: 3 here\n"
    page = f"<div><pre><span></span>{lines}</pre>\n<p>✓ D</p>\n</div>"
    mended = course_site.mend(page)
    names = [(e.text, e.get("class")) for e in html.fromstring(mended).iter("span") if e.text]
    assert names == [
        ("✓ A: 1 (at least 0)\n", "claim"),
        ("· B: ≈0.2 here\n", "claim"),
        ("✗ C: 3 here\n", "claim"),
    ]
    assert html.fromstring(mended).text_content() == html.fromstring(page).text_content()
    assert course_site.mend(mended) == mended


def folded(name: str, tags: list[str], **metadata) -> dict:
    """Return a cell that prints its name; its code is folded."""
    return {
        "cell_type": "code", "id": name, "source": f"code_of_{name}()", "execution_count": 1,
        "metadata": {"tags": ["hide-input", *tags], **metadata},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": f"✓ {name}: 1\n"}],
    }  # fmt: skip


def test_a_claim_folds_its_code_under_words_of_its_own_and_shows_its_result(tmp_path):
    (tmp_path / "source").mkdir()
    lesson = settings.CHECKOUT / "notebooks" / "05_evaluation.ipynb"
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    claims = [c["metadata"] for c in cells if c["metadata"].get("tags") == ["hide-input"]]
    prompts = {k: v for k, v in of_notebooks().items() if k.startswith("nb_code_prompt")}
    page = build(
        tmp_path / "source", tmp_path / "html",
        folded("claim", [], mystnb=claims[0]["mystnb"]), folded("solution", ["exercise"]),
        **prompts,
    )  # fmt: skip
    claim, solution = html.fromstring(page).xpath("//details[contains(@class, 'hide')]")
    for fold, name, words in (
        (claim, "claim", ["Show how it was measured", "Hide how it was measured"]),
        (solution, "solution", ["Show the solution", "Hide the solution"]),
    ):
        assert [p.text for p in fold.iter("p")] == words and fold.get("open") is None
        assert f"code_of_{name}" in fold.text_content() and "✓" not in fold.text_content()
        assert fold.getnext().xpath(".//span[@class='claim']/text()") == [f"✓ {name}: 1\n"]


def test_a_page_shows_what_the_check_of_an_open_exercise_says(tmp_path):
    """Sphinx warns of nothing, since each warning makes `make book` fail; but of wrong code."""
    (tmp_path / "source").mkdir()
    said = ["area is not written yet. Replace the line that raises.", 'Use `//`; don\'t "round".']
    checks = [
        {
            "cell_type": "code", "id": f"check-{i}", "source": "checks.area(area)",
            "execution_count": 1, "metadata": {"tags": ["check"]},
            "outputs": [
                {"output_type": "stream", "name": "stderr", "text": "RuntimeWarning: 1 / 0"},
                {
                    "output_type": "error", "ename": "AnswerError", "evalue": words,
                    "traceback": AnswerError(words)._render_traceback_(),
                },
            ],
        }
        for i, words in enumerate(said)
    ]  # fmt: skip
    place = (tmp_path / "source", tmp_path / "html")
    page = build(*place, *checks, warnings=(told := io.StringIO()), **of_notebooks())
    assert "lesson.ipynb" not in told.getvalue()  # it warns of a second Sphinx in this process
    lines = html.fromstring(page).xpath("//span[@class='claim']/text()")
    assert lines == [f"✗ {words}\n" for words in said]
    wrong = checks[0] | {"source": "area = ✗"}
    build(*place, wrong, warnings=told, **of_notebooks())
    assert "Lexing literal_block 'area = ✗'" in told.getvalue()
