"""The buses of a core do to the engine exactly the actions that `docs/export.md` names.

A gate passes events that drive rows that exist, and closes each image. A window writes and reads
lines that exist, byte after byte, when it is told to. The bus starts it only while the engine is
idle, and answers each access once, in time.
"""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import data

from allspin.hdl.bus import bus, event_gate, memory_window
from allspin.hdl.bus.bus import Register
from allspin.hdl.bus.event_gate import ROW_BITS, VALUE_BITS
from allspin.hdl.link import memory_requests
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
from allspin.hdl.parameters.profile import VariationParameters
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.stream import registers
from allspin.hdl.stream.layouts import event_layout
from tests.formal.proof import (
    Mutant,
    Proof,
    about,
    later,
    moves,
    queue_of_two,
    when,
)
from tests.formal.stand_ins import offer

PATIENCE = 6


def engine(rows: int, **first: Any) -> EngineParameters:
    layers = (
        CrossbarParameters(rows, 3, 3, value_bits=2, rah_bits=4, **first),
        CrossbarParameters(3, 2, 2, value_bits=2, rah_bits=4),
    )
    return EngineParameters(layers, current_bits=4, variation=VariationParameters(states=4))


def gate(hdl: Any, p: EngineParameters) -> Module:
    m, inside = about(dut := hdl.EventGate(p))
    offer(m, dut.words)
    image, ordered = p.image, p.crossbars[0].tiling is not None
    came, given = moves(dut.words), dut.words.payload
    due: Any = Signal(event_layout(image))
    begun, reached, wrong = Signal(), Signal(ROW_BITS + 1), Signal(image.rows_per_clock)
    m.d.comb += due.last.eq(given.last)
    for number, slot in enumerate(due.slots):
        row, value = given.slots[number][:ROW_BITS], given.slots[number][ROW_BITS:][:VALUE_BITS]
        fits = row * image.rows_per_clock + number < image.rows
        fits &= value < 1 << image.value_bits
        with m.If(fits & (value != 0) & (row >= reached)):
            m.d.comb += [slot.row.eq(row), slot.value.eq(value)]
            m.d.sync += reached.eq(Mux(came & ordered, row + 1, reached))
        with m.Elif(value != 0):
            m.d.comb += wrong[number].eq(1)
    with m.If(came):
        m.d.sync += begun.eq(~given.last)
        with m.If(given.last):
            m.d.sync += reached.eq(0)
    oldest, newest, count = queue_of_two(m, came, due.as_value(), moves(dut.events))
    m.d.comb += [
        Assert(dut.events.valid == (count != 0)),
        Assert(count <= 2),
        when(dut.events.valid, dut.events.payload.as_value() == oldest),
        Assert(dut.words.ready == (count != 2)),
        Assert(dut.wrong == (came & wrong.any())),
        Assert(dut.within == begun),
        # Invariants that close the induction.
        Assert(inside["lowest"] == reached),
        Assert(inside["out.holds"] == (count == 2)),
        when(count == 2, inside["out.held"] == newest),
        Cover(dut.events.valid & dut.events.payload.last & later(m, dut.wrong, 2)),
    ]
    return m


