"""Noise of column sums and neurons' currents that a chip draws anew at each use."""

from typing import Self

import numpy as np

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, column_normals, largest_normal, use_normals
from allspin.sim.chip.words import (
    OFFSET_BITS,
    SHARE_BITS,
    USE_BITS,
    Integers,
    rounded,
    share_units,
    sum_spread,
    turned,
)
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import MAX_LINES, Network


def cell_range(network: Network, number: int) -> int:
    """Return a cell's range at full row current, in units of a column's sum."""
    levels = network.layers[number].levels
    return (int(levels[-1]) - int(levels[0])) * (2 ** network.input_bits(number) - 1)


def _check_conversions(layer: Layer, number: int) -> None:
    """Raise a `ValueError` if a tiled layer has more conversions than the generator can name."""
    assert layer.adc is not None
    converters = layer.adc.tiles(layer.rows) * layer.uses
    if converters > MAX_LINES + 1:
        what = "converters" if layer.uses == layer.columns else "conversions"
        raise ValueError(
            f"noise at each conversion is for at most {MAX_LINES + 1:,} {what} of "
            f"a layer, not {converters:,}; cut layer {number} into larger tiles"
        )


class ColumnNoise:
    """Noise sources of a chip at each use of its columns and neurons, for `GoldenModel`.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : Network
        Network that it runs.

    Attributes
    ----------
    layers : int
        Number of the network's layers.
    use_spread : int
        One standard deviation of a neuron's current at a use, in units of ``2**-6``.
    most : int
        Largest addition to a current, in its least significant bits.

    Raises
    ------
    ValueError
        If a layer has noise at each conversion and more than 65,536 conversions for an image, which
        the generator cannot name.
    """

    def __init__(self, chip: Chip, network: Network) -> None:
        self.seed = chip.seed
        device = chip.device
        wrong = device.imperfections
        self.layers = len(network.layers)
        use = device.neuron_variation.use_deviation(network.neuron)
        self.use_spread = round(use * 2 ** (network.current_bits + USE_BITS))
        most = largest_normal() * self.use_spread + (1 << OFFSET_BITS >> 1)
        self.most = most >> OFFSET_BITS
        self._fits_32_bits = most < 2**31
        self._full_scale = 2**network.current_bits - 1
        self._columns = [layer.columns for layer in network.layers]
        tiled = network.layers[-1].adc is not None
        self._amplifier_gain = 0 if tiled else share_units(wrong.amplifier_gain)
        self._read: list[int] = []
        self._offset: list[int] = []
        self._tiles: list[dict[Purpose, int]] = []
        for number, layer in enumerate(network.layers):
            unit = cell_range(network, number)
            read = sum_spread(wrong.read_noise, unit)
            offset = sum_spread(wrong.amplifier_offset, unit)
            spreads = {}
            if layer.adc is not None:
                own = sum_spread(device.adc.noise, 1 << layer.adc.shift)
                spreads = {Purpose.READ: read, Purpose.ADC_NOISE: own}
                # Tiles' amplifiers are before their ADCs: `vary_columns` has their offsets.
                read = 0
                offset = 0
                if any(spreads.values()):
                    _check_conversions(layer, number)
            self._read.append(read)
            self._offset.append(offset)
            self._tiles.append({each: spread for each, spread in spreads.items() if spread})

    @classmethod
    def of_chip(cls, chip: Chip, network: Network) -> Self | None:
        """Return the noise of a chip that runs a network, or None if it is silent."""
        noise = cls(chip, network)
        return None if noise.silent else noise

    def on_sums(self, layer: int, first: int, sums: Integers) -> Integers:
        """Add read noise and the amplifiers' errors to column sums.

        The draws of a use are named as those of a column are.

        Parameters
        ----------
        layer : int
            Layer, from 0.
        first : int
            Number of the first image.
        sums : ndarray of int64, shape (images, uses)
            Column sums without noise.

        Returns
        -------
        ndarray of int64, shape (images, uses)
            Read noise and offset added; in the last layer, which has no V-I converter to
            take it up, the amplifier's gain error too.
        """
        images, columns = sums.shape
        # Most devices have neither, and a pass over all sums costs a twentieth of a chip's time.
        if self._read[layer] or self._offset[layer]:
            added = np.zeros(sums.shape, np.int64)
            if self._read[layer]:
                normals = use_normals(self.seed, layer, Purpose.READ, first, images, columns)
                added += normals * np.int64(self._read[layer])
            if self._offset[layer]:
                added += np.resize(self.offsets(layer), columns)
            sums = sums + rounded(added, OFFSET_BITS)
        if layer == self.layers - 1 and self._amplifier_gain:
            sums = turned(sums, self.shares)
        return sums

    def on_tile(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Add the noise of a use to a tile's column sums, before they are converted.

        Parameters and result are those of `on_sums`, for a tile.
        """
        spreads = self._tiles[layer]
        if not spreads:
            return sums
        images, columns = sums.shape
        drawn = np.zeros(sums.shape, np.int64)
        for purpose, spread in spreads.items():
            normals = use_normals(self.seed, layer, purpose, first, images, columns, tile * columns)
            drawn += normals * np.int64(spread)
        return sums + rounded(drawn, OFFSET_BITS)

    def on_currents(self, layer: int, first: int, currents: Integers) -> Integers:
        """Add the noise of a use to neurons' input currents, before they are clamped.

        A current that no draw brings between zero and full scale stays as it is, since it is
        clamped to one of them anyway.
        Parameters and result are those of `on_sums`, for currents, which are overwritten.
        """
        if not self.use_spread:
            return currents
        within = (currents > -self.most) & (currents < self._full_scale + self.most)
        places = np.flatnonzero(within)
        normals = use_normals(
            self.seed, layer, Purpose.NEURON_USE, first, *currents.shape, places=places
        )
        # Half as wide is a tenth faster, and wide enough for most devices.
        spread = np.int32(self.use_spread) if self._fits_32_bits else np.int64(self.use_spread)
        noisy = np.ascontiguousarray(currents)
        noisy.reshape(-1)[places] += (normals * spread + (1 << OFFSET_BITS >> 1)) >> OFFSET_BITS
        return noisy

    def read_spread(self, layer: int) -> int:
        """Return a standard deviation of a layer's column sums at a use, in units of ``2**-6``."""
        return self._read[layer]

    def offsets(self, layer: int) -> Integers:
        """Draw the offsets of a layer's amplifiers, in units of ``2**-19``, shape (columns,)."""
        normals = column_normals(self.seed, layer, Purpose.AMPLIFIER_OFFSET, self._columns[layer])
        return normals * np.int64(self._offset[layer])

    @property
    def shares(self) -> Integers:
        """Gain errors of the last layer's amplifiers, in units of ``2**-13``, shape (columns,)."""
        last = self.layers - 1
        normals = column_normals(self.seed, last, Purpose.AMPLIFIER_GAIN, self._columns[last])
        return rounded(normals * np.int64(self._amplifier_gain), SHARE_BITS)

    @property
    def on_tiles(self) -> bool:
        """True if the sums of tiles have noise before they are converted."""
        return any(self._tiles)

    @property
    def on_neurons_only(self) -> bool:
        """True if column sums have no noise and no error."""
        sums = any(self._read) or any(self._offset) or self._amplifier_gain
        return not sums and not self.on_tiles

    @property
    def silent(self) -> bool:
        """True if every noise source is zero."""
        return self.on_neurons_only and not self.use_spread
