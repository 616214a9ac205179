"""The array without its Hall voltages, solved at once: a grid of resistances.

All rows are alike, so cosines along the columns part the grid into independent chains, one for
each cosine, and a chain is solved by elimination (B. L. Buzbee, G. H. Golub, C. W. Nielson, SIAM
J. Numer. Anal. 7, 627, 1970). A column may have arms of its own.

Nodes are the terminals of cells, which neighbours share; see `Nodes`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.network.network import GAIN_BITS, MAX_SHIFT, Converter

# A Hall cross: four terminals around a centre, told by currents or by voltages.
#
# Terminals go round the cross: `LEFT`, `TOP`, `RIGHT`, `BOTTOM`. With currents i into the
# terminals, r the resistance from the centre to each of them, and V the centre's potential::
#
#     v[k] = V + r[k] i[k] + R_H / 4 (i[k - 1] - i[k + 1])        i[0] + i[1] + i[2] + i[3] = 0
#
# So a current I from left to right makes ``v[TOP] - v[BOTTOM] = R_H I``, and one from top to bottom
# makes ``v[RIGHT] - v[LEFT] = R_H I``: the Hall resistance changes its sign where current and
# voltage change places, as the reciprocity of a magnetised conductor demands (H. B. G. Casimir,
# Rev. Mod. Phys. 17, 343, 1945).

LEFT, TOP, RIGHT, BOTTOM = range(4)
HALL = np.array([[0, -1, 0, 1], [1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0]]) / 4
"""What R_H times the currents adds to the voltages."""

Reals = npt.NDArray[np.float64]


def admittances(hall: npt.ArrayLike, row_arm: float, column_arm: float) -> Reals:
    """Currents into each cell's terminals, by the voltages of its terminals.

    Parameters
    ----------
    hall : array_like of float, any shape
        Hall resistance of each cell, in ohm.
    row_arm, column_arm : float
        From the centre to left and right, and to top and bottom, in ohm.

    Returns
    -------
    ndarray of float64, shape (..., 4, 4)
        In siemens; rows and columns add up to 0.
    """
    arms = np.diag([row_arm, column_arm, row_arm, column_arm])
    inverse = np.linalg.inv(arms + np.asarray(hall, np.float64)[..., None, None] * HALL)
    # The centre's potential follows from the currents, which add up to 0.
    out, into = inverse.sum(axis=-1), inverse.sum(axis=-2)
    total = out.sum(axis=-1)[..., None, None]
    return inverse - out[..., :, None] * into[..., None, :] / total


@dataclass(frozen=True)
class Nodes:
    """How the terminals of an array are numbered.

    Parameters
    ----------
    rows, columns : int
        Of cells. A row has ``columns + 1`` nodes and a column ``rows + 1``: those between two
        cells are the right terminal of one and the left (or bottom and top) of the next.
    """

    rows: int
    columns: int

    @property
    def of_rows(self) -> int:
        """How many there are along rows; they come first."""
        return self.rows * (self.columns + 1)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.of_rows + (self.rows + 1) * self.columns

    def row(self, row: npt.ArrayLike, place: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Number of the node left of cell `place` of a row; place `columns` is the right end."""
        return np.asarray(place) * self.rows + np.asarray(row)

    def column(self, place: npt.ArrayLike, column: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Number of the node above cell `place` of a column; place `rows` is the foot."""
        return self.of_rows + np.asarray(column) * (self.rows + 1) + np.asarray(place)

    def of_cells(self) -> npt.NDArray[np.int64]:
        """Nodes of each cell, shape (rows, columns, 4), in the order of `cell.LEFT` to `BOTTOM`."""
        row, column = np.mgrid[: self.rows, : self.columns]
        left, right = self.row(row, column), self.row(row, column + 1)
        top, bottom = self.column(row, column), self.column(row + 1, column)
        return np.stack([left, top, right, bottom], axis=-1)

    def parts(self, values: Reals) -> tuple[Reals, Reals]:
        """Views of nodes (count, b): along rows (columns + 1, rows, b), along columns."""
        along_rows = values[: self.of_rows].reshape(self.columns + 1, self.rows, -1)
        return along_rows, values[self.of_rows :].reshape(self.columns, self.rows + 1, -1)


class ResistiveGrid:
    """An array of crosses whose Hall resistance is 0, ready to be solved.

    Parameters
    ----------
    nodes : Nodes
        Of the array.
    row_arm : float
        From a cell's centre to its row terminals, in ohm.
    column_arms : ndarray of float64, shape (columns, b)
        From a cell's centre to its Hall terminals, by column, in ohm; b is 1, or as many
        arrays as `solve` shall solve side by side.
    supply : float
        Between a row's ends, in siemens.
    grounded : bool
        Whether the right ends of the rows are ground. If not, nothing is: the first row's left
        end then has the potential 0, and currents that are fed must add up to 0.
    """

    def __init__(
        self, nodes: Nodes, row_arm: float, column_arms: Reals, supply: float, grounded: bool
    ) -> None:
        self._nodes, self._grounded = nodes, grounded
        self._row, self._columns = 1 / row_arm, 1 / column_arms[:, None, :]
        rows, columns = nodes.rows, nodes.columns
        # Conductances along the chain: end, centres, end. The right end is known if grounded.
        self._along = np.full(columns + 1, self._row / 2)
        self._along[[0, -1]] = self._row
        self._length = columns + 1 if grounded else columns + 2
        diagonal = np.zeros((columns + 2, rows, column_arms.shape[1]))
        diagonal[:-1] += self._along[:, None, None]
        diagonal[1:] += self._along[:, None, None]
        waves = 2 - 2 * np.cos(np.pi * np.arange(rows) / rows)
        diagonal[1:-1] += waves[:, None] * self._columns / 2
        if grounded:
            diagonal[0] += supply
        else:
            # Fed with nothing in all, it draws no current: it only fixes the potential.
            diagonal[0, 0] += self._row
        self._eliminate(diagonal[: self._length])
        self._ring: Reals | None = None
        if supply and not grounded:
            ends = np.zeros_like(diagonal)
            ends[0], ends[-1] = 1, -1
            answer = self._chains(ends)
            self._ring = answer * supply / (1 + supply * (answer[0] - answer[-1]))

    def _eliminate(self, diagonal: Reals) -> None:
        """Gauss elimination of the chains."""
        self._inverse = np.empty_like(diagonal)
        self._factor = np.empty_like(diagonal)
        for place in range(self._length):
            left = self._along[place - 1] * self._factor[place - 1] if place else 0
            self._inverse[place] = 1 / (diagonal[place] - left)
            if place < len(self._along):
                self._factor[place] = self._along[place] * self._inverse[place]

    def _chains(self, fed: Reals) -> Reals:
        """Potentials of the chains (length, rows, b) that currents are fed into, which it uses."""
        for place in range(self._length):
            if place:
                fed[place] += self._along[place - 1] * fed[place - 1]
            fed[place] *= self._inverse[place]
        for place in range(self._length - 2, -1, -1):
            fed[place] += self._factor[place] * fed[place + 1]
        return fed

    def solve(self, fed: Reals) -> Reals:
        """Potentials where currents are fed.

        Parameters
        ----------
        fed : ndarray of float64, shape (nodes, b)
            Currents into the nodes, in ampere. What is fed into ground goes nowhere.

        Returns
        -------
        ndarray of float64, the shape of `fed`
            In volt.
        """
        from scipy.fft import dct, idct

        rows, columns = self._nodes.parts(fed)
        chains = np.zeros((len(rows) + 1, *rows.shape[1:]))
        chains[0], chains[-1] = rows[0], rows[-1]
        # A node between two centres hands half of its current to either.
        half = rows[1:-1] / 2
        chains[1:-2] += half
        chains[2:-1] += half
        shares = columns / 2
        shares[:, [0, -1]] = columns[:, [0, -1]]
        chains[1:-1] += shares[:, :-1] + shares[:, 1:]
        waves = np.asarray(dct(chains[: self._length], axis=1, norm="ortho", overwrite_x=True))
        waves = self._chains(waves)
        if self._ring is not None:
            waves -= self._ring * (waves[0] - waves[-1])
        back = np.asarray(idct(waves, axis=1, norm="ortho", overwrite_x=True))
        chains[: self._length] = back
        if self._grounded:
            chains[-1] = 0
        answer = np.empty_like(fed)
        rows_answer, columns_answer = self._nodes.parts(answer)
        rows_answer[0], rows_answer[-1] = chains[0], chains[-1]
        rows_answer[1:-1] = (chains[1:-2] + chains[2:-1] + rows[1:-1] / self._row) / 2
        centres = chains[1:-1]
        columns_answer[:] = columns / self._columns
        columns_answer[:, 1:-1] += centres[:, :-1] + centres[:, 1:]
        columns_answer[:, 1:-1] /= 2
        columns_answer[:, 0] += centres[:, 0]
        columns_answer[:, -1] += centres[:, -1]
        return answer


# An effective matrix as what gateware has: R_AH words, and a gain for each column.
#
# Words are rounded, and gains have `GAIN_BITS` bits. How much of the matrix that loses is told as
# `Folded.residual` and `Folded.saturated`; above `LIMIT` the words are not the array.

LIMIT = 0.01
"""Residual, and share of saturated words, above which an array is not folded."""
OUTLYING = 5.0
"""What a cell may miss its column's gain by, in medians of what its column misses."""
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
        What a column's words are multiplied by.
    converter : Converter or None
        With the scales in its gains; None in the last layer, whose scales are all the same.
    saturated : float
        Share of the words that would be larger than a word can be.
    residual : float
        Root of the mean square of what is missing, as a fraction of a cell's range in its
        column: the outermost levels apart, times the gain of the column's own words. At most 1,
        which is also what columns without such a gain have.
    error : float
        The same of what the words that the cells hold, times these gains, would leave out: how
        far the array is from adding its Hall voltages, whether or not it is folded.
    """

    words: npt.NDArray[np.int8]
    scales: Reals
    converter: Converter | None
    saturated: float
    residual: float
    error: float

    @property
    def faithful(self) -> bool:
        """Whether the words are the array, within `LIMIT`."""
        return self.saturated <= LIMIT and self.residual <= LIMIT


def own_gains(effective: Reals, words: npt.NDArray[np.integer]) -> Reals:
    """What each column (columns,) makes of its own words: a factor by least squares.

    Cells that miss it by more than `OUTLYING` times the median are left out of a second fit, since
    an array may do to its first and last rows what it does to no other. A column that holds
    nothing but zeros has the gain 1.
    """
    stored = words.astype(np.float64)
    gains = _fitted(effective, stored, np.ones(len(stored[0])))
    missed = np.abs(effective - gains * stored)
    most = OUTLYING * np.median(missed, axis=0) + NO_GAIN * np.abs(effective).max(axis=0)
    return _fitted(effective, stored * (missed <= most), gains)


def _fitted(effective: Reals, stored: Reals, otherwise: Reals) -> Reals:
    """Factor of each column by least squares; another where all of it is 0."""
    squares, products = (stored**2).sum(axis=0), (effective * stored).sum(axis=0)
    return np.divide(products, squares, out=otherwise.copy(), where=squares > 0)


def _rounded(effective: Reals, scales: Reals, top: int) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """Words by column, and which of them a word cannot hold."""
    words = np.rint(effective / scales)
    return np.clip(words, -top, top), np.abs(words) > top


def _missing(effective: Reals, scales: Reals, top: int) -> Reals:
    """Mean square (columns,) of what words of some scales do not say."""
    return ((effective - scales * _rounded(effective, scales, top)[0]) ** 2).mean(axis=0)


def _chosen(effective: Reals, gains: Reals, top: int) -> Reals:
    """Each column's scale: that of its own words, or the one that no word is too large for."""
    own = np.maximum(gains, NO_GAIN)
    fitting = np.maximum(np.abs(effective).max(axis=0) / top, NO_GAIN)
    better = _missing(effective, fitting, top) < _missing(effective, own, top)
    better |= _rounded(effective, own, top)[1].mean(axis=0) > LIMIT
    return np.where(better, fitting, own)


def _converted(converter: Converter, scales: Reals, least: Reals) -> tuple[Converter, Reals]:
    """The converter with scales in its gains, and the scales that whole gains can have.

    Scales of at least `least` stay so: a gain that is rounded down would let words saturate.
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
