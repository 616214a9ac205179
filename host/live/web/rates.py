"""How much a page may say: so many messages and bytes a second, with a reserve for bursts."""

import time
from collections.abc import Callable

MESSAGES, MESSAGE_BURST = 60.0, 180.0
"""Messages a second, and at once. A page that draws sends some 30."""
BYTES, BYTE_BURST = float(1 << 19), float(1 << 21)
"""Bytes a second, and at once."""


class Bucket:
    """What fills at a constant rate, and is taken from.

    Parameters
    ----------
    rate : float
        What comes in a second.
    most : float
        What it holds, and has at first.
    clock : callable
        Seconds now.
    """

    def __init__(
        self, rate: float, most: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._most = most
        self._clock = clock
        self._left = most
        self._then = clock()

    def take(self, amount: float) -> bool:
        """Take an amount, if there is as much; whether there was."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._then) * self._rate)
        self._then = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


class Rates:
    """What one page may say.

    Parameters
    ----------
    clock : callable
        Seconds now.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._messages = Bucket(MESSAGES, MESSAGE_BURST, clock)
        self._bytes = Bucket(BYTES, BYTE_BURST, clock)

    def allow(self, size: int) -> bool:
        """Whether a message of so many bytes may be taken now."""
        return self._messages.take(1) and self._bytes.take(size)
