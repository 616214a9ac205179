"""A network in the place of a larger one: what the spare rows and columns of a machine hold.

Rows without a pixel are never driven. A spare column has gain 0 and an offset at which its neuron
is silent, so that no row behind it is driven either. A spare class has the layer's lowest word in
each row, and is the highest in number: it never wins over a class of the network, but on a chip
whose cells vary. All that is drawn of a chip is named by layer, row and column, which stay what
they were.
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
    """The network with wider currents, and its neurons' answers in tables if `neuron` has one.

    Parameters
    ----------
    network : Network
        What runs.
    current_bits : int
        At least the network's.
    neuron : str
        Name of the neuron that a machine was built with.

    Returns
    -------
    Network
        It answers what the network does.

    Raises
    ------
    ValueError
        If currents would be narrower, or a neuron without a table is another, or its currents are.
    """
    kind, narrow = NEURONS.get(neuron), network.current_bits
    hidden = network.layers[:-1]
    if not hidden or (narrow, network.neuron.name) == (current_bits, neuron):
        return network
    if kind is None or not kind.has_table or narrow > current_bits:
        raise ValueError(f"its neuron {neuron} of {current_bits} bits does not answer as these do")
    # What is beyond full scale answers what full scale does.
    currents = np.minimum(np.arange(2**current_bits), 2**narrow - 1)
    layers = [replace(each, table=activate(network, each, currents)) for each in hidden]
    return replace(
        network,
        layers=(*layers, network.layers[-1]),
        neuron=network.neuron if network.neuron.has_table else kind(),
        current_bits=current_bits,
    )


def silent_offset(network: Network, number: int) -> int | None:
    """Offset at which a column of a hidden layer never drives a row; None where there is none."""
    full = 2**network.current_bits - 1
    ends = activate(network, network.layers[number], np.array([0, full]))
    bound = 2 * (full + 1)
    return next((at for at, end in ((bound - 1, ends[0]), (-bound, ends[1])) if end == 0), None)


def bearable_noise(network: Network, topology: tuple[int, ...]) -> int | None:
    """Most that noise may change a current by without a spare column that drives a row.

    Parameters
    ----------
    network, topology
        As of `fitted`.

    Returns
    -------
    int or None
        In least significant bits of a current: how far the least silent offset is from the
        currents of the neuron's table. None where no hidden layer has spare columns.
    """
    full = 2**network.current_bits - 1
    widths = enumerate(zip(network.topology[1:-1], topology[1:], strict=False))
    offsets = [silent_offset(network, at) or 0 for at, (own, most) in widths if own < most]
    # The offset is what a current lies below zero; negative, it lies above full scale.
    return min((at if at > 0 else -at - full for at in offsets), default=None)


def fitted(network: Network, topology: tuple[int, ...]) -> Network:
    """The network with spare rows and columns.

    Parameters
    ----------
    network : Network
        Dense layers whose columns are read in one piece, or as large as it shall be.
    topology : tuple of int
        Widths from the pixels to the classes, none below the network's.

    Returns
    -------
    Network
        Of these widths. For images with zeros for the spare pixels it answers as the network does,
        and no spare class has a larger logit than one of the network's.

    Raises
    ------
    ValueError
        If the network is larger, or it has spare columns that cannot be silent.
    """
    if topology == network.topology:
        return network
    pieces = [each.kind != DENSE or each.adc is not None for each in network.layers]
    small = len(topology) != len(network.topology) or any(
        own > most for own, most in zip(network.topology, topology, strict=False)
    )
    if small or any(pieces):
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
    """What a layer says of each cell, with spare rows and columns that are as its lowest one."""
    lowest = np.argmin(layer.words)
    return {
        name: np.pad(value, [(0, more) for more in spare], constant_values=value.flat[lowest])
        for name in (each.name for each in fields(layer))
        if isinstance(value := getattr(layer, name), np.ndarray)
        and value.shape == (layer.rows, layer.columns)
    }


def text(topology: tuple[int, ...]) -> str:
    """Widths as people write them."""
    return "-".join(map(str, topology))
