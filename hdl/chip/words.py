"""R_AH words of cells: a cell in each clock, or draw by draw."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import Out

from allspin.hdl.chip.draw_unit import draw_signature
from allspin.hdl.chip.normal import PipelinedNormal
from allspin.hdl.chip.speck import Key, PipelinedSpeck, block_layout
from allspin.hdl.chip.states import state_layout
from allspin.hdl.chip.word_maker import (
    SUM_BITS,
    WordMaker,
    beyond,
    cell_or_stuck,
    cell_sum,
    clamped,
)
from allspin.hdl.chip.write_table import LEVEL_BITS, SPREAD_BITS
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.sim.chip.generator import Purpose

LANES = (
    (Key(Purpose.D2D_POTENTIATION), Key(Purpose.D2D_DEPRESSION), Key(Purpose.STUCK)),
    (Key(Purpose.WRITE), Key(Purpose.STUCK_END)),
)
"""Draws of a lane in a clock: D2D by polarity and C2C, or the draws of a stuck cell."""
STUCK_SELECTS = (2, 1)
MAX_UNDER_WAY = 64
"""More cells than are ever under way."""


def line_layout(state_bits: int) -> data.StructLayout:
    """Return the layout of a line of the write tables, with a bit for stuck cells.

    Members
    -------
    stuck : 1 bit
        The cell is stuck.
    cell
        `state_layout`.
    """
    return data.StructLayout({"stuck": 1, "cell": state_layout(state_bits)})


class PipelinedWordMaker(WordMaker):
    """R_AH words of cells from the pipelined generator.

    Throughput: one cell per cycle, or per 2 cycles where cells may be stuck.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
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
            A bit that a cell has been drawn, the bits of each lane, and the cell's `line_layout`.
        """
        chip = self.chip
        cell = self.cells.payload
        tag = data.StructLayout({"word": 1, "cell": state_layout(self._state_bits)})
        m.submodules.speck = speck = PipelinedSpeck(LANES, tag)
        wording = Signal()  # the cell's word is drawn in this clock, not whether it is stuck
        asked = Signal()
        draw_valid = Signal()
        draws = Signal(block_layout(LANES, tag), reset_less=True)
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
        line = Signal(line_layout(self._state_bits))
        # A register for the bits: whether the cell is stuck was drawn a clock before.
        bits = Signal.like(speck.bits, reset_less=True)
        state = Signal(state_layout(self._state_bits), reset_less=True)
        stuck = Signal()
        high = Signal()
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
        """Add level, D2D and C2C, and clamp the sum."""
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
        summed = Signal()
        valid = Signal()
        highest = self.highest
        lowest = Signal(signed(LEVEL_BITS), reset_less=True)
        over, under = beyond(total, highest, lowest)
        above = Signal()
        below = Signal()
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


class IterativeWordMaker(WordMaker):
    """R_AH words of cells from a shared `DrawUnit`.

    Throughput: one cell per 71 cycles at one round per clock, or 96 where cells may be stuck.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__(
            parameters,
            {
                # The generator.
                "unit": Out(draw_signature(parameters.spread_bits)),
            },
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the maker."""
        chip = self.chip
        unit = self.unit
        cell = self.cells.payload
        draw = unit.draws.payload
        total = Signal(signed(SUM_BITS))
        bounds = self.highest, -self.highest
        left = Signal(range(3))  # products still to come
        stuck = Signal()
        high = Signal()
        m.d.comb += [
            self.prepared.eq(1),
            self.settled.eq(1),  # a cell is given away with its word
            self.line.eq(cell_or_stuck(cell.cell, stuck, high)),
            unit.spreads[0].eq(self.entry.d2d),
            unit.spreads[1].eq(self.entry.c2c),
            draw.layer.eq(self.layer),
            draw.row.eq(cell.row),
            draw.column.eq(cell.column),
            self.word.eq(clamped(total, *bounds, *beyond(total, *bounds))),
        ]
        wait = Signal(range(3))
        with m.If(unit.made):
            m.d.sync += [total.eq(total + unit.product), left.eq(left - 1)]

        with m.FSM():
            with m.State("TAKE"):
                m.d.sync += [stuck.eq(0), wait.eq(2), left.eq(2)]
                with m.If(self.cells.valid):
                    m.next = "LEVEL"
                    with m.If(self.may_stick):
                        m.next = "STUCK"
            self._build_stuck(m, stuck, high)
            with m.State("LEVEL"):
                m.d.sync += [wait.eq(wait - 1), total.eq(cell_sum(self.entry.level))]
                with m.If(wait == 0):
                    m.next = "D2D"
                    with m.If(stuck):
                        m.d.sync += left.eq(0)
                        m.next = "SUM"
            with m.State("D2D"):
                polarity = cell.cell.polarity
                purpose = Mux(polarity, Purpose.D2D_DEPRESSION, Purpose.D2D_POTENTIATION)
                self._ask(m, purpose, "C2C")
            with m.State("C2C"):
                m.d.comb += [draw.number.eq(chip.write), draw.tag.which.eq(1)]
                self._ask(m, Purpose.WRITE, "SUM")
            with m.State("SUM"), m.If(left == 0):
                m.d.comb += [self.valid.eq(1), self.cells.ready.eq(1)]
                m.next = "TAKE"

    def _ask(self, m: Module, purpose: Purpose | Value, following: str) -> None:
        """Ask for a draw in this state."""
        draws = self.unit.draws
        m.d.comb += [draws.valid.eq(1), draws.payload.purpose.eq(purpose)]
        with m.If(draws.ready):
            m.next = following

    def _build_stuck(self, m: Module, stuck: Signal, high: Signal) -> None:
        """Add the states that draw if a cell is stuck, and at which end."""
        chip = self.chip
        unit = self.unit
        with m.State("STUCK"):
            m.d.comb += unit.draws.payload.tag.raw.eq(1)
            self._ask(m, Purpose.STUCK, "WHETHER")
        with m.State("WHETHER"):
            m.d.sync += [stuck.eq(unit.bits < chip.threshold), high.eq(chip.high)]
            with m.If(unit.drawn):
                m.next = "STUCK_OR_NOT"
        with m.State("STUCK_OR_NOT"):
            m.next = "LEVEL"
            with m.If(stuck & chip.either):
                m.next = "STUCK_END"
        with m.State("STUCK_END"):
            m.d.comb += unit.draws.payload.tag.raw.eq(1)
            self._ask(m, Purpose.STUCK_END, "WHERE")
        with m.State("WHERE"):
            m.d.sync += high.eq(unit.bits[-1])
            with m.If(unit.drawn):
                m.next = "LEVEL"
