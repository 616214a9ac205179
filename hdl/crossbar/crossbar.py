"""The crossbar: rows drive, columns sum.

An event drives one row; `lanes` columns take part in each clock, each adding value times
the R_AH word at its cross point to its accumulator (Kirchhoff's voltage law along the
column's Hall terminals). A zero row costs nothing because it is never sent.

To drive several rows in one clock, the array is split into parts by row number modulo
`rows_per_clock`; each part has memories of its own and drives one row.
"""

from itertools import pairwise
from typing import Protocol

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.cell_placer import CellLayout, CellPlacer
from allspin.hdl.crossbar.multiplier import CONVERTER_MULTIPLIERS, Multiplier
from allspin.hdl.crossbar.replay import Replay
from allspin.hdl.parameters import CrossbarParameters
from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.layouts import EventLayout, SumLayout


class Cells(Protocol):
    """What keeps the R_AH words of a `Crossbar`: the gateware of a target's memory of cells.

    Attributes
    ----------
    clocks : int
        Clocks from a line's address to its words, at least one.
    """

    @property
    def clocks(self) -> int:
        """As above."""
        ...

    def words(self, m: Module, part: int, address: Signal, placer: CellPlacer) -> list[Value]:
        """Build the memories of a part of the array.

        Parameters
        ----------
        m : Module
            Gets them.
        part : int
            Which part.
        address : Signal
            Line to read.
        placer : CellPlacer
            Tells which word is to be written where.

        Returns
        -------
        list of Value
            The signed words of the line, a lane each, `clocks` later.
        """
        ...


class Banks:
    """Block RAM of any part, one for each few lanes.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.
    """

    clocks = 1

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters

    def words(self, m: Module, part: int, address: Signal, placer: CellPlacer) -> list[Value]:
        """As of `Cells`."""
        p = self._parameters
        place = placer.place
        words: list[Value] = []
        for number in range(p.banks):
            layout = data.ArrayLayout(signed(p.rah_bits), p.bank_lanes)
            bank = block_memory(layout, p.lines)
            m.submodules[f"part_{part}_bank_{number}"] = bank
            write = bank.write_port(granularity=1)
            chosen = placer.valid & (place.bank == number) & (place.part == part)
            m.d.comb += [
                write.addr.eq(place.address),
                write.en.eq(Mux(chosen, 1 << place.lane, 0)),
            ]
            m.d.comb += [write.data[lane].eq(place.word) for lane in range(p.bank_lanes)]
            read = bank.read_port(domain="comb")
            read_words = Signal(layout, name=f"read_words_{part}_{number}", reset_less=True)
            m.d.comb += read.addr.eq(address)
            m.d.sync += read_words.eq(read.data)
            words += [read_words[lane] for lane in range(p.bank_lanes)]
        return words[: p.lanes]


