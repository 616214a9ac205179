"""Sessions with a device: requests and their answers over a line that may lose or damage frames.

A stream keeps its order, and a device answers each frame at most once. An answer thus shows that
frames sent before its own, and not answered, are lost. A request that is sent again has a new tag,
so an answer to its earlier frame is not taken for its own. An answer to a tag that was never sent
shows that the line has carried an old frame again (`Line.account`).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from allspin.hdl.link.protocol import ANSWER_HEADER_BYTES, NO_TAG, Answer, Request
from allspin.host.link.line import Line
from allspin.host.link.transport import Transport

Progress = Callable[[int], None]
"""Callback with the number of requests, or groups, answered so far."""
NO_PROGRESS: Progress = lambda done: None  # noqa: E731
Group = Sequence[tuple[Request, bytes]]
"""Kinds and bodies of requests, in the order in which the device carries them out."""

MAX_UNDER_WAY = 4096
"""Most requests under way on a stream that holds the sender back: some hundred kilobytes."""
MAX_CHUNK = 1 << 16
"""Most bytes that are offered to the stream at once."""
MAX_LOSSES = 32
"""Losses of one group, with no other answered between, after which a line is too bad."""
BAD_SECONDS = 20.0
"""Seconds on the line without a newly answered group after which it is too bad; four times the
longest time of an answer, if that is more."""
MAX_OPENINGS = 8
"""Losses of the first request, which may meet another baud rate: endless noise."""


@dataclass(slots=True, eq=False)
class _Asked:
    """Group of requests, with the answers to its present sending.

    Attributes
    ----------
    losses : int
        Lost sendings.
    vain : int
        Those since any group was answered.
    done : int
        Number of answered groups when it was lost last.
    """

    requests: Group
    answers: list[bytes] = field(default_factory=list)
    losses: int = 0
    vain: int = 0
    done: int = 0


class _Frame(NamedTuple):
    """Frame under way; `group` is None if it probes the line, `losses` names the sending."""

    tag: int
    kind: Request
    size: int
    sent: float
    group: _Asked | None = None
    losses: int = 0


class Asking:
    """Transfer of groups of requests, from the first frame to the last answer.

    A group that loses a frame is sent again as a whole. When the line is silent for long, or half
    of the frames under way may be damaged, an IDENTIFY that changes nothing probes the line: its
    answer shows that each frame before it is answered or lost.

    Parameters
    ----------
    line : Line
        Line that carries the frames.
    patience : tuple of float
        Seconds after which an answer usually has come, and after which it is given up.
    max_losses : int
        How often a group may get lost while no other is answered.
    """

    def __init__(
        self, line: Line, patience: tuple[float, float], max_losses: int = MAX_LOSSES
    ) -> None:
        self._line, self._max_losses = line, max_losses
        self._usual, self._longest = patience
        self._out = bytearray(b"\0")  # ends any frame that an earlier host began
        self._under_way: deque[_Frame] = deque()  # their tags follow one another
        self._used = 0  # bytes of those
        self._again: deque[_Asked] = deque()
        self._done = 0
        self._stalled = 0.0  # seconds on the line since a group was answered
        self._suspected = 0  # damaged frames that no later answer has explained
        self._probes = 0  # for those, since anything came whole
        self._silent = 0.0  # seconds without a good frame
        self._wait = self._deadline = 0.0

    def answers(self, groups: Iterable[Group], progress: Progress) -> list[list[bytes]]:
        """Send groups, and return the bodies of the answers to each.

        Raises
        ------
        UserError
            As of `Session.ask`.
        TimeoutError
            If the device is silent for too long.
        """
        asked: list[_Asked] = []
        coming = self._requests(groups, asked)
        following = None
        self._expect_within(self._usual)
        while True:
            following = following or next(coming)
            while following is not None and self._take(*following):
                following = next(coming)
            if following is None and self._done == len(asked):
                return [group.answers for group in asked]
            done, under_way = self._done, len(self._under_way)
            sent, damaged = self._timed_exchange()
            if self._done > done:
                progress(self._done)
            if sent or len(self._under_way) < under_way:
                self._expect_within(min(self._longest, self._usual))
            self._suspected += damaged
            if damaged and not self._out and 2 * self._suspected >= len(self._under_way):
                self._probes += 1
                if self._probes >= self._max_losses:
                    self._line.too_bad()
                self._probe()
            elif self._is_overdue() and not self._out:
                self._out += b"\0"  # ends a frame whose own end got lost
                self._probe()

    def _requests(
        self, groups: Iterable[Group], asked: list[_Asked]
    ) -> Iterator[tuple[_Asked, int, Request, bytes] | None]:
        """Generate the next request, of lost groups first; None while no request is left."""
        coming = iter(groups)
        while True:
            if self._again:
                group = self._again.popleft()
            elif (requests := next(coming, None)) is not None:
                group = _Asked(requests)
                asked.append(group)
            else:
                yield None
                continue
            losses = group.losses
            for kind, body in group.requests:
                if group.losses == losses:
                    yield group, losses, kind, body

    def _take(self, group: _Asked, losses: int, kind: Request, body: bytes) -> bool:
        """Put a request under way if it has room; return True if it is under way or obsolete."""
        line = self._line
        if group.losses > losses:
            return True  # lost meanwhile: it is sent again from its first request
        if len(self._out) >= MAX_CHUNK or len(self._under_way) >= MAX_UNDER_WAY:
            return False
        frame = line.frame(kind, body)
        used = self._used + len(frame)
        if not line.transport.holds_back and self._under_way and used > line.window:
            return False
        self._send(kind, frame, group)
        return True

    def _send(self, kind: Request, frame: bytes, group: _Asked | None = None) -> None:
        tag, size = self._line.take_tag(), len(frame)
        losses = 0 if group is None else group.losses
        self._under_way.append(_Frame(tag, kind, size, self._line.transport.clock(), group, losses))
        self._used += size
        self._out += frame

    def _probe(self) -> None:
        """Send an IDENTIFY, whose answer shows the fate of every frame before it."""
        line = self._line
        body = b"" if line.is_open else bytes([line.session])
        self._send(Request.IDENTIFY, line.frame(Request.IDENTIFY, body))

    def _timed_exchange(self) -> tuple[int, int]:
        """Exchange bytes, as `_exchange`; raise if no group has been answered for long."""
        clock = self._line.transport.clock
        start = clock()
        done = self._done
        counts = self._exchange()
        self._stalled = 0.0 if self._done > done else self._stalled + clock() - start
        if self._stalled > max(BAD_SECONDS, 4 * self._longest):
            self._line.too_bad()
        return counts

    def _exchange(self) -> tuple[int, int]:
        """Exchange bytes; return the number that was sent, and the frames found damaged."""
        line = self._line
        damaged = line.damaged
        patience = max(0.0, self._deadline - self._line.transport.clock())
        sent, payloads = line.exchange(bytes(self._out[:MAX_CHUNK]), patience)
        del self._out[:sent]
        for payload in payloads:
            self._silent = 0.0
            kind, session = payload[0], payload[3]
            tag, body = payload[1] | payload[2] << 8, payload[ANSWER_HEADER_BYTES:]
            line.check_session(session)
            if tag != NO_TAG and session == line.session:
                line.account(tag)
            if kind == Answer.ERROR:
                if tag == NO_TAG:
                    line.told += 1
                elif self._is_under_way(tag):
                    raise line.refused(body)
            elif session == line.session and self._is_under_way(tag):  # else of a host before
                self._receive(kind, tag, body)
        return sent, line.damaged - damaged

    def _is_under_way(self, tag: int) -> bool:
        if tag == NO_TAG or not self._under_way:
            return False  # no request has NO_TAG, which is 0 modulo itself
        return (tag - self._under_way[0].tag) % NO_TAG < len(self._under_way)

    def _receive(self, kind: int, tag: int, body: bytes) -> None:
        """Record an answer of this session; unanswered frames sent before it are lost."""
        self._probes = 0
        while (frame := self._under_way.popleft()).tag != tag:
            self._used -= frame.size
            self._suspected = max(0, self._suspected - 1)
            self._lose(frame)
        self._used -= frame.size
        self._usual = max(self._usual, 2 * (self._line.transport.clock() - frame.sent))
        group, asked = frame.group, frame.kind
        if kind != (Answer.LOGITS if asked == Request.NUMBERED else asked | 0x80):
            self._lose(frame)
        elif group is not None and frame.losses == group.losses:
            group.answers.append(body)
            self._done += len(group.answers) == len(group.requests)

    def _lose(self, frame: _Frame) -> None:
        """Queue a frame's group for sending again, unless it is queued already."""
        group = frame.group
        if group is not None and len(group.requests) > 1:
            self._line.owed.discard(frame.tag)  # late, it would come between those of another group
        if group is not None and frame.losses == group.losses:
            group.losses += 1
            group.vain = group.vain + 1 if group.done == self._done else 1
            group.done = self._done
            if group.vain >= self._max_losses:
                self._line.too_bad()
            self._line.resent += len(group.requests)
            group.answers.clear()
            self._again.append(group)

    def _expect_within(self, seconds: float) -> None:
        """Set the deadline of the next answer, in seconds from now."""
        self._wait = seconds
        self._deadline = self._line.transport.clock() + seconds

    def _is_overdue(self) -> bool:
        """Return True if the deadline has passed; raise `TimeoutError` after too long a silence."""
        if self._line.transport.clock() < self._deadline:
            return False
        transport = self._line.transport
        self._silent += self._wait
        if transport.holds_back or self._silent > (transport.attempts - 0.5) * self._longest:
            raise TimeoutError
        self._expect_within(min(2 * self._wait, self._longest))
        return True


