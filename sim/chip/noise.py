"""What a chip adds to column sums and currents at each use."""

import dataclasses

import numpy as np

from allspin.sim.chip.fixed_point import (
    OFFSET_BITS,
    SHARE_BITS,
    USE_BITS,
    Integers,
    rounded,
    share_units,
    sum_spread,
    turned,
)
from allspin.sim.chip.generator import (
    Purpose,
    cell_normals,
    column_normals,
    largest_normal,
    use_normals,
)
from allspin.sim.device.device import Device
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import END_INT32, Whole
from allspin.sim.network.network import MAX_LINES, Layer, Network

# A chip's converters of tiles: what each adds to its tile's sum, and what its gain makes of words.
#
# In integers, of normal values z from `allspin.sim.chip.generator`, for the column of a tile::
#
#     offset = (z_adc adc + z_amplifier amplifier + 2^18) >> 19
#     gain   = (z_adc adc + 2^15) >> 16  +  (z_amplifier amplifier + 2^15) >> 16
#     word   = word + (word gain + 2^12) >> 13
#
# An offset is in words times row values, its deviations in units of ``2**-6`` of that; a gain's are
# shares in units of ``2**-16``, and what is made of them is in units of ``2**-13``. Words get their
# gain before they are rounded: an error of a thousandth moves no rounded word, but the words that
# variation spreads over more than one whole number are right in the mean.


def cell_range(network: Network, number: int) -> int:
    """One cell's range at full row current, in units of a column's sum."""
    levels = network.layers[number].levels
    return (int(levels[-1]) - int(levels[0])) * (2 ** network.input_bits(number) - 1)


def varied_adc(device: Device, seed: int, network: Network, number: int) -> Adc | None:
    """A layer's converters with a chip's offsets, and those of the amplifiers before them."""
    layer = network.layers[number]
    adc, wrong = layer.adc, device.imperfections
    if adc is None:
        return None
    spreads = {
        Purpose.ADC_OFFSET: sum_spread(device.adc.offset, 1 << adc.shift),
        Purpose.AMPLIFIER_OFFSET: sum_spread(wrong.amplifier_offset, cell_range(network, number)),
    }
    shape = (adc.tiles(layer.rows), layer.columns)
    drawn = _drawn(seed, number, shape, spreads)
    if drawn is None:
        return adc
    offsets = rounded(drawn, OFFSET_BITS)
    if adc.offsets is not None:
        offsets += adc.offsets
    return dataclasses.replace(adc, offsets=offsets)


def _drawn(
    seed: int, number: int, shape: tuple[int, int], spreads: dict[Purpose, int]
) -> Integers | None:
    """Draws of each tile's columns times what they are worth, added; None where nothing varies."""
    worth = {purpose: spread for purpose, spread in spreads.items() if spread}
    if not worth:
        return None
    return sum(
        (cell_normals(seed, number, each, shape) * np.int64(worth[each]) for each in worth),
        np.zeros(shape, np.int64),
    )


def through_gains(device: Device, seed: int, layer: Layer, number: int, held: Integers) -> Integers:
    """What cells hold, as the amplifiers and converters of their tiles take it.

    Parameters
    ----------
    device : Device
        What the chip is made of.
    seed : int
        The chip.
    layer : Layer
        With or without tiles; without them nothing changes.
    number : int
        Which layer it is.
    held : ndarray of int64, shape (rows, columns)
        In any unit finer than words.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
    """
    adc = layer.adc
    if adc is None:
        return held
    gains = np.zeros((adc.tiles(layer.rows), layer.columns), np.int64)
    for purpose, figure in (
        (Purpose.ADC_GAIN, device.adc.gain),
        (Purpose.AMPLIFIER_GAIN, device.imperfections.amplifier_gain),
    ):
        share = np.int64(share_units(figure))
        if share:
            normals = cell_normals(seed, number, purpose, gains.shape)
            gains += rounded(normals * share, SHARE_BITS)
    if not gains.any():
        return held
    by_row = np.repeat(gains, adc.rows, axis=0)[: layer.rows]
    return turned(held, by_row)


