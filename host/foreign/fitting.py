"""A layer of real numbers on the machine's levels and neurons, fitted on calibration images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from allspin.host.foreign.description import Reals
from allspin.host.train.latent import NumberFormats

SMALLEST = 1e-9
"""Weights and activations that nothing is divided by."""

# Weights rounded to levels one row after another, each row making up for those before it.
#
# The error of a column's sum is ``d @ H @ d`` with d the errors of its weights and H the second
# moments of the rows' values. Rounding every weight to the nearest level makes it small for
# independent rows only; neighbouring pixels are not independent. So a row's rounding error is
# spread over the rows that are still to be rounded, where H says that they can stand in for it
# (GPTQ: Frantar, Ashkboos, Hoefler and Alistarh, 2023, arXiv:2210.17323).

DAMPING = 0.01
"""What is added to the diagonal of H, as a share of its mean: rows that nothing drives."""
BLOCK = 64
"""Rows whose errors are spread over the rest together."""
MAX_ROWS = 4096
"""Rows of a layer that make up for one another; H of more takes too much memory."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Weights on levels.

    Attributes
    ----------
    levels : ndarray of float64, shape (rows, columns)
        Level of each weight, the outermost being 1.
    wanted : ndarray of float64, shape (rows, columns)
        What was rounded to it, the weights before its row being made up for.
    """

    levels: Reals
    wanted: Reals


def _raised(moments: Reals, share: float) -> Reals:
    """Second moments with a share of their mean added to the diagonal."""
    raised = moments.copy()
    raised.flat[:: len(moments) + 1] += max(share * float(np.trace(moments)) / len(moments), 1e-12)
    return raised


class Rounder:
    """Rounds the weights of a layer.

    Parameters
    ----------
    moments : ndarray of float64, shape (rows, rows)
        H, without damping.
    levels : ndarray of float64, shape (states,)
        Rising, the outermost being 1.
    """

    def __init__(self, moments: Reals, levels: Reals) -> None:
        self._levels = levels
        self._middles = (levels[1:] + levels[:-1]) / 2
        # Rows that are driven most come first: the others can make up for them.
        self._order = np.argsort(-np.diag(moments), kind="stable")
        ordered = _raised(moments, DAMPING)[np.ix_(self._order, self._order)]
        self._upper = np.linalg.cholesky(np.linalg.inv(ordered)).T

    def round(self, weights: Reals, scales: Reals) -> Rounded:
        """Round.

        Parameters
        ----------
        weights : ndarray of float64, shape (rows, columns)
        scales : ndarray of float64, shape (columns,)
            What the outermost level of each column is worth.
        """
        left = weights[self._order] / scales
        levels = np.empty_like(left)
        upper = self._upper
        for start in range(0, len(left), BLOCK):
            end = min(start + BLOCK, len(left))
            errors = np.empty((end - start, left.shape[1]))
            for row in range(start, end):
                levels[row] = self._levels[np.searchsorted(self._middles, left[row])]
                error = (left[row] - levels[row]) / upper[row, row]
                errors[row - start] = error
                left[row + 1 : end] -= np.outer(upper[row, row + 1 : end], error)
            left[end:] -= upper[start:end, end:].T @ errors
        back = np.argsort(self._order)
        return Rounded(levels[back], left[back])


def round_apart(weights: Reals, scales: Reals, levels: Reals) -> Rounded:
    """Round each weight to the nearest level; parameters as of `Rounder`."""
    wanted = weights / scales
    middles = (levels[1:] + levels[:-1]) / 2
    return Rounded(levels[np.searchsorted(middles, wanted)], wanted)


# The weights of a layer.

PULL = 0.01
"""How strongly weights are held to the model's own, as a share of the rows' mean square."""
CLIPPINGS = np.geomspace(0.15, 1.0, 12)
"""Outermost levels that are tried, as shares of the largest weight."""


def fit_weights(
    weights: Reals, rows: Reals, sums: Reals, levels: Reals, *, by_column: bool
) -> tuple[Rounded, Reals]:
    """Choose levels, and what the outermost one is worth, by the error of the column sums.

    Parameters
    ----------
    weights : ndarray of float64, shape (rows, columns)
        Of the model, for row values of full scale 1.
    rows : ndarray of float64, shape (images, rows)
        Row values, 0 to 1; less their mean where a column's offset takes up what is constant.
    sums : ndarray of float64, shape (images, columns)
        What the model has in place of column sums; less their mean likewise.
    levels : ndarray of float64, shape (states,)
        Rising, the outermost being 1.
    by_column : bool
        Whether each column may have another scale: not where columns are compared.

    Returns
    -------
    rounded : Rounded
        The weights on levels.
    scales : ndarray of float64, shape (columns,)
        What the outermost level of each column is worth.
    """
    round_with: Callable[[Reals, Reals], Rounded] = partial(round_apart, levels=levels)
    if len(weights) <= MAX_ROWS:
        # First those that give the model's sums with the machine's row values.
        moments = rows.T @ rows / len(rows)
        held = _raised(moments, PULL)
        weights = weights + np.linalg.solve(held, rows.T @ (sums - rows @ weights) / len(rows))
        round_with = Rounder(moments, levels).round
    largest = np.maximum(np.abs(weights).max(axis=0), SMALLEST)
    if not by_column:
        largest[:] = largest.max()
    best = np.full(weights.shape[1], np.inf)
    scales, level, wanted = largest.copy(), np.zeros_like(weights), np.zeros_like(weights)
    for share in CLIPPINGS:
        tried = round_with(weights, share * largest)
        missed = rows @ (tried.levels * (share * largest)) - sums
        errors = np.einsum("ij,ij->j", missed, missed)
        if not by_column:
            errors[:] = errors.sum()
        better = errors < best
        best[better], scales[better] = errors[better], share * largest[better]
        level[:, better] = tried.levels[:, better]
        wanted[:, better] = tried.wanted[:, better]
    return Rounded(level, wanted), scales


# From column sums to activations: where a neuron's curve is laid on a ReLU.
#
# A V-I converter has a gain and an offset, so a neuron's straight part can be laid on any line.
# Full scale of an activation, and by how much the line is moved, are chosen for each column by the
# error of the activations that the machine's table gives: curves bend where a ReLU has a corner.

RANGES = np.geomspace(0.2, 1.1, 14)
"""Full scales that are tried, as shares of a column's largest activation."""
MOVES = np.linspace(-0.06, 0.06, 7)
"""Currents by which the line is moved, as shares of full scale."""
LEAST_RANGE = 0.5
"""Least of a column's largest activation, as a share of the layer's: rows of other columns with the
same value must not mean something all too different."""


