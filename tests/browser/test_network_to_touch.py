"""The network to touch in Chromium: it computes what PyTorch computes, and follows the hand."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coursekit import boxes

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import _touch_scenes
from visiting import requested, visit

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
PAGE = "book/network_to_touch.html"
STATIC = ROOT / "book" / "_static" / "network_to_touch"
ANIMALS = ["brown dog", "spotted dog", "white cat", "orange bird", "black cow", "brown horse"]
HORSE = ANIMALS.index("brown horse")
MOST = 2_000_000  # bytes of the page with all that it loads

LIVE = "return document.querySelector('#touch-network.live') !== null"
SET = "document.getElementById('touch-network').setAnimals(arguments[0])"
MAPS = "return [...networkToTouch.maps(arguments[0])]"
READ = """
const side = ["x", "y", "width", "height"];
const rects = kind => [...document.querySelectorAll(`#touch-network rect.${kind}`)].map(e => {
  const [x, y, w, h] = side.map(name => Number(e.getAttribute(name)));
  return [x, y, x + w, y + h];
});
const found = [...document.querySelectorAll("#touch-network [data-part=found] li")];
const buttons = [...document.querySelectorAll("#touch-network .stage button")];
return {truth: rects("truth"), prediction: rects("prediction"),
        peaks: [...document.querySelectorAll("#touch-network circle.peak")].map(
          e => [Number(e.getAttribute("cx")), Number(e.getAttribute("cy"))]),
        heat: [...document.querySelectorAll("#touch-network rect.heat")].map(
          e => ["x", "y", "fill-opacity"].map(name => Number(e.getAttribute(name)))),
        found: found.map(e => e.textContent), labels: buttons.map(e => e.ariaLabel),
        shown: buttons.map(e => !e.hidden), spoken: document.querySelector(
          "#touch-network .spoken").textContent};
