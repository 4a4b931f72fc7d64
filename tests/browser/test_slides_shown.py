"""The slides in Chromium, on a projector of 1280 × 720: everything fits, and the keys work."""

from coursekit import settings
from coursetools.publish import built, slides

import pytest
from selenium.webdriver.common.keys import Keys
from test_pages import RULES, RUN_AXE, foreign_requests, visit

pytestmark = pytest.mark.browser

BUILT = settings.CHECKOUT / "_build" / "html"
SIZE = {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False}
TOO_LARGE = """
const found = [];
slides.forEach((slide, i) => {
  show(i);
  if (slide.scrollHeight > slide.clientHeight || slide.scrollWidth > slide.clientWidth)
    found.push(`slide ${i + 1} does not fit`);
  for (const picture of slide.querySelectorAll("img")) {
    const box = picture.getBoundingClientRect();
    if (box.height < 150 || box.bottom > innerHeight) found.push(`slide ${i + 1}: its picture`);
  }
});
show(0);
return found;
"""
PLACE = "return document.getElementById('place').textContent"


@pytest.fixture(scope="module")
def decks(tmp_path_factory, serve):
    """Give the address of a folder with the slides of every lesson, and their names."""
    if not (BUILT / "index.html").exists():
        pytest.skip("The site is not built. Run `make book` first.")
    folder = tmp_path_factory.mktemp("slides")
    lessons = [page for page in built.pages(BUILT) if page.startswith("notebooks/")]
    names = [slides.write(BUILT, page, folder).name for page in lessons]
    with serve(folder) as address:
        yield address, names


def open_deck(browser, address, name):
    visit(browser, f"{address}/{name}", SIZE["width"], "light")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)


def test_every_slide_fits_and_asks_no_other_host(decks, browser, axe):
    address, names = decks
    found = {}
    for name in names:
        open_deck(browser, address, name)
        problems = browser.execute_script(TOO_LARGE) + foreign_requests(browser, address)
        problems += [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]
        browser.execute_script(axe)
        found[name] = problems + browser.execute_async_script(RUN_AXE, RULES)
    assert found == {name: [] for name in names}


def test_keys_lead_forward_back_and_to_the_ends(decks, browser):
    address, names = decks
    open_deck(browser, address, names[0])
    body = browser.find_element("tag name", "body")
    places = []
    for key in (Keys.ARROW_RIGHT, Keys.SPACE, Keys.ARROW_LEFT, Keys.END, Keys.HOME):
        body.send_keys(key)
        places.append(browser.execute_script(PLACE))
    last = places[3].split()[-1]
    assert places == [
        f"2 / {last}",
        f"3 / {last}",
        f"2 / {last}",
        f"{last} / {last}",
        f"1 / {last}",
    ]
