"""Frames against a CRC that goes bit by bit and a COBS decoder that goes byte by byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.link.frames import MAX_ENCODED, Deframer, encode_frame, encoded_size


def slow_crc(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        for place in reversed(range(8)):
            carry = (crc >> 15 & 1) ^ (byte >> place & 1)
            crc = (crc << 1 & 0xFFFF) ^ (0x1021 if carry else 0)
    return crc


def slow_decode(frame: bytes) -> bytes:
    """COBS, without the closing zero: each code byte tells where the next zero stood."""
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
    st.binary(min_size=3, max_size=40),
    st.integers(3, 1200).map(lambda size: bytes(size)),
    st.integers(3, 1200).map(lambda size: b"\x01" * size),
    st.binary(min_size=500, max_size=800),
)


def test_the_published_check_value_of_the_crc():
    assert slow_crc(b"123456789") == 0x29B1
    assert slow_decode(encode_frame(b"123456789")[:-1]) == b"123456789\x29\xb1"


@given(PAYLOADS)
@settings(deadline=None)
def test_a_frame_is_what_the_document_says(payload):
    frame = encode_frame(payload)
    assert frame[-1] == 0
    content = slow_decode(frame[:-1])
    assert content == payload + slow_crc(payload).to_bytes(2, "big")
    assert len(frame) <= encoded_size(len(payload))


@given(st.lists(PAYLOADS, max_size=6), st.data())
@settings(deadline=None)
def test_payloads_come_whole_however_the_stream_is_cut(payloads, data):
    stream = b"\0".join(encode_frame(payload) for payload in payloads)
    deframer = Deframer()
    found = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += deframer.feed(stream[:size])
        stream = stream[size:]
    assert found == payloads
    assert deframer.bad == 0


@given(PAYLOADS, st.binary(max_size=30), st.data())
@settings(deadline=None)
def test_a_bad_frame_is_dropped_and_the_next_is_found(payload, garbage, data):
    frame = bytearray(encode_frame(payload))
    place = data.draw(st.integers(0, len(frame) - 2))
    flip = data.draw(st.integers(1, 255).filter(lambda flip: frame[place] ^ flip))
    frame[place] ^= flip
    deframer = Deframer()
    after = encode_frame(b"after")
    found = deframer.feed(garbage + b"\0" + bytes(frame) + after)
    assert found == [b"after"]
    assert deframer.bad >= 1


@pytest.mark.parametrize("content", [b"", b"\x01", b"ab"])
def test_a_frame_shorter_than_kind_and_tag_is_bad(content):
    deframer = Deframer()
    assert deframer.feed(encode_frame(content)) == []
    assert deframer.bad == 1


def test_an_endless_frame_is_not_kept():
    deframer = Deframer()
    for _ in range(3):
        assert deframer.feed(b"\x05" * MAX_ENCODED) == []
    # What ends it is no frame, whatever it looks like.
    assert deframer.feed(b"\x05" * 100) == []
    assert deframer.feed(encode_frame(b"within") + encode_frame(b"after")) == [b"after"]
    assert deframer.bad >= 2


def test_a_frame_that_begins_where_an_endless_one_was_cut_is_none():
    deframer = Deframer()
    assert deframer.feed(b"\x05" * (MAX_ENCODED + 1)) == []
    assert deframer.feed(encode_frame(b"within") + encode_frame(b"after")) == [b"after"]