class Crossbar(wiring.Component):
    """An array of R_AH words with a row broadcast and column sums.

    One beat of events a clock with all lanes, else one every `passes` clocks. Sums come
    column by column, `neurons_per_clock` a clock, from a shadow of the accumulators, while
    the next image's rows are already driven; only an image's last beat waits until the
    shadow is free. The first sum is valid four clocks after an image's last beat was taken,
    with words that come a clock after their address; five with several rows per clock, and one
    less where the clock is slow.

    Parameters
    ----------
    parameters : CrossbarParameters
        Size and widths.
    memory : Cells
        What keeps the words.

    Attributes
    ----------
    events : In(stream)
        `EventLayout`: rows to drive. A row beyond the last must not be sent with a value.
    sums : Out(stream)
        `SumLayout`: column sums, column 0 first.
    cells : In(stream)
        `CellLayout`: words to store; `ready` is always set. Must not be used while an image is
        under way.
    """

    events: stream.Interface
    sums: stream.Interface
    cells: stream.Interface

    def __init__(self, parameters: CrossbarParameters, memory: Cells) -> None:
        self._parameters = parameters
        self._memory = memory
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

        m.submodules.placer = placer = CellPlacer(p)
        wiring.connect(m, wiring.flipped(self.cells), placer.cells)

        # Each pass has its own region of a part: address = group * part_rows + row.
        beat = Signal(EventLayout(p))
        incoming = Signal()
        ready = Signal()
        group = Signal(range(max(p.passes, 2)))
        if p.passes == 1:
            m.d.comb += [
                incoming.eq(self.events.valid),
                self.events.ready.eq(ready),
                beat.eq(self.events.payload),
            ]
        else:
            m.submodules.replay = replay = Replay(p)
            wiring.connect(m, wiring.flipped(self.events), replay.events)
            m.d.comb += [
                incoming.eq(replay.passes.valid),
                replay.passes.ready.eq(ready),
                beat.eq(replay.passes.payload.beat),
                group.eq(replay.passes.payload.group),
            ]
        base = Signal(range(p.lines))
        with m.Switch(group):
            for number in range(p.passes):
                with m.Case(number):
                    m.d.comb += base.eq(number * p.part_rows)

        # Register stages: the banks' output, words, products, and with several rows per clock
        # the sum of their products.
        class Stage:
            def __init__(self, name: str) -> None:
                self.valid = Signal(name=f"{name}_valid")
                self.last = Signal(name=f"{name}_last")
                self.final = Signal(name=f"{name}_final")

        # A slow clock has the time for a memory and a product in a row.
        holds_words = not p.target.slow_clock
        reads = ["read", *(f"read_{clock}" for clock in range(2, self._memory.clocks + 1))]
        names = [*reads, *["word"] * holds_words, "product", *["rows"] * (p.rows_per_clock > 1)]
        multipliers = 0 if p.level_step else p.target.multipliers - CONVERTER_MULTIPLIERS
        stages = [Stage(name) for name in names]
        left = Signal(range(p.lanes + 1))  # sums still in the shadow
        closing = Signal()
        m.d.comb += [
            closing.eq(Cat(stage.valid & stage.last for stage in stages).any()),
            ready.eq(~beat.last | ((left == 0) & ~closing)),
        ]
        m.d.sync += [
            stages[0].valid.eq(incoming & ready),
            stages[0].last.eq(beat.last),
            stages[0].final.eq(group == p.passes - 1),
        ]
        for one, two in pairwise(stages):
            m.d.sync += [
                two.valid.eq(one.valid),
                two.last.eq(one.last),
                two.final.eq(one.final),
            ]
        # Only the sums need a reset: `valid` guards the words and products, `left` the shadow.
        terms: list[list[Signal]] = [[] for _ in range(p.lanes)]
        values = []
        for part in range(p.rows_per_clock):
            slot = beat.slots[part]
            address = Signal(range(p.lines), name=f"address_{part}")
            m.d.comb += address.eq(base + slot.row)
            read_value = slot.value
            for name in reads:
                following = Signal(p.value_bits, name=f"{name}_value_{part}", reset_less=True)
                m.d.sync += following.eq(read_value)
                read_value = following
            word_value = Signal(p.value_bits, name=f"word_value_{part}", reset_less=True)
            m.d.sync += word_value.eq(read_value)
            value = word_value if holds_words else read_value
            values.append(value)
            for lane, read in enumerate(self._memory.words(m, part, address, placer)):
                word = read
                if holds_words:
                    word = Signal(read.shape(), name=f"word_{part}_{lane}", reset_less=True)
                    m.d.sync += word.eq(read)
                if lane < multipliers:
                    multiplier = Multiplier(len(word), p.value_bits)
                    m.submodules[f"multiplier_{part}_{lane}"] = multiplier
                    m.d.comb += [multiplier.word.eq(word), multiplier.value.eq(value)]
                    terms[lane].append(multiplier.product)
                    continue
                product = Signal(
                    signed(len(word) + p.value_bits), name=f"product_{part}_{lane}", reset_less=True
                )
                m.d.sync += product.eq(word * value)
                terms[lane].append(product)

        final = stages[-1]
        hand_over = Signal()
        take = Signal()
        m.d.comb += [
            hand_over.eq(final.valid & final.last),
            take.eq(self.sums.valid & self.sums.ready),
        ]
        width = signed(p.lane_bits)
        shadow = [Signal(width, name=f"shadow_{lane}", reset_less=True) for lane in range(p.lanes)]
        for lane in range(p.lanes):
            term = terms[lane][0]
            if p.rows_per_clock > 1:
                added: Value = term
                for other in terms[lane][1:]:
                    added += other
                term = Signal(added.shape(), name=f"rows_{lane}", reset_less=True)
                m.d.sync += term.eq(added)
            # The last product goes to the shadow alone, and the next sum starts at 0.
            sum_ = Signal(width, name=f"sum_{lane}")
            total = Signal(width, name=f"total_{lane}")
            m.d.comb += total.eq(sum_ + term)
            with m.If(final.valid):
                m.d.sync += sum_.eq(Mux(hand_over, 0, total))
            with m.If(hand_over):
                m.d.sync += shadow[lane].eq(total)
            with m.Elif(take):
                # Drained by shifting: a multiplexer over all columns would cost more.
                if lane + p.neurons_per_clock < p.lanes:
                    m.d.sync += shadow[lane].eq(shadow[lane + p.neurons_per_clock])

        image_ends = Signal()
        with m.If(hand_over):
            m.d.sync += [
                left.eq(Mux(final.final, p.columns - (p.passes - 1) * p.lanes, p.lanes)),
                image_ends.eq(final.final),
            ]
        with m.Elif(take):
            m.d.sync += left.eq(Mux(left > p.neurons_per_clock, left - p.neurons_per_clock, 0))
        m.d.comb += [
            self.sums.valid.eq(left != 0),
            self.sums.payload.last.eq((left <= p.neurons_per_clock) & image_ends),
        ]
        beyond = 0
        if p.level_step:
            # Of a state t the level is 2 t + 1, so a column's sum is twice that of the states,
            # and once that of the values, which all columns share.
            value = Signal(p.value_bits, reset_less=True)
            values_sum = Signal(range(p.rows * (2**p.value_bits - 1) + 1))
            values_total = Signal.like(values_sum)
            beyond = Signal.like(values_sum, reset_less=True)
            m.d.sync += value.eq(values[0])
            m.d.comb += values_total.eq(values_sum + value)
            with m.If(final.valid):
                m.d.sync += values_sum.eq(Mux(hand_over, 0, values_total))
            with m.If(hand_over):
                m.d.sync += beyond.eq(values_total)
        for number in range(min(p.neurons_per_clock, p.lanes)):
            sum_ = shadow[number]
            if p.level_step:
                sum_ = ((sum_ << 1) + beyond) * p.level_step
            m.d.comb += self.sums.payload.sums[number].eq(sum_)
        return m
