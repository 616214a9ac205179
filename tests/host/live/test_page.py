"""The page's files: nothing from elsewhere, and of the types they say."""

import re
import subprocess

import pytest

from allspin.host.live.serve import PAGE

OURS = [
    path
    for path in sorted(PAGE.rglob("*"))
    if path.suffix in (".css", ".html", ".js") and "vendor" not in path.parts
]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_no_file_asks_for_anything_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"\bhttps?:|\b(src|href)=[\"']?data:|url\(|@import|\beval\(|innerHTML", text
    )


@pytest.mark.tool("tsc", "node")
def test_the_modules_have_the_types_that_they_say():
    done = subprocess.run(
        ["tsc", "-p", str(PAGE / "tsconfig.json")], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)
