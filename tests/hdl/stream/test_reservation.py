"""The reservation against its promise: what set out finds a place."""

from typing import Any

import pytest

from allspin.hdl.bench.streams import StreamBench
from allspin.hdl.stream.buffers import Reservation


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
        ctx.set(dut.taken, 0)
        ctx.set(dut.arrives, 0)

    bench.play(pipeline, background=False)
    taken = bench.take(dut.waiting, len(beats), clocks=clocks)
    bench.run()
    assert taken == beats
    if not stall:
        assert clocks[-1] - clocks[0] == len(beats) - 1
