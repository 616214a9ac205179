"""Line that carries frames: tags, the window, losses, and the session of the device."""

import contextlib
import math
import secrets
from collections.abc import Iterator
from typing import NoReturn

from allspin.hdl.link.protocol import (
    MAX_SESSION,
    MIN_WINDOW,
    NO_SESSION,
    NO_TAG,
    ErrorCode,
)
from allspin.host.link.frames import Deframer, encode_frame
from allspin.host.link.transport import Transport
from allspin.sim.errors import UserError

FRAME_BYTES = 12
"""Bytes of a frame besides its content: header, CRC, framing, and the start of its answer."""
USUALLY_WHOLE = 2048
"""Bytes that count as carried before the first one, so that a single loss weighs little."""
ERRORS: dict[int, str] = {
    ErrorCode.KIND: "the kind of request is unknown to it",
    ErrorCode.SPACE: "it has no such memory or line",
    ErrorCode.LENGTH: "the request's length does not fit",
    ErrorCode.IMAGE: "the image does not fit its rows",
}


class Undone(UserError):
    """Error of a machine that may have lost its program, and must be programmed anew."""


class Line:
    """Line to a device, with an account of the frames that it carries.

    Parameters
    ----------
    transport : Transport
        The stream.

    Attributes
    ----------
    window : int
        Bytes of requests that may be under way.
    resent : int
        Requests sent again so far.
    told : int
        Damaged frames that the device has reported so far.
    carried : int
        Bytes carried so far in both directions.
    repeated : int
        Old frames that the line has carried again so far.
    next_tag : int
        Tag of the next request.
    owed : set of int
        Tags without an answer yet, lost frames included: a late answer to these is harmless as long
        as the host writes nothing new.
    session : int
        Number in every answer of the device until its reset.
    is_open : bool
        True if the device has taken that number.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.name = transport.name
        self.window = MIN_WINDOW
        self.resent = self.told = self.repeated = 0
        # A random first tag: frames of an earlier host may still be under way.
        self.next_tag = secrets.randbelow(NO_TAG)
        self.session = secrets.randbelow(MAX_SESSION) + 1
        self.is_open = False
        self._deframer = Deframer()
        self.owed: set[int] = set()
        self.carried = 0
        self._answered = NO_TAG  # the tag that was answered last

    @property
    def damaged(self) -> int:
        """Frames so far that the device or the host found damaged."""
        return self.told + self._deframer.bad

    @property
    def mishaps(self) -> tuple[int, int, int]:
        """Counts of damaged frames, repeated frames and requests sent again."""
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
        """Return a request's frame with the next tag; raise if the device has no room for it."""
        frame = encode_frame(bytes([kind, *self.next_tag.to_bytes(2, "little")]) + body)
        if len(frame) > self.window and not self.transport.holds_back:
            raise UserError(
                f"a request of {len(frame)} bytes does not fit the window of {self.name}, "
                f"{self.window} bytes; build it with a larger window"
            )
        return frame

    def take_tag(self) -> int:
        """Use the next tag, and return it."""
        tag, self.next_tag = self.next_tag, (self.next_tag + 1) % NO_TAG
        self.owed.add(tag)
        return tag

    def account(self, tag: int) -> None:
        """Record that a tag was answered; raise `Undone` if it was answered before.

        A second answer means that the line has carried an old frame again, and the device has
        written its content. A frame that comes twice in a row does no harm: the device carried out
        nothing between the two.
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
        """Forget lost frames, whose late answers no longer are harmless after a new write."""
        sent = (self.next_tag - self._answered) % NO_TAG
        self.owed = {tag for tag in self.owed if (tag - self._answered) % NO_TAG < sent}

    def exchange(self, data: bytes, timeout: float) -> tuple[int, list[bytes]]:
        """Send bytes without waiting; return their number, and the payloads that have arrived."""
        sent, received = self.transport.exchange(data, timeout)
        self.carried += sent + len(received)
        return sent, self._deframer.feed(received) if received else []

    @contextlib.contextmanager
    def until_silent(self, what: str) -> Iterator[None]:
        """Turn the time-out of a silent device into a `UserError` that begins with these words."""
        try:
            yield
        except TimeoutError:
            damage = f" ({self.damaged:,} frames came damaged)" if self.damaged else ""
            raise UserError(f"{what}{damage}; {self.transport.advice}") from None

    def check_session(self, number: int) -> None:
        """Raise `Undone` if an answer shows that the device was reset, or serves another host.

        An old answer of another session looks the same. Repeating the work tells them apart: a
        host that is alive takes the device again.
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
        """Raise an error for a request that got lost too often."""
        if not self.is_open:
            raise TimeoutError
        raise UserError(
            f"the line to {self.name} is too bad: {self.damaged:,} frames came damaged, and "
            f"{self.resent:,} requests had to be sent again; look at the cable, or take a "
            "lower baud rate"
        )

    def refused(self, body: bytes) -> UserError:
        """Return the error for a request that the device refused with this answer."""
        code = body[0] if body else 0
        reason = ERRORS.get(code) or f"error {code}"
        return UserError(f"{self.name} refused a request: {reason}")
