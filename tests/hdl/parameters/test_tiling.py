"""Widths of the sums of tiles, against the extremes of their sums."""

import itertools

from hypothesis import given, strategies as st

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import OFFSET_BITS, Tiling
from allspin.sim.network.adc import Adc
from tests.hdl.parameters.test_crossbar_parameters import narrowest


def read(total: int, tiling: Tiling, offset: int = 0) -> int:
    """Return the conversion of a tile's sum, as `Adc` defines it."""
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
    assert Tiling.from_adc(None) is None
    assert Tiling.from_adc(Adc(64, 5, 9)) == Tiling(64, 5, 9)
