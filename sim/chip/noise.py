"""What a chip adds to column sums and currents at each use."""

import numpy as np

from allspin.sim.chip.generator import (
    Purpose,
    column_normals,
    largest_normal,
    use_normals,
)
from allspin.sim.chip.retained import ChipCells
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
from allspin.sim.network.network import MAX_LINES, Network


def cell_range(network: Network, number: int) -> int:
    """One cell's range at full row current, in units of a column's sum."""
    levels = network.layers[number].levels
    return (int(levels[-1]) - int(levels[0])) * (2 ** network.input_bits(number) - 1)


class ColumnNoise:
    """What a chip adds to column sums and currents at each use, for `GoldenModel`.

    Parameters
    ----------
    chip : ChipCells
        The chip.
    network : Network
        What it runs.

    Attributes
    ----------
    use_spread : int
        One standard deviation of a neuron's current at a use, in units of ``2**-6``.

    Raises
    ------
    ValueError
        If a layer has noise at each conversion and more than 65,536 of them for an image, which
        the generator cannot name.
    """

    def __init__(self, chip: ChipCells, network: Network) -> None:
        self.seed = chip.seed
        device, wrong = chip.device, chip.device.imperfections
        use = device.neuron_variation.use_deviation(network.neuron)
        self.use_spread = round(use * 2 ** (network.current_bits + USE_BITS))
        most = largest_normal() * self.use_spread + (1 << OFFSET_BITS >> 1)
        self._most = most >> OFFSET_BITS  # that is added to a current
        self._narrow = most < 2**31
        self._full = 2**network.current_bits - 1
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
                # Tiles' amplifiers are before their converters: `Chip.varied` has their offsets.
                read = offset = 0
                converters = layer.adc.tiles(layer.rows) * layer.uses
                if any(spreads.values()) and converters > MAX_LINES + 1:
                    what = "converters" if layer.uses == layer.columns else "conversions"
                    raise ValueError(
                        f"noise at each conversion is for at most {MAX_LINES + 1:,} {what} of "
                        f"a layer, not {converters:,}; cut layer {number} into larger tiles"
                    )
            self._read.append(read)
            self._offset.append(offset)
            self._tiles.append({each: spread for each, spread in spreads.items() if spread})

    def on_sums(self, layer: int, first: int, sums: Integers) -> Integers:
        """Column sums as the amplifier gives them; a use's draws are named as a column's are.

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
        # Most devices have neither, and passes over all sums cost a twentieth of a chip's time.
        if self._read[layer] or self._offset[layer]:
            added = np.zeros(sums.shape, np.int64)
            if self._read[layer]:
                normals = use_normals(self.seed, layer, Purpose.READ, first, images, columns)
                added += normals * np.int64(self._read[layer])
            if self._offset[layer]:
                added += np.resize(self.offsets(layer), columns)
            sums = sums + rounded(added, OFFSET_BITS)
        if layer == len(self._columns) - 1 and self._amplifier_gain:
            sums = turned(sums, self.shares)
        return sums

    def on_tile(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Column sums of a tile before they are converted, with the noise of this use.

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
        """Neurons' input currents at this use, before they are clamped.

        A current that no draw brings between zero and full scale stays as it is, since it is held
        at one of them anyway.
        Parameters and result are those of `on_sums`, for currents, which are overwritten.
        """
        if not self.use_spread:
            return currents
        within = (currents > -self._most) & (currents < self._full + self._most)
        places = np.flatnonzero(within)
        normals = use_normals(
            self.seed, layer, Purpose.NEURON_USE, first, *currents.shape, places=places
        )
        # Half as wide is a tenth faster, and wide enough for most devices.
        spread = np.int32(self.use_spread) if self._narrow else np.int64(self.use_spread)
        noisy = np.ascontiguousarray(currents)
        noisy.reshape(-1)[places] += (normals * spread + (1 << OFFSET_BITS >> 1)) >> OFFSET_BITS
        return noisy

    @property
    def layers(self) -> int:
        """Number of the network's layers."""
        return len(self._columns)

    @property
    def most(self) -> int:
        """Largest that is ever added to a current, in its least significant bits."""
        return self._most

    def read_spread(self, layer: int) -> int:
        """One standard deviation of a layer's column sums at a use, in units of ``2**-6``."""
        return self._read[layer]

    def offsets(self, layer: int) -> Integers:
        """What a layer's amplifiers add to its sums, in units of ``2**-19``, shape (columns,)."""
        normals = column_normals(self.seed, layer, Purpose.AMPLIFIER_OFFSET, self._columns[layer])
        return normals * np.int64(self._offset[layer])

    @property
    def shares(self) -> Integers:
        """By how much of it the last layer's amplifiers change a sum, in units of ``2**-13``."""
        last = len(self._columns) - 1
        normals = column_normals(self.seed, last, Purpose.AMPLIFIER_GAIN, self._columns[last])
        return rounded(normals * np.int64(self._amplifier_gain), SHARE_BITS)

    @property
    def on_tiles(self) -> bool:
        """Whether it changes what tiles' converters see."""
        return any(self._tiles)

    @property
    def on_neurons_only(self) -> bool:
        """Whether it leaves the column sums as they are."""
        sums = any(self._read) or any(self._offset) or self._amplifier_gain
        return not sums and not self.on_tiles

    @property
    def silent(self) -> bool:
        """Whether it never adds anything."""
        return self.on_neurons_only and not self.use_spread
