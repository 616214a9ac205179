"""The page in a real browser: it shows the machine's answers, to every visitor.

Skipped without Chromium and its driver; the other tests of the page always run.
"""

import gzip
import re
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.live import chair
from allspin.host.live.choices import Choices
from allspin.host.live.drawing import drawn_image
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.host.browser import PHONE, TOOLS, messages, show, start_browser
from tests.host.live.driving import DESK, draw, durations, served, wait
from tests.processes import PATIENCE

AXE = Path(__file__).with_name("vendor") / "axe.min.js.gz"
ANSWER = "return document.querySelector('.logits canvas').getAttribute('aria-label') || ''"
PIXELS = "return document.querySelector('.crossbar canvas').toDataURL()"
ROWS = "return document.querySelector('.pictures canvas').getAttribute('aria-label') || ''"

pytestmark = [pytest.mark.long, pytest.mark.tool(*TOOLS)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    page = start_browser(tmp_path_factory.mktemp("profile"))
    yield page
    page.quit()


@pytest.fixture(scope="module")
def link() -> Iterator[str]:
    """Serve the network that the page shows by default."""
    choices = Choices.open("paper-10")
    fewer = replace(choices, images=choices.images[:300], labels=choices.labels[:300])
    with served(fewer) as address:
        yield address


@pytest.fixture
def small_link(choices) -> Iterator[str]:
    """Serve a network whose virtual board compiles quickly."""
    with served(choices) as address:
        yield address


def opened(browser: webdriver.Chrome, address: str, width=DESK, scheme="light") -> None:
    """Show a page, and wait for its first logits."""
    show(browser, address, width, scheme)
    wait(browser, lambda: "Logits" in browser.execute_script(ANSWER))


def rest(browser: webdriver.Chrome) -> None:
    """Wait until all test images are through, and some chips."""
    wait(browser, lambda: re.search(r"\d of 50 chips", browser.find_element(By.ID, "chips").text))
    wait(browser, lambda: browser.find_elements(By.CLASS_NAME, "wrong"))
    wait(browser, lambda: "test images, " in browser.find_element(By.ID, "confusion").text)


def logits(browser: webdriver.Chrome) -> list[int]:
    """Return the logits that the page describes for screen readers."""
    return [
        int(number) for number in browser.execute_script(ANSWER).split("Logits ")[-1].split(",")
    ]


def said(browser: webdriver.Chrome) -> dict[str, str]:
    """Return the values in the link behind #."""
    fragment = browser.execute_script("return location.hash.slice(1)")
    return dict(urllib.parse.parse_qsl(fragment))


def strokes(text: str) -> list[list[int]]:
    """Read a drawing from a link without the page's code."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    pairs = [re.findall("..", part) for part in text.split(".")]
    return [[digits.index(a) * 64 + digits.index(b) for a, b in stroke] for stroke in pairs]


def expected(
    image: np.ndarray, seed: int | None, use: int, on: str | Network = "paper-10"
) -> list[int]:
    """Return the logits of a chip's golden model for an image."""
    network, device = open_network(on), open_device("paper")
    if seed is None:
        return GoldenModel(network).logits(image[np.newaxis])[0].tolist()
    chip = Chip(device, seed)
    words = program(network, chip.device, chip.seed, Programming(tries=8)).words
    model = GoldenModel(vary_columns(chip, network), words, ColumnNoise.of_chip(chip, network))
    return model.logits(image[np.newaxis], use)[0].tolist()


def accessible(browser: webdriver.Chrome, contrasts: int = 5) -> list[str]:
    """Return the faults that axe finds in a page with at least so many texts."""
    browser.execute_script(gzip.decompress(AXE.read_bytes()).decode())
    found = browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run().then(found => done({wrong: found.violations.map(v =>"
        "  [v.id, v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary)]),"
        "  contrasts: found.passes.filter(p => p.id === 'color-contrast')"
        "    .flatMap(p => p.nodes).length}))"
    )
    assert found["contrasts"] >= contrasts
    return found["wrong"]


def test_a_stroke_gives_the_golden_models_logits(browser, link):
    opened(browser, link)
    before = logits(browser)
    draw(browser, (-60, -70), (50, -70), (-20, 80))
    wait(browser, lambda: len(durations(browser, "stroke to logits")) == 1)
    assert logits(browser) != before

    def is_remembered() -> bool:
        drawing = strokes(said(browser).get("drawn", ""))
        return logits(browser) == expected(drawn_image(drawing, (28, 28)), 0, 0)

    wait(browser, is_remembered)
    drawing = strokes(said(browser)["drawn"])
    assert len(drawing) == 1
    assert len(drawing[0]) >= 6
    image = drawn_image(drawing, (28, 28))
    answer = int(np.argmax(logits(browser)))
    told = browser.find_element(By.ID, "answer").get_attribute("textContent")
    assert told is not None
    assert told.startswith(f"Answer {answer},")
    # Drawn once more, the neurons' C2C is another.
    browser.find_element(By.ID, "use").click()
    wait(browser, lambda: logits(browser) == expected(image, 0, 1))


def test_a_stroke_that_is_taken_away_ends(browser, link):
    opened(browser, link)
    pad = browser.find_element(By.ID, "pad")
    chain = ActionChains(browser, duration=20)
    chain.move_to_element_with_offset(pad, -40, -40).click_and_hold().move_by_offset(20, 20)
    chain.send_keys(Keys.DELETE).move_by_offset(30, 10).release().perform()
    wait(browser, lambda: "net" in said(browser) and "drawn" not in said(browser))
    draw(browser, (-60, -70), (50, -70))
    wait(browser, lambda: "drawn" in said(browser))
    assert len(strokes(said(browser)["drawn"])) == 1
    assert browser.get_log("browser") == []


def test_a_second_finger_does_not_draw(browser, link):
    opened(browser, link, PHONE)
    x, y, side = browser.execute_script(
        "const box = document.getElementById('pad').getBoundingClientRect();"
        "return [box.left, box.top, box.width]"
    )

    def touch(kind: str, *fingers: float) -> None:
        places = [
            {"x": x + side * (0.2 + 0.6 * number), "y": y + side * height, "id": number}
            for number, height in enumerate(fingers)
        ]
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", 0.2)
    touch("touchMove", 0.4)
    touch("touchStart", 0.4, 0.1)
    for height in (0.5, 0.6, 0.7):
        touch("touchMove", height, height - 0.3)
    touch("touchEnd")
    wait(browser, lambda: len(said(browser).get("drawn", "")) >= 3 * 4)  # three points or more
    [stroke] = strokes(said(browser)["drawn"])
    assert all(abs(place - 200) < 10 for place in stroke[0::2])
    assert stroke[1::2] == sorted(stroke[1::2])


def test_the_dice_throw_another_chip(browser, link):
    opened(browser, link)
    pixels, before = browser.execute_script(PIXELS), logits(browser)
    browser.find_element(By.ID, "dice").click()
    wait(browser, lambda: logits(browser) != before and said(browser).get("chip", "0") != "0")
    seed = int(said(browser)["chip"])
    assert browser.find_element(By.ID, "seed").get_property("value") == str(seed)
    image = Choices.open("paper-10").images[0]
    assert logits(browser) == expected(image, seed, 0)
    assert browser.execute_script(PIXELS) != pixels
    browser.find_element(By.ID, "ideal").click()
    wait(browser, lambda: logits(browser) == expected(image, None, 0))


def test_a_link_restores_the_view_and_a_number_without_an_image_is_not_taken(browser, link):
    opened(browser, f"{link}#net=mnist-10&chip=5&test=42&d2d=0&neuron_d2d=0.5&column=0.7")
    assert Select(browser.find_element(By.ID, "network")).first_selected_option.text == "mnist-10"
    assert browser.find_element(By.ID, "seed").get_property("value") == "5"
    field = browser.find_element(By.ID, "test")
    for wrong in ("42", "300", "-1", "1.5", ""):
        browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
            field,
            wrong,
        )
        assert field.get_property("value") == "42"
    assert browser.find_element(By.ID, "knob-neuron_d2d").get_property("value") == "0.5"
    assert "Column 7" in browser.find_element(By.ID, "flow").text
    before = logits(browser)
    browser.find_element(By.ID, "next").click()
    wait(browser, lambda: logits(browser) != before)
    wait(browser, lambda: said(browser).get("test") == "43")
    again = browser.execute_script("return location.href")
    now = logits(browser)
    opened(browser, again)
    assert logits(browser) == now
    assert said(browser)["test"] == "43"


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        ("net=../x&on=/dev/tty&chip=-1&test=1e9&c2c=9&drawn=%3Cb%3E&column=9.9", ""),
        # Part of a drawing that is too large.
        (f"drawn={'DIDI' * 10}.{'Ps'.join(['DI'] * 4002)}.{'DIDI' * 10}", "DIDI" * 10),
    ],
)
def test_a_wrong_part_of_a_link_is_left_out(browser, link, given, drawn):
    opened(browser, f"{link}#{given}")
    assert browser.find_element(By.ID, "seed").get_property("value") == "0"
    assert browser.find_element(By.ID, "test").get_property("value") == ("" if drawn else "0")
    if drawn:
        image = drawn_image(strokes(drawn), (28, 28))
        wait(browser, lambda: logits(browser) == expected(image, 0, 0))
    assert not browser.find_element(By.ID, "problem").is_displayed()
    assert browser.get_log("browser") == []


def test_a_compilation_is_seen_to_go_on(browser, small_link, monkeypatch):
    over = threading.Event()

    def compiled(network, profile, progress):
        # Some steps tell only that they begin.
        progress("elaborating", 0.0)
        over.wait(PATIENCE)
        raise UserError("no compiler")

    monkeypatch.setattr(chair, "virtual_program", compiled)
    show(browser, f"{small_link}#on=virtual", DESK)
    said_of_it = browser.find_element(By.ID, "state-said")

    def elapsed() -> int:
        found = re.search(r"elaborating, (\d+) s", said_of_it.text)
        return int(found[1]) if found else -1

    wait(browser, lambda: elapsed() >= 0)
    before = elapsed()
    wait(browser, lambda: elapsed() > before)
    over.set()
    wait(browser, lambda: "no compiler" in said_of_it.text)


def test_the_scrubber_moves_the_flow(browser, small_link):
    show(browser, f"{small_link}#on=virtual&test=9", DESK)
    slider = browser.find_element(By.ID, "cycle")
    wait(browser, slider.is_enabled)
    badge = browser.find_element(By.ID, "badge")
    wait(browser, lambda: "360 of 360" not in badge.text and "R_AH words" in badge.text)
    assert "gateware equals golden model" in badge.text
    assert "420 of 420 R_AH words read back" in badge.text
    whole = browser.execute_script(ROWS)
    driven = int(re.findall(r"(\d+) of 30", whole)[0])
    assert driven > 3
    slider.send_keys(Keys.HOME)
    assert re.findall(r"(\d+) of 30", browser.execute_script(ROWS)) == ["1"]
    assert "crossbar 0 takes event 1" in browser.find_element(By.ID, "cycle-said").text
    wait(browser, lambda: said(browser).get("cycle") == "0")
    counts = []
    for _ in range(20):
        slider.send_keys(Keys.ARROW_RIGHT)
        counts += re.findall(r"(\d+) of 30", browser.execute_script(ROWS))
    assert sorted(set(map(int, counts))) == list(range(1, int(counts[-1]) + 1))
    assert int(counts[-1]) > 2
    slider.send_keys(Keys.END)
    assert browser.execute_script(ROWS) == whole
    browser.find_element(By.ID, "play").click()
    wait(browser, lambda: 0 < int(slider.get_property("value")) < int(slider.get_property("max")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_fits_asks_no_other_host_and_is_accessible(browser, link, width, scheme):
    opened(browser, link, width, scheme)
    rest(browser)
    wide = browser.execute_script(
        "const w = document.documentElement.clientWidth;"
        "const out = [...document.querySelectorAll('body *')].filter(e =>"
        "  e.checkVisibility() && !e.closest('.skip, #wrong, .uplot, #answer, .hidden')"
        "  && e.getBoundingClientRect().right > w + 0.5);"
        "return [w, document.documentElement.scrollWidth, out.map(e => e.tagName + '.' + e.id)]"
    )
    assert wide == [width, width, []]
    answer = browser.find_element(By.ID, "answer")
    if width == PHONE:
        assert answer.get_property("scrollWidth") <= answer.get_property("clientWidth")
        assert "as labelled" in answer.text
        assert browser.find_element(By.ID, "flow").rect["y"] < 700  # of 900 pixels
    log = messages(browser)
    sizes = [
        message["params"]["encodedDataLength"]
        for message in log
        if message["method"] == "Network.loadingFinished"
    ]
    sockets = [
        message["params"]["response"]["payloadData"]
        for message in log
        if message["method"] == "Network.webSocketFrameReceived"
    ]
    first = next(n for n, text in enumerate(sockets) if '"kind":"shown"' in text)
    assert 50_000 < sum(sizes) + sum(map(len, sockets[: first + 1])) < 1_000_000
    asked = [
        message["params"]["request"]["url"]
        for message in log
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert len(asked) > 20
    assert [url for url in asked if not url.startswith((link, "chrome:", "about:"))] == []
    assert browser.get_log("browser") == []

    assert accessible(browser, contrasts=41) == []


FOCUSABLE = (
    "return [...document.querySelectorAll("
    "'a[href], button, input, select, [tabindex=\"0\"]')]"
    ".filter(e => e.checkVisibility() && !e.disabled && !e.closest('fieldset:disabled'))"
    ".map(e => e.id || e.getAttribute('aria-label') || e.className)"
)
FOCUSED = (
    "const e = document.activeElement;return e.id || e.getAttribute('aria-label') || e.className"
)


def test_the_keyboard_reaches_everything(browser, link):
    opened(browser, link)
    rest(browser)
    every = browser.execute_script(FOCUSABLE)
    assert len(every) > 25
    reached = []
    for _ in every:
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(browser.execute_script(FOCUSED))
    assert reached == every


def test_the_keyboard_draws_and_chooses_columns(browser, link):
    opened(browser, link)
    pad = browser.find_element(By.ID, "pad")
    pad.send_keys(Keys.ARROW_UP * 8, Keys.SPACE, Keys.ARROW_DOWN * 16, Keys.SPACE)
    wait(browser, lambda: len(said(browser).get("drawn", "")) == 17 * 4)
    # From the middle up eight cells of 28, then a stroke down.
    [stroke] = strokes(said(browser)["drawn"])
    assert stroke[0::2] == [500] * 17
    assert (stroke[1], stroke[-1]) == (round(6 / 28 * 1000), round(22 / 28 * 1000))
    image = drawn_image([stroke], (28, 28))
    wait(browser, lambda: logits(browser) == expected(image, 0, 0))
    pad.send_keys(Keys.BACKSPACE)
    blank = np.zeros((28, 28), np.uint8)
    wait(browser, lambda: logits(browser) == expected(blank, 0, 0))
    browser.find_element(By.CSS_SELECTOR, ".crossbar canvas").send_keys(Keys.END, Keys.ARROW_LEFT)
    assert "Column 98" in browser.find_element(By.ID, "flow").text


def test_the_view_can_be_saved(browser, link, tmp_path):
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    opened(browser, f"{link}#test=3")
    for kind in ("png", "svg", "npz"):
        browser.find_element(By.ID, kind).click()
        wait(browser, (tmp_path / f"allspin.{kind}").is_file)
    assert (tmp_path / "allspin.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "allspin.svg").read_text()
    assert svg.count("<svg xmlns=") == 1
    assert ">Crossbar 0<" in svg
    assert svg.count("<text") > 50
    with np.load(tmp_path / "allspin.npz", allow_pickle=False) as arrays:
        assert arrays["sums_1"].tolist() == logits(browser)
        assert arrays["words_0"].shape == (784, 100)


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_a_network_is_seen_to_learn_and_can_be_drawn_at(browser, learn, width, scheme):
    learning = learn(epochs=100)

    def state() -> str:
        return browser.find_element(By.ID, "state").text

    def seen() -> tuple[str, ...]:
        """Check the crossbars' map, the curve and the pulses."""
        return tuple(
            browser.execute_script(
                "return [...document.querySelectorAll('figure canvas')].map(c => c.toDataURL())"
            )
        )

    with served(learning.choices, learning) as address:
        show(browser, address, width, scheme)
        wait(browser, lambda: state() == "learning" and len(seen()) == 5)
        before = seen()
        wait(browser, lambda: all(map(str.__ne__, seen(), before)))
        browser.find_element(By.ID, "pause").click()
        wait(browser, lambda: state() == "paused")
        before = seen()
        assert (seen(), learning.paused) == (before, True)
        browser.find_element(By.ID, "pause").click()
        wait(browser, lambda: state() == "learnt")
        right = f"Accuracy {100 * learning.frame[0]['curve'][-1][2]:.2f} %"
        assert right in browser.find_element(By.ID, "flow").text
        browser.find_element(By.ID, "again").click()
        wait(browser, lambda: "seed 1" in browser.find_element(By.ID, "badge").text)
        wait(browser, lambda: state() == "learnt")
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert (wide, accessible(browser), browser.get_log("browser")) == (width, [], [])
        target = browser.find_element(By.ID, "draw").get_property("href")
        opened(browser, target, width, scheme)
        network = learning.choices.networks[learning.choices.first]
        assert logits(browser) == expected(learning.choices.images[0], 0, 0, network)
