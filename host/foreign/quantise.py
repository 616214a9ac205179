"""A network of real numbers as the machine's integers, layer by layer, on calibration images."""

import math
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import FloatLayer, FloatNetwork, Reals, relu
from allspin.host.train.gradient.geometry import geometry_of
from allspin.host.train.gradient.latent import LatentColumns, LatentNetwork
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer_kinds import MAX_LINES, Convolution, LayerKind
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels

SMALLEST = 1e-9
"""Weights and activations that nothing is divided by."""
LEAST_SQUARE = 1e-12
"""Sums of squares that nothing is divided by."""


class Rows(NamedTuple):
    """What drives a layer for the calibration images.

    Attributes
    ----------
    values : ndarray of float64, shape (images, values)
        In the formats, 0 to 1.
    worth : ndarray of float64, shape (columns,)
        What full scale is worth in the model: of each column that made values, one position's after
        another.
    model : ndarray of float64, shape (images, values)
        In the model.
    """

    values: Reals
    worth: Reals
    model: Reals


# Weights rounded to levels one row after another, each row making up for those before it.
# The error of a column's sum is ``d @ H @ d`` with d the errors of its weights and H the second
# moments of the rows' values. Rounding every weight to the nearest level makes it small for
# independent rows only; neighbouring pixels are not independent. So a row's rounding error is
# spread over the rows that are still to be rounded, where H says that they can stand in for it
# (GPTQ: Frantar, Ashkboos, Hoefler and Alistarh, 2023, arXiv:2210.17323).

DAMPING = 0.01
"""What is added to the diagonal of H, as a share of its mean: rows that nothing drives."""
BLOCK = 64
"""Rows whose errors are spread over the rest together."""
MAX_ROWS = 4096
"""Rows of a layer that make up for one another; H of more takes too much memory."""

Rounding = Callable[[Reals], tuple[Reals, Reals]]
"""From weights (rows, columns), the outermost level being 1, to the level of each, and to what was
rounded to it, the weights before its row being made up for."""


def nearest(levels: Reals, wanted: Reals) -> Reals:
    """The level that is nearest to each number."""
    return levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, wanted)]


def _raised(moments: Reals, share: float) -> Reals:
    """Second moments with a share of their mean added to the diagonal."""
    raised = moments.copy()
    raised.flat[:: len(moments) + 1] += max(share * float(np.trace(moments)) / len(moments), 1e-12)
    return raised


def rounding(moments: Reals, levels: Reals) -> Rounding:
    """What rounds the weights of a layer whose rows make up for one another.

    Parameters
    ----------
    moments : ndarray of float64, shape (rows, rows)
        H, without damping.
    levels : ndarray of float64, shape (states,)
        Rising, the outermost being 1.
    """
    # Rows that are driven most come first: the others can make up for them.
    order = np.argsort(-np.diag(moments), kind="stable")
    ordered = _raised(moments, DAMPING)[np.ix_(order, order)]
    upper = np.linalg.cholesky(np.linalg.inv(ordered)).T

    def rounded(weights: Reals) -> tuple[Reals, Reals]:
        left = weights[order]
        found = np.empty_like(left)
        for start in range(0, len(left), BLOCK):
            end = min(start + BLOCK, len(left))
            errors = np.empty((end - start, left.shape[1]))
            for row in range(start, end):
                found[row] = nearest(levels, left[row])
                errors[row - start] = error = (left[row] - found[row]) / upper[row, row]
                left[row + 1 : end] -= np.outer(upper[row, row + 1 : end], error)
            left[end:] -= upper[start:end, end:].T @ errors
        back = np.argsort(order)
        return found[back], left[back]

    return rounded


PULL = 0.01
"""How strongly weights are held to the model's own, as a share of the rows' mean square."""
CLIPPINGS = 0.15 ** (np.arange(60) / 11)
"""Outermost levels that are tried, falling, as shares of the largest weight."""
ENOUGH = 12
"""How many of them are, if the last one makes every column worse: the largest weights may be those
of rows that hardly anything drives, such as behind a normalisation of the inputs."""


def fit_weights(
    formats: NumberFormats, weights: Reals, rows: Reals, sums: Reals, *, by_column: bool
) -> tuple[Reals, Reals, Reals]:
    """Choose levels, and what the outermost one is worth, by the error of the column sums.

    Parameters
    ----------
    formats : NumberFormats
        Its levels.
    weights : ndarray of float64, shape (rows, columns)
        Of the model, for row values of full scale 1.
    rows : ndarray of float64, shape (images, rows)
        Row values, 0 to 1; less their mean where a column's offset takes up what is constant.
    sums : ndarray of float64, shape (images, columns)
        What the model has in place of column sums; less their mean likewise.
    by_column : bool
        Whether each column may have another scale: not where columns are compared.

    Returns
    -------
    chosen : ndarray of float64, shape (rows, columns)
        Level of each weight, the outermost being 1.
    latent : ndarray of float64, shape (rows, columns)
        Weights to train on from: they round to those levels, and are as near as may be to what was
        rounded.
    scales : ndarray of float64, shape (columns,)
        What the outermost level of each column is worth.
    """
    levels = formats.levels / float(formats.outermost)

    def round_with(wanted: Reals, /) -> tuple[Reals, Reals]:
        return nearest(levels, wanted), wanted

    if len(weights) <= MAX_ROWS:
        # First those that give the model's sums with the machine's row values.
        moments = rows.T @ rows / len(rows)
        held = _raised(moments, PULL)
        weights = weights + np.linalg.solve(held, rows.T @ (sums - rows @ weights) / len(rows))
        round_with = rounding(moments, levels)
    largest = np.maximum(np.abs(weights).max(axis=0), SMALLEST)
    if not by_column:
        largest[:] = largest.max()
    best = np.full(weights.shape[1], np.inf)
    scales, chosen, wanted = largest.copy(), np.zeros_like(weights), np.zeros_like(weights)
    for number, share in enumerate(CLIPPINGS):
        scale = share * largest
        tried, rounded = round_with(weights / scale)
        missed = rows @ (tried * scale) - sums
        errors = np.einsum("ij,ij->j", missed, missed)
        if not by_column:
            errors[:] = errors.sum()
        better = errors < best
        worse = np.all((errors > best) | (best < LEAST_SQUARE))
        best[better], scales[better] = errors[better], scale[better]
        chosen[:, better], wanted[:, better] = tried[:, better], rounded[:, better]
        if number >= ENOUGH - 1 and worse:
            break
    wanted = np.clip(wanted, -1, 1)
    # From just beside a border, the coarser arithmetic of training would round to its other side.
    inside = chosen + 0.95 * (wanted - chosen)
    return chosen, np.where(nearest(levels, wanted) == chosen, inside, chosen), scales


