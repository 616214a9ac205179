"""A real browser for tests of pages: Chromium with its driver, headless."""

import json
import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
)
TOOLS = ("chromium", "chromedriver")
"""Programs that a test of a browser is marked with."""
PHONE = 390
"""Width of a small screen, in pixels."""


def start_browser(profile: Path) -> webdriver.Chrome:
    """Start the browser with a profile folder of its own; the caller quits it."""
    chromium, driver = (shutil.which(name) for name in TOOLS)
    assert chromium is not None
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    # With both paths given, Selenium looks for no browser and no driver elsewhere.
    return webdriver.Chrome(options=options, service=Service(driver))


def show(
    browser: webdriver.Chrome, address: str, width: int, scheme: str = "light", height: int = 900
) -> None:
    """Open a page in a window of a width and height, afresh."""
    # Else keys are lost while the browser has not yet given the page the focus.
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "", "features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width <= PHONE},
    )
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(address)


def messages(browser: webdriver.Chrome) -> list[dict]:
    """Messages of the browser about its network since the last call."""
    return [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]


def requests(browser: webdriver.Chrome, page: str) -> list[str]:
    """Addresses that a page asked for since it was opened; the browser's own tab asks too."""
    return [
        message["params"]["request"]["url"]
        for message in messages(browser)
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["documentURL"].partition("#")[0] == page
    ]
