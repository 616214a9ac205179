"""How fast the live page is, in Chromium on this machine: ``python -m tests.host.live.latency``.

Times are the page's own: from the event of the pointer, or of the dice, until the logits are drawn.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from allspin.host.live.choices import Choices
from allspin.host.live.serve import LiveServer, Place
from tests.host.browser import messages, show, start_browser

WIDTH = 1280
COUNT = 50
LOADS = 10
PATIENCE = 180.0
STROKE, CHIP = "stroke to logits", "chip to logits"
LIMITS = {"golden": {STROKE: 20.0, CHIP: 300.0}, "virtual": {STROKE: 50.0, CHIP: 1000.0}}
"""Milliseconds that the page promises, at the median."""
PAGE_LIMITS = (1000.0, 1e6)
"""Milliseconds until the first logits, and bytes until then."""
LOADED = "return document.querySelector('.logits canvas')?.hasAttribute('aria-label')"


def _wait(done: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the page did not answer")
        time.sleep(0.005)


def _measured(browser: webdriver.Chrome, name: str) -> list[float]:
    return browser.execute_script(
        f"return performance.getEntriesByName({name!r}).map(entry => entry.duration)"
    )


def _draw(browser: webdriver.Chrome, number: int) -> None:
    pad = browser.find_element(By.ID, "pad")
    chain = ActionChains(browser, duration=10)
    chain.move_to_element_with_offset(pad, -60 + number % 20, -70).click_and_hold()
    for step in range(8):
        chain.move_by_offset(12, 2 * step)
    chain.release().perform()


def _repeat(browser: webdriver.Chrome, name: str, act: Callable[[int], object]) -> list[float]:
    for number in range(COUNT):
        act(number)
        _wait(lambda: len(_measured(browser, name)) > number)  # noqa: B023
    return _measured(browser, name)


def _machine(browser: webdriver.Chrome, link: str, on: str) -> dict[str, list[float]]:
    """Strokes and chips on a machine."""
    show(browser, "about:blank", WIDTH)
    show(browser, f"{link}#on={on}", WIDTH)
    state = {"golden": "golden model", "virtual": "ready"}[on]
    _wait(lambda: browser.find_element(By.ID, "state").text == state)
    strokes = []
    for number in range(COUNT):
        # One stroke at a time on a fresh pad, as people draw.
        if number % 4 == 0:
            browser.find_element(By.ID, "clear").click()
        before = len(_measured(browser, STROKE))
        _draw(browser, number)
        _wait(lambda: len(_measured(browser, STROKE)) > before)  # noqa: B023
        strokes.append(_measured(browser, STROKE)[-1])
    dice = browser.find_element(By.ID, "dice")
    return {STROKE: strokes, CHIP: _repeat(browser, CHIP, lambda _: dice.click())}


def _page(browser: webdriver.Chrome, link: str) -> tuple[list[float], int]:
    """Milliseconds until a page has its first logits, and the bytes that it took."""
    times = []
    for _ in range(LOADS):
        show(browser, "about:blank", WIDTH)
        show(browser, link, WIDTH)
        _wait(lambda: browser.execute_script(LOADED))
        times.append(browser.execute_script("return performance.now()"))
    sizes = [
        message["params"]["encodedDataLength"]
        for message in messages(browser)
        if message["method"] == "Network.loadingFinished"
    ]
    return times, int(sum(sizes))


def main() -> int:
    """Measure, print a table, and tell by the exit status whether all limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    server = LiveServer(Choices.open("paper-10"), Place(port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    rows: list[tuple[str, float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        browser = start_browser(Path(folder))
        try:
            times, size = _page(browser, server.link)
            rows.append(("page, first logits (ms)", statistics.median(times), max(times), 1000.0))
            rows.append(("page, files (bytes)", size, size, PAGE_LIMITS[1]))
            for on, limits in LIMITS.items():
                for name, found in _machine(browser, server.link, on).items():
                    median = statistics.median(found)
                    rows.append((f"{on}, {name} (ms)", median, max(found), limits[name]))
        finally:
            browser.quit()
            server.stop()
            thread.join()
    if arguments.json:
        print(
            json.dumps(
                [dict(zip(("what", "median", "worst", "limit"), r, strict=True)) for r in rows]
            )
        )
    else:
        print(f"{'':36}{'median':>10}{'worst':>10}{'limit':>12}")
        for what, median, worst, limit in rows:
            print(f"{what:36}{median:10,.1f}{worst:10,.1f}{limit:12,.0f}")
    return int(any(median > limit for _, median, _, limit in rows))


if __name__ == "__main__":
    sys.exit(main())
