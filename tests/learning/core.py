"""The update of a cell per lane: gateware that is measured, not built, and its integer model.

``docs/decisions/learning-in-gateware.md`` gives its purpose. A film is a word of the range; steps
and deviations are in units of ``2**-UNIT_BITS`` of it, from a table over the film's upper bits.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth.hdl import Cat, Module, Mux, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.normal import PipelinedNormal
from allspin.hdl.chip.speck import Key, PipelinedSpeck
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_memory import LineMemory
from allspin.hdl.stream.multiplier import PRODUCT_CLOCKS, multiply
from allspin.hdl.stream.registers import later
from allspin.sim.chip.generator import FRACTION_BITS, Purpose, normal_values
from allspin.sim.chip.speck import ROUNDS
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.sot_synapse import SotSynapse

UNIT_BITS, PLACE_BITS = 18, 8
"""The table has ``2**PLACE_BITS`` places for each polarity, in one block RAM of 512 lines."""
VALUE_BITS, DELTA_BITS, WISH_BITS, CHANCE_BITS = 8, 16, 18, 16
"""Fraction bits of wanted pulses, `WISH_BITS`: eight of a row's value, ten of a delta."""
ROW_BITS, COLUMN_BITS, SWEEP_BITS, FILM_CLOCKS = 10, 7, 6, 2
"""A sweep gives each cell one pulse at most, and has draws of its own."""
WISH_CLOCKS = PRODUCT_CLOCKS + 1
DRAWN = WISH_CLOCKS + 1 + ROUNDS
READ = DRAWN + PipelinedNormal.LOOKUP - FILM_CLOCKS
"""Clocks from a line of cells to the addresses of its films."""
WRITTEN = DRAWN + PipelinedNormal.LATENCY + 2


def wanted(value, delta, row_chance, column_chance, stochastic):
    """Whole pulses that cells ask for; below 0 those of depression."""
    chance = (row_chance + column_chance) % 2**CHANCE_BITS if stochastic else 2 ** (CHANCE_BITS - 1)
    return value * delta + (chance << WISH_BITS - CHANCE_BITS) >> WISH_BITS


def pulsed(films, polarity, table, bits, film_bits, stochastic):
    """Return R_AH words after a pulse each, by 32 random bits and ``table[polarity, place]``."""
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
        at = self.low + self.span * (np.arange(2**PLACE_BITS) + 0.5) / 2**PLACE_BITS
        unit = self.span / (2**self.film_bits - 1 << UNIT_BITS - self.film_bits)
        steps = [
            (np.abs(self.advance(way, at) - at), self.cycle_deviation(way, at)) for way in Polarity
        ]
        return np.rint(np.swapaxes(steps, 1, 2) / unit).astype(np.int64)

    def walked(self, polarity, resistance, pulses, deviate, rng):
        """See `Synapse.walked`."""
        top = 2**self.film_bits - 1
        films = np.rint((resistance - self.low) / self.span * top).astype(np.int64)
        for pulse in range(int(np.max(pulses))):
            going = np.flatnonzero(np.greater(pulses, pulse))
            films[going] = pulsed(
                films[going],
                np.full(going.size, polarity),
                self.table,
                rng.integers(2**32, size=going.size, dtype=np.uint32),
                self.film_bits,
                self.stochastic,
            )
        return self.low + self.span / top * films


