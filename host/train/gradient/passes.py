"""Forward and backward pass of a network in training, on the machine and on chips that vary.

Before quantisation the forward pass computes with real numbers. From then on it is the machine's,
bit for bit, or that of chips; the backward pass takes each rounding for the identity
(straight-through estimator: Bengio, Leonard and Courville, 2013, arXiv:1308.3432), the draw of a
neuron that switches by chance for its mean, and a conversion of a tile's sum for a constant where
it saturates.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from allspin.host.train.gradient.chip_pass import ChipLaw, chip_neurons, chip_reads
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.machine_pass import Noise, Read, machine_neurons, machine_reads
from allspin.host.train.gradient.number_formats import Array
from allspin.host.train.gradient.windows import Back, Real


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
            reads, scales = chip_reads(network, layer, rows, how, rng)
            respond = partial(chip_neurons, network, layer, law=how, rng=rng)
        else:
            reads, scales = machine_reads(network, layer, rows, how, rng)
            respond = partial(machine_neurons, network, layer, unit=scales[0], rng=rng)
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
