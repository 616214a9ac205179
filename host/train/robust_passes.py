"""Forward and backward pass of a network whose cells, neurons and converters vary.

Each image sees a chip of its own. The accuracy of chips is a mean over images, so it does not
matter to its expectation whether two images share a chip, and independent draws give the smaller
scatter of gradients. A column's sum is drawn, not its cells (local reparametrisation: Kingma,
Salimans and Welling, 2015, arXiv:1506.02557)::

    sum = drive @ mean + sqrt(drive^2 @ variance) z

so the gradient knows how both moments of a cell change with its level, and weights keep from
states that vary. Roundings are taken for the identity, as in `allspin.host.train.passes`.
Of a layer that is cut into tiles each tile's sum is drawn, and converted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.train.latent import Array, LatentNetwork
from allspin.host.train.robustness import ChipLaw, ColumnLaw, TileLaw
from allspin.sim.network.formats import Adc
from allspin.sim.network.network import GAIN_BITS

LEAST_VARIANCE = 1e-3
"""Of a sum, in squared words, so that it has a square root with a slope."""


@dataclass(frozen=True, eq=False)
class Read:
    """Sums of rows that are read together: of a whole layer, or of a tile.

    Attributes
    ----------
    rows : slice
        Which.
    sums : ndarray of float32, shape (images, columns)
        Of the columns, in words times row values.
    by_variance : ndarray of float32, shape (images, columns)
        Slope of a sum by its variance.
    slope : ndarray of float32, shape (images, columns), or None
        Slope of what was read by the sum; None where that is the sum.
    """

    rows: slice
    sums: Array
    by_variance: Array
    slope: Array | None = None


@dataclass(frozen=True, eq=False)
class VaryingPass:
    """What the backward pass needs of a layer.

    Attributes
    ----------
    drive : ndarray of float32, shape (images, rows)
        Row values.
    states : ndarray of intp, shape (rows, columns)
        State of each cell.
    sums : ndarray of float32, shape (images, columns)
        Column sums in words times row values.
    reads : list of Read
        What they were added of.
    slopes : ndarray of float32, shape (images, columns), or None
        Slope of the neurons' response by the undisturbed current; None in the last layer.
    """

    drive: Array
    states: npt.NDArray[np.intp]
    sums: Array
    reads: list[Read]
    slopes: Array | None


def _neurons(
    network: LatentNetwork,
    layer: int,
    sums: Array,
    law: ColumnLaw,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Activations of a hidden layer of chips, and their slopes: `Chip.varied` in real numbers."""
    formats = network.formats
    gains, offsets = (each.astype(np.float32) for each in network.converter(layer))
    full, bound = np.float32(2**formats.current_bits), 2 ** (formats.current_bits + 1)
    z_gain, z_sum, z_threshold, z_use = rng.standard_normal((4, *sums.shape), dtype=np.float32)
    turn = 1 + np.float32(law.gain) * z_gain
    factor = turn * (1 + np.float32(law.sum_gain) * z_sum)
    factors = np.clip(gains * factor, 0, 2**GAIN_BITS - 1) * np.float32(
        2.0 ** -network.shift(layer)
    )
    offsets = offsets + (offsets + np.float32(law.pivot * formats.current_top)) * (turn - 1)
    offsets += np.float32(law.threshold) * full * z_threshold
    steps = np.floor(sums * factors) - np.rint(np.clip(offsets, -bound, bound - 1))
    steps += np.rint(np.float32(law.use) * full * z_use)
    inside = (steps >= 0) & (steps <= formats.current_top)
    place = np.clip(steps, 0, formats.current_top).astype(np.intp)
    return formats.table.astype(np.float32)[place], formats.table_slope[place] * inside * turn


