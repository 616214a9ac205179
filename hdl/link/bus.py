"""The engine behind buses of other designs: AXI-Stream for images, Wishbone for all else.

It stands in place of `allspin.hdl.link.link.Link`; ``docs/export.md`` describes both sides.
"""

from enum import IntEnum

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.memory_requests import SpaceTable
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
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

WORD_BITS = 32
ROW_BITS = 16
VALUE_BITS = 8
"""Of an event in a word: the row, then its value; in the highest bit whether it is the last."""
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
"""What CONTROL shows.

Members
-------
streams : 1 bit
    Images come from and logits go to the AXI streams. Written: they shall.
idle : 1 bit
    No image is under way, nothing is loaded, read or made.
waits, last, winner
    A logit waits for RESULT; it is its image's last, and then that is the class.
faults : 4 bits
    `Fault`s since a 1 was written to each.
"""


class Fault(IntEnum):
    """What went wrong: bits of CONTROL's `faults`."""

    EVENT = 0  # drove a row that is not there, with too large a value, or too late: it drove none
    REFUSED = 1  # an access that cannot be, ended with an error
    LATE = 2  # an access ended with an error after `PATIENCE` clocks, or was left by its master
    UNFINISHED = 3  # an address was written when a line was written in part


PATIENCE = 1 << 16
"""Clocks after which an access is given up."""

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
    # A `Register`: words, not bytes.
    "wb_adr": In(3),
    "wb_sel": In(4),
    "wb_dat_w": In(WORD_BITS),
    "wb_dat_r": Out(WORD_BITS),
    "wb_ack": Out(1),
    "wb_err": Out(1),
}
"""Ports to the design around it."""


class EventGate(Component):
    """Turn words into beats; what would drive a row that is not there drives none, and shows.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Raises
    ------
    ValueError
        If several rows a clock must come in an order, which is not checked here.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._image = image = parameters.image
        # Tiles take rows as they rise; a window has its own order.
        self._ordered = parameters.crossbars[0].tiling is not None and not parameters.window(0)
        if self._ordered and image.rows_per_clock > 1:
            raise ValueError("columns are read tile by tile, with more than one row per clock")
        words = data.StructLayout(
            {"slots": data.ArrayLayout(WORD_BITS, image.rows_per_clock), "last": 1}
        )
        super().__init__(
            {
                # For each slot of a beat a row in bits 0 to 15, and its value in 16 to 23.
                "words": In(stream.Signature(words)),
                "events": Out(stream.Signature(event_layout(image))),
                # What is taken in this clock is wrong.
                "wrong": Out(1),
                # An image has begun, and its last beat has not been taken.
                "within": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the gate."""
        image, given = self._image, self.words.payload
        m.submodules.out = out = RegisterSlice(event_layout(image), every_clock=True)
        wiring.connect(m, out.o, wiring.flipped(self.events))
        taken = Signal()
        wrong = Signal(image.rows_per_clock)
        lowest = Signal(ROW_BITS + 1)  # that may come
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


class MemoryWindow(Component):
    """Bytes to and from lines of the engine's memories, one after another from an address.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._memories = memory_map(parameters)
        super().__init__(
            {
                # Begin at this line of this space, unless a line `reads`.
                "begins": In(1),
                "line": In(ROW_BITS),
                "space": In(8),
                # Where it is.
                "at": Out(ROW_BITS),
                "of": Out(8),
                # A line is written, or read, in part.
                "writes": Out(1),
                "reads": Out(1),
                # A byte may be written, or read; registers, a clock after the byte before.
                "writable": Out(1),
                "readable": Out(1),
                # Bytes, where those say so.
                "write": In(stream.Signature(8)),
                "read": Out(BYTES),
                # The engine's.
                "load": Out(LOADS),
                "fetch": Out(FETCHES),
                "fetched": In(BYTES),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the window."""
        m.submodules.table = table = SpaceTable(self._memories)
        space, load, fetch = table.space, self.load.payload, self.fetch.payload
        there, last = Signal(), Signal()
        left = Signal.like(space.line_bytes)  # bytes of a line that is written
        remaining = Mux(self.writes, left, space.line_bytes)
        m.d.comb += [
            table.number.eq(self.of),
            there.eq(space.exists & (self.at < space.lines)),
            Cat(load.memory, load.layer).eq(self.of),
            load.first.eq(~self.writes),
            load.address.eq(self.at),
            load.data.eq(self.write.payload),
            self.load.valid.eq(self.write.valid),
            self.write.ready.eq(self.load.ready),
            last.eq(remaining == 1),
            Cat(fetch.memory, fetch.layer).eq(self.of),
            fetch.address.eq(self.at),
            self.fetch.valid.eq(self.read.ready & ~self.reads),
            self.read.payload.eq(self.fetched.payload),
            self.read.valid.eq(self.fetched.valid & self.reads),
            self.fetched.ready.eq(self.read.ready & self.reads),
        ]
        m.d.sync += [
            self.writable.eq(there & ~self.reads),
            self.readable.eq(there & space.readable & ~self.writes),
        ]
        with m.If(self.write.valid & self.write.ready):
            m.d.sync += [
                self.writes.eq(~last),
                left.eq(remaining - 1),
                self.at.eq(self.at + last),
            ]
        with m.If(self.fetch.valid & self.fetch.ready):
            m.d.sync += self.reads.eq(1)
        with m.If(self.read.valid & self.read.ready & self.read.payload.last):
            m.d.sync += [self.reads.eq(0), self.at.eq(self.at + 1)]
        with m.If(self.begins & ~self.reads):
            m.d.sync += [self.of.eq(self.space), self.at.eq(self.line), self.writes.eq(0)]


