"""Neurons side by side, and what they drive, against the definitions in words."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.hdl.bench.streams import StreamBench
from allspin.hdl.neuron.neuron_array import NeuronArray, RowDriver
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.engine import TABLE, EngineParameters
from tests.hdl.driving import loads, send, send_at_once


def engine(columns: int, at_once: int, neuron: str = "sot") -> EngineParameters:
    return EngineParameters(
        (
            CrossbarParameters(9, columns, columns, neurons_per_clock=at_once),
            CrossbarParameters(columns, 3, 3, rows_per_clock=at_once),
        ),
        neuron=neuron,
    )


def groups(values: list[int], at_once: int, spare: int) -> list[list[int]]:
    """Neighbours together; places beyond the last get a value that must not matter."""
    padded = values + [spare] * (-len(values) % at_once)
    return [padded[i : i + at_once] for i in range(0, len(padded), at_once)]


@settings(deadline=None, max_examples=15)
@given(
    columns=st.integers(1, 12),
    at_once=st.sampled_from([1, 2, 4]),
    stall=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_only_active_neurons_drive_rows_and_every_image_is_closed_once(
    columns: int, at_once: int, stall: float, seed: int
) -> None:
    rng = random.Random(seed)
    dut = RowDriver(engine(columns, at_once), 0)
    bench = StreamBench(dut, stall=stall, seed=seed)
    images = [[rng.choice([0, 0, rng.randrange(16)]) for _ in range(columns)] for _ in range(6)]
    offered: list[dict[str, Any]] = []
    wanted = []
    for image in images:
        together = groups(image, at_once, 13)
        clean = groups(image, at_once, 0)
        for number, (beat, values) in enumerate(zip(together, clean, strict=True)):
            last = int(number == len(together) - 1)
            offered.append({"activations": beat, "last": last})
            if last or any(values):
                beyond = [last and slot > (columns - 1) % at_once for slot in range(at_once)]
                slots = zip(values, beyond, strict=True)
                wanted.append((tuple((0 if b else number, value) for value, b in slots), last))
    bench.put(dut.activations, offered)
    taken = bench.take(dut.events, len(wanted))
    bench.run()
    assert taken == wanted


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