@dataclass(frozen=True, eq=False)
class FittedNeurons:
    """Converters of a layer's columns, and what its neurons answer.

    Attributes
    ----------
    gains, offsets : ndarray of float64, shape (columns,)
        Current per wanted sum, and current taken off, both of full scale.
    worth : ndarray of float64, shape (columns,)
        What an activation of full scale is worth in the model.
    activations : ndarray of float64, shape (images, columns)
        0 to 1.
    """

    gains: Reals
    offsets: Reals
    worth: Reals
    activations: Reals


def _answers(formats: NumberFormats, currents: Reals) -> Reals:
    top = formats.current_top
    steps = np.clip(np.floor(currents * top), 0, top).astype(np.intp)
    return formats.table[steps] / float(formats.input_top(1))


def fit_neurons(formats: NumberFormats, sums: Reals, biases: Reals, wanted: Reals) -> FittedNeurons:
    """Choose full scale and offset of each column.

    Parameters
    ----------
    formats : NumberFormats
        Its neuron and number formats.
    sums : ndarray of float64, shape (images, columns)
        What the columns sum, in the model's units.
    biases : ndarray of float64, shape (columns,)
        What is to be added, likewise.
    wanted : ndarray of float64, shape (images, columns)
        The model's activations, not negative.
    """
    line = formats.neuron.line
    half = float(formats.table.max()) / formats.input_top(1) / 2
    largest = wanted.max(axis=0)
    largest = np.maximum(largest, max(LEAST_RANGE * float(largest.max()), SMALLEST))
    # An offset reaches to two full scales: a bias takes at most one, where the curve lies the rest.
    least = np.abs(biases) / line.slope
    best = np.full(sums.shape[1], np.inf)
    gains, offsets, worth = (np.zeros(sums.shape[1]) for _ in range(3))
    for share in RANGES:
        full = np.maximum(share * largest, least)
        for move in MOVES:
            gain = 1 / (full * line.slope)
            offset = half / line.slope - line.middle - move - biases * gain
            answers = _answers(formats, sums * gain - offset)
            squares = np.einsum("ij,ij->j", answers, answers)
            scale = np.einsum("ij,ij->j", answers, wanted) / np.maximum(squares, SMALLEST)
            missed = scale * answers - wanted
            errors = np.einsum("ij,ij->j", missed, missed)
            better = errors < best
            for kept, tried in ((best, errors), (gains, gain), (offsets, offset), (worth, scale)):
                kept[better] = tried[better]
    return FittedNeurons(gains, offsets, worth, _answers(formats, sums * gains - offsets))
