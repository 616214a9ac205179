"""A crossbar of an ECP5 has the sums of the words that were stored, whoever stalls or resets it.

Where a row takes several passes, they come from a Replay, and the sums go into a Reservation.
Both are proved by themselves: here any passes come, in the order of their groups, and the
Reservation says at any time whether there are credits; that it is filled as it asks is part of
the proof.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest.mock import patch

from amaranth.asserts import AnySeq
from amaranth.hdl import (
    Assert,
    Assume,
    Cat,
    Const,
    Cover,
    Module,
    Mux,
    ResetInserter,
    Shape,
    Signal,
    Value,
    unsigned,
)
from amaranth.lib import data

from allspin.hdl.crossbar import crossbar, departure, ecp5_cells, fast_columns
from allspin.hdl.crossbar import replay as pass_source
from allspin.hdl.crossbar.departure import LevelSums
from allspin.hdl.parameters.crossbar import CrossbarParameters, UniformLevels
from tests.formal.crossbar_model import CrossbarModel, Kept, Passes, stored_states, word_in
from tests.formal.proof import Mutant, Opened, Proof, when
from tests.formal.stand_ins import Waiting


class AtOnce(LevelSums):
    """In place of `LevelSums`, which are proved by themselves: without a register."""

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(parameters)
        self._crossbar = parameters
        self.clocks = 0

    def elaborate(self, platform: object) -> Module:
        m = Module()
        levels = self._crossbar.levels
        assert levels is not None
        lowest = self.driven * levels.lowest
        m.d.comb += [
            self.sums[number].eq(self.states[number] * levels.step + lowest)
            for number in range(self._crossbar.neurons_per_clock)
        ]
        return m


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    m = Module()
    dut = hdl.Crossbar(p, hdl.Ecp5Cells, hdl.FastColumns)
    passes = Passes(p) if p.passes > 1 else None
    found: list[Waiting] = []

    def waiting(*args: Any, **options: Any) -> Waiting:
        found.append(Waiting(*args, **options))
        return found[-1]

    with (
        patch.object(hdl, "Replay", lambda parameters: passes),
        patch.object(hdl, "Reservation", waiting),
        patch.object(hdl, "LevelSums", AtOnce),
    ):
        m.submodules.dut = inside = Opened(dut)
    [reservation] = found
    valid, ready, beat = dut.events.valid, dut.events.ready, dut.events.payload
    if passes is not None:
        valid, ready, beat = passes.valid, passes.passes.ready, passes.beat
    cell = dut.cells.payload
    taken = Signal()
    m.d.comb += [
        valid.eq(AnySeq(1)),
        taken.eq(valid & ready),
    ]
    arrives = reservation.arrives
    lines = Shape.cast(range(p.lines)).width

    def line(part: int, bank: int, at: int) -> Value:
        return inside.word(f"memory.part_{part}_bank_{bank}.memory", Const(at, lines))

    model = CrossbarModel(
        m,
        p,
        cells=dut.cells,
        taken=taken,
        beat=beat,
        leaves=arrives,
        places=2,
        kept=Kept(stored_states(p, line), 1, unsigned(p.most_driven.bit_length()))
        if p.keeps_states
        else None,
    )
    departure, accumulators = "columns.departure", "columns.accumulators"
    busy, left, promised = (inside[f"{departure}.{name}"] for name in ("busy", "left", "promised"))
    came = inside["memory.arrives"]
    [under_way] = (s for s in inside.named("columns.arrives") if s is not arrives)
    m.d.comb += [
        Assert(dut.cells.ready),
        # Only a pass's last beat waits.
        Assert(ready == (~beat.last | ~busy)),
    ]
    if passes is not None:
        m.d.comb += passes.group.eq(model.group)
    with m.If(arrives):
        model.check(m, reservation.payload)

    # What the Reservation asks for: nothing sets out that may not, and all arrives.
    ahead = reservation.ahead
    remain, set_out = reservation.check(m)

    # What makes the induction close: which beat each register has. Those without a reset have
    # none of after it until as many clocks have passed as they are deep.
    parts, lanes, step = range(p.rows_per_clock), range(p.lanes), p.neurons_per_clock
    deep = 7 + (len(parts) > 1)  # the sums have it then
    age = Signal(range(deep + 1))
    m.d.sync += age.eq(Mux(age == deep, age, age + 1))
    draining = Signal()
    m.d.comb += [
        draining.eq((left != 0) | set_out[1] | set_out[2]),
        Assert(age <= deep),
        Assert(~draining | (age == deep)),
    ]
    stage = model.stage
    closing: Value = Const(0)
    chain = [*(f"value_{{}}_{clock}" for clock in range(3)), "value_{}_branch_0"]
    leaves = range(-(-p.lanes // 4))
    for clock in range(1, deep + 1):
        stage = model.later(m, stage, f"stage_{clock}")
        ends = stage.valid & stage.last
        m.d.comb += [
            Assert((age >= clock) | ~stage.as_value().any()),
            Assert(inside[f"columns.last_{clock}"] == ends),
            Assert(~ends | (inside[f"columns.final_{clock}"] == stage.final)),
        ]
        with m.If(ends):
            # The sums of the pass before will have left the shadow.
            m.d.comb += [
                Assert(~closing & busy),
                Assert(left <= max(0, deep - 1 - clock) * step),
                Assert((left == 0) | promised),
                Assert(stage.final == Mux(draining, model.final[1], model.final[0])),
            ]
            if clock == deep:
                m.d.comb += Assert(~set_out[1])
            for lane in model.lanes:
                due = Mux(draining, model.sums[1][lane], model.sums[0][lane])
                m.d.comb += Assert(stage.after[lane] == due)
        closing = closing | ends
        # Beats are of the pass that comes, or have its last one behind them.
        m.d.comb += Assert(~stage.valid | ((closing | model.begun) & ~model.writing))
        with m.If(age >= clock):
            for part in parts:
                if clock <= len(chain):
                    value = inside["columns." + chain[clock - 1].format(part)]
                    m.d.comb += Assert(value == stage.values[part])
                if clock == 5:
                    for leaf in leaves:
                        value = inside[f"columns.value_{part}_leaf_0_{leaf}"]
                        m.d.comb += Assert(value == stage.values[part])
                if clock <= 2:
                    driven_line = inside[f"memory.address_{part}" + "_copy_0" * (clock - 1)]
                    m.d.comb += Assert(~stage.valid | (driven_line == stage.lines[part]))
            for lane in lanes:
                bank, place = divmod(lane, p.bank_lanes)
                total = stage.terms[lane][0]
                for part in parts:
                    memory = f"memory.part_{part}_bank_{bank}"
                    term = stage.terms[lane][part]
                    total = total + term if part else term
                    found_term: Value = term
                    if clock <= 2:
                        stored = inside.word(f"{memory}.memory", stage.lines[part])
                        found_term = word_in(stored, place, p) * stage.values[part]
                    elif clock == 3:
                        stored = inside[f"{memory}.read_{'line' if p.keeps_states else 'words'}"]
                        found_term = word_in(stored, place, p) * stage.values[part]
                    elif clock == 5:
                        found_term = inside[f"columns.lane_{lane}.word_{part}"] * stage.values[part]
                    elif clock == 6:
                        found_term = inside[f"columns.lane_{lane}.product_{part}_0"]
                    m.d.comb += Assert(found_term == term)
                if clock == 7 < deep:
                    m.d.comb += Assert(inside[f"columns.lane_{lane}.rows_1_0_0"] == total)
                if clock == deep:
                    m.d.comb += Assert(inside[f"{accumulators}.sum_{lane}"] == stage.after[lane])
            if p.keeps_states:
                driven = sum(stage.values[part] for part in parts)
                if clock in (6, 7) and clock < deep:
                    found_driven = inside[f"columns.driven.driven_{clock - 6}_0"]
                    m.d.comb += Assert(found_driven == driven)
                if clock == deep:
                    sum_driven = inside[f"{accumulators}.sum_driven"]
                    m.d.comb += Assert(sum_driven == stage.after[p.lanes])
    flush = inside["columns.flush"]
    m.d.comb += [
        Assert(flush == (Const(2 ** len(flush) - 1) << age)[: len(flush)]),
    ]
    turns = [inside[f"columns.last_{clock}"] | (age < clock) for clock in (deep - 1, deep)]
    m.d.comb += [
        when(
            age >= 1,
            inside[f"{accumulators}.turn_branch_0"] == turns[0],
            inside[f"{accumulators}.shift_branch_0"] == set_out[1],
        ),
    ]
    with m.If(age >= 2):
        for leaf in leaves:
            m.d.comb += [
                Assert(inside[f"{accumulators}.turn_leaf_0_{leaf}"] == turns[1]),
                Assert(inside[f"{accumulators}.shift_leaf_0_{leaf}"] == set_out[2]),
            ]

    # ... what is in the shadow and what of it has set out,
    column, count, final = model.column, model.count[0], model.final[0]
    gone = [column + step * set_out[2], column + step * (set_out[2] + set_out[1])]
    last = inside["columns.last"]
    m.d.comb += [
        Assert(model.waiting == draining + closing),
        Assert(~closing | (model.column == 0) | draining),
        Assert(~busy | closing | ((left != 0) & ~promised)),
        Assert(busy | (left == 0) | (promised & (left <= ahead * step))),
        Assert(~promised | ((left != 0) & (left <= remain * step))),
        Assert(~set_out[2] | (last[1] == (final & (column + step >= count)))),
        Assert(~set_out[1] | (last[0] == (final & (gone[0] + step >= count)))),
        Assert(~set_out[1] | (gone[0] < count)),
        Assert(under_way == Cat(set_out[1], set_out[2])),
    ]
    with m.If(draining):
        m.d.comb += Assert(left == Mux(gone[1] < count, count - gone[1], 0))
        for lane in lanes:
            for out in range(0, p.lanes - lane, step):
                m.d.comb += [
                    when(
                        (column == out) & (out + lane < count),
                        inside[f"{accumulators}.shadow_{lane}"] == model.sums[0][out + lane],
                    ),
                ]
    with m.If(left != 0):
        m.d.comb += Assert(inside[f"{departure}.image_ends"] == final)

        if p.keeps_states:
            held = inside[f"{accumulators}.shadow_driven"]
            m.d.comb += Assert(held == model.sums[0][p.lanes])
    # ... and where words are on their way to the memories.
    if p.keeps_states:
        _check_lines(m, inside, p, model)
    else:
        _check_words(m, inside, p, model, cell, came, line)
    return _with_reset(m, p, model, reservation, closing, promised)


def _check_lines(m: Module, inside: Opened, p: CrossbarParameters, model: CrossbarModel) -> None:
    """Lines are written only while words are on their way."""
    came = (
        "memory.arrives", "memory.placer.placer.valid", "memory.placer.valid",
        "memory.bus_valid_0", "memory.bus_valid_2",
    )  # fmt: skip
    pending = model.pending
    m.d.comb += [Assert(~inside[one] | pending[k]) for k, one in enumerate(came, 1)]
    for part in range(p.rows_per_clock):
        for bank in range(p.banks):
            m.d.comb += Assert(~inside[f"memory.enable_{part}_{bank}"] | pending[5])


def _check_words(
    m: Module,
    inside: Opened,
    p: CrossbarParameters,
    model: CrossbarModel,
    cell: Any,
    came: Value,
    line: Callable[[int, int, int], Value],
) -> None:
    """Each register on the way has its word, and each memory those that have come."""
    written = model.written
    arrived: Any = data.View(cell.shape(), inside["memory.arrived_0"])
    m.d.comb += [Assert(came == written[1].valid)]
    with m.If(written[1].valid):
        following = {name: inside[f"memory.placer.next_{name}"] for name in ("row", "column")}
        m.d.comb += [
            Assert(arrived.word == written[1].word),
            Assert(Mux(arrived.first, arrived.row, following["row"]) == written[1].row),
            Assert(Mux(arrived.first, 0, following["column"]) == written[1].column),
        ]
    places = [None, None, *[model.place(m, word) for word in written[2:]]]
    for clock, (there, place) in {
        2: ("memory.placer.valid", "memory.placer.place"),
        3: ("memory.bus_valid_0", "memory.bus_0"),
        4: ("memory.bus_valid_2", "memory.bus_2"),
    }.items():
        m.d.comb += [
            Assert(inside[there] == written[clock].valid),
            Assert(~written[clock].valid | (inside[place] == places[clock].as_value())),
        ]
    for part in range(p.rows_per_clock):
        for bank in range(p.banks):
            meant = written[4].valid & (places[4].part == part) & (places[4].bank == bank)
            enable = inside[f"memory.enable_{part}_{bank}"]
            m.d.comb += Assert(enable == Mux(meant, 1 << places[4].lane, 0))
    model.check_words(m, lambda name: inside[f"memory.placer.next_{name}"], line, late=True)


def _with_reset(
    m: Module,
    p: CrossbarParameters,
    model: CrossbarModel,
    reservation: Waiting,
    closing: Value,
    promised: Value,
) -> Module:
    """A reset, at any time but while words are written."""
    arrives, reset = reservation.arrives, Signal()
    top = Module()
    top.submodules.properties = ResetInserter(reset)(m)
    top.d.comb += [reset.eq(AnySeq(1)), Assume(~reset | ~model.writing)]
    top.d.comb += Cover(arrives & (reservation.payload.sums[0] == -2 * (1 + p.keeps_states)))
    if p.lanes == p.rows:
        reset_under_way = Signal()
        with top.If(reset & closing):
            top.d.sync += reset_under_way.eq(1)
        top.d.comb += Cover(arrives & reset_under_way)
    if p.lanes > p.rows:
        top.d.comb += Cover(promised & closing)
    return top


def _proof(name: str, p: CrossbarParameters, *mutants: Mutant) -> Proof:
    return Proof(
        f"FastCrossbar, {name}",
        crossbar,
        lambda hdl: properties(hdl, p),
        depth=2,
        cover_depth=20,
        mutants=mutants,
        parts=(pass_source, ecp5_cells, departure, fast_columns),
    )


PROOFS = [
    _proof(
        "2 x 2",
        CrossbarParameters(2, 2, lanes=2, value_bits=2, rah_bits=2, memory="ecp5"),
        Mutant("init=2 ** (term_clock - 1) - 1", "init=2 ** (term_clock - 2) - 1"),
        Mutant("flags[term_clock - 1][0]", "flags[term_clock][0]"),
        Mutant("Mux(taken, beat.values[part], 0)", "beat.values[part]"),
    ),
    _proof(
        "3 x 2, a column a pass",
        CrossbarParameters(3, 2, lanes=1, value_bits=2, rah_bits=2, memory="ecp5"),
        Mutant("eq(base + slot.row)", "eq(slot.row)"),
        Mutant("(left <= step) & image_ends", "(left <= step)"),
    ),
    _proof(
        "3 x 2, two rows and neurons per clock",
        CrossbarParameters(
            3,
            2,
            lanes=2,
            value_bits=2,
            rah_bits=2,
            rows_per_clock=2,
            neurons_per_clock=2,
            memory="ecp5",
        ),
        Mutant("(place.part == part)", "(place.part == 0)"),
    ),
    # More columns than a beat is clocks on its way: a pass must wait for the one before.
    _proof(
        "1 x 8",
        CrossbarParameters(1, 8, lanes=8, value_bits=1, rah_bits=2, memory="ecp5"),
        Mutant("left <= self._ahead * step", "left <= (self._ahead + 1) * step"),
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
            memory="ecp5",
            levels=UniformLevels(3, 3, -4),
        ),
        Mutant("held.eq(sum_)", "held.eq(self.driven)"),
        Mutant("Driven(p, lanes[0].clocks - 1)", "Driven(p, lanes[0].clocks)"),
    ),
]