def window(hdl: Any, p: EngineParameters) -> Module:
    m, inside = about(dut := hdl.MemoryWindow(p))
    # The window may start after two clocks of a stable address: its registers need both.
    age = Signal(range(3))
    offer(m, dut.write, (age == 2) & dut.writable)
    memories = memory_map(p)
    own: Any = Signal(memory_requests.space_layout(memories))
    space, line, place, reading = Signal(8), Signal(16), Signal(8), Signal()
    with m.Switch(space):
        for each in memories:
            with m.Case(each.space):
                found = own.exists, own.readable, own.lines, own.line_bytes
                sizes = 1, each.readable, each.lines, each.line_bytes
                m.d.comb += [one.eq(size) for one, size in zip(found, sizes, strict=True)]
    moved, ends = moves(dut.write), place == own.line_bytes - 1
    read = moves(dut.read) & dut.read.payload.last
    m.d.sync += [
        age.eq(Mux(moved | moves(dut.fetch) | read, 1, Mux(age == 2, 2, age + 1))),
        place.eq(Mux(moved, Mux(ends, 0, place + 1), place)),
        line.eq(line + (moved & ends) + read),
        reading.eq((reading | moves(dut.fetch)) & ~read),
    ]
    with m.If(dut.begins & ~reading):
        m.d.sync += [age.eq(0), space.eq(dut.space), line.eq(dut.line), place.eq(0)]
    there = own.exists & (line < own.lines)
    table = data.View(own.shape(), inside["table.space"])
    m.d.comb += [
        Assume(dut.begins + dut.write.valid + dut.read.ready < 2),
        Assume(~dut.read.ready | reading | ((age == 2) & dut.readable)),
        Assert(dut.load.valid == dut.write.valid),
        Assert(dut.write.ready == dut.load.ready),
        when(dut.load.valid, dut.load.payload.data == dut.write.payload),
        when(dut.load.valid, dut.load.payload.first == (place == 0)),
        when(dut.fetch.valid, own.readable & ~reading & (place == 0)),
        Assert(dut.read.valid == (dut.fetched.valid & reading)),
        Assert(dut.reads == reading),
        Assert(dut.writes == (place != 0)),
        when(age == 2, dut.writable == (there & ~reading)),
        when(age == 2, dut.readable == (there & own.readable & (place == 0))),
        Assert((dut.at == line) & (dut.of == space)),
        # Invariants that close the induction.
        when(age != 0, table.as_value() == own.as_value()),
        when(place != 0, there, place < own.line_bytes, inside["left"] == own.line_bytes - place),
        when(reading, there, own.readable, place == 0),
        when(dut.write.valid, there, ~reading, age == 2),
        Cover(moved & (line == 1) & (place == 1) & (space == 0x10)),
        Cover(read & (line == 1) & (space == 4)),
    ]
    for asked in (dut.load, dut.fetch):
        to = asked.payload
        at = there & (Cat(to.memory, to.layer) == space) & (to.address == line)
        m.d.comb += when(asked.valid, at)
    return m


def access(hdl: Any, p: EngineParameters) -> Module:
    hdl.PATIENCE = PATIENCE
    m, inside = about(dut := hdl.Bus(p))
    gate, window, logits = dut._gate, dut._window, dut._logits
    offer(m, dut.results)
    words, wrote, read = gate.words, window.write, window.read
    here = dut.wb_cyc & dut.wb_stb
    asked, answered = here & ~dut.wb_ack & ~dut.wb_err, dut.wb_ack | dut.wb_err
    access = Cat(dut.wb_adr, dut.wb_we, dut.wb_sel, dut.wb_dat_w)
    # Images that are in the engine, and those that are not out of here.
    taken = moves(words) & words.payload.last
    engine, out = Signal(8), Signal(8)
    answers = moves(dut.results) & dut.results.payload.last
    m.d.sync += [
        engine.eq(engine + taken - answers),
        out.eq(out + taken - (moves(logits.o) & logits.o.payload.last)),
    ]
    held = logits.o.valid & logits.o.payload.last
    held += inside["logits.holds"] & data.View(logits.o.payload.shape(), inside["logits.held"]).last
    begins, quiet = moves(words) & ~gate.within, (out == 0) & ~gate.within & ~dut.numbers.valid
    # Since the window was asked for something.
    age, waits = Signal(range(3), init=2), Signal(range(2 * PATIENCE))
    asks = wrote.valid | (read.ready & ~window.reads)
    moved = moves(wrote) | moves(window.fetch) | (moves(read) & read.payload.last)
    m.d.sync += [
        age.eq(Mux(window.begins, 0, Mux(moved, 1, Mux(age == 2, 2, age + 1)))),
        waits.eq(Mux(asked & ~inside["moved"], waits + 1, 0)),
    ]
    streams, number = inside["streams"], Signal(len(dut.numbers.payload))
    last, owed = later(m, access), dut.numbers.valid & ~dut.numbers.ready
    m.d.comb += [
        # A master keeps its request until the answer, or withdraws it.
        Assume(~(later(m, asked) & asked) | (access == last)),
        Assume(~(answers & (engine == 0)) & (engine < 9)),
        # Each access is answered once, in time.
        Assert(~(dut.wb_ack & dut.wb_err)),
        when(answered, later(m, asked), ~later(m, answered)),
        Assert(waits < PATIENCE + 2),
        # The window starts when it may, while the engine is idle; no events come then.
        when(asks, quiet, ~streams, ~begins, dut.wb_adr == Register.DATA),
        when(asks, age == 2, Mux(dut.wb_we, window.writable, window.readable)),
        Assert(~window.begins | ~(asks | window.reads | streams)),
        # Images are of one side from their first event to their last logit.
        when(begins, dut.idle | (out != 0), ~dut.numbers.valid),
        when(streams != later(m, streams), quiet, ~later(m, begins)),
        Assert(dut.s_axis_tready == (streams & words.ready & inside["may"])),
        Assert(~dut.m_axis_tvalid | streams),
        # A number for each image, in order, until it is taken.
        when(later(m, begins), dut.numbers.valid, dut.numbers.payload == later(m, number)),
        when(~later(m, begins), dut.numbers.valid == later(m, owed)),
        when(later(m, owed), dut.numbers.payload == later(m, dut.numbers.payload)),
        # An error stays until it is cleared.
        when(later(m, dut.fault & (dut.wb_adr != Register.CONTROL)), dut.fault),
        when(later(m, gate.wrong) | dut.wb_err, dut.fault),
        # Invariants that close the induction.
        number.eq(inside["number"]),
        Assert(inside["under_way"] == out),
        Assert(out == engine + held),
        when(inside["granted"] & asked, streams | quiet | (dut.wb_adr == Register.EVENT)),
        Assert(~inside["settled"] | later(m, asked)),
        Assert(~inside["granted"] | later(m, asked)),
        when(inside["settled"], waits == inside["waited"] + 1, inside["waited"] < PATIENCE),
        when(~inside["settled"] & ~answered, waits == 0),
        Cover(dut.wb_ack & ~dut.wb_we & (dut.wb_adr == Register.RESULT)),
        Cover(dut.m_axis_tvalid & dut.m_axis_tlast & dut.m_axis_tready),
        Cover(dut.wb_ack & dut.wb_we & (dut.wb_adr == Register.DATA) & (dut.wb_sel == 3)),
    ]
    return m


