"""Neurons side by side, and what they drive, against the definitions in words."""

import random
from typing import Any

import pytest

from allspin.hdl.neuron.neuron_array import NeuronArray
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import TABLE
from tests.hdl.driving import loads, send, send_at_once
from tests.hdl.streams import StreamBench


def engine(columns: int, at_once: int, neuron: str = "sot") -> EngineParameters:
    return EngineParameters(
        (
            CrossbarParameters(9, columns, columns, neurons_per_clock=at_once),
            CrossbarParameters(columns, 3, 3, rows_per_clock=at_once),
        ),
        neuron=neuron,
    )


@pytest.mark.parametrize("at_once", [1, 2, 4])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_every_neuron_of_an_array_has_the_whole_table(at_once: int, stall: float) -> None:
    rng = random.Random(at_once)
    dut = NeuronArray(engine(5, at_once), 0)
    bench = StreamBench(dut, stall=stall, seed=3)
    table = [rng.randrange(16) for _ in range(256)]
    beats = [[rng.randrange(256) for _ in range(at_once)] for _ in range(80)]

    async def stimulus(ctx: Any) -> None:
        await send_at_once(ctx, dut.load, loads(0, TABLE, table))
        offered = [{"currents": beat, "last": n % 3 == 0} for n, beat in enumerate(beats)]
        await send(ctx, dut.currents, offered)

    taken = bench.take(dut.activations, len(beats))
    bench.run(stimulus)
    assert taken == [
        (tuple(table[current] for current in currents), int(number % 3 == 0))
        for number, currents in enumerate(beats)
    ]
