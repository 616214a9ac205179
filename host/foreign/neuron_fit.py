"""Fit of a neuron's curve to a model's activation: full scale and offset of each column.

A V-I converter has a gain and an offset, so the straight part of a neuron's curve can lie on any
line. Full scale of an activation, and a shift of the line, are chosen for each column by the error
of the activations that the machine's table gives: curves bend where a ReLU has a corner.
"""

from itertools import product

import numpy as np

from allspin.host.foreign.float_network import Reals
from allspin.host.foreign.weight_rounding import SMALLEST
from allspin.host.train.gradient.number_formats import NumberFormats

RANGES = np.geomspace(0.2, 1.1, 14)
"""Tried full scales, as shares of a column's largest activation."""
STEEP_RANGES = np.geomspace(0.05, 1.1, 14)
"""The same if activations are steps, as shares of the sums above their first rise."""
MOVES = np.linspace(-0.06, 0.06, 7)
"""Tried shifts of the line, as shares of full scale."""
LEAST_RANGE = 0.5
"""Least value of a column's largest activation, as a share of the layer's: equal row values of
different columns must have a similar meaning."""
FURTHEST = 2.0
"""Largest offset of a converter, in full scales."""


def answered(formats: NumberFormats, currents: Reals) -> Reals:
    """Compute activations, 0 to 1, from currents in full scales."""
    top = formats.current_top
    steps = np.clip(np.floor(currents * top), 0, top).astype(np.intp)
    return formats.table[steps] / float(formats.input_top(1))


def fit_neurons(
    formats: NumberFormats,
    sums: Reals,
    biases: Reals,
    wanted: Reals,
    exact: Reals | None = None,
) -> tuple[Reals, Reals, Reals]:
    """Choose full scale and offset of each column.

    Parameters
    ----------
    formats : NumberFormats
        Its neuron and number formats.
    sums : ndarray of float64, shape (images, columns)
        Column sums in the model's units.
    biases : ndarray of float64, shape (columns,)
        Biases of the columns, in the same units.
    wanted : ndarray of float64, shape (images, columns)
        The model's activations, not negative.
    exact : ndarray of float64, shape (images, columns), optional
        The model's own sums, if its activation is not a ReLU: the line then begins where the
        activations begin to rise, or has its middle where they reach theirs.

    Returns
    -------
    gains, offsets : ndarray of float64, shape (columns,)
        Current per sum, and current that is subtracted, in full scales.
    worth : ndarray of float64, shape (columns,)
        Value of a full-scale activation in the model.
    """
    line = formats.neuron.line
    half = float(formats.table.max()) / formats.input_top(1) / 2
    places, ranges, largest = [(np.zeros(1), 0.0)], RANGES, wanted.max(axis=0)
    if exact is None:
        largest = np.maximum(largest, LEAST_RANGE * float(largest.max()))
    else:  # steps do not depend on the size of the sums
        begin, middle = (
            np.where(wanted <= share * largest, exact, exact.min(axis=0)).max(axis=0)
            for share in (0, 0.5)
        )
        places, ranges = [(begin, 0.0), (middle, half)], STEEP_RANGES
        largest = exact.max(axis=0) - begin
    largest = np.maximum(largest, SMALLEST)
    # An offset reaches two full scales: a bias takes at most one, the place of the curve the rest.
    least = np.abs(biases) / line.slope
    best = np.full(sums.shape[1], np.inf)
    gains, offsets, worth = (np.zeros(sums.shape[1]) for _ in range(3))
    for share, (place, before) in product(ranges, places):
        gain = 1 / (np.maximum(share * largest, least) * line.slope)
        for move in MOVES:
            offset = (half - before) / line.slope - line.middle - move - (biases - place) * gain
            offset = np.clip(offset, -FURTHEST, FURTHEST)
            answers = answered(formats, sums * gain - offset)
            squares = np.einsum("ij,ij->j", answers, answers)
            scale = np.einsum("ij,ij->j", answers, wanted) / np.maximum(squares, SMALLEST)
            missed = scale * answers - wanted
            errors = np.einsum("ij,ij->j", missed, missed)
            better = errors < best
            for kept, tried in ((best, errors), (gains, gain), (offsets, offset), (worth, scale)):
                kept[better] = tried[better]
    return gains, offsets, worth
