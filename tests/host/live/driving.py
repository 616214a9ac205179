"""A page in a real browser: served, waited for and drawn on, by tests and by `latency`."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from allspin.host.live.choices import Choices
from allspin.host.live.learning import Learning
from allspin.host.live.serve import LiveServer, Place
from tests.processes import PATIENCE

DESK = 1280
"""Width of a usual screen, in pixels."""


@contextmanager
def served(choices: Choices, learning: Learning | None = None) -> Iterator[str]:
    """Return the link to a server."""
    server = LiveServer(choices, Place(port=0), learning)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.link
    finally:
        server.stop()
        thread.join(60)


def wait(browser: webdriver.Chrome, done: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    WebDriverWait(browser, PATIENCE, 0.005).until(lambda _: done())


def durations(browser: webdriver.Chrome, name: str) -> list[float]:
    """Return the durations of an action in milliseconds, as the page measures them."""
    script = f"return performance.getEntriesByName({name!r}).map(entry => entry.duration)"
    return browser.execute_script(script)


def draw(browser: webdriver.Chrome, *points: tuple[int, int]) -> None:
    """Draw a stroke with the mouse, at places from the pad's middle."""
    chain = ActionChains(browser, duration=10)
    pad = browser.find_element(By.ID, "pad")
    chain.move_to_element_with_offset(pad, *points[0]).click_and_hold()
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        chain.move_by_offset(to_x - x, to_y - y)
    chain.release().perform()
