"""The sparse decoder gives the rows that the protocol says, in rising order, and judges once.

The decoder's two halves, on either side of its queue, are proved apart. A stream that does anything
which a queue may do stands for the queue. The claims about pairs that go in are assumptions about
pairs that come out.
"""

from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link import sparse as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from tests.formal.proof import Mutant, Proof, about, moves, when
from tests.formal.stand_ins import offer


class AnyQueue(wiring.Component):
    """Stand-in for a queue: it takes items at any time, and offers any item until that is taken."""

    i: Any
    o: Any

    def __init__(self, shape: Any, depth: int) -> None:
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        offer(m, self.o)
        m.d.comb += self.i.ready.eq(AnySeq(1))
        return m


class Before(data.StructLayout):
    """State of the protocol's reader in an image, in front of a byte."""

    def __init__(self) -> None:
        super().__init__({"left": 3, "row": 16, "faulty": 1})


class Byte(data.StructLayout):
    """A byte of an image, and where its reader is in front of it."""

    def __init__(self) -> None:
        super().__init__({"before": Before(), "data": 8, "last": 1})


class Reading:
    """Meaning of a byte by the protocol.

    Attributes
    ----------
    header : Value
        The byte is the header of a run; else it has values.
    two : Value
        The byte has two values.
    values : list of Value
        Them.
    unfit : Value
        The byte cannot be right, for any rows.
    malformed : Value
        The image is, as far as it has been read.
    after : View
        State of the reader behind the byte; behind the last byte at the next image's beginning.
    """

    def __init__(self, m: Module, byte: Any, crossbar: CrossbarParameters) -> None:
        before = byte.before
        packed = crossbar.value_bits <= 4
        self.header = before.left == 0
        self.two = (before.left >= 2) if packed else Const(0)
        self.values = [byte.data[:4], byte.data[4:]] if packed else [byte.data]
        count = self.two + 1
        unfit = [value >= 2**crossbar.value_bits for value in self.values]
        if packed:
            unfit.append(~self.two & (self.values[1] != 0))
        unfit.append(byte.last & (before.left > count))
        run = byte.data[:3]
        self.unfit = Mux(self.header, byte.last & (run != 0), Cat(unfit).any())
        beyond = ~self.header & (before.row + count > crossbar.rows)
        self.malformed = before.faulty | self.unfit | beyond
        self.after = Signal(Before())
        with m.If(~byte.last):
            # Beyond the last row it does not matter where.
            step = Mux(before.row > crossbar.rows, 0, Mux(self.header, byte.data[3:], count))
            m.d.comb += [
                self.after.left.eq(Mux(self.header, run, before.left - count)),
                self.after.row.eq(before.row + step),
                self.after.faulty.eq(self.malformed),
            ]


