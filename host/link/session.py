"""A session with a device: requests, their answers, and what is done where either gets lost."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from allspin.hdl.link.protocol import Answer, Request
from allspin.host.link.groups import AskingGroups, Group
from allspin.host.link.line import MAX_CHUNK, Asking, Line
from allspin.host.link.transport import Transport

Progress = Callable[[int], None]
"""Called with the number of requests answered so far."""
NO_PROGRESS: Progress = lambda done: None  # noqa: E731

MAX_UNDER_WAY = 4096
"""Requests under way on a stream that holds the sender back: some hundred kilobytes."""
MAX_LOSSES = 32
"""How often one request gets lost before a line counts as too bad."""
MAX_OPENINGS = 8
"""The same of the first request, which may meet another baud rate: noise that never ends."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A request: of its frames, `unheard` were sent and it is not known what became of them."""

    index: int
    frame: bytes
    answered: bool = False
    unheard: int = 0
    losses: int = 0
    asked: float = math.nan  # when it was sent, unless it was sent again

    @property
    def is_lost(self) -> bool:
        """Whether no frame of it can bring an answer any more."""
        return not self.answered and not self.unheard


class AskingOneKind(Asking):
    """Requests of one kind that do not depend on one another.

    A device answers in the order in which frames arrive, each at most once. So an answer tells
    that whatever was sent before its frame, and was not answered, got lost. Where a request was
    sent several times, its answer may be that to the first one: only what was sent before that
    one is known to be lost. So what is sent again too early does not have more sent again.

    Parameters
    ----------
    line, patience
        As of `Asking`.
    kind : Request
        What is asked for.
    max_losses : int
        How often one of them may get lost.
    """

    def __init__(
        self, line: Line, patience: tuple[float, float], kind: Request, max_losses: int
    ) -> None:
        super().__init__(line, patience)
        self._kind, self._max_losses = kind, max_losses
        self._expected = Answer.LOGITS if kind == Request.NUMBERED else kind | 0x80
        self._answers: list[bytes] = []
        self._answered = 0
        self._requests: dict[int, _Asked] = {}  # by tag, those unheard of that are answered too
        self._used = 0  # bytes of those that have no answer
        self._unheard: deque[_Asked] = deque()  # one for each frame, in the order of sending
        self._gone: list[_Asked] = []  # that were lost, as far as was known last
        self._suspected = 0  # damaged frames that no later answer has explained
        self._slowest = 0.0  # answer so far: a busy device or host has more time

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
        while self._answered < len(self._answers) or following is not None:
            while following is not None and self._take(following):
                following = next(coming, None)
            answered = self._answered
            sent, damaged = self._exchange()
            if self._answered > answered:
                progress(self._answered)
            if self._answered > answered or sent:
                self._expect_within(min(self._longest, max(self._usual, 2 * self._slowest)))
            if (
                not self._ask_for_damaged(damaged, following is None)
                and self._is_overdue()
                and not self._out
                and self._answered < len(self._answers)
            ):
                self._out += b"\0"  # ends a frame whose own end got lost
                self._probe()
        return self._answers

    def _take(self, body: bytes) -> bool:
        """Put one more request under way, and say so, if there is room for it."""
        line = self._line
        if len(self._out) >= MAX_CHUNK or len(self._answers) - self._answered >= MAX_UNDER_WAY:
            return False
        frame = line.frame(self._kind, body)
        if not line.transport.holds_back and self._used + len(frame) > line.window:
            return False
        request = self._requests[line.take_tag()] = _Asked(len(self._answers), frame)
        self._send(request)
        self._answers.append(b"")
        self._used += len(frame)
        return True

    def _send(self, request: _Asked) -> None:
        request.asked = math.nan if request.unheard else time.monotonic()
        request.unheard += 1
        self._unheard.append(request)
        self._out += request.frame

    def _send_lost(self, requests: Iterable[_Asked]) -> None:
        """Send those again of which no frame is on its way."""
        for request in requests:
            if request.is_lost:
                request.losses += 1
                if request.losses >= self._max_losses:
                    self._line.too_bad()
                self._line.resent += 1
                self._send(request)

    def _forget(self) -> list[_Asked]:
        """Take all that was sent and not answered for lost, and return it."""
        for request in self._unheard:
            request.unheard = 0
        self._unheard.clear()
        self._suspected = 0
        return [request for request in self._requests.values() if request.is_lost]

    def _probe(self) -> None:
        # All may be lost: what becomes of one more frame tells. It may come too early, and so
        # is no loss.
        last = next(request for request in reversed(self._unheard) if not request.answered)
        self._gone = self._forget()
        self._line.resent += 1
        self._send(last)

    def _is_under_way(self, tag: int) -> bool:
        return tag in self._requests and not self._requests[tag].answered

    def _receive(self, kind: int, tag: int, body: bytes) -> None:
        request = self._requests.get(tag)
        if request is None or kind != self._expected:
            return  # of a host before
        heard = request.unheard > 0
        if heard:
            while (earlier := self._unheard.popleft()) is not request:
                earlier.unheard -= 1
                self._gone.append(earlier)
                self._suspected = max(0, self._suspected - 1)
            request.unheard -= 1
        if not request.answered:
            request.answered = True
            self._answers[request.index] = body
            self._used -= len(request.frame)
            self._answered += 1
            self._slowest = max(self._slowest, time.monotonic() - request.asked)
        if not request.unheard:
            del self._requests[tag]
        if heard:
            gone, self._gone = self._gone, []
            self._send_lost(gone)

    def _ask_for_damaged(self, damaged: int, all_sent: bool) -> bool:
        """Ask again for what so many damaged frames may have been, and say whether that was due.

        What got lost shows when a later request is answered. There is no later one where all that
        are under way came damaged, and none behind the last. Two come as one damaged frame where
        the first one's end is hit.
        """
        self._suspected += damaged
        if not damaged or self._out:
            return False
        if self._suspected >= len(self._unheard):
            self._send_lost(self._forget())
        elif all_sent and 2 * self._suspected >= len(self._unheard):
            self._probe()
        else:
            return False
        return True


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
    line : Line
        What the stream has carried and lost so far.
    slowness : float
        How much longer than a board the device may take to answer.
    """

    def __init__(self, transport: Transport) -> None:
        self.line = Line(transport)
        self.slowness = 1.0

    def open(self) -> bytes:
        """Open the session, and return the device's identity, not yet read.

        Raises
        ------
        UserError
            If nothing that speaks the protocol answers.
        """
        line, timeout = self.line, self.line.transport.probe_timeout
        asking = AskingOneKind(line, (timeout, timeout), Request.IDENTIFY, MAX_OPENINGS)
        with line.until_silent(f"nothing that speaks allspin's protocol answers on {line.name}"):
            (identity,) = asking.answers([bytes([line.session])], NO_PROGRESS)
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
        asking = AskingOneKind(self.line, self._patience(seconds), kind, MAX_LOSSES)
        with self.line.until_silent(f"{self.line.name} does not answer any more"):
            return asking.answers(bodies, progress)

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
        asking = AskingGroups(self.line, self._patience(seconds))
        with self.line.until_silent(f"{self.line.name} does not answer any more"):
            return asking.answers(groups, progress)

    def _patience(self, seconds: float) -> tuple[float, float]:
        """Seconds after which an answer is usually there, and after which it does not come."""
        transport = self.line.transport
        longest = transport.timeout * self.slowness + seconds
        return min(longest, transport.latency * self.slowness + seconds), longest
