"""The same network with every kind of neuron: trained, or converted without training."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allspin.host.data.catalogue import network_name, open_network, shipped_networks
from allspin.sim.errors import UserError
from allspin.sim.network.network import GAIN_BITS, Converter, Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.neuron_kind import Neuron


@dataclass(frozen=True, eq=False)
class Counterpart:
    """A network with one kind of neuron.

    Attributes
    ----------
    network : Network
        The network.
    origin : str
        Where it comes from, in words.
    """

    network: Network
    origin: str


def convert(network: Network, neuron: Neuron) -> Network:
    """Another neuron in a trained network, without training.

    The V-I converters' gains and offsets are set so that the new neuron's straight part lies
    on the old one's.

    Parameters
    ----------
    network : Network
        The trained network.
    neuron : Neuron
        The neuron to use instead.
    """
    full = 2**network.current_bits
    (old_middle, old_slope), (middle, slope) = network.neuron.line, neuron.line
    factor = old_slope / slope
    # Neurons that drop their lowest bits answer half a step late.
    late = 0 if neuron.rounds else 0.5 / slope / 2**network.hidden_bits
    layers = []
    for layer in network.layers:
        if layer.converter is None:
            layers.append(layer)
            continue
        old = layer.converter
        shift = old.shift
        gains = old.gains * factor
        while gains.max() > 2**GAIN_BITS - 1 and shift:
            shift, gains = shift - 1, gains / 2
        offsets = (old.offsets + old_middle * full) * factor - (middle + late) * full
        bound = 2 ** (network.current_bits + 1)
        converter = Converter(
            np.clip(np.rint(gains), 0, 2**GAIN_BITS - 1).astype(np.int32),
            np.clip(np.rint(offsets), -bound, bound - 1).astype(np.int32),
            shift,
        )
        table = None
        if neuron.has_table:
            table = neuron.table(network.current_bits, network.hidden_bits)
        layers.append(dataclasses.replace(layer, converter=converter, table=table))
    return dataclasses.replace(network, layers=tuple(layers), neuron=neuron)


def counterparts(
    name: str, network: Network, others: Sequence[str | Path | Network]
) -> dict[str, Counterpart]:
    """A network for each kind of neuron.

    Parameters
    ----------
    name : str
        What the network is called; ``NAME-KIND`` that ship are taken as trained for it.
    network : Network
        The network.
    others : sequence of str, Path or Network
        Networks that were trained with other neurons; they go before those that
        ship.

    Returns
    -------
    dict
        By the neurons' names, in the order of `allspin.sim.network.neuron.NEURONS`.

    Raises
    ------
    UserError
        If a network has another shape or other widths.
    """
    found = {network.neuron.name: Counterpart(network, f"trained: {name}")}
    given = [(Path(network_name(each)).name, open_network(each)) for each in others]
    shipped = [f"{name}-{kind}" for kind in NEURONS if f"{name}-{kind}" in shipped_networks()]
    for label, other in [*given, *((each, open_network(each)) for each in shipped)]:
        _check(label, other, network)
        found.setdefault(other.neuron.name, Counterpart(other, f"trained: {label}"))
    for kind, make in NEURONS.items():
        if kind not in found:
            found[kind] = Counterpart(convert(network, make()), f"converted from {name}, untrained")
    return {kind: found[kind] for kind in NEURONS}


def _check(name: str, other: Network, network: Network) -> None:
    for what in ("topology", "pixel_bits", "hidden_bits"):
        if getattr(other, what) != getattr(network, what):
            raise UserError(
                f"{name} has {what.replace('_', ' ')} {getattr(other, what)}, "
                f"not {getattr(network, what)}: it cannot be compared"
            )
