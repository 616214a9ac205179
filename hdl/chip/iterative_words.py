"""R_AH words a cell at a time, draw by draw."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Out

from allspin.hdl.chip.draw_unit import DrawSignature
from allspin.hdl.chip.write_table import (
    SUM_BITS,
    WordMaker,
    beyond,
    cell_or_stuck,
    cell_sum,
    clamped,
)
from allspin.hdl.parameters.engine import EngineParameters
from allspin.sim.chip.generator import Purpose


class IterativeWordMaker(WordMaker):
    """With a `DrawUnit` that it shares, about 70 clocks a cell at one round a clock, or 100.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        super().__init__(
            parameters,
            {
                # The generator.
                "unit": Out(DrawSignature(parameters.spread_bits)),
            },
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the maker."""
        chip, unit = self.chip, self.unit
        cell = self.cells.payload
        draw = unit.draws.payload
        total = Signal(signed(SUM_BITS))
        bounds = self.highest, -self.highest
        left = Signal(range(3))  # products still to come
        stuck, high = Signal(), Signal()
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
        """In this state a draw is asked for."""
        draws = self.unit.draws
        m.d.comb += [draws.valid.eq(1), draws.payload.purpose.eq(purpose)]
        with m.If(draws.ready):
            m.next = following

    def _build_stuck(self, m: Module, stuck: Signal, high: Signal) -> None:
        """States in which is drawn whether a cell is stuck, and at which end."""
        chip, unit = self.chip, self.unit
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
