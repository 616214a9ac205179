"""What a crossbar does, said as behaviour: what its proofs hold it against."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from amaranth.hdl import (
    Array,
    Assert,
    Assume,
    Cat,
    Module,
    Mux,
    Shape,
    Signal,
    Value,
    signed,
    unsigned,
)
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.crossbar import ReplayLayout
from allspin.hdl.crossbar.placers import PlaceLayout
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.stream.layouts import EventLayout

# What passes through a crossbar: passes from outside, kept states, and a beat on its way.


class Passes(wiring.Component):
    """In place of a `allspin.hdl.crossbar.crossbar.Replay`: passes that are driven from outside.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.

    Attributes
    ----------
    events : In(stream)
        Not used.
    passes : Out(stream)
        `ReplayLayout`: of `valid`, `beat` and `group`, which are signals.
    """

    events: stream.Interface
    passes: stream.Interface

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(
            {
                "events": In(stream.Signature(EventLayout(parameters))),
                "passes": Out(stream.Signature(ReplayLayout(parameters))),
            }
        )
        self.valid = Signal()
        self.beat = Signal(EventLayout(parameters))
        self.group = Signal.like(self.passes.payload.group)

    def elaborate(self, platform: object) -> Module:
        """Join them."""
        m = Module()
        m.d.comb += [
            self.passes.valid.eq(self.valid),
            self.passes.payload.beat.eq(self.beat),
            self.passes.payload.group.eq(self.group),
        ]
        return m


@dataclass(frozen=True)
class Kept:
    """Where states are kept: which, and what is summed besides.

    Attributes
    ----------
    stored : callable
        The state of a row and a column.
    factor : int
        What the values are multiplied by, 1 or the lowest level.
    shape : Shape
        Of their sum.
    """

    stored: Callable[[int, int], Value]
    factor: int
    shape: Shape


def sum_shape(parameters: CrossbarParameters) -> Shape:
    """Of a sum over words, or wide enough for one over states."""
    if parameters.levels is None:
        return signed(parameters.sum_bits)
    return signed(max(parameters.sum_bits, parameters.lane_bits) + 1)


class StageLayout(data.StructLayout):
    """A clock's beat on its way through a crossbar.

    Members
    -------
    valid, last, final : 1 bit each
        There is one; it ends its pass; the pass is its image's last.
    values, lines : array of parts
        What is driven, and which line of the part's memories.
    terms : array of lanes, of parts
        What it adds to each lane's sum; 0 without a beat. Where states are kept, there is one lane
        more, as if each of its words were `Kept.factor`.
    before, after : array of lanes
        The sums of its pass before it and with it.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = parameters
        sum_, lanes = sum_shape(p), p.lanes + p.keeps_states
        lines = range(p.lines)
        super().__init__(
            {
                "valid": 1,
                "last": 1,
                "final": 1,
                "values": data.ArrayLayout(p.value_bits, p.rows_per_clock),
                "lines": data.ArrayLayout(lines, p.rows_per_clock),
                "terms": data.ArrayLayout(data.ArrayLayout(sum_, p.rows_per_clock), lanes),
                "before": data.ArrayLayout(sum_, lanes),
                "after": data.ArrayLayout(sum_, lanes),
            }
        )


def word_in(line: Value, place: int, parameters: CrossbarParameters) -> Value:
    """A word, or a state, of a memory's line."""
    p = parameters
    found = line.word_select(place, p.word_bits)
    return found if p.keeps_states else found.as_signed()


def stored_states(
    parameters: CrossbarParameters, line: Callable[[int, int, int], Value]
) -> Callable[[int, int], Value]:
    """The state of a row and a column.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.
    line : callable
        As of `CrossbarModel.check_words`.
    """
    p = parameters

    def stored(row: int, column: int) -> Value:
        part_row, part = divmod(row, p.rows_per_clock)
        group, lane = divmod(column, p.lanes)
        bank, place = divmod(lane, p.bank_lanes)
        return word_in(line(part, bank, group * p.part_rows + part_row), place, p)

    return stored


