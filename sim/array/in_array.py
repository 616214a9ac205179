"""A network in an array: what its columns sum there, folded into words where words can say it."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from allspin.sim.array.resistive import LIMIT, Folded, fold
from allspin.sim.array.transfer import transfer
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.fixed_point import Words
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.formats import full_scale
from allspin.sim.network.network import Layer, Network
from allspin.sim.programming.programming import ChipLayer, chip_network

Reals = npt.NDArray[np.float64]

KEPT = 48
"""Arrays whose effective words are kept in memory: chips that a table's next column shows again."""


@dataclass(frozen=True, eq=False)
class ArrayLayer(ChipLayer):
    """A layer whose columns sum what no R_AH words say.

    Parameters
    ----------
    effective : ndarray of float64, shape (rows, columns)
        What they sum, in words; by its name.
    folded : Folded
        The words that come nearest; by its name.
    """

    effective: Reals = field(kw_only=True)
    folded: Folded = field(kw_only=True)

    @property
    def matrix(self) -> Reals:
        """What the columns sum, shape (rows, columns), in words."""
        return self.effective

    @property
    def beyond_words(self) -> str:
        """Why the words are not this layer."""
        if self.adc is not None:
            return (
                "what an array makes of a tile comes before its converters, and no gain of a "
                "column can say it"
            )
        return (
            f"the array's columns are not R_AH words times a gain: {self.folded.residual:.2%} of "
            f"a cell's range is missing, {self.folded.saturated:.2%} of the words are too large "
            f"(at most {LIMIT:.0%} each)"
        )


@dataclass(frozen=True, eq=False)
class InArray:
    """A network in an array.

    Attributes
    ----------
    network : Network
        The network that the array computes.
    layers : tuple of Folded
        How well each layer is folded; empty where the array is ideal.
    """

    network: Network
    layers: tuple[Folded, ...] = ()

    @property
    def residual(self) -> float:
        """Largest residual of a layer."""
        return max((layer.residual for layer in self.layers), default=0.0)

    @property
    def saturated(self) -> float:
        """Largest share of saturated words of a layer."""
        return max((layer.saturated for layer in self.layers), default=0.0)

    @property
    def error(self) -> float:
        """Largest error of a layer: how far it is from adding its Hall voltages."""
        return max((layer.error for layer in self.layers), default=0.0)

    @property
    def folded(self) -> bool:
        """Whether all of it is in words and gains, which any machine can run."""
        return all(layer.matrix is None for layer in self.network.layers)


def ohm_of_word(array: HallArray, layer: Layer) -> float:
    """Hall resistance of a word of 1, in ohm: the outermost level has `HallArray.hall`."""
    return array.hall / max(1, int(np.abs(layer.levels.astype(np.int64)).max()))


def effective_words(array: HallArray, layer: Layer) -> Reals:
    """What a layer's columns sum in an array, shape (rows, columns), in R_AH words.

    Each tile of a layer with tiles is an array that stands alone.

    Raises
    ------
    ValueError
        If a cell's Hall resistance is more than a cross can have.
    """
    if array.reading == "ideal":
        return layer.words.astype(np.float64)
    ohm = ohm_of_word(array, layer)
    rows = layer.rows if layer.adc is None else layer.adc.rows
    tiles = [
        _kept(array, layer.words[first : first + rows].tobytes(), layer.columns, ohm)
        for first in range(0, layer.rows, rows)
    ]
    return tiles[0] if len(tiles) == 1 else np.concatenate(tiles)


@lru_cache(maxsize=KEPT)
def _kept(array: HallArray, words: bytes, columns: int, ohm: float) -> Reals:
    """The effective words of some content of an array."""
    hall = np.frombuffer(words, np.int8).reshape(-1, columns) * ohm
    effective = transfer(array, hall) / ohm
    effective.setflags(write=False)
    return effective


def in_array(network: Network, array: HallArray, *, folding: bool = True) -> InArray:
    """Put a network, or a chip of one, into an array.

    Parameters
    ----------
    network : Network
        Its words are what the cells hold.
    array : HallArray
        How the cells are joined, driven and read; each layer is such an array.
    folding : bool
        Whether layers may become words and gains. Where noise is added to sums they may not,
        since it is in units of the sums that an amplifier sees; nor may layers with tiles, whose
        sums are converted before a column's gain.

    Returns
    -------
    InArray

    Raises
    ------
    ValueError
        If a cell's Hall resistance is more than a cross can have.
    """
    if array.reading == "ideal":
        return InArray(network)
    layers, all_folded = [], []
    for layer in network.layers:
        effective = effective_words(array, layer)
        folded = fold(
            effective, layer.words, layer.levels, layer.converter, full_scale(network.rah_bits)
        )
        all_folded.append(folded)
        own = layer.states, layer.levels
        if folding and folded.faithful and layer.adc is None:
            layers.append(ChipLayer(*own, folded.converter, layer.table, cells=folded.words))
        else:
            layers.append(
                ArrayLayer(
                    *own,
                    layer.converter,
                    layer.table,
                    layer.adc,
                    cells=folded.words,
                    effective=effective,
                    folded=folded,
                )
            )
    return InArray(replace(network, layers=tuple(layers)), tuple(all_folded))


def chip_in_array(chip: Chip, network: Network, words: list[Words]) -> InArray:
    """Put a programmed chip into the array of its device.

    Parameters
    ----------
    chip, network, words
        As of `allspin.sim.programming.programming.chip_network`, which it is in an ideal array.

    Returns
    -------
    InArray

    Raises
    ------
    ValueError
        If a cell's Hall resistance is more than a cross can have.
    """
    noise = chip.noise(network)
    return in_array(
        chip_network(chip, network, words),
        chip.device.array,
        folding=noise is None or noise.on_neurons_only,
    )
