"""Latency of the live page in Chromium on this computer: ``python -m tests.host.live.latency``.

Times are the page's own: from the event of the pointer, or of the dice, until the logits are drawn.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from allspin.host.live.choices import Choices
from tests.host.browser import messages, show, start_browser
from tests.host.live.driving import DESK, draw, durations, served, wait

COUNT = 50
LOADS = 10
STROKE, CHIP = "stroke to logits", "chip to logits"
LIMITS = {"golden": {STROKE: 20.0, CHIP: 300.0}, "virtual": {STROKE: 50.0, CHIP: 1000.0}}
"""Milliseconds that the page promises, at the median."""
PAGE_LIMITS = (1000.0, 1e6)
"""Milliseconds until the first logits, and bytes until then."""
LOADED = "return document.querySelector('.logits canvas')?.hasAttribute('aria-label')"


def _machine(browser: webdriver.Chrome, link: str, on: str) -> dict[str, list[float]]:
    """Draw strokes, and change chips on a machine."""
    show(browser, "about:blank", DESK)
    show(browser, f"{link}#on={on}", DESK)
    state = {"golden": "golden model", "virtual": "ready"}[on]
    wait(browser, lambda: browser.find_element(By.ID, "state").text == state)
    found: dict[str, list[float]] = {STROKE: [], CHIP: []}
    for number in range(2 * COUNT):
        name = STROKE if number < COUNT else CHIP
        before = len(durations(browser, name))
        if name == CHIP:
            browser.find_element(By.ID, "dice").click()
        else:
            # One stroke at a time on a fresh pad, as people draw.
            if number % 4 == 0:
                browser.find_element(By.ID, "clear").click()
            x = -60 + number % 20
            draw(browser, *((x + 12 * step, -70 + step * (step - 1)) for step in range(9)))
        wait(browser, lambda: len(durations(browser, name)) > before)  # noqa: B023
        found[name].append(durations(browser, name)[-1])
    return found


def _page(browser: webdriver.Chrome, link: str) -> tuple[list[float], int]:
    """Return the milliseconds until a page has its first logits, and its bytes."""
    times = []
    for _ in range(LOADS):
        show(browser, "about:blank", DESK)
        show(browser, link, DESK)
        wait(browser, lambda: browser.execute_script(LOADED))
        times.append(browser.execute_script("return performance.now()"))
    ended = [each for each in messages(browser) if each["method"] == "Network.loadingFinished"]
    return times, int(sum(each["params"]["encodedDataLength"] for each in ended))


def main() -> int:
    """Measure, print a table, and return 0 if all limits are kept."""
    rows: list[tuple[str, float, float, float]] = []
    with served(Choices.open("paper-10")) as link, tempfile.TemporaryDirectory() as folder:
        browser = start_browser(Path(folder))
        try:
            times, size = _page(browser, link)
            median = statistics.median(times)
            rows.append(("page, first logits (ms)", median, max(times), PAGE_LIMITS[0]))
            rows.append(("page, files (bytes)", size, size, PAGE_LIMITS[1]))
            for on, limits in LIMITS.items():
                for name, found in _machine(browser, link, on).items():
                    median = statistics.median(found)
                    rows.append((f"{on}, {name} (ms)", median, max(found), limits[name]))
        finally:
            browser.quit()
    print(f"{'':36}{'median':>10}{'worst':>10}{'limit':>12}")
    for what, median, worst, limit in rows:
        print(f"{what:36}{median:10,.1f}{worst:10,.1f}{limit:12,.0f}")
    return int(any(median > limit for _, median, _, limit in rows))


if __name__ == "__main__":
    sys.exit(main())
