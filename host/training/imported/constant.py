"""Biases of the last layer: weights of hidden neurons that always answer full scale.

The last layer's columns have no converter whose offset could be a bias. Where a hidden column's
gain is 0 and its offset asks for more current than there is, its neuron is saturated whatever the
image is. Its row in the last layer is always driven, so the weights there are biases.
"""

import math

import numpy as np

from allspin.host.training.imported.rounding import Reals

MAX_NEURONS = 16
"""Constant neurons at most; larger biases are clipped."""
OFFSET = -2.0
"""Current that their converters add, of full scale: more than a chip's variation takes away."""


def relative(biases: Reals) -> Reals:
    """Biases less their mean: a number that all classes share changes no comparison."""
    return biases - biases.mean()


def neurons_needed(biases: Reals, weights: Reals) -> int:
    """How many constant neurons hold a last layer's biases.

    Parameters
    ----------
    biases : ndarray of float64, shape (classes,)
        As of `relative`.
    weights : ndarray of float64, shape (rows, classes)
        The layer's other weights, for rows of full scale 1: no bias is to be the largest weight.
    """
    largest, weight = float(np.abs(biases).max()), float(np.abs(weights).max())
    if largest == 0:
        return 0
    return min(max(1, math.ceil(largest / weight)) if weight > 0 else 1, MAX_NEURONS)
