"""Base of the two word makers, which turn cells into R_AH words.

The integers are those of `allspin.sim.chip.words`: level, D2D and C2C of each cell, rounded and
clamped, and stuck cells. A stuck cell has the level of the lowest state or of the highest line of
its table, so the host fills the lines above the last state with the last state's.
"""

from amaranth.hdl import Cat, Const, Mux, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.chip_registers import CHIP_LAYOUT
from allspin.hdl.chip.normal import product_bits
from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.chip.states import cell_layout, state_layout
from allspin.hdl.chip.write_table import ENTRY_LAYOUT, SPREAD_BITS
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.sim.chip.words import WORD_BITS as FRACTION_BITS

SUM_BITS = product_bits(SPREAD_BITS) + 2


class WordMaker(Component):
    """Ports of both word makers.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    more : dict
        Further ports.
    """

    def __init__(self, parameters: EngineParameters, more: dict[str, wiring.Member]) -> None:
        assert parameters.variation is not None
        self._state_bits = parameters.variation.state_bits
        super().__init__(
            {
                "chip": In(CHIP_LAYOUT),
                # Cells of this chip may be stuck.
                "may_stick": In(1),
                # The other side of a `CellSource`.
                "layer": In(LAYER_BITS),
                "begin": In(1),
                "prepared": Out(1),
                "cells": In(stream.Signature(cell_layout(self._state_bits))),
                "settled": Out(1),
                # Line of the write tables to look up.
                "line": Out(state_layout(self._state_bits)),
                # Entry of that line.
                "entry": In(ENTRY_LAYOUT),
                # The word, which cannot be held back.
                "valid": Out(1),
                "word": Out(signed(parameters.rah_bits)),
                **more,
            }
        )

    @property
    def highest(self) -> Value:
        """Largest word; the smallest word is its negative."""
        return Cat(self.chip.top, Const(0, 1)).as_signed()


def cell_or_stuck(cell: data.View, stuck: Value, high: Value) -> Value:
    """Return a cell, or the line of a write table whose level a stuck cell has."""
    value = cell.as_value()
    return Mux(stuck, Cat(high.replicate(len(value) - 1), Const(0, 1)), value)


def cell_sum(level: Value) -> Value:
    """Return a level with the fraction bits of a word, and the half that rounds it."""
    return Cat(Const(1 << FRACTION_BITS - 1, FRACTION_BITS), level).as_signed()


def beyond(total: Value, highest: Value, lowest: Value) -> tuple[Value, Value]:
    """Return whether a sum without its fraction bits is above `highest`, and whether it is below
    `lowest`.
    """
    word = total[FRACTION_BITS:].as_signed()
    return word > highest, word < lowest


def clamped(total: Value, highest: Value, lowest: Value, above: Value, below: Value) -> Value:
    """Clamp a sum without its fraction bits; `beyond` tells if it is outside its bounds."""
    return Mux(above, highest, Mux(below, lowest, total[FRACTION_BITS:].as_signed()))
