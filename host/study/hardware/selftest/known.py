"""A network that a machine can run, made of nothing but what the machine says of itself."""

from dataclasses import replace

import numpy as np

from allspin.hdl.bench.networks import random_network
from allspin.hdl.parameters.levels import UniformLevels
from allspin.host.link.payloads.identity import Identity
from allspin.sim.errors import UserError
from allspin.sim.network.network import Layer, Network
from allspin.sim.network.neuron import NEURONS

STATES = 10
"""Of a synapse, or fewer where words are narrow."""


def known_network(name: str, identity: Identity, seed: int) -> Network:
    """A random network for a machine.

    Parameters
    ----------
    name : str
        What messages call the machine.
    identity : Identity
        What it says of itself.
    seed : int
        Of the network.

    Raises
    ------
    UserError
        If its neuron is not registered here.
    """
    if identity.neuron not in NEURONS:
        raise UserError(
            f"{name} has {identity.neuron} neurons, which are not registered here: name the file "
            "that registers them in ALLSPIN_EXTENSIONS"
        )
    network = random_network(
        identity.topology,
        seed,
        states=min(STATES, 2 ** (identity.rah_bits - 1)),
        neuron=NEURONS[identity.neuron](),
        pixel_bits=identity.pixel_bits,
        hidden_bits=identity.hidden_bits,
        rah_bits=identity.rah_bits,
        current_bits=identity.current_bits,
    )
    rng = np.random.default_rng(seed)
    layers = tuple(
        replace(_kept(layer, its.levels, rng), adc=its.tiling and its.tiling.adc)
        for layer, its in zip(network.layers, identity.layers, strict=True)
    )
    return replace(network, layers=layers)


def _kept(layer: Layer, levels: UniformLevels | None, rng: np.random.Generator) -> Layer:
    """A layer of the levels that a machine keeps states of; as it is where that keeps words."""
    if levels is None:
        return layer
    states = rng.integers(0, levels.count, layer.states.shape, np.uint8)
    return replace(layer, states=states, levels=np.array(levels.words))
