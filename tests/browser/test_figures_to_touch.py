"""The three figures to touch in Chromium: mouse, keys, fingers, and no JavaScript at all."""

import json
import re
from pathlib import Path

from coursekit import boxes

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from visiting import requested, visit

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
PAGE = "book/figures_to_touch.html"
TRUTH, PREDICTION = [50, 40, 190, 140], [90, 70, 250, 160]  # as the page shows them at first

SET = "document.getElementById('touch-iou').setBoxes(arguments[0], arguments[1])"
READ = """
const fields = [...document.querySelectorAll("#touch-iou input")].map(e => e.valueAsNumber);
const shown = name => document.querySelector(`#touch-iou [data-show=${name}]`).textContent;
return [[0, 2, 4, 6].map(i => fields[i]), [1, 3, 5, 7].map(i => fields[i]),
        shown("iou"), shown("intersection"), shown("union")];
"""
# Where a point of the picture lies on the screen, in pixels of the window
WHERE = """
const stage = document.querySelector("#touch-iou svg");
stage.scrollIntoView({block: "center"});
const point = new DOMPoint(arguments[0], arguments[1]).matrixTransform(stage.getScreenCTM());
return [point.x, point.y];
"""
VERDICTS = """
return [...document.querySelectorAll("#touch-threshold li")].map(
  e => [Number(e.dataset.last), e.className, e.querySelector("b").textContent]);
"""


@pytest.fixture
def page(site, browser):
    visit(browser, f"{site}/{PAGE}", 1280, "light")
    return browser


@pytest.fixture
def phone(site, browser):
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    visit(browser, f"{site}/{PAGE}", 360, "light")
    yield browser
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def read(browser) -> tuple[list, list, float]:
    """Return the two boxes and the IoU, as the page shows them."""
    truth, prediction, iou, *_ = browser.execute_script(READ)
    return truth, prediction, float(iou)


def box(browser, name: str):
    return browser.find_element("css selector", f"#touch-iou .box.{name}")


def mouse(browser, start, end, where: str = WHERE) -> None:
    """Drag the mouse from one point of the picture to another."""
    for kind, (x, y) in {"mousePressed": start, "mouseMoved": end, "mouseReleased": end}.items():
        left, top = browser.execute_script(where, x, y)
        event = {"type": kind, "x": left, "y": top, "button": "left", "buttons": 1, "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def finger(browser, start, end, where: str = WHERE) -> None:
    """Drag a finger from one point of the picture to another, in steps.

    If the page scrolled instead, the browser would take the finger away after the first step.
    """
    way = [("touchMove", place) for place in np.linspace(start, end, 5)[1:].tolist()]
    for kind, place in (("touchStart", start), *way, ("touchEnd", None)):
        points = []
        if place is not None:
            x, y = browser.execute_script(where, *place)
            points = [{"x": x, "y": y}]
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def moved(sides, dx, dy) -> list:
    return [sides[0] + dx, sides[1] + dy, sides[2] + dx, sides[3] + dy]


def test_a_box_is_dragged_with_the_mouse(page):
    mouse(page, (70, 60), (100, 50))
    truth, prediction, iou = read(page)
    assert (truth, prediction) == (moved(TRUTH, 30, -10), PREDICTION)
    assert iou == pytest.approx(boxes.iou(truth, prediction), abs=6e-4)


def test_a_corner_is_dragged_with_the_mouse(page):
    mouse(page, (250, 160), (200, 150))
    assert read(page)[:2] == (TRUTH, [90, 70, 200, 150])
    mouse(page, (50, 40), (60, 30))
    assert read(page)[0] == [60, 30, 190, 140]


@pytest.mark.parametrize("drag", [mouse, finger])
def test_a_dragged_box_stays_in_the_picture_and_upright(phone, drag):
    drag(phone, (70, 60), (1, 60))
    assert read(phone)[0] == [0, 40, 140, 140]
    drag(phone, (250, 160), (20, 20))
    assert read(phone)[1] == [90, 70, 95, 75]


def test_a_box_is_moved_and_resized_with_a_finger(phone):
    finger(phone, (70, 60), (80, 55))
    assert read(phone)[0] == pytest.approx(moved(TRUTH, 10, -5), abs=1)
    finger(phone, (250, 160), (260, 170))
    assert read(phone)[1] == pytest.approx([90, 70, 260, 170], abs=1)


def test_the_smaller_box_is_taken_where_both_lie_under_the_pointer(page):
    page.execute_script(SET, [20, 20, 300, 180], [100, 80, 140, 120])
    mouse(page, (120, 100), (130, 100))
    assert read(page)[:2] == ([20, 20, 300, 180], [110, 80, 150, 120])
    page.execute_script(SET, [100, 80, 140, 120], [20, 20, 300, 180])
    mouse(page, (120, 100), (130, 100))
    assert read(page)[:2] == ([110, 80, 150, 120], [20, 20, 300, 180])


def test_the_keys_move_and_resize_a_box(page):
    chosen = box(page, "prediction")
    chosen.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    assert read(page)[:2] == (TRUTH, moved(PREDICTION, -10, 5))
    chosen.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_UP)
    assert read(page)[1] == [80, 75, 245, 155]
    assert page.current_url.endswith(PAGE)


