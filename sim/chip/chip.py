"""A chip: one draw of all variation, named by its seed, in integers only.

What its cells hold is in `allspin.sim.chip.retained`. Column by column, and tile by tile, a
deviation `sigma` times a normal value z of `allspin.sim.chip.generator` makes a gain
``gain + (gain t + 2^12) >> 13`` with
``t = (z sigma 2^16 + 2^15) >> 16``, clamped to 0 to 1023, and adds to an offset.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS, Purpose
from allspin.sim.chip.noise import ColumnNoise, cell_range
from allspin.sim.chip.retained import ChipCells
from allspin.sim.chip.words import (
    OFFSET_BITS,
    SHARE_BITS,
    USE_BITS,
    Integers,
    Words,
    rounded,
    share_units,
    sum_spread,
    turned,
)
from allspin.sim.errors import check_range
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel, activate
from allspin.sim.network.layer import GAIN_BITS, Converter
from allspin.sim.network.network import Network


@dataclass(frozen=True, eq=False)
class Chip(ChipCells):
    """One draw of a device's variation.

    Parameters
    ----------
    device : Device
        What the chip is made of; its file or the name of one that ships will do.
    seed : int
        Which chip, 0 to 2**32 - 1.

    Raises
    ------
    ValueError, TypeError
        If the seed is outside its range or no integer.
    """

    def through_gains(self, network: Network, number: int, held: Integers) -> Integers:
        """What cells of a layer hold, as the amplifiers and converters of its tiles take it.

        ``word + (word gain + 2^12) >> 13``: words get their gain before they are rounded, since an
        error of a thousandth moves no rounded word, but the words that variation spreads over more
        than one whole number are right in the mean.

        Parameters
        ----------
        network : Network
            What the chip runs.
        number : int
            The layer.
        held : ndarray of int64, shape (rows, columns)
            In units of ``2**-21`` words (`WORD_BITS`).

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            The same where the layer has no tiles, or their gains no errors.
        """
        layer = network.layers[number]
        if layer.adc is None:
            return held
        shape, wrong = (layer.adc.tiles(layer.rows), layer.columns), self.device.imperfections
        gains = sum(
            self._drawn(number, purpose, shape, share_units(sigma), SHARE_BITS)
            for purpose, sigma in (
                (Purpose.ADC_GAIN, self.device.adc.gain),
                (Purpose.AMPLIFIER_GAIN, wrong.amplifier_gain),
            )
        )
        if not np.any(gains):
            return held
        return turned(held, np.repeat(gains, layer.adc.rows, axis=0)[: layer.rows])

    def varied(self, network: Network) -> Network:
        """The network with this chip's neurons and V-I converters, and converters of tiles.

        Parameters
        ----------
        network : Network
            As it was trained.

        Returns
        -------
        Network
            Equal but for the gains and offsets of its hidden layers, and the offsets of the
            converters of tiles; neurons that switch by chance have tables of one use, whose noise
            is `noise`'s.
        """
        widths = network.current_bits, network.hidden_bits
        chance = network.neuron.table(*widths, one_use=True) if network.neuron.noise else None
        layers = [
            dataclasses.replace(
                layer,
                converter=self._converter(network, number),
                table=layer.table if chance is None or layer.table is None else chance,
                adc=self._adc(network, number),
            )
            for number, layer in enumerate(network.layers)
        ]
        return dataclasses.replace(network, layers=tuple(layers))

    def _converter(self, network: Network, number: int) -> Converter | None:
        """A layer's V-I converters with the errors of amplifiers, converters and neurons.

        A neuron's gain is a factor on its whole input current, less the offset; that of
        amplifier and V-I converter on the column's sum only.
        See `allspin.sim.device.device`.
        """
        layer = network.layers[number]
        if layer.converter is None:
            return None
        variation, wrong = self.device.neuron_variation, self.device.imperfections

        # What is at the foot of a column is common to its positions; neurons may be of each.
        neurons, own = network.neurons(number), {Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD}

        def error(purpose: Purpose, spread: int, bits: int) -> Integers:
            """Of each neuron, that of its column but for the neuron's own."""
            shape = (1, neurons if purpose in own else layer.columns)
            return np.resize(self._drawn(number, purpose, shape, spread, bits), neurons)

        def share(purpose: Purpose, sigma: float) -> Integers:
            """Of the gain of each neuron, in units of ``2**-13``."""
            return error(purpose, share_units(sigma), SHARE_BITS)

        def current(purpose: Purpose, sigma: float) -> Integers:
            """Error of each neuron, of a share of full scale, in least significant bits."""
            spread = round(sigma * 2 ** (network.current_bits + USE_BITS))
            return error(purpose, spread, OFFSET_BITS)

        neuron = share(Purpose.NEURON_GAIN, variation.gain)
        shares = [share(Purpose.CONVERTER_GAIN, wrong.converter_gain), neuron]
        if layer.adc is None:  # a tile's amplifier is before its converter: `through_gains`
            shares.insert(0, share(Purpose.AMPLIFIER_GAIN, wrong.amplifier_gain))
        gains = np.resize(layer.converter.gains, neurons).astype(np.int64)
        for each in shares:
            gains = np.clip(turned(gains, each), 0, 2**GAIN_BITS - 1)

        pivot = round(variation.pivot(network.neuron) * (2**network.current_bits - 1))
        offsets = np.resize(layer.converter.offsets, neurons) - current(
            Purpose.CONVERTER_OFFSET, wrong.converter_offset
        )
        offsets += rounded((offsets + pivot) * neuron, FRACTION_BITS)
        offsets += current(Purpose.NEURON_THRESHOLD, variation.threshold_deviation(network.neuron))
        bound = 2 ** (network.current_bits + 1)
        offsets = np.clip(offsets, -bound, bound - 1).astype(np.int32)
        return Converter(gains.astype(np.int32), offsets, layer.converter.shift)

    def _adc(self, network: Network, number: int) -> Adc | None:
        """The converters of a layer's tiles, with their offsets and those of the amplifiers.

        ``offset = (z_adc adc + z_amplifier amplifier + 2^18) >> 19`` for the column of a tile, in
        words times row values, of deviations in units of ``2**-6`` of that.
        """
        layer, adc = network.layers[number], network.layers[number].adc
        if adc is None:
            return None
        amplifier = self.device.imperfections.amplifier_offset
        drawn = sum(
            self._drawn(number, purpose, (adc.tiles(layer.rows), layer.columns), spread, 0)
            for purpose, spread in (
                (Purpose.ADC_OFFSET, sum_spread(self.device.adc.offset, 1 << adc.shift)),
                (Purpose.AMPLIFIER_OFFSET, sum_spread(amplifier, cell_range(network, number))),
            )
        )
        if not np.any(drawn):
            return adc
        offsets = rounded(np.asarray(drawn), OFFSET_BITS)
        return dataclasses.replace(
            adc, offsets=offsets if adc.offsets is None else offsets + adc.offsets
        )

    def noise(self, network: Network) -> ColumnNoise | None:
        """What changes from use to use, or None if nothing does."""
        noise = ColumnNoise(self, network)
        return None if noise.silent else noise

    def golden(self, network: Network, words: list[Words]) -> GoldenModel:
        """The golden model of this chip of a network, with given R_AH words."""
        return GoldenModel(self.varied(network), words, self.noise(network))


