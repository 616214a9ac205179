"""Each decision is one short page of four parts, and is listed."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
PARTS = ["Context", "Decision", "Why", "Alternatives"]


def test_every_decision_is_listed_once():
    rows = re.findall(r"^\| \[.+\]\((.+)\) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == [path.name for path in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_its_parts_and_is_short(page):
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^\*\*(\w+)\.\*\* ", text, re.MULTILINE) == PARTS
    assert len(text.splitlines()) <= 40
