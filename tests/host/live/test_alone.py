"""The page without a server: its JavaScript against the model, the host and the native board."""

import dataclasses
import gzip
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from cobs import cobs
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.interaction import POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import WASM, build
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.image_requests import encode_images
from allspin.host.link.memories import line_address
from allspin.host.live import alone
from allspin.host.live.alone import GLOSSARY, PAGE, page_data, write_page
from allspin.host.live.drawing import drawn_image
from allspin.host.live.page_chip import PageChip
from allspin.host.machines.programmer import CHIPS
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from tests.host.browser import PHONE, TOOLS, show, start_browser
from tests.host.live.driving import DESK, draw, durations, wait

RUNNER = Path(__file__).with_name("alone.mjs")

pytestmark = pytest.mark.tool("node")


@pytest.fixture
def node(tmp_path):
    """Run a task of the runner with contents of files."""

    def run(task: str, *contents: bytes | dict | list):
        files = []
        for number, content in enumerate(contents):
            files.append(tmp_path / f"{task}-{number}")
            is_bytes = isinstance(content, bytes)
            files[-1].write_bytes(content if is_bytes else json.dumps(content).encode())
        command = ["node", str(RUNNER), str(PAGE), task, *map(str, files)]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    return run


@pytest.mark.parametrize("seed", [None, 0, 2**32 - 5])
def test_the_pages_model_equals_the_golden_model(node, choices, seed):
    made = PageChip.of(choices, choices.setting({"chip": seed}))
    words = b"".join(each.tobytes() for each in made.words)
    found = node("model", page_data(choices), words, {"seed": seed})
    # Beyond 65,535 the number of an image takes another place in a draw's address.
    expected = made.golden.trace(choices.images, 65530)
    for number, layer in enumerate(expected):
        for name in ("inputs", "sums", "currents", "activations"):
            values = getattr(layer, name)
            own = [image[number][name] for image in found]
            assert own == ([None] * 60 if values is None else values.tolist()), name


def test_frames_and_images_are_those_of_the_host(node):
    rng = np.random.default_rng(3)
    sizes = [(size, high) for size in (1, 246, 247, 248, 700) for high in (2, 256)]
    bodies = [rng.integers(1, high, size).tolist() for size, high in sizes]
    values = rng.integers(0, 16, (20, 300))
    values *= rng.random(values.shape) < np.linspace(0, 1, 20)[:, np.newaxis]
    found = node("protocol", {"bodies": bodies, "images": values.tolist(), "bits": 4})
    for tag, (body, frame) in enumerate(zip(bodies, found["frames"], strict=True)):
        payload = bytes([3, tag, 0, *body])
        assert bytes(frame) == cobs.encode(payload + crc32(payload).to_bytes(4, "little")) + b"\0"
    # The fourth byte of an answer is its session.
    assert found["bodies"] == [body[1:] for body in bodies]
    assert [bytes(each) for each in found["images"]] == encode_images(values.astype(np.uint8), 4)


def test_data_that_lack_bytes_are_refused(node, choices):
    made = PageChip.of(choices, choices.setting({"chip": 0}))
    words = b"".join(each.tobytes() for each in made.words)
    with pytest.raises(subprocess.CalledProcessError) as raised:
        node("model", page_data(choices)[:-1], words, {"seed": 0})
    assert b"data.bin is damaged" in raised.value.stderr


def drawings(count: int) -> list[list[list[int]]]:
    """Make strokes that wander about."""
    rng = np.random.default_rng(7)
    made = []
    for _ in range(count):
        strokes = []
        for _ in range(rng.integers(1, 4)):
            steps = rng.normal(0, 90, (rng.integers(1, 12), 2))
            points = np.clip(rng.uniform(200, 800, 2) + steps.cumsum(axis=0), 0, 1000)
            strokes.append(points.round().astype(int).ravel().tolist())
        made.append(strokes)
    return made


SYMMETRIC = [
    [[500, 500]],
    [[500, 100, 500, 900]],
    [[0, 0, 1000, 1000], [1000, 0, 0, 1000]],
    [[0, 0, 1000, 0, 1000, 1000, 0, 1000, 0, 0]],
]
"""Drawings with a centre between two pixels, or that fill the pad's edge."""


