"""Behaviour of a crossbar, with which its proofs compare the gateware."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from amaranth.hdl import (
    Assert,
    Assume,
    Cat,
    Const,
    Module,
    Mux,
    Shape,
    Signal,
    Value,
    signed,
    unsigned,
)
from amaranth.lib import data

from allspin.hdl.crossbar.cell_placer import place_layout
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from tests.formal.crossbar_beats import Kept, Passes, StageLayout, sum_shape, word_in
from tests.formal.proof import Opened, later, moves, pick, when
from tests.formal.stand_ins import Waiting


def stored_states(
    parameters: CrossbarParameters, line: Callable[[int, int, int], Value]
) -> Callable[[int, int], Value]:
    """The state of a row and a column.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    line : callable
        Word of a row and column, as in `CrossbarModel.check_words`.
    """
    p = parameters

    def stored(row: int, column: int) -> Value:
        part_row, part = divmod(row, p.rows_per_clock)
        group, lane = divmod(column, p.lanes)
        bank, place = divmod(lane, p.bank_lanes)
        return word_in(line(part, bank, group * p.part_rows + part_row), place, p)

    return stored


class SumQueue:
    """Sums of passes wait until they leave, the oldest pass's first.

    Parameters
    ----------
    m : Module
        Gets the queue.
    parameters : CrossbarParameters
        Parameters of the crossbar.
    places : int
        Number of passes whose sums may wait.
    comes, final : Value
        A pass's sums come in this clock; it is its image's last.
    leaves : Value
        A beat of sums leaves in this clock.
    shapes : list of Shape
        Shape of each lane's sum.

    Attributes
    ----------
    waiting, remain : Signal
        Number of passes whose sums wait, and of those that stay.
    sums : list of list of Signal
        Sums pass by pass, oldest first, lane by lane; the user assigns them.
    final : list of Signal
        For each pass a bit if it is its image's last.
    count : Value
        Number of sums of the oldest pass.
    column : Signal
        Lane of the oldest pass whose sum leaves next.
    ends : Value
        The sum that leaves next is the oldest pass's last.
    """

    def __init__(
        self,
        m: Module,
        parameters: CrossbarParameters,
        places: int,
        comes: Value,
        final: Value,
        leaves: Value,
        shapes: list[Shape],
    ) -> None:
        p, step = parameters, parameters.neurons_per_clock
        self.waiting = Signal(range(places + 1), name="model_waiting")
        self.column = Signal(range(p.lanes + step), name="model_leaving")
        self.remain = Signal.like(self.waiting, name="model_remain")
        self.sums = [
            [Signal(shape, name=f"model_sum_{place}_{lane}") for lane, shape in enumerate(shapes)]
            for place in range(places)
        ]
        self.final = [Signal(name=f"model_final_{place}") for place in range(places)]
        self.count = Mux(self.final[0], p.columns - (p.passes - 1) * p.lanes, p.lanes)
        self.ends = self.column + step >= self.count
        gone = leaves & self.ends
        m.d.comb += [
            self.remain.eq(self.waiting - gone),
            Assert(~leaves | (self.waiting != 0)),
            Assert(~comes | (self.remain < places)),
            Assert(self.waiting <= places),
            Assert(self.column < self.count),
            Assert((self.column & (step - 1)) == 0),
            Assert((self.waiting != 0) | (self.column == 0)),
        ]
        m.d.sync += self.waiting.eq(self.remain + comes)
        with m.If(leaves):
            m.d.sync += self.column.eq(Mux(gone, 0, self.column + step))
        with m.If(gone):
            both = [
                *pairwise(self.final),
                *(t for s in pairwise(self.sums) for t in zip(*s, strict=True)),
            ]
            m.d.sync += [older.eq(newer) for older, newer in both]
        for place, own in enumerate(self.final):
            with m.If(comes & (self.remain == place)):
                m.d.sync += own.eq(final)


class CrossbarModel:
    """Words as they are stored, and each pass's sums in the clock in which its last beat is taken.

    Lines of states are stored as `allspin.hdl.crossbar.line_placer.LinePlacer` gives them, which is
    proved by itself: the model takes the content of the memories as the stored states.

    Parameters
    ----------
    m : Module
        Module that gets the model, and the assumptions of a crossbar: only rows that exist are
        driven, and no word is written while an image is under way, or driven before it is stored.
    parameters : CrossbarParameters
        Parameters of the crossbar.
    dut : Crossbar
        The crossbar.
    passes : list of Passes
        The `Passes` in place of its Replay, if it has one.
    leaves : Value
        A beat of sums leaves in this clock.
    places : int
        Number of passes whose sums may wait.
    kept : Kept, optional
        Memory of states, where the crossbar keeps states.

    Attributes
    ----------
    lanes : range
        Terms of the crossbar, and of the values alone where states are kept.
    pending : list of Value
        With states: for each number of clocks a bit if a word came that long ago.
    begun : Signal
        A beat of the pass that comes has come.
    stage : View of `StageLayout`
        The beat that is taken.
    writing : Value
        Words are on their way.
    written : list of View
        With words: the words on their way, newest first: ``valid``, ``row``, ``column`` and
        ``word``.
    queue : SumQueue
        The sums that wait.
    taken, ready : Value
        A beat is taken in this clock, or could be.
    last : Value
        The beat is its pass's last.
    """

    def __init__(
        self,
        m: Module,
        parameters: CrossbarParameters,
        dut: Any,
        passes: list[Passes],
        leaves: Value,
        places: int,
        kept: Kept | None = None,
    ) -> None:
        self._p = p = parameters
        self.lanes = range(p.lanes + p.keeps_states)
        self._kept = kept
        self._group = group = Signal(range(max(p.passes, 2)), name="model_group")
        source, beat = dut.events, dut.events.payload
        if passes:
            source, beat = passes[0].passes, passes[0].passes.payload.beat
            m.d.comb += passes[0].group.eq(group)
        self.taken, self.ready, self.last = moves(source), source.ready, beat.last
        if kept is None:
            self._store(m, dut.cells)
        else:
            self._words = [
                [kept.stored(row, column) for column in range(p.columns)] for row in range(p.rows)
            ]
            self.pending = [later(m, dut.cells.valid, clock) for clock in range(p.write_clocks)]
            self.writing = Cat(self.pending).any()
        self._add(m, beat)
        shapes = [sum_shape(p)] * len(self.lanes)
        comes = self.stage.valid & self.stage.last
        self.queue = queue = SumQueue(m, p, places, comes, self.stage.final, leaves, shapes)
        for place, sums in enumerate(queue.sums):
            with m.If(comes & (queue.remain == place)):
                m.d.sync += [one.eq(self.stage.after[lane]) for lane, one in enumerate(sums)]
        m.d.comb += [
            Assert(dut.cells.ready),
            Assume(~dut.cells.valid | ~(self.begun | (group != 0) | (queue.waiting != 0))),
            Assume(~self.taken | ~self.writing),
            [
                Assume(
                    ~self.taken | (slot.row * p.rows_per_clock + part < p.rows) | (slot.value == 0)
                )
                for part, slot in enumerate(beat.slots)
            ],
        ]

    def _store(self, m: Module, cells: Any) -> None:
        """Words come row by row, and are in their places `write_clocks` later."""
        p = self._p
        # Words outlive a reset.
        self._words: list[list[Value]] = [
            [
                Signal(signed(p.rah_bits), name=f"model_word_{row}_{column}", reset_less=True)
                for column in range(p.columns)
            ]
            for row in range(p.rows)
        ]
        cell = cells.payload
        self._row = row = Signal(range(p.rows + 1), name="model_row")
        self._column = column = Signal(range(p.columns), name="model_column")
        here_row, here_column = Mux(cell.first, cell.row, row), Mux(cell.first, 0, column)
        ends = here_column == p.columns - 1
        with m.If(cells.valid):
            m.d.sync += [row.eq(here_row + ends), column.eq(Mux(ends, 0, here_column + 1))]

        layout = {
            "valid": 1,
            "row": row.shape(),
            "column": column.shape(),
            "word": signed(p.rah_bits),
        }
        word: Any = Signal(data.StructLayout(layout), name="model_written_0")
        m.d.comb += [
            Assume(~cells.valid | (here_row < p.rows)),
            Assert(row <= p.rows),
            Assert(column < p.columns),
            word.valid.eq(cells.valid),
            word.row.eq(here_row),
            word.column.eq(here_column),
            word.word.eq(cell.word),
        ]
        self.written = [word]
        for clock in range(1, p.write_clocks):
            newer, word = word, Signal.like(word, name=f"model_written_{clock}")
            m.d.sync += word.eq(newer)
            m.d.comb += when(word.valid, (word.row < p.rows) & (word.column < p.columns))
            self.written.append(word)
        self.writing = Cat(each.valid for each in self.written).any()
        for r, words in enumerate(self._words):
            for c, stored in enumerate(words):
                with m.If(word.valid & (word.row == r) & (word.column == c)):
                    m.d.sync += stored.eq(word.word)

    def _add(self, m: Module, beat: Any) -> None:
        """Each beat is added at once."""
        p, group, taken = self._p, self._group, self.taken
        self.begun = Signal(name="model_begun")
        self.stage: Any = Signal(StageLayout(p), name="model_stage")
        final = group == p.passes - 1
        m.d.comb += [
            self.stage.valid.eq(taken),
            self.stage.last.eq(beat.last),
            self.stage.final.eq(final),
            Assert(group < p.passes),
        ]
        for part, slot in enumerate(beat.slots):
            m.d.comb += [
                self.stage.values[part].eq(Mux(taken, slot.value, 0)),
                self.stage.lines[part].eq(group * p.part_rows + slot.row),
            ]
        for lane in self.lanes:
            total = Signal(sum_shape(p), name=f"model_total_{lane}")
            after, terms = self.stage.after[lane], self.stage.terms[lane]
            for part, slot in enumerate(beat.slots):
                words = [
                    pick(
                        (
                            own[min(column, p.columns - 1)]
                            for own in self._words[part :: len(terms)]
                        ),
                        slot.row,
                    )
                    for column in range(lane, p.passes * p.lanes, p.lanes)
                ]
                word: Any = pick(words, group) if words else 0
                if self._kept is not None and lane == p.lanes:
                    word = self._kept.factor
                m.d.comb += terms[part].eq(self.stage.values[part] * word)
            m.d.comb += [
                self.stage.before[lane].eq(total),
                after.eq(self._wrapped(lane, sum(terms, total))),
            ]
            m.d.sync += total.eq(Mux(taken & beat.last, 0, after))
        with m.If(taken):
            m.d.sync += self.begun.eq(~beat.last)
        with m.If(taken & beat.last):
            m.d.sync += group.eq(Mux(final, 0, group + 1))

    def _wrapped(self, lane: int, sum_: Any) -> Value:
        """A lane's sum in the bits that it has."""
        p = self._p
        shape = signed(p.sum_bits)
        if self._kept is not None:
            shape = self._kept.shape if lane == p.lanes else unsigned(p.lane_bits)
        wrapped = sum_[: shape.width]
        return wrapped.as_signed() if shape.signed else wrapped

    def later(self, m: Module, newer: Any, name: str) -> Any:
        """A stage a clock behind another; asserts how their sums belong together.

        Parameters
        ----------
        m : Module
            Gets it.
        newer : View of `StageLayout`
            The other.
        name : str
            Name of the signal.
        """
        p = self._p
        stage: Any = Signal(StageLayout(p), name=name)
        m.d.sync += stage.eq(newer)
        m.d.comb += Assert(stage.valid | ~stage.values.as_value().any())
        if self._kept is not None:
            for term, value in zip(stage.terms[p.lanes], stage.values, strict=True):
                m.d.comb += Assert(term == value * self._kept.factor)
        for lane in self.lanes:
            terms, after = list(stage.terms[lane]), stage.after[lane]
            m.d.comb += [
                when(~stage.valid, *(term == 0 for term in terms)),
                Assert(after == self._wrapped(lane, sum(terms, stage.before[lane]))),
                Assert(newer.before[lane] == Mux(stage.valid & stage.last, 0, after)),
            ]
        return stage

    def check(self, m: Module, valid: Value, sums: Any) -> None:
        """Assert that sums, a view of a `sum_layout`, are those that leave next, if any do."""
        p, queue, kept = self._p, self.queue, self._kept
        m.d.comb += when(valid, sums.last == (queue.final[0] & queue.ends))
        for number in range(p.neurons_per_clock):
            lane = queue.column + number
            expected = pick(queue.sums[0], lane)
            if p.levels is not None and kept is not None:
                lowest = queue.sums[0][p.lanes] * (p.levels.lowest // kept.factor)
                expected = (expected * p.levels.step + lowest)[: p.sum_bits].as_signed()
            m.d.comb += when(valid & (lane < queue.count), sums.sums[number] == expected)

    def _place(self, column: Value) -> dict[str, Value]:
        """Return the place of a column's words in a part."""
        p = self._p
        lanes = [number % p.lanes for number in range(p.columns)]
        return {
            "base": pick((c // p.lanes * p.part_rows for c in range(p.columns)), column),
            "bank": pick((lane // p.bank_lanes for lane in lanes), column),
            "lane": pick((lane % p.bank_lanes for lane in lanes), column),
        }

    def place(self, m: Module, written: Any) -> Any:
        """A word of `written` as `allspin.hdl.crossbar.cell_placer.place_layout` has it."""
        p = self._p
        place: Any = Signal(place_layout(p), name="model_place")
        at, rows = self._place(written.column), range(p.rows + 1)
        m.d.comb += [
            place.part.eq(pick((row % p.rows_per_clock for row in rows), written.row)),
            place.bank.eq(at["bank"]),
            place.lane.eq(at["lane"]),
            place.address.eq(
                at["base"] + pick((row // p.rows_per_clock for row in rows), written.row)
            ),
            place.word.eq(written.word),
        ]
        return place

    def check_words(
        self,
        m: Module,
        inside: Opened,
        line: Callable[[int, int, int], Value],
        *,
        late: bool = False,
    ) -> None:
        """Assert that the memories hold the words, and that the CellPlacer is where it should be.

        Parameters
        ----------
        m : Module
            Gets the assertions.
        inside : Opened
            The crossbar.
        line : callable
            Content of a memory, by its part, its number and the address.
        late : bool
            True if words come to the CellPlacer a clock late.
        """
        p = self._p
        row, column = later(m, self._row, int(late)), later(m, self._column, int(late))
        m.d.comb += [
            Assert(row <= p.rows),
            Assert(column < p.columns),
            [
                Assert(inside[f"memory.placer.next_{name}"] == value)
                for name, value in {"row": row, "column": column, **self._place(column)}.items()
            ],
        ]
        for r, words in enumerate(self._words):
            part_row, part = divmod(r, p.rows_per_clock)
            for c, word in enumerate(words):
                group, lane = divmod(c, p.lanes)
                bank, place = divmod(lane, p.bank_lanes)
                stored = line(part, bank, group * p.part_rows + part_row)
                m.d.comb += Assert(word_in(stored, place, p) == word)


class Departures:
    """Beats of sums on their way to the Reservation behind the columns of an ECP5.

    Parameters
    ----------
    m : Module
        Gets the claims.
    inside : Opened
        The block.
    columns : str
        Prefix of the names of the columns' signals.
    parameters : CrossbarParameters
        Parameters of the crossbar.
    reservation : Waiting
        Destination of the sums.
    queue : SumQueue
        The sums that wait.
    deep : int
        Clocks from a beat to its sums.

    Attributes
    ----------
    age : Signal
        Clocks since a reset, up to `deep`: registers without a reset keep old values until as many
        clocks have passed as they are deep.
    closing : Value
        A pass's last beat is on its way, as far as `follow` has been told.
    """

    def __init__(
        self,
        m: Module,
        inside: Opened,
        columns: str,
        parameters: CrossbarParameters,
        reservation: Waiting,
        queue: SumQueue,
        deep: int,
    ) -> None:
        self._m, self._inside, self._columns = m, inside, columns
        self._p, self._reservation, self._queue = parameters, reservation, queue
        names = ("busy", "left", "promised")
        self.busy, self.left, self.promised = (inside[f"{columns}departure.{n}"] for n in names)
        self._remain, self._set_out = reservation.check(m)
        self._deep = deep
        self.age = age = Signal(range(deep + 1), name="age")
        self._draining = (self.left != 0) | self._set_out[1] | self._set_out[2]
        self.closing: Value = Const(0)
        m.d.sync += age.eq(Mux(age == deep, age, age + 1))
        m.d.comb += [Assert(age <= deep), Assert(~self._draining | (age == deep))]

    def follow(self, clock: int, ends: Value, final: Value, afters: list[Value]) -> None:
        """Assert the claims of a pass's last beat, some clocks after it came.

        The sums of the pass before will have left the shadow, and `afters` are the pass's sums.
        """
        queue, draining, left = self._queue, self._draining, self.left
        self._m.d.comb += when(
            ends,
            ~self.closing & self.busy,
            left <= max(0, self._deep - 1 - clock) * self._p.neurons_per_clock,
            (left == 0) | self.promised,
            final == Mux(draining, queue.final[1], queue.final[0]),
            *([~self._set_out[1]] if clock == self._deep else []),
            *(
                after == Mux(draining, queue.sums[1][lane], queue.sums[0][lane])
                for lane, after in enumerate(afters)
            ),
        )
        self.closing = self.closing | ends

    def close(self) -> None:
        """Assert the content of the shadow, and the sums of it that have set out, when all beats
        are followed."""
        p, inside, queue, closing = self._p, self._inside, self._queue, self.closing
        deep, age, left, draining = self._deep, self.age, self.left, self._draining
        busy, promised, set_out = self.busy, self.promised, self._set_out
        column, count, final, step = queue.column, queue.count, queue.final[0], p.neurons_per_clock
        ahead, at = self._reservation.ahead, self._columns
        sums = f"{at}accumulators."
        flush, leaves = inside[f"{at}flush"], range(-(-p.lanes // 4))
        turns = [inside[f"{at}last_{clock}"] | (age < clock) for clock in (deep - 1, deep)]
        out = [column + step * set_out[2], column + step * (set_out[2] + set_out[1])]
        [last] = (each for each in inside.named(f"{at}last") if len(each) == 2)
        arrives = self._reservation.arrives
        [under_way] = (each for each in inside.named(f"{at}arrives") if each is not arrives)
        self._m.d.comb += [
            Assert(flush == (Const(2 ** len(flush) - 1) << age)[: len(flush)]),
            when(
                age >= 1,
                inside[f"{sums}turn_branch_0"] == turns[0],
                inside[f"{sums}shift_branch_0"] == set_out[1],
            ),
            when(age >= 2, *(inside[f"{sums}turn_leaf_0_{leaf}"] == turns[1] for leaf in leaves)),
            when(
                age >= 2, *(inside[f"{sums}shift_leaf_0_{leaf}"] == set_out[2] for leaf in leaves)
            ),
            Assert(queue.waiting == draining + closing),
            Assert(~closing | (column == 0) | draining),
            Assert(~busy | closing | ((left != 0) & ~promised)),
            Assert(busy | (left == 0) | (promised & (left <= ahead * step))),
            Assert(~promised | ((left != 0) & (left <= self._remain * step))),
            Assert(~set_out[2] | (last[1] == (final & (column + step >= count)))),
            Assert(~set_out[1] | (last[0] == (final & (out[0] + step >= count)))),
            Assert(~set_out[1] | (out[0] < count)),
            Assert(under_way == Cat(set_out[1], set_out[2])),
            when(draining, left == Mux(out[1] < count, count - out[1], 0)),
            when(left != 0, inside[f"{at}departure.image_ends"] == final),
        ]
        check_shadow(self._m, inside, sums, p, queue, lambda at: draining & (at < count))


def check_shadow(
    m: Module,
    inside: Opened,
    accumulators: str,
    parameters: CrossbarParameters,
    queue: SumQueue,
    still: Callable[[int], Value],
) -> None:
    """Assert that the shadow has the oldest sums, moved on by those that have left.

    `still` says whether the sum of a lane at the beginning is in it.
    """
    p = parameters
    for lane in range(p.lanes):
        for out in range(0, p.lanes - lane, p.neurons_per_clock):
            m.d.comb += when(
                (queue.column == out) & still(out + lane),
                inside[f"{accumulators}shadow_{lane}"] == queue.sums[0][out + lane],
            )
