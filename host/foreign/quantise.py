"""A network of real numbers as the machine's integers, layer by layer, on calibration images."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import Dense, FloatNetwork, InputScaling
from allspin.host.train.latent import Columns, LatentNetwork, NumberFormats
from allspin.host.train.parameters import MAX_EPOCHS, TrainingParameters, TrainingTarget
from allspin.sim.network.formats import check_range, quantise_pixels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import MAX_LINES, Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.options import option

# How a network of another tool is brought to the machine.

WHITES = (1.0, 255.0)
"""What a white pixel may be worth where nothing says it."""


@dataclass(frozen=True)
class ImportOptions:
    """How a network is imported.

    Parameters
    ----------
    states, neuron, pixel_bits, hidden_bits, rah_bits, noise, seed, target, tiles
        As `allspin.host.train.parameters.TrainingParameters` has them.
    tune : int
        Epochs of training through the machine's integers, 0 to 10,000.
    white : float or None
        What a white pixel is worth in the model's input, before `mean` and `scale`. None: 1; where
        neither `mean` nor `scale` is given, 1 or 255, whichever gives the higher accuracy.
    mean, scale : float or None
        Taken off the model's input, and divided by; 0 and 1 by default.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    states: int = 10
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: int = 8
    noise: float | None = None
    tune: int = field(
        default=0,
        metadata=option(
            "epochs of training through the machine's integers, with the noise of the device's "
            "writes if there is one (0)",
            "EPOCHS",
        ),
    )
    seed: int = 0
    white: float | None = field(
        default=None,
        metadata=option(
            "what a white pixel is worth in the model's input, before --mean and --scale (1 or "
            "255, whichever is more accurate)",
            "X",
        ),
    )
    mean: float | None = field(
        default=None, metadata=option("taken off the model's input (0)", "X")
    )
    scale: float | None = field(
        default=None, metadata=option("the model's input is divided by it (1)", "X")
    )
    target: TrainingTarget | None = None
    tiles: Tiles | None = None

    def __post_init__(self) -> None:
        check_range("tune", self.tune, 0, MAX_EPOCHS)
        self.training((1,))
        for scaling in self.scalings:
            assert scaling

    def training(self, hidden: tuple[int, ...]) -> TrainingParameters:
        """The same for training, with the hidden layers of a network."""
        shared = {field.name for field in dataclasses.fields(TrainingParameters)}
        own = {field.name for field in dataclasses.fields(self)}
        values = {name: getattr(self, name) for name in own & shared}
        return TrainingParameters(hidden=hidden or (1,), epochs=max(self.tune, 1), **values)

    @property
    def scalings(self) -> tuple[InputScaling, ...]:
        """What may become of grey levels before they enter the model; the best one is taken."""
        mean, scale = self.mean or 0.0, 1.0 if self.scale is None else self.scale
        if self.white is not None:
            whites: tuple[float, ...] = (self.white,)
        else:
            whites = WHITES if self.mean is None and self.scale is None else WHITES[:1]
        return tuple(InputScaling(white, mean, scale) for white in whites)


# Weights rounded to levels one row after another, each row making up for those before it.
#
# The error of a column's sum is ``d @ H @ d`` with d the errors of its weights and H the second
# moments of the rows' values. Rounding every weight to the nearest level makes it small for
# independent rows only; neighbouring pixels are not independent. So a row's rounding error is
# spread over the rows that are still to be rounded, where H says that they can stand in for it
# (GPTQ: Frantar, Ashkboos, Hoefler and Alistarh, 2023, arXiv:2210.17323).

Reals = npt.NDArray[np.float64]

DAMPING = 0.01
"""What is added to the diagonal of H, as a share of its mean: rows that nothing drives."""
BLOCK = 64
"""Rows whose errors are spread over the rest together."""
MAX_ROWS = 4096
"""Rows of a layer that make up for one another; H of more takes too much memory."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Weights on levels.

    Attributes
    ----------
    levels : ndarray of float64, shape (rows, columns)
        Level of each weight, the outermost being 1.
    wanted : ndarray of float64, shape (rows, columns)
        What was rounded to it, the weights before its row being made up for.
    """

    levels: Reals
    wanted: Reals


