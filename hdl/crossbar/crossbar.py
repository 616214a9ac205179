"""The crossbar: rows drive, columns sum.

An event drives one row; `lanes` columns take part in each clock, each adding value times the R_AH
word at its cross point to its accumulator (Kirchhoff's voltage law along the column's Hall
terminals). A zero row costs no time because it is never sent.

To drive several rows in one clock, the array is split into parts by row number modulo
`rows_per_clock`; each part has memories of its own and drives one row.

The memory of the words and the columns depend on the kind of part;
`allspin.hdl.engine.crossbar_kinds` chooses them.
"""

from typing import Any

from amaranth.hdl import Module, Shape, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.cell_placer import cell_layout
from allspin.hdl.crossbar.pass_source import PassSource, pass_layout
from allspin.hdl.crossbar.tile_starts import offset_layout
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import event_layout, sum_layout


def word_shape(parameters: CrossbarParameters) -> Shape:
    """Return the shape of a weight: signed R_AH word, or unsigned state."""
    shape = unsigned if parameters.keeps_states else signed
    return shape(parameters.word_bits)


def words_layout(parameters: CrossbarParameters) -> data.ArrayLayout:
    """Return the layout of the words of one line: for each part of the array a word of each
    lane.
    """
    lanes = data.ArrayLayout(word_shape(parameters), parameters.lanes)
    return data.ArrayLayout(lanes, parameters.rows_per_clock)


def tile_ports(parameters: CrossbarParameters) -> dict[str, Any]:
    """Return the ports that only columns with tiles have."""
    tiling = parameters.tiling
    if tiling is None:
        return {}
    ports: dict[str, Any] = {"bare": In(1)}
    if tiling.offsets:
        ports["offsets"] = In(stream.Signature(offset_layout(parameters)))
    return ports


class Cells(Component):
    """Memory of the R_AH words of a crossbar; each kind of memory is a subclass.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.

    Attributes
    ----------
    clocks : int
        Clocks from a line to its words, at least one.
    """

    clocks = 1

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        lines = data.ArrayLayout(range(parameters.lines), parameters.rows_per_clock)
        super().__init__(
            {
                # Line to read of each part.
                "lines": In(lines),
                # The lines belong to a beat that is taken; words of other lines are never used.
                "driven": In(1),
                # The words, `clocks` later.
                "words": Out(words_layout(parameters)),
                # Words to store; `ready` is always set. Must not be used while an image is under
                # way.
                "cells": In(stream.Signature(cell_layout(parameters))),
            }
        )


class Columns(Component):
    """Columns that sum the words of the driven lines; each pipeline is a subclass.

    Sums come column by column, `neurons_per_clock` a clock, from a shadow of the accumulators,
    while the next image's rows are already driven; only a pass's last beat waits until the
    shadow is free.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    clocks : int
        Delay of the words, as in `Cells`.

    Attributes
    ----------
    bare : In(1)
        Only with tiles: read the row that is driven alone as it is, in place of a conversion.
    offsets : In(stream)
        `offset_layout`: of the converters of tiles, where they have some; `ready` is always set.
    """

    def __init__(self, parameters: CrossbarParameters, clocks: int) -> None:
        self._parameters = parameters
        self._clocks = clocks
        ports = {
            "passes": In(stream.Signature(pass_layout(parameters))),
            # The words of the lines that were driven `clocks` before.
            "words": In(words_layout(parameters)),
            # Column sums, column 0 first.
            "sums": Out(stream.Signature(sum_layout(parameters))),
        }
        ports |= tile_ports(parameters)
        super().__init__(ports)


class Crossbar(Component):
    """Array of R_AH words with a row broadcast and column sums.

    Throughput: one beat per cycle with all lanes, else one per `passes` cycles.

    Parameters
    ----------
    parameters : CrossbarParameters
        Size and widths.
    memory : type of Cells
        Memory of the words.
    columns : type of Columns
        Columns that sum the words.

    Attributes
    ----------
    bare : In(1)
        Port of `Columns`; set only while no row is under way except rows that are read.
    offsets : In(stream)
        Port of `Columns`; used only while no image is under way.
    """

    def __init__(
        self, parameters: CrossbarParameters, memory: type[Cells], columns: type[Columns]
    ) -> None:
        self._parameters = parameters
        self._memory = memory
        self._columns = columns
        ports = {
            # Rows to drive. A row beyond the last must not be sent with a value.
            "events": In(stream.Signature(event_layout(parameters))),
            # Column sums, column 0 first.
            "sums": Out(stream.Signature(sum_layout(parameters))),
            # Port of `Cells`.
            "cells": In(stream.Signature(cell_layout(parameters))),
        }
        ports |= tile_ports(parameters)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        m.submodules.source = source = PassSource(p)
        m.submodules.memory = memory = self._memory(p)
        m.submodules.columns = columns = self._columns(p, memory.clocks)
        wiring.connect(m, wiring.flipped(self.events), source.events)
        wiring.connect(m, source.passes, columns.passes)
        wiring.connect(m, columns.sums, wiring.flipped(self.sums))
        wiring.connect(m, wiring.flipped(self.cells), memory.cells)
        m.d.comb += [
            memory.lines.eq(source.passes.payload.lines),
            memory.driven.eq(source.passes.valid & source.passes.ready),
            columns.words.eq(memory.words),
        ]
        if p.tiling is not None:
            m.d.comb += columns.bare.eq(self.bare)
            if p.tiling.offsets:
                wiring.connect(m, wiring.flipped(self.offsets), columns.offsets)