class CrossbarModel:
    """Words as they are stored, and each pass's sums in the clock in which its last beat is taken.

    Lines of states are stored as `allspin.hdl.crossbar.placers.LinePlacer` gives them,
    which is proved by itself: the model takes what is in the memories for what is stored.

    Parameters
    ----------
    m : Module
        Gets the model, and the assumptions on which a crossbar relies: only rows that exist are
        driven, and no word is written while an image is under way, or driven before it is there.
    parameters : CrossbarParameters
        Of the crossbar.
    cells : stream
        Its port.
    taken : Value
        A beat is taken in this clock.
    beat : View of `EventLayout`
        Which.
    leaves : Value
        A beat of sums leaves in this clock.
    places : int
        Passes whose sums may wait.
    kept : Kept, optional
        Where states are kept.

    Attributes
    ----------
    lanes : range
        Those of the crossbar, and that of the values alone where states are kept.
    pending : list of Value
        Where states are kept: whether a word came so many clocks ago.
    group : Signal
        The group of columns that the pass that comes computes.
    begun : Signal
        A beat of it has come.
    stage : View of `StageLayout`
        The beat that is taken.
    writing : Value
        Words are on their way.
    written : list of View
        Which, where they are not states, newest first: ``valid``, ``row``, ``column`` and ``word``.
    waiting : Signal
        How many passes' sums wait.
    sums : list of list of Signal
        Pass by pass, oldest first, lane by lane.
    final : list of Signal
        Whether the pass is its image's last.
    count : list of Value
        How many sums it has.
    column : Signal
        Lane whose sum of the oldest leaves next.
    """

    def __init__(
        self,
        m: Module,
        parameters: CrossbarParameters,
        *,
        cells: Any,
        taken: Value,
        beat: Any,
        leaves: Value,
        places: int,
        kept: Kept | None = None,
    ) -> None:
        self._p = p = parameters
        self.lanes = range(p.lanes + p.keeps_states)
        self._kept = kept
        if kept is None:
            self._store(m, cells)
        else:
            self._words = [
                [kept.stored(row, column) for column in range(p.columns)] for row in range(p.rows)
            ]
            later = (Signal(name=f"model_pending_{clock}") for clock in range(1, p.write_clocks))
            self.pending: list[Value] = [cells.valid, *later]
            m.d.sync += [two.eq(one) for one, two in pairwise(self.pending)]
            self.writing = Cat(self.pending).any()
        self._add(m, taken, beat)
        self._queue(m, leaves, places)
        m.d.comb += [
            Assume(~cells.valid | ~(self.begun | (self.group != 0) | (self.waiting != 0))),
            Assume(~taken | ~self.writing),
        ]
        for part in range(p.rows_per_clock):
            slot = beat.slots[part]
            exists = slot.row * p.rows_per_clock + part < p.rows
            m.d.comb += Assume(~taken | exists | (slot.value == 0))

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
        m.d.comb += [
            Assume(~cells.valid | (here_row < p.rows)),
            Assert(row <= p.rows),
            Assert(column < p.columns),
        ]
        with m.If(cells.valid):
            m.d.sync += [row.eq(here_row + ends), column.eq(Mux(ends, 0, here_column + 1))]

        word = Signal(
            data.StructLayout(
                {
                    "valid": 1,
                    "row": row.shape(),
                    "column": column.shape(),
                    "word": cell.word.shape(),
                }
            ),
            name="model_written_0",
        )
        m.d.comb += [
            word.valid.eq(cells.valid),
            word.row.eq(here_row),
            word.column.eq(here_column),
            word.word.eq(cell.word),
        ]
        self.writing: Value = word.valid
        self.written = [word]
        for clock in range(1, p.write_clocks):
            newer, word = word, Signal.like(word, name=f"model_written_{clock}")
            m.d.sync += word.eq(newer)
            m.d.comb += Assert(~word.valid | ((word.row < p.rows) & (word.column < p.columns)))
            self.writing = self.writing | word.valid
            self.written.append(word)
        for r, words in enumerate(self._words):
            for c, stored in enumerate(words):
                with m.If(word.valid & (word.row == r) & (word.column == c)):
                    m.d.sync += stored.eq(word.word)

    def _add(self, m: Module, taken: Value, beat: Any) -> None:
        """Each beat is added at once."""
        p = self._p
        self.group = Signal(range(max(p.passes, 2)), name="model_group")
        self.begun = Signal(name="model_begun")
        self.stage: Any = Signal(StageLayout(p), name="model_stage")
        final = self.group == p.passes - 1
        m.d.comb += [
            self.stage.valid.eq(taken),
            self.stage.last.eq(beat.last),
            self.stage.final.eq(final),
            Assert(self.group < p.passes),
        ]
        for part in range(p.rows_per_clock):
            slot = beat.slots[part]
            m.d.comb += [
                self.stage.values[part].eq(Mux(taken, slot.value, 0)),
                self.stage.lines[part].eq(self.group * p.part_rows + slot.row),
            ]
        for lane in self.lanes:
            total = Signal(sum_shape(p), name=f"model_total_{lane}")
            terms = self.stage.terms[lane]
            added: Value = total
            for part in range(p.rows_per_clock):
                slot = beat.slots[part]
                words = Array(
                    Array(
                        own[min(column, p.columns - 1)]
                        for own in self._words[part :: p.rows_per_clock]
                    )
                    for column in range(lane, p.passes * p.lanes, p.lanes)
                )
                word: Value | int = words[self.group][slot.row]
                if self._kept is not None and lane == p.lanes:
                    word = self._kept.factor
                m.d.comb += terms[part].eq(self.stage.values[part] * word)
                added = added + terms[part]
            m.d.comb += [
                self.stage.before[lane].eq(total),
                self.stage.after[lane].eq(self._wrapped(lane, added)),
            ]
            m.d.sync += total.eq(Mux(taken & beat.last, 0, self.stage.after[lane]))
        with m.If(taken):
            m.d.sync += self.begun.eq(~beat.last)
        with m.If(taken & beat.last):
            m.d.sync += self.group.eq(Mux(final, 0, self.group + 1))

    def _wrapped(self, lane: int, sum_: Value) -> Value:
        """A lane's sum in the bits that it has."""
        p = self._p
        if self._kept is None:
            return sum_[: p.sum_bits].as_signed()
        shape = self._kept.shape if lane == p.lanes else unsigned(p.lane_bits)
        wrapped = sum_[: shape.width]
        return wrapped.as_signed() if shape.signed else wrapped

    def _queue(self, m: Module, leaves: Value, places: int) -> None:
        """Sums wait until they leave, the oldest pass's first."""
        p = self._p
        self.waiting = Signal(range(places + 1), name="model_waiting")
        self.column = Signal(range(p.lanes + p.neurons_per_clock), name="model_leaving")
        self.sums = [
            [Signal(sum_shape(p), name=f"model_sum_{place}_{lane}") for lane in self.lanes]
            for place in range(places)
        ]
        self.final = [Signal(name=f"model_final_{place}") for place in range(places)]
        self.count = [
            Mux(final, p.columns - (p.passes - 1) * p.lanes, p.lanes) for final in self.final
        ]
        comes = self.stage.valid & self.stage.last
        gone = leaves & (self.column + p.neurons_per_clock >= self.count[0])
        remain = Signal.like(self.waiting, name="model_remain")
        m.d.comb += [
            remain.eq(self.waiting - gone),
            Assert(~leaves | (self.waiting != 0)),
            Assert(~comes | (remain < places)),
            Assert(self.waiting <= places),
            Assert(self.column < self.count[0]),
            Assert((self.column & (p.neurons_per_clock - 1)) == 0),
            Assert((self.waiting != 0) | (self.column == 0)),
        ]
        m.d.sync += self.waiting.eq(remain + comes)
        with m.If(leaves):
            m.d.sync += self.column.eq(Mux(gone, 0, self.column + p.neurons_per_clock))
        for place, (sums, final) in enumerate(zip(self.sums, self.final, strict=True)):
            with m.If(comes & (remain == place)):
                m.d.sync += final.eq(self.stage.final)
                m.d.sync += [one.eq(self.stage.after[lane]) for lane, one in enumerate(sums)]
            if place + 1 < places:
                with m.Elif(gone):
                    m.d.sync += final.eq(self.final[place + 1])
                    m.d.sync += [
                        one.eq(other) for one, other in zip(sums, self.sums[place + 1], strict=True)
                    ]

    def later(self, m: Module, newer: Any, name: str) -> Any:
        """A stage a clock behind another; asserts how their sums belong together.

        Parameters
        ----------
        m : Module
            Gets it.
        newer : View of `StageLayout`
            The other.
        name : str
            Of the signal.
        """
        p = self._p
        stage: Any = Signal(StageLayout(p), name=name)
        m.d.sync += stage.eq(newer)
        m.d.comb += Assert(stage.valid | ~stage.values.as_value().any())
        if self._kept is not None:
            for term, value in zip(stage.terms[p.lanes], stage.values, strict=True):
                m.d.comb += Assert(term == value * self._kept.factor)
        for lane in self.lanes:
            after: Value = stage.before[lane]
            for part in range(p.rows_per_clock):
                after = after + stage.terms[lane][part]
                m.d.comb += Assert(stage.valid | (stage.terms[lane][part] == 0))
            m.d.comb += [
                Assert(stage.after[lane] == self._wrapped(lane, after)),
                Assert(newer.before[lane] == Mux(stage.valid & stage.last, 0, stage.after[lane])),
            ]
        return stage

    def check(self, m: Module, sums: Any) -> None:
        """Assert that sums, a view of a `SumLayout`, are those that leave next."""
        p = self._p
        ends = self.column + p.neurons_per_clock >= self.count[0]
        m.d.comb += Assert(sums.last == (self.final[0] & ends))
        for number in range(p.neurons_per_clock):
            lane = self.column + number
            with m.If(lane < self.count[0]):
                expected = Array(self.sums[0])[lane]
                if p.levels is not None and self._kept is not None:
                    lowest = self.sums[0][p.lanes] * (p.levels.lowest // self._kept.factor)
                    expected = (expected * p.levels.step + lowest)[: p.sum_bits].as_signed()
                m.d.comb += Assert(sums.sums[number] == expected)

    def _place(self, column: Value) -> dict[str, Value]:
        """Where a column's words are in a part."""
        p = self._p
        lanes = [number % p.lanes for number in range(p.columns)]
        return {
            "base": Array(c // p.lanes * p.part_rows for c in range(p.columns))[column],
            "bank": Array(lane // p.bank_lanes for lane in lanes)[column],
            "lane": Array(lane % p.bank_lanes for lane in lanes)[column],
        }

    def place(self, m: Module, written: Any) -> Any:
        """A word of `written` as `allspin.hdl.crossbar.placers.PlaceLayout` has it."""
        p = self._p
        place: Any = Signal(PlaceLayout(p), name="model_place")
        at = self._place(written.column)
        rows = range(p.rows + 1)
        m.d.comb += [
            place.part.eq(Array(row % p.rows_per_clock for row in rows)[written.row]),
            place.bank.eq(at["bank"]),
            place.lane.eq(at["lane"]),
            place.address.eq(
                at["base"] + Array(row // p.rows_per_clock for row in rows)[written.row]
            ),
            place.word.eq(written.word),
        ]
        return place

    def check_words(
        self,
        m: Module,
        following: Callable[[str], Value],
        line: Callable[[int, int, int], Value],
        *,
        late: bool = False,
    ) -> None:
        """Assert that the memories hold the words, and that the CellPlacer is where it should be.

        Parameters
        ----------
        m : Module
            Gets the assertions.
        following : callable
            The place of the next word: ``row``, ``column``, ``base``, ``bank`` or ``lane``.
        line : callable
            What is in a memory, by its part, its number and the address.
        late : bool
            Whether words come to the CellPlacer a clock late.
        """
        p = self._p
        row, column = self._row, self._column
        if late:
            row, column = Signal.like(row), Signal.like(column)
            m.d.sync += [row.eq(self._row), column.eq(self._column)]
            m.d.comb += [Assert(row <= p.rows), Assert(column < p.columns)]
        for name, value in {"row": row, "column": column, **self._place(column)}.items():
            m.d.comb += Assert(following(name) == value)
        for row, words in enumerate(self._words):
            part_row, part = divmod(row, p.rows_per_clock)
            for column, word in enumerate(words):
                group, lane = divmod(column, p.lanes)
                bank, place = divmod(lane, p.bank_lanes)
                stored = line(part, bank, group * p.part_rows + part_row)
                m.d.comb += Assert(word_in(stored, place, p) == word)
