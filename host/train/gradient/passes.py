"""Forward and backward pass of a network in training, on the machine and on chips that vary.

Before quantisation the forward pass computes with real numbers. From then on it is the machine's,
bit for bit, or that of chips. The backward pass treats each rounding as the identity
(straight-through estimator: Bengio, Leonard and Courville, 2013, arXiv:1308.3432), the draw of a
neuron that switches by chance as its mean, and a conversion of a tile's sum as a constant if it
saturates.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from allspin.host.train.gradient.chip_pass import ChipLaw, chip_neurons, chip_reads
from allspin.host.train.gradient.geometry import Back, Real
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.layer_passes import backward_pass, forward_pass
from allspin.host.train.gradient.machine_pass import (
    Noise,
    Read,
    Units,
    machine_neurons,
    machine_reads,
)
from allspin.host.train.gradient.number_formats import Array


@dataclass(frozen=True, eq=False)
class LayerPass:
    """Record of a layer's forward pass, for the backward pass.

    Attributes
    ----------
    drive : ndarray of float32, shape (uses, rows)
        Row values; a use is an image, or a position of one.
    sums : ndarray, shape (uses, columns)
        Column sums.
    reads : list of Read
        Rows that were read together: all of the layer, or those of each tile.
    units : Units
        Units of the layer's integers.
    slopes : ndarray of float32, shape (uses, columns), or None
        Slope of the neurons' response by the current; None in the last layer.
    back : Back or None
        From slopes by the layer's outputs to slopes by its activations; None in the last layer.
    """

    drive: Array
    sums: Real
    reads: list[Read]
    units: Units
    slopes: Array | None
    back: Back | None


def forward(
    network: LatentNetwork,
    values: Array,
    variation: Noise | ChipLaw = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Array, list[LayerPass]]:
    """Compute the column sums of the last layer, and a record for the backward pass.

    Parameters
    ----------
    network : LatentNetwork
        The network; for chips, quantised.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    variation : Noise or ChipLaw
        Noise on the machine's weights, or the law of chips.
    rng : Generator, optional
        Draws of the noise, or of a chip for each image.

    Returns
    -------
    sums : ndarray of float32, shape (images, classes)
        Sums in units of full scale.
    record : list of LayerPass
        Record for `backward`.
    """
    layers = [
        partial(_forward_layer, network, layer, variation, rng) for layer in range(network.layers)
    ]
    sums, record = forward_pass(layers, values.T)
    return (sums * record[-1].units.sum).astype(np.float32), record


def _forward_layer(
    network: LatentNetwork,
    layer: int,
    variation: Noise | ChipLaw,
    rng: np.random.Generator | None,
    values: Array,
) -> tuple[Array, LayerPass]:
    """Compute a layer: its outputs, or the sums of the last layer, and the record."""
    geometry = network.geometries[layer]
    drive = geometry.unroll(values)
    if isinstance(variation, ChipLaw):
        assert rng is not None
        reads, units = chip_reads(network, layer, drive, variation, rng)
        respond = partial(chip_neurons, network, layer, law=variation, rng=rng)
    else:
        reads, units = machine_reads(network, layer, drive, variation, rng)
        respond = partial(machine_neurons, network, layer, unit=units.sum, rng=rng)
    sums: Real = sum((read.sums for read in reads[1:]), reads[0].sums)
    if layer == network.layers - 1:
        return sums, LayerPass(drive, sums, reads, units, None, None)
    activations, slopes = respond(sums)
    outputs, back = geometry.pass_on(activations)
    return outputs, LayerPass(drive, sums, reads, units, slopes, back)


def backward(network: LatentNetwork, slopes: Array, record: list[LayerPass]) -> Array:
    """Compute the gradient of the loss by each parameter.

    Parameters
    ----------
    network : LatentNetwork
        The network, unchanged since `forward`.
    slopes : ndarray of float32, shape (images, classes)
        Slope of the loss by each sum that `forward` returned.
    record : list of LayerPass
        Record that `forward` returned with them.

    Returns
    -------
    ndarray of float32
        Gradient in the order of the network's values; 0 for the scale of the logits.
    """
    gradient = np.empty_like(network.values)
    gradient[-1] = 0
    parts = network.parts(gradient)
    layers = [
        partial(_backward_layer, network, layer, done, parts) for layer, done in enumerate(record)
    ]
    backward_pass(layers, slopes)
    return gradient


def _backward_layer(
    network: LatentNetwork, layer: int, done: LayerPass, parts: list[Array], slopes: Array
) -> Array:
    """Fill in a layer's part of the gradient; return the slopes by the values that it takes."""
    if done.slopes is not None and done.back is not None:
        by_log_gain = parts[network.layers + layer]
        by_offset = parts[network.layers + network.layers - 1 + layer]
        slopes = done.back(slopes) * done.slopes
        np.negative(slopes.sum(axis=0), out=by_offset)
        slopes = slopes * network.gains(layer)
        by_gain = np.einsum("ij,ij->j", slopes, done.sums.astype(np.float32))
        np.multiply(by_gain, done.units.sum, out=by_log_gain)
    by_weight = parts[layer]
    further = layer > 0
    by_drive = [read.back(slopes, by_weight[read.rows], further) for read in done.reads]
    by_weight *= done.units.weight_slope
    if not further:
        return slopes
    slopes = by_drive[0] if len(by_drive) == 1 else np.concatenate(by_drive, axis=1)
    slopes *= done.units.drive_slope
    return network.geometries[layer].fold(slopes)
