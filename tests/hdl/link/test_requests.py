"""The parser of requests alone: fields against `struct`, and what becomes of each request."""

import struct
from typing import Any

import pytest

from allspin.hdl.bench.streams import StreamBench, plain
from allspin.hdl.link.protocol import ErrorCode
from allspin.hdl.link.requests import RequestParser
from tests.hdl.driving import put, step
from tests.hdl.link.wire import beats

IDENTIFY, WRITE, READ, IMAGE, NUMBERED = 1, 2, 3, 4, 5


class Bench:
    """A parser with a decoder that finds every image malformed, and an executor.

    Parameters
    ----------
    payloads : list of bytes
        Requests.
    refuses : int
        What the executor ends each request with, two clocks after it began.
    """

    def __init__(
        self, payloads: list[bytes], *, numbered: bool = False, stall: float = 0.0, refuses: int = 0
    ) -> None:
        self.dut = RequestParser(numbered=numbered)
        self.bench = StreamBench(self.dut, stall=stall, seed=2)
        self.bench.put(
            self.dut.payload,
            beats(*payloads),
        )
        self.executed = 0

        async def around(ctx: Any) -> None:
            put(ctx, self.dut, quiet=1, malformed=1, error=refuses)
            body = self.dut.body
            waited = 0
            async for _, _, ends, executes in ctx.tick().sample(
                body.valid & body.ready & body.payload.last, self.dut.executes
            ):
                ctx.set(self.dut.judged, ends)
                waited = waited + 1 if executes and not waited else 0
                ctx.set(self.dut.executed, waited)
                self.executed += waited

        self.bench.play(around)

    def requests(self, count: int) -> list[tuple[int, ...]]:
        """Answer that many requests, and return them."""
        taken: list[tuple[int, ...]] = []

        async def answer(ctx: Any) -> None:
            for _ in range(count):
                await ctx.tick().until(self.dut.due)
                taken.append(plain(ctx.get(self.dut.request)))
                await step(ctx, self.dut, answered=1)
                ctx.set(self.dut.answered, 0)

        self.bench.run(answer)
        return taken


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_each_byte_has_its_place(stall: float) -> None:
    fields = [(READ, 0x1234, 0x56, 0x789A, 0xBCDE), (READ, 0xFFFE, 0xFF, 0, 0xFFFF)]
    bench = Bench([struct.pack("<BHBHH", *one) for one in fields], stall=stall)
    assert bench.requests(2) == [(*one, 0, 0) for one in fields]
    assert bench.executed == 2


@pytest.mark.parametrize("kind", [0, WRITE, READ, NUMBERED, 6, 255])
@pytest.mark.parametrize("size", [0, 2, 3, 4, 5])
def test_what_is_too_short_or_unknown_is_not_executed(kind: int, size: int) -> None:
    whole = size >= {WRITE: 3, READ: 5}.get(kind, 9)
    bench = Bench([struct.pack("<BH", kind, 7) + bytes(size)])
    ((found, tag, *_, error),) = bench.requests(1)
    known = kind in (WRITE, READ)
    assert (found, tag, bench.executed) == (kind, 7, whole)
    assert error == (0 if whole else ErrorCode.LENGTH if known else ErrorCode.KIND)


def test_an_identify_opens_a_session_if_it_names_one() -> None:
    bench = Bench([b"\1\0\0", b"\1\1\0\x2a", b"\1\2\0\x2bmore", b"\1\3\0"])
    taken = bench.requests(4)
    assert [(space, opens) for _, _, space, _, _, opens, _ in taken if opens] == [(42, 1), (43, 1)]
    assert [(tag, opens, error) for _, tag, *_, opens, error in taken] == [
        (0, 0, 0),
        (1, 1, 0),
        (2, 1, 0),
        (3, 0, 0),
    ]


def test_the_executor_s_error_is_the_request_s_and_the_rest_is_dropped() -> None:
    payloads = [struct.pack("<BHBH", WRITE, tag, 0, 0) + b"dropped" for tag in (1, 2)]
    bench = Bench(payloads, refuses=ErrorCode.SPACE)
    assert [(tag, error) for _, tag, *_, error in bench.requests(2)] == [(1, 4), (2, 4)]


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_images_go_on_with_number_and_tag(numbered: bool, stall: float) -> None:
    payloads = [b"\4\1\0abc", b"\4\2\0"]
    if numbered:
        payloads.insert(1, struct.pack("<BHI", NUMBERED, 3, 0x89ABCDEF) + b"d")
    bench = Bench(payloads, numbered=numbered, stall=stall)
    numbers = bench.bench.take(bench.dut.numbers, numbered * 3)
    body = bench.bench.take(bench.dut.body, 4 + numbered)
    images = bench.bench.take(bench.dut.images, 2 + numbered, stall=0)
    bench.bench.run()
    assert numbers == ([0, 0x89ABCDEF, 0] if numbered else [])
    assert bytes(byte for byte, _ in body) == (b"abcd\0" if numbered else b"abc\0")
    assert images == [(1, 1), *([(3, 1)] * numbered), (2, 1)]


def test_lines_move_address_and_count_on() -> None:
    bench = Bench([struct.pack("<BHBHH", READ, 1, 0, 0x00FF, 3)])
    seen = []

    async def lines(ctx: Any) -> None:
        dut = bench.dut
        await ctx.tick().until(dut.due)
        ctx.set(dut.line_done, 1)
        await ctx.tick().repeat(2)
        ctx.set(dut.line_done, 0)
        seen.append((ctx.get(dut.request.address), ctx.get(dut.request.count)))

    bench.bench.run(lines)
    assert seen == [(0x0101, 1)]
