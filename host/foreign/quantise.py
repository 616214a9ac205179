"""Quantisation of a model: layer by layer to the machine's integers, on calibration images."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.constant_neurons import OFFSET, beside, neurons_needed
from allspin.host.foreign.float_network import (
    FloatLayer,
    FloatNetwork,
    Reals,
    relu,
)
from allspin.host.foreign.neuron_fit import answered, fit_neurons
from allspin.host.foreign.weight_rounding import LEAST_SQUARE, fit_weights
from allspin.host.train.gradient.geometry import geometry_of
from allspin.host.train.gradient.latent import LatentColumns, LatentNetwork
from allspin.host.train.gradient.layer_passes import forward_pass
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer_kinds import MAX_LINES, Convolution, LayerKind
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels


class Rows(NamedTuple):
    """Values that drive a layer for the calibration images.

    Attributes
    ----------
    values : ndarray of float64, shape (images, values)
        Values in the number formats, 0 to 1.
    worth : ndarray of float64, shape (columns,)
        Value of full scale in the model, for each column of the layer before.
    model : ndarray of float64, shape (images, values)
        Values in the model.
    """

    values: Reals
    worth: Reals
    model: Reals


FITTED = 1 << 23
"""Values of all images and positions that a layer is fitted on."""
TRIES = 8
"""Factor by which `fit_neurons`, which tries many settings, uses fewer of them."""
LEAST_IMAGES = 16
"""Least number of images that a layer is fitted on."""


def _line(sums: Reals, wanted: Reals) -> tuple[Reals, Reals]:
    """Fit each column's sums to the model's by a factor, not negative, and a constant."""
    mean, wanted_mean = sums.mean(axis=0), wanted.mean(axis=0)
    varying = sums - mean
    spread = np.einsum("ij,ij->j", varying, varying)
    factor = np.einsum("ij,ij->j", varying, wanted - wanted_mean) / np.maximum(spread, LEAST_SQUARE)
    factor = np.maximum(factor, 0)
    return factor, wanted_mean - factor * mean


def _images_of(kind: LayerKind, width: int) -> int | None:
    """Return the number of images that a layer is fitted on; None for all."""
    return None if kind.positions == 1 else max(FITTED // (kind.positions * width), LEAST_IMAGES)


def _hidden(formats: NumberFormats, layer: FloatLayer, rows: Rows) -> tuple[Rows, LatentColumns]:
    """Quantise a hidden layer; return the rows of the next one, and the quantised columns."""
    kind, (height, columns) = layer.kind, layer.weights.shape
    wanted = layer.sums(rows.model)
    # A convolution needs fewer images, as each has many positions.
    few = slice(_images_of(kind, height))
    driven = geometry_of(kind, per_position=False).unroll(rows.values[few])  # (position, image)
    of_driven = wanted[few].reshape(-1, kind.positions, columns).swapaxes(0, 1)
    of_driven = of_driven.reshape(-1, columns)
    chosen, latent, _ = fit_weights(
        formats,
        np.resize(rows.worth, height)[:, None] * layer.weights,
        driven - driven.mean(axis=0),
        of_driven - of_driven.mean(axis=0),
        by_column=True,
    )
    model, sums = layer.activation(wanted), kind.products(rows.values, chosen)
    few = slice(_images_of(kind, TRIES * columns))
    some, of_model, exact = (each[few].reshape(-1, columns) for each in (sums, model, wanted))
    factor, biases = _line(some, exact)
    exact = None if layer.activation is relu else exact
    gains, offsets, worth = fit_neurons(formats, some * factor, biases, of_model, exact)
    by_use = (np.tile(each, kind.positions) for each in (factor, gains, offsets))
    factors, all_gains, all_offsets = by_use
    values = kind.pass_on(answered(formats, sums * factors * all_gains - all_offsets))
    columns = LatentColumns(latent, factor * gains, offsets)
    return Rows(values, worth, kind.pass_on(model)), columns


def add_constants(columns: LatentColumns, rows: Rows, count: int) -> tuple[LatentColumns, Rows]:
    """Add constant neurons, which answer at each position, to the last hidden layer."""
    more = LatentColumns(
        np.pad(columns.weights, ((0, 0), (0, count))),
        np.pad(columns.gains, (0, count)),
        np.pad(columns.offsets, (0, count), constant_values=OFFSET),
    )
    width = len(rows.worth)
    wider = Rows(
        beside(rows.values, width, count, 1),
        np.pad(rows.worth, (0, count), constant_values=1),
        beside(rows.model, width, count, 1),
    )
    return more, wider


def quantise(
    model: FloatNetwork, formats: NumberFormats, images: npt.NDArray[np.uint8]
) -> tuple[LatentNetwork, int]:
    """Quantise a network to the machine's integers.

    Parameters
    ----------
    model : FloatNetwork
        Network of grey levels from 0 to 1.
    formats : NumberFormats
        Number formats and neuron.
    images : ndarray of uint8, shape (images, ...)
        Grey levels of the calibration images.

    Returns
    -------
    network : LatentNetwork
        Network with the machine's integers. Without a hidden layer, biases are spread over the
        pixels' weights.
    constant_neurons : int
        Hidden neurons that always answer full scale, whose weights are the last layer's biases.

    Raises
    ------
    ValueError
        If the last hidden layer has no room for a constant neuron.
    """
    flat = images.reshape(len(images), -1)
    counts = (_images_of(each.kind, each.weights.shape[1]) for each in model.layers)
    flat = flat[: min(filter(None, counts), default=None)]
    ends = model.enter(np.vstack([np.zeros(flat.shape[1]), np.ones(flat.shape[1])]))
    rows = Rows(
        quantise_pixels(flat, formats.pixel_bits) / float(formats.input_top(0)),
        ends[1] - ends[0],
        model.enter(flat / 255.0),
    )
    if isinstance(first := model.layers[0].kind, Convolution):
        rows = rows._replace(worth=rows.worth.reshape(-1, first.map[2]).mean(axis=0))
    hidden = [partial(_hidden, formats, layer) for layer in model.layers[:-1]]
    rows, layers = forward_pass(hidden, rows)
    last, count = model.layers[-1], 0
    # A constant for all classes does not change the largest logit.
    weights = last.weights - last.weights.mean(axis=1, keepdims=True)
    biases = last.biases - last.biases.mean()
    if layers:
        width = len(rows.worth)
        positions = len(weights) // width
        scaled = np.resize(rows.worth, len(weights))[:, None] * last.weights
        count = -(-neurons_needed(biases, scaled) // positions)
        if (width + count) * positions > MAX_LINES:
            raise ValueError(
                f"the last hidden layer has {width} neurons; {count} more are needed for "
                f"the biases of the last layer, and a layer has at most {MAX_LINES}"
            )
        layers[-1], rows = add_constants(layers[-1], rows, count)
        if count:
            weights = beside(weights.T, width, count, biases / (count * positions)).T
    wanted = rows.model @ weights + (0 if count else biases)
    scaled = np.resize(rows.worth, len(weights))[:, None] * weights
    _, latent, scales = fit_weights(formats, scaled, rows.values, wanted, by_column=False)
    nothing = np.zeros(weights.shape[1])
    layers.append(LatentColumns(latent, nothing, nothing))
    topology = (flat.shape[1], *(columns.weights.shape[1] for columns in layers))
    kinds = [layer.kind for layer in model.layers]
    network = LatentNetwork(formats, topology, np.random.default_rng(0), kinds)
    network.take(layers, float(scales[0]))
    return network, count


def layer_errors(
    network: Network, images: npt.NDArray[np.uint8], outputs: list[Reals]
) -> tuple[float, ...]:
    """Compute the error of each layer's outputs, with the machine's layers before it.

    Parameters
    ----------
    network : Network
        The network that the machine runs; hidden layers may have more neurons than the model's, at
        the end.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    outputs : list of ndarray of float64, each (images, outputs)
        Outputs of each layer of the model for them, and the logits at the end.

    Returns
    -------
    tuple of float
        Root mean square error as a share of the model's root mean square. Each column of
        activations has a scale of its own; logits have one scale, and their mean over the classes
        is removed.
    """
    errors = []
    traces = GoldenModel(network).trace(images)
    for layer, trace, model in zip(network.layers, traces, outputs, strict=True):
        if trace.outputs is not None:
            found = trace.outputs.reshape(-1, layer.columns).astype(np.float64)
            model = model.reshape(len(found), -1)
            axis, found = 0, found[:, : model.shape[1]]
        else:
            axis, found = None, trace.sums - trace.sums.mean(axis=1, keepdims=True)
            model = model - model.mean(axis=1, keepdims=True)
        squares = np.maximum(np.sum(found * found, axis=axis), LEAST_SQUARE)
        scale = np.sum(found * model, axis=axis) / squares
        missed = float(np.sum(np.square(scale * found - model)))
        errors.append(math.sqrt(missed / max(float(np.sum(np.square(model))), LEAST_SQUARE)))
    return tuple(errors)