def parser(hdl: Any, crossbar: CrossbarParameters) -> Module:
    """Bytes to pairs."""
    hdl.Queue = AnyQueue
    m, inside = about(dut := hdl.SparseDecoder(crossbar))
    pair: Any = data.View(hdl.pair_layout(crossbar), inside["judge.pairs__payload"])
    said = data.View(hdl.read_layout(crossbar), inside["reader.read__payload"])
    gives, fits = inside["judge.pairs__valid"], inside["queue.i__ready"]

    # Two bytes are under way, and the reader is in front of the next.
    now, came, read = (Signal(Byte(), name=name) for name in ("now", "came", "read"))
    has_come, is_read = Signal(), Signal()
    state = Signal(Before())
    goes, advances = is_read & fits, has_come & (~is_read | fits)
    of_now, of_came, of_read = (Reading(m, byte, crossbar) for byte in (now, came, read))
    with m.If(dut.body.ready):
        m.d.sync += [came.eq(now), has_come.eq(dut.body.valid)]
    with m.If(moves(dut.body)):
        m.d.sync += state.eq(of_now.after)
    with m.If(advances):
        m.d.sync += read.eq(came)
    with m.If(advances | goes):
        m.d.sync += is_read.eq(advances)

    drives = ~of_read.header & ~of_read.malformed
    free = first_free(m, pair, gives & fits, crossbar)
    # The reader as the decoder's registers have it.
    ahead = Mux(has_come, came.before, state)
    at_read = data.View(Before(), ahead)
    at_judge = data.View(Before(), Mux(is_read, read.before, ahead))
    within = at_judge.row <= crossbar.rows
    row = (read.before.row + Mux(of_read.header, read.data[3:], of_read.two + 1))[:16]
    m.d.comb += [
        now.before.eq(state),
        now.data.eq(dut.body.payload.data),
        now.last.eq(dut.body.payload.last),
        Assert(dut.body.ready == (~has_come | advances)),
        # Each image is judged once, and rightly.
        Assert(dut.judged == (goes & read.last)),
        when(dut.judged, dut.malformed == of_read.malformed),
        # The queue gets the rows until a fault is met, and the image's end.
        Assert(gives == (is_read & (drives | read.last))),
        when(gives, pair.last == read.last, pair.void == ~drives),
        when(
            gives & drives,
            pair.row == read.before.row,
            pair.low == of_read.values[0],
            pair.two == of_read.two,
            *(pair.high == high for high in of_read.values[1:]),
        ),
        # Assumptions of the other half.
        when(gives, expected(pair, free, crossbar)),
        # Invariants that close the induction.
        Assert(inside["reader.valid"] == has_come),
        Assert(~said.pair.void),
        Assert(inside["reader.read__valid"] == is_read),
        Assert(state.row <= crossbar.rows + 31),
        Assert(inside["reader.left"] == at_read.left),
        Assert((at_read.row > crossbar.rows) | (inside["reader.position"] == at_read.row)),
        Assert(inside["judge.beyond"] == ~within),
        Assert(inside["judge.faulty"] == at_judge.faulty),
        Assert((free <= at_judge.row) | at_judge.faulty),
        when(
            has_come,
            inside["reader.byte"] == came.data,
            inside["reader.last"] == came.last,
            of_came.after == state,
        ),
        when(
            is_read,
            of_read.after == at_read,
            pair.last == read.last,
            said.header == of_read.header,
            said.unfit == of_read.unfit,
            ~within | (said.reached == row),
            ~within | (pair.row == at_judge.row[: len(pair.row)]),
            of_read.header | (pair.two == of_read.two),
            pair.low == read.data[: len(pair.low)],
            pair.high == read.data[4 : 4 + len(pair.high)],
        ),
        Cover(dut.judged & ~dut.malformed & of_read.header & (read.data == 0)),
    ]
    if crossbar.rows <= FEW_ROWS:
        m.d.comb += [
            Cover(dut.judged & dut.malformed & (read.before.row == crossbar.rows)),
            Cover(dut.judged & ~dut.malformed & (read.before.row == crossbar.rows - 1) & drives),
        ]
    return m


def first_free(m: Module, pair: Any, taken: Value, crossbar: CrossbarParameters) -> Signal:
    """The first row that may follow, by the pairs that were taken."""
    free = Signal(range(crossbar.rows + 1))
    with m.If(taken):
        m.d.sync += free.eq(Mux(pair.last, 0, Mux(pair.void, free, pair.row + pair.two + 1)))
    return free


def expected(pair: Any, free: Value, crossbar: CrossbarParameters) -> Value:
    """Return whether a pair may come where rows from `free` on have not been driven."""
    return Mux(
        pair.void, pair.last, (pair.row >= free) & (pair.row + pair.two < crossbar.rows)
    ).bool()


