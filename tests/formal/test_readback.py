"""A Readback answers each request for a line once, in order, with all of the line's bytes.

Layers show a line from some clocks after they are asked on, and a row's words when they have driven
it; a counter is shown once in a loop. Meanwhile, and before, they show anything.
"""

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value

from allspin.hdl.engine import readback as source
from allspin.hdl.parameters.memory_map import CONVERTER, COUNTERS, WEIGHTS
from tests.formal.proof import Mutant, Proof, about, later, moves, queue_of_two, when
from tests.formal.stand_ins import offer

LOOP = 2
SHOWS = 4
"""Clocks until a layer shows the requested line: a table's entry, on a wide part."""


def properties(hdl: Any) -> Module:
    m, inside = about(dut := hdl.Readback(2, LOOP))
    offer(m, dut.fetch)
    state = {
        name: inside.state("fetch", name) for name in ("IDLE", "TURN", "DRIVE", "WAIT", "SEND")
    }
    layers, answer = dut.layers, dut.fetched.payload
    reading, collect = layers[0].reading, layers[0].collect

    # A byte enters the answers' register in the clock before it is first offered.
    enters = dut.fetched.valid & ~later(m, dut.fetched.valid)
    ends = enters & answer.last
    asked, next_asked, requests = queue_of_two(
        m, moves(dut.fetch), Value.cast(dut.fetch.payload), ends
    )
    line: Any = Signal(dut.fetch.payload.shape())
    m.d.comb += Value.cast(line).eq(asked)
    of_words, counted = line.memory == WEIGHTS, line.memory == COUNTERS
    size = Mux(counted, 8, Mux(line.memory == CONVERTER, 4, 1))
    index = Signal(4)  # of the byte that enters next, of this line
    with m.If(enters):
        m.d.sync += index.eq(Mux(answer.last, 0, index + 1))
    sent = index + enters

    # Clocks in which the line has been read.
    age = Signal(4)
    m.d.sync += age.eq(Mux(reading, Mux(age == 15, age, age + 1), 0))
    found = reduce(or_, (layer.found for layer in layers))
    content, known = Signal(64), Signal()
    last_found = later(m, found)
    with m.If(~reading):
        m.d.sync += known.eq(0)
    with m.Elif(state["WAIT"] & counted & dut.shown & (age != 0)):
        m.d.sync += [content.eq(dut.count), known.eq(1)]
    with m.If(state["WAIT"] & ~counted):
        m.d.sync += content.eq(found)

    # The words of a row, each of which waits in one register.
    words = [layer.words for layer in layers]
    came = Cat(moves(one) for one in words).any()
    word = Mux(words[0].valid, Value.cast(words[0].payload), Value.cast(words[1].payload))
    oldest, newest, waiting = queue_of_two(m, came, word, enters & of_words)
    over = Signal()  # the row's last word has come
    m.d.sync += over.eq(Mux(collect, over | (came & word[-1]), 0))
    wait = Mux(counted, 2 * LOOP + 2, 5)
    asks, asks_for = inside["requests.o__valid"], inside["requests.o__payload"]
    holds, held = inside["collected.o__valid"], inside["collected.o__payload"]
    m.d.comb += [
        [Assume(~one.valid | (collect & ~over)) for one in words],
        Assume(~(words[0].valid & words[1].valid)),
        [Assume(~layer.taken | layer.drive) for layer in layers],
        Assume(dut.shown | later(m, dut.shown) | (age == 0)),
        Assume(~(reading & (age > SHOWS)) | (found == last_found)),
        # No line begins while `hold` is set; the line is the oldest request's.
        when(later(m, dut.hold & ~reading), ~reading),
        when(reading, (requests != 0) & (Value.cast(dut.line) == asked)),
        Assert(dut.busy | (requests == 0) | ends),
        [Assert(one.reading == reading) for one in layers],
        [Assert(one.collect == collect) for one in layers],
        [Assert(one.drive == (state["DRIVE"] & of_words)) for one in layers],
        when(collect, of_words & reading),
        # Its bytes.
        when(enters & ~of_words, answer.last == (index == size - 1)),
        when(enters & ~of_words, answer.data == content.word_select(index[:3], 8)),
        when(enters & ~of_words & counted, known),
        when(enters & of_words, (waiting != 0) & (Value.cast(answer) == oldest)),
        # Invariants that close the induction: the content of the registers, in each state.
        Assert(reading == ~state["IDLE"]),
        Assert(~enters | later(m, state["SEND"])),
        Assert(~(reading & ends)),
        Assert(requests == asks + reading + ends),
        when(asks, Value.cast(asks_for) == Mux(reading | ends, next_asked, asked)),
        Assert(waiting == holds + (enters & of_words)),
        when(holds, collect, Value.cast(held) == Mux(enters & of_words, newest, oldest)),
        Assert(over == Mux(waiting == 2, newest[-1], (waiting == 1) & oldest[-1])),
        Assert(~((waiting == 2) & oldest[-1])),
        Assert(inside["found"] == last_found),
        Assert(state["WAIT"] | ~inside["waited"]),
        when(reading & (age != 0), inside["counted"] == counted),
        when(state["IDLE"], (index == 0) | ends, ~collect),
        when(state["TURN"] | state["DRIVE"], of_words, ~collect, sent == 0, waiting == 0),
        when(
            state["WAIT"],
            ~of_words & ~collect & (sent == 0),
            age <= wait + 1,
            inside["bytes_left"] == size,
            inside["wait"] == (wait - age)[: len(inside["wait"])],
            inside["waited"] == (age == wait + 1),
            ~counted | known | (age < 2) | ((age == 2) & ~later(m, dut.shown)),
            ~counted | ~known | (inside["content"] == content),
        ),
        when(state["SEND"], collect == of_words),
        when(
            state["SEND"] & ~of_words,
            sent < size,
            inside["bytes_left"] == (size - sent)[: len(inside["bytes_left"])],
            inside["content"] == content >> (8 * sent)[:6],
            age > wait + 1,
            known | ~counted,
        ),
        Cover(enters & answer.last & counted & (content[56:] == 7)),
        Cover(enters & answer.last & of_words & (index == 2)),
        Cover(enters & answer.last & (line.memory == CONVERTER)),
    ]
    return m


PROOFS = [
    Proof(
        "Readback",
        source,
        properties,
        depth=3,
        cover_depth=30,
        mutants=(
            Mutant("fetch.ready.eq(~self.hold)", "fetch.ready.eq(1)"),
            Mutant("wait.eq(5)", "wait.eq(2)"),
            Mutant("bytes_left.eq(4)", "bytes_left.eq(3)", depth=20),
            Mutant("with m.If(~counted | self.shown):", "with m.If(1):", depth=20),
            Mutant("content.eq(content >> 8)", "content.eq(content)", depth=20),
            Mutant("[reading.eq(0), collect.eq(0)]", "[reading.eq(0)]"),
        ),
    )
]
