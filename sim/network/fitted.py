"""A network padded to the size of a larger machine: contents of its spare rows and columns.

A row without a pixel is never driven. A spare column has gain 0 and an offset at which its neuron
is silent, so the row behind it is never driven either. A spare class has the layer's lowest word
in each row and a higher number than the network's classes, so it never wins against them, except on
a chip whose cells vary. A chip's draws are named by layer, row and column, so padding changes none.
"""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.network.golden import activate
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import DENSE
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS


def tabled(network: Network, current_bits: int, neuron: str) -> Network:
    """Widen the currents of a network, and store its neurons in tables if `neuron` has a table.

    Parameters
    ----------
    network : Network
        Network to run.
    current_bits : int
        Width of the machine's currents, at least the network's.
    neuron : str
        Name of the neuron that the machine was built with.

    Returns
    -------
    Network
        Network with the same outputs.

    Raises
    ------
    ValueError
        If the machine's currents are narrower, or its neuron has no table and is another neuron or
        has currents of another width.
    """
    kind = NEURONS.get(neuron)
    narrow = network.current_bits
    hidden = network.layers[:-1]
    if not hidden or (narrow, network.neuron.name) == (current_bits, neuron):
        return network
    if kind is None or not kind.has_table or narrow > current_bits:
        raise ValueError(f"its neuron {neuron} of {current_bits} bits does not answer as these do")
    # Currents beyond the network's full scale have the output of its full scale.
    currents = np.minimum(np.arange(2**current_bits), 2**narrow - 1)
    layers = [replace(layer, table=activate(network, layer, currents)) for layer in hidden]
    return replace(
        network,
        layers=(*layers, network.layers[-1]),
        neuron=network.neuron if network.neuron.has_table else kind(),
        current_bits=current_bits,
    )


def silent_offset(network: Network, number: int) -> int | None:
    """Return an offset at which a hidden layer's column never drives a row, or None."""
    full = 2**network.current_bits - 1
    bound = 2 * (full + 1)
    at_zero, at_full = activate(network, network.layers[number], np.array([0, full]))
    if at_zero == 0:
        return bound - 1
    if at_full == 0:
        return -bound
    return None


def bearable_noise(network: Network, topology: tuple[int, ...]) -> int | None:
    """Return the largest noise of a current at which no spare column drives a row.

    Parameters
    ----------
    network, topology
        See `fitted`.

    Returns
    -------
    int or None
        Distance of the nearest silent offset from the currents of the neuron's table, in least
        significant bits of a current. None if no hidden layer has spare columns.
    """
    full = 2**network.current_bits - 1
    margins = []
    for number, columns in enumerate(network.topology[1:-1]):
        if columns < topology[number + 1]:
            offset = silent_offset(network, number) or 0
            # A positive offset puts the current below zero, a negative one above full scale.
            margins.append(offset if offset > 0 else -offset - full)
    return min(margins, default=None)


def fitted(network: Network, topology: tuple[int, ...]) -> Network:
    """Pad a network with spare rows and columns.

    Parameters
    ----------
    network : Network
        Network of dense layers whose columns are read in one piece, or one of exactly the size.
    topology : tuple of int
        Widths from the pixels to the classes, none below the network's.

    Returns
    -------
    Network
        Network of these widths. For images whose spare pixels are 0 it has the logits of
        `network`, and no spare class has a larger logit than a class of `network`.

    Raises
    ------
    ValueError
        If the network is larger, or has spare columns that cannot be silent.
    """
    if topology == network.topology:
        return network
    too_small = len(topology) != len(network.topology) or any(
        columns > available for columns, available in zip(network.topology, topology, strict=False)
    )
    plain = all(layer.kind == DENSE and layer.adc is None for layer in network.layers)
    if too_small or not plain:
        raise ValueError(f"{text(network.topology)} cannot be fitted into {text(topology)}")
    layers = []
    for number, layer in enumerate(network.layers):
        spare = topology[number + 1] - layer.columns
        converter = layer.converter
        if converter is not None and spare:
            offset = silent_offset(network, number)
            if offset is None:
                raise ValueError(
                    f"spare columns of layer {number} would drive rows, since its neurons answer "
                    "more than 0 to the least current and to the most"
                )
            gains = np.append(converter.gains, np.zeros(spare, np.int32))
            offsets = np.append(converter.offsets, np.full(spare, offset, np.int32))
            converter = Converter(gains, offsets, converter.shift)
        wide = (topology[number] - layer.rows, spare)
        layers.append(replace(layer, converter=converter, **_cells(layer, wide)))
    shape = network.image_shape if topology[0] == network.topology[0] else (1, topology[0])
    return replace(network, layers=tuple(layers), image_shape=shape)


def _cells(layer: Layer, spare: tuple[int, int]) -> dict[str, npt.NDArray[Any]]:
    """Pad every array of a layer that has one entry per cell with the entry of its lowest cell."""
    lowest = np.argmin(layer.words)
    padding = [(0, more) for more in spare]
    padded = {}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if isinstance(value, np.ndarray) and value.shape == (layer.rows, layer.columns):
            padded[field.name] = np.pad(value, padding, constant_values=value.flat[lowest])
    return padded


def text(topology: tuple[int, ...]) -> str:
    """Return widths as text, such as 784-100-10."""
    return "-".join(map(str, topology))
