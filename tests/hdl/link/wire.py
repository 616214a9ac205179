"""Frames, requests and answers of the link, by the packages `cobs` and `zlib`."""

import struct
import zlib
from collections.abc import Iterable, Sequence

from cobs import cobs


def frame(payload: bytes) -> bytes:
    """A payload as it travels."""
    return cobs.encode(payload + zlib.crc32(payload).to_bytes(4, "little")) + b"\0"


def request(kind: int, tag: int, body: bytes = b"") -> bytes:
    return struct.pack("<BH", kind, tag) + body


def answer(kind: int, tag: int, body: bytes = b"", session: int = 0) -> bytes:
    return struct.pack("<BHB", kind, tag, session) + body


def beats(*packets: Iterable[int]) -> list[dict[str, int]]:
    """Packets as payloads of a stream of `BYTE_LAYOUT`."""
    return [
        {"data": byte, "last": place == len(packet) - 1}
        for packet in map(bytes, packets)
        for place, byte in enumerate(packet)
    ]


def packets(taken: Sequence[tuple[int, int]]) -> list[bytes]:
    """The packets that such a stream gave."""
    found = [bytearray()]
    for byte, last in taken:
        found[-1].append(byte)
        if last:
            found.append(bytearray())
    assert not found.pop()
    return [bytes(packet) for packet in found]
