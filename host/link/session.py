"""A session with a device: requests, their answers, and what is done where either gets lost."""

import math
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from allspin.hdl.link.protocol import (
    ANSWER_HEADER_BYTES,
    MAX_SESSION,
    MIN_WINDOW,
    NO_SESSION,
    NO_TAG,
    Answer,
    ErrorCode,
    Request,
)
from allspin.host.link.frames import Deframer, encode_frame
from allspin.host.link.groups import AskingGroups, Group
from allspin.host.link.transport import Transport
from allspin.sim.errors import UserError

# A stream with frames on it, and what it has carried and lost so far.

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


# What has been sent and not yet been heard of.


class Sendings:
    """Frames that have been sent, in their order, until it is known what became of each.

    A device answers in the order in which frames arrive, each at most once. So an answer tells
    that whatever was sent before its frame, and was not answered, got lost. Where a request was
    sent several times, its answer may be that to the first one: only what was sent before that
    one is known to be lost. So what is sent again too early does not have more sent again.
    """

    def __init__(self) -> None:
        self._order: deque[int] = deque()  # tags
        self._number: Counter[int] = Counter()  # of each tag

    def __len__(self) -> int:
        """How many frames nothing is known of."""
        return len(self._order)

    def sent(self, tag: int) -> None:
        """A request has been sent, for the first time or again."""
        self._order.append(tag)
        self._number[tag] += 1

    def answered(self, tag: int) -> list[int]:
        """An answer has come; tags of the frames that got lost, as it shows, in their order."""
        lost: list[int] = []
        if self._number[tag]:
            while (earlier := self._order.popleft()) != tag:
                self._number[earlier] -= 1
                lost.append(earlier)
            self._number[tag] -= 1
        return lost

    def pending(self, tag: int) -> bool:
        """Whether a frame of a request is among them."""
        return self._number[tag] > 0

    def newest(self, tags: Container[int]) -> int:
        """The one of some tags whose frame was sent last."""
        return next(tag for tag in reversed(self._order) if tag in tags)

    def forget(self) -> None:
        """Nothing of what was sent is expected to be answered any more."""
        self._order.clear()
        self._number.clear()


Progress = Callable[[int], None]
"""Called with the number of requests answered so far."""
NO_PROGRESS: Progress = lambda done: None  # noqa: E731

MAX_UNDER_WAY = 4096
"""Requests under way on a stream that holds the sender back: some hundred kilobytes."""
MAX_CHUNK = 1 << 16
"""Bytes that are offered to the stream at once."""
MAX_LOSSES = 32
"""How often one request gets lost before a line counts as too bad."""
MAX_OPENINGS = 8
"""The same of the first request, which may meet another baud rate: noise that never ends."""
ERRORS = {
    ErrorCode.KIND: "the kind of request is unknown to it",
    ErrorCode.SPACE: "it has no such memory or line",
    ErrorCode.LENGTH: "the request's length does not fit",
    ErrorCode.IMAGE: "the image does not fit its rows",
}


@dataclass(slots=True)
class _UnderWay:
    """A request that has no answer yet."""

    index: int
    frame: bytes
    losses: int = 0
    asked: float = 0.0  # when it was sent, unless it was sent again


