"""Draws of chips one by one, exact arithmetic, and small networks to compare chips with."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, draw_bits, normal_values
from allspin.sim.chip.words import Words, rounded_words
from allspin.sim.chip.write_table import WriteTable, written_words
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse


def z(seed: int, layer: int, purpose: Purpose, row: int, column: int, number: int = 0) -> int:
    bits = draw_bits(seed, layer, purpose, row, column, number)
    return int(normal_values(bits.reshape(1))[0])


def synapse(**variation: Any) -> SotSynapse:
    return SotSynapse(PulseResponse(22, 100), PulseResponse(9, 100), **variation)


def shifted(value: int, places: int) -> int:
    """Return a value over a power of two, halves rounded up."""
    return math.floor(Fraction(value, 2**places) + Fraction(1, 2))


def chip_of(imperfections: Imperfections, seed: int) -> Chip:
    return Chip(Device("cells", synapse(), imperfections=imperfections), seed)


def state_words(
    states: npt.NDArray[np.integer],
    polarity: npt.ArrayLike,
    table: WriteTable,
    seed: int,
    layer: int,
    write: int = 0,
    imperfections: Imperfections | None = None,
    rah_bits: int = 8,
) -> Words:
    """R_AH words of one crossbar of a chip, as gateware makes them."""
    written = written_words(states, polarity, table, seed, layer, write)
    held = chip_of(imperfections or Imperfections(), seed).held(
        layer, table.levels, written, table.ends
    )
    return rounded_words(held, rah_bits)


def converter_of(network: Network, number: int = 0) -> Converter:
    """The V-I converters of a layer that has them."""
    converter = network.layers[number].converter
    assert converter is not None
    return converter


def small_network() -> Network:
    rng = np.random.default_rng(0)
    neuron = SotNeuron()
    gains, offsets = np.full((2, 8), [[600], [-40]], np.int32)
    first, last = (rng.integers(0, 10, shape).astype(np.uint8) for shape in ((6, 8), (8, 3)))
    return Network(
        (
            Layer(first, uniform_levels(10), Converter(gains, offsets, 13), neuron.table(8, 4)),
            Layer(last, uniform_levels(10)),
        ),
        neuron,
        (2, 3),
    )


def images() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (50, 2, 3)).astype(np.uint8)
