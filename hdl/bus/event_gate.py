"""Gate of events: only events of existing rows and legal values reach the engine."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    event_layout,
)
from allspin.hdl.stream.registers import RegisterSlice

WORD_BITS = 32

ROW_BITS = 16

VALUE_BITS = 8
"""Widths in the word of an event: the row, then its value; the highest bit marks the last event."""


class EventGate(Component):
    """Turn words into beats; an event of a missing row drives no row, and is reported.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine.

    Raises
    ------
    ValueError
        If several rows per clock must come in order, which the gate does not check.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._image = image = parameters.image
        # Tiles take rows in rising order; a window has its own order.
        self._ordered = parameters.crossbars[0].tiling is not None and not parameters.window(0)
        if self._ordered and image.rows_per_clock > 1:
            raise ValueError("columns are read tile by tile, with more than one row per clock")
        words = data.StructLayout(
            {"slots": data.ArrayLayout(WORD_BITS, image.rows_per_clock), "last": 1}
        )
        super().__init__(
            {
                # For each slot of a beat, the row in bits 0 to 15 and its value in 16 to 23.
                "words": In(stream.Signature(words)),
                "events": Out(stream.Signature(event_layout(image))),
                # The word that is taken in this clock is wrong.
                "wrong": Out(1),
                # An image has begun, and its last beat has not been taken.
                "within": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the gate."""
        image = self._image
        given = self.words.payload
        m.submodules.out = out = RegisterSlice(event_layout(image), every_clock=True)
        wiring.connect(m, out.o, wiring.flipped(self.events))
        taken = Signal()
        wrong = Signal(image.rows_per_clock)
        lowest = Signal(ROW_BITS + 1)  # lowest row that may come
        for number, slot in enumerate(out.i.payload.slots):
            word = given.slots[number]
            row, value = word[:ROW_BITS], word[ROW_BITS : ROW_BITS + VALUE_BITS]
            rows = -(-(image.rows - number) // image.rows_per_clock)
            outside = (row >= rows) | (value >> image.value_bits).any() | (row < lowest)
            m.d.comb += wrong[number].eq((value != 0) & outside)
            with m.If((value != 0) & ~outside):
                m.d.comb += [slot.row.eq(row), slot.value.eq(value)]
                if self._ordered:
                    with m.If(taken):
                        m.d.sync += lowest.eq(row + 1)
        m.d.comb += [
            out.i.payload.last.eq(given.last),
            out.i.valid.eq(self.words.valid),
            self.words.ready.eq(out.i.ready),
            taken.eq(out.i.valid & out.i.ready),
            self.wrong.eq(taken & wrong.any()),
        ]
        m.d.sync += self.within.eq(Mux(taken, ~given.last, self.within))
        with m.If(taken & given.last):
            m.d.sync += lowest.eq(0)
