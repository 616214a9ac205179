"""Requests for lines of the engine's memories: checked, written and read."""

from collections.abc import Sequence

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import ErrorCode, Request
from allspin.hdl.link.requests import REQUEST_LAYOUT
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import COUNTERS, MemoryMap, memory_map
from allspin.hdl.parameters.target import Target
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTES, FETCHES, LOADS


def space_layout(memories: Sequence[MemoryMap]) -> data.StructLayout:
    """Layout of a space's properties, all zero for a missing space.

    Members
    -------
    exists, readable : 1 bit each
        The space exists, and may be read.
    lines, line_bytes : unsigned
        Its size.
    """
    return data.StructLayout(
        {
            "exists": 1,
            "readable": 1,
            "lines": range(max(memory.lines for memory in memories) + 1),
            "line_bytes": range(max(memory.line_bytes for memory in memories) + 1),
        }
    )


class SpaceTable(Component):
    """Look up a space in the memory map.

    Parameters
    ----------
    memories : sequence of MemoryMap
        All memories of the engine.
    """

    def __init__(self, memories: Sequence[MemoryMap]) -> None:
        self._memories = memories
        super().__init__(
            {
                # Number of the space.
                "number": In(8),
                # Its properties, a clock later.
                "space": Out(space_layout(memories)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the table."""
        m.d.sync += self.space.eq(0)
        with m.Switch(self.number):
            for memory in self._memories:
                with m.Case(memory.space):
                    m.d.sync += [
                        self.space.exists.eq(1),
                        self.space.readable.eq(memory.readable),
                        self.space.lines.eq(memory.lines),
                        self.space.line_bytes.eq(memory.line_bytes),
                    ]


def _registered(m: Module, target: Target, value: Value, name: str) -> Value:
    """Value that follows from a request; in a register on a part with slow logic."""
    if not target.slow_clock:
        return value
    register = Signal(name=name)
    m.d.sync += register.eq(value)
    return register


class MemoryExecutor(Component):
    """Check requests for lines against the memory map, and execute writes.

    Throughput: one byte per cycle.

    Parameters
    ----------
    engine : EngineParameters
        Parameters of the engine.
    """

    def __init__(self, engine: EngineParameters) -> None:
        self._memories = memory_map(engine)
        self._target = engine.target
        super().__init__(
            {
                # A READ or a WRITE, whose `space` has been stable for at least a clock.
                "request": In(REQUEST_LAYOUT),
                # Execute it, until `executed`.
                "executes": In(1),
                # Memories may be written.
                "quiet": In(1),
                # Data to write.
                "rest": In(BYTES),
                # The request has no more bytes.
                "ended": In(1),
                # To the engine's memories.
                "load": Out(LOADS),
                # A line has been written.
                "line_done": Out(1),
                # It is done, with its error; 0 for success.
                "executed": Out(1),
                "error": Out(ErrorCode),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the executor."""
        request = self.request
        byte = self.rest.payload
        load = self.load.payload
        m.submodules.table = table = SpaceTable(self._memories)
        space = table.space
        # The kind and the space are stable a clock before they are used.
        reads = _registered(m, self._target, request.kind == Request.READ, "reads")
        clears = _registered(m, self._target, request.space[:4] == COUNTERS, "clears")
        beyond = Signal()  # the requested lines do not exist, or may not be read
        place = _Place(space)
        m.d.comb += [
            table.number.eq(request.space),
            load.layer.eq(request.space[4:]),
            load.memory.eq(request.space[:4]),
            load.first.eq(place.first),
            load.address.eq(request.address),
            load.data.eq(byte.data),
        ]

        def end(error: ErrorCode | int = 0) -> None:
            m.d.comb += [self.executed.eq(1), self.error.eq(error)]
            m.next = "ADDRESS"

        with m.FSM(name="execute"):
            with m.State("ADDRESS"):
                m.d.sync += [
                    place.lines_left.eq(space.lines - request.address),
                    place.no_lines.eq(0),
                ]
                hidden = reads & ~space.readable
                m.d.sync += beyond.eq(~space.exists | (request.address >= space.lines) | hidden)
                with m.If(self.executes):
                    m.next = "COUNT"
            with m.State("COUNT"):
                place.begin_line(m)
                m.d.sync += place.last_line.eq(place.lines_left == 1)
                with m.If(reads & (request.count > place.lines_left)):
                    m.d.sync += beyond.eq(1)
                m.next = "CHECK"
            with m.State("CHECK"):
                with m.If(beyond):
                    end(ErrorCode.SPACE)
                with m.Elif(reads):
                    end()
                with m.Elif(self.quiet):
                    with m.If(clears):
                        m.d.comb += self.load.valid.eq(1)
                        with m.If(self.load.ready):
                            end()
                    with m.Elif(self.ended):
                        end()
                    with m.Else():
                        m.next = "WRITE"
            with m.State("WRITE"):
                with m.If(place.no_lines), m.If(self.rest.valid):
                    end(ErrorCode.SPACE)
                with m.Else():
                    m.d.comb += [
                        self.load.valid.eq(self.rest.valid),
                        self.rest.ready.eq(self.load.ready),
                    ]
                    with m.If(self.rest.valid & self.load.ready):
                        m.d.sync += [
                            place.bytes_left.eq(place.bytes_left - 1),
                            place.line_ends.eq(place.bytes_left == 1),
                            place.first.eq(0),
                        ]
                        with m.If(place.line_ends):
                            m.d.comb += self.line_done.eq(1)
                            place.begin_line(m)
                            m.d.sync += [
                                place.no_lines.eq(place.last_line),
                                place.last_line.eq(place.lines_left == 2),
                                place.lines_left.eq(place.lines_left - 1),
                            ]
                        with m.If(byte.last & place.line_ends):
                            end()
                        with m.Elif(byte.last):
                            end(ErrorCode.LENGTH)


class _Place:
    """Place of a write: registers that count the lines of its space and the bytes of its line.

    Parameters
    ----------
    space : View
        Properties of the space (`space_layout`).
    """

    def __init__(self, space: data.View) -> None:
        self._line_bytes = space.line_bytes
        self.lines_left = Signal.like(space.lines)  # from the address to the space's end
        self.bytes_left = Signal.like(space.line_bytes)  # to the line's end
        self.first = Signal()  # the next byte is a line's first
        # Computed a clock before they are used.
        self.no_lines = Signal()
        self.line_ends = Signal()
        self.last_line = Signal()

    def begin_line(self, m: Module) -> None:
        """Begin a line: its first byte is next."""
        m.d.sync += [
            self.bytes_left.eq(self._line_bytes - 1),
            self.line_ends.eq(self._line_bytes == 1),
            self.first.eq(1),
        ]


class LineReader(Component):
    """Read the lines of a request one after another.

    Parameters
    ----------
    target : Target
        The part: on one with slow logic, values that follow from a request are in registers.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        super().__init__(
            {
                # A READ of at least one line; all of its lines exist.
                "request": In(REQUEST_LAYOUT),
                # Read them, until the last byte has been taken.
                "reads": In(1),
                # The engine's memories.
                "fetch": Out(FETCHES),
                "fetched": In(BYTES),
                # The lines' bytes, as one packet.
                "lines": Out(BYTES),
                # A line has been read, and another follows.
                "line_done": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the reader."""
        request = self.request
        fetch = self.fetch.payload
        byte = self.fetched.payload
        # The count is stable a clock before a line is fetched, two before the line's bytes.
        final = _registered(m, self._target, request.count == 1, "final")
        m.d.comb += [
            fetch.layer.eq(request.space[4:]),
            fetch.memory.eq(request.space[:4]),
            fetch.address.eq(request.address),
            self.lines.payload.data.eq(byte.data),
            self.lines.payload.last.eq(byte.last & final),
        ]
        with m.FSM(name="read"):
            with m.State("FETCH"):
                m.d.comb += self.fetch.valid.eq(self.reads)
                with m.If(self.reads & self.fetch.ready):
                    m.next = "LINE"
            with m.State("LINE"):
                m.d.comb += [
                    self.lines.valid.eq(self.fetched.valid),
                    self.fetched.ready.eq(self.lines.ready),
                ]
                with m.If(self.lines.valid & self.lines.ready & byte.last):
                    m.next = "LINE_READ"
                    with m.If(final):
                        m.next = "FETCH"
            with m.State("LINE_READ"):
                # A separate state, so that the next line follows from a register.
                m.d.comb += self.line_done.eq(1)
                m.next = "FETCH"
