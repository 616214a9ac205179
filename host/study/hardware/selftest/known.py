"""A network that a machine can run, made of nothing but what the machine says of itself."""

from dataclasses import replace

from allspin.hdl.bench.networks import random_network
from allspin.host.link.payloads.identity import Identity
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS

STATES = (10, *range(2, 17))
"""Numbers of states that are tried, the first that the machine can keep is taken."""


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
        If its neuron is not registered here, or it keeps states that no uniform levels have.
    """
    if identity.neuron not in NEURONS:
        raise UserError(
            f"{name} has {identity.neuron} neurons, which are not registered here: name the file "
            "that registers them in ALLSPIN_EXTENSIONS"
        )
    for states in STATES:
        if states > 2 ** (identity.rah_bits - 1):
            continue
        network = random_network(
            identity.topology,
            seed,
            states=states,
            neuron=NEURONS[identity.neuron](),
            pixel_bits=identity.pixel_bits,
            hidden_bits=identity.hidden_bits,
            rah_bits=identity.rah_bits,
            current_bits=identity.current_bits,
        )
        network = _read_alike(network, identity)
        if identity.mismatch(network) is None:
            return network
    raise UserError(
        f"no network of this program's fits {name}: name the network file that it was built for"
    )


def _read_alike(network: Network, identity: Identity) -> Network:
    """The network with the machine's converters of tiles."""
    adcs = [layer.tiling and layer.tiling.adc for layer in identity.layers]
    layers = [replace(layer, adc=adc) for layer, adc in zip(network.layers, adcs, strict=True)]
    return replace(network, layers=tuple(layers))