class Session:
    """Session with a device: requests and answers over a stream that may lose or damage both.

    The device answers each request before `ask` returns, and the next `ask` finds all of them done:
    where the order matters, call it twice, or send a group. Within one `ask` a request that is
    sent again arrives behind later ones.

    Parameters
    ----------
    transport : Transport
        The stream.

    Attributes
    ----------
    line : Line
        Line that carries the frames, with its account of losses.
    slowness : float
        How much longer than a board the device may take to answer.
    """

    def __init__(self, transport: Transport) -> None:
        self.line = Line(transport)
        self.slowness = 1.0

    def open(self) -> bytes:
        """Open the session, or open it anew, and return the body of the device's identity.

        Raises
        ------
        UserError
            If no device that speaks the protocol answers.
        """
        line, timeout = self.line, self.line.transport.probe_timeout
        line.is_open = False
        asking = Asking(line, (timeout, timeout), MAX_OPENINGS)
        opening = [(Request.IDENTIFY, bytes([line.session]))]
        with line.until_silent(f"nothing that speaks allspin's protocol answers on {line.name}"):
            ((identity,),) = asking.answers([opening], NO_PROGRESS)
        line.is_open = True
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
            Kind of the requests.
        bodies : iterable of bytes
            Bodies of the requests, taken as the window has room.
        progress : callable
            Called with the number of requests answered.
        seconds : float
            Seconds that the device may need for one request beyond the usual.

        Raises
        ------
        Undone
            If an old frame reached the device again, and may have changed its memories.
        UserError
            If the device does not answer any more, refuses a request, was reset or is gone,
            or the line damages too many frames.
        """
        groups = ([(kind, body)] for body in bodies)
        return [answer for (answer,) in self.ask_groups(groups, progress, seconds=seconds)]

    def ask_groups(
        self, groups: Iterable[Group], progress: Progress = NO_PROGRESS, *, seconds: float = 0.0
    ) -> list[list[bytes]]:
        """Send groups of dependent requests, and return the bodies of their answers.

        The requests of a group may depend on one another, and undo the work of another group: the
        device carries them out in order with no other request between, though several groups are
        under way. No request may depend on another group. The result of a group is the same however
        often the device carries it out.

        Parameters
        ----------
        groups : iterable of sequence of (Request, bytes)
            Kinds and bodies, taken as the window has room.
        progress : callable
            Called with the number of groups answered.
        seconds : float
            Seconds that the device may need for a group beyond the usual.

        Returns
        -------
        list of list of bytes
            For each group, the bodies of its answers.

        Raises
        ------
        UserError
            As of `ask`.
        """
        transport = self.line.transport
        longest = transport.timeout * self.slowness + seconds
        usual = min(longest, transport.latency * self.slowness + seconds)
        asking = Asking(self.line, (usual, longest))
        with self.line.until_silent(f"{self.line.name} does not answer any more"):
            return asking.answers(groups, progress)
