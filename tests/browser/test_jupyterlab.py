"""The lessons in a real JupyterLab, started as a student might: ``jupyter lab`` in ``notebooks``.

The folder is that of the student edition. That the full one folds its solutions as this one folds
how a claim was measured is a rule of the notebooks, see hygiene.py.
"""

import json
import os
import re
import subprocess
import sys
import time
from urllib.request import urlopen

from coursekit.settings import CHECKOUT as ROOT
from coursetools.publish import student

import pytest
from docutils.nodes import make_id
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.browser

LESSON = "01_synthetic_rectangles.ipynb"
SIZE = {"width": 1400, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
CELLS = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell"
PAGE = ".jp-MarkdownViewer"
# The heading that a link led to, how far below the top of its page it is seen, and all headings.
PLACE = f"""
const page = [...document.querySelectorAll("{PAGE}")].find(e => e.offsetParent !== null);
const place = page?.querySelector(".course-entry");
const seen = place => [place.getBoundingClientRect().top - page.getBoundingClientRect().top,
  page.clientHeight, [...page.querySelectorAll("h3")].map(e => e.id)];
"""
# JupyterLab draws what is far away when it has nothing else to do, or when somebody scrolls there.
DRAWN = f"""
const outer = document.querySelector(".jp-WindowedPanel-outer");
if (!outer) return false;
outer.scrollTop = outer.scrollHeight;
const cells = [...document.querySelectorAll({json.dumps(CELLS)})];
return cells.length > 50 && cells.at(-1).querySelector(".myst a") !== null
  && cells.every(c => !c.matches(".jp-MarkdownCell") || c.querySelector(".myst > *"));
"""
DEAD = f"""
const dead = '.myst :is(.text-yellow-600, [title*="Not Found"], a[href=""], a[href="#"])';
return [...document.querySelectorAll({json.dumps(CELLS)})]
  .flatMap(cell => [...cell.querySelectorAll(dead)])
  .map(e => e.outerHTML.slice(0, 200));
"""
LINKS = f"""
return [...document.querySelectorAll({json.dumps(f"{CELLS} .myst a.link")})]
  .map(a => decodeURIComponent(new URL(a.href).pathname.split("/files/")[1] ?? "") + a.hash);
"""
PICTURES = f"""
return [...document.querySelectorAll({json.dumps(f"{CELLS} img")})]
  .map(e => [e.src.slice(0, 100), e.naturalWidth]);
"""
EDITORS = f"""
return [...document.querySelectorAll({json.dumps(CELLS)})]
  .filter(cell => cell.querySelector(".jp-InputArea-editor, .jp-InputPlaceholder"))
  .map(cell => [cell.textContent, cell.querySelector(".jp-InputPlaceholder") !== null]);
"""
OPTION = f"""
const option = document.querySelector({json.dumps(f"{CELLS} details.option")});
const row = option.querySelector("summary");
row.scrollIntoView({{block: "center"}});
return [option, row, getComputedStyle(row).cursor, getComputedStyle(row, "::before").content,
  getComputedStyle(option).borderTopStyle];
"""


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """Give the address of a JupyterLab that knows no settings but those of the environment."""
    course = student.write(tmp_path_factory.mktemp("lab") / "course")
    own = tmp_path_factory.mktemp("jupyter")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    places += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = os.environ | {name: str(own / name) for name in places}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", "--port=0", "--IdentityProvider.token="]
    log = own / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=course / "notebooks", env=environment, stdout=out, stderr=out
        )
    try:
        until = time.monotonic() + 60
        while not (found := re.search(r"(http://127\.0\.0\.1:\d+)/lab", log.read_text())):
            assert server.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
        yield found[1]
    finally:
        browser.get("about:blank")
        server.terminate()
        server.wait(20)


def wait(browser, condition, seconds=60):
    """Return what a condition, a script or a function, gives as soon as it is true."""
    script = isinstance(condition, str)
    check = (lambda chrome: chrome.execute_script(condition)) if script else condition
    return WebDriverWait(browser, seconds, 0.3).until(check)


def follow(browser, which):
    """Click on a link of the lesson."""
    link = f"{CELLS} .myst a.link{which}"
    browser.execute_script("document.querySelector(arguments[0]).click()", link)


