"""The stream bench sees what it is there to see."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from allspin.hdl.bench.streams import StreamBench


class Fickle(wiring.Component):
    """Offers a counter, whether it is taken or not."""

    o: stream.Interface

    def __init__(self) -> None:
        super().__init__({"o": Out(stream.Signature(4))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(4)
        m.d.sync += count.eq(count + 1)
        m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(count)]
        return m


class Silent(wiring.Component):
    """Never offers anything."""

    o: stream.Interface

    def __init__(self) -> None:
        super().__init__({"o": Out(stream.Signature(4))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += Signal().eq(1)
        return m


def test_a_withdrawn_payload_is_seen() -> None:
    dut = Fickle()
    bench = StreamBench(dut, stall=0.5, seed=3)
    bench.take(dut.o, 20)
    with pytest.raises(AssertionError, match="was offered and not taken"):
        bench.run()


def test_a_deadlock_is_seen() -> None:
    dut = Silent()
    bench = StreamBench(dut)
    bench.take(dut.o, 1)
    with pytest.raises(AssertionError, match="nothing has moved since clock 0"):
        bench.run(patience=50)


def test_more_than_expected_is_seen() -> None:
    dut = Fickle()
    bench = StreamBench(dut)
    taken = bench.take(dut.o, 3)
    bench.run()
    assert len(taken) > 3
    assert taken[:3] == [0, 1, 2]