def test_tab_leads_to_both_boxes_and_the_chosen_one_is_marked(page):
    page.execute_script("document.querySelector('.box.truth').focus()")
    ActionChains(page).send_keys(Keys.TAB).perform()
    chosen = page.switch_to.active_element
    assert chosen.get_attribute("data-name") == "prediction"
    rings = [
        box(page, name).find_element("css selector", ".ring").value_of_css_property("stroke")
        for name in ("truth", "prediction")
    ]
    assert rings[0] == "none" != rings[1]


def test_a_box_is_set_with_the_numbers_of_the_table(page):
    field = page.find_element("css selector", "#touch-iou [aria-label='truth: xmax']")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.NULL, "150", Keys.ENTER)
    assert read(page)[0] == [50, 40, 150, 140]
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.NULL, "20", Keys.ENTER)  # left of xmin
    assert read(page)[0] == [50, 40, 50, 140]


def test_the_result_is_spoken_once_the_box_rests(page):
    box(page, "truth").send_keys(*[Keys.ARROW_RIGHT] * 4)
    status = page.find_element("css selector", "#touch-iou [role=status]")
    wait = "const done = arguments[0]; setTimeout(done, 700);"
    page.execute_async_script(wait)
    *_, iou, intersection, union = page.execute_script(READ)
    said = f"IoU {iou}. Intersection {intersection}, union {union} square pixels."
    assert status.get_property("textContent") == said
    label = box(page, "truth").get_attribute("aria-label")
    assert label == "truth: xmin 70, ymin 40, xmax 210, ymax 140"


def test_a_hundred_pairs_have_the_iou_of_the_package(page):
    rng = np.random.default_rng(0)
    corners = np.sort(rng.uniform(0, [320, 200], (2, 100, 2, 2)), axis=2)
    corners[:, 50:] = np.round(corners[:, 50:])  # and pairs of whole numbers
    first, second = corners.reshape(2, 100, 4)
    second[:5], second[5:10, 2:] = first[:5], second[5:10, :2]  # equal ones, and empty ones
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        page.execute_script(SET, a, b)
        *_, iou, intersection, union = page.execute_script(READ)
        assert abs(float(iou) - boxes.iou(a, b)) <= 0.0005 + 1e-9
        both, either = (float(text.replace(",", "")) for text in (intersection, union))
        assert either == pytest.approx(boxes.area(a) + boxes.area(b) - both, abs=0.11)
        assert either == 0 or both / either == pytest.approx(boxes.iou(a, b), abs=1e-3)


def slide(browser, threshold: int) -> None:
    """Bring the slider to a threshold, in hundredths, with the keyboard."""
    slider = browser.find_element("css selector", "#touch-level")
    now = round(100 * float(slider.get_property("value")))
    key = Keys.ARROW_RIGHT if threshold > now else Keys.ARROW_LEFT
    slider.send_keys(*[key] * abs(threshold - now))


def shown(browser, name: str) -> str:
    return browser.find_element("css selector", f"#touch-threshold [data-show={name}]").text


@pytest.mark.parametrize("threshold", [0, 50, 51, 75, 90, 95])
def test_the_slider_says_which_pictures_are_right(page, threshold):
    slide(page, threshold)
    verdicts = page.execute_script(VERDICTS)
    assert shown(page, "threshold") == f"{threshold / 100:.2f}"
    for last, kind, text in verdicts:
        assert (kind, text) == (("right", "✓ right") if threshold <= last else ("wrong", "✗ wrong"))
    assert any(kind == "wrong" for _, kind, _ in verdicts)
    figure = page.find_element("css selector", "#touch-threshold")
    hits = int(figure.get_attribute("data-hits").split()[threshold])
    assert int(shown(page, "hits")) == hits
    assert shown(page, "share") == f"{hits / int(figure.get_attribute('data-n')):.3f}"


