"""Rounding of a layer's weights to levels, row by row, each row correcting those before it.

The error of a column's sum is ``d @ H @ d`` with d the errors of its weights and H the second
moments of the rows' values. Rounding every weight to the nearest level makes it small for
independent rows only; neighbouring pixels are not independent. So a row's rounding error is spread
over the rows that are still to be rounded, if H says that they can stand in for it (GPTQ: Frantar,
Ashkboos, Hoefler and Alistarh, 2023, arXiv:2210.17323).
"""

from collections.abc import Callable

import numpy as np

from allspin.host.foreign.float_network import (
    Reals,
)
from allspin.host.train.gradient.number_formats import NumberFormats

SMALLEST = 1e-9
"""Least weight or activation that anything is divided by."""
LEAST_SQUARE = 1e-12
"""Least sum of squares that anything is divided by."""
DAMPING = 0.01
"""Addition to the diagonal of H, as a share of its mean, for rows that are never driven."""
BLOCK = 64
"""Rows whose errors are spread over the remaining rows together."""
MAX_ROWS = 4096
"""Largest number of rows that correct one another; H of more takes too much memory."""
Rounding = Callable[[Reals], tuple[Reals, Reals]]
"""Function of weights (rows, columns), with an outermost level of 1. It returns the level of each
weight, and the weight that was rounded, which corrects the rows before it."""


def nearest(levels: Reals, wanted: Reals) -> Reals:
    """Return the nearest level of each number."""
    return levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, wanted)]


def _raised(moments: Reals, share: float) -> Reals:
    """Return second moments with a share of their mean added to the diagonal."""
    raised = moments.copy()
    raised.flat[:: len(moments) + 1] += max(share * float(np.trace(moments)) / len(moments), 1e-12)
    return raised


def rounding(moments: Reals, levels: Reals) -> Rounding:
    """Return the function that rounds a layer's weights, rows correcting one another.

    Parameters
    ----------
    moments : ndarray of float64, shape (rows, rows)
        H, without damping.
    levels : ndarray of float64, shape (states,)
        Rising, the outermost being 1.
    """
    # Rows that are driven most come first: the others can correct them.
    order = np.argsort(-np.diag(moments), kind="stable")
    ordered = _raised(moments, DAMPING)[np.ix_(order, order)]
    upper = np.linalg.cholesky(np.linalg.inv(ordered)).T

    def rounded(weights: Reals) -> tuple[Reals, Reals]:
        left = weights[order]
        found = np.empty_like(left)
        for start in range(0, len(left), BLOCK):
            end = min(start + BLOCK, len(left))
            errors = np.empty((end - start, left.shape[1]))
            for row in range(start, end):
                found[row] = nearest(levels, left[row])
                errors[row - start] = error = (left[row] - found[row]) / upper[row, row]
                left[row + 1 : end] -= np.outer(upper[row, row + 1 : end], error)
            left[end:] -= upper[start:end, end:].T @ errors
        back = np.argsort(order)
        return found[back], left[back]

    return rounded


PULL = 0.01
"""Pull of weights towards the model's own, as a share of the rows' mean square."""
CLIPPINGS = 0.15 ** (np.arange(60) / 11)
"""Tried outermost levels, falling, as shares of the largest weight."""
ENOUGH = 12
"""Number of them after which the search may end, once one makes every column worse. The largest
weights may belong to rows that are hardly driven, for instance behind a normalisation."""


def fit_weights(
    formats: NumberFormats, weights: Reals, rows: Reals, sums: Reals, *, by_column: bool
) -> tuple[Reals, Reals, Reals]:
    """Choose levels, and the value of the outermost one, by the error of the column sums.

    Parameters
    ----------
    formats : NumberFormats
        Number formats with the levels.
    weights : ndarray of float64, shape (rows, columns)
        The model's weights, for row values of full scale 1.
    rows : ndarray of float64, shape (images, rows)
        Row values, 0 to 1; without their mean if a column's offset absorbs constants.
    sums : ndarray of float64, shape (images, columns)
        The model's column sums; without their mean in the same case.
    by_column : bool
        True if each column may have its own scale; False if columns are compared.

    Returns
    -------
    chosen : ndarray of float64, shape (rows, columns)
        Level of each weight, the outermost being 1.
    latent : ndarray of float64, shape (rows, columns)
        Weights to continue training from: they round to those levels, and are as near as possible
        to the weights that were rounded.
    scales : ndarray of float64, shape (columns,)
        Value of the outermost level of each column.
    """
    levels = formats.levels / float(formats.outermost)

    def round_with(wanted: Reals, /) -> tuple[Reals, Reals]:
        return nearest(levels, wanted), wanted

    if len(weights) <= MAX_ROWS:
        # First fit weights that give the model's sums with the machine's row values.
        moments = rows.T @ rows / len(rows)
        held = _raised(moments, PULL)
        weights = weights + np.linalg.solve(held, rows.T @ (sums - rows @ weights) / len(rows))
        round_with = rounding(moments, levels)
    largest = np.maximum(np.abs(weights).max(axis=0), SMALLEST)
    if not by_column:
        largest[:] = largest.max()
    best = np.full(weights.shape[1], np.inf)
    scales, chosen, wanted = largest.copy(), np.zeros_like(weights), np.zeros_like(weights)
    for number, share in enumerate(CLIPPINGS):
        scale = share * largest
        tried, rounded = round_with(weights / scale)
        missed = rows @ (tried * scale) - sums
        errors = np.einsum("ij,ij->j", missed, missed)
        if not by_column:
            errors[:] = errors.sum()
        better = errors < best
        worse = np.all((errors > best) | (best < LEAST_SQUARE))
        best[better], scales[better] = errors[better], scale[better]
        chosen[:, better], wanted[:, better] = tried[:, better], rounded[:, better]
        if number >= ENOUGH - 1 and worse:
            break
    wanted = np.clip(wanted, -1, 1)
    # Close to a border, the coarser arithmetic of training could round to the other side.
    inside = chosen + 0.95 * (wanted - chosen)
    return chosen, np.where(nearest(levels, wanted) == chosen, inside, chosen), scales