class _Asking:
    """Requests of one kind, from the first that is sent to the last that is answered.

    Parameters
    ----------
    session : Session
        Whose they are.
    kind : Request
        What is asked for.
    patience : tuple of float
        Seconds after which an answer is usually there, and after which it does not come any more.
    max_losses : int
        How often one of them may get lost.
    """

    def __init__(
        self, session: "Session", kind: Request, patience: tuple[float, float], max_losses: int
    ) -> None:
        self._session, self._line = session, session.line
        self._kind, self._max_losses = kind, max_losses
        self._expected = Answer.LOGITS if kind == Request.NUMBERED else kind | 0x80
        self._answers: list[bytes] = []
        self._answered = 0
        self._under_way: dict[int, _UnderWay] = {}  # by tag
        self._used = 0  # bytes of those
        self._sendings = Sendings()
        self._gone: dict[int, None] = {}  # tags of those under way of which no frame is on its way
        self._out = bytearray(b"\0")  # ends whatever was under way before
        self._suspected = 0  # damaged frames that no later answer has explained
        self._shortest, self._longest = patience
        self._slowest = 0.0  # answer so far: a busy device or host has more time
        self._wait = self._shortest
        self._silent = 0.0  # seconds without a good frame
        self._deadline = time.monotonic() + self._wait

    def answers(self, bodies: Iterable[bytes], progress: Progress) -> list[bytes]:
        """Send requests, and return the bodies of their answers in order.

        Raises
        ------
        UserError
            As of `Session.ask`.
        TimeoutError
            If the device is silent for too long.
        """
        coming = iter(bodies)
        following = next(coming, None)
        while self._under_way or following is not None:
            while following is not None and self._take(following):
                following = next(coming, None)
            answered, damaged = self._answered, self._line.damaged
            sent, payloads = self._line.exchange(
                bytes(self._out[:MAX_CHUNK]), max(0.0, self._deadline - time.monotonic())
            )
            del self._out[:sent]
            for payload in payloads:
                self._receive(payload)
            now = time.monotonic()
            if self._answered > answered:
                progress(self._answered)
            if self._answered > answered or sent:
                self._wait = min(self._longest, max(self._shortest, 2 * self._slowest))
                self._deadline = now + self._wait
            if not self._ask_for_damaged(self._line.damaged - damaged, following is None):
                self._ask_for_silent(now)
        return self._answers

    def _take(self, body: bytes) -> bool:
        """Put one more request under way, and say so, if there is room for it."""
        if len(self._out) >= MAX_CHUNK or len(self._under_way) >= MAX_UNDER_WAY:
            return False
        line = self._line
        tag = line.next_tag
        frame = encode_frame(bytes([self._kind, tag & 0xFF, tag >> 8]) + body)
        if not line.transport.holds_back:
            self._session.check_window(len(frame))
            if self._used + len(frame) > line.window:
                return False
        line.next_tag = (tag + 1) % NO_TAG
        self._under_way[tag] = _UnderWay(len(self._answers), frame)
        self._send(tag)
        self._answers.append(b"")
        self._used += len(frame)
        return True

    def _send(self, tag: int) -> None:
        request = self._under_way[tag]
        request.asked = math.nan if self._sendings.pending(tag) else time.monotonic()
        self._sendings.sent(tag)
        self._gone.pop(tag, None)
        self._out.extend(request.frame)

    def _send_lost(self, tags: Iterable[int]) -> None:
        for tag in tags:
            request = self._under_way[tag]
            request.losses += 1
            if request.losses >= self._max_losses:
                self._session.too_bad()
            self._line.resent += 1
            self._send(tag)

    def _probe(self) -> None:
        # All may be lost: what becomes of one more frame tells. It may come too early, and so
        # is no loss.
        last = self._sendings.newest(self._under_way)
        self._sendings.forget()
        self._gone.update(dict.fromkeys(self._under_way))
        self._suspected = 0
        self._line.resent += 1
        self._send(last)

    def _receive(self, payload: bytes) -> None:
        """Take what one frame of the device says."""
        self._silent = 0.0
        tag, body = payload[1] | payload[2] << 8, payload[ANSWER_HEADER_BYTES:]
        self._session.check(payload[3])
        if payload[0] == Answer.ERROR:
            if tag == NO_TAG:
                self._line.told += 1
            elif tag in self._under_way:
                self._session.refused(body)
            return
        if payload[0] != self._expected or payload[3] != self._session.number:
            return  # of a host before
        known = self._sendings.pending(tag)
        lost = self._sendings.answered(tag)
        self._suspected = max(0, self._suspected - len(lost))
        for each in lost:
            if each in self._under_way and not self._sendings.pending(each):
                self._gone[each] = None
        if tag in self._under_way:
            request = self._under_way.pop(tag)
            self._gone.pop(tag, None)
            self._answers[request.index] = body
            self._used -= len(request.frame)
            self._answered += 1
            self._slowest = max(self._slowest, time.monotonic() - request.asked)
        if known:
            self._send_lost(list(self._gone))

    def _ask_for_damaged(self, damaged: int, all_sent: bool) -> bool:
        """Ask again for what so many damaged frames may have been, and say whether that was due.

        What got lost shows when a later request is answered. There is no later one where all that
        are under way came damaged, and none behind the last. Two come as one damaged frame where
        the first one's end is hit.
        """
        self._suspected += damaged
        if not damaged or self._out:
            return False
        if self._suspected >= len(self._sendings):
            self._sendings.forget()
            self._send_lost(self._under_way)
            self._suspected = 0
        elif all_sent and 2 * self._suspected >= len(self._sendings):
            self._probe()
        else:
            return False
        return True

    def _ask_for_silent(self, now: float) -> None:
        """Ask again where nothing has come for long; raise TimeoutError where it was too long."""
        if now < self._deadline:
            return
        transport = self._line.transport
        self._silent += self._wait
        if transport.holds_back or self._silent > (transport.attempts - 0.5) * self._longest:
            raise TimeoutError
        self._wait = min(2 * self._wait, self._longest)
        self._deadline = now + self._wait
        if not self._out and self._under_way:
            self._out += b"\0"  # ends a frame whose own end got lost
            self._probe()


