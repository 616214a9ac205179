"""The dispatcher alone: requests that it passes on, their time, and the order of its answers."""

import dataclasses
from typing import Any

import pytest

from allspin.hdl.link.dispatcher import Dispatcher
from allspin.hdl.link.protocol import ErrorCode, LinkParameters, identity_bytes
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import VariationParameters
from tests.hdl.driving import put
from tests.hdl.link.wire import answer, beats, packets, request
from tests.hdl.streams import StreamBench

IDENTIFY, WRITE, READ, IMAGE, NUMBERED = 1, 2, 3, 4, 5
PARAMETERS = LinkParameters(
    EngineParameters((CrossbarParameters(5, 3, 3), CrossbarParameters(3, 2, 2)), current_bits=4),
    in_flight=4,
)


class Bench:
    """A dispatcher, its requests, and the payloads of its outputs."""

    def __init__(
        self,
        payloads: list[bytes],
        *,
        answers: int,
        stall: float = 0.0,
        idle: int = 1,
        parameters: LinkParameters = PARAMETERS,
    ) -> None:
        self.dut = Dispatcher(parameters)
        self.bench = StreamBench(self.dut, stall=stall, seed=4)
        self.bench.put(self.dut.payload, beats(*payloads))
        self.body = self.bench.take(self.dut.body, 0)
        self.load = self.bench.take(self.dut.load, 0)
        self.answer = self.bench.take(self.dut.answer, answers)

        async def pretend(ctx: Any) -> None:
            """Be the engine's `idle` and the decoder: images that begin with 0xFF are malformed."""
            ctx.set(self.dut.idle, idle)
            body = self.dut.body
            image = bytearray()
            async for _, _, taken, byte, last in ctx.tick().sample(
                body.valid & body.ready, body.payload.data, body.payload.last
            ):
                if taken:
                    image.append(byte)
                put(ctx, self.dut, judged=taken and last, malformed=image[:1] == b"\xff")
                if taken and last:
                    image.clear()

        self.bench.play(pretend)

    def results(self, images: int) -> None:
        """Give logits of 1 and 2 for each image."""
        self.bench.put(
            self.dut.results,
            [
                {"logit": 1, "last": 0, "winner": 0},
                {"logit": 2, "last": 1, "winner": 1},
            ]
            * images,
        )


LOGITS = b"\1\0\2\0\1\0"
"""Two bytes each, and the class: 3 rows of 15 times 128 make 14 bits."""


NOISY = dataclasses.replace(
    PARAMETERS, engine=dataclasses.replace(PARAMETERS.engine, variation=VariationParameters(10))
)


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_an_image_s_number_goes_before_it(stall: float) -> None:
    payloads = [
        request(NUMBERED, 1, b"\x04\x03\x02\x01\x09\x05"),
        request(IMAGE, 2, b"\x09\x06"),
        request(NUMBERED, 3, b"\xff\xff\xff\xff"),
        request(NUMBERED, 4, b"\x01\x02\x03"),
        request(NUMBERED, 5),
        request(NUMBERED, 6, b"\x07\0\0\0\0"),
    ]
    bench = Bench(payloads, answers=50, stall=stall, parameters=NOISY)
    numbers = bench.bench.take(bench.dut.numbers, 4)
    bench.results(4)
    bench.bench.run()
    assert numbers == [0x01020304, 0, 2**32 - 1, 7]
    assert packets(bench.body) == [b"\x09\x05", b"\x09\x06", b"\0", b"\0"]
    assert packets(bench.answer) == [
        answer(0x84, 1, LOGITS),
        answer(0x84, 2, LOGITS),
        answer(0x84, 3, LOGITS),
        answer(0xFF, 4, bytes([ErrorCode.LENGTH])),
        answer(0xFF, 5, bytes([ErrorCode.LENGTH])),
        answer(0x84, 6, LOGITS),
    ]


def test_only_so_many_images_are_under_way() -> None:
    bench = Bench([request(IMAGE, tag, b"\0") for tag in range(6)], answers=0)
    bench.bench.run(clocks=150)
    # One more than those that wait: the image whose answer is next.
    assert len(packets(bench.body)) == PARAMETERS.in_flight + 1
    assert bench.answer == []


@pytest.mark.parametrize(
    ("payload", "whole"),
    [
        (request(IDENTIFY, 9), False),
        (request(WRITE, 9, b"\0\0\0abc"), True),
        (request(READ, 9, b"\0\0\0\1\0"), True),
        (request(77, 9), False),
    ],
)
@pytest.mark.parametrize("idle", [0, 1])
def test_other_requests_wait_for_images_and_memories_for_the_engine_to_be_idle(
    payload: bytes, whole: bool, idle: int
) -> None:
    images = [] if whole and not idle else [request(IMAGE, 1)]
    bench = Bench([*images, payload], answers=0, idle=idle)
    fetches = bench.bench.take(bench.dut.fetch, 0)
    bench.bench.run(clocks=150)
    assert (bench.load, fetches, bench.answer) == ([], [], [])


def test_a_frame_error_does_not_wait_for_an_image() -> None:
    bench = Bench([request(IMAGE, 1)], answers=10)
    bench.bench.put(bench.dut.errors, [ErrorCode.FRAME, ErrorCode.OVERFLOW])
    bench.bench.run()
    assert packets(bench.answer) == [answer(0xFF, 0xFFFF, b"\1"), answer(0xFF, 0xFFFF, b"\2")]


def test_bytes_behind_a_whole_request_are_ignored() -> None:
    bench = Bench([request(IDENTIFY, 1, b"more")], answers=4 + 32 + 16)
    bench.bench.run()
    assert packets(bench.answer) == [answer(0x81, 1, identity_bytes(PARAMETERS), session=ord("m"))]

    bench = Bench([request(READ, 2, b"\0\0\0\0\0more")], answers=4)
    bench.bench.run()
    assert packets(bench.answer) == [answer(0x83, 2)]