class Rounder:
    """Rounds the weights of a layer.

    Parameters
    ----------
    moments : ndarray of float64, shape (rows, rows)
        H, without damping.
    levels : ndarray of float64, shape (states,)
        Rising, the outermost being 1.
    """

    def __init__(self, moments: Reals, levels: Reals) -> None:
        rows = len(moments)
        self._levels = levels
        self._middles = (levels[1:] + levels[:-1]) / 2
        # Rows that are driven most come first: the others can make up for them.
        self._order = np.argsort(-np.diag(moments), kind="stable")
        ordered = moments[np.ix_(self._order, self._order)]
        ordered.flat[:: rows + 1] += max(DAMPING * float(np.trace(moments)) / rows, 1e-12)
        self._upper = np.linalg.cholesky(np.linalg.inv(ordered)).T

    def round(self, weights: Reals, scales: Reals) -> Rounded:
        """Round.

        Parameters
        ----------
        weights : ndarray of float64, shape (rows, columns)
        scales : ndarray of float64, shape (columns,)
            What the outermost level of each column is worth.
        """
        left = weights[self._order] / scales
        levels = np.empty_like(left)
        upper = self._upper
        for start in range(0, len(left), BLOCK):
            end = min(start + BLOCK, len(left))
            errors = np.empty((end - start, left.shape[1]))
            for row in range(start, end):
                levels[row] = self._levels[np.searchsorted(self._middles, left[row])]
                error = (left[row] - levels[row]) / upper[row, row]
                errors[row - start] = error
                left[row + 1 : end] -= np.outer(upper[row, row + 1 : end], error)
            left[end:] -= upper[start:end, end:].T @ errors
        back = np.argsort(self._order)
        return Rounded(levels[back], left[back])


def round_apart(weights: Reals, scales: Reals, levels: Reals) -> Rounded:
    """Round each weight to the nearest level; parameters as of `Rounder`."""
    wanted = weights / scales
    middles = (levels[1:] + levels[:-1]) / 2
    return Rounded(levels[np.searchsorted(middles, wanted)], wanted)


# How far each layer is from the model's.

SMALLEST = 1e-12


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


# From column sums to activations: where a neuron's curve is laid on a ReLU.
#
# A V-I converter has a gain and an offset, so a neuron's straight part can be laid on any line.
# Full scale of an activation, and by how much the line is moved, are chosen for each column by the
# error of the activations that the machine's table gives: curves bend where a ReLU has a corner.

RANGES = np.geomspace(0.2, 1.1, 14)
"""Full scales that are tried, as shares of a column's largest activation."""
MOVES = np.linspace(-0.06, 0.06, 7)
"""Currents by which the line is moved, as shares of full scale."""
LEAST_RANGE = 0.5
"""Least of a column's largest activation, as a share of the layer's: rows of other columns with the
same value must not mean something all too different."""
SMALLEST_OF_ACTIVATIONS = 1e-9


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
    largest = np.maximum(largest, max(LEAST_RANGE * float(largest.max()), SMALLEST_OF_ACTIVATIONS))
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
            scale = np.einsum("ij,ij->j", answers, wanted) / np.maximum(
                squares, SMALLEST_OF_ACTIVATIONS
            )
            missed = scale * answers - wanted
            errors = np.einsum("ij,ij->j", missed, missed)
            better = errors < best
            for kept, tried in ((best, errors), (gains, gain), (offsets, offset), (worth, scale)):
                kept[better] = tried[better]
    return FittedNeurons(gains, offsets, worth, _answers(formats, sums * gains - offsets))


# The weights of one layer on the machine's levels, fitted on calibration images.

PULL = 0.01
"""How strongly weights are held to the model's own, as a share of the rows' mean square."""
CLIPPINGS = np.geomspace(0.15, 1.0, 12)
"""Outermost levels that are tried, as shares of the largest weight."""
SMALLEST_OF_WEIGHTS = 1e-9


@dataclass(frozen=True, eq=False)
class FittedWeights:
    """A layer's weights.

    Attributes
    ----------
    rounded : Rounded
        On levels, the outermost being 1.
    scales : ndarray of float64, shape (columns,)
        What the outermost level of each column is worth.
    """

    rounded: Rounded
    scales: Reals


