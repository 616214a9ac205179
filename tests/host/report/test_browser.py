"""The page in a real browser: alone, whole, by keyboard, on a phone, light and dark, in print.

Skipped without Chromium and its driver; `test_page` always runs.
"""

import base64
from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.host.browser import PHONE, TOOLS, requests, show, start_browser
from tests.host.report.conftest import SECTIONS

DESK = 1400

pytestmark = [pytest.mark.long, pytest.mark.tool(*TOOLS)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    page = start_browser(tmp_path_factory.mktemp("profile"))
    yield page
    page.quit()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_no_error_and_no_request_to_the_outside(made, browser, width):
    address = made.path.as_uri()
    show(browser, address, width)
    assert browser.get_log("browser") == []
    asked = requests(browser, address)
    assert [one for one in asked if not one.startswith("data:")] == [address]
    assert browser.title.startswith("net ")


def test_each_section_is_shown(made, browser):
    show(browser, made.path.as_uri(), DESK)
    found = browser.execute_script(
        "return [...document.querySelectorAll('main > section')].map(s => [s.id,"
        "s.querySelector('h2').innerText.trim(), s.getBoundingClientRect().height])"
    )
    assert [name for name, _, _ in found] == SECTIONS
    assert all(title and height > 200 for _, title, height in found)
    links = browser.execute_script(
        "return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))"
    )
    assert links == [f"#{name}" for name in SECTIONS]
    broken = browser.execute_script(
        "return [...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    )
    assert broken == 0


def focused(browser: webdriver.Chrome) -> str:
    """Return the place of the focused element among all elements, and its kind."""
    return browser.execute_script(
        "const e = document.activeElement;"
        "return e === document.body ? '' : e.tagName.toLowerCase() + ' ' +"
        "[...document.querySelectorAll('*')].indexOf(e)"
    )


def test_the_keyboard_reaches_all_and_opens_the_numbers(made, browser):
    show(browser, made.path.as_uri(), DESK)
    expected = browser.execute_script(
        "const all = [...document.querySelectorAll('*')];"
        "return all.filter(e => e.matches('a, summary, .scroll') && e.checkVisibility())"
        ".map(e => e.tagName.toLowerCase() + ' ' + all.indexOf(e))"
    )
    reached = []
    for _ in expected:
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(focused(browser))
    assert reached == expected
    kinds = [name.split()[0] for name in reached]
    assert kinds[: len(SECTIONS) + 1] == ["a"] * (len(SECTIONS) + 1)
    assert kinds.count("summary") == browser.execute_script(
        "return document.querySelectorAll('details').length"
    )
    # The skip link shows when it has the focus, and leads into the report.
    show(browser, made.path.as_uri(), DESK)
    ActionChains(browser).send_keys(Keys.TAB).perform()
    link = browser.execute_script("return document.activeElement.getBoundingClientRect().left")
    assert link >= 0
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert focused(browser).startswith("main")
    # Enter opens numbers, and then the tables in them have their turn.
    ActionChains(browser).send_keys(Keys.TAB).send_keys(Keys.ENTER).perform()
    assert focused(browser).startswith("summary")
    assert browser.execute_script("return document.activeElement.parentElement.open")
    ActionChains(browser).send_keys(Keys.TAB).perform()
    assert focused(browser).startswith("div")
    assert browser.execute_script("return document.activeElement.checkVisibility()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, PHONE, 768, DESK])
def test_nothing_is_wider_than_the_screen(made, browser, width, scheme):
    show(browser, made.path.as_uri(), width, scheme)
    wide = browser.execute_script(
        "document.querySelectorAll('details').forEach(d => d.open = true);"
        "const w = document.documentElement.clientWidth;"
        "const out = [...document.querySelectorAll('body *')].filter(e =>"
        "  !e.closest('.scroll, .skip') && e.getBoundingClientRect().right > w + 0.5);"
        "return [w, document.documentElement.scrollWidth,"
        "  out.map(e => e.tagName + ' ' + e.textContent.slice(0, 60))]"
    )
    assert wide == [width, width, []]


CONTRAST = """
const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b) };
const paper = light(getComputedStyle(document.body).backgroundColor);
return [...document.querySelectorAll('p, a, dt, dd, td, th, summary, figcaption, text, i, b')]
  .filter(e => e.checkVisibility() && !e.closest('#confusion-matrix')).map(e => {
    const style = getComputedStyle(e);
    const own = light(e.tagName === 'text' ? style.fill : style.color);
    return [e.tagName, (Math.max(own, paper) + 0.05) / (Math.min(own, paper) + 0.05)] })
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_paper(made, browser, scheme):
    show(browser, made.path.as_uri(), DESK, scheme)
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    first = int(background.split("(")[1].split(",")[0])
    assert (first < 64) == (scheme == "dark")
    found = browser.execute_script(CONTRAST)
    assert len(found) > 100
    # WCAG 2.2, level AA, for text of usual size.
    assert min(ratio for name, ratio in found if name != "I") >= 4.5
    # Answers are bold and underlined besides.
    assert min(ratio for _, ratio in found) >= 3


def test_it_prints_light_and_without_its_menu(made, browser):
    show(browser, made.path.as_uri(), DESK, "dark")
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert base64.b64decode(pdf).startswith(b"%PDF")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    ink, menu = browser.execute_script(
        "return [getComputedStyle(document.body).color,"
        "document.querySelector('nav').checkVisibility()]"
    )
    assert max(map(int, ink[4:-1].split(","))) < 64
    assert not menu
