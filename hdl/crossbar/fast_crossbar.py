"""The crossbar for an ECP5's speed, equal to `allspin.hdl.crossbar.crossbar.Crossbar`.

Between any two registers there is no more than one block RAM, one carry chain, or one way
across the chip. What goes to many places goes through a tree of registers, and words to be
written pass from memory to memory.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.cell_placer import CellLayout, CellPlacer, PlaceLayout
from allspin.hdl.crossbar.replay import Replay
from allspin.hdl.parameters import CrossbarParameters
from allspin.hdl.stream.ecp5 import WordMemory, add_or_start, copies, times_digit
from allspin.hdl.stream.layouts import EventLayout, SumLayout
from allspin.hdl.stream.reservation import Reservation
from allspin.hdl.stream.slice import Slice
from allspin.hdl.target import MEMORIES_PER_HOP

MEMORIES_PER_ADDRESS = 8
"""Memories that a copy of the address drives."""
LEAVES = 5
"""Copies that a copy drives."""
DRAIN_DEPTH = 16
"""Beats of sums that wait behind the crossbar."""


def _tree(m: Module, platform: Any, value: Any, leaves: int, name: str) -> list[Any]:
    """Two registers in a row, the second in `leaves` copies."""
    branches = copies(m, platform, value, -(-leaves // LEAVES), f"{name}_branch")
    found = []
    for number, branch in enumerate(branches):
        count = min(LEAVES, leaves - number * LEAVES)
        found += copies(m, platform, branch, count, f"{name}_leaf_{number}")
    return found


class FastCrossbar(wiring.Component):
    """As `allspin.hdl.crossbar.crossbar.Crossbar`, with the same ports; only the clocks differ.

    An image's last beat waits until the sums of the one before have left, or are sure to
    leave in time.

    Parameters
    ----------
    parameters : CrossbarParameters
        Size and widths.

    Attributes
    ----------
    events, sums, cells
        As of `allspin.hdl.crossbar.crossbar.Crossbar`.
    """

    events: stream.Interface
    sums: stream.Interface
    cells: stream.Interface

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "events": In(stream.Signature(EventLayout(parameters))),
                "sums": Out(stream.Signature(SumLayout(parameters))),
                "cells": In(stream.Signature(CellLayout(parameters))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters

        # An event taken in clock 0 is in these registers in clock 1, its row in the
        # memories' address registers in clock 2, its words in fabric registers in clock 5.
        beat = Signal(EventLayout(p))
        incoming = Signal()
        taken = Signal()
        busy = Signal()  # no image may end
        group = Signal(range(max(p.passes, 2)))
        if p.passes == 1:
            m.d.comb += [
                incoming.eq(self.events.valid),
                self.events.ready.eq(~beat.last | ~busy),
                beat.eq(self.events.payload),
            ]
        else:
            m.submodules.replay = replay = Replay(p)
            wiring.connect(m, wiring.flipped(self.events), replay.events)
            m.d.comb += [
                incoming.eq(replay.passes.valid),
                replay.passes.ready.eq(~beat.last | ~busy),
                beat.eq(replay.passes.payload.beat),
                group.eq(replay.passes.payload.group),
            ]
        m.d.comb += taken.eq(incoming & (~beat.last | ~busy))
        base = Signal(range(p.lines))
        with m.Switch(group):
            for number in range(p.passes):
                with m.Case(number):
                    m.d.comb += base.eq(number * p.part_rows)

        memories: list[list[WordMemory]] = []
        leaf_values: list[list[Any]] = []
        leaves = -(-p.lanes // 4)
        for part in range(p.rows_per_clock):
            slot = beat.slots[part]
            address = Signal(range(p.lines), name=f"address_{part}", reset_less=True)
            value = Signal(p.value_bits, name=f"value_{part}", reset_less=True)
            held = Signal(p.value_bits, name=f"held_{part}", reset_less=True)
            later = Signal(p.value_bits, name=f"later_{part}", reset_less=True)
            with m.If(taken):
                m.d.sync += address.eq(base + slot.row)
            m.d.sync += [
                # A clock without an event adds nothing.
                value.eq(Mux(taken, slot.value, 0)),
                held.eq(value),
                later.eq(held),
            ]
            addresses = copies(
                m, platform, address, -(-p.banks // MEMORIES_PER_ADDRESS), f"address_{part}_copy"
            )
            own = []
            for number in range(p.banks):
                memory = WordMemory(p.lines, p.bank_lanes, p.rah_bits)
                m.submodules[f"part_{part}_bank_{number}"] = memory
                m.d.comb += memory.address.eq(addresses[number // MEMORIES_PER_ADDRESS])
                own.append(memory)
            memories.append(own)
            leaf_values.append(_tree(m, platform, later, leaves, f"value_{part}"))
        self._elaborate_write(m, platform, memories)

        lanes = [
            self._elaborate_lane(
                m,
                platform,
                lane,
                [
                    (memories[part][lane // p.bank_lanes].words[lane % p.bank_lanes])
                    for part in range(p.rows_per_clock)
                ],
                [leaf_values[part][lane // 4] for part in range(p.rows_per_clock)],
            )
            for lane in range(p.lanes)
        ]
        term_clock = lanes[0][1]

        # The flag of a last event follows its products; where they are in the sums, the
        # shadow takes these over while the next event starts new ones.
        flags = []
        flag: Value = taken & beat.last
        final: Value = group == p.passes - 1
        for clock in range(1, term_clock + 2):
            one = Signal(name=f"last_{clock}")
            two = Signal(name=f"final_{clock}")
            m.d.sync += [one.eq(flag), two.eq(final)]
            flags.append((one, two))
            flag, final = one, two
        # flags[k] is of clock k + 1; the tree adds two: its leaves are of clock term_clock + 1.
        # The products' registers have no reset, so what was under way flows out behind one.
        flush = Signal(term_clock - 1, init=2 ** (term_clock - 1) - 1)
        m.d.sync += flush.eq(flush << 1)
        turn_leaves = _tree(m, platform, flags[term_clock - 2][0] | flush[-1], leaves, "turn")
        self._elaborate_drain(
            m,
            platform,
            taken_last=taken & beat.last,
            ending=flags[term_clock][0],
            ending_final=flags[term_clock][1],
            busy=busy,
            turn_leaves=turn_leaves,
            terms=[term for term, _ in lanes],
            ahead=term_clock,
        )
        return m

    def _elaborate_lane(
        self, m: Module, platform: Any, lane: int, read: list[Any], values: list[Any]
    ) -> tuple[Value, int]:
        """What a column's rows add in one clock, and in which clock of its way that is there."""
        p = self._parameters
        clock = 5
        words = []
        for part, word in enumerate(read):
            register = Signal(signed(p.rah_bits), name=f"word_{part}_{lane}", reset_less=True)
            m.d.sync += register.eq(word)
            words.append(register)

        def registered(value: Value, name: str) -> Signal:
            register = Signal(value.shape(), name=f"{name}_{lane}", reset_less=True)
            m.d.sync += register.eq(value)
            return register

        # Digits of two bits of the values: first the parts' products for each digit.
        digits = []
        for low in range(0, p.value_bits, 2):
            digits.append(
                [
                    registered(
                        times_digit(
                            m, platform, word, value[low : low + 2], f"chain_{part}_{low}_{lane}"
                        ),
                        f"product_{part}_{low}",
                    )
                    for part, (word, value) in enumerate(zip(words, values, strict=True))
                ]
            )
        clock += 1
        while len(digits[0]) > 1:
            digits = [
                [
                    registered(terms[k] + terms[k + 1], f"rows_{clock}_{number}_{k}")
                    for k in range(0, len(terms), 2)
                ]
                for number, terms in enumerate(digits)
            ]
            clock += 1
        terms = [terms[0] for terms in digits]
        spacing = 2
        while len(terms) > 1:
            following = [
                registered(terms[k] + (terms[k + 1] << spacing), f"digits_{clock}_{k}")
                for k in range(0, len(terms) - 1, 2)
            ]
            if len(terms) % 2:
                following.append(registered(terms[-1], f"digits_{clock}_rest"))
            terms = following
            spacing *= 2
            clock += 1
        return terms[0], clock

    def _elaborate_drain(
        self,
        m: Module,
        platform: Any,
        *,
        taken_last: Value,
        ending: Value,
        ending_final: Value,
        busy: Signal,
        turn_leaves: list[Any],
        terms: list[Value],
        ahead: int,
    ) -> None:
        """Accumulators, their shadow, and its way out."""
        p = self._parameters
        step = p.neurons_per_clock
        m.submodules.reservation = reservation = Reservation(
            SumLayout(p), DRAIN_DEPTH, ahead=ahead, distributed=True
        )
        left = Signal(range(p.lanes + 1))  # sums in the shadow that have not set out
        promised = Signal()  # the others are sure to
        image_ends = Signal()
        sets_out = Signal()
        m.d.comb += sets_out.eq((left != 0) & (reservation.open | promised))
        with m.If(sets_out):
            m.d.sync += left.eq(Mux(left > step, left - step, 0))
            with m.If(left <= step):
                m.d.sync += promised.eq(0)
                # There never was ample room, so the next sums have waited until now.
                with m.If(~promised):
                    m.d.sync += busy.eq(0)
        # Few are left, and there is room for them all: by the time that the next sums come
        # they are gone.
        with m.If((left != 0) & (left <= ahead * step) & reservation.ample & ~promised):
            m.d.sync += busy.eq(0)
            with m.If(~(sets_out & (left <= step))):
                m.d.sync += promised.eq(1)
        with m.If(ending):
            m.d.sync += [
                left.eq(Mux(ending_final, p.columns - (p.passes - 1) * p.lanes, p.lanes)),
                image_ends.eq(ending_final),
            ]
        with m.If(taken_last):
            m.d.sync += busy.eq(1)

        leaves = len(turn_leaves)
        shift_leaves = _tree(m, platform, sets_out, leaves, "shift")
        # Beside the tree, with a reset: what was under way then must not arrive.
        arrives = Signal(2)
        last = Signal(2)
        m.d.sync += [
            arrives.eq((arrives << 1) | sets_out),
            last.eq((last << 1) | ((left <= step) & image_ends)),
        ]

        width = signed(p.sum_bits)
        sums = [Signal(width, name=f"sum_{lane}", reset_less=True) for lane in range(p.lanes)]
        shadow = [Signal(width, name=f"shadow_{lane}", reset_less=True) for lane in range(p.lanes)]
        for lane in range(p.lanes):
            turn, shift = turn_leaves[lane // 4], shift_leaves[lane // 4]
            total = add_or_start(m, platform, terms[lane], sums[lane], turn, f"total_{lane}")
            m.d.sync += sums[lane].eq(total)
            following = shadow[lane + step] if lane + step < p.lanes else shadow[lane]
            with m.If(turn | shift):
                m.d.sync += shadow[lane].eq(Mux(turn, sums[lane], following))
        m.d.comb += [
            reservation.taken.eq(sets_out),
            reservation.arrives.eq(arrives[-1]),
            reservation.payload.last.eq(last[-1]),
        ]
        for number in range(min(step, p.lanes)):
            m.d.comb += reservation.payload.sums[number].eq(shadow[number])
        # What takes the sums is far from where they wait.
        m.submodules.near = near = Slice(SumLayout(p), every_clock=True)
        wiring.connect(m, reservation.waiting, near.i)
        wiring.connect(m, near.o, wiring.flipped(self.sums))

    def _elaborate_write(self, m: Module, platform: Any, memories: list[list[WordMemory]]) -> None:
        """A bus of registers that passes all memories."""
        p = self._parameters
        m.submodules.placer = placer = CellPlacer(p)
        # A word comes from the link or the Programmer, both far away, and a sum of its row
        # would follow the way. A register of its own, since the converters have one of the same.
        [arrived] = copies(m, platform, self.cells.payload, 1, "arrived")
        arrives = Signal()
        m.d.sync += arrives.eq(self.cells.valid)
        m.d.comb += [
            self.cells.ready.eq(1),
            placer.cells.payload.eq(arrived),
            placer.cells.valid.eq(arrives),
        ]
        valid: Value = placer.valid
        place: data.View = placer.place
        every = [
            (part, number, memory)
            for part, own in enumerate(memories)
            for number, memory in enumerate(own)
        ]
        buses = []
        for hop in range(1 - (-len(every) // MEMORIES_PER_HOP)):
            first = hop * MEMORIES_PER_HOP
            bus = Signal(PlaceLayout(p), name=f"bus_{first}", reset_less=True)
            bus_valid = Signal(name=f"bus_valid_{first}")
            m.d.sync += [bus.eq(place), bus_valid.eq(valid)]
            valid, place = bus_valid, bus
            buses.append((valid, place))
        for position, (part, number, memory) in enumerate(every):
            hop = position // MEMORIES_PER_HOP
            valid, place = buses[hop]
            _, following = buses[hop + 1]
            here = valid & (place.part == part) & (place.bank == number)
            enable = Signal(p.bank_lanes, name=f"enable_{part}_{number}", reset_less=True)
            address = Signal.like(memory.write_address, name=f"write_{part}_{number}")
            word = Signal.like(memory.word, name=f"write_word_{part}_{number}")
            # Memories are all over the part, so whether one is meant is known in a register
            # beside it. What is to be written there is a hop further by then.
            m.d.sync += enable.eq(Mux(here, 1 << place.lane, 0))
            m.d.comb += [
                address.eq(following.address),
                word.eq(following.word),
                memory.write_enable.eq(enable),
                memory.write_address.eq(address),
                memory.word.eq(word),
            ]
