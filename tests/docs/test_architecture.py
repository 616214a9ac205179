"""The plan of rooms in docs/architecture.md is that of the sources."""

import pytest

from tests.docs.documents import DOCS, between
from tests.docs.rooms import LAYERS, MARKS, ROOT, arrows, plan, rooms_of

FIX = "run: .venv/bin/python -m tests.docs.rooms docs/architecture.md"


def test_the_plan_is_what_the_sources_make():
    assert between(DOCS / "architecture.md", MARKS) == f"\n{plan(ROOT)}", FIX


@pytest.mark.parametrize("layer", LAYERS)
def test_rooms_form_no_circle(layer):
    assert arrows(rooms_of(ROOT / layer))  # raises for a circle
