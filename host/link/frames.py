"""Frames of the link: COBS, CRC-32 and a closing zero byte; see ``docs/protocol.md``."""

import contextlib
from zlib import crc32

from cobs import cobs

from allspin.hdl.link.protocol import (
    ANSWER_HEADER_BYTES,
    CRC_BYTES,
)

DELIMITER = b"\0"
MAX_ENCODED = 1 << 18
"""Most bytes without a delimiter that are kept: more than the longest answer."""


def encode_frame(payload: bytes) -> bytes:
    """Return the frame of a payload, closing zero included.

    Parameters
    ----------
    payload : bytes
        Kind, tag and body.
    """
    return cobs.encode(payload + _crc(payload)) + DELIMITER


def encoded_size(payload_size: int) -> int:
    """Return an upper bound of a frame's bytes, closing zero included.

    Parameters
    ----------
    payload_size : int
        Bytes of kind, tag and body.
    """
    size = payload_size + CRC_BYTES
    return size + size // 254 + 2


class Deframer:
    """Parser that cuts a stream into the payloads of undamaged answers.

    It resynchronises at any zero byte.

    Attributes
    ----------
    bad : int
        Frames so far that were not COBS, too short, or failed their CRC.
    """

    def __init__(self) -> None:
        self.bad = 0
        self._rest = b""

    def feed(self, received: bytes) -> list[bytes]:
        """Return the payloads that the received bytes complete, in order.

        Parameters
        ----------
        received : bytes
            The stream's next bytes, cut anywhere.
        """
        payloads = []
        *frames, rest = (self._rest + received).split(DELIMITER)
        for frame in filter(None, frames):
            with contextlib.suppress(cobs.DecodeError):
                content = cobs.decode(frame)
                payload, crc = content[:-CRC_BYTES], content[-CRC_BYTES:]
                if len(payload) >= ANSWER_HEADER_BYTES and crc == _crc(payload):
                    payloads.append(payload)
                    continue
            self.bad += 1
        if len(rest) > MAX_ENCODED:
            self.bad += 1
            # One byte stays, so that the frame's end is not taken for a good frame's start.
            rest = rest[:1]
        self._rest = rest
        return payloads


def _crc(payload: bytes) -> bytes:
    return crc32(payload).to_bytes(CRC_BYTES, "little")
