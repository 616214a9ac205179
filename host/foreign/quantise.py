"""A network of real numbers as the machine's integers, layer by layer, on calibration images."""

import math

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import Dense, FloatNetwork, Reals
from allspin.host.foreign.fitting import Rows, fit_neurons, fit_weights
from allspin.host.train.latent import Columns, LatentNetwork, NumberFormats
from allspin.sim.network.formats import quantise_pixels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import MAX_LINES, Network

SMALLEST = 1e-12
"""Sums of squares that nothing is divided by."""


def _line(sums: Reals, wanted: Reals) -> tuple[Reals, Reals]:
    """Factor, not negative, and number by which each column's sums come nearest to the model's."""
    mean, wanted_mean = sums.mean(axis=0), wanted.mean(axis=0)
    varying = sums - mean
    spread = np.einsum("ij,ij->j", varying, varying)
    factor = np.einsum("ij,ij->j", varying, wanted - wanted_mean) / np.maximum(spread, SMALLEST)
    factor = np.maximum(factor, 0)
    return factor, wanted_mean - factor * mean


def _hidden(formats: NumberFormats, layer: Dense, rows: Rows) -> tuple[Columns, Rows]:
    """A hidden layer, and what its neurons drive the next one with."""
    wanted = rows.model @ layer.weights + layer.biases
    chosen, latent, _ = fit_weights(
        formats,
        rows.worth[:, None] * layer.weights,
        rows.values - rows.values.mean(axis=0),
        wanted - wanted.mean(axis=0),
        by_column=True,
    )
    sums = rows.values @ chosen
    factor, biases = _line(sums, wanted)
    model = np.clip(wanted, 0, layer.high)
    gains, offsets, driven = fit_neurons(formats, sums * factor, biases, model)
    return Columns(latent, factor * gains, offsets), driven


# Biases of the last layer: weights of hidden neurons that always answer full scale.
#
# The last layer's columns have no converter whose offset could be a bias. Where a hidden column's
# gain is 0 and its offset asks for more current than there is, its neuron is saturated whatever the
# image is. Its row in the last layer is always driven, so the weights there are biases.

MAX_NEURONS = 16
"""Constant neurons at most; larger biases are clipped."""
OFFSET = -2.0
"""Current that their converters add, of full scale: more than a chip's variation takes away."""


def neurons_needed(biases: Reals, weights: Reals) -> int:
    """How many constant neurons hold a last layer's biases.

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


def _with_constants(columns: Columns, rows: Rows, count: int) -> tuple[Columns, Rows]:
    """The last hidden layer with constant neurons beside it."""
    more = Columns(
        np.pad(columns.weights, ((0, 0), (0, count))),
        np.pad(columns.gains, (0, count)),
        np.pad(columns.offsets, (0, count), constant_values=OFFSET),
    )
    wider = Rows(
        np.pad(rows.values, ((0, 0), (0, count)), constant_values=1),
        np.pad(rows.worth, (0, count), constant_values=1),
        np.pad(rows.model, ((0, 0), (0, count)), constant_values=1),
    )
    return more, wider


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
    rows = Rows(
        quantise_pixels(flat, formats.pixel_bits) / float(formats.input_top(0)),
        np.ones(flat.shape[1]),
        flat / 255.0,
    )
    layers: list[Columns] = []
    for layer in model.layers[:-1]:
        columns, rows = _hidden(formats, layer, rows)
        layers.append(columns)
    last, count = model.layers[-1], 0
    # A number that all classes share changes no comparison.
    weights = last.weights - last.weights.mean(axis=1, keepdims=True)
    biases = last.biases - last.biases.mean()
    if layers:
        count = neurons_needed(biases, rows.worth[:, None] * last.weights)
        if len(rows.worth) + count > MAX_LINES:
            raise ValueError(
                f"the last hidden layer has {len(rows.worth)} neurons; {count} more are needed for "
                f"the biases of the last layer, and a layer has at most {MAX_LINES}"
            )
        layers[-1], rows = _with_constants(layers[-1], rows, count)
    if count:
        weights = np.vstack([weights, np.tile(biases / count, (count, 1))])
    wanted = rows.model @ weights + (0 if count else biases)
    scaled = rows.worth[:, None] * weights
    _, latent, scales = fit_weights(formats, scaled, rows.values, wanted, by_column=False)
    nothing = np.zeros(weights.shape[1])
    layers.append(Columns(latent, nothing, nothing))
    topology = (flat.shape[1], *(columns.weights.shape[1] for columns in layers))
    network = LatentNetwork(formats, topology, np.random.default_rng(0))
    network.take(layers, float(scales[0]))
    return network, count


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
            axis, found = 0, trace.activations[:, : model.shape[1]].astype(np.float64)
        else:
            axis, found = None, trace.sums - trace.sums.mean(axis=1, keepdims=True)
            model = model - model.mean(axis=1, keepdims=True)
        squares = np.maximum(np.sum(found * found, axis=axis), SMALLEST)
        scale = np.sum(found * model, axis=axis) / squares
        missed = float(np.sum(np.square(scale * found - model)))
        errors.append(math.sqrt(missed / max(float(np.sum(np.square(model))), SMALLEST)))
    return tuple(errors)
