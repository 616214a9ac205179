"""Slices pass what they get, as fast as they say."""

import pytest

from allspin.hdl.bench.streams import StreamBench
from allspin.hdl.stream.buffers import RegisterSlice


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
