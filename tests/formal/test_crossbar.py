"""A Crossbar's sums are the sums of the stored words, under any stalls.

Where a row takes several passes, a Replay sends them, which is proved by itself: here any passes
come, in the order of their groups.
"""

from collections.abc import Callable
from itertools import product
from types import ModuleType
from typing import Any

from amaranth.hdl import Assert, Const, Cover, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data

from allspin.hdl.crossbar import cells, columns, crossbar, pass_source
from allspin.hdl.crossbar.columns import FLAGS
from allspin.hdl.crossbar.line_placer import line_layout
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.uniform_levels import UniformLevels
from tests.formal.crossbar_beats import Kept, Passes, word_in
from tests.formal.crossbar_model import CrossbarModel, check_shadow, stored_states
from tests.formal.proof import Mutant, Opened, Proof, about, moves, stand_in, when


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    passes = stand_in(hdl, "Replay", Passes)
    m, inside = about(dut := hdl.Crossbar(p, hdl.Banks, hdl.PortableColumns))
    sums, left = dut.sums, moves(dut.sums)
    lines = Shape.cast(range(p.lines)).width

    def line(part: int, bank: int, at: int) -> Value:
        return inside.word(f"memory.part_{part}_bank_{bank}", Const(at, lines))

    kept = p.levels and Kept(stored_states(p, line), p.levels.lowest, signed(p.sum_bits))
    model = CrossbarModel(m, p, dut, passes, left, 1, kept)
    queue = model.queue

    # The first sum comes in time, and the others without a break.
    clocks = 4 + (p.rows_per_clock > 1)
    age = Signal(range(clocks + 1))
    started = model.taken & model.last
    m.d.sync += age.eq(Mux(started, 1, Mux(age == clocks, age, age + 1)))
    model.check(m, sums.valid, sums.payload)
    m.d.comb += [
        # Only a pass's last beat waits, and only for the sums before it.
        Assert(model.ready == (~model.last | (queue.waiting == 0))),
        Assert(sums.valid == ((queue.waiting != 0) & (age == clocks))),
    ]

    # Invariants that close the induction: which beat each register has.
    parts, stage = range(p.rows_per_clock), model.stage
    closing: Value = Const(0)
    products, accumulators = "columns.products", "columns.accumulators"
    for clock, name in enumerate(["read", "word", "product", *["rows"] * (len(parts) > 1)], 1):
        stage = model.later(m, stage, f"{name}_model")
        flags: Any = data.View(FLAGS, inside[f"columns.{name}"])
        ends = stage.valid & stage.last
        known: list[Value] = []
        values: list[Value] = []
        if name in ("read", "word"):
            values = [inside[f"{products}.{name}_value_{part}"] for part in parts]
            known += [value == stage.values[part] for part, value in enumerate(values)]
        elif p.levels is not None:
            driven = sum(stage.values[part] for part in parts)
            where = "lowest_rows" if name == "rows" else "driven"
            factor = p.levels.lowest if name == "rows" or len(parts) == 1 else 1
            known.append(inside[f"{products}.{where}"] == driven * factor)
        for lane in range(p.lanes):
            terms = list(stage.terms[lane])
            bank, place = divmod(lane, p.bank_lanes)
            for part, term in enumerate(terms):
                if name == "read":
                    words = inside[f"memory.read_words_{part}_{bank}"]
                    known.append(word_in(words, place, p) * values[part] == term)
                elif name == "word":
                    known.append(inside[f"{products}.word_{part}_{lane}"] * values[part] == term)
                elif name == "product":
                    known.append(inside[f"{products}.product_{part}_{lane}"] == term)
            if name == "rows":
                known.append(inside[f"{products}.rows_{lane}"] == sum(terms))
        m.d.comb += [
            Assert(flags.valid == stage.valid),
            when(stage.valid, flags.last == stage.last, flags.final == stage.final, *known),
            when(
                ends,
                ~closing & (age == clock) & (stage.final == queue.final[0]),
                *(stage.after[lane] == queue.sums[0][lane] for lane in model.lanes),
            ),
        ]
        closing = closing | ends
    left_in_shadow = inside["columns.left"]
    m.d.comb += [
        [
            Assert(inside[f"{accumulators}.sum_{lane}"] == stage.before[lane])
            for lane in range(p.lanes)
        ],
        Assert((queue.waiting != 0) == (closing | (left_in_shadow != 0))),
        when(closing, left_in_shadow == 0, queue.column == 0),
        when(
            left_in_shadow != 0,
            age == clocks,
            left_in_shadow == queue.count - queue.column,
            inside["columns.image_ends"] == queue.final[0],
        ),
        Cover(
            left & sums.payload.last & (sums.payload.sums[0] == -3 - p.keeps_states) & model.begun
        ),
    ]
    check_shadow(
        m, inside, f"{accumulators}.", p, queue, lambda at: left_in_shadow > at - queue.column
    )
    if p.levels is None:
        model.check_words(m, inside, line)
    else:
        m.d.comb += [
            Assert(~inside["memory.placer.placer.valid"] | model.pending[1]),
            Assert(~inside["memory.placer.valid"] | model.pending[2]),
            Assert(inside[f"{accumulators}.sum_of_lowest"] == stage.before[p.lanes]),
            when(left_in_shadow != 0, inside[f"{accumulators}.lowest"] == queue.sums[0][p.lanes]),
        ]
        check_lines(m, p, inside, line)
    return m


def check_lines(
    m: Module, p: CrossbarParameters, inside: Opened, line: Callable[[int, int, int], Value]
) -> None:
    """Assert that a line is the one that its placer gave a clock ago, or unchanged."""
    place: Any = data.View(line_layout(p), inside["memory.placer.place"])
    past = Signal(reset_less=True)
    m.d.sync += past.eq(1)
    for part, bank, at in product(range(p.rows_per_clock), range(p.banks), range(p.lines)):
        here = line(part, bank, at)
        expected = Signal(len(here), name=f"line_{part}_{bank}_{at}", reset_less=True)
        meant = (place.part == part) & (place.bank == bank) & (place.address == at)
        given = inside["memory.placer.valid"] & meant
        m.d.sync += expected.eq(Mux(given, place.states.as_value(), here))
        m.d.comb += when(past, here == expected)


def _proof(name: str, p: CrossbarParameters, *mutants: Mutant) -> Proof:
    return Proof(
        f"Crossbar, {name}",
        crossbar,
        lambda hdl: properties(hdl, p),
        depth=2,
        mutants=mutants,
        parts=(pass_source, cells, columns),
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
        Mutant("== number) & (place.part == part)", "== number) & (place.part == 0)"),
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
