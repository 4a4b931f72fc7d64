"""A local server for the built site, a Chromium that can reach nothing else, and axe-core."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from coursekit import settings

import pytest
from selenium import webdriver

from serving import served

ROOT = Path(__file__).resolve().parents[2]

AXE = "4.14.1"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="session")
def serve():
    return served


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Give the address of the built site."""
    built = ROOT / "_build" / "html"
    if not (built / "index.html").exists():
        pytest.skip("The site is not built. Run `make book` first.")
    with served(built) as address:
        yield address


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    """Give a headless Chromium with an empty profile, which logs its requests."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("Chromium or chromedriver is not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    chrome.set_page_load_timeout(60)
    yield chrome
    chrome.quit()


@pytest.fixture(scope="session")
def axe() -> str:
    """Give the source of axe-core, which npm fetches once into the project's cache."""
    cache = settings.home() / "npm"
    script = cache / "node_modules" / "axe-core" / "axe.min.js"
    installed = script.exists() and f'"version": "{AXE}"' in (
        script.with_name("package.json").read_text(encoding="utf-8")
    )
    if not installed:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"axe-core {AXE} is not in {cache}, and there is no npm to fetch it with.")
        cache.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-save", "--no-package-lock", "--prefix", str(cache)]
        run = subprocess.run(
            [*command, f"axe-core@{AXE}"], capture_output=True, text=True, timeout=180, check=False
        )
        if run.returncode != 0:
            pytest.skip(f"npm could not fetch axe-core {AXE}: {run.stderr.strip()[-300:]}")
    return script.read_text(encoding="utf-8")
