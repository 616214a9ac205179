"""A chip: one draw of all variation, named by its seed, in integers only.

What its cells hold is in `allspin.sim.chip.words`. Column by column, and tile by tile, a deviation
`sigma` times a normal value z of `allspin.sim.chip.generator` makes a gain
``gain + (gain t + 2^12) >> 13`` with ``t = (z sigma 2^16 + 2^15) >> 16``, clamped to 0 to 1023,
and adds to an offset.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.fixed_point import (
    OFFSET_BITS,
    SHARE_BITS,
    USE_BITS,
    Integers,
    Words,
    rounded,
    share_units,
    sum_spread,
    turned,
    word_units,
)
from allspin.sim.chip.generator import FRACTION_BITS, Purpose, cell_normals
from allspin.sim.chip.noise import ColumnNoise, cell_range
from allspin.sim.chip.words import held_words, reference_errors
from allspin.sim.device.device import Device
from allspin.sim.errors import check_range
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import GoldenModel, activate
from allspin.sim.network.network import GAIN_BITS, Converter, Layer, Network
from allspin.sim.parameters import Shown


@dataclass(frozen=True, eq=False)
class Chip(Shown):
    """One draw of a device's variation.

    Parameters
    ----------
    device : Device
        What the chip is made of.
    seed : int
        Which chip, 0 to 2**32 - 1.

    Raises
    ------
    ValueError, TypeError
        If the seed is outside its range or no integer.
    """

    device: Device
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", check_range("chip seed", self.seed, 0, 2**32 - 1))

    def open_cell(self, levels: npt.NDArray[np.int16]) -> int | None:
        """What an open cell holds where cells are conductances, in units of ``2**-21`` words.

        Parameters
        ----------
        levels : ndarray of int16, shape (states,)
            The layer's; the outermost stand for the ends of the synapse's range.

        Returns
        -------
        int or None
            What a conductance of 0 is, below the lowest level; None of a Hall bar, whose word is
            then 0.
        """
        synapse, low, high = self.device.synapse, float(levels[0]), float(levels[-1])
        if self.device.open_cell is None:
            return None
        word = low + (self.device.open_cell - synapse.low) * (high - low) / synapse.span
        return int(word_units(np.array(word)))

    def held(
        self,
        number: int,
        levels: npt.NDArray[np.int16],
        written: Integers,
        ends: tuple[int, int] | None = None,
    ) -> Integers:
        """What cells of a layer hold of what was written: decay, drift, offsets, stuck cells.

        Parameters
        ----------
        number : int
            The layer.
        levels : ndarray of int16, shape (states,)
            Its levels; the outermost stand for the ends of the synapse's range.
        written : ndarray of int64, shape (rows, columns)
            R_AH of each cell in units of ``2**-21`` words.
        ends : (int, int), optional
            Words of the lowest and the highest R_AH that writes aim at; the outermost levels.

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            In the same units, neither rounded nor clamped: each cell less the reference of its row.
        """
        ends = ends or (int(levels[0]), int(levels[-1]))
        wrong, opened = self.device.imperfections, self.open_cell(levels)
        return held_words(written, ends, self.seed, number, wrong, opened)

    def reference_errors(
        self, number: int, shape: tuple[int, int], levels: npt.NDArray[np.int16]
    ) -> Integers | None:
        """By how much the reference cell of each cell's row holds more than it should.

        Parameters
        ----------
        number : int
            The layer.
        shape : tuple of int
            Its rows and columns.
        levels : ndarray of int16, shape (states,)
            Its levels.

        Returns
        -------
        ndarray of int64, shape (rows, columns), or None
            In units of ``2**-21`` words; None where reference cells do not vary.
        """
        reference = self.device.imperfections.reference
        if not reference:
            return None
        ends = int(levels[0]), int(levels[-1])
        errors = reference_errors(self.seed, number, shape[0], ends, reference)
        return np.broadcast_to(errors, shape)

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
        shape = layer.adc.tiles(layer.rows), layer.columns
        gains = np.zeros(shape, np.int64)
        for purpose, sigma in (
            (Purpose.ADC_GAIN, self.device.adc.gain),
            (Purpose.AMPLIFIER_GAIN, self.device.imperfections.amplifier_gain),
        ):
            gains += self._drawn(number, purpose, shape, share_units(sigma), SHARE_BITS)
        if not gains.any():
            return held
        return turned(held, np.repeat(gains, layer.adc.rows, axis=0)[: layer.rows])

    def _drawn(
        self, layer: int, purpose: Purpose, shape: tuple[int, int], spread: int, bits: int
    ) -> Integers:
        """Normal values times a spread, with so many fraction bits dropped."""
        if not spread:
            return np.zeros(shape, np.int64)
        return rounded(cell_normals(self.seed, layer, purpose, shape) * np.int64(spread), bits)

    def gain_errors(self, network: Network, layer: int, purpose: Purpose, sigma: float) -> Integers:
        """Shares (columns,) of the gain of a layer's columns, in units of ``2**-13``."""
        shape = 1, network.layers[layer].columns
        return self._drawn(layer, purpose, shape, share_units(sigma), SHARE_BITS)[0]

    def current_errors(
        self, network: Network, layer: int, purpose: Purpose, sigma: float
    ) -> Integers:
        """Errors (columns,) of currents, of a share of full scale, in least significant bits."""
        shape = 1, network.layers[layer].columns
        spread = round(sigma * 2**network.current_bits * 2**USE_BITS)
        return self._drawn(layer, purpose, shape, spread, OFFSET_BITS)[0]

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
            converters of tiles.
        """
        layers = [
            dataclasses.replace(
                layer,
                converter=self._converter(network, number),
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
        neuron = self.gain_errors(network, number, Purpose.NEURON_GAIN, variation.gain)
        gains = layer.converter.gains.astype(np.int64)
        factors = [(Purpose.CONVERTER_GAIN, wrong.converter_gain)]
        if layer.adc is None:  # a tile's amplifier is before its converter: `through_gains`
            factors.insert(0, (Purpose.AMPLIFIER_GAIN, wrong.amplifier_gain))
        shares = [self.gain_errors(network, number, *each) for each in factors]
        for share in (*shares, neuron):
            gains = np.clip(turned(gains, share), 0, 2**GAIN_BITS - 1)

        pivot = round(variation.pivot(network.neuron) * (2**network.current_bits - 1))
        threshold = variation.threshold_deviation(network.neuron)
        offsets = layer.converter.offsets - self.current_errors(
            network, number, Purpose.CONVERTER_OFFSET, wrong.converter_offset
        )
        offsets += rounded((offsets + pivot) * neuron, FRACTION_BITS)
        offsets += self.current_errors(network, number, Purpose.NEURON_THRESHOLD, threshold)
        bound = 2 ** (network.current_bits + 1)
        offsets = np.clip(offsets, -bound, bound - 1).astype(np.int32)
        return Converter(gains.astype(np.int32), offsets, layer.converter.shift)

    def _adc(self, network: Network, number: int) -> Adc | None:
        """The converters of a layer's tiles, with their offsets and those of the amplifiers.

        ``offset = (z_adc adc + z_amplifier amplifier + 2^18) >> 19`` for the column of a tile, in
        words times row values, of deviations in units of ``2**-6`` of that.
        """
        layer, wrong = network.layers[number], self.device.imperfections
        adc = layer.adc
        if adc is None:
            return None
        shape = (adc.tiles(layer.rows), layer.columns)
        drawn = np.zeros(shape, np.int64)
        unit = cell_range(network, number)
        for purpose, spread in (
            (Purpose.ADC_OFFSET, sum_spread(self.device.adc.offset, 1 << adc.shift)),
            (Purpose.AMPLIFIER_OFFSET, sum_spread(wrong.amplifier_offset, unit)),
        ):
            drawn += self._drawn(number, purpose, shape, spread, 0)
        offsets = rounded(drawn, OFFSET_BITS)
        if not drawn.any():
            return adc
        if adc.offsets is not None:
            offsets += adc.offsets
        return dataclasses.replace(adc, offsets=offsets)

    def noise(self, network: Network) -> ColumnNoise | None:
        """What changes from use to use, or None if nothing does."""
        noise = ColumnNoise(network, self.device, self.seed)
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


def _answers(network: Network, layer: Layer, currents: Integers) -> npt.NDArray:
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
