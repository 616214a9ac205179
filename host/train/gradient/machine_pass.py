"""What a layer of the machine makes of its rows' values in training, and the way back.

Before quantisation it computes with real numbers, from then on with the machine's integers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.latent import OUTERMOST, LatentNetwork
from allspin.host.train.gradient.number_formats import Array, NumberFormats, looked_up
from allspin.host.train.gradient.windows import Direct, Real
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import EXACT_FLOAT32

Noise = float | npt.NDArray[np.float64]
"""Standard deviation of the noise on each weight, as a fraction of the range of R_AH (outermost
level to outermost level): one for all, or by state."""
ReadBack = Callable[[Array, Array, bool], Array]
"""Takes the gradient by sums of rows, an array for that by their weights, and whether it goes on:
then it returns that by the rows' values."""
Read = tuple[slice, Real, ReadBack]
"""Rows, and their sums."""


def tiles(adc: Adc | None, rows: int) -> list[slice]:
    """Rows that are read together."""
    size = rows if adc is None else adc.rows
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def converted(adc: Adc, sums: Real) -> tuple[Real, npt.NDArray[np.bool_]]:
    """What a tile's converters make of its sums, and which did not saturate."""
    half = 1 << adc.bits - 1
    codes = np.floor(sums * 2.0**-adc.shift + 0.5)
    inside = (codes >= -half) & (codes < half)
    return np.clip(codes, -half, half - 1) * 2.0**adc.shift, inside


def answers(formats: NumberFormats, steps: Real) -> tuple[Array, Array]:
    """Activations and slopes of neurons at currents in steps, whole numbers."""
    place = np.clip(steps + 1, 0, formats.current_top + 2).astype(np.intp)
    activations, slopes = formats.padded_table
    return looked_up(activations, place), looked_up(slopes, place)


def uses(formats: NumberFormats, steps: Real, noise: Real) -> tuple[Array, Array]:
    """Activations of one use, with noise on the currents, and slopes: both in steps.

    A neuron that switches by chance has the slope of its mean, which its noise is in already.
    """
    if not formats.neuron.noise:
        return answers(formats, steps + noise)
    switched = formats.neuron.switched((steps + noise) / formats.current_top)
    activations = np.float32(formats.input_top(1)) * switched.astype(np.float32)
    return activations, answers(formats, steps)[1]


def _noisy(
    network: LatentNetwork, layer: int, matrix: Array, noise: Noise, rng: np.random.Generator
) -> Array:
    """A matrix with noise on every weight."""
    noisy = rng.standard_normal(matrix.shape, dtype=np.float32)
    outermost = float(network.formats.outermost)
    if network.quantised and isinstance(noise, np.ndarray):
        by_state = (2 * outermost * noise).astype(np.float32)
        noisy *= by_state[network.states(layer).astype(np.intp)]
    else:
        if not network.quantised:  # where it will be once there are states
            outermost = OUTERMOST * float(matrix.std())
        noisy *= 2 * float(np.sqrt(np.mean(noise * noise))) * outermost
    noisy += matrix
    return noisy


def _machine_read(
    path: Direct, drive: Array, matrix: Array, adc: Adc | None, exact: type[np.floating[Any]]
) -> tuple[Real, ReadBack]:
    """Sums of rows that are read together."""
    sums = path.product(drive.astype(exact, copy=False), matrix.astype(exact, copy=False))
    inside = None
    if adc is not None:
        sums, inside = converted(adc, sums)

    def back(slope: Array, by_weight: Array, on: bool) -> Array:
        if inside is not None:
            slope = slope * inside
        np.matmul(drive.T, slope, out=by_weight)
        return path.product(slope, matrix.T) if on else slope

    return sums, back


def machine_reads(
    network: LatentNetwork,
    layer: int,
    drive: Array,
    noise: Noise,
    rng: np.random.Generator | None,
) -> tuple[list[Read], tuple[np.float32, np.float32, np.float32]]:
    """All that is read of a layer of the machine; unit and scales of its `LayerPass`."""
    formats, whole = network.formats, network.quantised
    top = formats.input_top(layer)
    drive_unit = np.float32(1 / top if whole or layer == 0 else 1)
    weight_unit = np.float32(1 / formats.outermost if whole else 1)
    matrix = network.words(layer) if whole else network.weights[layer]
    # Whole numbers are added exactly: sums may be too large for single precision.
    large = whole and len(matrix) * formats.outermost * top >= EXACT_FLOAT32
    if rng is not None and np.any(noise):
        matrix, large = _noisy(network, layer, matrix, noise, rng), whole
    large = large and float(np.abs(matrix).sum(axis=0).max()) * top >= EXACT_FLOAT32
    exact = np.float64 if large else np.float32
    adc = network.adcs[layer] if whole else None
    reads = [
        (rows, *_machine_read(network.paths[layer], drive[:, rows], matrix[rows], adc, exact))
        for rows in tiles(adc, len(matrix))
    ]
    return reads, (drive_unit * weight_unit, drive_unit, weight_unit)


def machine_neurons(
    network: LatentNetwork,
    layer: int,
    sums: Real,
    unit: np.float32,
    rng: np.random.Generator | None,
) -> tuple[Array, Array]:
    """Activations (next rows' values) and slopes of a hidden layer."""
    if network.quantised:
        gains, offsets = network.converter(layer)
        steps = np.floor(sums * (gains * 2.0 ** -network.shifts[layer])) - offsets
        formats = network.formats
        if rng is not None and formats.straight_through:
            spread = np.float32(formats.neuron.noise * 2**formats.current_bits)
            drawn = spread * network.paths[layer].normals(rng, steps.shape)
            return uses(formats, steps, np.rint(drawn))
        return answers(formats, steps)
    currents = sums.astype(np.float32) * (network.gains(layer) * unit) - network.offsets[layer]
    inside = (currents > 0) & (currents < 1)
    activations, slopes = network.formats.respond(currents.clip(0, 1))
    return activations, slopes * inside