class LearningCore(Component):
    """Give a line of cells, one a lane, a pulse each where they ask for more than the sweep.

    Parameters
    ----------
    lanes : int
        Cells that are asked in a clock.
    walkers : int
        The first of them, which get pulses.
    film_bits : int
        Bits of a film's word, 8 to `UNIT_BITS`.
    """

    def __init__(self, lanes: int, walkers: int, film_bits: int = 16) -> None:
        self._lanes, self._walkers, self._film_bits = lanes, walkers, film_bits
        super().__init__(
            {
                # Names the update; new round keys for each, made while the image is computed.
                "seed": In(32),
                "number": In(16),
                "rekey": In(1),
                # A line of cells.
                "valid": In(1),
                "row": In(ROW_BITS),
                "columns": In(COLUMN_BITS).array(walkers),
                "sweep": In(SWEEP_BITS),
                "value": In(VALUE_BITS),
                "deltas": In(signed(DELTA_BITS)).array(lanes),
                "row_chance": In(CHANCE_BITS),
                "column_chances": In(CHANCE_BITS).array(lanes),
                # Rounding of wanted pulses and of films.
                "stochastic": In(2),
                # Pulses that are wanted, `WISH_CLOCKS` later.
                "pulses": Out(signed(VALUE_BITS + DELTA_BITS + 1 - WISH_BITS)).array(lanes),
                # Addresses, `READ` clocks later, and the stored R_AH `FILM_CLOCKS` after that.
                "read_row": Out(ROW_BITS),
                "read_columns": Out(COLUMN_BITS).array(walkers),
                "films": In(film_bits).array(walkers),
                # The new R_AH, `WRITTEN` clocks later, where a pulse was given.
                "write": Out(walkers),
                "write_row": Out(ROW_BITS),
                "write_columns": Out(COLUMN_BITS).array(walkers),
                "written": Out(film_bits).array(walkers),
                # A line of all tables: deviation above step.
                "load": In(1),
                "load_address": In(PLACE_BITS + 1),
                "loaded": In(2 * UNIT_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        tag = data.StructLayout(
            {"row": ROW_BITS, "columns": data.ArrayLayout(COLUMN_BITS, self._walkers)}
            | {"fires": self._walkers, "down": self._walkers}
        )
        m.submodules.speck = speck = PipelinedSpeck(((Key(Purpose.WRITE),),) * self._walkers, tag)
        read = later(m, speck.tag, "read", READ - DRAWN)
        end = later(m, read, "end", WRITTEN - READ)
        m.d.comb += [
            speck.seed.eq(self.seed),
            speck.number.eq(self.number),
            speck.rekey.eq(self.rekey),
            speck.valid.eq(later(m, self.valid, "valid", WISH_CLOCKS + 1, guarded=True)),
            speck.draws.row.eq(later(m, Cat(self.row, self.sweep), "draw", WISH_CLOCKS + 1)),
            speck.draws.tag.row.eq(speck.draws.row[:ROW_BITS]),
            self.read_row.eq(read.row),
            self.write_row.eq(end.row),
            self.write.eq(
                Mux(later(m, speck.done, "done", WRITTEN - DRAWN, guarded=True), end.fires, 0)
            ),
        ]
        for lane, pulses in enumerate(self.pulses):
            product = multiply(m, platform, self.value, self.deltas[lane], f"product_{lane}")
            chance = Mux(
                self.stochastic[0],
                (self.row_chance + self.column_chances[lane])[:CHANCE_BITS],
                2 ** (CHANCE_BITS - 1),
            )
            chance = later(m, chance, f"chance_{lane}", PRODUCT_CLOCKS) << WISH_BITS - CHANCE_BITS
            m.d.comb += pulses.eq(later(m, product + chance, f"total_{lane}") >> WISH_BITS)
            if lane < self._walkers:
                sweep = later(m, self.sweep, f"sweep_{lane}", WISH_CLOCKS)
                column = later(m, self.columns[lane], f"column_{lane}", WISH_CLOCKS + 1)
                m.d.comb += [
                    speck.draws.columns[lane].eq(column),
                    speck.draws.tag.columns[lane].eq(column),
                    speck.draws.tag.fires[lane].eq(later(m, abs(pulses) > sweep, f"fires_{lane}")),
                    speck.draws.tag.down[lane].eq(later(m, pulses < 0, f"falls_{lane}")),
                    self.read_columns[lane].eq(read.columns[lane]),
                    self.write_columns[lane].eq(end.columns[lane]),
                ]
                self._walk(m, lane, speck)

    def _walk(self, m: Module, lane: int, speck: PipelinedSpeck) -> None:
        """Apply a pulse to a stored R_AH, with C2C, within the range."""
        rest, film = UNIT_BITS - self._film_bits, self.films[lane]
        m.submodules[f"normal_{lane}"] = normal = PipelinedNormal(UNIT_BITS, 1)
        m.submodules[f"table_{lane}"] = table = LineMemory(2 << PLACE_BITS, 2 * UNIT_BITS)
        m.d.comb += [
            normal.valid.eq(speck.done),
            normal.bits.eq(speck.bits[lane]),
            normal.tag.eq(speck.tag.down[lane]),
            normal.spread.eq(table.line[UNIT_BITS:]),
            table.address.eq(Cat(film[self._film_bits - PLACE_BITS :], normal.lookup)),
            table.write.eq(self.load),
            table.write_address.eq(self.load_address),
            table.written.eq(self.loaded),
        ]
        # The lowest bits of a draw hardly matter to its normal value.
        low = Mux(self.stochastic[1], speck.bits[lane][:rest], 1 << rest >> 1)[:rest]
        start = Cat(later(m, low, f"low_{lane}", normal.LOOKUP), film)
        down = later(m, normal.lookup, f"down_{lane}", FILM_CLOCKS)
        step = Mux(down, -table.line[:UNIT_BITS], table.line[:UNIT_BITS])
        moved = later(m, start, f"start_{lane}", FILM_CLOCKS) + step
        moved = later(m, moved, f"moved_{lane}", normal.LATENCY - normal.LOOKUP - FILM_CLOCKS)
        total = later(m, moved + (normal.product >> FRACTION_BITS), f"sum_{lane}")
        film = Mux(total < 0, 0, Mux(total >= 2**UNIT_BITS, 2**UNIT_BITS - 1, total))
        m.d.comb += self.written[lane].eq(later(m, film[rest:UNIT_BITS], f"written_{lane}"))
