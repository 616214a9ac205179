"""What a layer of chips that vary makes of its rows' values in training, and the way back.

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
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.machine_pass import Read, ReadBack, converted, tiles, uses
from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.gradient.windows import Direct, Real
from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import GAIN_BITS

LEAST_VARIANCE = 1e-3
"""Of a sum of chips, in squared words, so that it has a square root with a slope."""


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


def _converted(
    adc: Adc, law: ChipLaw, drive: Array, sums: Array, gains: Array
) -> tuple[Array, Array]:
    """What a tile's converters make of its sums, and how that follows them.

    It is 0 where none of the tile's rows is driven.
    """
    turn = 1 + np.float32(law.tile_gain) * gains
    driven = np.asarray(drive.any(axis=1))[:, None]
    codes, inside = converted(adc, sums * turn)
    return codes * driven, turn * (inside & driven)


def _chip_read(
    drive: Array,
    states: npt.NDArray[np.intp],
    law: ChipLaw,
    unit: np.float32,
    adc: Adc | None,
    more: float,
    rng: np.random.Generator,
) -> tuple[Array, ReadBack]:
    """Sums of rows that are read together, with `more` variance than their cells have."""
    squares: Array = drive * drive
    deviations = np.sqrt(squares @ law.variance[states] + np.float32(more + LEAST_VARIANCE))
    draws = rng.standard_normal(deviations.shape, dtype=np.float32)
    sums = drive @ law.mean[states] + deviations * draws
    by_variance = draws / (2 * deviations)
    turn: Array | None = None
    if adc is not None:
        gains = rng.standard_normal(sums.shape, dtype=np.float32)
        sums, turn = _converted(adc, law, drive, sums, gains)

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
        gains = path.normals(rng, sums.shape, "column")
        sums, turn = _converted(adc, law, drive, sums, gains)

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


def chip_reads(
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
    cut = tiles(adc, len(states))
    reads: list[Read]
    if path.common:
        common, each = law.column_read * cell, _rest(law.read, law.column_read) * cell
        if adc is not None:
            step = 2.0**adc.shift
            common = math.hypot(law.column_tile_read * cell, law.column_tile_steps * step)
            each = _rest(math.sqrt(more), common)
        own = law, unit, adc, (common, each), rng
        reads = [(at, *_kernel_read(path, drive[:, at], states[at], *own)) for at in cut]
    else:
        drive = np.ascontiguousarray(drive)
        reads = [
            (at, *_chip_read(drive[:, at], states[at], law, unit, adc, more, rng)) for at in cut
        ]
    return reads, (unit, np.float32(outermost), np.float32(top))


def chip_neurons(
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
    activations, slopes = uses(formats, steps, np.rint(np.float32(law.use) * full * z_use))
    return activations, slopes * turn
