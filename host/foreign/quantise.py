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
    mean = sums.mean(axis=0)
    wanted_mean = wanted.mean(axis=0)
    varying = sums - mean
    spread = np.einsum("ij,ij->j", varying, varying)
    together = np.einsum("ij,ij->j", varying, wanted - wanted_mean)
    factor = np.maximum(together / np.maximum(spread, LEAST_SQUARE), 0)
    return factor, wanted_mean - factor * mean


def _images_of(kind: LayerKind, width: int) -> int | None:
    """Return the number of images that a layer is fitted on; None for all."""
    if kind.positions == 1:
        return None
    values = kind.positions * width
    return max(FITTED // values, LEAST_IMAGES)


def _hidden(formats: NumberFormats, layer: FloatLayer, rows: Rows) -> tuple[Rows, LatentColumns]:
    """Quantise a hidden layer; return the rows of the next one, and the quantised columns."""
    kind = layer.kind
    height, width = layer.weights.shape
    wanted = layer.sums(rows.model)
    # A convolution needs fewer images, as each has many positions.
    few = slice(_images_of(kind, height))
    driven = geometry_of(kind, per_position=False).unroll(rows.values[few])  # (position, image)
    of_driven = wanted[few].reshape(-1, kind.positions, width).swapaxes(0, 1)
    of_driven = of_driven.reshape(-1, width)
    chosen, latent, _ = fit_weights(
        formats,
        _scaled(layer.weights, rows.worth),
        driven - driven.mean(axis=0),
        of_driven - of_driven.mean(axis=0),
        by_column=True,
    )
    model = layer.activation(wanted)
    sums = kind.products(rows.values, chosen)
    few = slice(_images_of(kind, TRIES * width))
    some = sums[few].reshape(-1, width)
    of_model = model[few].reshape(-1, width)
    of_sums = wanted[few].reshape(-1, width)
    factor, biases = _line(some, of_sums)
    exact = None if layer.activation is relu else of_sums
    gains, offsets, worth = fit_neurons(formats, some * factor, biases, of_model, exact)
    currents = sums * np.tile(factor, kind.positions)
    currents = currents * np.tile(gains, kind.positions) - np.tile(offsets, kind.positions)
    values = kind.pass_on(answered(formats, currents))
    columns = LatentColumns(latent, factor * gains, offsets)
    return Rows(values, worth, kind.pass_on(model)), columns


def _scaled(weights: Reals, worth: Reals) -> Reals:
    """Scale weights by the value of full scale of each column of the layer before."""
    return np.resize(worth, len(weights))[:, None] * weights


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
    kinds = [layer.kind for layer in model.layers]
    rows = _pixels(model, formats, images)
    pixels = rows.values.shape[1]
    hidden = [partial(_hidden, formats, layer) for layer in model.layers[:-1]]
    rows, layers = forward_pass(hidden, rows)
    last = model.layers[-1]
    count = 0
    # A constant for all classes does not change the largest logit.
    weights = last.weights - last.weights.mean(axis=1, keepdims=True)
    biases = last.biases - last.biases.mean()
    if layers:
        width = len(rows.worth)
        positions = len(weights) // width
        needed = neurons_needed(biases, _scaled(last.weights, rows.worth))
        count = -(-needed // positions)
        if (width + count) * positions > MAX_LINES:
            raise ValueError(
                f"the last hidden layer has {width} neurons; {count} more are needed for "
                f"the biases of the last layer, and a layer has at most {MAX_LINES}"
            )
        layers[-1], rows = add_constants(layers[-1], rows, count)
        if count:
            share = biases / (count * positions)
            weights = beside(weights.T, width, count, share).T
    wanted = rows.model @ weights
    if not count:
        wanted = wanted + biases
    scaled = _scaled(weights, rows.worth)
    _, latent, scales = fit_weights(formats, scaled, rows.values, wanted, by_column=False)
    nothing = np.zeros(weights.shape[1])
    layers.append(LatentColumns(latent, nothing, nothing))
    topology = (pixels, *(columns.weights.shape[1] for columns in layers))
    network = LatentNetwork(formats, topology, np.random.default_rng(0), kinds)
    network.take(layers, float(scales[0]))
    return network, count


def _pixels(model: FloatNetwork, formats: NumberFormats, images: npt.NDArray[np.uint8]) -> Rows:
    """Return the pixels of as many images as the layers are fitted on."""
    flat = images.reshape(len(images), -1)
    counts = []
    for layer in model.layers:
        count = _images_of(layer.kind, layer.weights.shape[1])
        if count is not None:
            counts.append(count)
    flat = flat[: min(counts, default=None)]
    pixels = flat.shape[1]
    dark, light = model.enter(np.vstack([np.zeros(pixels), np.ones(pixels)]))
    worth = light - dark
    first = model.layers[0].kind
    if isinstance(first, Convolution):
        worth = worth.reshape(-1, first.map[2]).mean(axis=0)
    values = quantise_pixels(flat, formats.pixel_bits) / float(formats.input_top(0))
    return Rows(values, worth, model.enter(flat / 255.0))


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
            axis = 0
            found = trace.outputs.reshape(-1, layer.columns).astype(np.float64)
            model = model.reshape(len(found), -1)
            found = found[:, : model.shape[1]]
        else:
            axis = None
            found = trace.sums - trace.sums.mean(axis=1, keepdims=True)
            model = model - model.mean(axis=1, keepdims=True)
        squares = np.maximum(np.sum(found * found, axis=axis), LEAST_SQUARE)
        scale = np.sum(found * model, axis=axis) / squares
        missed = float(np.sum(np.square(scale * found - model)))
        whole = float(np.sum(np.square(model)))
        errors.append(math.sqrt(missed / max(whole, LEAST_SQUARE)))
    return tuple(errors)
