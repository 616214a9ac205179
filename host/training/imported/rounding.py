"""Weights rounded to levels one row after another, each row making up for those before it.

The error of a column's sum is ``d @ H @ d`` with d the errors of its weights and H the second
moments of the rows' values. Rounding every weight to the nearest level makes it small for
independent rows only; neighbouring pixels are not independent. So a row's rounding error is spread
over the rows that are still to be rounded, where H says that they can stand in for it (GPTQ:
Frantar, Ashkboos, Hoefler and Alistarh, 2023, arXiv:2210.17323).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]

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
        rows = len(moments)
        self._levels = levels
        self._middles = (levels[1:] + levels[:-1]) / 2
        # Rows that are driven most come first: the others can make up for them.
        self._order = np.argsort(-np.diag(moments), kind="stable")
        ordered = moments[np.ix_(self._order, self._order)]
        ordered.flat[:: rows + 1] += max(DAMPING * float(np.trace(moments)) / rows, 1e-12)
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
