"""A placed ECP5 with its shell, with chips and images that stay, is the machine that was meant."""

import pytest

from allspin.boards.build.families import ROUTED
from allspin.boards.build.flow import Build
from allspin.boards.catalogue import find_board
from allspin.boards.gates.netlist import GateNetlist
from allspin.boards.gates.pins import Pins
from allspin.boards.gates.simulator import build as build_netlist
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.selftest.netlist import open_netlist
from allspin.sim.network.random_network import random_network
from tests.boards.gates.test_gates import flipped
from tests.host.machines.work import Work

BOARD = find_board("ulx3s-25f")
NETWORK = random_network((6, 3, 2), 1, states=4, current_bits=4)
PROFILE = HardwareProfile(
    lanes=2,
    memory="ecp5",
    variation=VariationParameters(4, 1, redraw=True, use_noise=False),
    resident=ResidentParameters(beats=48, images=8),
)
PARAMETERS = ShellParameters.from_network(BOARD, NETWORK, PROFILE)
CELLS = {"TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW", "DP16KD", "DCCA", "EHXPLLL"}


@pytest.fixture(scope="module")
def placed() -> GateNetlist:
    """Netlist that nextpnr has placed and routed."""
    build = Build(PARAMETERS)
    return GateNetlist.read(build.route(build.synthesise(), written=True).folder / ROUTED)


def opened(netlist: GateNetlist) -> LinkedMachine:
    """A netlist's machine, at its UART's pins."""
    program = build_netlist(netlist, Pins.of_board(BOARD), optimise=False)
    return open_netlist(program, BOARD.machine_frequency / BOARD.baud)


@pytest.mark.long
def test_a_placed_machine_does_all_that_the_golden_model_does(placed: GateNetlist) -> None:
    assert set(placed.types) >= CELLS
    with opened(placed) as machine:
        Work.of(NETWORK, count=10).everything(machine)


@pytest.mark.long
def test_a_flipped_bit_of_a_placed_table_is_found(placed: GateNetlist) -> None:
    broken = flipped(
        placed, r"U\$\d\$", "INITVAL", "ABCD", lambda each: each.parameters.get("MODE") == "CCU2"
    )
    with opened(broken) as machine, pytest.raises(AssertionError, match="Mismatched elements"):
        Work.of(NETWORK, count=10).ideal(machine)
