"""The crossbar: rows drive, columns sum.

An event drives one row; `lanes` columns take part in each clock, each adding value times
the R_AH word at its cross point to its accumulator (Kirchhoff's voltage law along the
column's Hall terminals). A zero row costs nothing because it is never sent.
"""

from itertools import pairwise

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.block_ram import block_memory
from hdl.parameters import CrossbarParameters
from hdl.replay import Replay
from hdl.streams import EventLayout, SumLayout


class CellLayout(data.StructLayout):
    """An R_AH word to store.

    Members
    -------
    first : 1 bit
        The word goes to column 0 of `row`; further words follow column by column, row by
        row.
    row : unsigned
        Read where `first` is set.
    word : signed
        The R_AH word.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        super().__init__(
            {"first": 1, "row": range(parameters.rows), "word": signed(parameters.rah_bits)}
        )


class Crossbar(wiring.Component):
    """An array of R_AH words with a row broadcast and column sums.

    One event a clock with all lanes, else one every `passes` clocks. Sums come
    column by column, one a clock, from a shadow of the accumulators, while the next
    image's rows are already driven; only an image's last event waits until the shadow is
    free. The first sum is valid four clocks after an image's last event was taken.

    Parameters
    ----------
    parameters : CrossbarParameters
        Size and widths.

    Attributes
    ----------
    events : In(stream)
        `EventLayout`: rows to drive. A row beyond the last must not be sent.
    sums : Out(stream)
        `SumLayout`: column sums, column 0 first.
    cells : In(stream)
        `CellLayout`: words to store; `ready` is always set. Must not be used while an image is
        under way.
    """

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

        banks = []
        for number in range(-(-p.lanes // p.bank_lanes)):
            layout = data.ArrayLayout(signed(p.rah_bits), p.bank_lanes)
            m.submodules[f"bank_{number}"] = bank = block_memory(layout, p.rows * p.passes)
            banks.append(bank)
        self._elaborate_cells(m, banks)

        # Each pass has its own region of the array: address = group * rows + row.
        incoming = Signal()
        ready = Signal()
        row = Signal(range(p.rows))
        value = Signal(p.value_bits)
        last = Signal()
        group = Signal(range(max(p.passes, 2)))
        if p.passes == 1:
            m.d.comb += [
                incoming.eq(self.events.valid),
                self.events.ready.eq(ready),
                row.eq(self.events.payload.row),
                value.eq(self.events.payload.value),
                last.eq(self.events.payload.last),
            ]
        else:
            m.submodules.replay = replay = Replay(p)
            wiring.connect(m, wiring.flipped(self.events), replay.events)
            m.d.comb += [
                incoming.eq(replay.passes.valid),
                replay.passes.ready.eq(ready),
                row.eq(replay.passes.payload.row),
                value.eq(replay.passes.payload.value),
                last.eq(replay.passes.payload.last),
                group.eq(replay.passes.payload.group),
            ]
        base = Signal(range(p.rows * p.passes))
        with m.Switch(group):
            for number in range(p.passes):
                with m.Case(number):
                    m.d.comb += base.eq(number * p.rows)
        address = Signal(range(p.rows * p.passes))
        m.d.comb += address.eq(base + row)

        # Three register stages: the banks' output, words, products.
        class Stage:
            def __init__(self, name: str) -> None:
                self.valid = Signal(name=f"{name}_valid")
                self.last = Signal(name=f"{name}_last")
                self.final = Signal(name=f"{name}_final")

        stages = [Stage(name) for name in ("read", "word", "product")]
        left = Signal(range(p.lanes + 1))  # sums still in the shadow
        closing = Signal()
        m.d.comb += [
            closing.eq(Cat(stage.valid & stage.last for stage in stages).any()),
            ready.eq(~last | ((left == 0) & ~closing)),
        ]
        m.d.sync += [
            stages[0].valid.eq(incoming & ready),
            stages[0].last.eq(last),
            stages[0].final.eq(group == p.passes - 1),
        ]
        for one, two in pairwise(stages):
            m.d.sync += [
                two.valid.eq(one.valid),
                two.last.eq(one.last),
                two.final.eq(one.final),
            ]
        read_value = Signal(p.value_bits, reset_less=True)
        word_value = Signal(p.value_bits, reset_less=True)
        m.d.sync += [read_value.eq(value), word_value.eq(read_value)]
        words = []
        for number, bank in enumerate(banks):
            read = bank.read_port(domain="comb")
            read_words = Signal(bank.shape, name=f"read_words_{number}", reset_less=True)
            bank_words = Signal(bank.shape, name=f"words_{number}", reset_less=True)
            m.d.comb += read.addr.eq(address)
            m.d.sync += [read_words.eq(read.data), bank_words.eq(read_words)]
            words += [bank_words[lane] for lane in range(p.bank_lanes)]

        fresh = Signal(init=1)  # the next product starts a new sum
        final = stages[2]
        hand_over = Signal()
        take = Signal()
        m.d.comb += [
            hand_over.eq(final.valid & final.last),
            take.eq(self.sums.valid & self.sums.ready),
        ]
        with m.If(final.valid):
            m.d.sync += fresh.eq(final.last)
        # None of the data needs a reset: `fresh` starts the sums, `left` guards the shadow.
        width = signed(p.sum_bits)
        shadow = [Signal(width, name=f"shadow_{lane}", reset_less=True) for lane in range(p.lanes)]
        for lane in range(p.lanes):
            product = Signal(
                signed(p.rah_bits + p.value_bits), name=f"product_{lane}", reset_less=True
            )
            sum_ = Signal(width, name=f"sum_{lane}", reset_less=True)
            total = Signal(width, name=f"total_{lane}")
            m.d.sync += product.eq(words[lane] * word_value)
            m.d.comb += total.eq(Mux(fresh, 0, sum_) + product)
            with m.If(final.valid):
                m.d.sync += sum_.eq(total)
            with m.If(hand_over):
                m.d.sync += shadow[lane].eq(total)
            with m.Elif(take):
                # Drained by shifting: a multiplexer over all columns would cost more.
                if lane + 1 < p.lanes:
                    m.d.sync += shadow[lane].eq(shadow[lane + 1])

        image_ends = Signal()
        with m.If(hand_over):
            m.d.sync += [
                left.eq(Mux(final.final, p.columns - (p.passes - 1) * p.lanes, p.lanes)),
                image_ends.eq(final.final),
            ]
        with m.Elif(take):
            m.d.sync += left.eq(left - 1)
        m.d.comb += [
            self.sums.valid.eq(left != 0),
            self.sums.payload.sum.eq(shadow[0]),
            self.sums.payload.last.eq((left == 1) & image_ends),
        ]
        return m

    def _elaborate_cells(self, m: Module, banks: list[Memory]) -> None:
        """Place words column by column, row by row."""
        p = self._parameters
        cell = self.cells.payload

        # Where the next word goes: its row, its group's region, its bank and lane there.
        names = {
            "row": range(p.rows + 1),
            "base": range((p.passes + 1) * p.rows),
            "column": range(p.columns),
            "bank": range(len(banks) + 1),
            "lane": range(p.bank_lanes),
        }
        following = {name: Signal(shape, name=f"next_{name}") for name, shape in names.items()}
        here = {name: Signal(shape, name=f"here_{name}") for name, shape in names.items()}
        for name in names:
            start = cell.row if name == "row" else 0
            m.d.comb += here[name].eq(Mux(cell.first, start, following[name]))
        bank_ends = here["lane"] == p.bank_lanes - 1
        group_ends = (here["bank"] == len(banks) - 1) & (
            here["lane"] == (p.lanes - 1) % p.bank_lanes
        )

        valid = Signal()
        bank = Signal.like(here["bank"])
        lane = Signal.like(here["lane"])
        address = Signal(range(p.rows * p.passes))
        word = Signal(signed(p.rah_bits))
        m.d.comb += self.cells.ready.eq(1)
        m.d.sync += valid.eq(self.cells.valid)
        with m.If(self.cells.valid):
            m.d.sync += [
                bank.eq(here["bank"]),
                lane.eq(here["lane"]),
                address.eq(here["base"] + here["row"]),
                word.eq(cell.word),
                following["row"].eq(here["row"]),
                following["base"].eq(here["base"]),
                following["column"].eq(here["column"] + 1),
                following["bank"].eq(here["bank"]),
                following["lane"].eq(here["lane"] + 1),
            ]
            with m.If(here["column"] == p.columns - 1):
                m.d.sync += following["row"].eq(here["row"] + 1)
                m.d.sync += [following[name].eq(0) for name in ("base", "column", "bank", "lane")]
            with m.Elif(group_ends):
                m.d.sync += following["base"].eq(here["base"] + p.rows)
                m.d.sync += [following[name].eq(0) for name in ("bank", "lane")]
            with m.Elif(bank_ends):
                m.d.sync += [following["bank"].eq(here["bank"] + 1), following["lane"].eq(0)]
        for number, memory in enumerate(banks):
            write = memory.write_port(granularity=1)
            m.d.comb += [
                write.addr.eq(address),
                write.en.eq(Mux(valid & (bank == number), 1 << lane, 0)),
            ]
            m.d.comb += [write.data[k].eq(word) for k in range(p.bank_lanes)]