"""
# Where a point of the scene lies on the screen, from shares of the scene
WHERE = """
const stage = document.querySelector("#touch-network .stage");
stage.scrollIntoView({block: "center", behavior: "instant"});
const {left, top, width, height} = stage.getBoundingClientRect();
return [left + arguments[0] * width, top + arguments[1] * height];
"""
PICTURE = "return document.querySelector('#touch-network canvas').toDataURL()"
REST = "const done = arguments[0]; setTimeout(done, 800);"


def opened(browser, address: str, width: int = 1280):
    visit(browser, address, width, "light")
    browser.execute_async_script(
        "const done = arguments[0], wait = () => document.querySelector('#touch-network.live') "
        "? done() : setTimeout(wait, 50); wait();"
    )
    return browser


@pytest.fixture
def page(site, browser):
    return opened(browser, f"{site}/{PAGE}")


@pytest.fixture
def phone(site, browser):
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield opened(browser, f"{site}/{PAGE}", 390)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def read(browser) -> dict:
    """Return what the page shows, once the next picture has been drawn."""
    browser.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done));"
    )
    return browser.execute_script(READ)


def best(shown: dict, name: str) -> list[float]:
    """Return the box of the surest prediction with a name."""
    names = [line.partition(",")[0] for line in shown["found"]]
    assert name in names, shown["found"]
    return shown["prediction"][names.index(name)]


def button(browser, name: str):
    return browser.find_elements("css selector", "#touch-network .stage button")[
        ANIMALS.index(name)
    ]


def mouse(browser, start, end) -> None:
    """Drag the mouse from one point of the scene to another."""
    for kind, place in {"mousePressed": start, "mouseMoved": end, "mouseReleased": end}.items():
        left, top = browser.execute_script(WHERE, *place)
        event = {"type": kind, "x": left, "y": top, "button": "left", "buttons": 1, "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)


def finger(browser, start, end) -> None:
    """Drag a finger, in steps; if the page scrolled instead, it would be lost after the first."""
    way = [("touchMove", place) for place in np.linspace(start, end, 5)[1:].tolist()]
    for kind, place in (("touchStart", start), *way, ("touchEnd", None)):
        points = []
        if place is not None:
            x, y = browser.execute_script(WHERE, *place)
            points = [{"x": x, "y": y}]
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


# what it computes


def maps_of_torch(images: list) -> list:
    """Return what PyTorch computes for pictures with the weights of the page."""
    import _touch_network

    layers = _touch_network.read(STATIC / "weights.js")
    return _touch_network.maps(layers, np.array(images, dtype=np.uint8)).tolist()


def test_the_maps_are_those_of_pytorch(page, in_torch):
    scenes = [np.asarray(image) for image, _ in _touch_scenes.composed(5, 4)]
    noise = np.random.default_rng(0).integers(0, 256, (1, *scenes[0].shape), dtype=np.uint8)
    images = np.concatenate([scenes, noise])
    expected = np.array(in_torch(maps_of_torch, images.tolist()))
    for image, maps in zip(images, expected, strict=True):
        opaque = np.dstack([image, np.full(image.shape[:2], 255, dtype=np.uint8)])
        found = np.reshape(page.execute_script(MAPS, opaque.ravel().tolist()), maps.shape)
        assert np.ptp(maps) > 1 and np.abs(found - maps).max() < 1e-3


def test_the_page_pastes_a_scene_as_the_training_does(page):
    where = [{"number": HORSE, "x": 0.4, "y": 0.5, "size": 0.6}]
    page.execute_script(SET, where)
    import network_to_touch as script

    kind, seed, _ = script.ANIMALS["brown horse"]
    placed = _touch_scenes.Placed(kind, script.cut_out(kind, seed), 0.4, 0.5, 0.6)
    _, ((_, box),) = _touch_scenes.compose(script.backdrop(15, _touch_scenes.SIDE), [placed])
    (truth,) = read(page)["truth"]
    assert np.abs(np.subtract(truth, box)).max() <= 1


# what the hand does


@pytest.mark.parametrize("drag", [mouse, finger])
def test_the_box_and_the_peak_follow_an_animal_that_is_dragged(phone, drag):
    phone.execute_script(SET, [{"number": HORSE, "x": 0.3, "y": 0.4, "size": 0.5}])
    (before,) = read(phone)["truth"]
    drag(phone, (0.3, 0.4), (0.65, 0.6))
    shown = read(phone)
    (truth,) = shown["truth"]
    moved = np.subtract(truth, before) / _touch_scenes.SIDE
    assert moved == pytest.approx([0.35, 0.2, 0.35, 0.2], abs=0.02)
    predicted = best(shown, "horse")
    assert boxes.iou(truth, predicted) > 0.5 > boxes.iou(before, predicted)
    x, y, _ = max(shown["heat"], key=lambda cell: cell[2])
    assert truth[0] < x + 4 < truth[2] and truth[1] < y + 4 < truth[3]
    assert shown["found"][0].startswith("horse, 0.") and shown["found"][0].endswith("✓ right")


def test_the_keys_move_resize_and_mirror_an_animal(page):
    page.execute_script(SET, [{"number": HORSE, "x": 0.5, "y": 0.5, "size": 0.4}])
    (before,) = read(page)["truth"]
    horse = button(page, "brown horse")
    horse.send_keys(*[Keys.ARROW_RIGHT] * 4, *[Keys.ARROW_UP] * 2)
    (after,) = read(page)["truth"]
    assert np.subtract(after, before).tolist() == [8, -4, 8, -4]
    wide = after[2] - after[0]
    horse.send_keys("++")
    (larger,) = read(page)["truth"]
    assert larger[2] - larger[0] == pytest.approx(1.21 * wide, abs=2)
    horse.send_keys("-")
    assert read(page)["labels"][HORSE] == (
        "brown horse: 56 percent from the left, 47 from the top, size 44 percent"
    )
    picture = page.execute_script(PICTURE)
    horse.send_keys(Keys.ENTER)
    read(page)
    assert page.execute_script(PICTURE) != picture
    horse.send_keys(Keys.ENTER)
    read(page)
    assert page.execute_script(PICTURE) == picture
    assert page.current_url.endswith(PAGE)


def test_tab_leads_from_one_animal_of_the_scene_to_the_next(page):
    shown = read(page)["shown"]
    page.execute_script("arguments[0].focus()", button(page, "brown dog"))
    seen = []
    for _ in range(sum(shown)):
        label = page.switch_to.active_element.get_attribute("aria-label")
        seen.append(label.partition(":")[0])
        style = "return getComputedStyle(document.activeElement).outlineStyle"
        assert page.execute_script(style) == "solid"
        ActionChains(page).send_keys(Keys.TAB).perform()
    there = [name for name, is_there in zip(ANIMALS, shown, strict=True) if is_there]
    assert seen == there and len(there) == 4
    assert page.switch_to.active_element.get_attribute("data-part") == "smaller"


def test_the_buttons_change_the_animal_that_was_chosen_last(page):
    page.execute_script("arguments[0].focus()", button(page, "white cat"))
    before = read(page)["labels"]
    page.find_element("css selector", "[data-part=larger]").click()
    after = read(page)["labels"]
    changed = [name for name, a, b in zip(ANIMALS, before, after, strict=True) if a != b]
    assert changed == ["white cat"]


def test_an_animal_comes_and_goes_with_its_box_to_tick(page):
    tick = page.find_elements("css selector", "#touch-network [type=checkbox]")
    assert len(read(page)["truth"]) == 4
    tick[ANIMALS.index("black cow")].click()
    shown = read(page)
    assert len(shown["truth"]) == 5 and shown["shown"][ANIMALS.index("black cow")]
    for number in (0, 2, 3, 4, 5):
        tick[number].click()
    shown = read(page)
    assert shown["truth"] == [] and not any(shown["shown"])


def test_what_is_found_is_spoken_once_the_animal_rests(page):
    button(page, "brown horse").send_keys(*[Keys.ARROW_RIGHT] * 3)
    page.execute_async_script(REST)
    shown = read(page)
    names = "; ".join(line.rpartition(" ")[0].rpartition(" ")[0] for line in shown["found"])
    assert re.fullmatch(re.escape(names) + r"\. \d missed\.", shown["spoken"])
    assert re.match(r"\w+, 0\.\d\d", shown["spoken"])


def test_a_higher_threshold_leaves_fewer_boxes_and_the_heat_map_as_it_is(page):
    slider = page.find_element("css selector", "#touch-least")
    slider.send_keys(Keys.HOME)
    low = read(page)
    slider.send_keys(Keys.END)
    high = read(page)
    assert len(low["prediction"]) > 4 > len(high["prediction"]) and low["heat"] == high["heat"]
    scores = [float(re.search(r"0\.\d\d", line)[0]) for line in low["found"]]
    assert scores == sorted(scores, reverse=True) and min(scores) >= 0.05
    assert len(low["prediction"]) == len(low["peaks"]) == len(low["found"])


def test_the_heat_map_of_one_class_is_a_part_of_that_of_all(page):
    page.execute_script(SET, [{"number": HORSE, "x": 0.5, "y": 0.5, "size": 0.5}])
    heat = {}
    for name in ("all", "horse", "bird", "none"):
        option = page.find_element("css selector", f"[data-part=heat] option[value={name}]")
        option.click()
        heat[name] = {(x, y): score for x, y, score in read(page)["heat"]}
    assert heat["none"] == {}
    assert all(score <= heat["all"][cell] for cell, score in heat["horse"].items())
    assert max(heat["horse"].values()) == max(heat["all"].values())
    assert max(heat["bird"].values(), default=0) < max(heat["horse"].values())


# how it is loaded


def test_the_page_weighs_less_than_two_megabytes_and_asks_no_other_host(site, page):
    asked = {url for url in requested(page) if not url.startswith(("data:", "blob:"))}
    assert all(url.startswith(site) for url in asked)
    files = {unquote(urlsplit(url).path).lstrip("/") for url in asked}
    assert {"_static/network_to_touch/weights.js", "_static/network_to_touch/scenes.js"} <= files
    sizes = {name: (ROOT / "_build" / "html" / name).stat().st_size for name in files}
    formulas = sum(size for name, size in sizes.items() if "/mathjax/" in name)
    assert sum(sizes.values()) - formulas < MOST, sizes
    own = [STATIC / name for name in ("weights.js", "scenes.js", "still.webp")]
    assert sum(len(gzip.compress(file.read_bytes())) for file in own) < MOST / 4


def test_no_other_page_loads_the_network(site, browser):
    for name in ("book/figures_to_touch.html", "book/intro.html"):
        visit(browser, f"{site}/{name}", 1280, "light")
        assert [url for url in requested(browser) if "network" in url] == []


def test_it_works_from_the_file_system(browser):
    file = ROOT / "_build" / "html" / PAGE
    if not file.exists():
        pytest.skip("The site is not built. Run `make book` first.")
    opened_as_file(browser, file)


def test_the_file_for_jupyterlab_works_and_needs_no_other(browser):
    asked = opened_as_file(browser, ROOT / "book" / "network_to_touch.html")
    assert [url for url in asked if not url.startswith("data:")] == [
        (ROOT / "book" / "network_to_touch.html").as_uri()
    ]


def opened_as_file(browser, file: Path) -> list[str]:
    """Open a page as a file, try whether it works, and return what it asked for."""
    browser.get("about:blank")  # what a new browser asks for by itself comes before
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(file.as_uri())
    browser.execute_async_script("setTimeout(arguments[0], 1500)")
    assert browser.execute_script(LIVE)
    button(browser, "brown dog").send_keys(Keys.ARROW_RIGHT)
    assert len(read(browser)["truth"]) == 4
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
    asked = requested(browser)
    assert all(url.startswith(("file:", "data:")) for url in asked)
    return asked


def test_without_javascript_it_is_a_picture(site, browser):
    try:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        browser.get(f"{site}/{PAGE}")
        still = browser.find_element("css selector", "#touch-network .still")
        seen, size, alt = still.is_displayed(), still.size["width"], still.get_attribute("alt")
        text = browser.find_element("css selector", "#touch-network").text
        controls = browser.find_element("css selector", "#touch-network .controls").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert seen and size > 300 and "dashed" in alt.lower() and not controls
    assert "Without JavaScript" in text


def test_the_scenes_name_what_the_tests_name():
    text = (STATIC / "scenes.js").read_text(encoding="utf-8")
    scenes = json.loads(text.removeprefix("window.touchScenes = ").rstrip(";\n"))
    assert [animal["label"] for animal in scenes["animals"]] == ANIMALS
