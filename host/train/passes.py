"""Forward and backward pass of a network in training, on the machine and on chips that vary.

Before quantisation the forward pass computes with real numbers. From then on it is the machine's,
bit for bit, or that of chips; the backward pass takes each rounding for the identity
(straight-through estimator: Bengio, Leonard and Courville, 2013, arXiv:1308.3432), the draw of a
neuron that switches by chance for its mean, and a conversion of a tile's sum for a constant where
it saturates.

Each image sees a chip of its own. The accuracy of chips is a mean over images, so it does not
matter to its expectation whether two images share a chip, and independent draws give the smaller
scatter of gradients. A column's sum is drawn, not its cells (local reparametrisation: Kingma,
Salimans and Welling, 2015, arXiv:1506.02557)::

    sum = drive @ mean + sqrt(drive^2 @ variance) z

so the gradient knows how both moments of a cell change with its level, and weights keep from
states that vary.

A convolution uses a cell at many positions, so its sums have no errors of their own: there a pass
draws a whole chip for its images, cell by cell and column by column.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.latent import OUTERMOST, Array, LatentNetwork, NumberFormats, looked_up
from allspin.host.train.windows import Back, Direct, Real
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import EXACT_FLOAT32
from allspin.sim.network.network import GAIN_BITS

LEAST_VARIANCE = 1e-3
"""Of a sum of chips, in squared words, so that it has a square root with a slope."""

Noise = float | npt.NDArray[np.float64]
"""Standard deviation of the noise on each weight, as a fraction of the range of R_AH (outermost
level to outermost level): one for all, or by state."""
ReadBack = Callable[[Array, Array, bool], Array]
"""Takes the gradient by sums of rows, an array for that by their weights, and whether it goes on:
then it returns that by the rows' values."""
Read = tuple[slice, Real, ReadBack]
"""Rows, and their sums."""


@dataclass(frozen=True, eq=False)
class ChipLaw:
    """What chips make of each state, and how columns and reads differ, in standard deviations.

    Attributes
    ----------
    mean, variance : ndarray of float32, shape (states,)
        Of a cell's R_AH word.
    mean_slope, variance_slope : ndarray of float32, shape (states,)
        How both change with the state's level, in words by word.
    read : float
        Of a column's sum at each use, in the range of a cell at full row value.
    gain : float
        Of a hidden neuron, a factor on its current about `pivot`.
    pivot : float
        Current that a gain's deviation leaves as it is, as a fraction of full scale.
    sum_gain : float
        Of amplifier and V-I converter: a factor on the column's sum.
    threshold : float
        Of the current, fixed for a column, as a fraction of its full scale.
    use : float
        Of the current at each use, as a fraction of its full scale.
    tile_read : float
        Of a tile's sum at each use, and of its amplifier, in place of `read` where a layer is cut.
    tile_steps : float
        Of the same sum, by its converter, in steps of a conversion.
    tile_gain : float
        Of amplifier and converter: a factor on the tile's sum.
    column_read, column_threshold, column_tile_read, column_tile_steps : float
        What all uses of a column have in common of ``read``, `threshold`, and so on: of these, the
        rest is each use's, or each neuron's.
    words : ndarray of float32, shape (cells, states)
        R_AH words of cells that were programmed with each state, of which whole chips are made.
    deviation_slope : ndarray of float32, shape (states,)
        How the standard deviation changes with the state's level.
    """

    mean: Array
    variance: Array
    mean_slope: Array
    variance_slope: Array
    read: float = 0.0
    gain: float = 0.0
    pivot: float = 0.0
    sum_gain: float = 0.0
    threshold: float = 0.0
    use: float = 0.0
    tile_read: float = 0.0
    tile_steps: float = 0.0
    tile_gain: float = 0.0
    column_read: float = 0.0
    column_threshold: float = 0.0
    column_tile_read: float = 0.0
    column_tile_steps: float = 0.0
    words: Array | None = None
    deviation_slope: Array | None = None


