"""Folding: an effective matrix as R_AH words and a gain for each column, which gateware computes.

Words are rounded, and gains have `GAIN_BITS` bits. `Folded.residual` and `Folded.saturated` measure
the loss; above `LIMIT` the words do not represent the array.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT, Converter

Reals = npt.NDArray[np.float64]

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


def own_gains(effective: Reals, words: npt.NDArray[np.integer]) -> Reals:
    """Return the gain of each column (columns,) on its own words, by least squares.

    Cells that deviate by more than `OUTLYING` median deviations are excluded from a second fit,
    since an array may treat its first and last rows differently. A column of zeros has gain 1.
    """
    stored = words.astype(np.float64)
    gains = _fit_factors(effective, stored, np.ones(len(stored[0])))
    missed = np.abs(effective - gains * stored)
    most = OUTLYING * np.median(missed, axis=0) + NO_GAIN * np.abs(effective).max(axis=0)
    return _fit_factors(effective, stored * (missed <= most), gains)


def _fit_factors(effective: Reals, stored: Reals, otherwise: Reals) -> Reals:
    """Return each column's factor by least squares; `otherwise` for a column of zeros."""
    squares = (stored**2).sum(axis=0)
    products = (effective * stored).sum(axis=0)
    return np.divide(products, squares, out=otherwise.copy(), where=squares > 0)


def _round_to_words(
    effective: Reals, scales: Reals, top: int
) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """Return rounded words, and True where a word would exceed its range."""
    words = np.rint(effective / scales)
    return np.clip(words, -top, top), np.abs(words) > top


def _folding_error(effective: Reals, scales: Reals, top: int) -> Reals:
    """Return the mean square folding error (columns,) for some scales."""
    return ((effective - scales * _round_to_words(effective, scales, top)[0]) ** 2).mean(axis=0)


def _choose_scales(effective: Reals, gains: Reals, top: int) -> Reals:
    """Return each column's scale: its own gain, or the one at which every word fits."""
    own = np.maximum(gains, NO_GAIN)
    fitting = np.maximum(np.abs(effective).max(axis=0) / top, NO_GAIN)
    better = _folding_error(effective, fitting, top) < _folding_error(effective, own, top)
    better |= _round_to_words(effective, own, top)[1].mean(axis=0) > LIMIT
    return np.where(better, fitting, own)


def _scale_converter(converter: Converter, scales: Reals, least: Reals) -> tuple[Converter, Reals]:
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
        Weights that the array multiplies by, in R_AH words.
    words : ndarray of int, shape (rows, columns)
        Words that its cells store.
    levels : ndarray of int, shape (states,)
        R_AH word of each state; the outermost ones are a cell's range.
    converter : Converter or None
        V-I converters of the layer; None in the last layer.
    top : int
        Largest R_AH word.

    Returns
    -------
    Folded
        A matrix that equals its words gives these words, and leaves the converter unchanged.
    """
    gains = own_gains(effective, words)
    if converter is None:
        # All classes share one scale: different scales would change which logit is the largest.
        as_column = effective.reshape(-1, 1)
        shared = _choose_scales(as_column, own_gains(as_column, words.reshape(-1, 1)), top)
        scales = np.full(words.shape[1], shared[0])
        folded_converter = None
    else:
        least = np.abs(effective).max(axis=0) / (top + 0.499)
        folded_converter, scales = _scale_converter(
            converter, _choose_scales(effective, gains, top), least
        )
    folded, outside = _round_to_words(effective, scales, top)
    span = (int(levels[-1]) - int(levels[0])) * np.maximum(gains, NO_GAIN)

    def distance(approximation: Reals) -> float:
        """Return the root mean square distance from the array, at most 1."""
        error = (effective - approximation) / span
        return min(float(np.sqrt((error**2).mean())), 1.0)

    return Folded(
        words=folded.astype(np.int8),
        scales=scales,
        converter=folded_converter,
        saturated=float(outside.mean()),
        residual=distance(scales * folded),
        error=distance(gains * words),
    )
