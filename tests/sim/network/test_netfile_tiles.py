"""Network files of networks that are cut into tiles."""

from typing import Any

import numpy as np
import pytest

from allspin.sim.network.netfile import (
    network_from_bytes,
    network_to_bytes,
)
from tests.sim.network.network_files import TENSORS, altered, content, parts, refusal, tiled


@pytest.mark.parametrize("offsets", [None, np.array([[-70_000, 0, 3, 9]])])
def test_tiles_come_back(offsets: Any) -> None:
    network = tiled(offsets)
    assert content(network_from_bytes(network_to_bytes(network))) == content(network)


def test_tiles_are_recorded_in_format_2_and_only_there() -> None:
    """An older reader, which does not know tiles, reads format 1 only."""
    record, tensors = parts(network_to_bytes(tiled()))
    plain, _ = parts()
    assert (record["format"], plain["format"]) == (2, 1)
    assert "adcs" not in plain
    assert record["adcs"] == [
        {"rows": 8, "bits": 6, "shift": 3},
        None,
        {"rows": 16, "bits": 4, "shift": 5},
    ]
    assert sorted(tensors) == sorted(TENSORS)


@pytest.mark.parametrize(
    ("adcs", "expected"),
    [
        ([None, None], "is shorter"),
        (0, "adcs must be a list, not 0"),
        ("", "adcs must be a list, not ''"),
        ([], "is longer|is shorter"),
        ({}, "adcs must be a list"),
        (False, "adcs must be a list, not False"),
        ([{"rows": 8, "bits": 6}, None, None], "missing 1 required .* 'shift'"),
        ([[8, 6, 3], None, None], "must be a mapping"),
        ([{"rows": 9, "bits": 6, "shift": 3}, None, None], "a power of two from 8"),
        ([{"rows": 8, "bits": 25, "shift": 3}, None, None], "bits must be from 2 to 24, not 25"),
    ],
)
def test_adcs_that_are_refused(adcs: Any, expected: str) -> None:
    refusal(altered(tiled(), adcs=adcs), expected)
