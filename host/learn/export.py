"""Network and cells of a chip that learnt, in whole numbers and in files."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.learn.array_network import ArrayNetwork
from allspin.host.learn.weights import PulsedWeights
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT, Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network


def array_network(
    trained: ArrayNetwork,
    formats: NumberFormats,
    image_shape: tuple[int, ...],
    provenance: Mapping[str, Any],
) -> Network:
    """Write the weights that are read down as the nearest states, and the neurons as tables.

    In the array a column sum is a number of weights of 1 at full row current. A sum of
    `full_scale` drives a neuron with its full-scale current, and so does a hidden layer's
    activation.

    Parameters
    ----------
    trained : ArrayNetwork
        Network of pulsed weights, without biases.
    formats : NumberFormats
        Number formats, with the states of the network.
    image_shape : tuple of int
        Height and width of an image.
    provenance : mapping
        Origin of the network.
    """
    if trained.parameters.pair:  # no pulse of one device reaches a difference of two
        formats = replace(formats, own_levels=None)
    layers = []
    last = len(trained.weights) - 1
    for layer, crossbar in enumerate(trained.pulsed):
        # The largest weight becomes the largest word.
        unit = formats.outermost / max(abs(crossbar.low), abs(crossbar.high))
        states, levels = _nearest_states(crossbar, formats, unit)
        converter = table = None
        if layer < last:
            full_current = trained.parameters.full_scale if layer == 0 else 1.0
            gain = formats.current_top / (formats.input_top(layer) * unit * full_current)
            converter = _equal_converters(gain, states.shape[1])
            table = formats.table if formats.neuron.has_table else None
        layers.append(Layer(states, levels, converter, table))
    return formats.network(layers, image_shape, provenance)


def _nearest_states(
    crossbar: PulsedWeights, formats: NumberFormats, unit: float
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    """Return the state of each cell, and the levels of the states.

    Parameters
    ----------
    crossbar : PulsedWeights
        The weights.
    formats : NumberFormats
        Levels over the device's range.
    unit : float
        R_AH words of a weight of 1.
    """
    low, high = crossbar.low, crossbar.high
    levels = formats.levels
    uniform = uniform_levels(formats.states, formats.rah_bits)
    if np.array_equal(levels, uniform) and high == -low:
        places = (crossbar.matrix - low) * ((formats.states - 1) / (high - low))
        states = np.clip(np.rint(places), 0, formats.states - 1)
        return states.astype(np.uint8), levels
    shares = (levels / formats.outermost + 1) / 2
    levels = np.rint((low + shares * (high - low)) * unit).astype(np.int16)
    middles = (levels[:-1] + levels[1:].astype(np.float64)) / 2
    states = np.searchsorted(middles, crossbar.matrix * unit)
    return states.astype(np.uint8), levels


def _equal_converters(gain: float, columns: int) -> Converter:
    """Return V-I converters of one gain and no offset for all columns."""
    shift = min(math.floor(math.log2((2**GAIN_BITS - 1) / gain)), MAX_SHIFT)
    gains = np.full(columns, round(gain * 2**shift), np.int32)
    return Converter(gains, np.zeros_like(gains), shift)


def read_cells(network: ArrayNetwork, unit: str) -> dict[str, npt.NDArray[Any]]:
    """Return layer, row, column and R_AH of each cell as it is read, layer by layer.

    Parameters
    ----------
    network : ArrayNetwork
        Network whose weights are single devices.
    unit : str
        Unit of R_AH.
    """
    layers = []
    for layer, crossbar in enumerate(network.pulsed):
        resistance = crossbar.devices[0].resistance
        rows, columns = np.indices(resistance.shape)
        values = np.stack([np.full(resistance.shape, layer), rows, columns, resistance])
        layers.append(values.reshape(len(values), -1))
    layer, row, column, resistance = np.concatenate(layers, axis=1)
    return {
        "layer": layer,
        "row": row,
        "column": column,
        "R_AH": resistance,
        "unit": np.array(unit),
    }
