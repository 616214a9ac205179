"""Biases of the last layer: weights of hidden neurons that always answer full scale.

The last layer's columns have no converter whose offset could be a bias. A hidden column of gain 0
whose offset asks for more current than the full scale has a saturated neuron for every image. Its
row in the last layer is always driven, so the weights there are biases.
"""

import math

import numpy as np

from allspin.host.foreign.float_network import (
    Reals,
)

MAX_NEURONS = 16
"""Constant neurons at most; larger biases are clipped."""
OFFSET = -2.0
"""Current that their converters add, of full scale: more than a chip's variation takes away."""


def neurons_needed(biases: Reals, weights: Reals) -> int:
    """Return the number of constant neurons that hold a last layer's biases.

    Parameters
    ----------
    biases : ndarray of float64, shape (classes,)
        Less their mean.
    weights : ndarray of float64, shape (rows, classes)
        The layer's other weights, for rows of full scale 1: no bias is to be the largest weight.
    """
    largest, weight = float(np.abs(biases).max()), float(np.abs(weights).max())
    if largest == 0:
        return 0
    return min(max(1, math.ceil(largest / weight)) if weight > 0 else 1, MAX_NEURONS)


def beside(values: Reals, width: int, count: int, value: float | Reals) -> Reals:
    """Add `count` columns of a value to values (..., positions columns), at each position."""
    each = values.reshape(len(values), -1, width)
    more = np.broadcast_to(np.reshape(value, (-1, 1, 1)), (*each.shape[:2], count))
    return np.concatenate([each, more], axis=2).reshape(len(values), -1)
