"""Ranges of all parameters, and sizes that follow from profiles."""

import re
from dataclasses import replace
from typing import Any

import pytest

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import (
    HardwareProfile,
    ResidentParameters,
    VariationParameters,
    distance_bits,
)
from tests.hdl.parameters.test_crossbar_parameters import SMALL
from tests.hdl.parameters.test_engine_parameters import TWO_LAYERS


@pytest.mark.parametrize(
    ("owner", "name", "low", "high"),
    [
        (SMALL, "rows", 1, 65535),
        (SMALL, "columns", 1, 65535),
        (SMALL, "value_bits", 1, 8),
        (SMALL, "rah_bits", 2, 8),
        (replace(SMALL, columns=7), "lanes", 1, 7),
        (HardwareProfile(), "lanes", 1, 65535),
        (HardwareProfile(), "rah_bits", 2, 8),
        (VariationParameters(), "states", 2, 128),
        (ResidentParameters(1, 1), "beats", 1, 65535),
        (ResidentParameters(1, 1), "images", 1, 65535),
        (TWO_LAYERS, "counter_bits", 16, 64),
        (TWO_LAYERS, "current_bits", 4, 12),
        # A network without a hidden layer has no activation to be held.
        (EngineParameters((replace(SMALL, value_bits=8),)), "current_bits", 4, 12),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_ends_of_a_range_are_in_it_and_no_value_beyond(
    owner: Any, name: str, low: int, high: int
) -> None:
    for value in (low, high):
        assert getattr(replace(owner, **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"^{name} must be from {low} to {high}, not {value}$"):
            replace(owner, **{name: value})


@pytest.mark.parametrize(
    ("owner", "name", "allowed"),
    [
        (SMALL, "rows_per_clock", (1, 2, 4, 8, 16)),
        (SMALL, "neurons_per_clock", (1, 2, 4, 8, 16)),
        (SMALL, "memory", ("block", "spram", "ecp5", "bsram")),
        (HardwareProfile(), "rows_per_clock", (1, 2, 4, 8, 16)),
        (HardwareProfile(), "memory", ("block", "spram", "ecp5", "bsram")),
        (VariationParameters(), "rounds_per_clock", (1, 22)),
        (VariationParameters(rounds_per_clock=1), "noise_rounds_per_clock", (1, 22)),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_one_of_a_few_values(owner: Any, name: str, allowed: tuple[Any, ...]) -> None:
    for value in allowed:
        assert getattr(replace(owner, **{name: value}), name) == value
    # True is 1 to Python, and not to anybody else.
    for value in (0, 3, 5, 11, 21, 23, "", True):
        line = f"{name} must be one of {', '.join(map(str, allowed))}, not {value!r}"
        with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
            replace(owner, **{name: value})


@pytest.mark.parametrize(("value_bits", "bits"), [(1, 8), (2, 7), (4, 5), (5, 8), (8, 8)])
def test_distance_and_value_fill_columns_of_nine_bits(value_bits: int, bits: int) -> None:
    assert distance_bits(value_bits) == bits


@pytest.mark.parametrize(
    ("states", "bits"), [(2, 1), (3, 2), (4, 2), (5, 3), (16, 4), (17, 5), (128, 7)]
)
def test_bits_of_a_state(states: int, bits: int) -> None:
    assert VariationParameters(states).state_bits == bits
