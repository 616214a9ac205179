"""Bus: the engine's ports as AXI-Stream for images and Wishbone for the rest.

It replaces `allspin.hdl.link.link.Link`; ``docs/export.md`` describes both sides.
"""

from enum import IntEnum
from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.bus.event_gate import ROW_BITS, WORD_BITS, EventGate
from allspin.hdl.bus.memory_window import MemoryWindow
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTES,
    FETCHES,
    IMAGE_BITS,
    LOADS,
    NUMBERS,
    event_layout,
    result_layout,
)
from allspin.hdl.stream.registers import RegisterSlice

NAME = int.from_bytes(b"ASPN", "little")


class Register(IntEnum):
    """Words of the Wishbone side."""

    NAME = 0
    CONTROL = 1
    ADDRESS = 2
    DATA = 3
    EVENT = 4
    RESULT = 5
    NUMBER = 6


CONTROL_LAYOUT = data.StructLayout(
    {"streams": 1, "idle": 1, "waits": 1, "last": 1, "faults": 4, "spare": 8, "winner": 16}
)
"""Bits of CONTROL.

Members
-------
streams : 1 bit
    High if images come from the AXI streams and logits go there; written, it requests this.
idle : 1 bit
    High if no image is under way and no memory is loaded, read or computed.
waits, last, winner
    A logit waits for RESULT; it is its image's last; the class, with the last logit.
faults : 4 bits
    Each `Fault` since a 1 was written to its bit.
"""


class Fault(IntEnum):
    """Faults: bits of CONTROL's `faults`."""

    EVENT = 0  # an event of a missing row, of too large a value, or too late; it drove no row
    REFUSED = 1  # an impossible access, which ended with an error
    LATE = 2  # an access ended with an error after `PATIENCE` clocks, or its master left it
    UNFINISHED = 3  # an address was written while a line was incomplete


PATIENCE = 1 << 16
"""Clocks after which an access ends with an error."""

BUSES = {
    # AXI-Stream; tdata has 32 bits for each row of a clock.
    "s_axis_tvalid": In(1),
    "s_axis_tready": Out(1),
    "s_axis_tlast": In(1),
    "m_axis_tdata": Out(WORD_BITS),
    "m_axis_tvalid": Out(1),
    "m_axis_tready": In(1),
    "m_axis_tlast": Out(1),
    # The class, with an image's last logit.
    "m_axis_tuser": Out(16),
    # Wishbone B4, classic cycles.
    "wb_cyc": In(1),
    "wb_stb": In(1),
    "wb_we": In(1),
    # A `Register`: the address of a word, not of a byte.
    "wb_adr": In(3),
    "wb_sel": In(4),
    "wb_dat_w": In(WORD_BITS),
    "wb_dat_r": Out(WORD_BITS),
    "wb_ack": Out(1),
    "wb_err": Out(1),
}
"""Ports to the design around it."""


class _Access(NamedTuple):
    """Access to a register of the Wishbone side.

    Parameters
    ----------
    value : ValueLike
        Value that is read.
    refused : ValueLike
        Condition that refuses the access.
    done : ValueLike
        Condition that completes the access.
    """

    value: ValueLike
    refused: ValueLike = 0
    done: ValueLike = 1