class Session:
    """Requests to a device and their answers, over a stream that may lose or damage both.

    Each request is answered before `ask` returns, and answers come in the order in which
    requests arrive. So whatever is asked next finds all of it done: where the order matters,
    ask twice, or ask for a group. Within one `ask` a frame that is sent again arrives behind later
    ones.

    Parameters
    ----------
    transport : Transport
        The stream.

    Attributes
    ----------
    name : str
        What messages call the device.
    line : Line
        What the stream has carried and lost so far.
    slowness : float
        How much longer than a board the device may take to answer.
    number : int
        The session's, in every answer of a device that has not been reset since.
    """

    def __init__(self, transport: Transport) -> None:
        self.name = transport.name
        self.line = Line(transport)
        self.slowness = 1.0
        # Any number but that of the host before, whose answers may still be on their way.
        self.number = secrets.randbelow(MAX_SESSION) + 1
        self._transport = transport
        self._open = False

    def open(self) -> bytes:
        """Open the session, and return the device's identity, not yet read.

        Raises
        ------
        UserError
            If nothing that speaks the protocol answers.
        """
        self._open = False
        transport = self._transport
        try:
            patience = transport.probe_timeout, transport.probe_timeout
            asking = _Asking(self, Request.IDENTIFY, patience, MAX_OPENINGS)
            (identity,) = asking.answers([bytes([self.number])], NO_PROGRESS)
        except TimeoutError:
            raise UserError(
                f"nothing that speaks allspin's protocol answers on {self.name}"
                f"{self._damage()}; {transport.advice}"
            ) from None
        self._open = True
        return identity

    def ask(
        self,
        kind: Request,
        bodies: Iterable[bytes],
        progress: Progress = NO_PROGRESS,
        *,
        seconds: float = 0.0,
    ) -> list[bytes]:
        """Send requests of one kind, and return the bodies of their answers in order.

        Parameters
        ----------
        kind : Request
            What is asked for.
        bodies : iterable of bytes
            One for each request, taken as there is room for it.
        progress : callable
            Called with the number of requests answered.
        seconds : float
            What the device may need for one request, besides the usual.

        Raises
        ------
        UserError
            If the device does not answer any more, refuses a request, was reset or is gone,
            or the line damages too many frames.
        """
        try:
            return _Asking(self, kind, self._patience(seconds), MAX_LOSSES).answers(
                bodies, progress
            )
        except TimeoutError:
            raise self._silent() from None

    def ask_groups(
        self, groups: Sequence[Group], progress: Progress = NO_PROGRESS, *, seconds: float = 0.0
    ) -> list[list[bytes]]:
        """Send requests that depend on one another, and return the bodies of their answers.

        The requests of a group may depend on one another, and undo what the group before did:
        they are carried out in their order, though several are under way. None may depend on an
        earlier group. What comes of a group is the same however often it is carried out.

        Parameters
        ----------
        groups : sequence of sequence of (Request, bytes)
            Kinds and bodies.
        progress : callable
            Called with the number of groups answered.
        seconds : float
            What the device may need for a group, besides the usual.

        Returns
        -------
        list of list of bytes
            For each group, the bodies of its answers.

        Raises
        ------
        UserError
            As of `ask`.
        """
        try:
            return AskingGroups(self, self._patience(seconds)).answers(groups, progress)
        except TimeoutError:
            raise self._silent() from None

    def _patience(self, seconds: float) -> tuple[float, float]:
        """Seconds after which an answer is usually there, and after which it does not come."""
        transport = self._transport
        longest = transport.timeout * self.slowness + seconds
        return min(longest, transport.latency * self.slowness + seconds), longest

    def _silent(self) -> UserError:
        return UserError(
            f"{self.name} does not answer any more{self._damage()}; {self._transport.advice}"
        )

    def check_window(self, size: int) -> None:
        """Raise if a request's frame of so many bytes is longer than the device's window."""
        if size > self.line.window and not self._transport.holds_back:
            raise UserError(
                f"a request of {size} bytes does not fit the window of {self.name}, "
                f"{self.line.window} bytes; build it with a larger window"
            )

    def _damage(self) -> str:
        return f" ({self.line.damaged:,} frames came damaged)" if self.line.damaged else ""

    def check(self, number: int) -> None:
        """Raise if an answer's session shows that the device is no longer what was made of it."""
        if not self._open or number == self.number:
            return
        if number == NO_SESSION:
            raise UserError(
                f"{self.name} was reset: it is no longer what it was programmed to be; "
                "run this again"
            )
        raise UserError(
            f"{self.name} was taken by another program: it may no longer be what it was "
            "programmed to be; run this again when it is free"
        )

    def too_bad(self) -> NoReturn:
        """Raise, since a request got lost too often."""
        if not self._open:
            raise TimeoutError
        raise UserError(
            f"the line to {self.name} is too bad: {self.line.damaged:,} frames came damaged, and "
            f"{self.line.resent:,} requests had to be sent again; look at the cable, or take a "
            "lower baud rate"
        )

    def refused(self, body: bytes) -> NoReturn:
        """Raise, since the device has refused a request with this answer."""
        code = body[0] if body else 0
        reason = ERRORS.get(ErrorCode(code)) if code in set(ErrorCode) else None
        raise UserError(f"{self.name} refused a request: {reason or f'error {code}'}")
