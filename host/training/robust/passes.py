"""Forward and backward pass of a network whose cells, neurons and converters vary.

Each image sees a chip of its own. The accuracy of chips is a mean over images, so it does not
matter to its expectation whether two images share a chip, and independent draws give the smaller
scatter of gradients. A column's sum is drawn, not its cells (local reparametrisation: Kingma,
Salimans and Welling, 2015, arXiv:1506.02557)::

    sum = drive @ mean + sqrt(drive^2 @ variance) z

so the gradient knows how both moments of a cell change with its level, and weights keep from
states that vary. Roundings are taken for the identity, as in `allspin.host.training.latent.passes`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.host.training.latent.network import LatentNetwork
from allspin.host.training.latent.number_formats import Array
from allspin.host.training.robust.law import ChipLaw, ColumnLaw
from allspin.sim.network.network import GAIN_BITS

LEAST_VARIANCE = 1e-3
"""Of a sum, in squared words, so that it has a square root with a slope."""


@dataclass(frozen=True, eq=False)
class VaryingPass:
    """What the backward pass needs of a layer.

    Attributes
    ----------
    drive, squares : ndarray of float32, shape (images, rows)
        Row values, and their squares.
    states : ndarray of intp, shape (rows, columns)
        State of each cell.
    sums : ndarray of float32, shape (images, columns)
        Column sums in words times row values.
    by_variance : ndarray of float32, shape (images, columns)
        Slope of a sum by its variance.
    slopes : ndarray of float32, shape (images, columns), or None
        Slope of the neurons' response by the undisturbed current; None in the last layer.
    """

    drive: Array
    squares: Array
    states: npt.NDArray[np.intp]
    sums: Array
    by_variance: Array
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
    formats = network.formats
    record: list[VaryingPass] = []
    drive = np.ascontiguousarray(values.T)
    cell = float(formats.levels[-1]) - float(formats.levels[0])
    for layer in range(network.layers):
        states = network.states(layer).astype(np.intp)
        squares = drive * drive
        read = law.read * cell * formats.input_top(layer)
        deviations = squares @ law.variance[states]
        deviations += np.float32(read * read + LEAST_VARIANCE)
        np.sqrt(deviations, out=deviations)
        draws = rng.standard_normal(deviations.shape, dtype=np.float32)
        sums = drive @ law.mean[states]
        sums += deviations * draws
        draws /= 2 * deviations
        activations, slopes = None, None
        if layer < network.layers - 1:
            activations, slopes = _neurons(network, layer, sums, law.columns, rng)
        record.append(VaryingPass(drive, squares, states, sums, draws, slopes))
        if activations is not None:
            drive = activations
    return record[-1].sums * _unit(network, network.layers - 1), record


def _unit(network: LatentNetwork, layer: int) -> np.float32:
    """A column sum of 1 in units of full scale."""
    return np.float32(1 / (network.formats.input_top(layer) * network.formats.outermost))


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
        by_variance: Array = by_sum * here.by_variance
        gradients[layer] = here.drive.T @ by_sum
        gradients[layer] *= law.mean_slope[here.states]
        spread: Array = here.squares.T @ by_variance
        spread *= law.variance_slope[here.states]
        gradients[layer] += spread
        gradients[layer] *= outermost
        if layer:
            by_drive: Array = by_variance @ law.variance[here.states].T
            by_drive *= 2 * here.drive
            by_drive += by_sum @ law.mean[here.states].T
            slope = by_drive * np.float32(network.formats.input_top(layer))
    return gradients
