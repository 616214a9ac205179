"""A Crossbar's sums are those of the words that were stored, whoever stalls and when.

Where a row takes several passes, they come from a Replay, which is proved by itself: here any
passes come, in the order of their groups.
"""

from collections.abc import Callable
from itertools import product
from types import ModuleType
from typing import Any
from unittest.mock import patch

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Cat, Const, Cover, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data

from allspin.hdl.crossbar import banks, columns, crossbar
from allspin.hdl.crossbar import replay as pass_source
from allspin.hdl.crossbar.columns import FLAGS
from allspin.hdl.crossbar.placers import LineLayout
from allspin.hdl.parameters.crossbar import CrossbarParameters, UniformLevels
from tests.formal.crossbar_model import CrossbarModel, Kept, Passes, stored_states, word_in
from tests.formal.proof import Mutant, Opened, Proof, when


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    m = Module()
    dut = hdl.Crossbar(p, hdl.Banks, hdl.PortableColumns)
    passes = Passes(p) if p.passes > 1 else None
    if passes is not None:
        with patch.object(hdl, "Replay", lambda parameters: passes):
            inside = Opened(dut)
        valid, ready, beat = passes.valid, passes.passes.ready, passes.beat
    else:
        inside = Opened(dut)
        valid, ready, beat = dut.events.valid, dut.events.ready, dut.events.payload
    m.submodules.dut = inside
    cell, sums = dut.cells.payload, dut.sums
    taken, left = Signal(), Signal()
    m.d.comb += [
        valid.eq(AnySeq(1)),
        taken.eq(valid & ready),
        left.eq(sums.valid & sums.ready),
    ]
    lines = Shape.cast(range(p.lines)).width

    def line(part: int, bank: int, at: int) -> Value:
        return inside.word(f"memory.part_{part}_bank_{bank}", Const(at, lines))

    model = CrossbarModel(
        m,
        p,
        cells=dut.cells,
        taken=taken,
        beat=beat,
        leaves=left,
        places=1,
        kept=None
        if p.levels is None
        else Kept(stored_states(p, line), p.levels.lowest, signed(p.sum_bits)),
    )
    m.d.comb += [
        Assert(dut.cells.ready),
        # Only a pass's last beat waits, and only for the sums before it.
        Assert(ready == (~beat.last | (model.waiting == 0))),
    ]
    if passes is not None:
        m.d.comb += passes.group.eq(model.group)
    with m.If(sums.valid):
        model.check(m, sums.payload)

    # The first sum is there in time, and the others without a break.
    clocks = 4 + (p.rows_per_clock > 1)
    age = Signal(range(clocks + 1))
    with m.If(taken & beat.last):
        m.d.sync += age.eq(1)
    with m.Elif(age != clocks):
        m.d.sync += age.eq(age + 1)
    m.d.comb += Assert(sums.valid == ((model.waiting != 0) & (age == clocks)))

    # What makes the induction close: which beat each register has.
    parts, lanes = range(p.rows_per_clock), range(p.lanes)
    stage = model.stage
    closing: Value = Const(0)
    products, accumulators = "columns.products", "columns.accumulators"
    for clock, name in enumerate(["read", "word", "product", *["rows"] * (len(parts) > 1)], 1):
        stage = model.later(m, stage, f"{name}_model")
        flags: Any = data.View(FLAGS, inside[f"columns.{name}"])
        ends = stage.valid & stage.last
        m.d.comb += [
            Assert(flags.valid == stage.valid),
            Assert(~stage.valid | (flags.last == stage.last)),
            Assert(~stage.valid | (flags.final == stage.final)),
            Assert(~ends | (~closing & (age == clock) & (stage.final == model.final[0]))),
        ]
        closing = closing | ends
        for lane in model.lanes:
            m.d.comb += Assert(~ends | (stage.after[lane] == model.sums[0][lane]))
        if name in ("read", "word"):
            for part in parts:
                value = inside[f"{products}.{name}_value_{part}"]
                m.d.comb += Assert(~stage.valid | (value == stage.values[part]))
        elif p.levels is not None:
            driven = sum(stage.values[part] for part in parts)
            where = "lowest_rows" if name == "rows" else "driven"
            factor = p.levels.lowest if name == "rows" or len(parts) == 1 else 1
            m.d.comb += Assert(~stage.valid | (inside[f"{products}.{where}"] == driven * factor))
        for lane in lanes:
            terms = [stage.terms[lane][part] for part in parts]
            found: list[Value] = terms
            if name == "read":
                bank, place = divmod(lane, p.bank_lanes)
                found = [
                    word_in(inside[f"memory.read_words_{part}_{bank}"], place, p)
                    * inside[f"{products}.read_value_{part}"]
                    for part in parts
                ]
            elif name == "word":
                found = [
                    inside[f"{products}.word_{part}_{lane}"]
                    * inside[f"{products}.word_value_{part}"]
                    for part in parts
                ]
            elif name == "product":
                found = [inside[f"{products}.product_{part}_{lane}"] for part in parts]
            else:
                m.d.comb += Assert(~stage.valid | (inside[f"{products}.rows_{lane}"] == sum(terms)))
            for one, other in zip(found, terms, strict=True):
                m.d.comb += Assert(~stage.valid | (one == other))
    for lane in lanes:
        m.d.comb += Assert(inside[f"{accumulators}.sum_{lane}"] == stage.before[lane])
    left_in_shadow = inside["columns.left"]
    m.d.comb += [
        Assert((model.waiting != 0) == (closing | (left_in_shadow != 0))),
        Assert(~closing | (left_in_shadow == 0)),
        Assert(~closing | (model.column == 0)),
    ]
    with m.If(left_in_shadow != 0):
        m.d.comb += [
            Assert(age == clocks),
            Assert(left_in_shadow == model.count[0] - model.column),
            Assert(inside["columns.image_ends"] == model.final[0]),
        ]
        for lane in range(p.lanes):
            for column in range(0, p.lanes - lane, p.neurons_per_clock):
                m.d.comb += [
                    when(
                        (model.column == column) & (lane < left_in_shadow),
                        inside[f"{accumulators}.shadow_{lane}"] == model.sums[0][column + lane],
                    ),
                ]
    if p.levels is None:
        model.check_words(m, lambda name: inside[f"memory.placer.next_{name}"], line)
    else:
        m.d.comb += [
            Assert(~inside["memory.placer.placer.valid"] | model.pending[1]),
            Assert(~inside["memory.placer.valid"] | model.pending[2]),
            Assert(inside[f"{accumulators}.sum_of_lowest"] == stage.before[p.lanes]),
        ]
        check_lines(m, p, inside, line)
        m.d.comb += [
            when(
                left_in_shadow != 0,
                inside[f"{accumulators}.lowest"] == model.sums[0][p.lanes],
            ),
        ]
    m.d.comb += Cover(
        left & sums.payload.last & (sums.payload.sums[0] == -3 - p.keeps_states) & model.begun
    )
    return m


