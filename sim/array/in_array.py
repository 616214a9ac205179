"""A network in an array: effective weights of its columns, folded into R_AH words if possible."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from allspin.sim.array.transfer import transfer
from allspin.sim.chip.chip_layer import ChipLayer
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT, Converter, Layer
from allspin.sim.network.levels import full_scale
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief

Reals = npt.NDArray[np.float64]

KEPT = 48
"""Arrays whose effective words are kept in memory: chips that a table's next column shows again."""


# An effective matrix as what gateware has: R_AH words, and a gain for each column.
#
# Words are rounded, and gains have `GAIN_BITS` bits. How much of the matrix that loses is told as
# `Folded.residual` and `Folded.saturated`; above `LIMIT` the words are not the array.

LIMIT = 0.01
"""Residual, and share of saturated words, above which an array is not folded."""
OUTLYING = 5.0
"""Largest deviation of a cell from its column's gain, in median deviations of the column."""
NO_GAIN = 1e-9
"""A column that keeps less of its words than this has no gain."""


@dataclass(frozen=True, eq=False)
class Folded:
    """A layer's effective matrix, folded.

    Attributes
    ----------
    words : ndarray of int8, shape (rows, columns)
        R_AH words.
    scales : ndarray of float64, shape (columns,)
        Factor of each column's words.
    converter : Converter or None
        V-I converters with the scales in their gains; None in the last layer, whose scales are
        equal.
    saturated : float
        Share of the words that exceed the range of a word.
    residual : float
        Root mean square of the folding error, as a fraction of a cell's range in its column: the
        distance of the outermost levels times the gain of the column's own words. At most 1, which
        is also the value of columns without a gain.
    error : float
        Root mean square deviation of the array from the cells' words times these gains, in the same
        unit: the array's distance from adding its Hall voltages, folded or not.
    """

    words: npt.NDArray[np.int8]
    scales: Reals
    converter: Converter | None
    saturated: float
    residual: float
    error: float

    @property
    def faithful(self) -> bool:
        """True if the words describe the array within `LIMIT`."""
        return self.saturated <= LIMIT and self.residual <= LIMIT


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
        """Largest error of a layer: how far it is from adding its Hall voltages."""
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
    layers, all_folded = [], []
    for layer in network.layers:
        effective, converter = effective_words(array, layer), layer.converter
        if converter is not None and not layer.shared:
            # Those of the first position, to say how well words meet the array.
            gains, offsets = converter.gains[: layer.columns], converter.offsets[: layer.columns]
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


def own_gains(effective: Reals, words: npt.NDArray[np.integer]) -> Reals:
    """Return the gain of each column (columns,) on its own words, by least squares.

    Cells that deviate by more than `OUTLYING` median deviations are excluded from a second fit,
    since an array may treat its first and last rows differently. A column of zeros has gain 1.
    """
    stored = words.astype(np.float64)
    gains = _fitted(effective, stored, np.ones(len(stored[0])))
    missed = np.abs(effective - gains * stored)
    most = OUTLYING * np.median(missed, axis=0) + NO_GAIN * np.abs(effective).max(axis=0)
    return _fitted(effective, stored * (missed <= most), gains)


def _fitted(effective: Reals, stored: Reals, otherwise: Reals) -> Reals:
    """Return each column's factor by least squares; `otherwise` for a column of zeros."""
    squares, products = (stored**2).sum(axis=0), (effective * stored).sum(axis=0)
    return np.divide(products, squares, out=otherwise.copy(), where=squares > 0)


def _rounded(effective: Reals, scales: Reals, top: int) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """Return rounded words, and True where a word would exceed its range."""
    words = np.rint(effective / scales)
    return np.clip(words, -top, top), np.abs(words) > top


def _missing(effective: Reals, scales: Reals, top: int) -> Reals:
    """Return the mean square folding error (columns,) for some scales."""
    return ((effective - scales * _rounded(effective, scales, top)[0]) ** 2).mean(axis=0)


def _chosen(effective: Reals, gains: Reals, top: int) -> Reals:
    """Return each column's scale: its own gain, or the one at which every word fits."""
    own = np.maximum(gains, NO_GAIN)
    fitting = np.maximum(np.abs(effective).max(axis=0) / top, NO_GAIN)
    better = _missing(effective, fitting, top) < _missing(effective, own, top)
    better |= _rounded(effective, own, top)[1].mean(axis=0) > LIMIT
    return np.where(better, fitting, own)


def _converted(converter: Converter, scales: Reals, least: Reals) -> tuple[Converter, Reals]:
    """Return the converter with scales in its gains, and the scales of the integer gains.

    Scales of at least `least` stay so, since a gain that is rounded down would saturate words.
    """
    most = 2**GAIN_BITS - 1
    wanted = converter.gains * scales
    largest = float(wanted.max(initial=0.0))
    more = 0
    if largest > most or 0 < largest < converter.gains.max() / 2:
        more = int(np.floor(np.log2(most / largest)))
    shift = min(max(converter.shift + more, 0), MAX_SHIFT)
    more = shift - converter.shift
    gains = np.rint(np.ldexp(wanted, more))
    lowest = np.ldexp(converter.gains * least, more)
    gains = np.where((scales >= least) & (gains < lowest), np.ceil(lowest), gains)
    gains = np.clip(gains, np.minimum(converter.gains, 1), most).astype(np.int32)
    whole = np.ldexp(gains.astype(np.float64), -more)
    reached = np.divide(whole, converter.gains, out=scales.copy(), where=converter.gains > 0)
    return Converter(gains, converter.offsets, shift), reached


def fold(
    effective: Reals,
    words: npt.NDArray[np.integer],
    levels: npt.NDArray[np.integer],
    converter: Converter | None,
    top: int,
) -> Folded:
    """Fold a layer's effective matrix.

    Parameters
    ----------
    effective : ndarray of float64, shape (rows, columns)
        What the array multiplies by, in R_AH words.
    words : ndarray of int, shape (rows, columns)
        What its cells hold.
    levels : ndarray of int, shape (states,)
        R_AH word of each state; the outermost ones are a cell's range.
    converter : Converter or None
        The layer's; None in the last layer.
    top : int
        Largest R_AH word.

    Returns
    -------
    Folded
        Of a matrix that equals its words these words, with the converter as it was.
    """
    gains = own_gains(effective, words)
    if converter is None:
        # One scale for all classes, or the largest logit would be another.
        all_words = words.reshape(-1, 1)
        one = _chosen(effective.reshape(-1, 1), own_gains(effective.reshape(-1, 1), all_words), top)
        scales, made = np.full(words.shape[1], one[0]), None
    else:
        least = np.abs(effective).max(axis=0) / (top + 0.499)
        made, scales = _converted(converter, _chosen(effective, gains, top), least)
    folded, outside = _rounded(effective, scales, top)
    span = (int(levels[-1]) - int(levels[0])) * np.maximum(gains, NO_GAIN)

    def apart(said: Reals) -> float:
        return min(float(np.sqrt((((effective - said) / span) ** 2).mean())), 1.0)

    return Folded(
        folded.astype(np.int8),
        scales,
        made,
        float(outside.mean()),
        residual=apart(scales * folded),
        error=apart(gains * words),
    )
