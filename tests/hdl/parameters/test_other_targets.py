"""Engines for targets that no board has: a new part is one more `Target`."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from allspin.hdl.crossbar.cells import Banks
from allspin.hdl.crossbar.columns import PortableColumns
from allspin.hdl.crossbar.crossbar import Cells
from allspin.hdl.engine.crossbar_kinds import KINDS
from allspin.hdl.parameters.memory_map import WEIGHTS
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.parameters.target import ICE40UP5K, PORTABLE, TARGETS, InferredBlocks, Target
from allspin.sim.network import reference
from allspin.sim.network.random_network import random_images, random_network
from tests.hdl.engine.test_engine import Machine


@dataclass(frozen=True)
class RegisteredBlocks(InferredBlocks):
    """Block RAM with a register at its output: its sizes are those of any."""


class RegisteredBanks(Cells):
    """Its gateware: words come a clock later."""

    clocks = 2

    def build(self, m: Module, platform: object) -> None:
        m.submodules.banks = banks = Banks(self._parameters)
        wiring.connect(m, wiring.flipped(self.cells), banks.cells)
        register = Signal.like(banks.words, reset_less=True)
        m.d.sync += register.eq(banks.words)
        m.d.comb += [
            banks.lines.eq(self.lines),
            banks.driven.eq(self.driven),
            self.words.eq(register),
        ]


FOURTH = {
    "with output registers": Target(cells=RegisteredBlocks()),
    "with output registers, wide": Target(cells=RegisteredBlocks(), wide=True, slow_clock=True),
    "with multipliers": replace(PORTABLE, multipliers=4),
    "without multipliers": replace(ICE40UP5K, multipliers=0),
    "slow": replace(PORTABLE, slow_clock=True, few_luts=True),
    "wide": replace(PORTABLE, wide=True, distributed_ram=True),
    "SPRAM alone": replace(ICE40UP5K, further=""),
}


@pytest.fixture
def fourth(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name under which one of `FOURTH` is a target."""
    monkeypatch.setitem(KINDS, RegisteredBlocks, (RegisteredBanks, PortableColumns))
    monkeypatch.setitem(TARGETS, "fourth", FOURTH[request.param])
    return "fourth"


@pytest.mark.parametrize(
    ("fourth", "rows_per_clock", "lanes"),
    [
        # SPRAMs have one address.
        (name, 1, 3) if target.cells == ICE40UP5K.cells else (name, 2, None)
        for name, target in FOURTH.items()
    ],
    indirect=["fourth"],
)
def test_an_engine_of_a_fourth_part_is_the_golden_model(
    fourth: str, rows_per_clock: int, lanes: int | None
) -> None:
    network = random_network((9, 7, 6, 3), 5)
    profile = HardwareProfile(lanes=lanes, rows_per_clock=rows_per_clock, memory=fourth)
    machine = Machine(network, profile, stall=0.3, seed=6)
    images = random_images(network, 6, 7)
    trace = reference.trace(network, images)
    lines: list[bytes] = []

    async def stimulus(ctx: Any) -> None:
        await machine.program(ctx, network)
        await machine.drive(ctx, trace[0].inputs)
        await machine.until_idle(ctx)
        for row in range(network.layers[0].rows):
            lines.append(await machine.fetch(ctx, 0, WEIGHTS, row))

    taken = machine.bench.take(machine.dut.results, 6 * network.classes)
    machine.bench.run(stimulus, patience=20_000)
    logits = np.array([logit for logit, _, _ in taken]).reshape(6, -1)
    assert np.array_equal(logits, trace[-1].sums)
    assert b"".join(lines) == network.layers[0].words.tobytes()
