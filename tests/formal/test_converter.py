"""V-I converters give each column's sum, once and in order, its own gain and offset.

A ColumnConverter's current is the formula of `ColumnConverter`, in plain arithmetic. For a
ViConverter the current is anything, made of a sum and a word that are kept. The proof follows the
word of one column, any; no sum is under way while bytes come.
"""

from itertools import pairwise
from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value

from allspin.hdl.neuron import column_converter, converter as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, SHIFT
from allspin.sim.network.layer import GAIN_BITS
from tests.formal.proof import (
    Mutant,
    Proof,
    about,
    anything,
    later,
    moves,
    number_below,
    stand_in,
    when,
)

COLUMNS = 3


def parameters(memory: str, at_once: int = 2) -> EngineParameters:
    own = {"rah_bits": 2, "memory": memory}
    return EngineParameters(
        (
            CrossbarParameters(2, COLUMNS, COLUMNS, value_bits=1, neurons_per_clock=at_once, **own),
            CrossbarParameters(COLUMNS, 2, 2, value_bits=2, rows_per_clock=at_once, **own),
        ),
        current_bits=4,
    )


def column(hdl: Any, p: EngineParameters) -> Module:
    m, inside = about(dut := hdl.ColumnConverter(p, 0))
    # Sums and words that went in, by the number of moves since then.
    sums: list[Any] = [dut.sum]
    words: list[Any] = [dut.read]
    moved = Signal(range(dut.stages + 1))
    for stage in range(dut.stages):
        sums.append(Signal.like(dut.sum, name=f"model_sum_{stage}"))
        words.append(Signal(dut.read.shape(), name=f"model_word_{stage}"))
    with m.If(dut.go):
        m.d.sync += moved.eq(Mux(moved == dut.stages, moved, moved + 1))
        for items in (sums, words):
            m.d.sync += [old.eq(new) for new, old in pairwise(items)]

    # Content of each register: products of parts of the gain, and their sums.
    claims: list[tuple[int, str, Value]] = []
    parts = [(3, f"term_{low}_0", low, low + 2) for low in range(0, GAIN_BITS, 2)]
    parts += [
        (4, "partial_2_0_0", 0, 4),
        (4, "partial_2_1_0", 4, 8),
        (4, "partial_2_rest_0", 8, 10),
    ]
    parts += [(5, "partial_4_0_0", 0, 8), (5, "partial_4_rest_0", 8, 10)]
    parts.append((6, "partial_8_0_0", 0, GAIN_BITS))
    if p.target.multipliers:
        parts = [(3, "product_0", 0, GAIN_BITS)]
    for at, name, low, high in parts:
        claims.append((at, name, sums[at] * words[at].gain[low:high]))
    at, top = dut.stages - 6, 2**p.current_bits - 1
    bound = 2 ** (p.current_bits + 3)

    def clamped(value: Any, low: int, high: int) -> Value:
        return Mux(value < low, low, Mux(value > high, high, value))

    for name, bits in (("coarse", 0b11000), ("medium", 0b11110), ("fine", 0b11111)):
        at += 1
        claims.append((at, f"{name}_0", (sums[at] * words[at].gain) >> (dut.shift & bits)))
    scaled = [(one * two.gain) >> dut.shift for one, two in zip(sums, words, strict=True)]
    bounded = clamped(scaled[at + 1], -bound, bound - 1)
    claims += [
        (at + 1, "bounded_0", bounded),
        (at + 2, "difference_0", clamped(scaled[at + 2], -bound, bound - 1) - words[at + 2].offset),
        *((3 + k, f"offset_{k}", words[3 + k].offset) for k in range(dut.stages - 4)),
    ]
    wanted = clamped(scaled[-1] - words[-1].offset, 0, top)
    m.d.comb += [
        dut.shift.eq(AnyConst(5)),
        when(moved == dut.stages, dut.current == wanted),
        when(moved >= 2, Value.cast(dut.word) == Value.cast(words[2])),
        # Invariants that close the induction.
        Assert(moved <= dut.stages),
        [
            when(moved >= n, inside[f"{name}_{n - 1}"] == each)
            for n in (1, 2)
            for name, each in (("sum", sums[n]), ("word", Value.cast(words[n])))
        ],
        [when(moved >= clock, inside[name] == value) for clock, name, value in claims],
        Cover(
            (moved == dut.stages) & (dut.current == 5) & (words[-1].offset < 0) & (dut.shift == 3)
        ),
    ]
    return m


