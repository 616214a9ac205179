"""Frames and their CRC against `zlib.crc32` and the package `cobs`."""

import zlib
from typing import Any

from cobs import cobs
from hypothesis import example, given, strategies as st

from allspin.hdl.link.crc import FrameCrc
from allspin.hdl.link.frames import FrameReceiver, FrameSender
from allspin.hdl.link.protocol import ErrorCode
from tests.examples import examples
from tests.hdl.driving import put, simulate, step
from tests.hdl.link.wire import beats, frame, packets
from tests.hdl.streams import StreamBench


def crc_of(content: bytes, *, every_clock: bool, before: bytes = b"") -> tuple[int, int, int]:
    """Value, whether it matches, and the clocks of a content, after another and a start."""
    check = FrameCrc(every_clock=every_clock)
    found = []

    async def bench(ctx):
        for part in (before, content):
            clocks = 0
            for byte in part:
                put(ctx, check.i, valid=1, payload=byte)
                taken = False
                while not taken:
                    _, _, taken = await ctx.tick().sample(check.i.ready)
                    clocks += 1
                ctx.set(check.i.valid, 0)
            found[:] = ctx.get(check.value), ctx.get(check.matches), clocks
            await step(ctx, check, start=1)
            ctx.set(check.start, 0)

    simulate(check, bench)
    value, matches, clocks = found
    return value, matches, clocks


@given(
    content=st.binary(max_size=20),
    before=st.binary(max_size=5),
    every_clock=st.booleans(),
    wrong=st.integers(0, 255),
)
@examples(15)
def test_is_zlib_s_and_matches_its_own(content, before, every_clock, wrong):
    crc = zlib.crc32(content)
    value, _, clocks = crc_of(content, every_clock=every_clock, before=before)
    assert (value, clocks) == (crc, len(content) * (1 if every_clock else 8))
    whole = bytearray(content + crc.to_bytes(4, "little"))
    assert crc_of(bytes(whole), every_clock=every_clock)[1] == 1
    whole[wrong % len(whole)] ^= wrong
    assert crc_of(bytes(whole), every_clock=every_clock)[1] == (wrong == 0)


WINDOW = 256
stalls = st.sampled_from([0.0, 0.2, 0.5])


def expectation(stream: bytes) -> tuple[list[bytes], list[ErrorCode]]:
    """Payloads and errors of a stream that ends with a zero byte."""
    payloads = []
    errors = []
    for chunk in filter(None, stream.split(b"\0")):
        missing = 0
        while True:
            try:
                decoded = cobs.decode(chunk + b"\1" * missing)
            except cobs.DecodeError:
                missing += 1
            else:
                break
        payload, crc = decoded[:-4], decoded[-4:]
        if len(decoded) - missing - 4 > WINDOW:
            errors.append(ErrorCode.OVERFLOW)
        elif missing or len(payload) < 3 or frame(payload)[:-1] != cobs.encode(payload + crc):
            errors.append(ErrorCode.FRAME)
        else:
            payloads.append(payload)
    return payloads, errors


