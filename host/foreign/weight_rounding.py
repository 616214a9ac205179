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
"""Weights and activations that nothing is divided by."""
LEAST_SQUARE = 1e-12
"""Sums of squares that nothing is divided by."""
DAMPING = 0.01
"""What is added to the diagonal of H, as a share of its mean: rows that nothing drives."""
BLOCK = 64
"""Rows whose errors are spread over the rest together."""
MAX_ROWS = 4096
"""Rows of a layer that make up for one another; H of more takes too much memory."""
Rounding = Callable[[Reals], tuple[Reals, Reals]]
"""From weights (rows, columns), the outermost level being 1, to the level of each, and to what was
rounded to it, the weights before its row being made up for."""


def nearest(levels: Reals, wanted: Reals) -> Reals:
    """The level that is nearest to each number."""
    return levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, wanted)]


def _raised(moments: Reals, share: float) -> Reals:
    """Second moments with a share of their mean added to the diagonal."""
    raised = moments.copy()
    raised.flat[:: len(moments) + 1] += max(share * float(np.trace(moments)) / len(moments), 1e-12)
    return raised


def rounding(moments: Reals, levels: Reals) -> Rounding:
    """What rounds the weights of a layer whose rows make up for one another.

    Parameters
    ----------
    moments : ndarray of float64, shape (rows, rows)
        H, without damping.
    levels : ndarray of float64, shape (states,)
        Rising, the outermost being 1.
    """
    # Rows that are driven most come first: the others can make up for them.
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
"""How strongly weights are held to the model's own, as a share of the rows' mean square."""
CLIPPINGS = 0.15 ** (np.arange(60) / 11)
"""Outermost levels that are tried, falling, as shares of the largest weight."""
ENOUGH = 12
"""How many of them are, if the last one makes every column worse: the largest weights may be those
of rows that hardly anything drives, such as behind a normalisation of the inputs."""


def fit_weights(
    formats: NumberFormats, weights: Reals, rows: Reals, sums: Reals, *, by_column: bool
) -> tuple[Reals, Reals, Reals]:
    """Choose levels, and what the outermost one is worth, by the error of the column sums.

    Parameters
    ----------
    formats : NumberFormats
        Its levels.
    weights : ndarray of float64, shape (rows, columns)
        Of the model, for row values of full scale 1.
    rows : ndarray of float64, shape (images, rows)
        Row values, 0 to 1; less their mean where a column's offset takes up what is constant.
    sums : ndarray of float64, shape (images, columns)
        What the model has in place of column sums; less their mean likewise.
    by_column : bool
        Whether each column may have another scale: not where columns are compared.

    Returns
    -------
    chosen : ndarray of float64, shape (rows, columns)
        Level of each weight, the outermost being 1.
    latent : ndarray of float64, shape (rows, columns)
        Weights to train on from: they round to those levels, and are as near as may be to what was
        rounded.
    scales : ndarray of float64, shape (columns,)
        What the outermost level of each column is worth.
    """
    levels = formats.levels / float(formats.outermost)

    def round_with(wanted: Reals, /) -> tuple[Reals, Reals]:
        return nearest(levels, wanted), wanted

    if len(weights) <= MAX_ROWS:
        # First those that give the model's sums with the machine's row values.
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
    # From just beside a border, the coarser arithmetic of training would round to its other side.
    inside = chosen + 0.95 * (wanted - chosen)
    return chosen, np.where(nearest(levels, wanted) == chosen, inside, chosen), scales
