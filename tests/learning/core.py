"""The update of a cell per lane: gateware that is measured, not built, and its integer model.

``docs/decisions/learning-in-gateware.md`` says what for. A film is a word of the range; steps and
deviations are in units of ``2**-UNIT_BITS`` of it, from a table over the film's upper bits.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.normal import PipelinedNormal
from allspin.hdl.chip.speck import Key, PipelinedSpeck
from allspin.hdl.stream.buffers import Component, later
from allspin.hdl.stream.ecp5_lines import PRODUCT_CLOCKS, LineMemory, multiply
from allspin.sim.chip.generator import FRACTION_BITS, ROUNDS, Purpose, normal_values
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import SotSynapse

UNIT_BITS = 18
PLACE_BITS = 8
"""Places of the table for each polarity: it is one block RAM of 512 lines of 36 bits."""
VALUE_BITS, DELTA_BITS, CHANCE_BITS = 8, 16, 16
WISH_BITS = 18
"""Fraction bits of a wanted number of pulses; those of a row's value and of a delta add up to it."""
ROW_BITS, COLUMN_BITS, SWEEP_BITS = 10, 7, 6
"""A sweep gives each cell one pulse at most, and has draws of its own."""
WISH_CLOCKS = PRODUCT_CLOCKS + 2
FILM_CLOCKS = 2
READ = WISH_CLOCKS + ROUNDS + PipelinedNormal.LOOKUP - FILM_CLOCKS
"""Clocks from a line of cells to the addresses of its films."""
WRITTEN = WISH_CLOCKS + ROUNDS + PipelinedNormal.LATENCY + 2


def wanted(value, delta, row_chance, column_chance, stochastic):
    """Whole pulses that cells ask for; below 0 those of depression."""
    chance = (row_chance + column_chance) % 2**CHANCE_BITS << WISH_BITS - CHANCE_BITS
    return value * delta + np.where(stochastic, chance, 2 ** (WISH_BITS - 1)) >> WISH_BITS


def pulsed(films, polarity, table, bits, film_bits, stochastic):
    """Films after a pulse each, with 32 random bits each; ``table[polarity, place]`` is a pair."""
    step, spread = table[polarity, films >> film_bits - PLACE_BITS].T
    rest = UNIT_BITS - film_bits
    moved = np.where(polarity, -step, step) + (normal_values(bits) * spread >> FRACTION_BITS)
    chance = np.where(stochastic, bits & 2**rest - 1, 2**rest >> 1)
    return np.clip((films << rest) + moved + chance >> rest, 0, 2**film_bits - 1)


@dataclass(frozen=True)
class WordSynapse(SotSynapse):
    """A synapse whose films are words that walk as the gateware's would, pulse by pulse."""

    film_bits: int = 16
    stochastic: bool = False

    @cached_property
    def table(self):
        """Mean steps and deviations in the middle of each place, by polarity."""
        places = self.low + self.span * (np.arange(2**PLACE_BITS) + 0.5) / 2**PLACE_BITS
        moves = [np.abs(self.advance(way, places) - places) for way in Polarity]
        deviations = [self.cycle_deviation(way, places) for way in Polarity]
        unit = (2**self.film_bits - 1 << UNIT_BITS - self.film_bits) / self.span
        return np.rint(np.stack([moves, deviations], axis=2) * unit).astype(np.int64)

    def walked(self, polarity, resistance, pulses, deviate, rng):
        """See `Synapse.walked`."""
        top = 2**self.film_bits - 1
        films = np.rint((resistance - self.low) / self.span * top).astype(np.int64)
        left = np.array(np.broadcast_to(pulses, films.shape))
        while (going := np.flatnonzero(left > 0)).size:
            bits = rng.integers(2**32, size=going.size, dtype=np.uint32)
            way = np.full(going.size, polarity)
            films[going] = pulsed(
                films[going], way, self.table, bits, self.film_bits, self.stochastic
            )
            left[going] -= 1
        return self.low + self.span / top * films


