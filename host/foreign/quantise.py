"""A network of real numbers as the machine's integers, layer by layer, on calibration images."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import Dense, FloatNetwork, Reals
from allspin.host.foreign.fitting import FittedNeurons, Rounded, fit_neurons, fit_weights
from allspin.host.train.latent import Columns, LatentNetwork, NumberFormats
from allspin.sim.network.formats import quantise_pixels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import MAX_LINES, Network

SMALLEST = 1e-12
"""Sums of squares that nothing is divided by."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """What drives a layer's rows for the calibration images.

    Attributes
    ----------
    values : ndarray of float64, shape (images, rows)
        In the formats, 0 to 1.
    worth : ndarray of float64, shape (rows,)
        What a row of full scale is worth in the model.
    model : ndarray of float64, shape (images, rows)
        In the model.
    """

    values: Reals
    worth: Reals
    model: Reals


def _latent(formats: NumberFormats, rounded: Rounded) -> Reals:
    """Latent weights that are the chosen levels', as near as may be to what was rounded."""
    levels = formats.levels / float(formats.outermost)
    wanted = np.clip(rounded.wanted, -1, 1)
    nearest = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, wanted)]
    # From just beside a border, the coarser arithmetic of training would round to its other side.
    inside = rounded.levels + 0.95 * (wanted - rounded.levels)
    return np.where(nearest == rounded.levels, inside, rounded.levels)


def _line(sums: Reals, wanted: Reals) -> tuple[Reals, Reals]:
    """Factor, not negative, and number by which each column's sums come nearest to the model's."""
    mean, wanted_mean = sums.mean(axis=0), wanted.mean(axis=0)
    varying = sums - mean
    spread = np.einsum("ij,ij->j", varying, varying)
    factor = np.einsum("ij,ij->j", varying, wanted - wanted_mean) / np.maximum(spread, SMALLEST)
    factor = np.maximum(factor, 0)
    return factor, wanted_mean - factor * mean


def _hidden(
    formats: NumberFormats, layer: Dense, rows: _Rows
) -> tuple[Columns, FittedNeurons, Reals]:
    """A hidden layer, what its neurons answer, and the model's activations."""
    levels = formats.levels / float(formats.outermost)
    wanted = rows.model @ layer.weights + layer.biases
    rounded, _ = fit_weights(
        rows.worth[:, None] * layer.weights,
        rows.values - rows.values.mean(axis=0),
        wanted - wanted.mean(axis=0),
        levels,
        by_column=True,
    )
    sums = rows.values @ rounded.levels
    factor, biases = _line(sums, wanted)
    model = np.clip(wanted, 0, layer.high)
    neurons = fit_neurons(formats, sums * factor, biases, model)
    columns = Columns(
        _latent(formats, rounded),
        factor * neurons.gains,
        neurons.offsets,
    )
    return columns, neurons, model


# Biases of the last layer: weights of hidden neurons that always answer full scale.
#
# The last layer's columns have no converter whose offset could be a bias. Where a hidden column's
# gain is 0 and its offset asks for more current than there is, its neuron is saturated whatever the
# image is. Its row in the last layer is always driven, so the weights there are biases.

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


def _with_constants(columns: Columns, rows: _Rows, count: int) -> tuple[Columns, _Rows]:
    """The last hidden layer with constant neurons beside it."""
    inputs, images = len(columns.weights), len(rows.values)
    more = Columns(
        np.hstack([columns.weights, np.zeros((inputs, count))]),
        np.append(columns.gains, np.zeros(count)),
        np.append(columns.offsets, np.full(count, OFFSET)),
    )
    ones = np.ones((images, count))
    return more, _Rows(
        np.hstack([rows.values, ones]),
        np.append(rows.worth, np.ones(count)),
        np.hstack([rows.model, ones]),
    )


