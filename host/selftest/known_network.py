"""Random network that fits a machine, made from the machine's identity."""

from dataclasses import replace
from typing import Any

import numpy as np

from allspin.host.link.identity import Identity
from allspin.sim.errors import UserError
from allspin.sim.network.layer import Converter
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.random_network import random_network

STATES = 10
"""States of a synapse, at most; narrow words have fewer."""


def known_network(name: str, identity: Identity, seed: int) -> Network:
    """Make a random network for a machine.

    Parameters
    ----------
    name : str
        Name of the machine in messages.
    identity : Identity
        Identity of the machine.
    seed : int
        Seed of the network.

    Raises
    ------
    UserError
        If the machine's neuron is not registered here.
    """
    if identity.neuron not in NEURONS:
        raise UserError(
            f"{name} has {identity.neuron} neurons, which are not registered here: name the file "
            "that registers them in ALLSPIN_EXTENSIONS"
        )
    first = identity.layers[0]
    network = random_network(
        (first.inputs, *(layer.columns for layer in identity.layers)),
        seed,
        kinds=[layer.kind for layer in identity.layers],
        image_shape=first.kind.input_shape(first.rows),
        states=min(STATES, 2 ** (identity.rah_bits - 1)),
        neuron=NEURONS[identity.neuron](),
        pixel_bits=identity.pixel_bits,
        hidden_bits=identity.hidden_bits,
        rah_bits=identity.rah_bits,
        current_bits=identity.current_bits,
    )
    rng = np.random.default_rng(seed)
    layers = []
    for layer, built in zip(network.layers, identity.layers, strict=True):
        changes: dict[str, Any] = {"adc": built.tiling and built.tiling.adc}
        if built.levels is not None:  # the machine keeps states of these levels, and no words
            changes["states"] = rng.integers(0, built.levels.count, layer.states.shape, np.uint8)
            changes["levels"] = np.array(built.levels.words)
        if layer.converter is not None and identity.neuron_per == "position":
            gains, offsets = rng.choice(
                [layer.converter.gains, layer.converter.offsets], layer.uses, axis=1
            )
            changes["converter"] = Converter(gains, offsets, layer.converter.shift)
        layers.append(replace(layer, **changes))
    return replace(network, layers=tuple(layers), neuron_per=identity.neuron_per)
