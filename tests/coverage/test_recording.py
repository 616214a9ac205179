"""Coverage of a component whose every clock is known."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from allspin.hdl.stream.buffers import Queue
from tests.coverage.coverage import STREAM, Coverage, Recording

pytestmark = pytest.mark.long


class Walk(wiring.Component):
    """Three states, one of which is never left."""

    go: Signal

    def __init__(self) -> None:
        super().__init__({"go": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.level = Signal(signed(4))
        m.d.sync += self.level.eq(self.level - 1)
        with m.FSM(name="walk"):
            with m.State("HERE"), m.If(self.go):
                m.next = "THERE"
            with m.State("THERE"):
                m.next = "HERE"
            with m.State("NOWHERE"):
                m.next = "NOWHERE"
        return m


def simulate(recording, drive):
    simulator = Simulator(recording.simulated())
    simulator.add_clock(1e-6)
    simulator.add_testbench(recording.sample, background=True)
    simulator.add_testbench(drive)
    simulator.run()


def test_states_are_counted_clock_by_clock():
    dut = Walk()
    recording = Recording(dut)
    recording.keep(dut.level)

    async def drive(ctx):
        await ctx.tick().repeat(3)
        ctx.set(dut.go, 1)
        await ctx.tick().repeat(4)

    simulate(recording, drive)
    coverage = Coverage()
    coverage.add(recording)
    assert coverage.hits == {"Walk.walk: HERE": 5, "Walk.walk: THERE": 2, "Walk.walk: NOWHERE": 0}
    assert recording.values(dut.level).tolist() == [0, -1, -2, -3, -4, -5, -6]
    with pytest.raises(AssertionError, match=r"^never hit: Walk\.walk: NOWHERE$"):
        coverage.check()


def test_stalls_at_both_ends_and_turns_of_a_ring():
    dut = Queue(8, 2)
    recording = Recording(dut)
    moves = []

    async def drive(ctx):
        for _ in range(9):
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            # No payload is offered yet; then one is offered and not taken.
            ctx.set(dut.o.ready, 1)
            await ctx.tick()
            ctx.set(dut.o.ready, 0)
            await ctx.tick().repeat(2)
            ctx.set(dut.o.ready, 1)
            await ctx.tick().until(dut.o.valid)
            ctx.set(dut.o.ready, 0)
            moves.append(1)

    simulate(recording, drive)
    coverage = Coverage()
    coverage.add(recording)
    hits = coverage.hits
    assert hits["Queue.i: moves"] == hits["Queue.o: moves"] == len(moves)
    # Four places of the pointer, which tell full from empty: nine items turn it twice.
    assert hits["Queue.head: wraps"] == hits["Ring.end: wraps"] == 2
    assert hits["Queue.o: awaited"] == len(moves)
    assert hits["Queue.o: held back"] == 2 * len(moves)
    assert hits["Queue.i: held back"] == 0


def test_impossible_bins_need_a_reason_and_must_not_be_hit():
    coverage = Coverage({"b*": "there is no b", "d": "nor d"})
    table = Coverage({"b.*moves": "it is stuck", "c": "it is stuck"})
    for name, hits in (("a", 1), ("bee", 0), ("d", np.array([False, False]))):
        coverage.count(name, hits)
        table.count(name, hits)
    coverage.check()
    for hits, how in enumerate(STREAM):
        table.count(f"b.o: {how}", 1000 * hits)
    assert [line.split() for line in table.table().splitlines()] == [
        ["stream", "moves", "held", "back", "awaited"],
        ["b.o", "never", "1,000", "2,000"],
        [],
        ["bin", "hits"],
        ["a", "1"],
        ["bee", "0"],
        ["d", "0"],
        [],
        ["never"],
        ["it", "is", "stuck"],
        ["b.*moves"],
        ["c"],
    ]
    coverage.count("bee")
    with pytest.raises(AssertionError, match=r"^hit, and said to be never: bee$"):
        coverage.check()
    stale = Coverage({"e": "is gone"})
    stale.count("a")
    with pytest.raises(AssertionError, match=r"^patterns of no bin: e$"):
        stale.check()