# Calibration: each column's V-I converter makes up for its own neuron's threshold.
#
# With no row driven, the V-I converter's offset alone drives the neuron. It is stepped, by
# halving, to the smallest current at which at least half of some uses answer a mark or more,
# the mark being half of full scale; the mean device does so at a current that is known. The
# offset is then moved by the difference, so that this neuron answers the mark to the same column
# sum as the mean device does. A gain's deviation remains, about that point.

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
    uses : int
        Times that a neuron was used.
    """

    network: Network
    uses: int


def _with_offsets(network: Network, number: int, offsets: npt.NDArray[np.integer]) -> Network:
    """A network with other offsets in one layer."""
    layers = list(network.layers)
    converter = layers[number].converter
    assert converter is not None
    gains = np.resize(converter.gains, len(offsets))
    other = Converter(gains, offsets.astype(np.int32), converter.shift)
    layers[number] = dataclasses.replace(layers[number], converter=other)
    return dataclasses.replace(network, layers=tuple(layers))


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
    bound = 2 ** (network.current_bits + 1)
    first, uses = FIRST_USE, 0
    for number, layer in enumerate(network.layers):
        if layer.converter is None:
            continue
        nominal = activate(network, layer, np.arange(2**network.current_bits)).astype(np.int64)
        mark = (int(nominal.max()) + 1) // 2
        wanted = int(np.argmax(nominal >= mark))
        # The wanted current lies in low + 1 .. high; one that is never reached ends at high.
        neurons = network.neurons(number)
        low, high = np.full(neurons, -1), np.full(neurons, bound - 1)
        while np.any(high - low > 1):
            tried = (low + high) // 2
            answers = _measure(chip, _with_offsets(network, number, -tried), number, first, reads)
            reached = 2 * (answers >= mark).sum(axis=0) >= reads
            low, high = np.where(reached, low, tried), np.where(reached, tried, high)
            first, uses = first + reads, uses + reads * neurons
        offsets = np.resize(layer.converter.offsets, neurons) + wanted - high
        offsets = np.clip(offsets, -bound, bound - 1)
        network = _with_offsets(network, number, offsets)
    return Calibrated(network, uses)


def _measure(
    chip: Chip, network: Network, number: int, first: int, reads: int
) -> npt.NDArray[np.int64]:
    """Answers of a layer's neurons (reads, neurons) where no row is driven."""
    layer, noise = chip.varied(network).layers[number], ColumnNoise(chip, network)
    assert layer.converter is not None
    sums = np.zeros((reads, layer.converter.gains.size), np.int64)
    sums = noise.on_sums(number, first, sums)
    currents = (sums * layer.converter.gains >> layer.converter.shift) - layer.converter.offsets
    currents = np.clip(noise.on_currents(number, first, currents), 0, 2**network.current_bits - 1)
    return activate(network, layer, currents).astype(np.int64)
