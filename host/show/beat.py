"""Signs of life on stderr while a step goes on: a line of dots, or a line that is rewritten."""

import contextlib
import os
import threading
from collections.abc import Callable

from allspin.host.show.say import printable, shortened, stderr, tell

TICK = 1.8
"""Seconds between two dots, without a terminal: less than two, so a user sees that it works."""
VARIABLE = "ALLSPIN_TICK"
"""Environment variable that replaces `TICK`, for short logs."""
TICKS_OF_A_REPORT = 5
"""Dots between two reports of progress in words."""
WIDTH = 79
"""Characters of a line that is rewritten."""
OFTEN = 0.25
"""Seconds between two versions of that line."""


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def clock(elapsed: float, left: float | None) -> str:
    """Format the time elapsed, and the time left where it is known."""
    return _span(elapsed) if left is None else f"{_span(elapsed)}, {_span(left)} left"


def tick() -> float:
    """Return the seconds between two dots: the environment's, if they are a positive number."""
    with contextlib.suppress(ValueError):
        seconds = float(os.environ.get(VARIABLE, ""))
        if 0 < seconds < threading.TIMEOUT_MAX:
            return seconds
    return TICK


class Beat:
    """Thread that prints a line of dots, with a report of progress now and then.

    Parameters
    ----------
    say : callable
        Returns the progress in words.
    first : str
        Line before the first dot.
    """

    def __init__(self, say: Callable[[], str], first: str = "") -> None:
        self._say = say
        self._first = first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        ticks = 0
        seconds = tick()
        # The reader of stderr may have closed it.
        with contextlib.suppress(OSError, ValueError):
            while not self._over.wait(seconds):
                if ticks == 0 and self._first:
                    tell(self._first)
                indent = "  " if ticks == 0 else ""
                ticks += 1
                mark = f" {self._say()} " if ticks % TICKS_OF_A_REPORT == 0 else "."
                stderr.grow(printable(indent + mark))

    def stop(self) -> None:
        """End the thread and its line."""
        self._over.set()
        self._thread.join()
        stderr.end()


class RewrittenBeat(Beat):
    """Thread that rewrites one line, as notebooks show it, and clears it at the end."""

    def _run(self) -> None:
        while not self._over.wait(OFTEN):
            stderr.grow(f"\r{printable(shortened(self._say(), WIDTH)):{WIDTH}}")
        if stderr.unfinished:
            stderr.grow(f"\r{'':{WIDTH}}\r", unfinished=False)
