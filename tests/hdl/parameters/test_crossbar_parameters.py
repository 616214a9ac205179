"""Sizes that follow from a crossbar's parameters: levels, tiles, widths."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import OFFSET_BITS, Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.sim.network.adc import Adc


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ([-1, 1], (2, 2, -1)), ([-127, 127], (2, 254, -127)), ([-9, -3, 3, 9], (4, 6, -9)),
        ([-2, 0, 2], (3, 2, -2)), ([-1, 2], (2, 3, -1)), ([0, 5, 10], (3, 5, 0)),
        ([*range(-128, 0)], (128, 1, -128)),
    ],
)  # fmt: skip
def test_of_a_table(levels: list[int], found: tuple[int, int, int]) -> None:
    uniform = UniformLevels.of(np.array(levels, np.int16))
    assert uniform == UniformLevels(*found)
    assert uniform is not None
    assert list(uniform.words) == levels


@pytest.mark.parametrize("levels", [[5], [0, 0], [1, -1], [-9, -3, 4, 9], [-3, 0, 3, 5]])
def test_tables_of_other_levels(levels: list[int]) -> None:
    assert UniformLevels.of(np.array(levels, np.int16)) is None


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
def test_what_is_out_of_range(owner: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{message}$"):
        replace(owner, **changes)


@pytest.mark.parametrize(("count", "bits"), [(2, 1), (3, 2), (4, 2), (10, 4), (16, 4), (100, 7)])
def test_the_fewest_bits(count: int, bits: int) -> None:
    assert UniformLevels(count, 1, -100).bits == bits


def narrowest(*numbers: int) -> int:
    """Bits of the narrowest two's complement number that holds all."""
    return next(
        bits
        for bits in range(1, 99)
        if all(-(2 ** (bits - 1)) <= number < 2 ** (bits - 1) for number in numbers)
    )


def read(total: int, tiling: Tiling, offset: int = 0) -> int:
    """What a converter makes of a tile's sum, as `Adc` has it."""
    code = (total + offset + 2**tiling.shift // 2) >> tiling.shift
    return max(-(2 ** (tiling.bits - 1)), min(2 ** (tiling.bits - 1) - 1, code))


@given(
    rows=st.integers(1, 2000),
    value_bits=st.integers(1, 8),
    rah_bits=st.integers(2, 8),
    tile=st.sampled_from([8, 64, 256, 1024]),
    bits=st.integers(2, 24),
    shift=st.integers(0, 23),
    offsets=st.booleans(),
)
def test_widths_hold_the_extremes_and_no_more(
    rows: int, value_bits: int, rah_bits: int, tile: int, bits: int, shift: int, offsets: bool
) -> None:
    tiling = Tiling(tile, bits, shift, offsets)
    p = CrossbarParameters(rows, 1, 1, value_bits, rah_bits, tiling=tiling)
    most = min(rows, tile) * (2**value_bits - 1)
    sums = [-most * 2 ** (rah_bits - 1), most * (2 ** (rah_bits - 1) - 1)]
    ends = [-(2 ** (OFFSET_BITS - 1)), 2 ** (OFFSET_BITS - 1) - 1] if offsets else [0]
    codes = [read(total, tiling, end) for total, end in itertools.product(sums, ends)]
    running = [total + end + 2**shift // 2 for total, end in itertools.product(sums, ends)]
    assert p.tile_widths.running == narrowest(*running, *sums)
    assert p.tile_widths.conversion == max(rah_bits, narrowest(*codes, 0))
    assert p.lane_bits == max(rah_bits, narrowest(*(p.tiles * code for code in codes), 0))
    assert p.sum_bits == p.lane_bits + shift
    offset = 2 ** (OFFSET_BITS - 1)
    assert tiling.start_bits == narrowest(*(2**shift // 2 + end for end in (-offset, offset - 1)))


def test_a_network_s_converters() -> None:
    assert Tiling.of(None) is None
    assert Tiling.of(Adc(64, 5, 9)) == Tiling(64, 5, 9)


CROSSBAR = CrossbarParameters(rows=784, columns=100, lanes=100)


@pytest.mark.parametrize(
    ("rows", "value_bits", "rah_bits"),
    [(1, 1, 2), (2, 1, 2), (3, 1, 2), (1, 2, 3), (2, 2, 3), (3, 2, 2), (1, 4, 4), (2, 3, 2)],
)
def test_sum_bits_by_trying_everything(rows: int, value_bits: int, rah_bits: int) -> None:
    values = range(2**value_bits)
    words = range(-(2 ** (rah_bits - 1)), 2 ** (rah_bits - 1))
    products = {value * word for value in values for word in words}
    sums = {sum(terms) for terms in itertools.product(products, repeat=rows)}
    crossbar = CrossbarParameters(rows, 1, 1, value_bits, rah_bits)
    assert crossbar.sum_bits == narrowest(min(sums), max(sums))


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
