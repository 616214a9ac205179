"""Neurons and row drivers against the definitions in words."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.hdl.neuron import neuron_kinds as gateware
from allspin.hdl.neuron.neuron_kinds import TableNeuron
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, TABLE
from allspin.sim.errors import UserError
from allspin.sim.network import neuron
from allspin.sim.network.random_network import random_network
from tests.examples import examples
from tests.hdl.driving import loads, put, send, send_at_once, simulate
from tests.hdl.streams import StreamBench


def engine(
    columns: int, hidden_bits: int, current_bits: int, neuron: str, memory: str = "block"
) -> EngineParameters:
    return EngineParameters(
        (
            CrossbarParameters(9, columns, columns, memory=memory),
            CrossbarParameters(columns, 3, 3, value_bits=hidden_bits, memory=memory),
        ),
        neuron=neuron,
        current_bits=current_bits,
    )


def test_a_kind_without_a_table_has_gateware_of_its_own() -> None:
    assert set(gateware.NEURONS) == {"relu", "cmos-bare", "cmos-relu"}
    for name, kind in neuron.NEURONS.items():
        assert (gateware.neuron_gateware(name) is TableNeuron) == kind.has_table


def test_a_kind_with_neither_table_nor_gateware_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(gateware.NEURONS, "relu")
    with pytest.raises(UserError, match="relu has no table and no gateware: run it on golden"):
        gateware.neuron_gateware("relu")


@examples(10)
@pytest.mark.parametrize("kind", sorted(neuron.NEURONS))
@given(
    hidden_bits=st.integers(1, 8),
    current_bits=st.integers(4, 9),
    stall=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_kind_is_the_table_of_its_physics(
    kind: str, hidden_bits: int, current_bits: int, stall: float, seed: int
) -> None:
    current_bits = max(current_bits, hidden_bits + 1)
    rng = random.Random(seed)
    table = neuron.NEURONS[kind]().table(current_bits, hidden_bits).tolist()
    dut = gateware.neuron_gateware(kind)(engine(5, hidden_bits, current_bits, kind))
    bench = StreamBench(dut, stall=stall, seed=seed)
    currents = rng.sample(range(2**current_bits), min(64, 2**current_bits))
    lasts = [rng.randrange(2) for _ in currents]

    async def stimulus(ctx: Any) -> None:
        await send_at_once(ctx, dut.load, loads(0, TABLE, table))
        await drive(ctx, dut, currents, lasts)

    bench.play(stimulus)
    taken = bench.take(dut.activations, len(currents))
    bench.run()
    assert taken == [(table[c], last) for c, last in zip(currents, lasts, strict=True)]


@pytest.mark.parametrize(("current_bits", "hidden_bits"), [(8, 4), (5, 4), (6, 2)])
@pytest.mark.parametrize("kind", sorted(neuron.NEURONS))
def test_its_logic_for_standard_cells_is_the_table_too(
    kind: str, current_bits: int, hidden_bits: int
) -> None:
    network = random_network(
        (4, 3, 2),
        0,
        neuron=neuron.NEURONS[kind](),
        current_bits=current_bits,
        hidden_bits=hidden_bits,
    )
    currents = np.arange(2**current_bits)[:, None]
    block = gateware.neuron_gateware(kind).cells(network, currents)
    component: Any = block.component  # each kind's has other ports
    found: list[int] = []

    async def drive_all(ctx: Any) -> None:
        for use in range(len(currents)):
            for name, values in block.stimulus.items():
                ctx.set(getattr(block.component, name), int(values[use, 0]))
            await (ctx.tick() if block.registered else ctx.delay(1e-9))
            found.append(ctx.get(component.activation))

    simulate(block.component, drive_all, clocked=block.registered)
    assert found == network.neuron.table(current_bits, hidden_bits).tolist()


async def drive(ctx: Any, dut: Any, currents: list[int], lasts: list[int]) -> None:
    """Offer a neuron currents, one after another."""
    both = zip(currents, lasts, strict=True)
    await send(ctx, dut.currents, ({"current": one, "last": last} for one, last in both))


@examples(10)
@given(
    hidden_bits=st.integers(1, 8),
    current_bits=st.integers(4, 8),
    stall=st.sampled_from([0.0, 0.4]),
    memory=st.sampled_from(["block", "ecp5"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_sot_neuron_is_the_table_that_was_loaded(
    hidden_bits: int, current_bits: int, stall: float, memory: str, seed: int
) -> None:
    current_bits = max(current_bits, hidden_bits)
    rng = random.Random(seed)
    dut = TableNeuron(engine(5, hidden_bits, current_bits, "sot", memory))
    bench = StreamBench(dut, stall=stall, seed=seed)
    table = [rng.randrange(2**hidden_bits) for _ in range(2**current_bits)]
    currents = [rng.randrange(2**current_bits) for _ in range(60)]
    lasts = [rng.randrange(2) for _ in currents]
    patch = rng.randrange(2**current_bits)

    async def stimulus(ctx: Any) -> None:
        await send_at_once(ctx, dut.load, loads(0, TABLE, table))
        table[patch] ^= 1
        await send_at_once(ctx, dut.load, loads(0, TABLE, [table[patch]], patch))
        await send_at_once(ctx, dut.load, loads(0, CONVERTER, [255] * 8))  # somebody else's
        put(ctx, dut, probe=1, address=patch)
        await ctx.tick().repeat(3)
        assert ctx.get(dut.entry) == table[patch]
        ctx.set(dut.probe, 0)
        await drive(ctx, dut, currents, lasts)

    taken = bench.take(dut.activations, len(currents))
    bench.run(stimulus)
    assert taken == [(table[c], last) for c, last in zip(currents, lasts, strict=True)]
