"""Payloads of streams are as wide as their documentation says."""

from typing import Any

import pytest
from amaranth.hdl import Shape

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.stream.layouts import (
    BYTE_LAYOUT,
    FETCH_LAYOUT,
    LOAD_LAYOUT,
    event_layout,
    result_layout,
    slot_layout,
    sum_layout,
)
from allspin.sim.network.random_network import random_network

# Rows to address and columns to add up: 15 times 128 for each of 70 rows is 18 bits with its sign.
ENGINE = EngineParameters.from_network(
    random_network((70, 9, 5), 0), HardwareProfile(rows_per_clock=2, memory="ecp5")
)
FIRST, LAST = ENGINE.crossbars


@pytest.mark.parametrize(
    ("layout", "widths"),
    [
        (slot_layout(FIRST), {"row": 6, "value": 4}),
        (event_layout(FIRST), {"slots": 2 * (6 + 4), "last": 1}),
        (sum_layout(FIRST), {"sums": FIRST.neurons_per_clock * 19, "last": 1}),
        (result_layout(ENGINE), {"logit": LAST.sum_bits, "last": 1, "winner": 3}),
        (LOAD_LAYOUT, {"layer": 4, "memory": 4, "first": 1, "address": 16, "data": 8}),
        (FETCH_LAYOUT, {"layer": 4, "memory": 4, "address": 16}),
        (BYTE_LAYOUT, {"data": 8, "last": 1}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_members(layout: Any, widths: dict[str, int]) -> None:
    assert {name: Shape.cast(shape).width for name, shape in layout.members.items()} == widths
