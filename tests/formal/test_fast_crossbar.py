"""A crossbar of an ECP5 has the sums of the stored words, under any stalls and resets.

Where a row takes several passes, they come from a Replay, and the sums go into a Reservation. Both
are proved by themselves: here any passes come, in the order of their groups, and the Reservation
gives credits at any time; the proof shows that the columns keep its rules.
"""

from collections.abc import Callable
from itertools import product
from types import ModuleType
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import (
    Assert,
    Assume,
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

from allspin.hdl.crossbar import (
    cells,
    crossbar,
    departure,
    fast_columns,
    lane as lane_source,
    level_sums,
    pass_source,
)
from allspin.hdl.crossbar.cell_placer import cell_layout
from allspin.hdl.crossbar.level_sums import LevelSums
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.uniform_levels import UniformLevels
from tests.formal.crossbar_beats import Kept, Passes, word_in
from tests.formal.crossbar_model import CrossbarModel, Departures, stored_states
from tests.formal.proof import Mutant, Opened, Proof, about, stand_in, when
from tests.formal.stand_ins import Waiting


class AtOnce(LevelSums):
    """In place of `LevelSums`, which are proved by themselves: without a register."""

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(parameters)
        self._levels: Any = parameters.levels
        self.clocks = 0

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lowest = self.driven * self._levels.lowest
        for sum_, states in zip(self.sums, self.states, strict=True):
            m.d.comb += sum_.eq(states * self._levels.step + lowest)
        return m


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    passes, found = stand_in(hdl, "Replay", Passes), stand_in(hdl, "Reservation", Waiting)
    stand_in(hdl, "LevelSums", AtOnce)
    m, inside = about(dut := hdl.Crossbar(p, hdl.Ecp5Cells, hdl.FastColumns))
    [reservation] = found
    lines = Shape.cast(range(p.lines)).width

    def line(part: int, bank: int, at: int) -> Value:
        return inside.word(f"memory.part_{part}_bank_{bank}.memory", Const(at, lines))

    shape = unsigned(p.most_driven.bit_length())
    kept = Kept(stored_states(p, line), 1, shape) if p.keeps_states else None
    model = CrossbarModel(m, p, dut, passes, reservation.arrives, 2, kept)
    digits = len(range(0, p.value_bits, 2))
    deep = 7 + (p.rows_per_clock > 1) + (digits > 1)  # the sums have it then
    departures = Departures(m, inside, "columns.", p, reservation, model.queue, deep)
    # Only a pass's last beat waits.
    m.d.comb += Assert(model.ready == (~model.last | ~departures.busy))
    model.check(m, reservation.arrives, reservation.payload)

    # Invariants that close the induction: which beat each register has.
    stage, age = model.stage, departures.age
    for clock in range(1, deep + 1):
        stage = model.later(m, stage, f"stage_{clock}")
        ends = stage.valid & stage.last
        m.d.comb += [
            Assert((age >= clock) | ~stage.as_value().any()),
            Assert(inside[f"columns.last_{clock}"] == ends),
            Assert(~ends | (inside[f"columns.final_{clock}"] == stage.final)),
        ]
        departures.follow(clock, ends, stage.final, list(stage.after))
        # Beats are of the pass that comes, or have its last one behind them.
        begun = departures.closing | model.begun
        m.d.comb += [
            Assert(~stage.valid | (begun & ~model.writing)),
            when(age >= clock, *_in_registers(inside, p, stage, clock, deep)),
        ]
    departures.close()
    if p.keeps_states:
        held = inside["columns.accumulators.shadow_driven"]
        m.d.comb += when(departures.left != 0, held == model.queue.sums[0][p.lanes])
        _check_lines(m, inside, p, model)
    else:
        _check_words(m, inside, p, model, line)
    return _with_reset(m, p, model, reservation, departures)


def _in_registers(
    inside: Opened, p: CrossbarParameters, stage: Any, clock: int, deep: int
) -> list[Value]:
    """Return the claims of the registers that have a stage, some clocks after its beat came."""
    parts, claims = range(p.rows_per_clock), []
    chain = [*(f"value_{{}}_{clock}" for clock in range(3)), "value_{}_branch_0"]
    leaves = [f"value_{{}}_leaf_0_{leaf}" for leaf in range(-(-p.lanes // 4))]
    for part, driven in enumerate(stage.values):
        names = leaves if clock == 5 else chain[clock - 1 : clock]
        claims += [inside["columns." + name.format(part)] == driven for name in names]
        if clock <= 2:
            address = inside[f"memory.address_{part}" + "_copy_0" * (clock - 1)]
            claims.append(~stage.valid | (address == stage.lines[part]))
    digits = range(0, p.value_bits, 2)

    def of_digits(lane: int, name: str) -> Any:
        """Return the content of a lane's registers for each digit of two bits, together."""
        return sum(inside[f"columns.lane_{lane}.{name.format(low)}"] << low for low in digits)

    for lane in range(p.lanes):
        bank, place = divmod(lane, p.bank_lanes)
        own, total = f"columns.lane_{lane}", sum(stage.terms[lane])
        for part, term in enumerate(stage.terms[lane]):
            memory, value = f"memory.part_{part}_bank_{bank}", stage.values[part]
            if clock <= 2:
                stored = inside.word(f"{memory}.memory", stage.lines[part])
                claims.append(word_in(stored, place, p) * value == term)
            elif clock == 3:
                stored = inside[f"{memory}.read_{'line' if p.keeps_states else 'words'}"]
                claims.append(word_in(stored, place, p) * value == term)
            elif clock == 5:
                claims.append(inside[f"{own}.word_{part}"] * value == term)
            elif clock == 6:
                claims.append(of_digits(lane, f"product_{part}_{{}}") == term)
                if len(digits) > 1:  # a register of both has more bits than both need
                    products = [inside[f"{own}.product_{part}_{low}"] for low in digits]
                    half = 2 ** (p.rah_bits - 1)
                    claims += [(one >= -3 * half) & (one <= 3 * (half - 1)) for one in products]
        if clock == 7 and p.rows_per_clock > 1:
            claims.append(of_digits(lane, "rows_1_{}_0") == total)
        if clock == deep - 1 and len(digits) > 1:
            claims += [inside[f"{own}.digits_2_0"] == total, inside[f"{own}.term"] == total]
        if clock == deep:
            claims.append(inside[f"columns.accumulators.sum_{lane}"] == stage.after[lane])
    if p.keeps_states and 6 <= clock < deep:
        driven = sum(stage.values[part] for part in parts)
        claims.append(inside[f"columns.driven.driven_{clock - 6}_0"] == driven)
    if p.keeps_states and clock == deep:
        claims.append(inside["columns.accumulators.sum_driven"] == stage.after[p.lanes])
    return claims


def _check_lines(m: Module, inside: Opened, p: CrossbarParameters, model: CrossbarModel) -> None:
    """Lines are written only while words are on their way."""
    came = (
        "memory.arrives", "memory.placer.placer.valid", "memory.placer.valid",
        "memory.bus_valid_0", "memory.bus_valid_2",
    )  # fmt: skip
    pending = model.pending
    m.d.comb += [Assert(~inside[one] | pending[k]) for k, one in enumerate(came, 1)]
    for part, bank in product(range(p.rows_per_clock), range(p.banks)):
        m.d.comb += Assert(~inside[f"memory.enable_{part}_{bank}"] | pending[5])


def _check_words(
    m: Module,
    inside: Opened,
    p: CrossbarParameters,
    model: CrossbarModel,
    line: Callable[[int, int, int], Value],
) -> None:
    """Each register on the way has its word, and each memory those that have come."""
    written = model.written
    arrived: Any = data.View(cell_layout(p), inside["memory.arrived_0"])
    row, column = inside["memory.placer.next_row"], inside["memory.placer.next_column"]
    m.d.comb += [
        Assert(inside["memory.arrives"] == written[1].valid),
        when(
            written[1].valid,
            arrived.word == written[1].word,
            Mux(arrived.first, arrived.row, row) == written[1].row,
            Mux(arrived.first, 0, column) == written[1].column,
        ),
    ]
    ways = (
        ("memory.placer.valid", "memory.placer.place"),
        ("memory.bus_valid_0", "memory.bus_0"),
        ("memory.bus_valid_2", "memory.bus_2"),
    )
    places = [model.place(m, word) for word in written[2:5]]
    for word, place, (there, at) in zip(written[2:5], places, ways, strict=True):
        m.d.comb += [
            Assert(inside[there] == word.valid),
            Assert(~word.valid | (inside[at] == place.as_value())),
        ]
    place = places[-1]
    for part, bank in product(range(p.rows_per_clock), range(p.banks)):
        meant = written[4].valid & (place.part == part) & (place.bank == bank)
        enable = inside[f"memory.enable_{part}_{bank}"]
        m.d.comb += Assert(enable == Mux(meant, 1 << place.lane, 0))
    model.check_words(m, inside, line, late=True)


def _with_reset(
    m: Module,
    p: CrossbarParameters,
    model: CrossbarModel,
    reservation: Waiting,
    departures: Departures,
) -> Module:
    """A reset, at any time but while words are written."""
    top, reset, closing = Module(), Signal(), departures.closing
    sums = reservation.payload.sums
    top.submodules.properties = ResetInserter(reset)(m)
    top.d.comb += [
        reset.eq(AnySeq(1)),
        Assume(~reset | ~model.writing),
        Cover(reservation.arrives & (sums[0] == -2 * (1 + p.keeps_states))),
    ]
    if p.lanes == p.rows:
        reset_under_way = Signal()
        top.d.sync += reset_under_way.eq(reset_under_way | (reset & closing))
        top.d.comb += Cover(reservation.arrives & reset_under_way)
    if p.lanes > p.rows:
        top.d.comb += Cover(departures.promised & closing)
    return top


def _proof(name: str, p: CrossbarParameters, *mutants: Mutant) -> Proof:
    return Proof(
        f"FastCrossbar, {name}",
        crossbar,
        lambda hdl: properties(hdl, p),
        depth=2,
        cover_depth=20,
        mutants=mutants,
        parts=(pass_source, cells, departure, level_sums, lane_source, fast_columns),
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
        Mutant("here = valid & (place.part == part)", "here = valid & (place.part == 0)"),
    ),
    # Pixels of `mnist-10`: two digits of two bits, whose products a tree adds.
    _proof(
        "2 x 2, values of 4 bits",
        CrossbarParameters(2, 2, lanes=2, value_bits=4, rah_bits=2, memory="ecp5"),
        Mutant("terms[k + 1] << spacing", "terms[k + 1] << 1", depth=14),
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