def _drawn(
    drive: Array,
    squares: Array,
    states: npt.NDArray[np.intp],
    law: ChipLaw,
    more: float,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Sums of rows, with `more` variance than their cells have, and slopes by the variance."""
    deviations = squares @ law.variance[states]
    deviations += np.float32(more + LEAST_VARIANCE)
    np.sqrt(deviations, out=deviations)
    draws = rng.standard_normal(deviations.shape, dtype=np.float32)
    sums = drive @ law.mean[states]
    sums += deviations * draws
    draws /= 2 * deviations
    return sums, draws


def _converted(
    adc: Adc, read: Read, driven: npt.NDArray[np.bool_], law: TileLaw, rng: np.random.Generator
) -> Read:
    """What a tile's converters make of its sums; of images that drive none of its rows, 0."""
    turn = rng.standard_normal(read.sums.shape, dtype=np.float32)
    turn *= np.float32(law.gain)
    turn += 1
    codes = read.sums * turn
    codes *= np.float32(2.0**-adc.shift)
    codes += np.float32(0.5)
    np.floor(codes, out=codes)
    half = 1 << adc.bits - 1
    inside = (codes >= -half) & (codes < half) & driven[:, None]
    np.clip(codes, -half, half - 1, out=codes)
    codes *= np.float32(2.0**adc.shift)
    codes *= driven[:, None]
    return Read(read.rows, codes, read.by_variance, turn * inside)


def _reads(
    network: LatentNetwork,
    layer: int,
    drive: Array,
    states: npt.NDArray[np.intp],
    law: ChipLaw,
    rng: np.random.Generator,
) -> list[Read]:
    """All that is read of a layer of chips, and added."""
    formats, adc = network.formats, network.adcs[layer]
    cell = float(formats.levels[-1]) - float(formats.levels[0])
    cell *= formats.input_top(layer)
    squares = drive * drive
    if adc is None:
        rows = slice(0, len(states))
        return [Read(rows, *_drawn(drive, squares, states, law, (law.read * cell) ** 2, rng))]
    more = (law.tiles.read * cell) ** 2 + (law.tiles.steps * 2.0**adc.shift) ** 2
    reads = []
    for start in range(0, len(states), adc.rows):
        rows = slice(start, min(start + adc.rows, len(states)))
        part = drive[:, rows]
        read = Read(rows, *_drawn(part, squares[:, rows], states[rows], law, more, rng))
        reads.append(_converted(adc, read, np.asarray(part.any(axis=1)), law.tiles, rng))
    return reads


def forward(
    network: LatentNetwork, values: Array, law: ChipLaw, rng: np.random.Generator
) -> tuple[Array, list[VaryingPass]]:
    """Column sums of the last layer of chips, and what the backward pass needs.

    Parameters
    ----------
    network : LatentNetwork
        Quantised.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    law : ChipLaw
        What chips make of states and columns.
    rng : Generator
        Draws a chip for each image.

    Returns
    -------
    sums : ndarray of float32, shape (images, classes)
        In units of full scale.
    record : list of VaryingPass
        For `backward`.
    """
    record: list[VaryingPass] = []
    drive = np.ascontiguousarray(values.T)
    for layer in range(network.layers):
        states = network.states(layer).astype(np.intp)
        reads = _reads(network, layer, drive, states, law, rng)
        sums = reads[0].sums if len(reads) == 1 else np.sum([read.sums for read in reads], axis=0)
        activations, slopes = None, None
        if layer < network.layers - 1:
            activations, slopes = _neurons(network, layer, sums, law.columns, rng)
        record.append(VaryingPass(drive, states, sums, reads, slopes))
        if activations is not None:
            drive = activations
    return record[-1].sums * _unit(network, network.layers - 1), record


def _unit(network: LatentNetwork, layer: int) -> np.float32:
    """A column sum of 1 in units of full scale."""
    return np.float32(1 / (network.formats.input_top(layer) * network.formats.outermost))


def _read_backward(
    here: VaryingPass, read: Read, by_sum: Array, law: ChipLaw, on: bool
) -> tuple[Array, Array | None]:
    """Gradient by the levels of what was read, in words, and by its row values if it goes on."""
    if read.slope is not None:
        by_sum = by_sum * read.slope
    drive, states = here.drive[:, read.rows], here.states[read.rows]
    by_variance: Array = by_sum * read.by_variance
    by_level: Array = drive.T @ by_sum
    by_level *= law.mean_slope[states]
    squares: Array = drive * drive
    spread: Array = squares.T @ by_variance
    spread *= law.variance_slope[states]
    by_level += spread
    if not on:
        return by_level, None
    by_drive: Array = by_variance @ law.variance[states].T
    by_drive *= 2 * drive
    by_drive += by_sum @ law.mean[states].T
    return by_level, by_drive


def backward(
    network: LatentNetwork, slope: Array, record: list[VaryingPass], law: ChipLaw
) -> list[Array]:
    """Gradient of the loss by each parameter.

    Parameters
    ----------
    network : LatentNetwork
        The network, unchanged since `forward`.
    slope : ndarray of float32, shape (images, classes)
        Gradient by the sums that `forward` returned.
    record : list of VaryingPass
        What `forward` returned with them.
    law : ChipLaw
        As of `forward`.

    Returns
    -------
    list of ndarray of float32
        As the network's parameters; that by the scale of the logits is left at 0.
    """
    gradients: list[Array] = [np.zeros(0, np.float32)] * len(network.parameters)
    gradients[-1] = np.zeros(1, np.float32)
    outermost = np.float32(network.formats.outermost)
    for layer in reversed(range(network.layers)):
        here, unit = record[layer], _unit(network, layer)
        if here.slopes is not None:
            place = network.gain_place(layer)
            slope = slope * here.slopes
            gradients[place + 1] = -slope.sum(axis=0)
            slope = slope * network.gains(layer)
            gradients[place] = np.einsum("ij,ij->j", slope, here.sums) * unit
        by_sum: Array = slope * unit
        parts = [_read_backward(here, read, by_sum, law, layer > 0) for read in here.reads]
        gradients[layer] = np.concatenate([by_level for by_level, _ in parts])
        gradients[layer] *= outermost
        if layer:
            slope = np.concatenate([each for _, each in parts if each is not None], axis=1)
            slope *= np.float32(network.formats.input_top(layer))
    return gradients
