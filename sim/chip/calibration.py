"""Calibration: each column's V-I converter makes up for its own neuron's threshold.

With no row driven, the V-I converter's offset alone drives the neuron. It is stepped, by
halving, to the smallest current at which at least half of some uses answer a mark or more,
the mark being half of full scale; the mean device does so at a current that is known. The
offset is then moved by the difference, so that this neuron answers the mark to the same column
sum as the mean device does. A gain's deviation remains, about that point.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.column_noise import ColumnNoise
from allspin.sim.network.golden import Whole, activate
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Converter, Layer, Network

READS = 16
"""Uses of a neuron in one step."""
MAX_READS = 4096
FIRST_USE = 2**32 - 2**16
"""Calibration's uses are numbered like images, but from here: its draws are no image's."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A calibrated chip.

    Attributes
    ----------
    network : Network
        The network with the offsets that were found.
    moved : list of ndarray of int64, each (columns,)
        By how much each hidden layer's offsets moved, in the current's least significant bits.
    uses : int
        Times that a neuron was used.
    """

    network: Network
    moved: list[npt.NDArray[np.int64]]
    uses: int


def _with_offsets(network: Network, number: int, offsets: npt.NDArray[np.int64]) -> Network:
    """A network with other offsets in one layer."""
    layers = list(network.layers)
    converter = layers[number].converter
    assert converter is not None
    layers[number] = dataclasses.replace(
        layers[number],
        converter=Converter(converter.gains, offsets.astype(np.int32), converter.shift),
    )
    return dataclasses.replace(network, layers=tuple(layers))


def _answers(network: Network, layer: Layer, currents: Whole) -> npt.NDArray:
    """What the neurons of a layer answer."""
    held = np.clip(currents, 0, 2**network.current_bits - 1)
    return activate(network, layer, held).astype(np.int64)


def calibrate(chip: Chip, network: Network, reads: int = READS) -> Calibrated:
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
    Calibrated

    Raises
    ------
    ValueError, TypeError
        If `reads` is outside its range.
    """
    reads = check_range("reads of a calibration's step", reads, 1, MAX_READS)
    noise = ColumnNoise(network, chip.device, chip.seed)
    bound = 2 ** (network.current_bits + 1)
    moved, uses = [], 0
    for number, layer in enumerate(network.layers):
        if layer.converter is None:
            continue
        currents = np.arange(2**network.current_bits)
        nominal = _answers(network, layer, currents)
        mark = (int(nominal.max()) + 1) // 2
        wanted = int(np.argmax(nominal >= mark))
        # The wanted current lies in low + 1 .. high; one that is never reached ends at high.
        low, high = np.full(layer.columns, -1), np.full(layer.columns, bound - 1)
        while np.any(high - low > 1):
            tried = (low + high) // 2
            answers = _measure(chip, network, noise, number, tried, FIRST_USE + uses, reads)
            reached = 2 * (answers >= mark).sum(axis=0) >= reads
            low, high = np.where(reached, low, tried), np.where(reached, tried, high)
            uses += reads
        moved.append(wanted - high)
        offsets = np.clip(layer.converter.offsets + moved[-1], -bound, bound - 1)
        network = _with_offsets(network, number, offsets)
    columns = sum(len(each) for each in moved)
    return Calibrated(network, moved, uses * columns // max(1, len(moved)))


def _measure(
    chip: Chip,
    network: Network,
    noise: ColumnNoise,
    number: int,
    drive: npt.NDArray[np.int64],
    first: int,
    reads: int,
) -> npt.NDArray[np.int64]:
    """Answers of a layer's neurons (reads, columns) where the offset alone drives them."""
    layer = chip.varied(_with_offsets(network, number, -drive)).layers[number]
    assert layer.converter is not None
    sums = noise.on_sums(number, first, np.zeros((reads, layer.columns), np.int64))
    currents = (sums * layer.converter.gains >> layer.converter.shift) - layer.converter.offsets
    return _answers(network, layer, noise.on_currents(number, first, currents))
