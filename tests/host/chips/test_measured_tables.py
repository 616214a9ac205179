"""Chips of measured tables, against arrays whose films are pulsed one by one."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.data.catalogue import open_network
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import device_levels, program_chip
from allspin.sim.programming.schemes import Programming
from allspin.sim.programming.trains import Plan, plan_layer
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.table_synapse import load_lookup_tables
from tests.sim.synapse.monte_carlo import HIGH, LOW, Table

TABLES = Table(1, 0.08), Table(-1, 0.08)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    folder = tmp_path_factory.mktemp("tables")
    paths = [table.write(folder / f"{table.sign}.txt") for table in TABLES]
    return Device("sot", load_lookup_tables(paths, 10), unit="siemens")


@pytest.fixture(scope="module")
def network(device: Device) -> Network:
    """A network of ten states, with the levels that the device's pulses reach."""
    ten = open_network("paper-10")
    levels = device_levels(device.synapse, 10)
    layers = tuple(dataclasses.replace(layer, levels=levels) for layer in ten.layers)
    return dataclasses.replace(ten, layers=layers)


def films(plan: Plan, states: npt.NDArray[np.uint8], rng: np.random.Generator) -> np.ndarray:
    """Conductances of an array whose cells were pulsed one by one."""
    made = np.zeros(states.shape)
    polarity, pulses = plan.polarity[states], plan.pulses[states]
    for one, table in zip(Polarity, TABLES, strict=True):
        left = np.where(polarity == one, pulses, -1)
        made[left >= 0] = table.start
        while (left > 0).any():
            made[left > 0] = table.pulsed(made[left > 0], rng)
            left = left - 1
    return made


def words(made: np.ndarray, levels: npt.NDArray[np.int16]) -> np.ndarray:
    """The same in words, as the outermost levels stand for the ends of the range."""
    share = (made - LOW) / (HIGH - LOW)
    return float(levels[0]) + share * (float(levels[-1]) - float(levels[0]))


def test_every_state_of_a_chip_is_that_of_films(device: Device, network: Network) -> None:
    how = Programming()
    done = program_chip(Chip(device, 3), network, how)
    layer = network.layers[0]
    plan = plan_layer(device.synapse, layer.levels, how)
    rng = np.random.default_rng(0)
    wanted = words(films(plan, layer.states, rng), layer.levels)
    ends = float(layer.levels[0]), float(layer.levels[-1])
    held = np.clip(done.cells[0].held / 2**21, *ends)
    for state in range(10):
        here = layer.states == state
        count = here.sum()
        spread = wanted[here].std()
        # The gateware draws about a whole word; and both are counted, so they scatter.
        sure = 4 * spread / np.sqrt(count)
        assert held[here].mean() == pytest.approx(wanted[here].mean(), abs=0.5 + sure)
        error = 4 / np.sqrt(count)
        assert held[here].std() == pytest.approx(spread, rel=0.03 + error, abs=0.3)
