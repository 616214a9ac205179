"""Forward pass of one layer on the machine, and the way back from its column sums.

Before quantisation a layer computes with real numbers, from then on with the machine's integers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.geometry import DenseGeometry, Real
from allspin.host.train.gradient.latent import OUTERMOST, LatentNetwork
from allspin.host.train.gradient.number_formats import Array, NumberFormats, look_up
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import EXACT_FLOAT32

Noise = float | npt.NDArray[np.float64]
"""Standard deviation of the noise on each weight, as a fraction of the range of R_AH (outermost
level to outermost level): one for all, or by state."""
ReadBack = Callable[[Array, Array, bool], Array]
"""Function of slopes by sums, an array for slopes by weights, and True if the pass goes further
back; it then returns the slopes by row values."""


class Read(NamedTuple):
    """Rows that are read together: all of a layer, or those of a tile.

    Attributes
    ----------
    rows : slice
        The rows.
    sums : ndarray, shape (uses, columns)
        Their sums.
    back : ReadBack
        The way back.
    """

    rows: slice
    sums: Real
    back: ReadBack


class Units(NamedTuple):
    """Units of a layer's integers, as shares of full scale.

    Attributes
    ----------
    sum : float32
        Unit of column sums.
    weight_slope, drive_slope : float32
        Factors on the slopes by weights and by row values that `Read.back` computes.
    """

    sum: np.float32
    weight_slope: np.float32
    drive_slope: np.float32


def tile_rows(adc: Adc | None, rows: int) -> list[slice]:
    """Return the rows that are read together, tile by tile."""
    size = rows if adc is None else adc.rows
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def convert(adc: Adc, sums: Real) -> tuple[Real, npt.NDArray[np.bool_]]:
    """Convert a tile's sums; return the codes, and True for each that does not saturate."""
    half = 1 << adc.bits - 1
    codes = np.floor(sums * 2.0**-adc.shift + 0.5)
    inside = (codes >= -half) & (codes < half)
    return np.clip(codes, -half, half - 1) * 2.0**adc.shift, inside


def activate(formats: NumberFormats, steps: Real) -> tuple[Array, Array]:
    """Return activations and slopes of neurons at currents in whole steps."""
    place = np.clip(steps + 1, 0, formats.current_top + 2).astype(np.intp)
    activations, slopes = formats.padded_table
    return look_up(activations, place), look_up(slopes, place)


def use_neurons(formats: NumberFormats, steps: Real, noise: Real) -> tuple[Array, Array]:
    """Return activations of one use, and slopes; currents and their noise are in steps.

    A neuron that switches by chance has the slope of its mean, which contains its noise.
    """
    if not formats.neuron.noise:
        return activate(formats, steps + noise)
    switched = formats.neuron.switched((steps + noise) / formats.current_top)
    activations = np.float32(formats.input_top(1)) * switched.astype(np.float32)
    return activations, activate(formats, steps)[1]


def _with_noise(
    network: LatentNetwork, layer: int, matrix: Array, noise: Noise, rng: np.random.Generator
) -> Array:
    """Return a matrix with noise on every weight."""
    noisy = rng.standard_normal(matrix.shape, dtype=np.float32)
    outermost = float(network.formats.outermost)
    if network.quantised and isinstance(noise, np.ndarray):
        by_state = (2 * outermost * noise).astype(np.float32)
        noisy *= by_state[network.states(layer).astype(np.intp)]
    else:
        if not network.quantised:  # the level that will be outermost when quantisation starts
            outermost = OUTERMOST * float(matrix.std())
        noisy *= 2 * float(np.sqrt(np.mean(noise * noise))) * outermost
    noisy += matrix
    return noisy


def _read(
    geometry: DenseGeometry,
    rows: slice,
    drive: Array,
    matrix: Array,
    adc: Adc | None,
    precision: type[np.floating[Any]],
) -> Read:
    """Read the rows of a tile, or of a whole layer."""
    drive = drive[:, rows]
    matrix = matrix[rows]
    sums = geometry.product(
        drive.astype(precision, copy=False), matrix.astype(precision, copy=False)
    )
    inside = None
    if adc is not None:
        sums, inside = convert(adc, sums)

    def back(slopes: Array, by_weight: Array, further: bool) -> Array:
        if inside is not None:
            slopes = slopes * inside
        np.matmul(drive.T, slopes, out=by_weight)
        return geometry.product(slopes, matrix.T) if further else slopes

    return Read(rows, sums, back)


def machine_reads(
    network: LatentNetwork,
    layer: int,
    drive: Array,
    noise: Noise,
    rng: np.random.Generator | None,
) -> tuple[list[Read], Units]:
    """Read a layer of the machine.

    Parameters
    ----------
    network : LatentNetwork
        The network.
    layer : int
        Number of the layer.
    drive : ndarray of float32, shape (uses, rows)
        Row values.
    noise : Noise
        Noise on the weights.
    rng : Generator, optional
        Draws of the noise; without it there is none.
    """
    formats = network.formats
    quantised = network.quantised
    top = formats.input_top(layer)
    drive_unit = np.float32(1 / top if quantised or layer == 0 else 1)
    weight_unit = np.float32(1 / formats.outermost if quantised else 1)
    matrix = network.words(layer) if quantised else network.weights[layer]
    # Sums of whole numbers must be exact, and some are too large for single precision.
    may_be_large = quantised and len(matrix) * formats.outermost * top >= EXACT_FLOAT32
    if rng is not None and np.any(noise):
        matrix = _with_noise(network, layer, matrix, noise, rng)
        may_be_large = quantised
    is_large = may_be_large and float(np.abs(matrix).sum(axis=0).max()) * top >= EXACT_FLOAT32
    precision = np.float64 if is_large else np.float32
    adc = network.adcs[layer] if quantised else None
    geometry = network.geometries[layer]
    reads = [
        _read(geometry, rows, drive, matrix, adc, precision) for rows in tile_rows(adc, len(matrix))
    ]
    return reads, Units(drive_unit * weight_unit, drive_unit, weight_unit)


def machine_neurons(
    network: LatentNetwork,
    layer: int,
    sums: Real,
    unit: np.float32,
    rng: np.random.Generator | None,
) -> tuple[Array, Array]:
    """Return the activations (the next layer's row values) and slopes of a hidden layer."""
    formats = network.formats
    if not network.quantised:
        currents = sums.astype(np.float32) * (network.gains(layer) * unit) - network.offsets[layer]
        inside = (currents > 0) & (currents < 1)
        activations, slopes = formats.respond(currents.clip(0, 1))
        return activations, slopes * inside
    gains, offsets = network.converter(layer)
    steps = np.floor(sums * (gains * 2.0 ** -network.shifts[layer])) - offsets
    if rng is None or not formats.straight_through:
        return activate(formats, steps)
    spread = np.float32(formats.neuron.noise * 2**formats.current_bits)
    noise = spread * network.geometries[layer].normals(rng, steps.shape)
    return use_neurons(formats, steps, np.rint(noise))
