"""A stream with frames on it, and what it has carried and lost so far."""

import math

from allspin.hdl.link.protocol import MIN_WINDOW
from allspin.host.link.wire.frames import Deframer
from allspin.host.link.wire.transport import Transport

FRAME_BYTES = 12
"""What a frame costs whatever it carries: its head, its CRC, its framing, its answer's start."""
USUALLY_WHOLE = 2048
"""Bytes that count as carried whole before the first, so that one loss is not the whole story."""


class Line:
    """The line to a device, over all that is asked of it.

    Parameters
    ----------
    transport : Transport
        The stream.

    Attributes
    ----------
    window : int
        Bytes of requests that may be under way.
    resent : int
        Requests that were sent again so far.
    told : int
        Damaged frames that the device has told of so far.
    next_tag : int
        Of the next request.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.window = MIN_WINDOW
        self.resent = 0
        self.told = 0
        self.next_tag = 0
        self._deframer = Deframer()
        self._carried = 0  # bytes, both ways

    @property
    def damaged(self) -> int:
        """Frames that the device or the host found damaged so far."""
        return self.told + self._deframer.bad

    @property
    def bearable(self) -> int:
        """Size in bytes of the frames that waste least on this line.

        With errors at a rate of p a byte, a frame of n bytes costs ``(n + c) / n`` times its
        content and gets lost in about ``n p`` of all cases: least at ``sqrt(c / p)``.
        """
        if not self.resent:
            return self.window
        carried = self._carried + USUALLY_WHOLE
        return min(self.window, math.isqrt(FRAME_BYTES * carried // self.resent))

    def exchange(self, data: bytes, timeout: float) -> tuple[int, list[bytes]]:
        """Send what can be sent at once; how much that was, and payloads that have come."""
        sent, received = self.transport.exchange(data, timeout)
        self._carried += sent + len(received)
        return sent, self._deframer.feed(received) if received else []
