"""Identities of machines and their memories, by the gateware that a network asks for."""

from allspin.boards.top import TopParameters
from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.parameters.memory_map import (
    memory_map,
)
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.identity import Identity
from allspin.sim.network.random_network import random_network

NETWORK = random_network((24, 12, 6), 1)


def machine(network, **profile):
    """Return a machine's identity, and its memories by the map of its gateware."""
    link = TopParameters.from_network(network, HardwareProfile(**profile)).link
    return Identity.parse(identity_bytes(link)), memory_map(link.engine)
