"""Forward pass of one layer of chips that vary, and the way back from its column sums.

Each image sees a chip of its own. The accuracy of chips is a mean over images, so its expectation
does not depend on whether two images share a chip, and independent draws scatter gradients less.
Column sums are drawn, not cells (local reparametrisation: Kingma, Salimans and Welling, 2015,
arXiv:1506.02557)::

    sum = drive @ mean + sqrt(drive^2 @ variance) z

so the gradient contains the change of both moments of a cell with its level, and weights avoid
states that vary.

A convolution uses a cell at many positions, so its sums have no independent errors. A pass then
draws a whole chip for its images, cell by cell and column by column.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.geometry import DenseGeometry, Real
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.machine_pass import Read, Units, convert, tile_rows, use_neurons
from allspin.host.train.gradient.number_formats import Array
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import GAIN_BITS

LEAST_VARIANCE = 1e-3
"""Least variance of a chip's sum in squared words, so that its square root has a slope."""


@dataclass(frozen=True, eq=False)
class ChipLaw:
    """Moments of chips' cells by state, and deviations of columns and reads.

    All deviations are standard deviations.

    Attributes
    ----------
    mean, variance : ndarray of float32, shape (states,)
        Moments of a cell's R_AH word.
    mean_slope, variance_slope : ndarray of float32, shape (states,)
        Slopes of both by the state's level, in words.
    read : float
        Deviation of a column's sum at each use, in the range of a cell at full row value.
    gain : float
        Deviation of a hidden neuron's gain, a factor on its current about `pivot`.
    pivot : float
        Current that a deviation of the gain does not change, as a fraction of full scale.
    sum_gain : float
        Deviation of amplifier and V-I converter, a factor on the column's sum.
    threshold : float
        Deviation of the current that is fixed for a column, as a fraction of full scale.
    use : float
        Deviation of the current at each use, as a fraction of full scale.
    tile_read : float
        Deviation of a tile's sum at each use, with its amplifier; it replaces `read` in layers that
        are cut into tiles.
    tile_steps : float
        Deviation of the same sum by its ADC, in steps of a conversion.
    tile_gain : float
        Deviation of amplifier and ADC, a factor on the tile's sum.
    column_read, column_threshold, column_tile_read, column_tile_steps : float
        Part of `read`, `threshold`, `tile_read` and `tile_steps` that all uses of a column share;
        the rest belongs to each use, or to each neuron.
    words : ndarray of float32, shape (cells, states)
        R_AH words of cells that were programmed with each state; whole chips are drawn from them.
    deviation_slope : ndarray of float32, shape (states,)
        Slope of the cells' standard deviation by the state's level.
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


class _Crossbar(NamedTuple):
    """Crossbar of chips, as its rows are read.

    Attributes
    ----------
    geometry : DenseGeometry
        The layer's geometry.
    law : ChipLaw
        The chips.
    unit : float32
        Unit of column sums, as a share of full scale.
    adc : Adc or None
        ADCs of the layer's tiles.
    sum_variance : float
        Variance of a sum beyond that of its cells, in squared words times row values.
    column_deviation, use_deviation : float
        Standard deviations that make it up if a pass draws a whole chip: the part that all uses of
        a column share, and the part of each use.
    rng : Generator
        Draws of the chips.
    """

    geometry: DenseGeometry
    law: ChipLaw
    unit: np.float32
    adc: Adc | None
    sum_variance: float
    column_deviation: float
    use_deviation: float
    rng: np.random.Generator


def _convert(crossbar: _Crossbar, drive: Array, sums: Array) -> tuple[Array, Array]:
    """Convert a tile's sums; return the codes, and their slopes by the sums.

    The code is 0 if no row of the tile is driven.
    """
    assert crossbar.adc is not None
    gains = crossbar.geometry.normals(crossbar.rng, sums.shape, "column")
    factors = 1 + np.float32(crossbar.law.tile_gain) * gains
    driven = np.asarray(drive.any(axis=1))[:, None]
    codes, inside = convert(crossbar.adc, sums * factors)
    return codes * driven, factors * (inside & driven)


def _read_sums(
    crossbar: _Crossbar, rows: slice, drive: Array, states: npt.NDArray[np.intp]
) -> Read:
    """Read rows by drawing their sums, a chip an image."""
    law = crossbar.law
    drive = drive[:, rows]
    states = states[rows]
    squares: Array = drive * drive
    added_variance = np.float32(crossbar.sum_variance + LEAST_VARIANCE)
    deviations = np.sqrt(squares @ law.variance[states] + added_variance)
    draws = crossbar.rng.standard_normal(deviations.shape, dtype=np.float32)
    sums = drive @ law.mean[states] + deviations * draws
    slope_by_variance = draws / (2 * deviations)
    code_slopes: Array | None = None
    if crossbar.adc is not None:
        sums, code_slopes = _convert(crossbar, drive, sums)

    def back(slopes: Array, by_level: Array, further: bool) -> Array:
        by_sum: Array = slopes * crossbar.unit
        if code_slopes is not None:
            by_sum *= code_slopes
        by_variance: Array = by_sum.copy()
        by_variance *= slope_by_variance
        np.matmul(drive.T, by_sum, out=by_level)
        by_level *= law.mean_slope[states]
        by_level_variance: Array = squares.T @ by_variance
        by_level_variance *= law.variance_slope[states]
        by_level += by_level_variance
        if not further:
            return slopes
        by_drive: Array = by_variance @ law.variance[states].T
        by_drive *= 2 * drive
        by_drive += by_sum @ law.mean[states].T
        return by_drive

    return Read(rows, sums, back)


def _read_cells(
    crossbar: _Crossbar, rows: slice, drive: Array, states: npt.NDArray[np.intp]
) -> Read:
    """Read rows of one chip, whose cells are drawn."""
    law = crossbar.law
    rng = crossbar.rng
    drive = drive[:, rows]
    states = states[rows]
    assert law.words is not None
    assert law.deviation_slope is not None
    cells = law.words[rng.integers(len(law.words), size=states.shape), states]
    deviations = np.sqrt(law.variance + np.float32(LEAST_VARIANCE))
    deviates = (cells - law.mean[states]) / deviations[states]
    cell_slopes = law.mean_slope[states] + deviates * law.deviation_slope[states]
    sums = crossbar.geometry.product(drive, cells)
    for shared_by, deviation in (
        ("column", crossbar.column_deviation),
        ("use", crossbar.use_deviation),
    ):
        if deviation:
            normals = crossbar.geometry.normals(rng, sums.shape, shared_by)
            sums = sums + np.float32(deviation) * normals
    code_slopes: Array | None = None
    if crossbar.adc is not None:
        sums, code_slopes = _convert(crossbar, drive, sums)

    def back(slopes: Array, by_level: Array, further: bool) -> Array:
        by_sum: Array = slopes * crossbar.unit
        if code_slopes is not None:
            by_sum *= code_slopes
        np.matmul(drive.T, by_sum, out=by_level)
        by_level *= cell_slopes
        return crossbar.geometry.product(by_sum, cells.T) if further else slopes

    return Read(rows, sums, back)


def _without(whole: float, shared: float) -> float:
    """Return a standard deviation without the part that uses share."""
    return math.sqrt(max(0.0, whole**2 - shared**2))


def chip_reads(
    network: LatentNetwork, layer: int, drive: Array, law: ChipLaw, rng: np.random.Generator
) -> tuple[list[Read], Units]:
    """Read a layer of chips; see `allspin.host.train.gradient.machine_pass.machine_reads`."""
    formats = network.formats
    adc = network.adcs[layer]
    geometry = network.geometries[layer]
    top = formats.input_top(layer)
    outermost = formats.outermost
    unit = np.float32(1 / (top * outermost))
    cell_range = (float(formats.levels[-1]) - float(formats.levels[0])) * top
    if adc is None:
        variance = (law.read * cell_range) ** 2
        shared = law.column_read * cell_range
        own = _without(law.read, law.column_read) * cell_range
    else:
        step = 2.0**adc.shift
        variance = (law.tile_read * cell_range) ** 2 + (law.tile_steps * step) ** 2
        shared = math.hypot(law.column_tile_read * cell_range, law.column_tile_steps * step)
        own = _without(math.sqrt(variance), shared)
    crossbar = _Crossbar(geometry, law, unit, adc, variance, shared, own, rng)
    states = network.states(layer).astype(np.intp)
    read = _read_cells
    if not geometry.shares_chip:
        drive = np.ascontiguousarray(drive)
        read = _read_sums
    reads = [read(crossbar, rows, drive, states) for rows in tile_rows(adc, len(states))]
    return reads, Units(unit, np.float32(outermost), np.float32(top))


def chip_neurons(
    network: LatentNetwork, layer: int, sums: Real, law: ChipLaw, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the activations and slopes of a hidden layer of chips.

    These are `allspin.sim.chip.chip.Chip.varied` and the converters' arithmetic in real numbers.
    """
    formats = network.formats
    geometry = network.geometries[layer]
    gains, offsets = (each.astype(np.float32) for each in network.converter(layer))
    full_scale = np.float32(2**formats.current_bits)
    bound = 2 ** (formats.current_bits + 1)
    z_gain = geometry.normals(rng, sums.shape, "neuron")
    z_sum = geometry.normals(rng, sums.shape, "column")
    z_threshold = geometry.normals(rng, sums.shape, "neuron")
    z_use: Real | np.float32 = np.float32(0)
    if law.use or not geometry.shares_chip:
        z_use = geometry.normals(rng, sums.shape)
    factors: Array = 1 + np.float32(law.gain) * z_gain
    gains = gains * (factors * (1 + np.float32(law.sum_gain) * z_sum))
    gains = np.clip(gains, 0, 2**GAIN_BITS - 1)
    pivot = np.float32(law.pivot * formats.current_top)
    offsets = offsets + (offsets + pivot) * (factors - 1)
    if geometry.shares_chip:
        own = np.float32(_without(law.threshold, law.column_threshold)) * z_threshold
        shared = np.float32(law.column_threshold) * geometry.normals(rng, sums.shape, "column")
        offsets = offsets + (own + shared) * full_scale
    else:
        offsets += np.float32(law.threshold) * full_scale * z_threshold
    steps = np.floor(sums * (gains * np.float32(2.0 ** -network.shifts[layer])))
    steps -= np.rint(np.clip(offsets, -bound, bound - 1))
    noise = np.rint(np.float32(law.use) * full_scale * z_use)
    activations, slopes = use_neurons(formats, steps, noise)
    return activations, slopes * factors
