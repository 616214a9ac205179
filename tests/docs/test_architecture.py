"""The plan of rooms in docs/architecture.md is that of the sources."""

import pytest

from tests.docs.rooms import LAYERS, MARKS, ROOT, plan, reached, rooms_of

DOCUMENT = ROOT / "docs" / "architecture.md"
FIX = "run: .venv/bin/python -m tests.docs.rooms docs/architecture.md"


def documented() -> str:
    before, after = MARKS.around(DOCUMENT)
    text = DOCUMENT.read_text(encoding="utf-8")
    return text[len(before) + len(MARKS.begin) : len(text) - len(after) - len(MARKS.end)]


def test_the_plan_is_what_the_sources_make():
    assert documented() == f"\n{plan(ROOT)}", FIX


@pytest.mark.parametrize("layer", LAYERS)
def test_rooms_form_no_circle(layer):
    rooms = rooms_of(ROOT / layer)
    assert [name for name in rooms if name in reached(rooms, name)] == []
