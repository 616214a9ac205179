"""The queue against a list."""

from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.hdl.bench.streams import StreamBench
from allspin.hdl.stream.buffers import Queue


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


def test_one_item_a_clock() -> None:
    queue = Queue(8, 4)
    bench = StreamBench(queue)
    bench.put(queue.i, range(50))
    clocks: list[int] = []
    bench.take(queue.o, 50, clocks=clocks)
    bench.run()
    assert clocks[-1] - clocks[0] == 49


def test_holds_its_depth_behind_what_it_offers_and_tells_when_it_is_empty() -> None:
    queue = Queue(8, 8)
    bench = StreamBench(queue)

    async def fill_and_drain(ctx) -> None:
        assert ctx.get(queue.empty)
        ctx.set(queue.i.valid, 1)
        for number in range(9):
            assert ctx.get(queue.i.ready)
            ctx.set(queue.i.payload, number)
            await ctx.tick()
            assert not ctx.get(queue.empty)
        assert not ctx.get(queue.i.ready)
        ctx.set(queue.i.valid, 0)
        ctx.set(queue.o.ready, 1)
        for number in range(9):
            assert ctx.get(queue.o.valid)
            assert ctx.get(queue.o.payload) == number
            assert not ctx.get(queue.empty)
            await ctx.tick()
        assert ctx.get(queue.empty)
        assert not ctx.get(queue.o.valid)

    bench.play(fill_and_drain, background=False)
    bench.run()
