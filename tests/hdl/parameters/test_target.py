"""What parts have: limits of their memories of cells, and engines of parts that there are not."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from allspin.hdl.crossbar.cells import Banks
from allspin.hdl.crossbar.columns import PortableColumns
from allspin.hdl.crossbar.crossbar import Cells
from allspin.hdl.engine.crossbar_kinds import KINDS, make_crossbar
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import WEIGHTS
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.parameters.target import ICE40UP5K, PORTABLE, TARGETS, InferredBlocks, Target
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.sim.network import reference
from allspin.sim.network.random_network import random_images, random_network
from tests.hdl.engine.test_engine import Machine

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
def test_what_a_memory_cannot_do_is_said(parameters: dict[str, Any], expected: str) -> None:
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


# Parts that there are not.


@dataclass(frozen=True)
class RegisteredBlocks(InferredBlocks):
    """Block RAM with a register at its output: its sizes are those of any."""


class RegisteredBanks(Cells):
    """Its gateware: words come a clock later."""

    clocks = 2

    def build(self, m: Module, platform: object) -> None:
        m.submodules.banks = banks = Banks(self._parameters)
        wiring.connect(m, wiring.flipped(self.cells), banks.cells)
        register = Signal.like(banks.words, reset_less=True)
        m.d.sync += register.eq(banks.words)
        m.d.comb += [
            banks.lines.eq(self.lines),
            banks.driven.eq(self.driven),
            self.words.eq(register),
        ]


FOURTH = {
    "with output registers": Target(cells=RegisteredBlocks()),
    "with output registers, wide": Target(cells=RegisteredBlocks(), wide=True, slow_clock=True),
    "with multipliers": replace(PORTABLE, multipliers=4),
    "without multipliers": replace(ICE40UP5K, multipliers=0),
    "slow": replace(PORTABLE, slow_clock=True, few_luts=True),
    "wide": replace(PORTABLE, wide=True, distributed_ram=True),
    "SPRAM alone": replace(ICE40UP5K, further=""),
}


@pytest.fixture
def fourth(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name under which one of `FOURTH` is a target."""
    monkeypatch.setitem(KINDS, RegisteredBlocks, (RegisteredBanks, PortableColumns))
    monkeypatch.setitem(TARGETS, "fourth", FOURTH[request.param])
    return "fourth"


@pytest.mark.parametrize(
    ("fourth", "rows_per_clock", "lanes"),
    [
        (name, rows_per_clock, lanes)
        for name, target in FOURTH.items()
        for rows_per_clock, lanes in ((1, 3), (2, None))
        if rows_per_clock == 1 or target.cells != ICE40UP5K.cells
    ],
    indirect=["fourth"],
)
def test_an_engine_of_a_fourth_part_is_the_golden_model(
    fourth: str, rows_per_clock: int, lanes: int | None
) -> None:
    network = random_network((9, 7, 6, 3), 5)
    profile = HardwareProfile(lanes=lanes, rows_per_clock=rows_per_clock, memory=fourth)
    machine = Machine(network, profile, stall=0.3, seed=6)
    images = random_images(network, 6, 7)
    trace = reference.trace(network, images)
    lines: list[bytes] = []

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, network)
        await machine.drive(ctx, trace[0].inputs)
        await machine.until_idle(ctx)
        for row in range(network.layers[0].rows):
            lines.append(await machine.fetch(ctx, 0, WEIGHTS, row))

    taken = machine.bench.take(machine.dut.results, 6 * network.classes)
    machine.bench.run(stimulus, patience=20_000)
    logits = np.array([logit for logit, _, _ in taken]).reshape(6, -1)
    assert np.array_equal(logits, trace[-1].sums)
    assert b"".join(lines) == network.layers[0].words.tobytes()


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
