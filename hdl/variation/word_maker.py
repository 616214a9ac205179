"""Cells in, R_AH words out: what both forms have in common.

The integers are those of `allspin.sim.chip.cells.words.state_words`: level, D2D and C2C of each
cell, rounded and clamped, and stuck cells. A stuck cell has the level of the lowest state or of the
highest line of its table, so the host fills the lines above the last state with the last state's.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.variation.chip import ChipLayout
from allspin.hdl.variation.normal import product_bits
from allspin.hdl.variation.speck import LAYER_BITS
from allspin.hdl.variation.states import CellLayout, StateLayout
from allspin.hdl.variation.write_table import SPREAD_BITS, EntryLayout
from allspin.sim.chip.fixed_point import WORD_BITS as FRACTION_BITS

SUM_BITS = product_bits(SPREAD_BITS) + 2


class WordMaker(wiring.Component):
    """The ports of both forms.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    more : dict
        Further ports.

    Attributes
    ----------
    chip : In
        `ChipLayout`.
    may_stick : In(1)
        Cells of this chip may be stuck.
    layer, begin, prepared, cells, settled
        As of a `CellSource`, of which this is the other side.
    line : Out
        `StateLayout`: what is looked up in the write tables.
    entry : In
        `EntryLayout`: what is there.
    valid, word : Out
        A word, which cannot be held back.
    """

    chip: data.View
    may_stick: Signal
    layer: Signal
    begin: Signal
    prepared: Signal
    cells: stream.Interface
    settled: Signal
    line: Any
    entry: data.View
    valid: Signal
    word: Signal

    def __init__(self, parameters: EngineParameters, more: dict[str, wiring.Member]) -> None:
        assert parameters.variation is not None
        self._state_bits = parameters.variation.state_bits
        super().__init__(
            {
                "chip": In(ChipLayout()),
                "may_stick": In(1),
                "layer": In(LAYER_BITS),
                "begin": In(1),
                "prepared": Out(1),
                "cells": In(stream.Signature(CellLayout(self._state_bits))),
                "settled": Out(1),
                "line": Out(StateLayout(self._state_bits)),
                "entry": In(EntryLayout()),
                "valid": Out(1),
                "word": Out(signed(parameters.rah_bits)),
                **more,
            }
        )

    @property
    def highest(self) -> Value:
        """What words are clamped to; the lowest one is its negative."""
        return Cat(self.chip.top, Const(0, 1)).as_signed()


def cell_or_stuck(cell: data.View, stuck: Value, high: Value) -> Value:
    """A cell, or where it is stuck the line of a write table whose level it has."""
    value = cell.as_value()
    return Mux(stuck, Cat(high.replicate(len(value) - 1), Const(0, 1)), value)


def cell_sum(level: Value) -> Value:
    """A level with the fraction bits of a word, and the half that rounds it."""
    return Cat(Const(1 << FRACTION_BITS - 1, FRACTION_BITS), level).as_signed()


def beyond(total: Value, highest: Value, lowest: Value) -> tuple[Value, Value]:
    """Whether a sum without its fraction bits is more than `highest`, or less than `lowest`."""
    word = total[FRACTION_BITS:].as_signed()
    return word > highest, word < lowest


def clamped(total: Value, highest: Value, lowest: Value, above: Value, below: Value) -> Value:
    """A sum without its fraction bits, within its bounds; `beyond` tells where it is not."""
    return Mux(above, highest, Mux(below, lowest, total[FRACTION_BITS:].as_signed()))
