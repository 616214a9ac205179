"""What has been sent and not yet been heard of."""

from collections import Counter, deque
from collections.abc import Container


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
