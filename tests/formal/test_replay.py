"""A Replay sends each image once for each group of columns, in order, without a clock between."""

from types import ModuleType

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Const, Cover, Module, Mux, Signal, Value

from allspin.hdl.crossbar import pass_source as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream import buffers as ring
from tests.formal.proof import Mutant, Proof, about, later, moves, when

CROSSBAR = CrossbarParameters(rows=3, columns=3, lanes=1, value_bits=1)
DEPTH = 4
"""Depth of its ring."""


def distance(low: Value, high: Value) -> Value:
    return (high - low)[: len(low)]


def within(index: Value, low: Value, high: Value) -> Value:
    return distance(low, index) < distance(low, high)


def properties(hdl: ModuleType) -> Module:
    m, inside = about(dut := hdl.Replay(CROSSBAR))
    events, passes = dut.events, dut.passes
    beat, came, left = passes.payload.beat, moves(events), moves(passes)
    item = beat.as_value()

    # Events are counted modulo four times the ring's depth, since an image that is sent for the
    # last time makes room for as many again. The proof follows one event, any.
    end = Signal(range(4 * DEPTH))  # the event that comes next
    first = Signal.like(end)  # of the image that comes
    length = Signal.like(end)  # its state
    marked = AnyConst(end.shape())
    kept = Signal(len(item))
    with m.If(came):
        m.d.sync += end.eq(end + 1)
        with m.If(events.payload.last):
            m.d.sync += first.eq(end + 1)
        with m.If(end == marked):
            m.d.sync += kept.eq(events.payload)

    # Due event: event `cursor` of the image that begins at `start`, for `group`.
    start, cursor = Signal.like(end), Signal.like(end)
    finish = Signal.like(end)  # where the image ends, once it has been sent
    group = Signal(range(CROSSBAR.passes))
    again, final = group != 0, group == CROSSBAR.passes - 1
    with m.If(left):
        m.d.sync += cursor.eq(cursor + 1)
        with m.If(beat.last):
            m.d.sync += group.eq(Mux(final, 0, group + 1))
            with m.If(final):
                m.d.sync += start.eq(cursor + 1)
            with m.Else():
                m.d.sync += [cursor.eq(start), finish.eq(cursor)]

    kept_from = Signal.like(end)
    kept_before, stuck = later(m, kept_from), Signal(2)
    m.d.sync += stuck.eq(Mux(events.ready | passes.valid, 0, stuck + 1))
    bits = (2 * DEPTH - 1).bit_length()
    before = Signal.like(end)  # end of the last image that has come
    m.d.comb += [
        length.eq(end - first),
        # No more than a beat for each row, and one to close.
        Assume((length < CROSSBAR.rows) | events.payload.last),
        Assert(passes.valid == (again | (cursor != later(m, end)))),
        when(passes.valid, passes.payload.group == group),
        when(passes.valid & (cursor == marked), item == kept),
        # An event is taken if a place was free a clock before; the block never stands still.
        kept_from.eq(Mux(final, cursor + passes.valid, start)),
        Assert(distance(kept_before, end) <= DEPTH),
        Assert(events.ready == (distance(kept_before, end) != DEPTH)),
        Assert(stuck < 2),
        # Invariants that close the induction: where everything is.
        before.eq(first - 1),
        Assert(inside["ring.end"] == end[:bits]),
        Assert(inside["cursor"] == (cursor + passes.valid)[:bits]),
        Assert(inside["group"] == group),
        Assert(inside["start"] == kept_from[:bits]),
        when(
            again,
            distance(start, finish) < DEPTH,
            within(finish, start, first),
            distance(start, cursor) <= distance(start, finish),
            first != start,
        ),
        Assert(distance(start, cursor) + passes.valid <= distance(start, end)),
        Assert(length <= CROSSBAR.rows),
        # The images that have come lie from `start` to `first`.
        Assert(length <= distance(start, end)),
        Assert(~within(before, start, cursor)),
        when(
            within(marked, kept_from, end), inside.word("ring.memory", marked[: bits - 1]) == kept
        ),
        when(passes.valid & ~final, item == inside.word("ring.memory", cursor[: bits - 1])),
        when(passes.valid & within(cursor, first, end), ~beat.last),
        when(passes.valid & ((cursor == before) | (again & (cursor == finish))), beat.last),
        Cover(
            (distance(kept_from, end) == DEPTH) & (start == first - DEPTH) & final & passes.valid
        ),
        Cover((start == 2) & ~again & (distance(start, end) == 3) & left),
    ]
    # The image that comes has no last event yet; the one before has.
    for index in range(4 * DEPTH):
        last = inside.word("ring.memory", Const(index % DEPTH, bits - 1))[-1]
        m.d.comb += [
            when(within(Const(index, len(end)), first, end), ~last),
            when((before == index) & within(before, kept_from, end), last),
            when((finish == index) & again & within(finish, kept_from, end), last),
        ]
    return m


PROOFS = [
    Proof(
        "Replay",
        source,
        properties,
        depth=2,
        parts=(ring,),
        mutants=(
            Mutant("out.group != p.passes - 1", "out.group != p.passes - 2"),
            Mutant("again.eq(ends", "again.eq(self.passes.valid"),
            Mutant("(following ^ self.start) != self._depth", "(following ^ self.start) != 0"),
            Mutant("m.d.comb += next_group.eq(Mux(again", "m.d.comb += next_group.eq(Mux(ends"),
            Mutant("again | (cursor != ring.end)", "again | (cursor != ring.end + 1)"),
        ),
    ),
]
