"""The weights of one layer on the machine's levels, fitted on calibration images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from allspin.host.training.imported.rounding import (
    MAX_ROWS,
    Reals,
    Rounded,
    Rounder,
    round_apart,
)

PULL = 0.01
"""How strongly weights are held to the model's own, as a share of the rows' mean square."""
CLIPPINGS = np.geomspace(0.15, 1.0, 12)
"""Outermost levels that are tried, as shares of the largest weight."""
SMALLEST = 1e-9


@dataclass(frozen=True, eq=False)
class FittedWeights:
    """A layer's weights.

    Attributes
    ----------
    rounded : Rounded
        On levels, the outermost being 1.
    scales : ndarray of float64, shape (columns,)
        What the outermost level of each column is worth.
    """

    rounded: Rounded
    scales: Reals


def _fitted(weights: Reals, rows: Reals, sums: Reals, moments: Reals) -> Reals:
    """Weights that give the model's sums with the machine's row values, near the model's own."""
    held = moments.copy()
    held.flat[:: len(held) + 1] += max(PULL * float(np.trace(moments)) / len(held), 1e-12)
    return weights + np.linalg.solve(held, rows.T @ (sums - rows @ weights) / len(rows))


def fit_weights(
    weights: Reals, rows: Reals, sums: Reals, levels: Reals, *, by_column: bool
) -> FittedWeights:
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
    """
    round_with: Callable[[Reals, Reals], Rounded]
    if weights.shape[0] <= MAX_ROWS:
        moments = rows.T @ rows / len(rows)
        weights = _fitted(weights, rows, sums, moments)
        rounder = Rounder(moments, levels)
        round_with = rounder.round
    else:
        round_with = partial(round_apart, levels=levels)
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
    return FittedWeights(Rounded(level, wanted), scales)
