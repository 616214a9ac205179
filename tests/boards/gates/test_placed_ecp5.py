"""A placed ECP5 with its shell, with chips and images that stay, is the machine that was meant."""

from dataclasses import replace

import pytest

from allspin.boards.build.flow import Build
from allspin.boards.catalogue import find_board
from allspin.boards.gates.netlist import GateNetlist, Pins
from allspin.boards.gates.simulator import build as build_netlist
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.run.simulate import open_netlist
from allspin.sim.network.network import random_network
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


@pytest.mark.long
def test_a_placed_machine_does_all_that_the_golden_model_does() -> None:
    build = Build(ShellParameters.from_network(BOARD, NETWORK, PROFILE))
    options = (*build.family.route_options, "--write", "routed.json")
    build.family = replace(build.family, route_options=options)
    placed = build.route(build.synthesise(), 1).folder / "routed.json"
    netlist = GateNetlist.read(placed)
    assert set(netlist.types) >= CELLS
    program = build_netlist(netlist, Pins.of_board(BOARD), optimise=False)
    with open_netlist(program, BOARD.machine_frequency / BOARD.baud) as machine:
        Work.of(NETWORK, count=10).everything(machine)