def receive(
    stream: bytes,
    *,
    stall: float = 0.0,
    seed: int = 0,
    bytes_expected: int = 0,
    every_clock: bool = True,
) -> tuple[list[bytes], list[int], StreamBench]:
    """Payloads and errors that the receiver makes of a stream."""
    receiver = FrameReceiver(WINDOW, every_clock=every_clock)
    bench = StreamBench(receiver, stall=stall, seed=seed)
    bench.put(receiver.received, stream)
    taken = bench.take(receiver.payload, bytes_expected)
    errors = bench.take(receiver.errors, 0, stall=0)
    bench.run()
    return packets(taken), errors, bench


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A frame in which one byte was changed, lost or added, or the delimiter was lost."""
    whole = bytearray(frame(draw(st.binary(min_size=3, max_size=30))))
    place = draw(st.integers(0, len(whole) - 1))
    byte = draw(st.integers(0, 255))
    match draw(st.sampled_from(["change", "lose", "add"])):
        case "change":
            whole[place] = byte
        case "lose":
            del whole[place]
        case "add":
            whole.insert(place, byte)
    return bytes(whole)


pieces = st.one_of(
    st.binary(min_size=3, max_size=40).map(frame),
    st.binary(min_size=3, max_size=40).map(frame),
    damaged(),
    st.binary(max_size=2).map(frame),
    st.binary(max_size=10),
    st.just(b"\0"),
    st.one_of(st.integers(250, 262), st.just(3 * WINDOW)).map(
        lambda length: frame(bytes(range(3)) + b"\x33" * length)
    ),
)


@given(
    stream=st.lists(pieces, min_size=1, max_size=8).map(b"".join),
    stall=stalls,
    seed=st.integers(0, 999),
    every_clock=st.booleans(),
)
@example(
    # A frame that was whole waits while the next one is forgotten.
    stream=frame(bytes(range(1, 101))) + b"\1\0" + frame(b"good"),
    stall=0.5,
    seed=1,
    every_clock=True,
)
@example(
    # Frames about as long as the buffer, and twice as long.
    stream=b"".join(frame(b"\x33" * (WINDOW + more)) for more in (-1, 0, 1, 2, 2 * WINDOW)),
    stall=0.3,
    seed=1,
    every_clock=True,
)
@examples(12)
def test_delivers_whole_frames_and_no_others(
    stream: bytes, stall: float, seed: int, every_clock: bool
) -> None:
    stream += b"\0"
    payloads, errors = expectation(stream)
    expected = sum(len(payload) for payload in payloads)
    received = receive(
        stream, stall=stall, seed=seed, bytes_expected=expected, every_clock=every_clock
    )
    assert received[:2] == (payloads, errors)


def test_holds_the_sender_back_until_there_is_room() -> None:
    receiver = FrameReceiver(WINDOW)
    bench = StreamBench(receiver)
    payload = bytes(range(1, 101))
    size = len(frame(payload))
    bench.put(receiver.received, frame(payload) * 3)
    delivered = bench.take(receiver.payload, 300, after=400)
    came = []

    async def watch(ctx: Any) -> None:
        port = receiver.received
        async for _, _, valid, ready in ctx.tick().sample(port.valid, port.ready):
            came.append(valid and ready)

    bench.play(watch)
    bench.run()
    # Two frames, and of the third the bytes for which the buffer has room, beside the bytes
    # held back, the one decoded and the one offered.
    assert sum(came[:400]) == 2 * size + 1 + (WINDOW - 200) + 7
    assert bytes(byte for byte, _ in delivered) == payload * 3


def test_takes_and_gives_a_byte_a_clock() -> None:
    payload = bytes(range(117))
    stream = frame(payload) * 20
    _, errors, bench = receive(stream, bytes_expected=20 * 117)
    assert errors == []
    assert bench.clock <= len(stream) + 117 + 4 + 20


def test_a_flood_of_bad_frames_blocks_nothing() -> None:
    receiver = FrameReceiver(WINDOW)
    bench = StreamBench(receiver)
    bench.put(receiver.received, b"\1\0" * 20 + frame(b"good"))
    taken = bench.take(receiver.payload, 4)
    errors = bench.take(receiver.errors, 4, after=60)
    bench.run()
    assert bytes(byte for byte, _ in taken) == b"good"
    # The number of errors that the document gives.
    assert errors == [ErrorCode.FRAME] * 4


@given(
    payloads=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4),
    stall=stalls,
    seed=st.integers(0, 999),
    every_clock=st.booleans(),
)
@examples(8)
def test_sends_payloads_in_frames(
    payloads: list[bytes], stall: float, seed: int, every_clock: bool
) -> None:
    sender = FrameSender(every_clock=every_clock)
    bench = StreamBench(sender, stall=stall, seed=seed)
    bench.put(
        sender.payload,
        beats(*payloads),
    )
    expected = b"".join(frame(payload) for payload in payloads)
    taken = bench.take(sender.sent, len(expected))
    bench.run()
    assert bytes(taken) == expected
