"""Random chips: the contents of their memories reach values that real devices never do."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.hdl.contents import Contents, network_contents
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import (
    AMPLIFIERS,
    CHIP,
    ENGINE,
    STATES,
    SUM_NOISE,
    USE_NOISE,
    WEIGHTS,
    WRITE_TABLE,
)
from allspin.sim.chip.generator import FRACTION_BITS, Purpose, use_normals
from allspin.sim.chip.words import USE_BITS, Words
from allspin.sim.chip.write_table import MAX_SPREAD, WriteTable
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.levels import full_scale
from allspin.sim.network.network import Network
from allspin.sim.network.reference import Integers
from tests.sim.chip.exact import state_words

READ_BITS = FRACTION_BITS + USE_BITS
MAX_GAIN = 2**FRACTION_BITS - 1
"""Largest share of an amplifier's gain, in units of ``2**-13``."""
_CHIP = struct.Struct("<IHHI")


def table_lines(table: WriteTable, state_bits: int) -> tuple[bytes, ...]:
    """A table line by line as ``docs/protocol.md`` has it, integer by integer."""
    last = len(table.levels) - 1
    return tuple(
        b"".join(
            int(column).to_bytes(size, "little", signed=True)
            for column, size in (
                (table.levels[min(state, last)], 2),
                (table.c2c[polarity, min(state, last)], 3),
                (table.d2d[polarity, min(state, last)], 3),
            )
        )
        for polarity in range(2)
        for state in range(2**state_bits)
    )


@dataclass(frozen=True, eq=False)
class RandomChip:
    """A chip of a network, and the memory contents from which gateware makes it.

    Parameters
    ----------
    network : Network
        Layers, levels and states of the chip.
    seed : int
        Name of the chip; its write tables, polarities, noise and amplifiers come from it too.
    stuck : float
        Share of cells that are stuck, at either end.
    noisy_sums : bool
        Whether column sums have noise, and amplifiers offsets and, in the last layer, gains.
    """

    network: Network
    seed: int
    stuck: float = 0.05
    noisy_sums: bool = False

    @property
    def imperfections(self) -> Imperfections:
        """Its stuck cells."""
        return Imperfections(stuck=self.stuck)

    @property
    def use_spread(self) -> int:
        """Deviation of a neuron's current, in units of ``2**-6``: a fifth of its range."""
        return 2 ** (self.network.current_bits + USE_BITS) // 5

    def write_table(self, layer: int) -> WriteTable:
        """A table of any levels and spreads."""
        rng = np.random.default_rng([self.seed, layer])
        levels = self.network.layers[layer].levels
        spreads = rng.integers(-MAX_SPREAD, MAX_SPREAD + 1, (2, 2, len(levels))) // 16
        return WriteTable(levels, *spreads.astype(np.int32))

    def polarity(self, layer: int) -> npt.NDArray[np.integer]:
        """Polarity of each cell's last pulse, shape (rows, columns)."""
        rng = np.random.default_rng([self.seed, layer, 1])
        return rng.integers(0, 2, self.network.layers[layer].states.shape)

    def words(self) -> list[Words]:
        """R_AH words of every layer, by the golden model."""
        return [
            state_words(
                layer.states,
                self.polarity(number),
                self.write_table(number),
                self.seed,
                number,
                imperfections=self.imperfections,
                rah_bits=self.network.rah_bits,
            )
            for number, layer in enumerate(self.network.layers)
        ]

    def on_tile(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Sums of a tile: gateware has no noise on them."""
        return sums

    def on_sums(self, layer: int, first: int, sums: Integers) -> Integers:
        """Column sums as amplifiers give them."""
        if not self.noisy_sums:
            return sums
        normals = use_normals(self.seed, layer, Purpose.READ, first, *sums.shape)
        starts, gains = self.amplifiers(layer)
        sums = sums + (normals * np.int64(self.read_spread(layer)) + starts >> READ_BITS)
        if layer < len(self.network.layers) - 1:
            return sums
        return sums + (sums * gains + 2 ** (FRACTION_BITS - 1) >> FRACTION_BITS)

    def read_spread(self, layer: int) -> int:
        """Deviation of a column's sum, in units of ``2**-6``: up to fifteen cells' range."""
        one = self.network.input_bits(layer) + self.network.rah_bits + USE_BITS
        return int(np.random.default_rng([self.seed, layer, 2]).integers(15 << one))

    def amplifiers(self, layer: int) -> tuple[Integers, Integers]:
        """Addend before fraction bits are dropped, and share of the gain, by column."""
        rng = np.random.default_rng([self.seed, layer, 3])
        columns = self.network.layers[layer].columns
        largest = self.read_spread(layer) * 5 << FRACTION_BITS
        half = 2 ** (READ_BITS - 1)
        return rng.integers(-largest, largest + 1, columns) + half, rng.integers(
            -MAX_GAIN, MAX_GAIN + 1, columns
        )

    def on_currents(self, layer: int, first: int, currents: Integers) -> Integers:
        """Neurons' input currents at this use."""
        normals = use_normals(self.seed, layer, Purpose.NEURON_USE, first, *currents.shape)
        bits = FRACTION_BITS + USE_BITS
        return currents + (normals * np.int64(self.use_spread) + 2 ** (bits - 1) >> bits)

    def contents(self, parameters: EngineParameters) -> tuple[Contents, ...]:
        """Everything that is loaded to make the chip: states in place of R_AH words."""
        assert parameters.variation is not None
        network = self.network
        contents = [
            one for one in network_contents(network, parameters) if one.space & 15 not in (WEIGHTS,)
        ]
        flags = 2 | full_scale(network.rah_bits) << 8
        line = _CHIP.pack(self.seed, 0, flags, round(self.stuck * 2**32))
        contents.append(Contents(ENGINE << 4 | CHIP, (line,)))
        for number in range(len(network.layers)):
            base = number << 4
            contents.append(
                Contents(
                    base | WRITE_TABLE,
                    table_lines(self.write_table(number), parameters.variation.state_bits),
                )
            )
            if parameters.noisy and number < len(network.layers) - 1:
                spread = struct.pack("<I", self.use_spread)
                contents.append(Contents(base | USE_NOISE, (spread,)))
            if parameters.noisy_sums:
                told = struct.pack("<I", 1 << 31 | self.read_spread(number))
                contents.append(Contents(base | SUM_NOISE, (told,)))
                lines = tuple(
                    int(start).to_bytes(6, "little", signed=True)
                    + int(gain).to_bytes(2, "little", signed=True)
                    for start, gain in zip(*self.amplifiers(number), strict=True)
                )
                contents.append(Contents(base | AMPLIFIERS, lines))
            cells = self.polarity(number) << 7 | network.layers[number].states
            contents.append(
                Contents(base | STATES, tuple(row.tobytes() for row in cells.astype(np.uint8)))
            )
        return tuple(contents)
