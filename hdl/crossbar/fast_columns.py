"""Columns of a crossbar at an ECP5's speed.

The way between two registers has at most one block RAM, one carry chain, or one hop across the
chip. A signal with many destinations goes through a tree of registers.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.columns import added_layout, build_ends, lane_shape
from allspin.hdl.crossbar.conversions import FastConversions
from allspin.hdl.crossbar.crossbar import Columns
from allspin.hdl.crossbar.departure import Departure, PipelinedDeparture
from allspin.hdl.crossbar.lane import Driven, Lane, driven_term
from allspin.hdl.crossbar.level_sums import LevelSums
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.buffers import Reservation
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_chains import add_or_start
from allspin.hdl.stream.ecp5_copies import LANES_PER_LEAF, tree
from allspin.hdl.stream.layouts import sum_layout
from allspin.hdl.stream.registers import RegisterSlice, later

DRAIN_DEPTH = 16
"""Beats of sums that may wait behind the crossbar.

While sums leave as fast as they can, some seven are on their way or not yet counted as gone, and
the credits must suffice for as many as leave between a last beat and its sums in the shadow
(`Departure`).
"""
TILED_DRAIN_DEPTH = 32
"""The same where tiles are converted, which takes longer."""
CREDIT_CLOCKS = 8
"""Clocks from an arriving sum to the credit of its place, at most, and the delay `LATE`."""


class FastAccumulators(Component):
    """Sum of each lane, and its shadow, with a tree of registers to all lanes.

    Where states stand for R_AH words, the values have a sum like a lane's.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = self._parameters = parameters
        leaving = lane_shape(p) if p.keeps_states else signed(p.sum_bits)
        super().__init__(
            {
                # `added_layout` and the sum of the values; 0 in a clock without a term.
                "terms": In(added_layout(p)),
                "driven": In(driven_term(p)),
                # Two clocks later the shadow takes the sums over, and new ones start.
                "turns": In(1),
                # Two clocks later the sums that leave then have left.
                "shifts": In(1),
                # Sums of the shadow that leave next.
                "sums": Out(data.ArrayLayout(leaving, p.neurons_per_clock)),
                # The sum of the values that belongs to them.
                "all_driven": Out(p.most_driven.bit_length()),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the sums."""
        p = self._parameters
        step = p.neurons_per_clock
        leaves = -(-p.lanes // LANES_PER_LEAF)
        turns = tree(m, platform, self.turns, leaves, "turn")
        shifts = tree(m, platform, self.shifts, leaves, "shift")
        width = lane_shape(p)
        sums = [Signal(width, name=f"sum_{lane}", reset_less=True) for lane in range(p.lanes)]
        shadow = [Signal(width, name=f"shadow_{lane}", reset_less=True) for lane in range(p.lanes)]
        for lane in range(p.lanes):
            turn = turns[lane // LANES_PER_LEAF]
            shift = shifts[lane // LANES_PER_LEAF]
            total = add_or_start(m, platform, self.terms[lane], sums[lane], turn, f"total_{lane}")
            m.d.sync += sums[lane].eq(total)
            following = shadow[lane + step] if lane + step < p.lanes else shadow[lane]
            with m.If(turn | shift):
                m.d.sync += shadow[lane].eq(Mux(turn, sums[lane], following))
        leaving: list[Value] = [*shadow[:step]]
        if p.tiling is not None:
            leaving = [one << p.tiling.shift for one in leaving]
        m.d.comb += [self.sums[number].eq(one) for number, one in enumerate(leaving)]
        if p.keeps_states:
            sum_ = Signal.like(self.all_driven, name="sum_driven", reset_less=True)
            held = Signal.like(self.all_driven, name="shadow_driven", reset_less=True)
            m.d.sync += sum_.eq(
                add_or_start(m, platform, self.driven, sum_, turns[0], "total_driven")
            )
            with m.If(turns[0]):
                m.d.sync += held.eq(sum_)
            m.d.comb += self.all_driven.eq(held)


class FastColumns(Columns):
    """Columns for an ECP5's clock, with a queue of sums behind them.

    Where states stand for R_AH words, `LevelSums` adds up to three clocks to the way.

    Where columns are read tile by tile, the sum arrives three clocks later still.

    A pass's last beat waits until the sums of the one before have left, or are sure to
    leave in time; where the departure is pipelined, only as long as these take to leave.

    Throughput: one beat per cycle; latency up to 15, 3 more where states stand for words or columns
    are read tile by tile.
    """

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        beat = self.passes.payload
        taken = Signal()
        taken_last = Signal()
        m.d.comb += [
            taken.eq(self.passes.valid & self.passes.ready),
            taken_last.eq(taken & beat.last),
        ]

        # A clock without a beat adds 0.
        values: list[Value] = [Mux(taken, beat.values[part], 0) for part in range(p.rows_per_clock)]
        m.submodules.accumulators = accumulators = FastAccumulators(p)
        lanes = self._build_lanes(m, platform, values, accumulators.driven)
        term_clock = self._clocks + lanes[0].clocks
        terms = accumulators.terms
        if p.tiling is not None:
            terms, term_clock = self._build_tiles(m, accumulators.terms, term_clock)
        m.d.comb += [terms[k].eq(lane.term) for k, lane in enumerate(lanes)]

        # The flag of a last beat follows its products; where they are in the sums, the
        # shadow takes these over while the next beat starts new ones.
        flags: list[tuple[Value, Value]] = [(taken_last, beat.final)]
        for clock in range(1, term_clock + 2):
            flag = Signal(name=f"last_{clock}"), Signal(name=f"final_{clock}")
            m.d.sync += [one.eq(two) for one, two in zip(flag, flags[-1], strict=True)]
            flags.append(flag)
        # The products' registers have no reset, so terms under way flow out behind one.
        flush = Signal(term_clock - 1, init=2 ** (term_clock - 1) - 1)
        m.d.sync += flush.eq(flush << 1)

        level_sums = LevelSums(p) if p.keeps_states else None
        way = 2 + (level_sums.clocks if level_sums else 0)
        told = term_clock + 1
        ahead = term_clock
        depth = DRAIN_DEPTH if p.tiling is None else TILED_DRAIN_DEPTH
        if p.pipelined:
            told = 0
            ahead = p.drains[0]
            # Places for all that are under way, and for another pass's sums.
            depth = 1 << (ahead + term_clock + way + CREDIT_CLOCKS).bit_length()
        departure: Any = (PipelinedDeparture if p.pipelined else Departure)(p, term_clock)
        m.submodules.departure = departure
        m.submodules.reservation = reservation = Reservation(
            sum_layout(p), depth, ahead=ahead, distributed=True
        )
        sums: Any = accumulators.sums
        if level_sums:
            m.submodules.level_sums = level_sums
            m.d.comb += [level_sums.states.eq(sums), level_sums.driven.eq(accumulators.all_driven)]
            sums = level_sums.sums
        # Beside the tree, with a reset: a beat under way at a reset must not arrive.
        arrives = Signal(way)
        last = Signal(way)
        m.d.sync += [
            arrives.eq((arrives << 1) | departure.sets_out),
            last.eq((last << 1) | departure.last),
        ]
        m.d.comb += [
            self.passes.ready.eq(~beat.last | ~departure.busy),
            # The tree adds two clocks: its leaves are of clock term_clock + 1.
            accumulators.turns.eq(flags[term_clock - 1][0] | flush[-1]),
            accumulators.shifts.eq(departure.sets_out),
            departure.begins.eq(taken_last),
            departure.ends.eq(flags[told][0]),
            departure.final.eq(flags[told][1]),
            departure.credit.eq(reservation.credit),
            departure.credits_ahead.eq(reservation.credits_ahead),
            reservation.taken.eq(departure.taken if p.pipelined else departure.sets_out),
            reservation.arrives.eq(arrives[-1]),
            reservation.payload.sums.eq(sums),
            reservation.payload.last.eq(last[-1]),
        ]
        # The reader of the sums is far from the queue.
        m.submodules.near = near = RegisterSlice(sum_layout(p), every_clock=True)
        wiring.connect(m, reservation.waiting, near.i)
        wiring.connect(m, near.o, wiring.flipped(self.sums))

    def _build_tiles(self, m: Module, conversions: data.View, clocks: int) -> tuple[data.View, int]:
        """Build the converters of tiles, between the lanes and their accumulators.

        Return the terms of the lanes, `clocks` behind their beats, and the distance of a pass's
        last conversion from its last beat.
        """
        p = self._parameters
        m.submodules.conversions = tiles = FastConversions(p)
        build_ends(m, p, self, tiles, clocks - 2)  # a tree adds two
        m.d.comb += conversions.eq(tiles.conversions)
        return tiles.terms, clocks - 1 + tiles.clocks

    def _build_lanes(
        self, m: Module, platform: Any, values: list[Value], all_driven: Signal
    ) -> list[Lane]:
        """Bring words and values together: words are in the lanes' registers a clock after they
        come.

        By then the values have passed a tree, whose leaves are near.
        """
        p = self._parameters
        lanes = [Lane(p) for _ in range(p.lanes)]
        leaves: list[list[Any]] = []
        for part, value in enumerate(values):
            value = later(m, value, f"value_{part}", self._clocks - 1)
            leaves.append(tree(m, platform, value, -(-p.lanes // LANES_PER_LEAF), f"value_{part}"))
            for number, lane in enumerate(lanes):
                m.d.comb += [
                    lane.words[part].eq(self.words[part][number]),
                    lane.values[part].eq(leaves[part][number // LANES_PER_LEAF]),
                ]
        for number, lane in enumerate(lanes):
            m.submodules[f"lane_{number}"] = lane
        if p.keeps_states:
            m.submodules.driven = driven = Driven(p, lanes[0].clocks - 1)
            m.d.comb += [
                *(driven.values[part].eq(leaf) for part, (leaf, *_) in enumerate(leaves)),
                all_driven.eq(driven.term),
            ]
        return lanes
