"""The states of all cells, in the order in which they are programmed."""

from amaranth.hdl import Array, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS
from allspin.sim.chip.speck import WORD_BITS

POLARITY_BIT = 7
"""Bit of a state's byte that is the polarity of the cell's last pulse."""
BANK_LINES = 2048
"""States that a block RAM of an ECP5 holds, at up to 9 bits each."""


def state_layout(state_bits: int) -> data.StructLayout:
    """Return the layout of a cell's state and polarity.

    Members
    -------
    state : unsigned
        The cell's state.
    polarity : 1 bit
        `allspin.sim.synapse.response.Polarity` of its last pulse.
    """
    return data.StructLayout({"state": state_bits, "polarity": 1})


def cell_layout(state_bits: int) -> data.StructLayout:
    """Return the layout of a cell to program.

    Members
    -------
    row, column : 16 bits
        Address of the state.
    cell
        `state_layout`.
    """
    return data.StructLayout(
        {"row": WORD_BITS, "column": WORD_BITS, "cell": state_layout(state_bits)}
    )


class StateMemory(Component):
    """Memory of the states of all cells, which gives them again from the first on.

    Throughput: one state per cycle.

    Parameters
    ----------
    state_bits : int
        Width of a state.
    cells : int
        Number of states.
    banked : bool
        True for memories of `BANK_LINES` with a register behind each one and another behind their
        multiplexers, as a fast clock needs; else one memory.
    """

    def __init__(self, state_bits: int, cells: int, banked: bool) -> None:
        self._layout = state_layout(state_bits)
        self._cells = cells
        self._banks = -(-cells // BANK_LINES) if banked else 1
        super().__init__(
            {
                # Keep a state.
                "write": In(1),
                "address": In(range(cells)),
                "state": In(self._layout),
                # Begin at the first cell.
                "restart": In(1),
                # `state_layout`; undefined after the last state.
                "states": Out(stream.Signature(self._layout)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        lines = self._cells if self._banks == 1 else BANK_LINES
        line_bits = Shape.cast(range(lines)).width
        advance = Signal()
        place = Signal(range(self._banks * lines))
        m.d.comb += advance.eq(~self.states.valid | self.states.ready)

        # A register in the path of the writes: they cross the whole part.
        writing = Signal()
        address = Signal.like(place)
        state = Signal(self._layout)
        m.d.sync += [writing.eq(self.write), address.eq(self.address), state.eq(self.state)]

        def later(value: Value, name: str, *, reset_less: bool = True) -> Signal:
            register = Signal(len(value), name=name, reset_less=reset_less)
            with m.If(advance):
                m.d.sync += register.eq(value)
            return register

        # Banks are told apart in steps of four, each with a register behind it.
        stages = 2 if self._banks > 1 else 1
        choice = place[line_bits:]
        for stage in range(stages):
            choice = later(choice, f"choice_{stage}", reset_less=False)
        outputs = []
        for number in range(self._banks):
            m.submodules[f"bank_{number}"] = bank = block_memory(self._layout, lines)
            write = bank.write_port()
            read = bank.read_port(domain="comb")
            m.d.comb += [
                write.addr.eq(address[:line_bits]),
                write.data.eq(state),
                write.en.eq(writing & (address[line_bits:] == number)),
                read.addr.eq(place[:line_bits]),
            ]
            output = read.data.as_value()
            for stage in range(stages):
                output = later(output, f"output_{number}_{stage}")
            outputs.append(output)
        while len(outputs) > 1:
            outputs = [
                later(Array(outputs[first : first + 4])[choice[:2]], f"merged_{stages}_{first}")
                for first in range(0, len(outputs), 4)
            ]
            choice = later(choice[2:], f"rest_{stages}", reset_less=False)
            stages += 1
        valid = Signal(stages)
        with m.If(self.restart):
            m.d.sync += [place.eq(0), valid.eq(0)]
        with m.Elif(advance):
            m.d.sync += [place.eq(place + 1), valid.eq((valid << 1) | 1)]
        m.d.comb += [
            self.states.valid.eq(valid[-1]),
            self.states.payload.eq(outputs[0]),
        ]


class CellSource(Component):
    """Source of the cells to program: cells whose states are loaded, or all cells on request.

    Cells come in bursts. A burst is of one layer and begins at the first column of a row;
    the next one begins when the words of the last are in their places.

    Throughput: one cell per cycle.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        assert parameters.variation is not None
        self._parameters = parameters
        self._variation = parameters.variation
        super().__init__(
            {
                # `LOAD_LAYOUT`, bytes of the memories STATES only.
                "load": In(LOADS),
                # Program all cells of all layers again; where the states are kept.
                "redraw": In(1),
                # Layer of the burst.
                "layer": Out(LAYER_BITS),
                # Its first row.
                "row": Out(WORD_BITS),
                # No cell is under way.
                "settled": In(1),
                # A burst begins: logic that depends on the layer may be prepared.
                "begin": Out(1),
                # The preparation is done; read from the clock after `begin`.
                "prepared": In(1),
                "cells": Out(stream.Signature(cell_layout(self._variation.state_bits))),
                # A burst is being prepared, or all cells are being programmed.
                "busy": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the source."""
        load = self.load.payload
        loaded = Signal(state_layout(self._variation.state_bits))
        started = Signal()  # the burst of the byte that is offered
        walking = Signal()  # through all cells
        walks = Signal()  # through those of a layer, now
        may_load = Signal()  # a byte that is offered is a cell of this burst
        next_layer = Signal(LAYER_BITS)
        given = Signal()
        ends = self._build_place(m, given)
        # These signals do not depend on the state of the FSM below, since much logic waits for
        # them.
        m.d.comb += [
            loaded.state.eq(load.data),
            loaded.polarity.eq(load.data[POLARITY_BIT]),
            given.eq(self.cells.valid & self.cells.ready),
            self.cells.payload.cell.eq(loaded),
            may_load.eq((~load.first | started) & ~walking),
            self.cells.valid.eq(self.load.valid & may_load),
            self.load.ready.eq(self.cells.ready & may_load),
        ]
        with m.If(given):
            m.d.sync += started.eq(0)

        memory = None
        if self._variation.redraw:
            memory = self._build_memory(m, loaded, given & ~walking)
            m.d.comb += memory.states.ready.eq(self.cells.ready & walks)
            with m.If(walking):
                m.d.comb += [
                    self.cells.payload.cell.eq(memory.states.payload),
                    self.cells.valid.eq(memory.states.valid & walks),
                ]

        with m.FSM() as fsm:
            with m.State("LOAD"):
                with m.If(self.load.valid & load.first & ~started):
                    m.next = "SETTLE"
                if memory is not None:
                    with m.If(self.redraw):
                        m.d.comb += memory.restart.eq(1)
                        m.d.sync += [walking.eq(1), next_layer.eq(0)]
                        m.next = "SETTLE"
            # Words under way belong to the layer of the last burst.
            with m.State("SETTLE"), m.If(self.settled):
                m.d.sync += [
                    self.layer.eq(Mux(walking, next_layer, load.layer)),
                    self.row.eq(Mux(walking, 0, load.address)),
                ]
                m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.comb += self.begin.eq(1)
                m.next = "PREPARE"
            with m.State("PREPARE"), m.If(self.prepared):
                m.d.sync += [started.eq(1), walks.eq(walking)]
                m.next = "LOAD"
                if memory is not None:
                    with m.If(walking):
                        m.next = "WALK"
            if memory is not None:
                with m.State("WALK"), m.If(given & ends):
                    m.d.sync += [walks.eq(0), next_layer.eq(next_layer + 1)]
                    m.next = "SETTLE"
                    with m.If(self.layer == len(self._parameters.crossbars) - 1):
                        m.d.sync += walking.eq(0)
                        m.next = "LOAD"
        m.d.comb += self.busy.eq(~fsm.ongoing("LOAD") | walking)

    def _build_place(self, m: Module, given: Signal) -> Value:
        """Count rows and columns, and tell whether the cell is its layer's last."""
        row = Signal(WORD_BITS)
        column = Signal(WORD_BITS)
        last_column = Signal(WORD_BITS)
        last_row = Signal(WORD_BITS)
        with m.Switch(self.layer):
            for number, crossbar in enumerate(self._parameters.crossbars):
                with m.Case(number):
                    m.d.sync += [
                        last_column.eq(crossbar.columns - 1),
                        last_row.eq(crossbar.rows - 1),
                    ]
        row_ends = Signal()
        m.d.comb += [
            self.cells.payload.row.eq(row),
            self.cells.payload.column.eq(column),
            row_ends.eq(column == last_column),
        ]
        with m.If(given):
            m.d.sync += column.eq(column + 1)
            with m.If(row_ends):
                m.d.sync += [column.eq(0), row.eq(row + 1)]
        with m.If(self.begin):
            m.d.sync += [row.eq(self.row), column.eq(0)]
        return row_ends & (row == last_row)

    def _build_memory(self, m: Module, loaded: data.View, keep: Value) -> StateMemory:
        """Build the memory of the states, and the address of loaded states."""
        crossbars = self._parameters.crossbars
        cells = sum(crossbar.rows * crossbar.columns for crossbar in crossbars)
        banked = self._parameters.target.wide
        memory = StateMemory(self._variation.state_bits, cells, banked)
        m.submodules.memory = memory
        address = Signal(range(cells))
        m.d.comb += [
            memory.address.eq(address),
            memory.state.eq(loaded),
            memory.write.eq(keep),
        ]
        with m.If(keep):
            m.d.sync += address.eq(address + 1)
        # Start of the row in each layer; the layer's own start is chosen a clock later.
        begun = Signal()
        m.d.sync += begun.eq(self.begin)
        first = 0
        for number, crossbar in enumerate(crossbars):
            start = Signal(range(cells), name=f"start_{number}", reset_less=True)
            # The row times the columns, as a sum of shifted rows.
            parts = [
                self.row << bit
                for bit in range(crossbar.columns.bit_length())
                if crossbar.columns >> bit & 1
            ]
            m.d.sync += start.eq(sum(parts, first))
            with m.If(begun & (self.layer == number)):
                m.d.sync += address.eq(start)
            first += crossbar.rows * crossbar.columns
        return memory
