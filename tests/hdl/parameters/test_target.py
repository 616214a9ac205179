"""Limits of the memories of cells of all targets."""

import re
from dataclasses import replace
from typing import Any

import pytest
from amaranth.back import rtlil

from allspin.hdl.engine.crossbar_kinds import make_crossbar
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.parameters.target import PORTABLE, TARGETS
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.sim.network.random_network import random_network

CROSSBAR = CrossbarParameters(rows=784, columns=100, lanes=100)
SMALL = CrossbarParameters(rows=1, columns=1, lanes=1)
TEN, HUNDRED = UniformLevels(10, 28, -126), UniformLevels(100, 2, -99)


@pytest.mark.parametrize(
    ("lanes", "levels", "rows", "columns"),
    [(8, None, 8192, 16), (20, TEN, 8192, 40), (1, None, 16384, 1), (1, None, 1, 16384)],
)
def test_sprams_may_be_full(
    lanes: int, levels: UniformLevels | None, rows: int, columns: int
) -> None:
    full = CrossbarParameters(rows, columns, lanes, memory="spram", levels=levels)
    assert full.rows * full.passes == 16384
    with pytest.raises(ValueError, match="SPRAMs have 16384 lines"):
        replace(full, rows=rows + 1)


@pytest.mark.parametrize(("lines", "depth"), [(1, 512), (512, 512), (513, 1024), (1024, 1024),
                                             (1025, 2048), (2048, 2048)])  # fmt: skip
def test_blocks_of_an_ecp5_have_the_fewest_lines_that_hold_the_words(
    lines: int, depth: int
) -> None:
    crossbar = CrossbarParameters(lines, 9, 9, memory="ecp5")
    # Nine bits for a word, in 18 Kib.
    assert crossbar.bank_lanes * depth * 9 == 18 * 1024
    with pytest.raises(ValueError, match="at most 2048 words, and each lane needs 2049"):
        CrossbarParameters(2049, 9, 9, memory="ecp5")


def test_a_word_takes_two_clocks_to_its_memory_and_on_an_ecp5_one_more_for_two_memories() -> None:
    assert SMALL.write_clocks == 2
    assert replace(SMALL, memory="spram").write_clocks == 2
    for lanes, rows_per_clock, memories in ((4, 1, 1), (8, 1, 2), (12, 1, 3), (12, 2, 6)):
        crossbar = CrossbarParameters(9, lanes, lanes, memory="ecp5", rows_per_clock=rows_per_clock)
        assert crossbar.banks * rows_per_clock == memories
        assert crossbar.write_clocks == 4 + (memories + 1) // 2


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"lanes": 5, "neurons_per_clock": 2},
            "lanes must be a multiple of 2, the neurons per clock, or all 100 columns, not 5",
        ),
        ({"rows_per_clock": 3}, "rows_per_clock must be one of 1, 2, 4, 8, 16, not 3"),
        (
            {"rows_per_clock": 16, "tiling": Tiling(8, 5, 3)},
            "rows_per_clock must be one of 1, 2, 4, 8, not 16",
        ),
        ({"memory": "flash"}, "memory must be one of block, spram, ecp5, bsram, not 'flash'"),
        ({"memory": "spram"}, "SPRAMs give 64 bits a clock: lanes must be at most 8, not 100"),
        (
            {"memory": "spram", "lanes": 21, "levels": TEN},
            "SPRAMs give 64 bits a clock, block RAM 16 more: lanes must be at most 20, not 21",
        ),
        (
            {"memory": "spram", "lanes": 4},
            "SPRAMs have 16384 lines, and the array needs 19600",
        ),
        (
            {"memory": "spram", "lanes": 8, "rows_per_clock": 2},
            "the memory spram drives 1 row per clock",
        ),
        (
            {"memory": "ecp5", "lanes": 10},
            "a block RAM of an ECP5 has at most 2048 words, and each lane needs 7840: "
            "take more lanes or memory block",
        ),
    ],
)
def test_limits_of_a_memory_are_said(parameters: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        replace(CROSSBAR, **parameters)


@pytest.mark.parametrize(
    ("rows_per_clock", "levels", "lanes", "banks"),
    [
        # Words fill blocks, a byte and its parity each.
        (1, None, 2, 50),
        (2, None, 4, 25),
        (4, None, 4, 25),
        (1, TEN, 4, 25),  # of 18 bits
        (2, TEN, 9, 12),  # of 36 bits
        (8, TEN, 9, 12),
        (2, HUNDRED, 5, 20),
        (1, UniformLevels(2, 254, -127), 18, 6),
        (4, UniformLevels(2, 254, -127), 36, 3),
    ],
)
def test_words_fill_blocks_and_states_lie_side_by_side(
    rows_per_clock: int, levels: UniformLevels | None, lanes: int, banks: int
) -> None:
    crossbar = replace(CROSSBAR, rows_per_clock=rows_per_clock, memory="ecp5", levels=levels)
    assert (crossbar.bank_lanes, crossbar.banks) == (lanes, banks)
    assert crossbar.write_clocks == 4 + crossbar.keeps_states + (banks * rows_per_clock + 1) // 2
    assert crossbar.target.cells.blocks(crossbar, 1024) == banks * rows_per_clock


@pytest.mark.parametrize(
    ("shape", "rows_per_clock", "distributed"),
    [((100, 10), 1, True), ((784, 100), 4, False), ((784, 100), 8, False), ((129, 1), 1, False)],
)
def test_small_arrays_of_an_ecp5_are_luts(
    shape: tuple[int, int], rows_per_clock: int, distributed: bool
) -> None:
    crossbar = CrossbarParameters(
        *shape, shape[1], rows_per_clock=rows_per_clock, memory="ecp5", levels=TEN
    )
    blocks = 0 if distributed else rows_per_clock * crossbar.banks
    assert crossbar.target.cells.blocks(crossbar, 1024) == blocks


def test_small_memories_are_luts_where_blocks_are_few() -> None:
    assert TARGETS["bsram"].distributes(4096)
    assert not TARGETS["bsram"].distributes(4097)
    assert not PORTABLE.distributes(1)


def test_each_memory_of_a_target_has_its_gateware() -> None:
    for name in TARGETS:
        rtlil.convert(make_crossbar(replace(SMALL, memory=name)))


@pytest.mark.parametrize(
    ("memory", "further"), [("block", "block"), ("spram", "block"), ("ecp5", "ecp5")]
)
def test_crossbars_behind_the_first_may_be_of_another_target(memory: str, further: str) -> None:
    profile = HardwareProfile(lanes=4, memory=memory)
    engine = EngineParameters.from_network(random_network((9, 7, 6, 3), 5), profile)
    assert [crossbar.memory for crossbar in engine.crossbars] == [memory, further, further]
    assert engine.target is profile.target is TARGETS[memory]