@pytest.mark.parametrize("shape", [(28, 28), (12, 20)])
def test_strokes_become_the_pixels_that_the_server_makes(node, shape):
    given = [*drawings(60), *SYMMETRIC]
    found = node("draw", {"drawings": [*given, []], "shape": shape})
    assert not any(found.pop())
    for strokes, pixels in zip(given, found, strict=True):
        assert np.array_equal(np.reshape(pixels, shape), drawn_image(strokes, shape))


def test_a_chip_that_the_page_cannot_be_is_refused(make_choices, choices):
    noisy = dataclasses.replace(choices.device, imperfections=Imperfections(read_noise=0.01))
    with pytest.raises(UserError, match="imperfections"):
        page_data(make_choices(device=noisy))


def test_the_page_is_small_the_same_each_time_and_asks_no_server(tmp_path, monkeypatch):
    (tmp_path / "code").write_bytes(b"code")
    monkeypatch.setattr(alone, "build", lambda *_, **__: tmp_path / "code")
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        write_page(folder)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in folders
    )
    assert one == two
    assert gzip.decompress(one[Path("alone/machine.bin")]) == b"code"
    # An existing page is replaced, and is whole; no other folder is written over.
    (folders[0] / "index.html").unlink()
    write_page(folders[0])
    assert (folders[0] / "index.html").is_file()
    (folders[0] / "alone" / "machine.bin").unlink()
    for other in (folders[0], tmp_path, tmp_path / "code", tmp_path / "code" / "page"):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UserError, match=r"no such page|cannot write"):
            write_page(other)
        assert sorted(tmp_path.rglob("*")) == before
    # With gateware of 0.7 MB it is within 1.5 MB.
    assert sum(map(len, one.values())) < 800_000
    everything = b"".join(text for path, text in one.items() if path.suffix in (".html", ".js"))
    assert b"WebSocket" not in everything
    assert b'rel="help"' not in everything  # only a site has documents beside the page


SAID = [
    {"kind": "choose", "setting": {"chip": 3}},
    {"kind": "show", "serial": 1, "test": 5},
    {"kind": "choose", "setting": {"chip": None}},
    {"kind": "show", "serial": 2, "test": 6},
    {"kind": "choose", "setting": {"chip": 2**32 - 1}},
    {"kind": "show", "serial": 3, "strokes": [[100, 100, 900, 900]], "use": 70000},
]
"""Chips of states that are sent, of words that are sent, and one that is drawn again."""


def check_visit(told: list, choices) -> None:
    """Check the page's values of `SAID` against the golden model."""
    made = [PageChip.of(choices, choices.setting(each["setting"])) for each in SAID[::2]]
    chips = [content for each, content in told if each["kind"] == "made"]
    for chip, content in zip(made, chips, strict=True):
        words = np.concatenate([each.ravel() for each in chip.words])
        assert np.array_equal(np.array(content, np.uint8).view(np.int8), words)
    shown = [each for each, _ in told if each["kind"] == "shown"]
    for chip, each, number in zip(made, shown, (5, 6, 70000), strict=True):
        image = np.array(each["image"], np.uint8)[np.newaxis]
        assert each["machine"] == chip.golden.logits(image, number)[0].tolist()
        assert each["ideal"] == chip.ideal.logits(image)[0].tolist()
        assert each["mismatches"] == 0
    assert np.array_equal(shown[0]["image"], choices.images[5].ravel())
    *_, score = (each for each, _ in told if each["kind"] == "score")
    answers = made[-1].golden.classify(choices.images)
    assert score["correct"] == np.count_nonzero(answers == choices.labels)
    assert (score["compared"], score["mismatches"]) == (300, 0)


def test_the_page_programs_gateware_and_shows_it_images(node, choices, network):
    machine = TopParameters.from_network(network, HardwareProfile(variation=CHIPS))
    program = str(build(machine))
    check_visit(node("visit", page_data(choices), {"program": program, "said": SAID}), choices)


@pytest.mark.parametrize("seed", [None, 7])
def test_the_pages_model_and_the_gateware_agree_on_a_thousand_images(node, choices, network, seed):
    machine = TopParameters.from_network(network, HardwareProfile(variation=CHIPS))
    images = np.random.default_rng(5).integers(0, 16, (1000, 30)).astype(np.uint8)
    asked = {"program": str(build(machine)), "seed": seed, "first": 65000}
    found = node("logits", page_data(choices), asked, images.tobytes())
    expected = PageChip.of(choices, choices.setting({"chip": seed})).golden
    logits = expected.logits(images * 17, 65000)
    assert np.array_equal(found["machine"], logits)
    assert np.array_equal(found["model"], logits)


