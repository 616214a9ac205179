"""Scoreboard: compare the received items with the expected ones, in order."""

from collections import deque
from typing import Any


class Scoreboard:
    """Queue of expected items, which received items empty.

    Parameters
    ----------
    name : str
        Name of the items, for messages.

    Attributes
    ----------
    received : int
        Number of received items.
    mismatches : list of str
        Description of each item that was not the expected one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.received = 0
        self.mismatches: list[str] = []
        self._expected: deque[Any] = deque()

    @property
    def waiting(self) -> int:
        """Number of expected items that have not come yet."""
        return len(self._expected)

    def expect(self, *items: Any) -> None:
        """Append items that must come, in this order."""
        self._expected.extend(items)

    def receive(self, item: Any) -> None:
        """Compare a received item with the next expected one."""
        expected = self._expected.popleft() if self._expected else "nothing"
        if expected != item:
            self.mismatches.append(f"number {self.received}: expected {expected}, received {item}")
        self.received += 1

    def check(self) -> None:
        """Check that all expected items came, and no others.

        Raises
        ------
        AssertionError
            If an item is missing, wrong or too many, or if no item was compared.
        """
        shown = "; ".join(self.mismatches[:5])
        assert not self.mismatches, (
            f"{self.name}: {len(self.mismatches)} of {self.received} are wrong: {shown}"
        )
        assert not self._expected, (
            f"{self.name}: {len(self._expected)} did not come, first {self._expected[0]}"
        )
        assert self.received, f"{self.name}: nothing was compared"
