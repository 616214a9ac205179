"""The page's files: nothing inline, nothing from elsewhere, small, and of the types they say."""

import re
import subprocess

import pytest

from allspin.host.data.catalogue import open_network
from allspin.host.live.serve import PAGE
from tests.host.reader import Reader

FILES = {
    path.relative_to(PAGE).as_posix(): path
    for path in sorted(PAGE.rglob("*"))
    if path.suffix in (".css", ".html", ".js", ".png")
}
OURS = [path for name, path in FILES.items() if "vendor" not in name and path.suffix != ".png"]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def page() -> Reader:
    return Reader((PAGE / "index.html").read_text(encoding="utf-8"))


def test_what_the_page_asks_for_is_there(page):
    asked = [
        attributes[name]
        for _, attributes in page.elements
        for name in ("src", "href")
        if name in attributes and not attributes[name].startswith("#")
    ]
    assert len(asked) >= 6
    assert set(asked) <= set(FILES)
    for path in OURS:
        if path.suffix == ".js":
            for module in re.findall(r'^import .* from "(.+)";$', path.read_text(), re.MULTILINE):
                there = (path.parent / module).resolve().relative_to(PAGE).as_posix()
                assert there in FILES, (path, module)


def test_names_that_scripts_look_for_are_on_the_page(page):
    names = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    looked_for = set()
    for path in OURS:
        if path.suffix == ".js":
            looked_for |= set(re.findall(r'\bfind\("([\w-]+)"', path.read_text()))
    assert len(looked_for) > 20
    assert looked_for <= names


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_no_file_asks_for_anything_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"\bhttps?:|\b(src|href)=[\"']?data:|url\(|@import|\beval\(|innerHTML", text
    )


def test_all_of_it_is_less_than_a_megabyte():
    assert len(FILES) > 25
    # With the largest message at first: the words and the values of a network of 79,400 cells.
    words = sum(layer.words.size for layer in open_network("paper-10").layers)
    assert sum(path.stat().st_size for path in FILES.values()) + 2 * words < MEGABYTE


@pytest.mark.tool("tsc", "node")
def test_the_modules_have_the_types_that_they_say():
    done = subprocess.run(
        ["tsc", "-p", str(PAGE / "tsconfig.json")], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)