class SomeColumn(column_converter.ColumnConverter):
    """Stand-in for a ColumnConverter: a current that is anything, and the sum and word behind it.

    Attributes
    ----------
    sums, words : list of Signal
        Sums that have come, by the number of moves since then.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        super().__init__(parameters, layer)
        self.stages = 3
        self.sums = [Signal.like(self.sum, name=f"sum_{n}") for n in range(self.stages)]
        self.words = [Signal(self.read.shape(), name=f"word_{n}") for n in range(self.stages)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [anything(self.current), self.word.eq(self.words[1])]
        with m.If(self.go):
            for own, new in ((self.sums, self.sum), (self.words, self.read)):
                m.d.sync += [one.eq(two) for one, two in zip(own, [new, *own], strict=False)]
        return m


def converters(hdl: Any, p: EngineParameters) -> Module:
    columns = stand_in(hdl, "ColumnConverter", SomeColumn)
    m, inside = about(dut := hdl.ViConverter(p, 0))
    late, at_once, given = int(p.target.wide), len(columns), dut.currents
    stages, lines = columns[0].stages, -(-COLUMNS // at_once)

    # The column that is followed, and its word as soon as that is in its memory.
    load, mine = dut.load.payload, number_below(m, COLUMNS)
    mine_line, mine_lane = Signal(range(lines)), mine & (at_once - 1)
    m.d.comb += mine_line.eq(mine >> (at_once - 1))
    place, bytes_, at = Signal(2), Signal(24), Signal(range(COLUMNS + 1))
    here, at_here = Mux(load.first, 0, place), Mux(load.first, load.address, at)[: len(at)]
    own = dut.load.valid & (load.memory == CONVERTER)
    whole = own & (here == 3)
    with m.If(own):
        m.d.sync += [
            place.eq(here + 1),
            at.eq(at_here + whole),
            bytes_.eq(Cat(bytes_[8:], load.data)),
        ]
    stored: Any = Signal(columns[0].read.shape())
    known = Signal()
    new = later(m, Cat(bytes_, load.data), late)
    with m.If(later(m, whole & (at_here == mine), late)):
        m.d.sync += [stored.gain.eq(new[:16]), stored.offset.eq(new[16:].as_signed()), known.eq(1)]
    shift, beat = Signal(5, reset_less=True), Signal(range(lines))
    with m.If(dut.load.valid & (load.memory == SHIFT)):
        m.d.sync += shift.eq(load.data)

    # Beats under way.
    valid, items, beats = [dut.sums.valid], [dut.sums.payload], [beat]
    go = ~given.valid | given.ready
    for stage in range(stages):
        valid.append(Signal(name=f"valid_{stage}"))
        items.append(Signal(dut.sums.payload.shape(), name=f"item_{stage}"))
        beats.append(Signal.like(beat, name=f"beat_{stage}"))
        with m.If(go):
            m.d.sync += [to[-1].eq(to[-2]) for to in (valid, items, beats)]
    with m.If(moves(dut.sums)):
        m.d.sync += beat.eq(Mux(dut.sums.payload.last, 0, beat + 1))
    going, writing = Cat(*valid, dut.probe).any(), dut.load.valid | later(m, dut.load.valid)
    asks = dut.probe & (dut.column == mine) & known
    asked = asks & later(m, asks) & later(m, asks, 2)
    line, line_written = sorted(inside.named("line"), key=len)
    m.d.comb += [
        Assume(~writing | ~going),
        Assume(dut.sums.payload.last == (beat == lines - 1)),
        Assume(~dut.probe | ((dut.column < COLUMNS) & ~Cat(valid).any())),
        Assert(dut.load.ready),
        Assert(dut.sums.ready == go),
        Assert(given.valid == valid[-1]),
        when(given.valid, given.payload.last == items[-1].last),
        Assert(dut.shift == shift),
        when(asked, dut.word[:16] == stored.gain, dut.word[16:].as_signed() == stored.offset),
        # Invariants that close the induction: the next byte and beat, and the memories.
        Assert(inside["valid"] == Cat(valid[1:])),
        Assert(inside["last"] == Cat(item.last for item in items[1:])),
        Assert(line == beat),
        Assert(beat < lines),
        Assert(line_written == at),
        Assert(inside["byte"] == place),
        Cover(valid[-1] & known & (beats[-1] == mine_line) & (stored.gain == 5)),
        Cover(asked & (mine == COLUMNS - 1) & (stored.offset == -3)),
    ]
    for number in range(1, 4):
        meant = bytes_[24 - 8 * number :]
        m.d.comb += when(place == number, inside["low"][: 8 * number] == meant)
    for lane, each in enumerate(columns):
        m.d.comb += [
            Assert(each.shift == shift),
            Assert(each.go == go),
            when(given.valid, given.payload.currents[lane] == each.current),
            when(
                known & (mine_lane == lane),
                inside.word(f"words_{lane}", mine_line) == Value.cast(stored),
            ),
        ]
        for stage in range(1, stages + 1):
            is_mine = known & (mine_lane == lane) & (beats[stage] == mine_line)
            m.d.comb += when(
                valid[stage],
                each.sums[stage - 1] == items[stage].sums[lane],
                ~is_mine | (Value.cast(each.words[stage - 1]) == Value.cast(stored)),
            )
    return m


def _columns(memory: str, *mutants: tuple[str, str]) -> Proof:
    p = parameters(memory)
    return Proof(
        f"ColumnConverter, {memory}",
        column_converter,
        lambda hdl: column(hdl, p),
        depth=1,
        mutants=tuple(Mutant(old, new, 15) for old, new in mutants),
        command="prove",
    )


def _converters(memory: str, *mutants: Mutant) -> Proof:
    p = parameters(memory)
    return Proof(
        f"ViConverter, {memory}",
        source,
        lambda hdl: converters(hdl, p),
        depth=4,
        mutants=mutants,
    )


PROOFS = [
    _converters(
        "block",
        Mutant("line.eq(Mux(ends, 0, line + 1))", "line.eq(line)"),
        Mutant("here.eq(Mux(load.first, 0, byte))", "here.eq(byte)"),
        Mutant("write.data.gain.eq(low[:16])", "write.data.gain.eq(low[8:])"),
        Mutant("m.d.sync += line.eq(here_line + 1)", "m.d.sync += line.eq(here_line)"),
        Mutant("Mux(self.probe, self.column[at_once_bits:], here)", "here"),
    ),
    _converters("ecp5", Mutant("(here_line[:at_once_bits] == number)", "(number == 0)")),
    _columns(
        "block",
        ("steps = self.stages - 4", "steps = self.stages - 3"),
        ("self.shift & 0b00110", "self.shift & 0b00010"),
    ),
    _columns("ecp5", ("Mux(difference > top, top,", "Mux(difference > top, 0,")),
]