@dataclass(frozen=True, eq=False)
class LayerPass:
    """What the backward pass needs of a layer.

    Attributes
    ----------
    drive : ndarray of float32, shape (uses, rows)
        Row values; a use is an image, or a position of one.
    sums : ndarray, shape (uses, columns)
        Column sums.
    slopes : ndarray of float32, shape (uses, columns), or None
        Slope of the neurons' response by the current; None in the last layer.
    unit : float32
        A column sum of 1 in units of full scale.
    weight_scale, drive_scale : float32
        What the gradients of `reads` by weights and by row values are multiplied with.
    reads : list of Read
        Of the rows that were read together: all of the layer, or those of each tile.
    back : Back or None
        From slopes by what the layer hands on to those by its activations.
    """

    drive: Array
    sums: Real
    slopes: Array | None
    unit: np.float32
    weight_scale: np.float32
    drive_scale: np.float32
    reads: list[Read]
    back: Back | None = None


def _tiles(adc: Adc | None, rows: int) -> list[slice]:
    """Rows that are read together."""
    size = rows if adc is None else adc.rows
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def _converted(adc: Adc, sums: Real) -> tuple[Real, npt.NDArray[np.bool_]]:
    """What a tile's converters make of its sums, and which did not saturate."""
    half = 1 << adc.bits - 1
    codes = np.floor(sums * 2.0**-adc.shift + 0.5)
    inside = (codes >= -half) & (codes < half)
    return np.clip(codes, -half, half - 1) * 2.0**adc.shift, inside


def _answers(formats: NumberFormats, steps: Real) -> tuple[Array, Array]:
    """Activations and slopes of neurons at currents in steps, whole numbers."""
    place = np.clip(steps + 1, 0, formats.current_top + 2).astype(np.intp)
    activations, slopes = formats.padded_table
    return looked_up(activations, place), looked_up(slopes, place)


def _uses(formats: NumberFormats, steps: Real, noise: Real) -> tuple[Array, Array]:
    """Activations of one use, with noise on the currents, and slopes: both in steps.

    A neuron that switches by chance has the slope of its mean, which its noise is in already.
    """
    if not formats.neuron.noise:
        return _answers(formats, steps + noise)
    switched = formats.neuron.switched((steps + noise) / formats.current_top)
    activations = np.float32(formats.input_top(1)) * switched.astype(np.float32)
    return activations, _answers(formats, steps)[1]


# The machine, before and after quantisation.


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
        sums, inside = _converted(adc, sums)

    def back(slope: Array, by_weight: Array, on: bool) -> Array:
        if inside is not None:
            slope = slope * inside
        np.matmul(drive.T, slope, out=by_weight)
        return path.product(slope, matrix.T) if on else slope

    return sums, back


def _machine_reads(
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
        for rows in _tiles(adc, len(matrix))
    ]
    return reads, (drive_unit * weight_unit, drive_unit, weight_unit)