def _last(formats: NumberFormats, layer: Dense, rows: _Rows, count: int) -> tuple[Columns, float]:
    """The last layer, and what a sum of full scale is worth: all columns have the same scale."""
    weights = layer.weights - layer.weights.mean(axis=1, keepdims=True)
    biases = relative(layer.biases)
    if count:
        weights = np.vstack([weights, np.tile(biases / count, (count, 1))])
    wanted = rows.model @ weights + (0 if count else biases)
    levels = formats.levels / float(formats.outermost)
    rounded, scales = fit_weights(
        rows.worth[:, None] * weights, rows.values, wanted, levels, by_column=False
    )
    nothing = np.zeros(weights.shape[1])
    return Columns(_latent(formats, rounded), nothing, nothing), float(scales[0])


def quantise(
    model: FloatNetwork, formats: NumberFormats, images: npt.NDArray[np.uint8]
) -> tuple[LatentNetwork, int]:
    """Bring a network to the machine's integers.

    Parameters
    ----------
    model : FloatNetwork
        Of grey levels from 0 to 1.
    formats : NumberFormats
        Number formats and neuron.
    images : ndarray of uint8, shape (images, ...)
        Grey levels of the calibration images.

    Returns
    -------
    network : LatentNetwork
        With the machine's integers. Without a hidden layer, biases are spread over the pixels'
        weights.
    constant_neurons : int
        Hidden neurons that always answer full scale, whose weights are the last layer's biases.

    Raises
    ------
    ValueError
        If the last hidden layer has no room for a constant neuron.
    """
    flat = images.reshape(len(images), -1)
    rows = _Rows(
        quantise_pixels(flat, formats.pixel_bits) / float(formats.input_top(0)),
        np.ones(flat.shape[1]),
        flat / 255.0,
    )
    layers: list[Columns] = []
    for layer in model.layers[:-1]:
        columns, neurons, activations = _hidden(formats, layer, rows)
        layers.append(columns)
        rows = _Rows(neurons.activations, neurons.worth, activations)
    last = model.layers[-1]
    count = 0
    if layers:
        count = neurons_needed(relative(last.biases), rows.worth[:, None] * last.weights)
        if len(rows.worth) + count > MAX_LINES:
            raise ValueError(
                f"the last hidden layer has {len(rows.worth)} neurons; {count} more are needed for "
                f"the biases of the last layer, and a layer has at most {MAX_LINES}"
            )
        layers[-1], rows = _with_constants(layers[-1], rows, count)
    columns, scale = _last(formats, last, rows, count)
    layers.append(columns)
    topology = (flat.shape[1], *(columns.weights.shape[1] for columns in layers))
    network = LatentNetwork(formats, topology, np.random.default_rng(0))
    network.take(layers, scale)
    return network, count


def _apart(found: Reals, model: Reals, by_column: bool) -> float:
    """Root mean square of what a scale leaves between them, as a share of the model's."""
    axis = 0 if by_column else None
    squares = np.maximum(np.sum(found * found, axis=axis), SMALLEST)
    scale = np.sum(found * model, axis=axis) / squares
    missed = np.sum(np.square(scale * found - model))
    return float(np.sqrt(missed / max(float(np.sum(np.square(model))), SMALLEST)))


def layer_errors(
    network: Network, images: npt.NDArray[np.uint8], outputs: list[Reals]
) -> tuple[float, ...]:
    """Error of each layer's outputs, those before it being the machine's too.

    Parameters
    ----------
    network : Network
        As the machine runs it; hidden layers may have more neurons than the model's, at the end.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    outputs : list of ndarray of float64, each (images, columns)
        What each layer of the model makes of them: activations, and the logits in the end.

    Returns
    -------
    tuple of float
        Root mean square as a share of that of the model's outputs: of activations with a scale of
        each column's own, of logits with one scale, and less their mean over the classes.
    """
    errors = []
    for trace, model in zip(GoldenModel(network).trace(images), outputs, strict=True):
        if trace.activations is not None:
            found = trace.activations[:, : model.shape[1]].astype(np.float64)
            errors.append(_apart(found, model, by_column=True))
        else:
            sums = trace.sums.astype(np.float64)
            sums -= sums.mean(axis=1, keepdims=True)
            errors.append(_apart(sums, model - model.mean(axis=1, keepdims=True), by_column=False))
    return tuple(errors)
