"""No machine uses a word that it reads in the clock of a write to its line.

`block_memory` gives the tools this promise, and they leave out the logic that would keep the old
word. Here memories give rubbish in such a clock, and every result of a machine stays the same.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from amaranth.hdl import Module

from allspin.boards.top import Top, TopParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.stream.block_memory import block_memory
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network
from tests.coverage import machines as watched
from tests.coverage.coverage import Coverage, Recording
from tests.coverage.never import NEVER
from tests.coverage.simulated import SimulatedTransport
from tests.hdl.driving import Ecp5, simulate
from tests.hdl.resident.data_sheet import Memory, Sheet
from tests.hdl.rubbish import rubbish
from tests.host.machines import test_profiles as profiles
from tests.host.machines.work import Work
from tests.sim.network.any_network import in_tiles

CHEAP = "tang-nano-9k:ideal"
"""A second in the simulator, so that it is tried each time."""
TILED = in_tiles(random_network((40, 9, 6), 6), 16, 4)
MACHINES: dict[str, tuple[Network, HardwareProfile]] = {
    **{name: (profiles.small_network(p), p) for name, p in profiles.MACHINES.items()},
    "tiles": (TILED, HardwareProfile(lanes=4, rows_per_clock=2, tile_offsets=True)),
    "tiles on an ECP5": (
        TILED,
        HardwareProfile(lanes=4, rows_per_clock=2, memory="ecp5", tile_offsets=True),
    ),
}


def work_with_rubbish(network: Network, profile: HardwareProfile) -> None:
    """All that a machine can do, in Amaranth's simulator, against the golden model."""
    resident = profile.resident
    sdram = None if resident is None else resident.sdram
    if resident is not None and sdram is not None:
        sdram = replace(sdram, power_up=100)
        profile = replace(profile, resident=replace(resident, sdram=sdram))

    async def beside(ctx: Any, top: Any) -> None:
        if sdram is not None:
            memory = Memory(Sheet(0, 0, 0, 0, 0, 0, 0), 1, sdram.column_bits, width=sdram.width)
            pins = SimpleNamespace(pins=top.sdram, read=top.sdram_read)
            await memory.attend(ctx, pins, sdram.way)

    with rubbish():
        recording = Recording(Top(TopParameters.from_network(network, profile)))
        transport = SimulatedTransport(recording, stall=0.2, seed=3, beside=beside)
        with LinkedMachine(transport) as device:
            Work.of(network, count=6).everything(device)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] * (name != CHEAP)) for name in MACHINES],
)
def test_a_machine_does_all_it_can_with_rubbish(name: str) -> None:
    work_with_rubbish(*MACHINES[name])


@pytest.mark.long
@pytest.mark.parametrize("name", watched.MACHINES)
def test_crowds_and_orders_that_follow_at_once_find_no_rubbish(name: str) -> None:
    with rubbish():
        watched.drive(name, Coverage(NEVER))


@pytest.mark.parametrize("platform", [None, Ecp5()])
def test_a_word_that_is_read_while_it_is_written_is_rubbish(platform: object) -> None:
    m = Module()
    m.submodules.memory = memory = block_memory(4, 4)
    read, write = memory.read_port(domain="comb"), memory.write_port()

    async def bench(ctx: Any) -> None:
        found = []
        for enabled, address in ((1, 2), (0, 2), (1, 1), (1, 2)):
            ctx.set(write.en, enabled)
            ctx.set(write.addr, address)
            ctx.set(write.data, 5)
            ctx.set(read.addr, 2)
            found.append(ctx.get(read.data))
            await ctx.tick()
        assert found == [0b1111, 5, 5, 0b1010]

    with rubbish():
        simulate(m, bench, platform=platform)