def _machine_neurons(
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
            return _uses(formats, steps, np.rint(drawn))
        return _answers(formats, steps)
    currents = sums.astype(np.float32) * (network.gains(layer) * unit) - network.offsets[layer]
    inside = (currents > 0) & (currents < 1)
    activations, slopes = network.formats.respond(currents.clip(0, 1))
    return activations, slopes * inside


# Chips.


def _chip_read(
    drive: Array,
    states: npt.NDArray[np.intp],
    law: ChipLaw,
    unit: np.float32,
    adc: Adc | None,
    more: float,
    rng: np.random.Generator,
) -> tuple[Array, ReadBack]:
    """Sums of rows that are read together, with `more` variance than their cells have.

    What a tile's converters make of images that drive none of its rows is 0.
    """
    squares: Array = drive * drive
    deviations = np.sqrt(squares @ law.variance[states] + np.float32(more + LEAST_VARIANCE))
    draws = rng.standard_normal(deviations.shape, dtype=np.float32)
    sums = drive @ law.mean[states] + deviations * draws
    by_variance = draws / (2 * deviations)
    turn: Array | None = None
    if adc is not None:
        turn = 1 + np.float32(law.tile_gain) * rng.standard_normal(sums.shape, dtype=np.float32)
        driven = np.asarray(drive.any(axis=1))[:, None]
        codes, inside = _converted(adc, sums * turn)
        sums, turn = codes * driven, turn * (inside & driven)

    def back(slope: Array, by_level: Array, on: bool) -> Array:
        by_sum: Array = slope * unit
        if turn is not None:
            by_sum *= turn
        spread: Array = by_sum.copy()
        spread *= by_variance
        np.matmul(drive.T, by_sum, out=by_level)
        by_level *= law.mean_slope[states]
        by_spread: Array = squares.T @ spread
        by_spread *= law.variance_slope[states]
        by_level += by_spread
        if not on:
            return slope
        by_drive: Array = spread @ law.variance[states].T
        by_drive *= 2 * drive
        by_drive += by_sum @ law.mean[states].T
        return by_drive

    return sums, back


def _kernel_read(
    path: Direct,
    drive: Array,
    states: npt.NDArray[np.intp],
    law: ChipLaw,
    unit: np.float32,
    adc: Adc | None,
    more: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[Array, ReadBack]:
    """The same of one chip, cell by cell, with `more` deviation of its columns and of each use."""
    assert law.words is not None
    assert law.deviation_slope is not None
    cells = law.words[rng.integers(len(law.words), size=states.shape), states]
    deviations = np.sqrt(law.variance + np.float32(LEAST_VARIANCE))
    draws = (cells - law.mean[states]) / deviations[states]
    follows = law.mean_slope[states] + draws * law.deviation_slope[states]
    sums = path.product(drive, cells)
    for of, deviation in zip(("column", "use"), more, strict=True):
        if deviation:
            sums = sums + np.float32(deviation) * path.normals(rng, sums.shape, of)
    turn: Array | None = None
    if adc is not None:
        turn = 1 + np.float32(law.tile_gain) * path.normals(rng, sums.shape, "column")
        driven = np.asarray(drive.any(axis=1))[:, None]
        codes, inside = _converted(adc, sums * turn)
        sums, turn = codes * driven, turn * (inside & driven)

    def back(slope: Array, by_level: Array, on: bool) -> Array:
        by_sum: Array = slope * unit
        if turn is not None:
            by_sum *= turn
        np.matmul(drive.T, by_sum, out=by_level)
        by_level *= follows
        return path.product(by_sum, cells.T) if on else slope

    return sums, back


def _rest(whole: float, common: float) -> float:
    """A standard deviation without the part that uses have in common."""
    return math.sqrt(max(0.0, whole**2 - common**2))


def _chip_reads(
    network: LatentNetwork, layer: int, drive: Array, law: ChipLaw, rng: np.random.Generator
) -> tuple[list[Read], tuple[np.float32, np.float32, np.float32]]:
    """All that is read of a layer of chips; unit and scales of its `LayerPass`."""
    formats, adc, path = network.formats, network.adcs[layer], network.paths[layer]
    top, outermost = formats.input_top(layer), formats.outermost
    unit = np.float32(1 / (top * outermost))
    cell = (float(formats.levels[-1]) - float(formats.levels[0])) * top
    more = (law.read * cell) ** 2
    if adc is not None:
        more = (law.tile_read * cell) ** 2 + (law.tile_steps * 2.0**adc.shift) ** 2
    states = network.states(layer).astype(np.intp)
    tiles = _tiles(adc, len(states))
    reads: list[Read]
    if path.common:
        common, each = law.column_read * cell, _rest(law.read, law.column_read) * cell
        if adc is not None:
            step = 2.0**adc.shift
            common = math.hypot(law.column_tile_read * cell, law.column_tile_steps * step)
            each = _rest(math.sqrt(more), common)
        own = law, unit, adc, (common, each), rng
        reads = [(at, *_kernel_read(path, drive[:, at], states[at], *own)) for at in tiles]
    else:
        drive = np.ascontiguousarray(drive)
        reads = [
            (at, *_chip_read(drive[:, at], states[at], law, unit, adc, more, rng)) for at in tiles
        ]
    return reads, (unit, np.float32(outermost), np.float32(top))


def _chip_neurons(
    network: LatentNetwork, layer: int, sums: Real, law: ChipLaw, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Activations of a hidden layer of chips, and their slopes: `Chip.varied` in real numbers."""
    formats, path = network.formats, network.paths[layer]
    gains, offsets = (each.astype(np.float32) for each in network.converter(layer))
    full, bound = np.float32(2**formats.current_bits), 2 ** (formats.current_bits + 1)
    z_gain, z_sum, z_threshold = (
        path.normals(rng, sums.shape, of) for of in ("neuron", "column", "neuron")
    )
    z_use = path.normals(rng, sums.shape) if law.use or not path.common else np.float32(0)
    turn: Array = 1 + np.float32(law.gain) * z_gain
    factors = np.clip(gains * (turn * (1 + np.float32(law.sum_gain) * z_sum)), 0, 2**GAIN_BITS - 1)
    offsets = offsets + (offsets + np.float32(law.pivot * formats.current_top)) * (turn - 1)
    if path.common:
        own = np.float32(_rest(law.threshold, law.column_threshold)) * z_threshold
        shared = np.float32(law.column_threshold) * path.normals(rng, sums.shape, "column")
        offsets = offsets + (own + shared) * full
    else:
        offsets += np.float32(law.threshold) * full * z_threshold
    steps = np.floor(sums * (factors * np.float32(2.0 ** -network.shifts[layer])))
    steps -= np.rint(np.clip(offsets, -bound, bound - 1))
    activations, slopes = _uses(formats, steps, np.rint(np.float32(law.use) * full * z_use))
    return activations, slopes * turn


def forward(
    network: LatentNetwork,
    values: Array,
    how: Noise | ChipLaw = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Array, list[LayerPass]]:
    """Column sums of the last layer, and what the backward pass needs.

    Parameters
    ----------
    network : LatentNetwork
        What to compute; quantised, for chips.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    how : Noise or ChipLaw
        On the machine, with noise on its weights, or on chips: what they make of states and
        columns.
    rng : Generator, optional
        Draws the noise, or a chip for each image.

    Returns
    -------
    sums : ndarray of float32, shape (images, classes)
        In units of full scale.
    record : list of LayerPass
        For `backward`.
    """
    record: list[LayerPass] = []
    drive = values.T
    for layer in range(network.layers):
        rows = network.paths[layer].driven(drive)
        if isinstance(how, ChipLaw):
            assert rng is not None
            reads, scales = _chip_reads(network, layer, rows, how, rng)
            respond = partial(_chip_neurons, network, layer, law=how, rng=rng)
        else:
            reads, scales = _machine_reads(network, layer, rows, how, rng)
            respond = partial(_machine_neurons, network, layer, unit=scales[0], rng=rng)
        sums: Real = sum((each for _, each, _ in reads[1:]), reads[0][1])
        slopes = back = None
        if layer < network.layers - 1:
            activations, slopes = respond(sums)
            drive, back = network.paths[layer].handed_on(activations)
        record.append(LayerPass(rows, sums, slopes, *scales, reads, back))
    return (record[-1].sums * record[-1].unit).astype(np.float32), record


def backward(network: LatentNetwork, slope: Array, record: list[LayerPass]) -> Array:
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
    ndarray of float32
        As the network's values; that by the scale of the logits is left at 0.
    """
    gradient = np.empty_like(network.values)
    gradient[-1] = 0
    parts = network.parts(gradient)
    hidden = parts[network.layers :]
    for layer in reversed(range(network.layers)):
        here, by_weight = record[layer], parts[layer]
        if here.slopes is not None and here.back is not None:
            slope = here.back(slope) * here.slopes
            np.negative(slope.sum(axis=0), out=hidden[layer + network.layers - 1])
            slope = slope * network.gains(layer)
            by_gain = np.einsum("ij,ij->j", slope, here.sums.astype(np.float32))
            np.multiply(by_gain, here.unit, out=hidden[layer])
        back = [read(slope, by_weight[rows], layer > 0) for rows, _, read in here.reads]
        by_weight *= here.weight_scale
        if layer:
            slope = back[0] if len(back) == 1 else np.concatenate(back, axis=1)
            slope *= here.drive_scale
            slope = network.paths[layer].undriven(slope)
    return gradient