class Bus(Component):
    """AXI-Stream and Wishbone, where `allspin.hdl.link.link.Link` has bytes.

    Throughput: one beat and one logit per cycle; a byte per 2 cycles.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Attributes
    ----------
    events, numbers, results, load, fetch, fetched, idle
        The engine's ports, the other way round.

    Raises
    ------
    ValueError
        If a logit is wider than a word, or as of `EventGate`.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        self._gate = EventGate(parameters)
        self._window = MemoryWindow(parameters)
        results = result_layout(parameters)
        self._logits = RegisterSlice(results, every_clock=True)
        if (bits := parameters.amplified_bits(len(parameters.crossbars) - 1)) > WORD_BITS:
            raise ValueError(f"logits have {bits} bits, and a word of the bus has {WORD_BITS}")
        super().__init__(
            {
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
                **({"numbers": Out(NUMBERS)} if parameters.numbered else {}),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the bus."""
        m.submodules.gate = self._gate
        m.submodules.window = self._window
        m.submodules.logits = self._logits
        wiring.connect(m, self._gate.events, wiring.flipped(self.events))
        wiring.connect(m, wiring.flipped(self.results), self._logits.i)
        for name in ("load", "fetch", "fetched"):
            wiring.connect(m, getattr(self._window, name), wiring.flipped(getattr(self, name)))
        control = Signal(CONTROL_LAYOUT)
        wanted = Signal()  # the AXI streams shall have images and logits
        number = Signal(IMAGE_BITS)  # of the next image
        here = Signal(len(Register))  # which register an access is to that may be carried out
        self._build_images(m, control, wanted, number, here)
        self._build_accesses(m, control, wanted, number, here)

    def _build_images(
        self, m: Module, control: data.View, wanted: Signal, number: Signal, here: Signal
    ) -> None:
        """Events and logits, of the AXI streams or a word at a time."""
        gate, words, word, logit = self._gate, self._gate.words, self.wb_dat_w, self._logits.o
        rows = self._parameters.image.rows_per_clock
        low = (rows - 1).bit_length()  # bits of a row: which slot
        event = Cat(word[low:ROW_BITS], Const(0, low), word[ROW_BITS:-1], Const(0, 1))
        slots = [Mux(word[:low] == slot, event, 0) for slot in range(rows)]
        streams = Signal()  # the AXI streams have images and logits
        under_way = Signal(16)  # images whose last event was taken, and not their last logit
        may = Signal()  # events be taken
        begins, leaves = Signal(), Signal()  # an image
        owes = Signal()  # the number of an image that began has not been taken
        m.d.comb += [
            # Nothing is loaded, made or read when an image begins, as it cannot be while one is
            # under way; and no image begins that the other side would have to end.
            may.eq(gate.within | ((self.idle | (under_way != 0)) & ~owes & (streams == wanted))),
            words.valid.eq(may & Mux(streams, self.s_axis_tvalid, here[Register.EVENT])),
            words.payload.slots.eq(Mux(streams, self.s_axis_tdata, Cat(slots))),
            words.payload.last.eq(Mux(streams, self.s_axis_tlast, word[-1])),
            self.s_axis_tready.eq(may & streams & words.ready),
            begins.eq(words.valid & words.ready & ~gate.within),
            # Not the logit with its sign all over: linters take that for a loop.
            self.m_axis_tdata.eq(
                Mux(self.m_axis_tvalid, logit.payload.logit, Const(0, signed(WORD_BITS)))
            ),
            self.m_axis_tvalid.eq(logit.valid & streams),
            self.m_axis_tlast.eq(logit.payload.last),
            self.m_axis_tuser.eq(logit.payload.winner),
            logit.ready.eq(Mux(streams, self.m_axis_tready, here[Register.RESULT])),
            leaves.eq(logit.valid & logit.ready & logit.payload.last),
            control.streams.eq(streams),
            control.idle.eq(self.idle & (under_way == 0) & ~gate.within & ~owes),
            control.waits.eq(logit.valid & ~streams),
            control.last.eq(logit.payload.last),
            control.winner.eq(logit.payload.winner),
        ]
        m.d.sync += [
            streams.eq(Mux(control.idle, wanted, streams)),
            under_way.eq(under_way + (words.valid & words.ready & words.payload.last) - leaves),
            number.eq(number + begins),
        ]
        if self._parameters.numbered:
            own = Signal(IMAGE_BITS)
            m.d.comb += [self.numbers.valid.eq(owes), self.numbers.payload.eq(own)]
            m.d.sync += [
                owes.eq(begins | (owes & ~self.numbers.ready)),
                own.eq(Mux(begins, number, own)),
            ]

    def _build_accesses(
        self, m: Module, control: data.View, wanted: Signal, number: Signal, here: Signal
    ) -> None:
        """Accesses of the Wishbone side, each answered once it is carried out."""
        window, words, logit = self._window, self._gate.words, self._logits.o
        word, writes, written = self.wb_dat_w, self.wb_we, CONTROL_LAYOUT(self.wb_dat_w)
        asked = Signal()  # an access
        settled = Signal()  # also in the clock before, as it is now
        granted = Signal()  # nothing was under way when it came
        lane = Signal(2)  # of DATA
        moved = Signal()  # a byte that is written to DATA
        done, refused, late = Signal(), Signal(), Signal()
        waited = Signal(range(PATIENCE))
        faults = Signal(len(Fault))
        away = wanted | control.streams
        selected = self.wb_sel.bit_select(lane, 1)
        # What each shows, when an access to it cannot be, and when it has been carried out.
        registers = {
            Register.NAME: (NAME, 0, 1),
            Register.CONTROL: (control, 0, 1),
            Register.ADDRESS: (Cat(window.at, window.of), writes & (away | window.reads), 1),
            Register.DATA: (
                window.read.payload,
                away | Mux(writes, selected & ~window.writable, ~window.readable),
                Mux(writes, moved & (lane == 3), window.read.valid),
            ),
            Register.EVENT: (0, control.streams | ~writes, words.valid & words.ready),
            Register.RESULT: (logit.payload.logit, control.streams | writes, logit.valid),
            Register.NUMBER: (number, 0, 1),
        }
        with m.If(settled & asked):
            m.d.comb += refused.eq(1)
            with m.Switch(self.wb_adr):
                for register, (shown, refuses, carried_out) in registers.items():
                    with m.Case(register):
                        m.d.comb += [
                            refused.eq(refuses),
                            here[register].eq(~refused),
                            done.eq(~refused & carried_out),
                        ]
                        m.d.sync += self.wb_dat_r.eq(shown)
        moves = done | refused | late | moved
        configures = here[Register.CONTROL] & writes
        unfinished = here[Register.ADDRESS] | (here[Register.CONTROL] & written.streams)
        m.d.comb += [
            asked.eq(self.wb_cyc & self.wb_stb & ~self.wb_ack & ~self.wb_err),
            late.eq((waited == PATIENCE - 1) & settled & asked & ~(done | refused | moved)),
            window.line.eq(word[:ROW_BITS]),
            window.space.eq(word[ROW_BITS:]),
            window.begins.eq(here[Register.ADDRESS] & writes),
            window.write.payload.eq(word.word_select(lane, 8)),
            window.write.valid.eq(here[Register.DATA] & writes & granted & selected),
            window.read.ready.eq(here[Register.DATA] & ~writes & (granted | window.reads)),
            moved.eq(
                here[Register.DATA]
                & writes
                & (~selected | (window.write.valid & window.write.ready))
            ),
            control.faults.eq(faults),
            self.fault.eq(faults.any()),
        ]
        # Its master left it.
        left = ~asked & (settled | (lane != 0)) & ~self.wb_err
        m.d.sync += [
            settled.eq(asked & ~(settled & moves)),
            granted.eq(asked & (granted | control.idle)),
            waited.eq(Mux(settled & ~moves, waited + 1, 0)),
            lane.eq(Mux(asked, lane + moved, 0)),
            self.wb_ack.eq(done),
            self.wb_err.eq(refused | late),
            wanted.eq(Mux(configures, written.streams, wanted)),
            faults.eq(
                (faults & ~Mux(configures, written.faults, 0))
                | Cat(self._gate.wrong, refused, late | left, unfinished & writes & window.writes)
            ),
        ]
        with m.If(here[Register.NUMBER] & writes):
            m.d.sync += number.eq(word)
