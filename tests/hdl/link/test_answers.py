"""Answers: which one is next, and its bytes, each block alone."""

import struct
from typing import Any

import pytest

from allspin.hdl.link.answers import AnswerOrder, AnswerSender, LogitBytes
from allspin.hdl.link.protocol import Answer, ErrorCode, LinkParameters, identity_bytes
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from tests.hdl.driving import step
from tests.hdl.streams import StreamBench, plain

ENGINE, SLOW = (
    EngineParameters(
        (CrossbarParameters(5, 3, 3, memory=memory), CrossbarParameters(3, 300, 300)),
        current_bits=4,
    )
    for memory in ("block", "spram")
)
SPEEDS = pytest.mark.parametrize("engine", [ENGINE, SLOW], ids=["fast", "slow"])
PARAMETERS = LinkParameters(ENGINE)
IDENTIFY, READ = 1, 3


def head(kind: int, tag: int, session: int = 0, error: int = 0, more: int = 0) -> dict[str, int]:
    return {"kind": kind, "tag": tag, "session": session, "error": error, "more": more}


@SPEEDS
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_images_are_in_order_and_no_logit_of_a_malformed_one_leaves(
    engine: EngineParameters, stall: float
) -> None:
    """What takes logits is ready until it has an image's last, and heads may be taken late."""
    dut = AnswerOrder(engine)
    bench = StreamBench(dut, stall=stall, seed=1)
    bench.put(dut.images, [{"tag": tag, "malformed": tag in (8, 9)} for tag in (7, 8, 9, 10)])
    bench.put(dut.results, [{"logit": k, "last": k % 2, "winner": 0} for k in range(8)])
    passed: list[int] = []

    async def answer(ctx: Any) -> None:
        for tag in (7, 8, 9, 10):
            due = 2 * (tag not in (8, 9))
            waited = 0
            while due or waited < 10:
                # Ready for a malformed image's too, of which there are none.
                ready = due or tag in (8, 9)
                ctx.set(dut.logits.ready, bool(ready))
                *_, offered, valid, item = await ctx.tick().sample(
                    dut.head.valid, dut.logits.valid, dut.logits.payload
                )
                if valid and ready:
                    passed.append(int(item.logit))
                    due -= 1
                waited += offered
            found = plain(ctx.get(dut.head.payload))
            wanted = (Answer.ERROR, ErrorCode.IMAGE) if tag in (8, 9) else (Answer.LOGITS, found[3])
            assert (found[1], found[0], found[3]) == (tag, *wanted)
            await step(ctx, dut.head, ready=1)
            ctx.set(dut.head.ready, 0)

    bench.run(answer)
    assert passed == [0, 1, 6, 7]


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_logits_are_bytes_with_the_lowest_first_and_then_the_class(stall: float) -> None:
    dut = LogitBytes(ENGINE)
    bench = StreamBench(dut, stall=stall, seed=6)
    numbers = [-1, 2, -300, 513]
    beats = [{"logit": n, "last": k % 2, "winner": 258 + k} for k, n in enumerate(numbers)]
    bench.put(dut.logits, beats)
    taken = bench.take(dut.o, 12)
    bench.run()
    assert ENGINE.logit_bytes == 2
    expected = struct.pack("<hhHhhH", -1, 2, 259, -300, 513, 261)
    assert taken == [(byte, k % 6 == 5) for k, byte in enumerate(expected)]


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_an_answer_is_its_head_and_what_follows(stall: float) -> None:
    dut = AnswerSender(PARAMETERS)
    bench = StreamBench(dut, seed=5)
    bench.put(
        dut.head,
        [
            head(Answer.ERROR, 0x1234, 9, error=ErrorCode.LENGTH),
            head(Answer.LOGITS, 2, more=1),
            head(Answer.IDENTITY, 3),
            head(Answer.LINES, 4, more=1),
            head(Answer.LINES, 5),
            head(Answer.WRITTEN, 6),
        ],
    )
    bench.put(dut.logits, [{"data": byte, "last": byte == ord("s")} for byte in b"logits"])
    bench.put(dut.lines, [{"data": byte, "last": byte == ord("!")} for byte in b"lines!"])
    packets = [
        struct.pack("<BHBB", Answer.ERROR, 0x1234, 9, ErrorCode.LENGTH),
        struct.pack("<BHB", Answer.LOGITS, 2, 0) + b"logits",
        struct.pack("<BHB", Answer.IDENTITY, 3, 0) + identity_bytes(PARAMETERS),
        struct.pack("<BHB", Answer.LINES, 4, 0) + b"lines!",
        struct.pack("<BHB", Answer.LINES, 5, 0),
        struct.pack("<BHB", Answer.WRITTEN, 6, 0),
    ]
    taken = bench.take(dut.answer, sum(map(len, packets)), stall=stall)
    bench.run()
    assert taken == [
        (byte, place == len(packet) - 1) for packet in packets for place, byte in enumerate(packet)
    ]
