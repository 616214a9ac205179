"""Requests that depend on one another, many of them under way: a group counts whole or not at all.

A stream keeps its order. So where all requests of a group are answered, all of them were carried
out, one after another and with nothing between, and each found what the one before had done. Where
one is not answered, whatever follows it may have found something else: the group is sent again from
its first request, and so are the groups behind it.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allspin.hdl.link.protocol import ANSWER_HEADER_BYTES, NO_TAG, Answer, Request
from allspin.host.link.frames import encode_frame

if TYPE_CHECKING:
    from allspin.host.link.session import Progress, Session

Group = Sequence[tuple[Request, bytes]]
"""Kinds and bodies of requests, in the order in which they are carried out."""

MAX_GROUP_LOSSES = 32
"""How often one group may have to be sent again before a line counts as too bad."""
PROBE_BYTES = 64
"""Of the window, what is left for the questions what became of the others."""
MAX_CHUNK = 1 << 16
"""Bytes that are offered to the stream at once."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request under way; `ends` says that it is its group's last, `probes` that it is of none."""

    tag: int
    kind: Request
    size: int
    ends: bool = False
    probes: bool = False


class AskingGroups:
    """Groups of requests, from the first that is sent to the last that is answered.

    Where anything is lost, or nothing comes for long, no more is sent but a *probe*, an IDENTIFY
    that changes nothing: when it is answered, all that was sent before it is answered, or lost.

    Parameters
    ----------
    session : Session
        Whose they are.
    patience : tuple of float
        Seconds after which an answer is usually there, and after which it does not come any more.
    """

    def __init__(self, session: "Session", patience: tuple[float, float]) -> None:
        self._session, self._line = session, session.line
        self._usual, self._longest = patience
        self._out = bytearray(b"\0")  # ends whatever was under way before
        self._sent: deque[_Sent] = deque()
        self._found: list[list[bytes]] = []
        self._answers: list[bytes] = []  # of the group after those
        self._probing = self._lost = self._regarded = False
        self._losses = 0  # of that group
        self._silent = 0.0  # seconds without a good frame
        self._wait = self._usual

    def answers(self, groups: Sequence[Group], progress: "Progress") -> list[list[bytes]]:
        """Send groups, and return the bodies of the answers to each.

        Raises
        ------
        UserError
            As of `Session.ask`.
        TimeoutError
            If the device is silent for too long.
        """
        coming = self._coming(groups)
        following = next(coming, None)
        deadline = time.monotonic() + self._wait
        while len(self._found) < len(groups):
            while not self._probing and following is not None and self._take(*following):
                following = next(coming, None)
            done, damaged, known = len(self._found), self._line.damaged, len(self._sent)
            sent, payloads = self._line.exchange(
                bytes(self._out[:MAX_CHUNK]), max(0.0, deadline - time.monotonic())
            )
            del self._out[:sent]
            for payload in payloads:
                self._receive(payload)
            if len(self._found) > done:
                progress(len(self._found))
            if sent or len(self._sent) < known:
                self._wait = self._usual
                deadline = time.monotonic() + self._wait
            if time.monotonic() >= deadline:
                self._regard_silence()
                deadline = time.monotonic() + self._wait
            elif (self._lost or self._line.damaged > damaged) and not self._probing:
                self._probe()
            if self._lost and self._regarded:
                coming = self._again(groups)
                following = next(coming, None)
            self._regarded = False
        return self._found

    def _coming(self, groups: Sequence[Group]) -> Iterator[tuple[Request, bytes, bool]]:
        """Requests of the groups that are not answered, and whether each is its group's last."""
        for group in groups[len(self._found) :]:
            for place, (kind, body) in enumerate(group, 1):
                yield kind, body, place == len(group)

    def _again(self, groups: Sequence[Group]) -> Iterator[tuple[Request, bytes, bool]]:
        """Begin again with the first group that is not answered."""
        self._losses += 1
        if self._losses >= MAX_GROUP_LOSSES:
            self._session.too_bad()
        self._answers, self._lost = [], False
        self._line.resent += len(groups[len(self._found)])
        return self._coming(groups)

    def _take(self, kind: Request, body: bytes, ends: bool) -> bool:
        """Put one more request under way, and say so, if there is room for it."""
        if len(self._out) >= MAX_CHUNK:
            return False
        used = sum(sent.size for sent in self._sent)
        frame = self._frame(kind, body)
        self._session.check_window(len(frame))
        if used and used + len(frame) > self._line.window - PROBE_BYTES:
            return False
        self._put(frame, _Sent(self._line.next_tag, kind, len(frame), ends))
        return True

    def _frame(self, kind: Request, body: bytes) -> bytes:
        return encode_frame(bytes([kind]) + self._line.next_tag.to_bytes(2, "little") + body)

    def _put(self, frame: bytes, sent: _Sent) -> None:
        self._line.next_tag = (self._line.next_tag + 1) % NO_TAG
        self._sent.append(sent)
        self._out += frame

    def _probe(self) -> None:
        """Ask what became of all that is under way."""
        self._probing = True
        frame = self._frame(Request.IDENTIFY, b"")
        self._put(frame, _Sent(self._line.next_tag, Request.IDENTIFY, len(frame), probes=True))

    def _receive(self, payload: bytes) -> None:
        """Take what one frame of the device says."""
        self._silent = 0.0
        tag, body = payload[1] | payload[2] << 8, payload[ANSWER_HEADER_BYTES:]
        self._session.check(payload[3])
        known = any(sent.tag == tag for sent in self._sent)
        if payload[0] == Answer.ERROR:
            if tag == NO_TAG:
                self._line.told += 1
            elif known:
                self._session.refused(body)
            return
        if not known or payload[3] != self._session.number:
            return  # of a host before
        while (sent := self._sent.popleft()).tag != tag:
            self._lost |= not sent.probes
        if sent.probes:
            self._probing, self._regarded = False, True
        elif not self._lost and payload[0] == sent.kind | 0x80:
            self._answers.append(body)
            if sent.ends:
                self._found.append(self._answers)
                self._answers, self._losses = [], 0

    def _regard_silence(self) -> None:
        """Ask where nothing has come for long; raise TimeoutError where it was too long."""
        transport = self._line.transport
        self._silent += self._wait
        if transport.holds_back or self._silent > (transport.attempts - 0.5) * self._longest:
            raise TimeoutError
        self._wait = min(2 * self._wait, self._longest)
        if not self._out:
            self._out += b"\0"  # ends a frame whose own end got lost
            self._probe()