class TileNoise:
    """What changes from conversion to conversion: read noise, and the converters' own.

    Parameters
    ----------
    network : Network
        The network.
    device : Device
        What its chips are made of.
    seed : int
        The chip.

    Raises
    ------
    ValueError
        If a layer has noise and more than 65,536 converters, which the generator cannot name.
    """

    def __init__(self, network: Network, device: Device, seed: int) -> None:
        self.seed = seed
        self._spreads: list[dict[Purpose, int]] = []
        for number, layer in enumerate(network.layers):
            adc = layer.adc
            spreads = (
                {}
                if adc is None
                else {
                    Purpose.READ: sum_spread(
                        device.imperfections.read_noise, cell_range(network, number)
                    ),
                    Purpose.ADC_NOISE: sum_spread(device.adc.noise, 1 << adc.shift),
                }
            )
            self._spreads.append({each: spread for each, spread in spreads.items() if spread})
            converters = 0 if adc is None else adc.tiles(layer.rows) * layer.columns
            if self._spreads[-1] and converters > MAX_LINES + 1:
                raise ValueError(
                    f"noise at each conversion is for at most {MAX_LINES + 1:,} converters of a "
                    f"layer, not {converters:,}; cut layer {number} into larger tiles"
                )

    def added(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Column sums (images, columns) of a tile with this noise; see `GoldenModel`."""
        spreads = self._spreads[layer]
        if not spreads:
            return sums
        images, columns = sums.shape
        drawn = np.zeros(sums.shape, np.int64)
        for purpose, spread in spreads.items():
            normals = use_normals(self.seed, layer, purpose, first, images, columns, tile * columns)
            drawn += normals * np.int64(spread)
        return sums + rounded(drawn, OFFSET_BITS)

    @property
    def silent(self) -> bool:
        """Whether it never adds anything."""
        return not any(self._spreads)


class ColumnNoise:
    """What a chip adds to column sums and currents at each use, for `GoldenModel`.

    Parameters
    ----------
    network : Network
        The network.
    device : Device
        What its chips are made of.
    seed : int
        The chip.
    """

    def __init__(self, network: Network, device: Device, seed: int) -> None:
        self.seed = seed
        wrong = device.imperfections
        use = device.neuron_variation.use_deviation(network.neuron)
        self._use = round(use * 2 ** (network.current_bits + USE_BITS))
        most = largest_normal() * self._use + (1 << OFFSET_BITS >> 1)
        self._most = most >> OFFSET_BITS  # that is added to a current
        self._full = 2**network.current_bits - 1
        self._product = np.int32 if most < END_INT32 else np.int64
        self._columns = [layer.columns for layer in network.layers]
        self._last = len(network.layers) - 1
        tiled = [layer.adc is not None for layer in network.layers]
        self._tiles = TileNoise(network, device, seed)
        self._amplifier_gain = 0 if tiled[-1] else share_units(wrong.amplifier_gain)
        # The amplifiers of tiles are before their converters: see `varied_adc` and `TileNoise`.
        units = [
            0 if tiled[number] else cell_range(network, number)
            for number in range(len(network.layers))
        ]
        self._read = [sum_spread(wrong.read_noise, unit) for unit in units]
        self._offset = [sum_spread(wrong.amplifier_offset, unit) for unit in units]

    def on_sums(self, layer: int, first: int, sums: Whole) -> Whole:
        """Column sums as the amplifier gives them.

        Parameters
        ----------
        layer : int
            Layer, from 0.
        first : int
            Number of the first image.
        sums : ndarray of int64 or int32, shape (images, columns)
            Column sums without noise.

        Returns
        -------
        ndarray of int64 or int32, shape (images, columns)
            Read noise and offset added; in the last layer, which has no V-I converter to
            take it up, the amplifier's gain error too.
        """
        images, columns = sums.shape
        # Most devices have neither, and passes over all sums cost a twentieth of a chip's time.
        if self._read[layer] or self._offset[layer]:
            added = np.zeros(sums.shape, np.int64)
            if self._read[layer]:
                normals = use_normals(self.seed, layer, Purpose.READ, first, images, columns)
                added += normals * np.int64(self._read[layer])
            if self._offset[layer]:
                added += self.offsets(layer)
            sums = sums + rounded(added, OFFSET_BITS)
        if layer == self._last and self._amplifier_gain:
            sums = turned(sums.astype(np.int64, copy=False), self.shares)
        return sums

    def on_tile(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Column sums of a tile before they are converted, with the noise of this use.

        Parameters and result are those of `on_sums`, for a tile.
        """
        return self._tiles.added(layer, tile, first, sums)

    def on_currents(self, layer: int, first: int, currents: Whole) -> Whole:
        """Neurons' input currents at this use, before they are clamped.

        A current that no draw brings between zero and full scale stays as it is, since it is held
        at one of them anyway.
        Parameters and result are those of `on_sums`, for currents.
        """
        if not self._use:
            return currents
        within = (currents > -self._most) & (currents < self._full + self._most)
        places = np.flatnonzero(within)
        normals = use_normals(
            self.seed, layer, Purpose.NEURON_USE, first, *currents.shape, places=places
        )
        noisy = currents.astype(np.result_type(currents, self._product), order="C")
        noisy.reshape(-1)[places] += (
            normals * self._product(self._use) + (1 << OFFSET_BITS >> 1) >> OFFSET_BITS
        )
        return noisy

    def read_spread(self, layer: int) -> int:
        """One standard deviation of a layer's column sums at a use, in units of ``2**-6``."""
        return self._read[layer]

    def offsets(self, layer: int) -> Integers:
        """What a layer's amplifiers add to its sums, in units of ``2**-19``, shape (columns,)."""
        columns = self._columns[layer]
        normals = column_normals(self.seed, layer, Purpose.AMPLIFIER_OFFSET, columns)
        return normals * np.int64(self._offset[layer])

    @property
    def shares(self) -> Integers:
        """By how much of it the last layer's amplifiers change a sum, in units of ``2**-13``."""
        columns = self._columns[self._last]
        normals = column_normals(self.seed, self._last, Purpose.AMPLIFIER_GAIN, columns)
        return rounded(normals * np.int64(self._amplifier_gain), SHARE_BITS)

    @property
    def use_spread(self) -> int:
        """One standard deviation of a neuron's current at a use, in units of ``2**-6``."""
        return self._use

    @property
    def on_tiles(self) -> bool:
        """Whether it changes what tiles' converters see."""
        return not self._tiles.silent

    @property
    def on_neurons_only(self) -> bool:
        """Whether it leaves the column sums as they are."""
        sums = any(self._read) or any(self._offset) or self._amplifier_gain
        return not sums and self._tiles.silent

    @property
    def silent(self) -> bool:
        """Whether it never adds anything."""
        return self.on_neurons_only and not self._use
