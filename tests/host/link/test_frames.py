"""Frames against a CRC that goes bit by bit and a COBS decoder that goes byte by byte."""

import os

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.link.frames import MAX_ENCODED, Deframer, encode_frame, encoded_size


def slow_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        for place in range(8):
            carry = (crc & 1) ^ (byte >> place & 1)
            crc = crc >> 1 ^ (0xEDB88320 if carry else 0)
    return crc ^ 0xFFFFFFFF


def slow_decode(frame: bytes) -> bytes:
    """Encode as COBS, without the closing zero: each code byte tells the place of the next zero."""
    decoded = bytearray()
    while frame:
        code, block, frame = frame[0], frame[1 : frame[0]], frame[frame[0] :]
        assert code > 0
        assert len(block) == code - 1
        assert 0 not in block
        decoded += block
        if code < 0xFF and frame:
            decoded.append(0)
    return bytes(decoded)


# Long ones too: COBS has another kind of block from 254 bytes without a zero on.
PAYLOADS = st.one_of(
    st.binary(min_size=4, max_size=40),
    st.integers(4, 1200).map(lambda size: bytes(size)),
    st.integers(4, 1200).map(lambda size: b"\x01" * size),
    st.binary(min_size=500, max_size=800),
)


def test_the_published_check_value_of_the_crc():
    assert slow_crc(b"123456789") == 0xCBF43926
    assert slow_decode(encode_frame(b"123456789")[:-1]) == b"123456789\x26\x39\xf4\xcb"


@given(PAYLOADS)
@settings(deadline=None)
def test_a_frame_follows_the_document(payload):
    frame = encode_frame(payload)
    assert frame[-1] == 0
    content = slow_decode(frame[:-1])
    assert content == payload + slow_crc(payload).to_bytes(4, "little")
    assert len(frame) <= encoded_size(len(payload))


def fed(deframer: Deframer, stream: bytes, data: st.DataObject) -> list[bytes]:
    """Return the payloads of a stream that is cut anywhere."""
    found = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += deframer.feed(stream[:size])
        stream = stream[size:]
    return found


@given(st.lists(PAYLOADS, max_size=6), st.data())
@settings(deadline=None)
def test_payloads_come_whole_however_the_stream_is_cut(payloads, data):
    deframer = Deframer()
    # Zeros between frames are no frames.
    assert fed(deframer, b"\0".join(map(encode_frame, payloads)), data) == payloads
    assert deframer.bad == 0


pieces = st.lists(
    st.binary(max_size=40) | PAYLOADS.map(encode_frame) | st.integers(0, 300).map(bytes),
    max_size=12,
)


@given(pieces, st.data())
@settings(deadline=None, max_examples=200)
def test_of_any_bytes_only_frames_are_taken(parts, data):
    stream = b"".join(parts)
    deframer = Deframer()
    found = fed(deframer, stream, data)
    # Each stands in the stream, behind the one before it.
    place = 0
    for payload in found:
        place = stream.index(encode_frame(payload), place) + len(encode_frame(payload))
    assert deframer.bad + len(found) <= stream.count(b"\0")


@pytest.mark.parametrize("content", [b"", b"\x01", b"ab", b"abc"])
def test_a_frame_shorter_than_an_answer_s_head_is_bad(content):
    deframer = Deframer()
    assert deframer.feed(encode_frame(content)) == []
    assert deframer.bad == 1


@pytest.mark.parametrize("sizes", [[MAX_ENCODED + 1], [MAX_ENCODED] * 3 + [100]])
def test_an_endless_frame_is_not_kept(sizes):
    deframer = Deframer()
    for size in sizes:
        assert deframer.feed(b"\x05" * size) == []
    # The end of an endless frame is dropped, even if it looks like a frame.
    assert deframer.feed(encode_frame(b"within") + encode_frame(b"after")) == [b"after"]
    assert deframer.bad >= 2


BATCHES, FRAMES = 100, 10_000
"""Number of frames: a million; `make faults` takes ten."""


def hurt(frames: list[bytes], draws: np.random.Generator) -> bytes:
    """Generate frames that are damaged, cut, joined or lengthened, each in one way."""
    kinds = draws.integers(6, size=len(frames)).tolist()
    places = draws.integers(1 << 30, size=len(frames)).tolist()
    values = draws.integers(1, 256, size=len(frames)).tolist()
    wire = []
    for frame, kind, place, value in zip(frames, kinds, places, values, strict=True):
        content, at = frame[:-1], place % (len(frame) - 1)
        match kind:
            case 0:  # one byte is another, or a zero, which cuts the frame in two
                wire.append(content[:at] + bytes([content[at] ^ value]) + content[at + 1 :])
            case 1:  # the beginning is lost
                wire.append(content[at + 1 :])
            case 2:  # the end is lost
                wire.append(content[:at])
            case 3:  # the next frame follows without a zero
                wire.append(content + frames[place % len(frames)][:-1])
            case 4:  # a byte more: 1 before the closing zero is a zero more of content
                wire.append(content + (b"\1" if value < 128 else bytes([value])))
            case _:  # a byte more, anywhere
                wire.append(content[:at] + bytes([value]) + content[at:])
    return b"\0".join(wire) + b"\0"


def test_of_a_million_hurt_frames_none_is_accepted():
    batches = BATCHES * int(os.environ.get("ALLSPIN_HURT_FRAMES", "1"))
    draws = np.random.default_rng(0)
    deframer = Deframer()
    for _ in range(batches):
        # Zeros and ones are frequent: stuffing and cutting depend on them.
        content = draws.integers(256, size=(FRAMES, 40), dtype=np.uint8)
        content[draws.random(content.shape) < 0.4] &= 1
        lengths = draws.integers(4, 40, size=FRAMES).tolist()
        payloads = [row[:n].tobytes() for row, n in zip(content, lengths, strict=True)]
        frames = [encode_frame(payload) for payload in payloads]
        genuine = set(payloads)
        # A frame that is whole after its damage (a clean cut removed another half) is genuine.
        assert [p for p in deframer.feed(hurt(frames, draws)) if p not in genuine] == []
    assert deframer.bad > 0.9 * batches * FRAMES