def requests(network: Network) -> bytes:
    """Make a thousand frames: a network's memories, images, and frames that no host sends."""
    rng = np.random.default_rng(11)
    payloads = [bytes([1, 0, 0, 9])]

    def add(kind: int, body: bytes) -> None:
        payloads.append(bytes([kind]) + len(payloads).to_bytes(2, "little") + body)

    for number, layer in enumerate(network.layers):
        for row, words in enumerate(layer.words):
            add(2, line_address(number << 4, row) + words.tobytes())
        if layer.converter is not None and layer.table is not None:
            gains = np.stack([layer.converter.gains, layer.converter.offsets], 1).astype("<i2")
            add(2, line_address(number << 4 | 1, 0) + layer.table.tobytes())
            add(2, line_address(number << 4 | 2, 0) + gains.tobytes())
            add(2, line_address(number << 4 | 3, 0) + bytes([layer.converter.shift]))
        add(3, line_address(number << 4, 0) + bytes([5, 0]))
    values = rng.integers(0, 16, (900, 30)).astype(np.uint8)
    for number, body in enumerate(encode_images(values, 4)):
        add(5, number.to_bytes(4, "little") + body)
        if number % 9 == 0:
            add(int(rng.integers(1, 8)), rng.bytes(int(rng.integers(0, 12))))
    coded = (cobs.encode(each + crc32(each).to_bytes(4, "little")) for each in payloads)
    return b"\0" + b"".join(each + b"\0" for each in coded)


@pytest.mark.long
@pytest.mark.tool("python-zig")
def test_gateware_in_webassembly_answers_as_the_native_board(node, choices, network):
    machine = TopParameters.from_network(network, HardwareProfile(variation=CHIPS))
    program, code = build(machine), build(machine, WASM).read_bytes()
    given = requests(network)
    expected = subprocess.run([program], input=given, capture_output=True, check=True).stdout
    assert expected.count(0) > 1000
    assert len(set(expected)) > 200
    assert bytes(node("answers", b"", code, given)) == expected
    told = node("visit", page_data(choices), {"program": None, "said": SAID}, code)
    check_visit(told, choices)


PLACES = """
const [step, seen] = ["#tour", ".toured"].map((name) => document.querySelector(name));
const [box, target] = [step.getBoundingClientRect(), seen.getBoundingClientRect()];
const arrow = box.left + parseFloat(step.style.getPropertyValue("--arrow"));
return {
  clear: Math.max(box.top - target.bottom, target.top - box.bottom),
  arrow: Math.min(arrow - target.left, target.right - arrow),
  inside: Math.min(box.top, innerHeight - box.bottom, box.left, innerWidth - box.right),
};
"""
"""Pixels from a step's box to its target, of its arrow to the box, and of it to the window."""


def check_tour(browser) -> None:
    """Walk through six steps, each of which points into the window; and a glossary term."""
    tour = browser.find_element(By.ID, "tour")
    browser.find_element(By.XPATH, "//button[text()='Tour']").click()
    told = []
    while tour.is_displayed():
        told.append(tour.find_element(By.TAG_NAME, "p").text)
        assert min(browser.execute_script(PLACES).values()) >= 0, told
        tour.find_element(By.TAG_NAME, "button").click()
    assert len(set(told)) == 6
    title = browser.find_element(By.CSS_SELECTOR, ".crossbar .title")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", title)
    ActionChains(browser).move_to_element(title).perform()
    [meaning] = re.findall(r"^- \*\*crossbar\*\*: (.*)$", GLOSSARY.read_text(), re.MULTILINE)
    assert meaning in str(title.get_attribute("title"))
    finger = ActionChains(browser, devices=[PointerInput(POINTER_TOUCH, "finger")])
    finger.click(title).perform()
    box = browser.find_element(By.ID, "term")
    assert meaning in box.text
    finger.click(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert not box.is_displayed()


@contextmanager
def opened_alone(folder: Path, profile: Path) -> Iterator[tuple[webdriver.Chrome, str]]:
    """Serve the page's files, and open a browser with their address."""
    serve = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever).start()
    browser = start_browser(profile)
    try:
        yield browser, "http:" + f"//127.0.0.1:{server.server_port}/"
    finally:
        browser.quit()
        server.shutdown()