def check_lines(
    m: Module, p: CrossbarParameters, inside: Opened, line: Callable[[int, int, int], Value]
) -> None:
    """Assert that a line is what its placer gave for it a clock ago, or what it was."""
    place: Any = data.View(LineLayout(p), inside["memory.placer.place"])
    past = Signal(reset_less=True)
    m.d.sync += past.eq(1)
    for part, bank, at in product(range(p.rows_per_clock), range(p.banks), range(p.lines)):
        here = line(part, bank, at)
        expected = Signal(len(here), name=f"line_{part}_{bank}_{at}", reset_less=True)
        given = inside["memory.placer.valid"] & (
            Cat(place.part == part, place.bank == bank, place.address == at).all()
        )
        m.d.sync += expected.eq(Mux(given, place.states.as_value(), here))
        m.d.comb += Assert(~past | (here == expected))


def _proof(name: str, p: CrossbarParameters, *mutants: Mutant) -> Proof:
    return Proof(
        f"Crossbar, {name}",
        crossbar,
        lambda hdl: properties(hdl, p),
        depth=2,
        mutants=mutants,
        parts=(pass_source, banks, columns),
    )


PROOFS = [
    _proof(
        "2 x 2",
        CrossbarParameters(2, 2, lanes=2, value_bits=2, rah_bits=2),
        Mutant("(left == 0) & ~closing", "(left == 0)"),
        Mutant("sum_.eq(Mux(self.ends, 0, total))", "sum_.eq(total)"),
        Mutant("zip(shadow, shadow[step:], strict=False)", "zip(shadow, shadow, strict=False)"),
    ),
    _proof(
        "3 x 2, a column a pass",
        CrossbarParameters(3, 2, lanes=1, value_bits=2, rah_bits=2),
        Mutant("eq(base + slot.row)", "eq(slot.row)"),
        Mutant("(left <= step) & image_ends", "(left <= step)"),
        Mutant("valid.eq(self.passes.valid & self.passes.ready)", "valid.eq(self.passes.valid)"),
    ),
    _proof(
        "3 x 2, two rows and neurons per clock",
        CrossbarParameters(
            3, 2, lanes=2, value_bits=2, rah_bits=2, rows_per_clock=2, neurons_per_clock=2
        ),
        Mutant("(place.part == part)", "(place.part == 0)"),
        Mutant("for other in others:", "for other in others[:0]:"),
        Mutant("later(m, word * value", "later(m, self.words[part][lane] * value"),
    ),
    _proof(
        "3 x 2, states, two rows and neurons per clock",
        CrossbarParameters(
            3,
            2,
            lanes=2,
            value_bits=2,
            rah_bits=3,
            rows_per_clock=2,
            neurons_per_clock=2,
            levels=UniformLevels(3, 3, -4),
        ),
        Mutant("write.en.eq(chosen)", "write.en.eq(placer.valid)"),
        Mutant("times(sum_, p.levels.step) + lowest", "times(sum_, p.levels.step)"),
        Mutant("lowest * p.levels.lowest", "lowest"),
    ),
]
