"""Registers, queues and reservations across streams."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from allspin.hdl.stream.buffers import Queue, Reservation
from allspin.hdl.stream.registers import RegisterSlice
from tests.hdl.driving import put
from tests.hdl.streams import StreamBench


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("every_clock", [None, False, True])
def test_items_pass_in_order(every_clock: bool | None, stall: float) -> None:
    dut = RegisterSlice(8) if every_clock is None else RegisterSlice(8, every_clock=every_clock)
    bench = StreamBench(dut, stall=stall, seed=4)
    bench.put(dut.i, list(range(200)))
    clocks: list[int] = []
    taken = bench.take(dut.o, 200, clocks=clocks)
    bench.run()
    assert taken == list(range(200))
    if not stall:
        assert clocks[-1] - clocks[0] == 199 * (1 if every_clock else 2)


@given(
    items=st.lists(st.integers(0, 255), min_size=1, max_size=60),
    depth=st.sampled_from([2, 4, 16]),
    stall=st.sampled_from([0.0, 0.3, 0.8]),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=15, deadline=None)
def test_order_is_kept(items: list[int], depth: int, stall: float, seed: int) -> None:
    queue = Queue(8, depth)
    bench = StreamBench(queue, stall=stall, seed=seed)
    bench.put(queue.i, items)
    taken = bench.take(queue.o, len(items))
    bench.run()
    assert taken == items


@pytest.mark.parametrize("delay", [1, 13])
@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
def test_what_set_out_always_finds_a_place(delay: int, stall: float) -> None:
    """Whatever is let through comes `delay` clocks later, and nothing is lost."""
    dut = Reservation(8, 32, ahead=7)
    bench = StreamBench(dut, stall=stall, seed=delay)
    beats = list(range(200))
    clocks: list[int] = []

    async def pipeline(ctx: Any) -> None:
        under_way: list[int | None] = [None] * delay
        sent = promised = 0
        while sent < len(beats) or any(place is not None for place in under_way):
            leaves = bool(ctx.get(dut.credit)) and sent < len(beats)
            # Once there are credits for seven, they may go without a look.
            promised = 7 if ctx.get(dut.credits_ahead) and not promised else max(0, promised - 1)
            assert leaves or not promised or sent == len(beats)
            ctx.set(dut.taken, leaves)
            arrives = under_way.pop(0)
            under_way.append(sent if leaves else None)
            sent += leaves
            ctx.set(dut.arrives, arrives is not None)
            if arrives is not None:
                ctx.set(dut.payload, beats[arrives])
            await ctx.tick()
        put(ctx, dut, taken=0, arrives=0)

    taken = bench.take(dut.waiting, len(beats), clocks=clocks)
    bench.run(pipeline)
    assert taken == beats
    if not stall:
        assert clocks[-1] - clocks[0] == len(beats) - 1
