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
"""Full scales that are tried, as shares of a column's largest activation."""
STEEP_RANGES = np.geomspace(0.05, 1.1, 14)
"""The same where activations are steps, as shares of the sums above where they begin to rise."""
MOVES = np.linspace(-0.06, 0.06, 7)
"""Currents by which the line is moved, as shares of full scale."""
LEAST_RANGE = 0.5
"""Least of a column's largest activation, as a share of the layer's: rows of other columns with the
same value must not mean something all too different."""
FURTHEST = 2.0
"""Magnitude of an offset, in full scales, that a converter holds."""


def answered(formats: NumberFormats, currents: Reals) -> Reals:
    """Activations, 0 to 1, of currents in full scales."""
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
        What the columns sum, in the model's units.
    biases : ndarray of float64, shape (columns,)
        What is to be added, likewise.
    wanted : ndarray of float64, shape (images, columns)
        The model's activations, not negative.
    exact : ndarray of float64, shape (images, columns), optional
        What the model itself sums, where its activation is no ReLU: the line then begins where
        activations do, or has its middle where they reach theirs.

    Returns
    -------
    gains, offsets : ndarray of float64, shape (columns,)
        Current per sum, and current taken off, both of full scale.
    worth : ndarray of float64, shape (columns,)
        What an activation of full scale is worth in the model.
    """
    line = formats.neuron.line
    half = float(formats.table.max()) / formats.input_top(1) / 2
    places, ranges, largest = [(np.zeros(1), 0.0)], RANGES, wanted.max(axis=0)
    if exact is None:
        largest = np.maximum(largest, LEAST_RANGE * float(largest.max()))
    else:  # sums of any size give steps of one
        begin, middle = (
            np.where(wanted <= share * largest, exact, exact.min(axis=0)).max(axis=0)
            for share in (0, 0.5)
        )
        places, ranges = [(begin, 0.0), (middle, half)], STEEP_RANGES
        largest = exact.max(axis=0) - begin
    largest = np.maximum(largest, SMALLEST)
    # An offset reaches to two full scales: a bias takes at most one, where the curve lies the rest.
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
