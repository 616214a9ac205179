"""Requests that depend on one another, many of them under way: a group counts whole or not at all.

A stream keeps its order. So where all requests of a group are answered, all of them were carried
out, one after another and with nothing between, and each found what the one before had done. Where
one is not answered, whatever follows it may have found something else: the group is sent again from
its first request, and so are the groups behind it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain

from allspin.hdl.link.protocol import Request
from allspin.host.link.line import MAX_CHUNK, Asking, Line

Group = Sequence[tuple[Request, bytes]]
"""Kinds and bodies of requests, in the order in which they are carried out."""

MAX_GROUP_LOSSES = 32
"""How often one group may have to be sent again before a line counts as too bad."""
PROBE_BYTES = 64
"""Of the window, what is left for the questions what became of the others."""


class AskingGroups(Asking):
    """Groups of requests.

    Where anything is lost, or nothing comes for long, no more is sent but a *probe*, an IDENTIFY
    that changes nothing: when it is answered, all that was sent before it is answered, or lost.
    """

    def __init__(self, line: Line, patience: tuple[float, float]) -> None:
        super().__init__(line, patience)
        self._under_way: deque[tuple[int, Request, int]] = deque()  # tag, kind, bytes of a frame
        self._found: list[list[bytes]] = []
        self._answers: list[bytes] = []  # of the group after those
        self._probing = self._lost = False

    def answers(
        self, groups: Sequence[Group], progress: Callable[[int], None]
    ) -> list[list[bytes]]:
        """Send groups, and return the bodies of the answers to each.

        Raises
        ------
        UserError
            As of `Session.ask`.
        TimeoutError
            If the device is silent for too long.
        """
        losses = 0  # of the first group that is not answered
        coming = chain.from_iterable(groups)
        following = next(coming, None)
        while len(self._found) < len(groups):
            while not self._probing and following is not None and self._take(*following):
                following = next(coming, None)
            under_way, probing = len(self._under_way), self._probing
            sent, damaged = self._exchange()
            if self._gather(groups):
                losses = 0
                progress(len(self._found))
            if sent or len(self._under_way) < under_way:
                self._expect_within(self._usual)
            if self._lost and probing and not self._probing:
                losses += 1
                if losses >= MAX_GROUP_LOSSES:
                    self._line.too_bad()
                self._line.resent += len(groups[len(self._found)])
                self._answers, self._lost = [], False
                coming = chain.from_iterable(groups[len(self._found) :])
                following = next(coming, None)
            elif self._is_overdue():
                if not self._out:
                    self._out += b"\0"  # ends a frame whose own end got lost
                    self._probe()
            elif (self._lost or damaged) and not self._probing:
                self._probe()
        return self._found

    def _take(self, kind: Request, body: bytes) -> bool:
        """Put one more request under way, and say so, if there is room for it."""
        if len(self._out) >= MAX_CHUNK:
            return False
        used = sum(size for _, _, size in self._under_way)
        frame = self._line.frame(kind, body)
        if used and used + len(frame) > self._line.window - PROBE_BYTES:
            return False
        self._send(kind, frame)
        return True

    def _send(self, kind: Request, frame: bytes) -> None:
        self._under_way.append((self._line.take_tag(), kind, len(frame)))
        self._out += frame

    def _probe(self) -> None:
        """Ask what became of all that is under way."""
        self._probing = True
        self._send(Request.IDENTIFY, self._line.frame(Request.IDENTIFY, b""))

    def _is_under_way(self, tag: int) -> bool:
        return any(sent == tag for sent, _, _ in self._under_way)

    def _receive(self, kind: int, tag: int, body: bytes) -> None:
        if not self._is_under_way(tag):
            return  # of a host before
        while (sent := self._under_way.popleft())[0] != tag:
            self._lost |= sent[1] != Request.IDENTIFY
        if sent[1] == Request.IDENTIFY:
            self._probing = False
        elif not self._lost and kind == sent[1] | 0x80:
            self._answers.append(body)

    def _gather(self, groups: Sequence[Group]) -> bool:
        """Put answers to whole groups with those found before; whether there were any."""
        done = len(self._found)
        while self._answers and len(self._answers) >= len(group := groups[len(self._found)]):
            self._found.append(self._answers[: len(group)])
            del self._answers[: len(group)]
        return len(self._found) > done