class Bus(Component):
    """Control the engine by AXI-Stream and Wishbone, as `allspin.hdl.link.link.Link` does by bytes.

    Throughput: one beat and one logit per cycle; a byte per 2 cycles.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the engine.

    Attributes
    ----------
    events, numbers, results, load, fetch, fetched, idle
        The engine's ports, with the opposite directions.

    Raises
    ------
    ValueError
        If a logit is wider than a word, or `EventGate` refuses the engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        self._gate = EventGate(parameters)
        self._window = MemoryWindow(parameters)
        results = result_layout(parameters)
        self._logits = RegisterSlice(results, every_clock=True)
        last_layer = len(parameters.crossbars) - 1
        bits = parameters.amplified_bits(last_layer)
        if bits > WORD_BITS:
            raise ValueError(f"logits have {bits} bits, and a word of the bus has {WORD_BITS}")
        ports = {
            "s_axis_tdata": In(WORD_BITS * parameters.image.rows_per_clock),
            **BUSES,
            # Any of CONTROL's faults.
            "fault": Out(1),
            "events": Out(stream.Signature(event_layout(parameters.image))),
            "results": In(stream.Signature(results)),
            "load": Out(LOADS),
            "fetch": Out(FETCHES),
            "fetched": In(BYTES),
            "idle": In(1),
        }
        if parameters.numbered:
            ports["numbers"] = Out(NUMBERS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the bus."""
        m.submodules.gate = self._gate
        m.submodules.window = self._window
        m.submodules.logits = self._logits
        wiring.connect(m, self._gate.events, wiring.flipped(self.events))
        wiring.connect(m, wiring.flipped(self.results), self._logits.i)
        wiring.connect(m, self._window.load, wiring.flipped(self.load))
        wiring.connect(m, self._window.fetch, wiring.flipped(self.fetch))
        wiring.connect(m, self._window.fetched, wiring.flipped(self.fetched))
        control = Signal(CONTROL_LAYOUT)
        wanted = Signal()  # images and logits are requested on the AXI streams
        number = Signal(IMAGE_BITS)  # number of the next image
        here = Signal(len(Register))  # the register of an access that may be executed
        self._build_images(m, control, wanted, number, here)
        self._build_accesses(m, control, wanted, number, here)

    def _build_images(
        self, m: Module, control: data.View, wanted: Signal, number: Signal, here: Signal
    ) -> None:
        """Build the paths of events and logits: the AXI streams, or a word at a time."""
        gate = self._gate
        words = gate.words
        logit = self._logits.o
        streams = Signal()  # images and logits are on the AXI streams
        under_way = Signal(16)  # images whose last event was taken, but not their last logit
        may = Signal()  # events may be taken
        begins = Signal()  # an image begins
        leaves = Signal()  # an image's last logit leaves
        owes = Signal()  # the number of an image that began has not been taken
        # No memory is loaded, computed or read when an image begins, nor while one is under way;
        # and no image begins that the other side would have to end.
        may_begin = (self.idle | (under_way != 0)) & ~owes & (streams == wanted)
        m.d.comb += [
            may.eq(gate.within | may_begin),
            words.valid.eq(may & Mux(streams, self.s_axis_tvalid, here[Register.EVENT])),
            words.payload.slots.eq(Mux(streams, self.s_axis_tdata, self._written_slots())),
            words.payload.last.eq(Mux(streams, self.s_axis_tlast, self.wb_dat_w[-1])),
            self.s_axis_tready.eq(may & streams & words.ready),
            begins.eq(words.valid & words.ready & ~gate.within),
        ]
        # Not the sign-extended logit itself, which linters take for a loop.
        no_logit = Const(0, signed(WORD_BITS))
        m.d.comb += [
            self.m_axis_tdata.eq(Mux(self.m_axis_tvalid, logit.payload.logit, no_logit)),
            self.m_axis_tvalid.eq(logit.valid & streams),
            self.m_axis_tlast.eq(logit.payload.last),
            self.m_axis_tuser.eq(logit.payload.winner),
            logit.ready.eq(Mux(streams, self.m_axis_tready, here[Register.RESULT])),
            leaves.eq(logit.valid & logit.ready & logit.payload.last),
        ]
        m.d.comb += [
            control.streams.eq(streams),
            control.idle.eq(self.idle & (under_way == 0) & ~gate.within & ~owes),
            control.waits.eq(logit.valid & ~streams),
            control.last.eq(logit.payload.last),
            control.winner.eq(logit.payload.winner),
        ]
        entered = words.valid & words.ready & words.payload.last
        m.d.sync += [
            streams.eq(Mux(control.idle, wanted, streams)),
            under_way.eq(under_way + entered - leaves),
            number.eq(number + begins),
        ]
        if self._parameters.numbered:
            own = Signal(IMAGE_BITS)
            m.d.comb += [self.numbers.valid.eq(owes), self.numbers.payload.eq(own)]
            m.d.sync += [
                owes.eq(begins | (owes & ~self.numbers.ready)),
                own.eq(Mux(begins, number, own)),
            ]

    def _written_slots(self) -> Value:
        """Return the slots of a beat with the event that is written as a word."""
        word = self.wb_dat_w
        slots = self._parameters.image.rows_per_clock
        low = (slots - 1).bit_length()  # bits of a row that select its slot
        event = Cat(word[low:ROW_BITS], Const(0, low), word[ROW_BITS:-1], Const(0, 1))
        return Cat(Mux(word[:low] == slot, event, 0) for slot in range(slots))

    def _build_accesses(
        self, m: Module, control: data.View, wanted: Signal, number: Signal, here: Signal
    ) -> None:
        """Build the accesses of the Wishbone side, each answered once it is executed."""
        window = self._window
        word = self.wb_dat_w
        writes = self.wb_we
        written = CONTROL_LAYOUT(self.wb_dat_w)
        asked = Signal()  # an access is requested
        settled = Signal()  # it was also requested in the previous clock, with the same signals
        granted = Signal()  # the engine was idle when it came
        lane = Signal(2)  # byte of DATA
        moved = Signal()  # a byte of DATA was written
        done = Signal()
        refused = Signal()
        late = Signal()
        waited = Signal(range(PATIENCE))
        faults = Signal(len(Fault))
        away = wanted | control.streams
        selected = self.wb_sel.bit_select(lane, 1)
        data_refused = away | Mux(writes, selected & ~window.writable, ~window.readable)
        data_done = Mux(writes, moved & (lane == 3), window.read.valid)
        registers = self._register_accesses(control, number, away, data_refused, data_done)
        with m.If(settled & asked):
            m.d.comb += refused.eq(1)
            with m.Switch(self.wb_adr):
                for register, access in registers.items():
                    with m.Case(register):
                        m.d.comb += [
                            refused.eq(access.refused),
                            here[register].eq(~refused),
                            done.eq(~refused & access.done),
                        ]
                        m.d.sync += self.wb_dat_r.eq(access.value)
        moves = done | refused | late | moved
        configures = here[Register.CONTROL] & writes
        unfinished = here[Register.ADDRESS] | (here[Register.CONTROL] & written.streams)
        m.d.comb += [
            asked.eq(self.wb_cyc & self.wb_stb & ~self.wb_ack & ~self.wb_err),
            late.eq((waited == PATIENCE - 1) & settled & asked & ~(done | refused | moved)),
        ]
        m.d.comb += [
            window.line.eq(word[:ROW_BITS]),
            window.space.eq(word[ROW_BITS:]),
            window.begins.eq(here[Register.ADDRESS] & writes),
            window.write.payload.eq(word.word_select(lane, 8)),
            window.write.valid.eq(here[Register.DATA] & writes & granted & selected),
            window.read.ready.eq(here[Register.DATA] & ~writes & (granted | window.reads)),
        ]
        byte_moved = ~selected | (window.write.valid & window.write.ready)
        m.d.comb += [
            moved.eq(here[Register.DATA] & writes & byte_moved),
            control.faults.eq(faults),
            self.fault.eq(faults.any()),
        ]
        # The master left its access.
        left = ~asked & (settled | (lane != 0)) & ~self.wb_err
        m.d.sync += [
            settled.eq(asked & ~(settled & moves)),
            granted.eq(asked & (granted | control.idle)),
            waited.eq(Mux(settled & ~moves, waited + 1, 0)),
            lane.eq(Mux(asked, lane + moved, 0)),
            self.wb_ack.eq(done),
            self.wb_err.eq(refused | late),
            wanted.eq(Mux(configures, written.streams, wanted)),
        ]
        # In the order of `Fault`.
        found = Cat(self._gate.wrong, refused, late | left, unfinished & writes & window.writes)
        cleared = Mux(configures, written.faults, 0)
        m.d.sync += faults.eq((faults & ~cleared) | found)
        with m.If(here[Register.NUMBER] & writes):
            m.d.sync += number.eq(word)

    def _register_accesses(
        self,
        control: data.View,
        number: Signal,
        away: Value,
        data_refused: Value,
        data_done: Value,
    ) -> dict[Register, _Access]:
        """Return the access of each register."""
        window = self._window
        words = self._gate.words
        logit = self._logits.o
        writes = self.wb_we
        address = Cat(window.at, window.of)
        event_refused = control.streams | ~writes
        result_refused = control.streams | writes
        return {
            Register.NAME: _Access(NAME),
            Register.CONTROL: _Access(control),
            Register.ADDRESS: _Access(address, writes & (away | window.reads)),
            Register.DATA: _Access(window.read.payload, data_refused, data_done),
            Register.EVENT: _Access(0, event_refused, words.valid & words.ready),
            Register.RESULT: _Access(logit.payload.logit, result_refused, logit.valid),
            Register.NUMBER: _Access(number),
        }