@pytest.mark.tool(*TOOLS)
def test_a_keyboard_reaches_the_meaning_of_a_term(tmp_path, choices, monkeypatch):
    (tmp_path / "code").write_bytes(b"code")
    monkeypatch.setattr(alone, "build", lambda *_, **__: tmp_path / "code")
    write_page(tmp_path / "site", choices)
    with opened_alone(tmp_path / "site", tmp_path / "profile") as (browser, place):
        show(browser, place, DESK)
        wait(browser, lambda: browser.find_elements(By.ID, "term"))
        box = browser.find_element(By.ID, "term")
        seen = []
        for _ in range(40):
            ActionChains(browser).send_keys(Keys.TAB).perform()
            if box.is_displayed():
                seen.append((browser.switch_to.active_element.text, box.text))
        [meaning] = re.findall(r"^- \*\*chip\*\*: (.*)$", GLOSSARY.read_text(), re.MULTILINE)
        assert f"chip: {meaning}" in dict(seen)["Chip"]
        chip = browser.find_element(By.CSS_SELECTOR, "label[for=seed]")
        browser.execute_script("arguments[0].focus({focusVisible: true})", chip)
        assert box.is_displayed()
        ActionChains(browser).send_keys(Keys.ESCAPE).perform()
        assert not box.is_displayed()
        # The tour explains the terms of its present text, and an article is no term.
        browser.find_element(By.XPATH, "//button[text()='Tour']").click()
        titles = []
        for _ in range(2):
            browser.execute_script(
                "document.querySelector('#tour p').dispatchEvent("
                "new PointerEvent('pointerover', {bubbles: true}))"
            )
            titles.append(browser.find_element(By.CSS_SELECTOR, "#tour p").get_property("title"))
            browser.find_element(By.CSS_SELECTOR, "#tour button").click()
        browser.switch_to.active_element.send_keys(Keys.ESCAPE)
        assert browser.switch_to.active_element.text == "Tour"
        assert "crossbar:" in titles[0]
        assert "cell:" in titles[1]
        assert "nonlinearity" not in titles[1]


@pytest.mark.long
@pytest.mark.tool(*TOOLS, "python-zig")
def test_a_digit_is_drawn_in_a_browser(tmp_path, choices):
    write_page(tmp_path / "site", choices, documents="all.html")
    badge = "return document.getElementById('badge').textContent"
    with opened_alone(tmp_path / "site", tmp_path / "profile") as (browser, place):
        show(browser, place, DESK)
        # All test images, and the one that is shown.
        wait(browser, lambda: "305 of 305" in browser.execute_script(badge))
        draw(browser, (-60, -70), (50, -70), (-20, 80))
        wait(browser, lambda: durations(browser, "stroke to logits"))
        assert re.search(r"equals .* (\d+) of \1 logits", browser.execute_script(badge))
        assert "cycle" in browser.find_element(By.ID, "cycle-said").text
        for width, height in ((DESK, 900), (DESK, 657), (PHONE, 900)):
            show(browser, place, width, height=height)
            wait(browser, lambda: "305 of 305" in browser.execute_script(badge))
            check_tour(browser)
        documents = browser.find_element(By.LINK_TEXT, "Documents").get_attribute("href")
        assert documents == f"{place}all.html"
        browser.get(f"{place}#net=paper-10&chip=99999999999&calibrate=1")
        wait(browser, lambda: "chip=0&" in browser.execute_script("return location.hash"))
        assert "calibrate" not in browser.execute_script("return location.hash")
        assert [log for log in browser.get_log("browser") if log["level"] == "SEVERE"] == []
        code = tmp_path / "site" / "alone" / "machine.bin"
        code.write_bytes(code.read_bytes()[:-1000])
        show(browser, place, DESK)
        problem = "return document.getElementById('problem').textContent"
        wait(browser, lambda: "machine.bin is damaged" in browser.execute_script(problem))
        browser.get((tmp_path / "site" / "index.html").as_uri())
        assert "http.server" in browser.find_element(By.ID, "problem").text
