"""A session with a device: requests, their answers, and what is done where either gets lost."""

import math
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

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
from allspin.host.link.wire.frames import Deframer, encode_frame
from allspin.host.link.wire.sendings import Sendings
from allspin.host.link.wire.transport import Transport
from allspin.sim.errors import UserError

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
FRAME_BYTES = 12
"""What a frame costs whatever it carries: its head, its CRC, its framing, its answer's start."""

USUALLY_WHOLE = 2048
"""Bytes that count as carried whole before the first, so that one loss is not the whole story."""

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


class Session:
    """Requests to a device and their answers, over a stream that may lose or damage both.

    Each request is answered before `ask` returns, and answers come in the order in which
    requests arrive. So whatever is asked next finds all of it done: where the order matters,
    ask twice. Within one `ask` a frame that is sent again arrives behind later ones.

    Parameters
    ----------
    transport : Transport
        The stream.

    Attributes
    ----------
    name : str
        What messages call the device.
    window : int
        Bytes of requests that may be under way.
    slowness : float
        How much longer than a board the device may take to answer.
    resent : int
        Requests that were sent again so far.
    damaged : int
        Frames that the device or the host found damaged so far.
    """

    def __init__(self, transport: Transport) -> None:
        self.name = transport.name
        self.window = MIN_WINDOW
        self.slowness = 1.0
        self.resent = 0
        self._transport = transport
        self._deframer = Deframer()
        self._told = 0  # errors of frames that the device has answered
        self._carried = 0  # bytes, both ways
        self._tag = 0
        # Any number but that of the host before, whose answers may still be on their way.
        self._number = secrets.randbelow(MAX_SESSION) + 1
        self._open = False

    @property
    def damaged(self) -> int:
        """Frames that the device or the host found damaged so far."""
        return self._told + self._deframer.bad

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
            (identity,) = self._ask(
                Request.IDENTIFY,
                [bytes([self._number])],
                NO_PROGRESS,
                (transport.probe_timeout, transport.probe_timeout),
                MAX_OPENINGS,
            )
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
        transport = self._transport
        longest = transport.timeout * self.slowness + seconds
        first = min(longest, transport.latency * self.slowness + seconds)
        try:
            return self._ask(kind, bodies, progress, (first, longest), MAX_LOSSES)
        except TimeoutError:
            raise UserError(
                f"{self.name} does not answer any more{self._damage()}; {transport.advice}"
            ) from None

    def _damage(self) -> str:
        return f" ({self.damaged:,} frames came damaged)" if self.damaged else ""

    def _ask(
        self,
        kind: Request,
        bodies: Iterable[bytes],
        progress: Progress,
        patience: tuple[float, float],
        max_losses: int,
    ) -> list[bytes]:
        """`ask`, which raises TimeoutError where a device is silent for too long."""
        transport = self._transport
        expected = Answer.LOGITS if kind == Request.NUMBERED else kind | 0x80
        coming = iter(bodies)
        following = next(coming, None)
        answers: list[bytes] = []
        under_way: dict[int, _UnderWay] = {}  # by tag
        sendings = Sendings()
        gone: dict[int, None] = {}  # tags of those under way of which no frame is on its way
        out = bytearray(b"\0")  # ends whatever was under way before
        used = answered = 0
        suspected = 0  # damaged frames that no later answer has explained
        shortest, longest = patience
        slowest = 0.0  # answer so far: a busy device or host has more time
        wait = shortest
        silent = 0.0  # seconds without a good frame
        deadline = time.monotonic() + wait

        def send(tag: int) -> None:
            under_way[tag].asked = math.nan if sendings.pending(tag) else time.monotonic()
            sendings.sent(tag)
            gone.pop(tag, None)
            out.extend(under_way[tag].frame)

        def send_lost(tags: Iterable[int]) -> None:
            for tag in tags:
                request = under_way[tag]
                request.losses += 1
                if request.losses >= max_losses:
                    self._too_bad()
                self.resent += 1
                send(tag)

        def probe() -> None:
            # All may be lost: what becomes of one more frame tells. It may come too early, and so
            # is no loss.
            nonlocal suspected
            last = sendings.newest(under_way)
            sendings.forget()
            gone.update(dict.fromkeys(under_way))
            suspected = 0
            self.resent += 1
            send(last)

        while under_way or following is not None:
            while following is not None and len(out) < MAX_CHUNK:
                if len(under_way) >= MAX_UNDER_WAY:
                    break
                tag = self._tag
                frame = encode_frame(bytes([kind, tag & 0xFF, tag >> 8]) + following)
                if not transport.holds_back:
                    if len(frame) > self.window:
                        raise UserError(
                            f"a request of {len(frame)} bytes does not fit the window of "
                            f"{self.name}, {self.window} bytes; build it with a larger window"
                        )
                    if used + len(frame) > self.window:
                        break
                under_way[tag] = _UnderWay(len(answers), frame)
                send(tag)
                answers.append(b"")
                self._tag = (tag + 1) % NO_TAG
                used += len(frame)
                following = next(coming, None)

            sent, received = transport.exchange(
                bytes(out[:MAX_CHUNK]), max(0.0, deadline - time.monotonic())
            )
            del out[:sent]
            self._carried += sent + len(received)
            before = answered, self.damaged
            for payload in self._deframer.feed(received) if received else ():
                silent = 0.0
                tag, body = payload[1] | payload[2] << 8, payload[ANSWER_HEADER_BYTES:]
                self._check_session(payload[3])
                if payload[0] == Answer.ERROR:
                    if tag == NO_TAG:
                        self._told += 1
                    elif tag in under_way:
                        self._refused(body)
                    continue
                if payload[0] != expected or payload[3] != self._number:
                    continue  # of a host before
                known = sendings.pending(tag)
                lost = sendings.answered(tag)
                suspected = max(0, suspected - len(lost))
                gone.update((t, None) for t in lost if t in under_way and not sendings.pending(t))
                if tag in under_way:
                    request = under_way.pop(tag)
                    gone.pop(tag, None)
                    answers[request.index] = body
                    used -= len(request.frame)
                    answered += 1
                    slowest = max(slowest, time.monotonic() - request.asked)
                if known:
                    send_lost(list(gone))
            now = time.monotonic()
            if answered > before[0]:
                progress(answered)
            if answered > before[0] or sent:
                wait = min(longest, max(shortest, 2 * slowest))
                deadline = now + wait
            # What got lost shows when a later request is answered. There is no later one where all
            # that are under way came damaged, and none behind the last. Two come as one damaged
            # frame where the first one's end is hit.
            damaged = self.damaged - before[1]
            suspected += damaged
            if damaged and not out and suspected >= len(sendings):
                sendings.forget()
                send_lost(under_way)
                suspected = 0
            elif damaged and not out and following is None and 2 * suspected >= len(sendings):
                probe()
            elif now >= deadline:
                silent += wait
                if transport.holds_back or silent > (transport.attempts - 0.5) * longest:
                    raise TimeoutError
                wait = min(2 * wait, longest)
                deadline = now + wait
                if not out and under_way:
                    out += b"\0"  # ends a frame whose own end got lost
                    probe()
        return answers

    def _check_session(self, number: int) -> None:
        """Raise if the device is not any more what this session has made of it."""
        if not self._open or number == self._number:
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

    def _too_bad(self) -> None:
        frames = f"{self.damaged:,} frames came damaged"
        if not self._open:
            raise TimeoutError
        raise UserError(
            f"the line to {self.name} is too bad: {frames}, and {self.resent:,} requests had to "
            "be sent again; look at the cable, or take a lower baud rate"
        )

    def _refused(self, body: bytes) -> None:
        code = body[0] if body else 0
        reason = ERRORS.get(ErrorCode(code)) if code in set(ErrorCode) else None
        raise UserError(f"{self.name} refused a request: {reason or f'error {code}'}")