def test_a_picture_is_right_up_to_its_own_threshold(page):
    thresholds = {last for last, *_ in page.execute_script(VERDICTS) if 50 <= last < 95}
    for last in sorted(thresholds)[::5]:
        for threshold, wanted in ((last, "right"), (last + 1, "wrong")):
            slide(page, threshold)
            kinds = {kind for own, kind, _ in page.execute_script(VERDICTS) if own == last}
            assert kinds == {wanted}


def test_the_share_at_a_half_is_the_score_of_the_lesson(page):
    slide(page, 50)
    results = json.loads((ROOT / "book" / "results.json").read_text(encoding="utf-8"))
    score = results["models"]["torch_fine_tuned"]["test"]["accuracy_at_iou_50"]
    assert shown(page, "share") == f"{score:.3f}"


def test_the_marker_follows_the_curve(page):
    places = []
    for threshold in (0, 95):
        slide(page, threshold)
        circle = page.find_element("css selector", ".curve circle")
        places.append([float(circle.get_attribute(name)) for name in ("cx", "cy")])
    (left, high), (right, low) = places
    assert (left, right) == (40, 376) and low > high + 90


def test_the_thumb_of_the_slider_stands_below_the_marker(page):
    measure = """
    const middle = e => { const r = e.getBoundingClientRect(); return r.left + r.width / 2; };
    const slider = document.querySelector("#touch-level"), rail = slider.getBoundingClientRect();
    const thumb = 24, share = slider.value / slider.max; // the thumb's width in touch.css
    return middle(document.querySelector(".curve circle"))
      - (rail.left + thumb / 2 + share * (rail.width - thumb));
    """
    for threshold in (0, 95):
        slide(page, threshold)
        assert abs(page.execute_script(measure)) < 1.5


def test_the_first_picture_is_the_same_without_javascript(site, browser):
    try:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(f"{site}/{PAGE}")
        text = browser.find_element("css selector", "#touch-iou").text
        drawn = browser.find_elements("css selector", "#touch-iou svg .box rect")
        sizes = [rect.size["width"] for rect in drawn]
        sliders = browser.find_elements("css selector", "#touch-level")
        strip = browser.find_elements("css selector", "#touch-threshold li svg")
        hidden = [not element.is_displayed() for element in sliders]
        seen = [element.is_displayed() for element in strip]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert f"{boxes.iou(TRUTH, PREDICTION):.3f}" in text and "Without JavaScript" in text
    assert len(sizes) == 2 and min(sizes) > 100
    assert hidden == [True] and len(seen) >= 12 and all(seen)


def test_the_figures_work_from_the_file_system(browser):
    address = (ROOT / "_build" / "html" / PAGE).as_uri()
    if not (ROOT / "_build" / "html" / PAGE).exists():
        pytest.skip("The site is not built. Run `make book` first.")
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(address)
    box(browser, "truth").send_keys(Keys.ARROW_RIGHT)
    slide(browser, 60)
    assert read(browser)[0] == moved(TRUTH, 5, 0)
    assert shown(browser, "threshold") == "0.60"
    browser.find_element("css selector", "#touch-pose .joint").send_keys(Keys.ARROW_RIGHT)
    assert pose(browser)["joint"] == "right ankle"
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
    assert all(url.startswith(("file:", "data:")) for url in requested(browser))


def test_the_scripts_are_loaded_where_a_figure_is_and_nowhere_else(site, browser):
    for page, wanted in ((PAGE, 4), ("book/intro.html", 2), ("book/glossary.html", 0)):
        visit(browser, f"{site}/{page}", 1280, "light")
        names = [url for url in requested(browser) if re.search(r"/touch[\w]*\.(js|css)", url)]
        assert len(names) == wanted


def test_the_introduction_shows_the_cover_and_lets_a_box_be_dragged_at_once(site, browser):
    visit(browser, f"{site}/book/intro.html", 1280, "light")
    cover = browser.find_element("css selector", ".bd-article img")
    assert cover.get_attribute("src").endswith("cover.png") and cover.rect["y"] < 300
    assert browser.find_element("css selector", "#touch-iou svg").rect["y"] < 900  # one screen
    mouse(browser, (70, 60), (90, 60))
    assert read(browser)[0] == moved(TRUTH, 20, 0)


