"""From column sums to activations: where a neuron's curve is laid on a ReLU.

A V-I converter has a gain and an offset, so a neuron's straight part can be laid on any line.
Full scale of an activation, and by how much the line is moved, are chosen for each column by the
error of the activations that the machine's table gives: curves bend where a ReLU has a corner.
"""

from dataclasses import dataclass

import numpy as np

from allspin.host.training.imported.rounding import Reals
from allspin.host.training.latent.number_formats import NumberFormats

RANGES = np.geomspace(0.2, 1.1, 14)
"""Full scales that are tried, as shares of a column's largest activation."""
MOVES = np.linspace(-0.06, 0.06, 7)
"""Currents by which the line is moved, as shares of full scale."""
LEAST_RANGE = 0.5
"""Least of a column's largest activation, as a share of the layer's: rows of other columns with the
same value must not mean something all too different."""
SMALLEST = 1e-9


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
