"""Blocks that make chips: registers and write tables keep the written bytes, and `Variation` joins
its parts.

Of the write tables the proof follows one line, any; no look-up happens while bytes come. Stand-ins
for the parts of `Variation` do anything: each gets the bytes, the chip and the images' numbers, and
its outputs go to the right place.
"""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value

from allspin.hdl.chip import chip_registers, variation, write_table as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CHIP, ENGINE, WRITE_TABLE
from allspin.hdl.parameters.profile import VariationParameters
from tests.formal.proof import Mutant, Proof, about, later, number_below, stand_in, when
from tests.formal.stand_ins import of_anything

LINE = 64
"""Bits of a line: level, C2C and D2D, of 16, 24 and 24."""


def parameters(memory: str = "block", rounds: int = 22) -> EngineParameters:
    own = {"value_bits": 2, "rah_bits": 4, "memory": memory}
    layers = [CrossbarParameters(rows, rows, rows, **own) for rows in (2, 2, 2)]
    variation = VariationParameters(states=4, rounds_per_clock=rounds)
    return EngineParameters(tuple(layers), current_bits=4, variation=variation)


def registers(hdl: Any) -> Module:
    m, _ = about(dut := hdl.ChipRegisters())
    load, count = dut.load.payload, len(Value.cast(dut.chip)) // 8
    bytes_ago = [Signal(8, name=f"byte_{ago}") for ago in range(count)]
    with m.If(dut.load.valid & (load.layer == ENGINE) & (load.memory == CHIP)):
        m.d.sync += [
            old.eq(new) for old, new in zip(bytes_ago, [load.data, *bytes_ago], strict=False)
        ]
    chip = Value.cast(dut.chip)
    m.d.comb += [
        Assert(dut.load.ready),
        [Assert(chip.word_select(n, 8) == byte) for n, byte in enumerate(reversed(bytes_ago))],
        # Field by field, as ``docs/protocol.md`` has the bytes.
        Assert(dut.chip.seed == chip[:32]),
        Assert(dut.chip.write == chip[32:48]),
        Assert(dut.chip.top == chip[56:63]),
        Assert(dut.chip.threshold == chip[64:96]),
        Cover(dut.chip.threshold == 0x12345678),
    ]
    return m


def tables(hdl: Any, p: EngineParameters) -> Module:
    m, inside = about(dut := hdl.WriteTables(p))
    load, lines, layers = dut.load.payload, 2 ** len(Value.cast(dut.cell)), len(p.crossbars)
    own = dut.load.valid & (load.memory == WRITE_TABLE) & (load.layer != ENGINE)

    # The last bytes, and which line they are of.
    recent, place = Signal(LINE), Signal(3)
    line, layer = Signal(range(lines)), Signal(range(layers))
    complete = later(m, own & ~load.first & (place == 7))
    with m.If(complete):
        m.d.sync += line.eq(line + 1)
    with m.If(own):
        m.d.sync += [recent.eq(Cat(recent[8:], load.data)), place.eq(Mux(load.first, 1, place + 1))]
    with m.If(own & load.first):
        m.d.sync += [line.eq(load.address), layer.eq(load.layer)]

    # The one that is followed.
    mine_line, mine_layer = number_below(m, lines), number_below(m, layers)
    stored: Any = Signal(dut.entry.shape())
    known, variation = Signal(), p.variation
    assert variation is not None
    with m.If(complete & (line == mine_line) & (layer == mine_layer)):
        m.d.sync += [
            stored.level.eq(recent[:16]),
            stored.c2c.eq(recent[16:40]),
            stored.d2d.eq(recent[40:]),
            known.eq(1),
        ]
    clocks = 1 if p.target.slow_clock and variation.iterative else 2
    asks = known & (Value.cast(dut.cell) == mine_line) & (dut.layer == mine_layer)
    writing = Cat(later(m, own, clock) for clock in range(3)).any()
    found = inside["found"]
    m.d.comb += [
        Assert(dut.load.ready),
        Assume(~own | (load.layer < layers)),
        when(
            Cat(
                later(m, asks & ~writing, clocks), *(later(m, ~writing, n) for n in range(clocks))
            ).all(),
            Value.cast(dut.entry) == Value.cast(stored),
        ),
        # Invariants that close the induction.
        Assert(inside["shifted"] == recent),
        Assert(inside["byte"] == place),
        Assert(inside["line"] == line),
        Assert(inside["layer"] == layer),
        Assert(inside["whole"] == complete),
        when(known, inside.word("lines", Cat(mine_line, mine_layer)) == Value.cast(stored)),
        when(
            later(m, asks & ~writing) & ~later(m, writing), Value.cast(found) == Value.cast(stored)
        ),
        Cover(later(m, asks & ~writing, clocks) & (stored.level == -3) & (dut.entry.c2c == 9)),
    ]
    return m


