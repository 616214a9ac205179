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
    return replace(network, layers=tuple(replace(layer, adc=None) for layer in network.layers))


def with_steps(network: Network, tiles: Tiles, shifts: Sequence[int]) -> Network:
    """The network cut into tiles, with a step of ``2**shift`` for each layer."""
    layers = tuple(
        replace(layer, adc=Adc(tiles.rows, tiles.bits, shift))
        for layer, shift in zip(network.layers, shifts, strict=True)
    )
    return replace(network, layers=layers)


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
    pixels, labels = images[:CALIBRATION], labels[:CALIBRATION]
    first = quantise_pixels(pixels.reshape(len(pixels), -1), network.pixel_bits)
    model = GoldenModel(uncut(network))
    # As it is where there is no step yet.
    shifts: list[int | None] = [None] * len(network.layers)

    def summed(shift: int | None, reads: list[Read]) -> Integers:
        """Column sums of a layer, converted with a step, or as they are."""
        total = np.zeros_like(reads[0][0])
        adc = None if shift is None else Adc(tiles.rows, tiles.bits, shift)
        for sums, driven in reads:
            total += sums if adc is None else converted(adc, sums.copy(), driven) << adc.shift
        return total

    def reads_of(number: int, values: Pixels) -> list[Read]:
        return list(model.reads(number, tiles.rows, values))

    def right(number: int, sums: Integers) -> int:
        """Images that are right with a layer's sums, the layers behind it being as they are."""
        values = model.answer(number, first, sums).activations
        while values is not None:
            number += 1
            sums = summed(shifts[number], reads_of(number, values))
            values = model.answer(number, first, sums).activations
        return int(np.count_nonzero(np.argmax(sums, axis=1) == labels))

    for _ in range(ROUNDS):
        before, values = list(shifts), first
        for number in range(len(shifts)):
            reads = reads_of(number, values)
            most = max(int(np.abs(sums).max()) for sums, _ in reads)
            top = min(max(0, most.bit_length() - (tiles.bits - 1)), MAX_ADC_SHIFT)
            # With most images right; the finest of equals.
            tried = range(max(0, top - TRIED + 1), top + 1) if top else range(1)
            best = [right(number, summed(shift, reads)) for shift in tried] if top else [0]
            shifts[number] = tried[int(np.argmax(best))]
            answer = model.answer(number, values, summed(shifts[number], reads))
            values = values if answer.activations is None else answer.activations
        if shifts == before:
            break
    return with_steps(network, tiles, [shift for shift in shifts if shift is not None])
