"""Network in an array: effective weights of its columns, folded into R_AH words if possible."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from allspin.sim.array.folding import LIMIT, Folded, Reals, fold
from allspin.sim.array.transfer import transfer
from allspin.sim.chip.chip_layer import ChipLayer
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import full_scale
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief

KEPT = 48
"""Arrays whose effective words are kept in memory: chips that a table's next column shows again."""


@dataclass(frozen=True, eq=False)
class ArrayLayer(ChipLayer):
    """A layer whose effective weights are not R_AH words.

    Parameters
    ----------
    effective : ndarray of float64, shape (rows, columns)
        Effective weights in words; keyword only.
    folded : Folded
        Nearest words; keyword only.
    """

    effective: Reals = field(kw_only=True)
    folded: Folded = field(kw_only=True)

    @property
    def matrix(self) -> Reals:
        """Effective weights, shape (rows, columns), in words."""
        return self.effective

    @property
    def beyond_words(self) -> str:
        """Reason why words do not describe this layer."""
        if not self.shared:
            return "what an array makes of a column is not folded with neurons of its positions"
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
class InArray(Brief):
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
        """Largest error of a layer: its distance from adding its Hall voltages."""
        return max((layer.error for layer in self.layers), default=0.0)

    @property
    def folded(self) -> bool:
        """True if all layers are words and gains, which any machine can run."""
        return all(layer.matrix is None for layer in self.network.layers)


def ohm_of_word(array: HallArray, layer: Layer) -> float:
    """Return the ohm of a word of 1; the outermost level has `HallArray.hall`."""
    return array.hall / max(1, int(np.abs(layer.levels.astype(np.int64)).max()))


def effective_words(array: HallArray, layer: Layer) -> Reals:
    """Return a layer's effective weights in an array, shape (rows, columns), in R_AH words.

    Each tile of a layer with tiles is an independent array.

    Raises
    ------
    ValueError
        If a cell's Hall resistance exceeds the limit of its cross.
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
    """Return the effective words of an array with these cells; recent results are kept."""
    hall = np.frombuffer(words, np.int8).reshape(-1, columns) * ohm
    effective = transfer(array, hall) / ohm
    effective.setflags(write=False)
    return effective


def in_array(network: Network, array: HallArray, *, folding: bool = True) -> InArray:
    """Put a network, or a chip of one, into an array.

    Parameters
    ----------
    network : Network
        Network whose words the cells store.
    array : HallArray
        Connections, supply and reading; each layer is such an array.
    folding : bool
        True if layers may become words and gains. Layers with noise of sums may not, since the
        noise is in units of the amplifier's input; layers with tiles may not, since their ADCs
        come before a column's gain.

    Returns
    -------
    InArray

    Raises
    ------
    ValueError
        If a cell's Hall resistance exceeds the limit of its cross.
    """
    if array.reading == "ideal":
        return InArray(network)
    layers = []
    all_folded = []
    for layer in network.layers:
        effective = effective_words(array, layer)
        converter = layer.converter
        if converter is not None and not layer.shared:
            # Converters of the first position suffice to measure the loss of folding.
            gains = converter.gains[: layer.columns]
            offsets = converter.offsets[: layer.columns]
            converter = Converter(gains, offsets, converter.shift)
        folded = fold(effective, layer.words, layer.levels, converter, full_scale(network.rah_bits))
        all_folded.append(folded)
        if folding and folded.faithful and layer.adc is None and layer.shared:
            own = replace(layer, converter=folded.converter).parts
            layers.append(ChipLayer(**own, cells=folded.words))
        else:
            own = layer.parts | {"effective": effective, "folded": folded}
            layers.append(ArrayLayer(**own, cells=folded.words))
    return InArray(replace(network, layers=tuple(layers)), tuple(all_folded))