class LearningCore(Component):
    """Give a line of cells, one a lane, a pulse each where they ask for more than the sweep.

    Parameters
    ----------
    lanes : int
        Cells in a clock.
    film_bits : int
        Of a film's word, 8 to `UNIT_BITS`.
    """

    def __init__(self, lanes: int, film_bits: int = 16) -> None:
        self._lanes, self._film_bits = lanes, film_bits
        super().__init__(
            {
                # Names the update; new round keys for each, made while the image is computed.
                "seed": In(32),
                "number": In(16),
                "rekey": In(1),
                "keyed": Out(1),
                # A line of cells.
                "valid": In(1),
                "row": In(ROW_BITS),
                "columns": In(COLUMN_BITS).array(lanes),
                "sweep": In(SWEEP_BITS),
                "value": In(VALUE_BITS),
                "deltas": In(signed(DELTA_BITS)).array(lanes),
                "row_chance": In(CHANCE_BITS),
                "column_chances": In(CHANCE_BITS).array(lanes),
                # How wanted pulses and films are rounded.
                "stochastic": In(2),
                # The line needs another sweep, `WISH_CLOCKS` later.
                "more": Out(1),
                # Where films are, `READ` clocks later, and what they hold `FILM_CLOCKS` after that.
                "read_row": Out(ROW_BITS),
                "read_columns": Out(COLUMN_BITS).array(lanes),
                "films": In(film_bits).array(lanes),
                # What they hold `WRITTEN` clocks later, where a pulse was given.
                "write": Out(lanes),
                "write_row": Out(ROW_BITS),
                "write_columns": Out(COLUMN_BITS).array(lanes),
                "written": Out(film_bits).array(lanes),
                # A line of all lanes' tables: deviation above step.
                "load": In(1),
                "load_address": In(PLACE_BITS + 1),
                "loaded": In(2 * UNIT_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        tag = data.StructLayout(
            {"row": ROW_BITS, "columns": data.ArrayLayout(COLUMN_BITS, self._lanes)}
            | dict.fromkeys(("fires", "down"), self._lanes)
        )
        keys = ((Key(Purpose.WRITE),),) * self._lanes
        m.submodules.speck = speck = PipelinedSpeck(keys, tag)
        m.d.comb += [
            speck.seed.eq(self.seed),
            speck.number.eq(self.number),
            speck.rekey.eq(self.rekey),
            self.keyed.eq(speck.keyed),
            speck.valid.eq(later(m, self.valid, "valid", WISH_CLOCKS, guarded=True)),
            speck.draws.row.eq(later(m, Cat(self.row, self.sweep), "draw", WISH_CLOCKS)),
            speck.draws.tag.row.eq(speck.draws.row[:ROW_BITS]),
        ]
        read = later(m, speck.tag, "read", READ - WISH_CLOCKS - ROUNDS)
        end = later(m, read, "end", WRITTEN - READ)
        done = later(m, speck.done, "done", WRITTEN - WISH_CLOCKS - ROUNDS, guarded=True)
        m.d.comb += [self.read_row.eq(read.row), self.write_row.eq(end.row)]
        mores = [self._wish(m, platform, lane, speck) for lane in range(self._lanes)]
        m.d.comb += self.more.eq(Cat(mores).any() & speck.valid)
        for lane in range(self._lanes):
            self._walk(m, lane, speck)
            m.d.comb += [
                self.read_columns[lane].eq(read.columns[lane]),
                self.write_columns[lane].eq(end.columns[lane]),
                self.write[lane].eq(done & end.fires[lane]),
            ]

    def _wish(self, m: Module, platform: object, lane: int, speck: PipelinedSpeck) -> Signal:
        """Pulses that a cell asks for, against the sweep's number; whether it asks for more."""
        product = multiply(m, platform, self.value, self.deltas[lane], f"product_{lane}")
        chance = (self.row_chance + self.column_chances[lane])[:CHANCE_BITS]
        rounding = Mux(
            self.stochastic[0],
            chance << WISH_BITS - CHANCE_BITS,
            Const(2 ** (WISH_BITS - 1), WISH_BITS),
        )
        total = later(
            m, product + later(m, rounding, f"rounding_{lane}", PRODUCT_CLOCKS), f"total_{lane}"
        )
        pulses, down = total >> WISH_BITS, total[-1]
        count = Mux(down, -pulses, pulses)
        sweep = later(m, self.sweep, f"sweep_{lane}", WISH_CLOCKS - 1)
        m.d.comb += [
            speck.draws.columns[lane].eq(later(m, self.columns[lane], f"column_{lane}", WISH_CLOCKS)),
            speck.draws.tag.columns[lane].eq(speck.draws.columns[lane]),
            speck.draws.tag.fires[lane].eq(later(m, count > sweep, f"fires_{lane}")),
            speck.draws.tag.down[lane].eq(later(m, down, f"down_{lane}")),
        ]
        return later(m, count > sweep + 1, f"more_{lane}")

    def _walk(self, m: Module, lane: int, speck: PipelinedSpeck) -> None:
        """What a pulse does to a film, with its C2C, within the range."""
        rest = UNIT_BITS - self._film_bits
        m.submodules[f"normal_{lane}"] = normal = PipelinedNormal(UNIT_BITS, 1)
        m.submodules[f"table_{lane}"] = table = LineMemory(2 << PLACE_BITS, 2 * UNIT_BITS)
        film, line = self.films[lane], table.line
        m.d.comb += [
            normal.valid.eq(speck.done),
            normal.bits.eq(speck.bits[lane]),
            normal.tag.eq(speck.tag.down[lane]),
            table.address.eq(Cat(film[self._film_bits - PLACE_BITS :], normal.lookup)),
            table.write.eq(self.load),
            table.write_address.eq(self.load_address),
            table.written.eq(self.loaded),
            normal.spread.eq(line[UNIT_BITS:]),
        ]
        # The lowest bits of a draw hardly matter to its normal value.
        low = Mux(self.stochastic[1], speck.bits[lane][:rest], 1 << rest >> 1)[:rest]
        clocks = normal.LOOKUP + FILM_CLOCKS
        # Low bits in place of zeros are their sum.
        start = Cat(
            later(m, low, f"low_{lane}", clocks), later(m, film, f"film_{lane}", FILM_CLOCKS)
        )
        down = later(m, normal.lookup, f"was_down_{lane}", FILM_CLOCKS)
        step = Mux(down, -line[:UNIT_BITS], line[:UNIT_BITS])
        moved = later(m, start + step, f"moved_{lane}", normal.LATENCY - clocks)
        total = later(m, moved + (normal.product >> FRACTION_BITS), f"sum_{lane}")
        film = Mux(total < 0, 0, Mux(total >= 2**UNIT_BITS, 2**UNIT_BITS - 1, total))
        m.d.comb += self.written[lane].eq(later(m, film[rest:UNIT_BITS], f"written_{lane}"))