def joined(hdl: Any) -> Module:
    p = parameters()
    kinds = {name: getattr(variation, name) for name in ("Programmer", "UseNoiseBlock")}
    [makers, noises] = (stand_in(hdl, name, of_anything(kind)) for name, kind in kinds.items())
    chips = stand_in(hdl, "ChipRegisters", of_anything(variation.ChipRegisters))
    m, _ = about(dut := hdl.Variation(p))
    [maker], [chip] = makers, chips
    numbers: Any = dut.numbers
    m.d.comb += [
        Assert(dut.load.ready),
        Assert(Value.cast(maker.chip) == Value.cast(chip.chip)),
        [
            Assert(Value.cast(getattr(dut, name)) == Value.cast(getattr(maker, name)))
            for name in ("layer", "valid", "word", "busy")
        ],
        same_stream(dut.states, maker.states),
        Cover(dut.states.ready & dut.valid),
    ]
    for block in (chip, maker, *noises):
        m.d.comb += [
            Assert(block.load.valid == dut.load.valid),
            Assert(Value.cast(block.load.payload) == Value.cast(dut.load.payload)),
        ]
    for number, noise in enumerate(noises):
        m.d.comb += [
            Assert(noise.seed == chip.chip.seed),
            same_stream(numbers, noise.numbers),
            same_stream(noise.noise, dut.noises[number]),
        ]
        numbers = noise.passed if number < len(noises) - 1 else None
    assert len(noises) == len(dut.noises) == len(p.crossbars) - 1
    return m


def same_stream(one: Any, two: Any) -> list[Any]:
    """Both ends of a connection have the same item, and the same handshake."""
    return [
        Assert(one.valid == two.valid),
        Assert(one.ready == two.ready),
        Assert(Value.cast(one.payload) == Value.cast(two.payload)),
    ]


PROOFS = [
    Proof(
        "ChipRegisters",
        chip_registers,
        registers,
        depth=1,
        mutants=(
            Mutant("(load.layer == ENGINE) & (load.memory == CHIP)", "(load.layer == ENGINE)"),
            Mutant("chip.eq(Cat(chip[8:], load.data))", "chip.eq(Cat(load.data, chip[:-8]))"),
        ),
    ),
    *(
        Proof(
            f"WriteTables, {memory}",
            source,
            lambda hdl, memory=memory, rounds=rounds: tables(hdl, parameters(memory, rounds)),
            depth=4,
            cover_depth=16,
            mutants=tuple(Mutant(old, new, 16) for old, new in mutants),
        )
        for memory, rounds, mutants in (
            (
                "ecp5",
                22,
                (
                    ("line.eq(line + 1)", "line.eq(line)"),
                    ("layer.eq(load.layer)]", "layer.eq(0)]"),
                    ("[byte.eq(1), line", "[byte.eq(0), line"),
                ),
            ),
            (
                "spram",
                1,
                (("write.data.d2d.eq(shifted[40:])", "write.data.d2d.eq(shifted[16:40])"),),
            ),
        )
    ),
    Proof(
        "Variation",
        variation,
        joined,
        depth=1,
        mutants=(
            Mutant("numbers = noise.passed", "pass"),
            Mutant("noise.seed.eq(chip.chip.seed)", "noise.seed.eq(0)"),
            Mutant("loaded.append(noise)", "pass"),
        ),
    ),
]
