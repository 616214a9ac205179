"""Cutting a network into tiles: each layer's step, chosen by what the network still gets right.

A step that loses little of the sums is not the one that loses few images: most sums are small, and
saturated large ones often cost nothing. So each layer's step is the power of two with which most
images of a calibration set are classified rightly, the other layers' being what they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_power_of_two, check_range
from allspin.sim.network.formats import (
    MAX_ADC_BITS,
    MAX_ADC_SHIFT,
    MAX_TILE_ROWS,
    MIN_ADC_BITS,
    MIN_TILE_ROWS,
    Adc,
    quantise_pixels,
)
from allspin.sim.network.golden import GoldenModel, Integers, converted
from allspin.sim.network.network import Network

TRIED = 6
"""Steps that are tried of a layer: from the one that no sum saturates downwards."""
ROUNDS = 3
"""How often all layers are gone through at most."""
CALIBRATION = 5000
"""Images that choose at most."""

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Read = tuple[Integers, npt.NDArray[np.bool_]]
"""Of a tile: sums of images and columns, and which images drive one of its rows."""


@dataclass(frozen=True)
class Tiles:
    """What a network is cut into, before a step is known.

    Parameters
    ----------
    rows : int
        Rows of a tile, a power of two from 8 to 65536.
    bits : int
        Of a converter, 2 to 24.
    """

    rows: int
    bits: int

    def __post_init__(self) -> None:
        check_power_of_two("`tile_rows`", self.rows, MIN_TILE_ROWS, MAX_TILE_ROWS)
        check_range("`adc_bits`", self.bits, MIN_ADC_BITS, MAX_ADC_BITS)

    @classmethod
    def asked(cls, rows: int | None, bits: int | None) -> "Tiles | None":
        """The tiles of a pair of options; None where neither is given.

        Raises
        ------
        ValueError
            If one is given without the other, or a value is outside its range.
        """
        if rows is None and bits is None:
            return None
        if rows is None or bits is None:
            given, lacking = ("adc_bits", "tile_rows")[:: 1 if rows is None else -1]
            raise ValueError(f"`{given}` needs `{lacking}`")
        return cls(rows, bits)

    @property
    def text(self) -> str:
        """In words."""
        return f"tiles of {self.rows} rows, converters of {self.bits} bits"

    def to_dict(self) -> dict[str, int]:
        """By the names of the options."""
        return {"tile_rows": self.rows, "adc_bits": self.bits}


def tiles_of(network: Network) -> list[Tiles | None]:
    """What each layer of a network is cut into; None where columns are read in one piece."""
    adcs = [layer.adc for layer in network.layers]
    return [None if adc is None else Tiles(adc.rows, adc.bits) for adc in adcs]


def uncut(network: Network) -> Network:
    """The network with columns that are read in one piece."""
    layers = tuple(replace(layer, adc=None) for layer in network.layers)
    return replace(network, layers=layers)


def with_steps(network: Network, tiles: Tiles, shifts: Sequence[int]) -> Network:
    """The network cut into tiles, with a step of ``2**shift`` for each layer."""
    layers = tuple(
        replace(layer, adc=Adc(tiles.rows, tiles.bits, shift))
        for layer, shift in zip(network.layers, shifts, strict=True)
    )
    return replace(network, layers=layers)


class _Steps:
    """The search for each layer's step."""

    def __init__(self, network: Network, tiles: Tiles, images: Pixels, labels: Labels) -> None:
        self.model = GoldenModel(uncut(network))
        self.tiles, self.labels = tiles, labels
        self.values = quantise_pixels(images.reshape(len(images), -1), network.pixel_bits)
        self.shifts: list[int | None] = [None] * len(network.layers)

    def _reads(self, number: int, values: Pixels) -> list[Read]:
        return list(self.model.reads(number, self.tiles.rows, values))

    def _sums(self, shift: int | None, reads: list[Read]) -> Integers:
        """Column sums of a layer, converted with a step, or as they are."""
        total = np.zeros_like(reads[0][0])
        adc = None if shift is None else Adc(self.tiles.rows, self.tiles.bits, shift)
        for sums, driven in reads:
            total += sums if adc is None else converted(adc, sums.copy(), driven) << adc.shift
        return total

    def _right(self, number: int, sums: Integers) -> int:
        """Images that are right with a layer's sums, the layers behind it being as they are."""
        while True:
            trace = self.model.answer(number, self.values, sums)
            if trace.activations is None:
                return int(np.count_nonzero(np.argmax(sums, axis=1) == self.labels))
            number += 1
            sums = self._sums(self.shifts[number], self._reads(number, trace.activations))

    def _best(self, number: int, values: Pixels) -> int:
        """The step of a layer with which most images are right; the finest of equals."""
        reads = self._reads(number, values)
        most = max(int(np.abs(sums).max()) for sums, _ in reads)
        top = min(max(0, most.bit_length() - (self.tiles.bits - 1)), MAX_ADC_SHIFT)
        if top == 0:
            return 0
        tried = range(max(0, top - TRIED + 1), top + 1)
        right = [self._right(number, self._sums(shift, reads)) for shift in tried]
        return tried[int(np.argmax(right))]

    def found(self) -> list[int]:
        """Each layer's step, as a shift."""
        for _ in range(ROUNDS):
            before = list(self.shifts)
            values = self.values
            for number in range(len(self.shifts)):
                self.shifts[number] = self._best(number, values)
                sums = self._sums(self.shifts[number], self._reads(number, values))
                trace = self.model.answer(number, values, sums)
                if trace.activations is not None:
                    values = trace.activations
            if self.shifts == before:
                break
        return [shift for shift in self.shifts if shift is not None]


def cut(network: Network, tiles: Tiles, images: Pixels, labels: Labels) -> Network:
    """Cut a network into tiles, with the steps that lose fewest images.

    Parameters
    ----------
    network : Network
        Cut already or not: as if it were not.
    tiles : Tiles
        Into what.
    images : ndarray of uint8, shape (images, height, width)
        Images that choose the steps, the first 5,000 of them: none that the network is tested
        with.
    labels : ndarray of int64, shape (images,)
        Their classes.

    Returns
    -------
    Network
        Every layer with its `Adc`.
    """
    steps = _Steps(network, tiles, images[:CALIBRATION], labels[:CALIBRATION])
    return with_steps(network, tiles, steps.found())
