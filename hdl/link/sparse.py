"""Sparse images: runs of row values in, driven rows out."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import MAX_RUN, MAX_SKIP, PACKED_BITS, RUN_BITS
from allspin.hdl.link.queue import Queue
from allspin.hdl.parameters import CrossbarParameters
from allspin.hdl.stream.layouts import ByteLayout, EventLayout

QUEUE_DEPTH = 32


class PairLayout(data.StructLayout):
    """The rows that one byte drives.

    Members
    -------
    row : unsigned
        The first one.
    low, high : unsigned
        Value of `row`, and of the row after it.
    two : 1 bit
        The row after it is driven too.
    last : 1 bit
        Nothing follows in this image.
    void : 1 bit
        It drives nothing, whatever the others say.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        packed = parameters.value_bits <= PACKED_BITS
        super().__init__(
            {
                "row": range(parameters.rows),
                "low": parameters.value_bits,
                "high": parameters.value_bits if packed else 0,
                "two": 1 if packed else 0,
                "last": 1,
                "void": 1,
            }
        )


class SparseDecoder(wiring.Component):
    """Decode images to events, one row per clock however many the crossbar takes.

    Bytes are read one a clock, while the rows that they gave wait in a queue to be driven;
    so the headers of runs and what comes between images cost no time as long as rows are
    waiting, and an image takes about the larger of its bytes and its rows in clocks.

    A blank image is one byte, 0: a header that skips nothing and drives nothing. Where no
    value is known to be an image's last, an event of value 0 closes it. An image that is
    malformed is cut short: rows before the fault may be driven, then it is closed.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar whose rows are driven.

    Attributes
    ----------
    body : In(stream)
        `ByteLayout`: images, each of at least one byte.
    judged : Out(1)
        For one clock, at least one after it was taken: an image's last byte has been read.
    malformed : Out(1)
        With `judged`: the image has a row beyond the last, a value that is too large, or
        ends inside a run.
    events : Out(stream)
        `EventLayout`: the driven rows; exactly one event an image is its last.
    """

    body: stream.Interface
    judged: Signal
    malformed: Signal
    events: stream.Interface

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "body": In(stream.Signature(ByteLayout())),
                "judged": Out(1),
                "malformed": Out(1),
                "events": Out(stream.Signature(EventLayout(parameters))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the decoder."""
        m = Module()
        m.submodules.queue = queue = Queue(PairLayout(self._parameters), QUEUE_DEPTH)
        self._elaborate_parser(m, queue)

        pair = queue.o.payload
        second = Signal()
        row = Signal.like(pair.row)
        final = Signal()  # of the pair; where values are not packed, `two` has no bits
        m.d.comb += [
            final.eq(second | (pair.two == 0) | pair.void),
            row.eq(Mux(pair.void, 0, pair.row + second)),
            self.events.valid.eq(queue.o.valid),
            self.events.payload.last.eq(pair.last & final),
            queue.o.ready.eq(self.events.ready & final),
        ]
        part_bits = (self._parameters.rows_per_clock - 1).bit_length()
        for part, slot in enumerate(self.events.payload.slots):
            # A silent slot's row is 0: the last row of another part need not exist.
            with m.If(row[:part_bits] == part):
                m.d.comb += [
                    slot.row.eq(row[part_bits:]),
                    slot.value.eq(Mux(pair.void, 0, Mux(second, pair.high, pair.low))),
                ]
        with m.If(self.events.valid & self.events.ready):
            m.d.sync += second.eq(~final)
        return m

    def _elaborate_parser(self, m: Module, queue: Queue) -> None:
        """One byte a clock to at most one pair."""
        rows = self._parameters.rows
        bits = self._parameters.value_bits
        packed = bits <= PACKED_BITS
        # Three registers: the byte, since bytes come a long way; what it says; and its judgement.
        byte = Signal(8)
        last = Signal()
        valid = Signal()
        read_valid = Signal()
        take = Signal()
        judge = Signal()
        m.d.comb += [
            judge.eq(read_valid & queue.i.ready),
            take.eq(valid & (queue.i.ready | ~read_valid)),
            self.body.ready.eq(queue.i.ready | ~read_valid | ~valid),
        ]
        with m.If(self.body.ready):
            m.d.sync += [
                byte.eq(self.body.payload.data),
                last.eq(self.body.payload.last),
                valid.eq(self.body.valid),
            ]

        left = Signal(range(MAX_RUN + 1))  # values of the run still to come
        position = Signal(range(rows + 1))  # the next row
        header = Signal()
        count = Signal(range(MAX_RUN + 1))  # values in this byte
        target = Signal(range(rows + MAX_SKIP + 1))  # the position behind this byte
        m.d.comb += [
            header.eq(left == 0),
            count.eq(Mux(left > 1, 2, 1) if packed else 1),
            target.eq(position + Mux(header, byte[RUN_BITS:], count)),
        ]
        if packed:
            # An odd run's spare nibble is zero, so both nibbles are checked alike.
            large = (
                byte[bits:PACKED_BITS].any()
                | byte[PACKED_BITS + bits :].any()
                | ((count == 1) & byte[PACKED_BITS:].any())
            )
        else:
            large = byte[bits:].any()

        pair = Signal(PairLayout(self._parameters))
        reached = Signal.like(target)
        is_header = Signal()
        unfit = Signal()  # for another reason than its place
        with m.If(take):
            m.d.sync += [
                pair.row.eq(position),
                pair.low.eq(byte),
                pair.last.eq(last),
                reached.eq(target),
                is_header.eq(header),
                unfit.eq(
                    Mux(header, last & (byte[:RUN_BITS] != 0), large | (last & (left != count)))
                ),
                left.eq(Mux(header, byte[:RUN_BITS], left - count)),
                position.eq(target),
            ]
            if packed:
                m.d.sync += [pair.high.eq(byte[PACKED_BITS:]), pair.two.eq(count == 2)]
            with m.If(last):
                m.d.sync += [left.eq(0), position.eq(0)]
        with m.If(take | judge):
            m.d.sync += read_valid.eq(take)

        beyond = Signal()  # the position is past even the end
        faulty = Signal()  # this image is
        past = Signal()
        wrong = Signal()
        m.d.comb += [
            past.eq(beyond | (reached > rows)),
            wrong.eq(unfit | (past & ~is_header)),
            queue.i.payload.eq(pair),
            queue.i.valid.eq(read_valid),
            self.judged.eq(judge & pair.last),
            self.malformed.eq(wrong | faulty),
        ]
        with m.If(is_header | wrong | faulty):
            # Nothing to drive: only, at the end, an event that closes the image.
            m.d.comb += [
                queue.i.payload.void.eq(1),
                queue.i.valid.eq(read_valid & pair.last),
            ]
        with m.If(judge):
            m.d.sync += [beyond.eq(past), faulty.eq(wrong | faulty)]
            with m.If(pair.last):
                m.d.sync += [beyond.eq(0), faulty.eq(0)]
