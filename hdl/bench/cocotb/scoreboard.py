"""Compare what came with what should have come, one after another."""

from collections import deque
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mismatch:
    """Something came that should not have.

    Parameters
    ----------
    number : int
        How many items came before it.
    expected : object
        What should have come; None where nothing should.
    received : object
        What came.
    """

    number: int
    expected: Any
    received: Any

    def __str__(self) -> str:
        wanted = "nothing" if self.expected is None else self.expected
        return f"number {self.number}: expected {wanted}, received {self.received}"


class Scoreboard:
    """A queue of what must come, emptied by what comes.

    Parameters
    ----------
    name : str
        What is compared, for messages.

    Attributes
    ----------
    received : int
        How many items came.
    mismatches : list of Mismatch
        Those that were not the expected ones.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.received = 0
        self.mismatches: list[Mismatch] = []
        self._expected: deque[Any] = deque()

    @property
    def waiting(self) -> int:
        """How many expected items have not come yet."""
        return len(self._expected)

    def expect(self, *items: Any) -> None:
        """Add items that must come, in this order, after those already expected."""
        self._expected.extend(items)

    def receive(self, item: Any) -> None:
        """Compare an item that came with the next expected one."""
        expected = self._expected.popleft() if self._expected else None
        if expected is None or expected != item:
            self.mismatches.append(Mismatch(self.received, expected, item))
        self.received += 1

    def check(self) -> None:
        """See that all that was expected came, and nothing else.

        Raises
        ------
        AssertionError
            If something was expected and there is nothing that did not come, or came
            otherwise, or too much.
        """
        if self.mismatches:
            shown = "; ".join(str(mismatch) for mismatch in self.mismatches[:5])
            raise AssertionError(
                f"{self.name}: {len(self.mismatches)} of {self.received} are wrong: {shown}"
            )
        if self._expected:
            raise AssertionError(
                f"{self.name}: {len(self._expected)} did not come, first {self._expected[0]}"
            )
        if not self.received:
            raise AssertionError(f"{self.name}: nothing was compared")
