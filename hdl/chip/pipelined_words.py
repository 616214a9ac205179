"""R_AH words, a cell in each clock."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data

from allspin.hdl.chip.normal import PipelinedNormal
from allspin.hdl.chip.speck import BlockLayout, Key, PipelinedSpeck
from allspin.hdl.chip.states import StateLayout
from allspin.hdl.chip.write_table import (
    LEVEL_BITS,
    SPREAD_BITS,
    SUM_BITS,
    WordMaker,
    beyond,
    cell_or_stuck,
    cell_sum,
    clamped,
)
from allspin.hdl.parameters.engine import EngineParameters
from allspin.sim.chip.generator import Purpose

LANES = (
    (Key(Purpose.D2D_POTENTIATION), Key(Purpose.D2D_DEPRESSION), Key(Purpose.STUCK)),
    (Key(Purpose.WRITE), Key(Purpose.STUCK_END)),
)
"""What is drawn in a clock: D2D by polarity, and C2C; or all of being stuck."""
STUCK_SELECTS = (2, 1)
MAX_UNDER_WAY = 64
"""More cells than are ever under way."""


class LineLayout(data.StructLayout):
    """A line of the write tables, and whether it is that of a stuck cell.

    Members
    -------
    stuck : 1 bit
        The cell is stuck.
    cell
        `StateLayout`.
    """

    def __init__(self, state_bits: int) -> None:
        super().__init__({"stuck": 1, "cell": StateLayout(state_bits)})


class PipelinedWordMaker(WordMaker):
    """A cell takes a clock, or two where cells may be stuck.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__(parameters, {})

    def build(self, m: Module, platform: object) -> None:
        """Build the maker."""
        # Cells are counted a clock late: whether one is taken is known late in its clock.
        taken = Signal()
        under_way = Signal(range(MAX_UNDER_WAY + 1))
        none = Signal(init=1)  # are under way
        m.d.comb += self.settled.eq(none & ~taken)
        m.d.sync += [
            taken.eq(self.cells.valid & self.cells.ready),
            under_way.eq(under_way + taken - self.valid),
        ]
        with m.If(taken & ~self.valid):
            m.d.sync += none.eq(0)
        with m.Elif(self.valid & ~taken):
            m.d.sync += none.eq(under_way == 1)
        self._build_sum(m, *self._build_draws(m))

    def _build_draws(self, m: Module) -> tuple[Signal, data.View, data.View]:
        """Draw for each cell; where it may be stuck, in one clock for that and one for its word.

        Returns
        -------
        tuple
            Whether a cell has been drawn for, the bits of each lane, and its `LineLayout`.
        """
        chip = self.chip
        cell = self.cells.payload
        tag = data.StructLayout({"word": 1, "cell": StateLayout(self._state_bits)})
        m.submodules.speck = speck = PipelinedSpeck(LANES, tag)
        wording = Signal()  # the cell's word is drawn in this clock, not whether it is stuck
        asked = Signal()
        draw_valid = Signal()
        draws = Signal(BlockLayout(LANES, tag), reset_less=True)
        m.d.comb += [
            wording.eq(asked | ~self.may_stick),
            self.cells.ready.eq(wording),
            self.prepared.eq(speck.keyed),
            speck.seed.eq(chip.seed),
            speck.layer.eq(self.layer),
            speck.number.eq(chip.write),
            speck.rekey.eq(self.begin),
            speck.valid.eq(draw_valid),
            speck.draws.eq(draws),
        ]
        m.d.sync += [
            draw_valid.eq(self.cells.valid),
            draws.row.eq(cell.row),
            draws.columns[0].eq(cell.column),
            draws.columns[1].eq(cell.column),
            draws.selects[0].eq(Mux(wording, cell.cell.polarity, STUCK_SELECTS[0])),
            draws.selects[1].eq(Mux(wording, 0, STUCK_SELECTS[1])),
            draws.tag.word.eq(wording),
            draws.tag.cell.eq(cell.cell),
        ]
        with m.If(self.cells.valid):
            m.d.sync += asked.eq(~wording)

        drawn = Signal()
        line = Signal(LineLayout(self._state_bits))
        # A register for the bits: whether the cell is stuck was drawn a clock before.
        bits = Signal.like(speck.bits, reset_less=True)
        state = Signal(StateLayout(self._state_bits), reset_less=True)
        stuck, high = Signal(), Signal()
        m.d.comb += [
            line.stuck.eq(stuck),
            line.cell.eq(cell_or_stuck(state, stuck, high)),
        ]
        m.d.sync += [
            drawn.eq(speck.done & speck.tag.word),
            bits.eq(speck.bits),
            state.eq(speck.tag.cell),
        ]
        with m.If(~self.may_stick):
            m.d.sync += stuck.eq(0)
        with m.Elif(speck.done & ~speck.tag.word):
            m.d.sync += [
                stuck.eq(speck.bits[0] < chip.threshold),
                high.eq(Mux(chip.either, speck.bits[1][-1], chip.high)),
            ]
        return drawn, bits, line

    def _build_sum(self, m: Module, drawn: Signal, bits: data.View, line: data.View) -> None:
        """Level, D2D and C2C, added and clamped."""
        m.submodules.normal_0 = d2d = PipelinedNormal(SPREAD_BITS, line.shape())
        m.submodules.normal_1 = c2c = PipelinedNormal(SPREAD_BITS, line.shape())
        for lane, normal in enumerate((d2d, c2c)):
            m.d.comb += [
                normal.valid.eq(drawn),
                normal.bits.eq(bits[lane]),
                normal.tag.eq(line),
            ]
        was_stuck = [Signal(name=f"was_stuck_{clock}") for clock in range(2)]
        level: Any = self.entry.level
        for clock in range(PipelinedNormal.LATENCY - PipelinedNormal.LOOKUP - 2):
            later = Signal(signed(LEVEL_BITS), name=f"level_{clock}", reset_less=True)
            m.d.sync += later.eq(level)
            level = later
        total = Signal(signed(SUM_BITS), reset_less=True)
        compared = Signal(signed(SUM_BITS), reset_less=True)
        summed, valid = Signal(), Signal()
        highest = self.highest
        lowest = Signal(signed(LEVEL_BITS), reset_less=True)
        over, under = beyond(total, highest, lowest)
        above, below = Signal(), Signal()
        m.d.comb += [
            self.line.eq(d2d.lookup.cell),
            d2d.spread.eq(Mux(was_stuck[1], 0, self.entry.d2d)),
            c2c.spread.eq(Mux(was_stuck[1], 0, self.entry.c2c)),
        ]
        m.d.sync += [
            was_stuck[0].eq(d2d.lookup.stuck),
            was_stuck[1].eq(was_stuck[0]),
            lowest.eq(-highest),
            total.eq(cell_sum(level) + d2d.product + c2c.product),
            summed.eq(d2d.done),
            compared.eq(total),
            above.eq(over),
            below.eq(under),
            valid.eq(summed),
            self.word.eq(clamped(compared, highest, lowest, above, below)),
            self.valid.eq(valid),
        ]
