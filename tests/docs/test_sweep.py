"""The document of sweeps: its grid is one, and its tables have every key and column."""

import re
import tomllib
from pathlib import Path

import pytest

from allspin.host.sweep.grid import FACTORS, SETTINGS, make_grid
from allspin.host.sweep.table import OUTCOME_COLUMNS

pytestmark = pytest.mark.long

TEXT = (Path(__file__).parents[2] / "docs" / "sweep.md").read_text()


def test_the_grid_of_the_document_is_that_of_its_command():
    (block,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    grid = make_grid(tomllib.loads(block))
    assert len(grid.points()) == 2 * 3 * 2
    assert grid.chips == 20


def test_every_key_and_column_is_told():
    rows = re.findall(r"^\| `(\w+)`, `--([\w-]+)` \|", TEXT, re.MULTILINE)
    assert [key for key, _ in rows] == [*FACTORS, *SETTINGS]
    assert [option for _, option in rows] == [key.replace("_", "-") for key, _ in rows]
    for column in OUTCOME_COLUMNS:
        assert f"`{column}`" in TEXT