@pytest.fixture(scope="module")
def drawn(lab, browser):
    """Give the browser with a lesson, all of whose cells are drawn."""
    browser.get(f"{lab}/lab/tree/notebooks/{LESSON}")
    wait(browser, DRAWN)
    return browser


@pytest.fixture
def lesson(drawn):
    """Give the browser, in which the lesson is in front, whatever was opened beside it."""
    tabs = drawn.find_elements("css selector", ".lm-DockPanel-tabBar .lm-TabBar-tab")
    next(tab for tab in tabs if tab.text in LESSON).click()
    wait(drawn, f"return document.querySelector({json.dumps(CELLS)})")
    return drawn


def test_the_root_is_the_course_although_it_was_started_among_the_notebooks(lab):
    with urlopen(f"{lab}/api/contents/book/glossary.md?content=0") as answer:
        assert json.load(answer)["path"] == "book/glossary.md"


def test_no_term_and_no_citation_is_dead_and_each_picture_is_shown(lesson):
    assert lesson.execute_script(DEAD) == []
    links = lesson.execute_script(LINKS)
    assert sum(link.startswith("book/glossary.md#") for link in links) >= 10
    assert sum(link.startswith("book/bibliography.md#") for link in links) >= 5
    pictures = lesson.execute_script(PICTURES)
    assert pictures and all(width > 0 for _, width in pictures)


@pytest.mark.parametrize("page", ["glossary", "bibliography"])
def test_each_link_leads_to_its_entry(lesson, page):
    links = {x for x in lesson.execute_script(LINKS) if x.startswith(f"book/{page}.md#")}
    last = sorted(link.partition("#")[2] for link in links)[-1]
    follow(lesson, f'[href*="{page}.md"][href$="#{last}"]')
    wait(lesson, f"{PLACE} return place?.id === '{last}'")
    top, height, ids = lesson.execute_script(f"{PLACE} return seen(place)")
    assert 0 <= top < height
    assert {link.partition("#")[2] for link in links} <= set(ids)
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    assert ids == [make_id(title) for title in re.findall(r"^### (.+)$", text, re.MULTILINE)]


def test_an_answer_of_the_quiz_looks_as_if_it_could_be_opened_and_can(lesson):
    option, row, cursor, marker, border = wait(lesson, OPTION)
    assert (cursor, border) == ("pointer", "solid") and "▸" in marker
    lesson.execute_script("arguments[0].click()", row)
    assert option.get_attribute("open") and option.find_element("css selector", "p").is_displayed()


def test_the_figures_to_touch_can_be_touched(lesson):
    follow(lesson, '[href*="figures_to_touch.md"]')
    frame = wait(
        lesson, lambda chrome: chrome.find_elements("css selector", ".jp-HTMLViewer iframe")
    )[0]
    lesson.switch_to.frame(frame)
    try:
        wait(lesson, "return typeof document.getElementById('touch-iou')?.setBoxes === 'function'")
        script = """
        document.getElementById("touch-iou").setBoxes([0, 0, 100, 100], [0, 0, 50, 100]);
        return [document.querySelector("#touch-iou [data-show=iou]").textContent,
          [...document.querySelectorAll("#touch-threshold image, .touch svg")].length];
        """
        iou, drawings = lesson.execute_script(script)
    finally:
        lesson.switch_to.default_content()
    assert float(iou) == 0.5 and drawings > 10


def test_a_gap_is_open_and_what_the_site_folds_is_folded(lesson):
    folded = dict(lesson.execute_script(EDITORS))
    gaps = {text: hidden for text, hidden in folded.items() if "raise NotImplementedError" in text}
    assert len(gaps) >= 4 and not any(gaps.values())
    assert sum(folded.values()) >= 5


def test_no_news_pop_up(lab, browser, lesson):
    toasts = browser.find_elements("css selector", ".Toastify__toast, .jp-toast-button")
    assert [toast.text for toast in toasts] == []
    with urlopen(f"{lab}/lab/api/settings/@jupyterlab/apputils-extension:notification") as answer:
        assert json.load(answer)["schema"]["properties"]["fetchNews"]["default"] == "false"
