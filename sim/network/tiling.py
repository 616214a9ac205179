"""Tiles: a network whose columns are cut into groups of rows, each group read by its own ADCs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_power_of_two, check_range
from allspin.sim.network.adc import (
    MAX_ADC_BITS,
    MAX_ADC_SHIFT,
    MAX_TILE_ROWS,
    MIN_ADC_BITS,
    MIN_TILE_ROWS,
    Adc,
)
from allspin.sim.network.golden import GoldenModel, convert
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.network.reference import Integers

TRIED_STEPS = 6
"""Number of steps tried for a layer, from the finest that no sum saturates downwards."""
MAX_ROUNDS = 3
"""Largest number of passes over all layers."""
CALIBRATION_IMAGES = 5000
"""Largest number of images that choose the steps."""

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
TileSums = tuple[Integers, npt.NDArray[np.bool_]]
"""Sums of one tile (images, uses), and True where a row of the tile is driven."""


@dataclass(frozen=True)
class Tiles:
    """Size of the tiles of a network, before the step of the ADCs is known.

    Parameters
    ----------
    tile_rows : int
        Rows of a tile that columns are cut into, a power of two from 8 to 65536.
    adc_bits : int
        Bits of a tile's converters, 2 to 24.
    """

    tile_rows: int
    adc_bits: int

    def __post_init__(self) -> None:
        check_power_of_two("`tile_rows`", self.tile_rows, MIN_TILE_ROWS, MAX_TILE_ROWS)
        check_range("`adc_bits`", self.adc_bits, MIN_ADC_BITS, MAX_ADC_BITS)

    @classmethod
    def parse(cls, text: str) -> "Tiles":
        """Read tiles such as ``128:5``: rows of a tile, and bits of its converters.

        Without bits, as in ``128``, converters have 24 bits, which lose nothing; without rows, as
        in ``:5``, tiles have 65,536 rows, so that each column is one tile.

        Raises
        ------
        ValueError
            If the text is not of this form, or a number is outside its range.
        """
        match = re.fullmatch(r"(\d{0,9})(?::(\d{1,9}))?", text.strip())
        if match is None or not any(match.groups()):
            raise ValueError(f"tiles are ROWS:BITS, such as 128:5, 128 or :5, not {text!r}")
        rows, bits = match.groups()
        return cls(int(rows or MAX_TILE_ROWS), int(bits or MAX_ADC_BITS))

    @property
    def words(self) -> str:
        """Text that `parse` reads."""
        return f"{self.tile_rows}:{self.adc_bits}"

    @property
    def text(self) -> str:
        """Description for messages and tables."""
        return f"tiles of {self.tile_rows} rows, converters of {self.adc_bits} bits"

    def to_dict(self) -> dict[str, int]:
        """Return the values by the names of the options."""
        return {"tile_rows": self.tile_rows, "adc_bits": self.adc_bits}


def tiles_of(network: Network) -> list[Tiles | None]:
    """Return each layer's tiles; None for a layer whose columns are read in one piece."""
    adcs = [layer.adc for layer in network.layers]
    return [None if adc is None else Tiles(adc.rows, adc.bits) for adc in adcs]


def uncut(network: Network) -> Network:
    """Return the network with columns that are read in one piece."""
    return replace(network, layers=tuple(replace(layer, adc=None) for layer in network.layers))


def with_steps(network: Network, tiles: Tiles, shifts: Sequence[int]) -> Network:
    """Return the network cut into tiles, with an ADC step of ``2**shift`` for each layer."""
    layers = tuple(
        replace(layer, adc=Adc(tiles.tile_rows, tiles.adc_bits, shift))
        for layer, shift in zip(network.layers, shifts, strict=True)
    )
    return replace(network, layers=layers)


def cut(network: Network, tiles: Tiles, images: Pixels, labels: Labels) -> Network:
    """Cut a network into tiles, with the ADC steps that lose the fewest images.

    A step that loses little of the sums need not lose few images: most sums are small, and
    saturating the large ones often costs nothing. Each layer's step is therefore the power of two
    that classifies most images correctly, given the steps of the other layers.

    Parameters
    ----------
    network : Network
        Network to cut; tiles that it already has are ignored.
    tiles : Tiles
        Size of the tiles.
    images : ndarray of uint8, shape (images, height, width)
        Images that choose the steps, of which the first 5,000 are used. They must not be images
        that the network is tested with.
    labels : ndarray of int64, shape (images,)
        Their classes.

    Returns
    -------
    Network
        Every layer has its `Adc`.
    """
    search = _StepSearch(uncut(network), tiles, images[:CALIBRATION_IMAGES], labels)
    for _ in range(MAX_ROUNDS):
        before = list(search.shifts)
        search.choose_all()
        if search.shifts == before:
            break
    return with_steps(network, tiles, [shift for shift in search.shifts if shift is not None])


class _StepSearch:
    """Coordinate search for the ADC step of each layer.

    Attributes
    ----------
    shifts : list of int or None
        Step chosen for each layer so far; None for a layer that is still read in one piece.
    """

    def __init__(self, network: Network, tiles: Tiles, images: Pixels, labels: Labels) -> None:
        self.shifts: list[int | None] = [None] * len(network.layers)
        self._model = GoldenModel(network)
        self._tiles = tiles
        self._labels = labels[:CALIBRATION_IMAGES]
        self._pixels = quantise_pixels(images.reshape(len(images), -1), network.pixel_bits)

    def choose_all(self) -> None:
        """Choose the step of one layer after another, first to last."""
        values = self._pixels
        for number in range(len(self.shifts)):
            tile_sums = self._tile_sums(number, values)
            self.shifts[number] = self._best_shift(number, tile_sums)
            chosen = self._converted(self.shifts[number], tile_sums)
            outputs = self._model.answer(number, values, chosen).outputs
            if outputs is not None:
                values = outputs

    def _tile_sums(self, number: int, values: Pixels) -> list[TileSums]:
        return list(self._model.tile_sums(number, self._tiles.tile_rows, values))

    def _best_shift(self, number: int, tile_sums: list[TileSums]) -> int:
        """Return the step with most correct images, the finest if several are equal."""
        largest = max(int(np.abs(sums).max()) for sums, _ in tile_sums)
        coarsest = min(max(0, largest.bit_length() - (self._tiles.adc_bits - 1)), MAX_ADC_SHIFT)
        if coarsest == 0:
            return 0
        tried = range(max(0, coarsest - TRIED_STEPS + 1), coarsest + 1)
        correct = [self._correct(number, self._converted(shift, tile_sums)) for shift in tried]
        return tried[int(np.argmax(correct))]

    def _converted(self, shift: int | None, tile_sums: list[TileSums]) -> Integers:
        """Return a layer's column sums with an ADC step, or unconverted if there is none."""
        total = np.zeros_like(tile_sums[0][0])
        if shift is None:
            for sums, _ in tile_sums:
                total += sums
            return total
        adc = Adc(self._tiles.tile_rows, self._tiles.adc_bits, shift)
        for sums, driven in tile_sums:
            total += convert(adc, sums.copy(), driven)
        return total << shift

    def _correct(self, number: int, sums: Integers) -> int:
        """Count the images that these sums of a layer classify correctly."""
        values = self._model.answer(number, self._pixels, sums).outputs
        while values is not None:
            number += 1
            sums = self._converted(self.shifts[number], self._tile_sums(number, values))
            values = self._model.answer(number, values, sums).outputs
        return int(np.count_nonzero(np.argmax(sums, axis=1) == self._labels))
