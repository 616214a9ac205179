"""A small network and a device in ohm, programmed."""

from dataclasses import replace
from typing import Any

import pytest

from allspin.host.data.catalogue import open_device
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import SCHEMES, Programming
from allspin.sim.synapse.response import PulseResponse


@pytest.fixture(scope="session")
def network() -> Network:
    """Return a network of 6-4-3 neurons and ten states."""
    return random_network((6, 4, 3), 1)


@pytest.fixture(scope="session")
def device() -> Device:
    """Return the paper's device with R_AH from 0.1 to 0.5 ohm."""
    paper = open_device("paper")
    old: Any = paper.synapse
    synapse = replace(
        old,
        potentiation=PulseResponse(22, 100, 0.1, 0.5),
        depression=PulseResponse(9, 100, 0.1, 0.5),
    )
    return replace(paper, synapse=synapse, unit="ohm")


@pytest.fixture(scope="session")
def programmed(network: Network, device: Device) -> dict[str, ProgrammedChip]:
    """Return a programmed chip for each scheme."""
    return {scheme: program(network, device, 7, Programming(scheme)) for scheme in SCHEMES}
