"""A chip's converters of tiles: what each adds to its tile's sum, and what its gain makes of words.

In integers, of normal values z from `allspin.sim.chip.generator`, for the column of a tile::

    offset = (z_adc adc + z_amplifier amplifier + 2^18) >> 19
    gain   = (z_adc adc + 2^15) >> 16  +  (z_amplifier amplifier + 2^15) >> 16
    word   = word + (word gain + 2^12) >> 13

An offset is in words times row values, its deviations in units of ``2**-6`` of that; a gain's are
shares in units of ``2**-16``, and what is made of them is in units of ``2**-13``. Words get their
gain before they are rounded: an error of a thousandth moves no rounded word, but the words that
variation spreads over more than one whole number are right in the mean.
"""

import dataclasses

import numpy as np

from allspin.sim.chip.fixed_point import (
    OFFSET_BITS,
    SHARE_BITS,
    Integers,
    rounded,
    share_units,
    sum_spread,
    turned,
)
from allspin.sim.chip.generator import Purpose, cell_normals, use_normals
from allspin.sim.device.device import Device
from allspin.sim.network.adc import Adc
from allspin.sim.network.network import MAX_LINES, Layer, Network


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
