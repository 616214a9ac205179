"""The plan of rooms and the tables of blocks in docs/architecture.md are those of the sources."""

import pytest

from tests.docs import block_tables
from tests.docs.documents import DOCS, between
from tests.docs.rooms import LAYERS, MARKS, ROOT, arrows, plan, rooms_of

FIX = "run: .venv/bin/python -m tests.docs.rooms docs/architecture.md"


def test_the_plan_is_that_of_the_sources():
    assert between(DOCS / "architecture.md", MARKS) == f"\n{plan(ROOT)}", FIX


@pytest.mark.parametrize("layer", LAYERS)
def test_rooms_form_no_circle(layer):
    assert arrows(rooms_of(ROOT / layer))  # raises for a circle


def test_the_tables_of_blocks_are_those_of_the_docstrings():
    fix = "run: .venv/bin/python -m tests.docs.block_tables docs/architecture.md"
    written = between(DOCS / "architecture.md", block_tables.MARKS)
    assert written == f"\n{block_tables.tables(ROOT)}", fix


def test_blocks_of_the_crossbar_tell_their_throughput():
    found = list(block_tables.blocks_of(ROOT / "hdl" / "crossbar"))
    assert {block.name for block in found} >= {"Crossbar", "Banks", "FastColumns", "LevelSums"}
    assert sum(bool(block.throughput) for block in found) > len(found) / 2
