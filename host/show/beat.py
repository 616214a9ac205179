"""A line of dots on stderr that grows while something goes on, and times in words."""

import contextlib
import os
import threading
from collections.abc import Callable

from allspin.host.show.say import tell, tell_more, tell_no_more

TICK = 1.8
"""Seconds after which something without a terminal shows that it goes on, and again: below two."""
VARIABLE = "ALLSPIN_TICK"
"""Environment variable with other seconds, for logs that should be short."""
TOLD = 5
"""Each so many ticks it says how far it is."""


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def clock(elapsed: float, left: float | None) -> str:
    """How long something takes, and how long it will where that is known, in words."""
    return _span(elapsed) if left is None else f"{_span(elapsed)}, {_span(left)} left"


def tick() -> float:
    """Seconds between two dots: those of the environment, if that has a number above 0."""
    with contextlib.suppress(ValueError):
        seconds = float(os.environ.get(VARIABLE, ""))
        if 0 < seconds < threading.TIMEOUT_MAX:
            return seconds
    return TICK


class Beat:
    """A thread that shows that something goes on, by a line of dots that grows.

    Parameters
    ----------
    say : callable
        What it says now and then: how far it is, in words.
    first : str
        A line before the first dot.
    """

    def __init__(self, say: Callable[[], str], first: str = "") -> None:
        self._say = say
        self._first = first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        ticks, seconds = 0, tick()
        # Whoever reads stderr may have left: then there is nobody to be told.
        with contextlib.suppress(OSError, ValueError):
            while not self._over.wait(seconds):
                if not ticks and self._first:
                    tell(self._first)
                ticks += 1
                told = f" {self._say()} " if ticks % TOLD == 0 else "."
                tell_more(f"{'' if ticks > 1 else '  '}{told}")

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join()
        tell_no_more()