FOUR, TILES = engine(6, rows_per_clock=4), engine(9, tiling=Tiling(8, 4, 1))
PROOFS = [
    Proof(
        f"EventGate, {name}",
        event_gate,
        lambda hdl, p=p: gate(hdl, p),
        depth=2,
        parts=(registers,),
        mutants=mutants,
    )
    for name, p, mutants in (
        (
            "4 rows per clock",
            FOUR,
            (
                Mutant("-(-(image.rows - number) //", "-(-image.rows //"),
                Mutant("(value >> image.value_bits).any() |", ""),
                Mutant("out.i.payload.last.eq(given.last)", "out.i.payload.last.eq(wrong.any())"),
            ),
        ),
        ("tiles", TILES, (Mutant("lowest.eq(row + 1)", "lowest.eq(row)"),)),
    )
]
PROOFS += [
    Proof(
        "MemoryWindow",
        memory_window,
        lambda hdl: window(hdl, FOUR),
        depth=3,
        parts=(memory_requests,),
        mutants=(
            Mutant("self.at < space.lines", "self.at <= space.lines"),
            Mutant("last.eq(remaining == 1)", "last.eq(left == 1)"),
            Mutant("with m.If(self.begins & ~self.reads)", "with m.If(self.begins)"),
            Mutant("space.readable & ~self.writes", "space.readable"),
        ),
    ),
    Proof(
        "Bus",
        bus,
        lambda hdl: access(hdl, FOUR),
        depth=4,
        parts=(registers, memory_requests, event_gate, memory_window),
        mutants=(
            Mutant("granted & selected)", "selected)"),
            Mutant("settled & moves", "moves & 0"),
            Mutant("& ~owes & (streams == wanted)", "& ~owes"),
            Mutant("~gate.within & ~owes)", "~gate.within)"),
            Mutant("(owes & ~self.numbers.ready)", "0"),
            Mutant("own.eq(Mux(begins, number, own))", "own.eq(number)"),
            Mutant("streams.eq(Mux(control.idle, wanted, streams))", "streams.eq(wanted)"),
            Mutant("writes & (away | window.reads)", "writes & away"),
        ),
    ),
]