def test_the_slider_stays_in_sight_on_a_phone(phone):
    phone.execute_script("document.querySelector('.strip li:last-child').scrollIntoView(false)")
    slider = phone.find_element("css selector", "#touch-level").rect
    top = slider["y"] - phone.execute_script("return scrollY")
    assert 0 < top < 450


# the pose

POSE = """
const joints = [...document.querySelectorAll("#touch-pose .joint")];
const place = e => ["cx", "cy"].map(name => Number(e.querySelector("circle").getAttribute(name)));
const shown = name => document.querySelector(`#touch-pose [data-show=${name}]`).textContent;
return {points: joints.map(place), names: joints.map(e => e.dataset.name),
        truth: joints.map(e => [Number(e.dataset.x), Number(e.dataset.y)]),
        sigmas: joints.map(e => Number(e.dataset.sigma)),
        wrong: joints.map(e => e.classList.contains("wrong")),
        ...Object.fromEntries(["pck", "oks", "joint", "off", "counts"].map(n => [n, shown(n)]))};
"""
SET_POSE = "document.getElementById('touch-pose').setPose(arguments[0])"
WHERE_POSE = WHERE.replace("#touch-iou", "#touch-pose")


def pose(browser) -> dict:
    return browser.execute_script(POSE)


def scores(found: dict, size: float, area: float) -> tuple[float, float]:
    """Return PCK at 0.1, and the OKS by the formula of pycocotools."""
    off = np.linalg.norm(np.subtract(found["points"], found["truth"]), axis=1)
    variances = (2 * np.array(found["sigmas"])) ** 2
    return (off <= 0.1 * size).mean(), np.exp(-(off**2) / variances / area / 2).mean()


def test_fifty_poses_have_the_scores_of_the_formulas(page):
    figure = page.find_element("css selector", "#touch-pose")
    size, area = (float(figure.get_attribute(f"data-{name}")) for name in ("size", "area"))
    rng, truth = np.random.default_rng(0), np.array(pose(page)["truth"])
    for spread in np.linspace(0, 40, 50):
        page.execute_script(SET_POSE, (truth + rng.normal(0, spread, truth.shape)).tolist())
        found = pose(page)
        pck, oks = scores(found, size, area)
        assert float(found["pck"]) == pytest.approx(pck, abs=6e-4)
        assert float(found["oks"]) == pytest.approx(oks, abs=6e-4)
        assert np.mean(found["wrong"]) == pytest.approx(1 - pck)


@pytest.mark.parametrize("drag", [mouse, finger])
def test_a_joint_is_dragged_and_its_bones_follow(phone, drag):
    before = pose(phone)
    number = before["names"].index("left wrist")
    start = before["points"][number]
    drag(phone, start, (start[0] - 20, start[1] + 10), WHERE_POSE)
    after = pose(phone)
    assert after["points"][number] == pytest.approx([start[0] - 20, start[1] + 10], abs=1)
    others = [i for i in range(14) if i != number]
    assert [after["points"][i] for i in others] == [before["points"][i] for i in others]
    assert after["joint"] == "left wrist" and after["counts"] != before["counts"]
    line = phone.find_element("css selector", f"#touch-pose .prediction [data-ends$=' {number}']")
    ends = [float(line.get_attribute(name)) for name in ("x2", "y2")]
    assert ends == after["points"][number]


def test_the_keys_move_a_joint_and_the_result_is_spoken(page):
    before = pose(page)
    joint = page.find_element("css selector", "#touch-pose .joint[data-name='neck']")
    joint.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    after = pose(page)
    number = before["names"].index("neck")
    moved_by = np.subtract(after["points"][number], before["points"][number])
    assert moved_by == pytest.approx([-4, 2])
    page.execute_async_script("const done = arguments[0]; setTimeout(done, 700);")
    status = page.find_element("css selector", "#touch-pose [role=status]")
    said = f"neck: {after['off']}. PCK {after['pck']}, OKS {after['oks']}."
    assert status.get_property("textContent") == said
    assert joint.get_attribute("aria-label") == f"neck: {after['off']}"
    ActionChains(page).send_keys(Keys.TAB).perform()
    assert page.switch_to.active_element.get_attribute("data-name") == "head top"