# From column sums to activations: where a neuron's curve is laid on a ReLU.
#
# A V-I converter has a gain and an offset, so a neuron's straight part can be laid on any line.
# Full scale of an activation, and by how much the line is moved, are chosen for each column by the
# error of the activations that the machine's table gives: curves bend where a ReLU has a corner.

RANGES = np.geomspace(0.2, 1.1, 14)
"""Full scales that are tried, as shares of a column's largest activation."""
STEEP_RANGES = np.geomspace(0.05, 1.1, 14)
"""The same where activations are steps, as shares of the sums above where they begin to rise."""
MOVES = np.linspace(-0.06, 0.06, 7)
"""Currents by which the line is moved, as shares of full scale."""
FITTED = 1 << 23
"""Numbers of all images and positions that a layer is fitted on."""
TRIES = 8
"""Of those, where everything is tried that `fit_neurons` tries, one in so many."""
LEAST_IMAGES = 16
"""Images that it is fitted on whatever their size."""
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


def _line(sums: Reals, wanted: Reals) -> tuple[Reals, Reals]:
    """Factor, not negative, and number by which each column's sums come nearest to the model's."""
    mean, wanted_mean = sums.mean(axis=0), wanted.mean(axis=0)
    varying = sums - mean
    spread = np.einsum("ij,ij->j", varying, varying)
    factor = np.einsum("ij,ij->j", varying, wanted - wanted_mean) / np.maximum(spread, LEAST_SQUARE)
    factor = np.maximum(factor, 0)
    return factor, wanted_mean - factor * mean


def _images_of(kind: LayerKind, width: int) -> int | None:
    """How many images a layer is fitted on whose positions have so many numbers each."""
    return None if kind.positions == 1 else max(FITTED // (kind.positions * width), LEAST_IMAGES)


def _hidden(formats: NumberFormats, layer: FloatLayer, rows: Rows) -> tuple[LatentColumns, Rows]:
    """A hidden layer, and what its neurons drive the next one with."""
    kind, (height, columns) = layer.kind, layer.weights.shape
    wanted = layer.sums(rows.model)
    # Some images are enough where each has many positions.
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
    return columns, Rows(values, worth, kind.pass_on(model))


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


def _with_constants(columns: LatentColumns, rows: Rows, count: int) -> tuple[LatentColumns, Rows]:
    """The last hidden layer with constant neurons beside it, which answer at each position."""
    more = LatentColumns(
        np.pad(columns.weights, ((0, 0), (0, count))),
        np.pad(columns.gains, (0, count)),
        np.pad(columns.offsets, (0, count), constant_values=OFFSET),
    )
    width = len(rows.worth)
    wider = Rows(
        _beside(rows.values, width, count, 1),
        np.pad(rows.worth, (0, count), constant_values=1),
        _beside(rows.model, width, count, 1),
    )
    return more, wider


def _beside(values: Reals, width: int, count: int, value: float | Reals) -> Reals:
    """Values (..., positions columns) with as many more columns of some value at each position."""
    each = values.reshape(len(values), -1, width)
    more = np.broadcast_to(np.reshape(value, (-1, 1, 1)), (*each.shape[:2], count))
    return np.concatenate([each, more], axis=2).reshape(len(values), -1)


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
    layers: list[LatentColumns] = []
    for layer in model.layers[:-1]:
        columns, rows = _hidden(formats, layer, rows)
        layers.append(columns)
    last, count = model.layers[-1], 0
    # A number that all classes share changes no comparison.
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
        layers[-1], rows = _with_constants(layers[-1], rows, count)
        if count:
            weights = _beside(weights.T, width, count, biases / (count * positions)).T
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
    """Error of each layer's outputs, those before it being the machine's too.

    Parameters
    ----------
    network : Network
        As the machine runs it; hidden layers may have more neurons than the model's, at the end.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    outputs : list of ndarray of float64, each (images, outputs)
        What each layer of the model hands on of them, and the logits in the end.

    Returns
    -------
    tuple of float
        Root mean square as a share of that of the model's outputs: of activations with a scale of
        each column's own, of logits with one scale, and less their mean over the classes.
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
