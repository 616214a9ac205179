"""Frames of the link: COBS, CRC-16 and a closing zero byte, as ``docs/protocol.md`` has them."""

from binascii import crc_hqx

from cobs import cobs

from hdl.link.protocol import CRC_BYTES, HEADER_BYTES

CRC_INITIAL = 0xFFFF
"""With it, `binascii.crc_hqx` (polynomial 0x1021, not reflected) is CRC-16/IBM-3740."""
DELIMITER = b"\0"
MAX_ENCODED = 1 << 18
"""Bytes without a delimiter that are kept: no device's answer is longer."""


def encode_frame(payload: bytes) -> bytes:
    """The frame of a payload, closing zero included.

    Parameters
    ----------
    payload : bytes
        Kind, tag and body.
    """
    crc = crc_hqx(payload, CRC_INITIAL)
    return cobs.encode(payload + crc.to_bytes(CRC_BYTES, "big")) + DELIMITER


def encoded_size(payload_size: int) -> int:
    """Upper bound of a frame's bytes, closing zero included.

    Parameters
    ----------
    payload_size : int
        Bytes of kind, tag and body.
    """
    size = payload_size + CRC_BYTES
    return size + size // 254 + 2


class Deframer:
    """Cuts a stream into the payloads of its good frames.

    It resynchronises at any zero byte.

    Attributes
    ----------
    bad : int
        Frames so far that were no COBS, too short, or failed their CRC.
    """

    def __init__(self) -> None:
        self.bad = 0
        self._rest = b""

    def feed(self, received: bytes) -> list[bytes]:
        """Payloads that are whole with what was received now, in order.

        Parameters
        ----------
        received : bytes
            The stream's next bytes, cut anywhere.
        """
        payloads = []
        *frames, rest = (self._rest + received).split(DELIMITER)
        for frame in frames:
            if not frame:
                continue
            try:
                decoded = cobs.decode(frame)
            except cobs.DecodeError:
                self.bad += 1
                continue
            # The CRC of payload and CRC together is zero.
            if len(decoded) < HEADER_BYTES + CRC_BYTES or crc_hqx(decoded, CRC_INITIAL):
                self.bad += 1
                continue
            payloads.append(decoded[:-CRC_BYTES])
        if len(rest) > MAX_ENCODED:
            self.bad += 1
            # One byte stays, so that the frame's end is not taken for a good frame's start.
            rest = rest[:1]
        self._rest = rest
        return payloads
