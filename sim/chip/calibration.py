"""Calibration: the V-I converter of each column compensates the threshold of its own neuron.

With no row driven, the V-I converter's offset alone drives the neuron. The offset is stepped, by
halving, to the smallest current at which at least half of some uses answer a mark or more; the mark
is half of full scale. The mean device does so at a known current. The offset is then moved by the
difference, so that this neuron answers the mark to the same column sum as the mean device. The
deviation of a gain remains, about that point.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.errors import check_range
from allspin.sim.network.golden import activate
from allspin.sim.network.layer import Converter
from allspin.sim.network.network import Network

READS = 16
"""Uses of a neuron in one step."""
MAX_READS = 4096
FIRST_USE = 2**32 - 2**16
"""Number of calibration's first use: uses are numbered as images are, and no image is here."""


def calibrate(chip: Chip, network: Network, reads: int = READS) -> tuple[Network, int]:
    """Calibrate the thresholds of a chip's neurons.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : Network
        The network as it was trained.
    reads : int
        Uses of a neuron in one step, 1 to 4096.

    Returns
    -------
    network : Network
        The network with the offsets that were found.
    uses : int
        Uses of neurons, over all of them.

    Raises
    ------
    ValueError, TypeError
        If `reads` is outside its range.
    """
    reads = check_range("reads of a calibration's step", reads, 1, MAX_READS)
    bound = 2 ** (network.current_bits + 1)
    first = FIRST_USE
    uses = 0
    for number, layer in enumerate(network.layers):
        if layer.converter is None:
            continue
        nominal = activate(network, layer, np.arange(2**network.current_bits)).astype(np.int64)
        mark = (int(nominal.max()) + 1) // 2
        wanted = int(np.argmax(nominal >= mark))
        # The wanted current lies in low + 1 .. high; one that is never reached ends at high.
        neurons = network.neurons(number)
        low = np.full(neurons, -1)
        high = np.full(neurons, bound - 1)
        while np.any(high - low > 1):
            tried = (low + high) // 2
            answers = _use_neurons(
                chip, _with_offsets(network, number, -tried), number, first, reads
            )
            reached = 2 * (answers >= mark).sum(axis=0) >= reads
            low = np.where(reached, low, tried)
            high = np.where(reached, tried, high)
            first += reads
            uses += reads * neurons
        offsets = np.resize(layer.converter.offsets, neurons) + wanted - high
        network = _with_offsets(network, number, np.clip(offsets, -bound, bound - 1))
    return network, uses


def _with_offsets(network: Network, number: int, offsets: npt.NDArray[np.integer]) -> Network:
    """A network with other offsets in one layer."""
    layers = list(network.layers)
    converter = layers[number].converter
    assert converter is not None
    gains = np.resize(converter.gains, len(offsets))
    other = Converter(gains, offsets.astype(np.int32), converter.shift)
    layers[number] = dataclasses.replace(layers[number], converter=other)
    return dataclasses.replace(network, layers=tuple(layers))


def _use_neurons(
    chip: Chip, network: Network, number: int, first: int, reads: int
) -> npt.NDArray[np.int64]:
    """Answers of a layer's neurons, shape (reads, neurons), while no row is driven."""
    layer = vary_columns(chip, network).layers[number]
    noise = ColumnNoise(chip, network)
    assert layer.converter is not None
    sums = np.zeros((reads, layer.converter.gains.size), np.int64)
    sums = noise.on_sums(number, first, sums)
    currents = (sums * layer.converter.gains >> layer.converter.shift) - layer.converter.offsets
    currents = np.clip(noise.on_currents(number, first, currents), 0, 2**network.current_bits - 1)
    return activate(network, layer, currents).astype(np.int64)
