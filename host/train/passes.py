"""Forward and backward pass of a network in training.

Before quantisation the forward pass computes with real numbers; from then on it is the
machine's, bit for bit, and the backward pass takes each rounding for the identity
(straight-through estimator: Bengio, Leonard and Courville, 2013, arXiv:1308.3432).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.latent import OUTERMOST, Array, LatentNetwork
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import EXACT_FLOAT32

# Columns cut into tiles, in training: conversions in the forward pass, straight through behind.
#
# The forward pass converts each tile's sums as the machine does. The backward pass takes a
# conversion for the identity where it is inside its range, and for a constant where it saturates.

Real = npt.NDArray[np.floating[Any]]
Inside = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TiledSums:
    """Column sums of a layer through its converters.

    Attributes
    ----------
    sums : ndarray, shape (images, columns)
        Converted and added.
    rows : int
        Rows of a tile.
    inside : list of ndarray of bool, each (images, columns)
        Of each tile: which conversions were inside the converter's range.
    """

    sums: Real
    rows: int
    inside: list[Inside]


def tiled_sums(adc: Adc, drive: Real, matrix: Real) -> TiledSums:
    """Column sums of a batch.

    Parameters
    ----------
    adc : Adc
        The converters.
    drive : ndarray, shape (images, rows)
        Row values, whole numbers.
    matrix : ndarray, shape (rows, columns)
        R_AH words.
    """
    low, high = -(1 << adc.bits - 1), (1 << adc.bits - 1) - 1
    share = drive.dtype.type(2.0**-adc.shift)
    sums = np.zeros((len(drive), matrix.shape[1]), drive.dtype)
    inside: list[Inside] = []
    for start in range(0, len(matrix), adc.rows):
        rows = slice(start, start + adc.rows)
        read = drive[:, rows] @ matrix[rows]
        read *= share
        read += drive.dtype.type(0.5)
        np.floor(read, out=read)
        inside.append((read >= low) & (read <= high))
        sums += np.clip(read, low, high, out=read)
    sums *= drive.dtype.type(2.0**adc.shift)
    return TiledSums(sums, adc.rows, inside)


def by_weight(tiled: TiledSums, drive: Array, slope: Array) -> Array:
    """Gradient by the matrix, from that by the sums (images, columns)."""
    return np.concatenate(
        [
            drive[:, place * tiled.rows : (place + 1) * tiled.rows].T @ (slope * inside)
            for place, inside in enumerate(tiled.inside)
        ]
    )


def by_drive(tiled: TiledSums, matrix: Array, slope: Array) -> Array:
    """Gradient by the row values, from that by the sums (images, columns)."""
    return np.concatenate(
        [
            (slope * inside) @ matrix[place * tiled.rows : (place + 1) * tiled.rows].T
            for place, inside in enumerate(tiled.inside)
        ],
        axis=1,
    )


Noise = float | npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerPass:
    """What the backward pass needs of a layer.

    Attributes
    ----------
    drive : ndarray of float32, shape (images, rows)
        Row values.
    matrix : ndarray of float32, shape (rows, columns)
        What they were multiplied with.
    sums : ndarray, shape (images, columns)
        Column sums.
    drive_unit, weight_unit : float32
        A row value of 1 and a number of 1 in the matrix, in units of full scale.
    slopes : ndarray of float32, shape (images, columns), or None
        Slope of the neurons' response; None in the last layer.
    tiled : TiledSums or None
        The same sums tile by tile, where the layer is cut into tiles.
    """

    drive: Array
    matrix: Array
    sums: Real
    drive_unit: np.float32
    weight_unit: np.float32
    slopes: Array | None
    tiled: TiledSums | None = None

    @property
    def unit(self) -> np.float32:
        """A column sum of 1 in units of full scale."""
        return self.drive_unit * self.weight_unit


def _noisy(
    network: LatentNetwork, layer: int, matrix: Array, noise: Noise, rng: np.random.Generator
) -> Array:
    """A matrix with noise on every weight."""
    noisy = rng.standard_normal(matrix.shape, dtype=np.float32)
    if isinstance(noise, np.ndarray):
        if network.quantised:
            by_state = (2 * float(network.formats.outermost) * noise).astype(np.float32)
            noisy *= by_state[network.states(layer).astype(np.intp, copy=False)]
            noisy += matrix
            return noisy
        # There are no states yet.
        noise = float(np.sqrt(np.mean(noise**2)))
    if network.quantised:
        outermost = float(network.formats.outermost)
    else:
        # Where the outermost level will be when the weights are quantised.
        outermost = OUTERMOST * float(matrix.std())
    noisy *= 2 * noise * outermost
    noisy += matrix
    return noisy


def _column_sums(drive: Array, matrix: Array, top: int, large: bool) -> Real:
    """Matrix product, exact where the numbers are whole and at most `top` in a row.

    `large` says that sums may be too large for single precision: they are looked at then.
    """
    if large and _too_large(matrix, top):
        return drive.astype(np.float64) @ matrix.astype(np.float64)
    return drive @ matrix


def _tiled(adc: Adc, drive: Array, matrix: Array, top: int) -> TiledSums:
    """Sums through converters, exact as `_column_sums` is."""
    if _too_large(matrix, top):
        return tiled_sums(adc, drive.astype(np.float64), matrix.astype(np.float64))
    return tiled_sums(adc, drive, matrix)


def _too_large(matrix: Array, top: int) -> bool:
    """Whether float32 cannot hold all sums of whole numbers."""
    return float(np.abs(matrix).sum(axis=0).max()) * top >= EXACT_FLOAT32


def _neurons(
    network: LatentNetwork, layer: int, sums: Real, unit: np.float32
) -> tuple[Array, Array]:
    """Activations (next rows' values) and slopes of a hidden layer."""
    formats = network.formats
    if not network.quantised:
        currents = sums.astype(np.float32)
        currents *= network.gains(layer) * unit
        currents -= network.offsets(layer)
        inside = (currents > 0) & (currents < 1)
        activations, slopes = formats.respond(currents.clip(0, 1))
        return activations, slopes * inside
    gains, offsets = network.converter(layer)
    steps = sums * (gains * 2.0 ** -network.shift(layer))
    np.floor(steps, out=steps)
    steps -= offsets
    # One place more at either end, where the neuron is beyond its table and has no slope.
    steps += 1
    np.clip(steps, 0, formats.current_top + 2, out=steps)
    place = steps.astype(np.intp)
    activations, slopes = formats.padded_table
    return activations.take(place), slopes.take(place)


def forward(
    network: LatentNetwork,
    values: Array,
    noise: Noise = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Array, list[LayerPass]]:
    """Column sums of the last layer, and what the backward pass needs.

    Parameters
    ----------
    network : LatentNetwork
        What to compute.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    noise : float or ndarray of float64, shape (states,)
        Standard deviation of the noise on each weight, as a fraction of the range of R_AH
        (outermost level to outermost level); one for all, or by state.
    rng : Generator, optional
        Draws the noise.

    Returns
    -------
    sums : ndarray of float32, shape (images, classes)
        In units of full scale.
    record : list of LayerPass
        For `backward`.
    """
    record: list[LayerPass] = []
    noisy = bool(np.any(noise))
    drive = values.T
    for layer in range(network.layers):
        top = network.formats.input_top(layer)
        whole = network.quantised
        drive_unit = np.float32(1 / top if whole or layer == 0 else 1)
        weight_unit = np.float32(1 / network.formats.outermost if whole else 1)
        matrix = network.words(layer) if whole else network.weights(layer)
        large = whole and len(matrix) * network.formats.outermost * top >= EXACT_FLOAT32
        if rng is not None and noisy:
            matrix = _noisy(network, layer, matrix, noise, rng)
            large = whole
        adc = network.adcs[layer] if whole else None
        tiled = None if adc is None else _tiled(adc, drive, matrix, top)
        sums = _column_sums(drive, matrix, top, large) if tiled is None else tiled.sums
        activations, slopes = None, None
        if layer < network.layers - 1:
            activations, slopes = _neurons(network, layer, sums, drive_unit * weight_unit)
        record.append(LayerPass(drive, matrix, sums, drive_unit, weight_unit, slopes, tiled))
        if activations is not None:
            drive = activations
    return (record[-1].sums * record[-1].unit).astype(np.float32), record


def backward(network: LatentNetwork, slope: Array, record: list[LayerPass]) -> list[Array]:
    """Gradient of the loss by each parameter.

    Parameters
    ----------
    network : LatentNetwork
        The network, unchanged since `forward`.
    slope : ndarray of float32, shape (images, classes)
        Gradient by the sums that `forward` returned.
    record : list of LayerPass
        What `forward` returned with them.

    Returns
    -------
    list of ndarray of float32
        As the network's parameters; that by the scale of the logits is left at 0.
    """
    gradients: list[Array] = [np.zeros(0, np.float32)] * len(network.parameters)
    gradients[-1] = np.zeros(1, np.float32)
    for layer in reversed(range(network.layers)):
        here = record[layer]
        if here.slopes is not None:
            place, gains = network.gain_place(layer), network.gains(layer)
            slope = slope * here.slopes
            by_sum = slope * gains
            gradients[place] = np.einsum("ij,ij->j", by_sum, here.sums.astype(np.float32))
            gradients[place] *= here.unit
            gradients[place + 1] = -slope.sum(axis=0)
            slope = by_sum
        tiled = here.tiled
        by_word = here.drive.T @ slope if tiled is None else by_weight(tiled, here.drive, slope)
        gradients[layer] = by_word
        gradients[layer] *= here.drive_unit
        if layer:
            slope = slope @ here.matrix.T if tiled is None else by_drive(tiled, here.matrix, slope)
            slope *= here.weight_unit
    return gradients


def accuracy_of(network: LatentNetwork, values: Array, labels: npt.NDArray[np.int64]) -> float:
    """Share of images that a network in training classifies rightly.

    Parameters
    ----------
    network : LatentNetwork
        The network.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    labels : ndarray of int64, shape (images,)
        Class of each image.
    """
    sums, _ = forward(network, values)
    return float(np.mean(np.argmax(sums, axis=1) == labels))
