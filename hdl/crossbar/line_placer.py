"""Lines of states for block RAMs: each is written at once, when its last state has come."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.cell_placer import CellPlacer, cell_layout
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component


def line_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Return the layout of a line of states and its place.

    Members
    -------
    part, bank : unsigned
        Part of the array, and memory of the part.
    address : unsigned
        Line, as in `allspin.hdl.crossbar.cell_placer.place_layout`.
    states : array of unsigned
        A state for each lane of the memory; lanes beyond the last column have no meaning.
    """
    p = parameters
    return data.StructLayout(
        {
            "part": range(p.rows_per_clock),
            "bank": range(p.banks + 1),
            "address": range(p.part_rows * p.passes),
            "states": data.ArrayLayout(p.word_bits, p.bank_lanes),
        }
    )


class LinePlacer(Component):
    """Lines of states for R_AH words, each gathered until its last word has come.

    States of several lanes share a write of a block RAM, so a line is gathered first. Rows come
    whole, so each line comes to its end.

    Throughput: one word per cycle; latency 2.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar; it has `levels`.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # `ready` is always set. A word that is no level is state 0.
                "cells": In(stream.Signature(cell_layout(parameters))),
                # The block has a line to write.
                "valid": Out(1),
                # Place of the line, and its states.
                "place": Out(line_layout(parameters)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
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
