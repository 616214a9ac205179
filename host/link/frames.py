"""Frames of the link (COBS, CRC-32 and a closing zero byte, as ``docs/protocol.md`` has them), and
the line that carries them.
"""

import contextlib
import math
import secrets
from collections.abc import Iterator
from typing import NoReturn
from zlib import crc32

from cobs import cobs

from allspin.hdl.link.protocol import (
    ANSWER_HEADER_BYTES,
    CRC_BYTES,
    MAX_SESSION,
    MIN_WINDOW,
    NO_SESSION,
    NO_TAG,
    ErrorCode,
)
from allspin.host.link.transport import Transport
from allspin.sim.errors import UserError

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
    return cobs.encode(payload + _crc(payload)) + DELIMITER


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
    """Cuts a stream into the payloads of its good frames: those of answers.

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


FRAME_BYTES = 12
"""What a frame costs whatever it carries: its head, its CRC, its framing, its answer's start."""
USUALLY_WHOLE = 2048
"""Bytes that count as carried whole before the first, so that one loss is not the whole story."""
ERRORS: dict[int, str] = {
    ErrorCode.KIND: "the kind of request is unknown to it",
    ErrorCode.SPACE: "it has no such memory or line",
    ErrorCode.LENGTH: "the request's length does not fit",
    ErrorCode.IMAGE: "the image does not fit its rows",
}


class Undone(UserError):
    """A machine may no longer be what it was programmed to be: it must be programmed anew."""


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
    carried : int
        Bytes so far, both ways.
    repeated : int
        Old frames so far that were carried again.
    next_tag : int
        Of the next request.
    owed : set of int
        Tags that were sent and not answered, those of frames that got lost among them: they may
        come late, which does no harm where only that is written again which is there.
    session : int
        Number in every answer of a device that has not been reset since.
    is_open : bool
        Whether the device has taken that number.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.name = transport.name
        self.window = MIN_WINDOW
        self.resent = self.told = self.repeated = 0
        # Any numbers but those of the host before, of whom there may be frames on the way.
        self.next_tag = secrets.randbelow(NO_TAG)
        self.session = secrets.randbelow(MAX_SESSION) + 1
        self.is_open = False
        self._deframer = Deframer()
        self.owed: set[int] = set()
        self.carried = 0
        self._answered = NO_TAG  # the tag that was answered last

    @property
    def damaged(self) -> int:
        """Frames that the device or the host found damaged so far."""
        return self.told + self._deframer.bad

    @property
    def mishaps(self) -> tuple[int, int, int]:
        """What went wrong so far: frames that came damaged or again, and requests sent again."""
        return self.damaged, self.repeated, self.resent

    @property
    def bearable(self) -> int:
        """Size in bytes of the frames that waste least on this line.

        With errors at a rate of p a byte, a frame of n bytes costs ``(n + c) / n`` times its
        content and gets lost in about ``n p`` of all cases: least at ``sqrt(c / p)``.
        """
        if not self.resent:
            return self.window
        carried = self.carried + USUALLY_WHOLE
        return min(self.window, math.isqrt(FRAME_BYTES * carried // self.resent))

    def frame(self, kind: int, body: bytes) -> bytes:
        """The frame of a request with the next tag; raise if the device has no room for it."""
        frame = encode_frame(bytes([kind, *self.next_tag.to_bytes(2, "little")]) + body)
        if len(frame) > self.window and not self.transport.holds_back:
            raise UserError(
                f"a request of {len(frame)} bytes does not fit the window of {self.name}, "
                f"{self.window} bytes; build it with a larger window"
            )
        return frame

    def take_tag(self) -> int:
        """The next tag, which is then another's."""
        tag, self.next_tag = self.next_tag, (self.next_tag + 1) % NO_TAG
        self.owed.add(tag)
        return tag

    def account(self, tag: int) -> None:
        """Take note that a tag was answered; raise `Undone` if it was answered too often.

        Then the line has carried an old frame again, and what that wrote is there now. A frame
        that comes twice in a row does no harm: nothing was carried out between.
        """
        if tag in self.owed:
            self.owed.remove(tag)
        elif self.is_open and tag != self._answered:
            self.repeated += 1
            raise Undone(
                f"{self.name} was sent an old request again, by whatever carries the line: it may "
                "no longer be what it was programmed to be; run this again"
            )
        self._answered = tag

    def forget_lost(self) -> None:
        """Expect no late answer to what got lost, since what is written next is something else."""
        sent = (self.next_tag - self._answered) % NO_TAG
        self.owed = {tag for tag in self.owed if (tag - self._answered) % NO_TAG < sent}

    def exchange(self, data: bytes, timeout: float) -> tuple[int, list[bytes]]:
        """Send what can be sent at once; how much that was, and payloads that have come."""
        sent, received = self.transport.exchange(data, timeout)
        self.carried += sent + len(received)
        return sent, self._deframer.feed(received) if received else []

    @contextlib.contextmanager
    def until_silent(self, what: str) -> Iterator[None]:
        """Turn the time-out of a device that does not answer into a line; `what` begins it."""
        try:
            yield
        except TimeoutError:
            damage = f" ({self.damaged:,} frames came damaged)" if self.damaged else ""
            raise UserError(f"{what}{damage}; {self.transport.advice}") from None

    def check_session(self, number: int) -> None:
        """Raise `Undone` if an answer's session shows that the device is another's, or nobody's.

        An old answer of another session looks like another program. Work that is done again tells
        them apart: a program that lives takes the device again.
        """
        if not self.is_open or number == self.session:
            return
        if number == NO_SESSION:
            raise Undone(
                f"{self.name} was reset: it is no longer what it was programmed to be; "
                "run this again"
            )
        raise Undone(
            f"{self.name} was taken by another program, or an old frame came again: it may no "
            "longer be what it was programmed to be; run this again"
        )

    def too_bad(self) -> NoReturn:
        """Raise, since a request got lost too often."""
        if not self.is_open:
            raise TimeoutError
        raise UserError(
            f"the line to {self.name} is too bad: {self.damaged:,} frames came damaged, and "
            f"{self.resent:,} requests had to be sent again; look at the cable, or take a "
            "lower baud rate"
        )

    def refused(self, body: bytes) -> UserError:
        """What to raise since the device has refused a request with this answer."""
        code = body[0] if body else 0
        reason = ERRORS.get(code) or f"error {code}"
        return UserError(f"{self.name} refused a request: {reason}")
