"""Decoder of sparse images: runs of row values in, driven rows out."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import MAX_RUN, MAX_SKIP, PACKED_BITS, RUN_BITS
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTES, event_layout

QUEUE_DEPTH = 32


def pair_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Layout of the rows that one byte drives.

    Members
    -------
    row : unsigned
        The first row.
    low, high : unsigned
        Value of `row`, and of the row after it.
    two : 1 bit
        The row after it is driven too.
    last : 1 bit
        Last pair of the image.
    void : 1 bit
        No row is driven, whatever the other members are.
    """
    packed = parameters.value_bits <= PACKED_BITS
    return data.StructLayout(
        {
            "row": range(parameters.rows),
            "low": parameters.value_bits,
            "high": parameters.value_bits if packed else 0,
            "two": 1 if packed else 0,
            "last": 1,
            "void": 1,
        }
    )


def read_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Layout of a byte's meaning, before it is checked.

    Members
    -------
    pair : `pair_layout`
        The rows that it drives, if it has values.
    reached : unsigned
        The row after them.
    header : 1 bit
        It is the header of a run, without values.
    unfit : 1 bit
        It is wrong, whatever its rows are.
    """
    reached = range(parameters.rows + MAX_SKIP + 1)
    pair = pair_layout(parameters)
    return data.StructLayout({"pair": pair, "reached": reached, "header": 1, "unfit": 1})


class RunReader(Component):
    """Read runs: a byte per clock, and its meaning two clocks later.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar whose rows are driven.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # Images.
                "body": In(BYTES),
                # The meaning of each byte.
                "read": Out(stream.Signature(read_layout(parameters))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the reader."""
        bits = self._parameters.value_bits
        packed = bits <= PACKED_BITS
        # A register, since bytes come from far away; their meaning is in another.
        byte = Signal(8)
        last = Signal()
        valid = Signal()
        take = Signal()
        free = ~self.read.valid | self.read.ready
        m.d.comb += [take.eq(valid & free), self.body.ready.eq(~valid | free)]
        with m.If(self.body.ready):
            m.d.sync += [
                byte.eq(self.body.payload.data),
                last.eq(self.body.payload.last),
                valid.eq(self.body.valid),
            ]
        with m.If(free):
            m.d.sync += self.read.valid.eq(valid)

        left = Signal(range(MAX_RUN + 1))  # missing values of the run
        position = Signal(range(self._parameters.rows + 1))  # the next row
        header = Signal()
        count = Signal(range(MAX_RUN + 1))  # values in this byte
        read = self.read.payload
        target = Signal.like(read.reached)  # the position after this byte
        large = Signal()
        m.d.comb += [
            header.eq(left == 0),
            count.eq(Mux(left > 1, 2, 1) if packed else 1),
            target.eq(position + Mux(header, byte[RUN_BITS:], count)),
            large.eq(byte[bits:PACKED_BITS].any() if packed else byte[bits:].any()),
        ]
        if packed:
            # An odd run's spare nibble is zero, so both nibbles are checked alike.
            high = byte[PACKED_BITS:]
            with m.If(high[bits:].any() | ((count == 1) & high.any())):
                m.d.comb += large.eq(1)
        with m.If(take):
            m.d.sync += [
                read.pair.row.eq(position),
                read.pair.low.eq(byte),
                read.pair.last.eq(last),
                read.reached.eq(target),
                read.header.eq(header),
                read.unfit.eq(
                    Mux(header, last & (byte[:RUN_BITS] != 0), large | (last & (left != count)))
                ),
                left.eq(Mux(header, byte[:RUN_BITS], left - count)),
                position.eq(target),
            ]
            if packed:
                m.d.sync += [read.pair.high.eq(byte[PACKED_BITS:]), read.pair.two.eq(count == 2)]
            with m.If(last):
                m.d.sync += [left.eq(0), position.eq(0)]


class RunJudge(Component):
    """Pass on legal rows, and judge each image at its end.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar whose rows are driven.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._rows = parameters.rows
        super().__init__(
            {
                # The meaning of each byte.
                "i": In(stream.Signature(read_layout(parameters))),
                # The rows up to a fault; at an image's end a void pair, if its last byte drives no
                # row.
                "pairs": Out(stream.Signature(pair_layout(parameters))),
                # Ports of the decoder.
                "judged": Out(1),
                "malformed": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the judge."""
        read, last = self.i.payload, self.i.payload.pair.last
        beyond = Signal()  # the position is past the end
        faulty = Signal()  # this image is malformed
        past = Signal()
        m.d.comb += [
            past.eq(beyond | (read.reached > self._rows)),
            self.i.ready.eq(self.pairs.ready),
            self.pairs.payload.eq(read.pair),
            self.pairs.valid.eq(self.i.valid),
            self.judged.eq(self.i.valid & self.i.ready & last),
            self.malformed.eq(faulty | read.unfit | (past & ~read.header)),
        ]
        with m.If(read.header | self.malformed):
            # No row to drive; at the end, an event closes the image.
            m.d.comb += [
                self.pairs.payload.void.eq(1),
                self.pairs.valid.eq(self.i.valid & last),
            ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [beyond.eq(past & ~last), faulty.eq(self.malformed & ~last)]


class SparseDecoder(Component):
    """Decode images to events of one row per clock, however many rows the crossbar takes.

    Bytes are read one per clock, while their rows wait in a queue. So headers of runs and the gaps
    between images cost no time as long as rows wait, and an image takes about as many clocks as the
    larger of its bytes and its rows.

    A blank image is one byte, 0: a header that skips and drives no rows. If an image's last byte
    has no value, an event of value 0 closes the image. A malformed image is cut short: rows before
    the fault may be driven, then it is closed.

    Throughput: one byte and one event per cycle.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar whose rows are driven.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # Images, each of at least one byte.
                "body": In(BYTES),
                # For one clock, at least one after it was taken: an image's last byte has been
                # read.
                "judged": Out(1),
                # With `judged`: the image has a row beyond the last, has too large a value, or ends
                # within a run.
                "malformed": Out(1),
                # The driven rows; exactly one event an image is its last.
                "events": Out(stream.Signature(event_layout(parameters))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the decoder."""
        m.submodules.queue = queue = Queue(pair_layout(self._parameters), QUEUE_DEPTH)
        m.submodules.reader = reader = RunReader(self._parameters)
        m.submodules.judge = judge = RunJudge(self._parameters)
        wiring.connect(m, wiring.flipped(self.body), reader.body)
        wiring.connect(m, reader.read, judge.i)
        wiring.connect(m, judge.pairs, queue.i)
        m.d.comb += [self.judged.eq(judge.judged), self.malformed.eq(judge.malformed)]

        pair = queue.o.payload
        second = Signal()
        row = Signal.like(pair.row)
        final = Signal()  # last event of the pair; without packed values, `two` has no bits
        m.d.comb += [
            final.eq(second | (pair.two == 0) | pair.void),
            row.eq(Mux(pair.void, 0, pair.row + second)),
            self.events.valid.eq(queue.o.valid),
            self.events.payload.last.eq(pair.last & final),
            queue.o.ready.eq(self.events.ready & final),
        ]
        part_bits = (self._parameters.rows_per_clock - 1).bit_length()
        for part, slot in enumerate(self.events.payload.slots):
            # A silent slot's row is 0, since the same row of another part may not exist.
            with m.If(row[:part_bits] == part):
                m.d.comb += [
                    slot.row.eq(row[part_bits:]),
                    slot.value.eq(Mux(pair.void, 0, Mux(second, pair.high, pair.low))),
                ]
        with m.If(self.events.valid & self.events.ready):
            m.d.sync += second.eq(~final)
