"""Documented commands say and write the same as recorded; `python -m tests.net` records anew."""

import json
from pathlib import Path

import pytest

from tests.net.gateware import DIGESTS
from tests.net.record import RECORDED, SCENARIOS, differences, outlines, rounding, run_scenario

pytestmark = pytest.mark.long

RECORD = json.loads(RECORDED.read_text())


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_command_does_as_recorded(name: str, tmp_path: Path) -> None:
    recorded, found = RECORD[name], run_scenario(name, tmp_path / name)
    if rounding() != RECORD["rounding"]:
        recorded, found = outlines(recorded), outlines(found)
    assert not [*differences(recorded, found)]


@pytest.mark.parametrize("name", DIGESTS)
def test_gateware_is_that_which_was_recorded(name: str) -> None:
    assert not [*differences(RECORD[name], DIGESTS[name]())]
