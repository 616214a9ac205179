"""Sizes that follow from a crossbar's parameters: levels, tiles, widths."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels

SMALL = CrossbarParameters(rows=1, columns=1, lanes=1)
TEN = UniformLevels(10, 28, -126)


@pytest.mark.parametrize(
    ("owner", "changes", "message"),
    [
        (TEN, {"count": 1}, "count must be from 2 to 128, not 1"),
        (TEN, {"step": 0}, "step must be from 1 to 255, not 0"),
        (TEN, {"lowest": -129}, "lowest must be from -128 to 127, not -129"),
        (TEN, {"lowest": -124}, "the highest level must be from -128 to 127, not 128"),
        (Tiling(8, 6, 0), {"rows": 4}, "rows of a tile must be from 8 to 65536, not 4"),
        (
            Tiling(8, 6, 0),
            {"rows": 12},
            "rows of a tile must be a power of two from 8 to 65536, not 12",
        ),
        (Tiling(8, 6, 0), {"bits": 25}, "bits must be from 2 to 24, not 25"),
        (Tiling(8, 6, 0), {"shift": 24}, "shift must be from 0 to 23, not 24"),
        (SMALL, {"rows": 7.5}, "rows must be an integer from 1 to 65535, not 7.5"),
        (SMALL, {"rah_bits": 4, "levels": TEN}, "level must be from -8 to 7, not -126"),
    ],
)
def test_values_out_of_range(owner: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{message}$"):
        replace(owner, **changes)


def narrowest(*numbers: int) -> int:
    """Bits of the narrowest two's complement number that holds all."""
    return next(
        bits
        for bits in range(1, 99)
        if all(-(2 ** (bits - 1)) <= number < 2 ** (bits - 1) for number in numbers)
    )


CROSSBAR = CrossbarParameters(rows=784, columns=100, lanes=100)


@given(st.integers(1, 65535), st.integers(1, 8), st.integers(2, 8))
def test_sum_bits_by_the_two_extremes(rows: int, value_bits: int, rah_bits: int) -> None:
    top, half = 2**value_bits - 1, 2 ** (rah_bits - 1)
    crossbar = CrossbarParameters(rows, 1, 1, value_bits, rah_bits)
    assert crossbar.sum_bits == narrowest(-rows * top * half, rows * top * (half - 1))


def test_a_sum_of_states_needs_fewer_bits_than_one_of_words() -> None:
    for rows, value_bits in ((1, 1), (3, 2), (784, 4), (16384, 8)):
        for count in (2, 10, 100):
            levels = UniformLevels(count, 1, -50)
            crossbar = CrossbarParameters(rows, 1, 1, value_bits, levels=levels)
            top = rows * (2**value_bits - 1)
            # Not signed, so a bit less than a signed number of that range.
            assert crossbar.lane_bits == narrowest(0, top * (count - 1)) - 1
            assert replace(crossbar, levels=None).lane_bits == crossbar.sum_bits
