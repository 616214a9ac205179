"""Beats of an image, and the memories that keep them."""

from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Fragment
from hypothesis import given, strategies as st

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.resident import beat_memory
from allspin.hdl.resident.beat_memory import BeatMemory, EcpBeatMemory
from allspin.hdl.resident.beats import beat_members, pack_beats
from tests.hdl.driving import Ecp5, step
from tests.hdl.resident.slow_code import beat_blocks, most_beats
from tests.hdl.streams import StreamBench


def test_beats_by_hand() -> None:
    assert pack_beats(np.array([0, 5, 7, 0, 9]), 2) == [((1, 7), (0, 5)), ((2, 9), (0, 0))]
    assert pack_beats(np.zeros(5, np.int64), 4) == [((0, 0),) * 4]
    assert pack_beats(np.array([0, 3]), 1) == [((1, 3),)]


@given(
    values=st.lists(st.sampled_from([0, 0, 1, 7]), min_size=1, max_size=40),
    rows_per_clock=st.sampled_from([1, 2, 4, 8, 16]),
    tile_rows=st.sampled_from([None, 16, 32]),
)
def test_each_row_is_driven_once_and_as_early_as_can_be(
    values: list[int], rows_per_clock: int, tile_rows: int | None
) -> None:
    beats = pack_beats(np.array(values), rows_per_clock, tile_rows)
    driven = [
        (row * rows_per_clock + part, value)
        for beat in beats
        for part, (row, value) in enumerate(beat)
        if value
    ]
    assert sorted(driven) == [(row, value) for row, value in enumerate(values) if value]
    assert all(slot == (0, 0) for beat in beats for slot in beat if not slot[1])
    tiles = [
        values[first:][:tile_rows] for first in range(0, len(values), tile_rows or len(values))
    ]
    busiest = [
        max(sum(map(bool, tile[part::rows_per_clock])) for part in range(rows_per_clock))
        for tile in tiles
    ]
    assert len(beats) == max(1, sum(busiest))
    for beat in beats:
        rows = [row * rows_per_clock + part for part, (row, value) in enumerate(beat) if value]
        assert len({row // (tile_rows or len(values)) for row in rows}) <= 1


def test_members_of_a_beat() -> None:
    assert beat_members(((1, 7), (0, 5)), True) == {
        "last": 1,
        "slots[0].row": 1,
        "slots[0].value": 7,
        "slots[1].row": 0,
        "slots[1].value": 5,
    }
    assert beat_members(((2, 3),), False)["last"] == 0


@pytest.mark.parametrize(
    ("kind", "beats", "slots", "bits"),
    [
        (BeatMemory, 30, 2, 1),
        (EcpBeatMemory, 1, 1, 4),
        (EcpBeatMemory, 8, 2, 1),
        (EcpBeatMemory, 30, 4, 8),
        (EcpBeatMemory, 100, 1, 4),
        (EcpBeatMemory, 100, 4, 8),
    ],
)
def test_written_beats_come_back(
    kind: Any, beats: int, slots: int, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small blocks, so a memory has many: up to 13 columns and 2 planes."""
    monkeypatch.setattr(beat_memory, "COLUMN_LINES", 8)
    monkeypatch.setattr(beat_memory, "PLANE_LINES", 64)
    dut = kind(CrossbarParameters(40, 5, 5, value_bits=bits, rows_per_clock=slots), beats)
    bench = StreamBench(dut)
    width = len(dut.stored.as_value())
    rng = np.random.default_rng(beats)
    stored = [int.from_bytes(rng.bytes(16), "little") % 2**width for _ in range(beats)]
    order = rng.integers(0, beats, 3 * beats).tolist()
    read = []

    async def stimulus(ctx: Any) -> None:
        for place, beat in enumerate(stored):
            ctx.set(dut.place, place)
            ctx.set(dut.stored.as_value(), beat)
            await step(ctx, dut, write=1)
        ctx.set(dut.write, 0)
        await ctx.tick().repeat(20)
        for address in [*order, *[0] * dut.latency]:
            ctx.set(dut.address, address)
            read.append(ctx.get(dut.found.as_value()))
            await ctx.tick()

    bench.run(stimulus, patience=1000)
    assert read[dut.latency :] == [stored[address] for address in order]


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_any_number_of_banks_has_addresses_for_all_of_its_memories(slots: int) -> None:
    parameters = CrossbarParameters(784, 100, 100, rows_per_clock=slots, memory="ecp5")
    for beats in (2048, 4096, 10240, 18432, 26624, 32768):
        Fragment.get(EcpBeatMemory(parameters, beats), Ecp5())


@pytest.mark.parametrize(
    ("slots", "bits", "blocks", "beats"),
    [
        # A column for each slot, and a plane of last bits for each eight banks.
        (1, 4, 57, 50 * 2048),
        (2, 4, 57, 26 * 2048),
        (4, 4, 57, 13 * 2048),
        (4, 8, 57, 7 * 2048),
        (4, 4, 5, 2048),
        (4, 4, 4, 0),
    ],
)
def test_blocks_of_an_ecp5(slots: int, bits: int, blocks: int, beats: int) -> None:
    parameters = CrossbarParameters(40, 5, 5, value_bits=bits, rows_per_clock=slots)
    assert most_beats(parameters, blocks) == beats
    if beats:
        assert beat_blocks(parameters, beats) <= blocks < beat_blocks(parameters, beats + 2048)


@pytest.mark.parametrize("slots", [1, 4])
def test_it_is_that_many_block_rams(slots: int) -> None:
    parameters = CrossbarParameters(40, 5, 5, rows_per_clock=slots)
    text = rtlil.convert(EcpBeatMemory(parameters, 20_000), platform=Ecp5())
    assert text.count("cell \\DP16KD") == beat_blocks(parameters, 20_000)
