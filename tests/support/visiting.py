"""Opening a page as a reader does, and listing what it asked for."""

import json

WAIT = """
const done = arguments[arguments.length - 1];
const settled = () => setTimeout(done, 100);
const math = window.MathJax && MathJax.startup && MathJax.startup.promise;
math ? math.then(settled) : settled();
"""


def visit(browser, address: str, width: int, mode: str) -> None:
    """Open a page in a window of that width, with the reader's color scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    # Without motion, no color is seen on its way from one mode to the other.
    wishes = {"prefers-color-scheme": mode, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wishes.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    own = "/".join(address.split("/")[:3])
    stored = {"origin": own, "storageTypes": "all"}  # each visit is a reader's first
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", stored)
    browser.get_log("performance")  # reading a log empties it
    browser.get_log("browser")
    browser.get(address)
    browser.execute_async_script(WAIT)


def requested(browser) -> list[str]:
    """Return the addresses asked for since the last visit began; a second call returns none.

    Without those of the browser's own first tab, which may still be loading: no page can ask for
    them.
    """
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [e["params"]["request"]["url"] for e in events if e["method"].endswith("WillBeSent")]
    return [address for address in sent if not address.startswith("chrome:")]
