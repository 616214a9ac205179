"""What was trained in the array, as a network of whole numbers that every machine runs."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from allspin.host.training.in_array.training import ArrayNetwork
from allspin.host.training.in_array.weights import PulsedWeights, Weights
from allspin.host.training.latent.number_formats import NumberFormats
from allspin.sim.network.network import GAIN_BITS, MAX_SHIFT, Converter, Layer, Network


def _states(crossbar: Weights) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """State whose level is nearest to the R_AH that each film holds."""
    assert isinstance(crossbar, PulsedWeights)
    synapse = crossbar.synapse
    places = (crossbar.film - synapse.low) * ((synapse.states - 1) / synapse.span)
    return np.clip(np.rint(places), 0, synapse.states - 1).astype(np.uint8)


def _converter(gain: float, columns: int) -> Converter:
    """The V-I converter whose gain is nearest: the same in each column, without an offset."""
    shift = min(math.floor(math.log2((2**GAIN_BITS - 1) / gain)), MAX_SHIFT)
    gains = np.full(columns, round(gain * 2**shift), np.int32)
    return Converter(gains, np.zeros(columns, np.int32), shift)


def array_network(
    trained: ArrayNetwork,
    formats: NumberFormats,
    image_shape: tuple[int, int],
    provenance: Mapping[str, Any],
) -> Network:
    """Write the films down as states, and the neurons as tables.

    In the array a column's sum is a number of weights of 1 at full row current, `full_scale` of
    which drive a neuron with its full-scale current; so does a hidden layer's activation.

    Parameters
    ----------
    trained : ArrayNetwork
        Of pulsed weights and SOT neurons, without biases.
    formats : NumberFormats
        Number formats; its states are those of the synapse.
    image_shape : tuple of int
        Height and width of an image.
    provenance : mapping
        Where the network comes from.
    """
    layers: list[Layer] = []
    last = len(trained.weights) - 1
    for number, crossbar in enumerate(trained.weights):
        converter = table = None
        if number < last:
            full = trained.parameters.full_scale if number == 0 else 1.0
            gain = formats.current_top / (formats.input_top(number) * formats.outermost * full)
            converter, table = _converter(gain, crossbar.matrix.shape[1]), formats.table
        layers.append(Layer(_states(crossbar), formats.levels, converter, table))
    return formats.network(layers, image_shape, provenance)
