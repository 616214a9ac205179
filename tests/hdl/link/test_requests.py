"""Requests about memories: looked up, checked, written and read, each block alone."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from allspin.hdl.link.memory_requests import LineReader, MemoryExecutor, SpaceTable
from allspin.hdl.link.protocol import ErrorCode
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
from allspin.hdl.parameters.profile import VariationParameters
from allspin.hdl.parameters.target import ICE40UP5K, PORTABLE, Target
from tests.hdl.driving import put, step
from tests.hdl.link.wire import beats
from tests.hdl.streams import StreamBench

IDENTIFY, WRITE, READ, IMAGE, NUMBERED = 1, 2, 3, 4, 5


ENGINE, SLOW = (
    EngineParameters(
        (CrossbarParameters(5, 3, 3, memory=memory), CrossbarParameters(3, 2, 2)),
        current_bits=4,
        variation=VariationParameters(10),
    )
    for memory in ("block", "spram")
)
SPEEDS = pytest.mark.parametrize("engine", [ENGINE, SLOW], ids=["fast", "slow"])


def test_the_table_has_the_memory_map() -> None:
    memories = {memory.space: memory for memory in memory_map(ENGINE)}
    dut = SpaceTable(list(memories.values()))
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)

    async def look(ctx: Any) -> None:
        for number in range(256):
            await step(ctx, dut, number=number)
            found = ctx.get(dut.space)
            one = memories.get(number)
            due = (1, one.readable, one.lines, one.line_bytes) if one else (0, 0, 0, 0)
            assert (
                tuple(found[name] for name in ("exists", "readable", "lines", "line_bytes")) == due
            )

    simulator.add_testbench(look)
    simulator.run()


Executed = tuple[int, list[tuple[int, ...]]]
"""Error with which the executor ends, and its writes."""


def execute(
    engine: EngineParameters, requests: list[tuple[int, int, int, int, bytes]]
) -> list[Executed]:
    """Execute requests (kind, space, address, count, data) one after another."""
    dut = MemoryExecutor(engine)
    bench = StreamBench(dut)
    load = bench.take(dut.load, 0)
    executed: list[Executed] = []

    async def run(ctx: Any) -> None:
        for kind, space, address, count, data in requests:
            due = beats(data)
            before = len(load)
            error = None
            fields = {"kind": kind, "space": space, "count": count}
            await step(ctx, dut, quiet=1, request={**fields, "address": address})
            ctx.set(dut.executes, 1)
            while error is None:
                ctx.set(dut.ended, not due)
                ctx.set(dut.rest.valid, bool(due))
                if due:
                    ctx.set(dut.rest.payload, due[0])
                if ctx.get(dut.executed):
                    error = int(ctx.get(dut.error))
                address += ctx.get(dut.line_done)
                if due and ctx.get(dut.rest.ready):
                    due.pop(0)
                await ctx.tick()
                ctx.set(dut.request, {**fields, "address": address})
            ctx.set(dut.executes, 0)
            ctx.set(dut.rest.valid, 0)
            await ctx.tick().repeat(3)
            executed.append((error, load[before:]))

    bench.run(run)
    return executed


REQUESTS = [
    ((WRITE, 0, 2, 0, b"abcdef"), 0, b"abcdef"),
    ((WRITE, 0, 4, 0, b"abcd"), ErrorCode.SPACE, b"abc"),
    ((WRITE, 0, 3, 0, b"abcdefg"), ErrorCode.SPACE, b"abcdef"),
    ((WRITE, 0, 0, 0, b"abcd"), ErrorCode.LENGTH, b"abcd"),
    ((WRITE, 0, 5, 0, b"abc"), ErrorCode.SPACE, b""),
    ((WRITE, 9, 0, 0, b"abc"), ErrorCode.SPACE, b""),
    ((WRITE, 0, 0, 0, b""), 0, b""),
    ((READ, 0, 0, 5, b""), 0, b""),
    ((READ, 0, 2, 3, b""), 0, b""),
    ((READ, 0, 2, 4, b""), ErrorCode.SPACE, b""),
    ((READ, 0, 5, 0, b""), ErrorCode.SPACE, b""),
    ((READ, 5, 0, 1, b""), ErrorCode.SPACE, b""),
]
"""Requests with their errors and the bytes that are written."""


@SPEEDS
def test_existing_lines_are_written_and_missing_ones_refused(engine: EngineParameters) -> None:
    executed = execute(engine, [request for request, *_ in REQUESTS])
    assert [(error, bytes(byte for *_, byte in load)) for error, load in executed] == [
        (error, written) for _, error, written in REQUESTS
    ]
    # Each line has its address, and its first byte a mark.
    assert executed[0][1] == [
        (0, 0, k % 3 == 0, 2 + k // 3, byte) for k, byte in enumerate(b"abcdef")
    ]


@SPEEDS
def test_counters_are_cleared_by_a_write_without_data(engine: EngineParameters) -> None:
    assert execute(engine, [(WRITE, 0xF4, 1, 0, b"")]) == [(0, [(15, 4, 1, 1, 0)])]


@pytest.mark.parametrize("target", [PORTABLE, ICE40UP5K])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_lines_are_read_as_one_packet(target: Target, stall: float) -> None:
    dut = LineReader(target)
    bench = StreamBench(dut, stall=stall, seed=3)
    fetch = bench.take(dut.fetch, 2)
    lines = bench.take(dut.lines, 6)
    bench.put(dut.fetched, [{"data": k, "last": k % 3 == 2} for k in range(6)])

    async def request(ctx: Any) -> None:
        fields = {"space": 0x31, "address": 0xFF, "count": 2}
        put(ctx, dut, request=fields, reads=1)
        async for _, _, done, valid, ready, last in ctx.tick().sample(
            dut.line_done, dut.lines.valid, dut.lines.ready, dut.lines.payload.last
        ):
            if done:
                fields["address"] += 1
                fields["count"] -= 1
                ctx.set(dut.request, fields)
            if valid and ready and last:
                ctx.set(dut.reads, 0)

    bench.play(request)
    bench.run()
    assert fetch == [(3, 1, 0xFF), (3, 1, 0x100)]
    assert lines == [(k, k == 5) for k in range(6)]