def driver(hdl: Any, crossbar: CrossbarParameters) -> Module:
    """Pairs to events."""
    hdl.Queue = AnyQueue
    m, inside = about(dut := hdl.SparseDecoder(crossbar))
    pair = data.View(hdl.pair_layout(crossbar), inside["queue.o__payload"])
    valid, ready = inside["queue.o__valid"], inside["o__ready"]
    free = first_free(m, pair, valid & ready, crossbar)

    # A pair is one event, or two; the first row of the image that may still be driven rises.
    second, least = Signal(), Signal.like(free)
    event, leaves = dut.events.payload, moves(dut.events)
    last = second | ~pair.two | pair.void
    row = Mux(pair.void, 0, pair.row + second)
    value = Mux(pair.void, 0, Mux(second, pair.high, pair.low))
    with m.If(leaves):
        m.d.sync += [
            second.eq(~last),
            least.eq(Mux(event.last, 0, Mux(pair.void, least, row + 1))),
        ]
    m.d.comb += [
        Assume(~valid | expected(pair, free, crossbar)),
        Assert(dut.events.valid == valid),
        Assert(ready == (dut.events.ready & last)),
        when(
            dut.events.valid,
            event.last == (pair.last & last),
            pair.void | ((row >= least) & (row < crossbar.rows)),
        ),
        Assert(inside["second"] == second),
        Assert(least == free + second * (pair.row + 1 - free)),
        Assert(~second | (valid & pair.two & ~pair.void)),
        Cover(second & event.last & (row == crossbar.rows - 1) & dut.events.ready),
    ]
    for part, slot in enumerate(event.slots):
        its = row % crossbar.rows_per_clock == part
        m.d.comb += when(
            dut.events.valid,
            slot.row < crossbar.part_rows,
            slot.value == Mux(its, value, 0),
            ~its | (slot.row == row // crossbar.rows_per_clock),
        )
    return m


MNIST = CrossbarParameters(784, 10, 10)
TIGHT = CrossbarParameters(32, 10, 10, value_bits=3, rows_per_clock=4)
WIDE = CrossbarParameters(33, 10, 10, value_bits=7, rows_per_clock=2)
FEW_ROWS = 33
"""So many that a solver comes to the last within some clocks."""
PARSER_MUTANTS = (
    Mutant("past.eq(beyond | (read.reached > self._rows))", "past.eq(read.reached > self._rows)"),
    Mutant("(read.reached > self._rows)", "(read.reached >= self._rows)"),
    Mutant("(last & (left != count))", "(last & (left == count))"),
    Mutant("faulty.eq(self.malformed & ~last)", "faulty.eq(self.malformed)"),
    Mutant("self.pairs.valid.eq(self.i.valid & last)", "self.pairs.valid.eq(self.i.valid)"),
    Mutant("self.i.valid & self.i.ready & last", "self.i.valid & last"),
)
DRIVER_MUTANTS = (
    Mutant("final.eq(second | (pair.two == 0) | pair.void)", "final.eq(second | pair.void)"),
    Mutant("m.d.sync += second.eq(~final)", "m.d.sync += second.eq(1)"),
    Mutant("row.eq(Mux(pair.void, 0, pair.row + second))", "row.eq(pair.row + second)"),
)

PROOFS = [
    Proof(
        f"Sparse decoder, bytes, {crossbar.rows} rows of {crossbar.value_bits} bits",
        source,
        lambda hdl, crossbar=crossbar: parser(hdl, crossbar),
        depth=1,
        mutants=mutants,
    )
    for crossbar, mutants in (
        (MNIST, PARSER_MUTANTS[2:3]),
        (TIGHT, PARSER_MUTANTS),
        (WIDE, PARSER_MUTANTS[:1]),
    )
] + [
    Proof(
        f"Sparse decoder, rows, {crossbar.rows_per_clock} a clock",
        source,
        lambda hdl, crossbar=crossbar: driver(hdl, crossbar),
        depth=1,
        mutants=mutants,
    )
    for crossbar, mutants in ((MNIST, DRIVER_MUTANTS[:1]), (TIGHT, DRIVER_MUTANTS))
]