def _fitted(weights: Reals, rows: Reals, sums: Reals, moments: Reals) -> Reals:
    """Weights that give the model's sums with the machine's row values, near the model's own."""
    held = moments.copy()
    held.flat[:: len(held) + 1] += max(PULL * float(np.trace(moments)) / len(held), 1e-12)
    return weights + np.linalg.solve(held, rows.T @ (sums - rows @ weights) / len(rows))


def fit_weights(
    weights: Reals, rows: Reals, sums: Reals, levels: Reals, *, by_column: bool
) -> FittedWeights:
    """Choose levels, and what the outermost one is worth, by the error of the column sums.

    Parameters
    ----------
    weights : ndarray of float64, shape (rows, columns)
        Of the model, for row values of full scale 1.
    rows : ndarray of float64, shape (images, rows)
        Row values, 0 to 1; less their mean where a column's offset takes up what is constant.
    sums : ndarray of float64, shape (images, columns)
        What the model has in place of column sums; less their mean likewise.
    levels : ndarray of float64, shape (states,)
        Rising, the outermost being 1.
    by_column : bool
        Whether each column may have another scale: not where columns are compared.
    """
    round_with: Callable[[Reals, Reals], Rounded]
    if weights.shape[0] <= MAX_ROWS:
        moments = rows.T @ rows / len(rows)
        weights = _fitted(weights, rows, sums, moments)
        rounder = Rounder(moments, levels)
        round_with = rounder.round
    else:
        round_with = partial(round_apart, levels=levels)
    largest = np.maximum(np.abs(weights).max(axis=0), SMALLEST_OF_WEIGHTS)
    if not by_column:
        largest[:] = largest.max()
    best = np.full(weights.shape[1], np.inf)
    scales, level, wanted = largest.copy(), np.zeros_like(weights), np.zeros_like(weights)
    for share in CLIPPINGS:
        tried = round_with(weights, share * largest)
        missed = rows @ (tried.levels * (share * largest)) - sums
        errors = np.einsum("ij,ij->j", missed, missed)
        if not by_column:
            errors[:] = errors.sum()
        better = errors < best
        best[better], scales[better] = errors[better], share * largest[better]
        level[:, better] = tried.levels[:, better]
        wanted[:, better] = tried.wanted[:, better]
    return FittedWeights(Rounded(level, wanted), scales)


@dataclass(frozen=True, eq=False)
class Quantised:
    """What came of it.

    Attributes
    ----------
    network : LatentNetwork
        With the machine's integers.
    constant_neurons : int
        Hidden neurons that always answer full scale, whose weights are the last layer's biases.
    spread_biases : bool
        Whether biases are spread over the pixels' weights: there is no hidden layer.
    """

    network: LatentNetwork
    constant_neurons: int
    spread_biases: bool


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
    fitted = fit_weights(
        rows.worth[:, None] * layer.weights,
        rows.values - rows.values.mean(axis=0),
        wanted - wanted.mean(axis=0),
        levels,
        by_column=True,
    )
    sums = rows.values @ fitted.rounded.levels
    factor, biases = _line(sums, wanted)
    model = np.clip(wanted, 0, layer.high)
    neurons = fit_neurons(formats, sums * factor, biases, model)
    columns = Columns(
        _latent(formats, fitted.rounded),
        factor * neurons.gains,
        neurons.offsets,
    )
    return columns, neurons, model


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
    fitted = fit_weights(
        rows.worth[:, None] * weights, rows.values, wanted, levels, by_column=False
    )
    nothing = np.zeros(weights.shape[1])
    return Columns(_latent(formats, fitted.rounded), nothing, nothing), float(fitted.scales[0])


def quantise(
    model: FloatNetwork, formats: NumberFormats, images: npt.NDArray[np.uint8]
) -> Quantised:
    """Bring a network to the machine's integers.

    Parameters
    ----------
    model : FloatNetwork
        Of grey levels from 0 to 1.
    formats : NumberFormats
        Number formats and neuron.
    images : ndarray of uint8, shape (images, ...)
        Grey levels of the calibration images.

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
    biases, count = relative(last.biases), 0
    if layers:
        count = neurons_needed(biases, rows.worth[:, None] * last.weights)
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
    return Quantised(network, count, not model.layers[:-1] and bool(np.any(biases)))
