"""Lines of states: each is written at once, when its last state has come."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.cells.cell_placer import CellLayout, CellPlacer
from allspin.hdl.parameters.crossbar import CrossbarParameters


class LineLayout(data.StructLayout):
    """A line of states and its place.

    Members
    -------
    part, bank : unsigned
        Which part of the array, and which memory of the part.
    address : unsigned
        As of `allspin.hdl.crossbar.cells.cell_placer.PlaceLayout`.
    states : array of unsigned
        A state of each lane of the memory; those beyond the last column mean nothing.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = parameters
        super().__init__(
            {
                "part": range(p.rows_per_clock),
                "bank": range(p.banks + 1),
                "address": range(p.part_rows * p.passes),
                "states": data.ArrayLayout(p.word_bits, p.bank_lanes),
            }
        )


class LinePlacer(wiring.Component):
    """R_AH words in, lines of the states that stand for them out, two clocks after their last.

    States of several lanes share what a block RAM writes at once, so a line is gathered first.
    Rows come whole, so each line comes to its end.

    Parameters
    ----------
    parameters : CrossbarParameters
        Whose words they are; it has `levels`.

    Attributes
    ----------
    cells : In(stream)
        `CellLayout`; `ready` is always set. A word that is no level is state 0.
    valid : Out(1)
        There is a line to write.
    place : Out(LineLayout)
        Where, and which.
    """

    cells: stream.Interface
    valid: Signal
    place: data.View

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "cells": In(stream.Signature(CellLayout(parameters))),
                "valid": Out(1),
                "place": Out(LineLayout(parameters)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        assert p.levels is not None
        m.submodules.placer = placer = CellPlacer(p)
        wiring.connect(m, wiring.flipped(self.cells), placer.cells)
        state = Signal(p.word_bits)
        with m.Switch(placer.place.word):
            for number, level in enumerate(p.levels.words):
                with m.Case(level):
                    m.d.comb += state.eq(number)
        m.d.sync += self.valid.eq(placer.valid & placer.completes)
        with m.If(placer.valid):
            m.d.sync += [
                Cat(self.place.part, self.place.bank, self.place.address).eq(
                    Cat(placer.place.part, placer.place.bank, placer.place.address)
                ),
                self.place.states[placer.place.lane].eq(state),
            ]
        return m
