"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Self

from rich.progress import BarColumn, Progress, TimeRemainingColumn

from allspin.host.show.say import tell
from allspin.host.show.terminal import Terminal, Words

QUIET = 15.0
"""Seconds after which a step without a terminal says how far it is, and again."""


class Steps:
    """Steps of a longer piece of work, one after another.

    On a terminal the step under way has a bar; elsewhere it says now and then how far it
    is. Either way a line stays of each step that is done.
    """

    def __init__(self) -> None:
        self._console = Terminal(stderr=True)
        self._bar: Progress | None = None
        self._description = ""
        self._started = self._spoken = 0.0

    def start(self, description: str) -> None:
        """Begin a step.

        Parameters
        ----------
        description : str
            What is being done.
        """
        self._description = description
        self._started = self._spoken = time.monotonic()
        if self._console.is_terminal:
            bar = Progress(
                Words("{task.description}"),
                BarColumn(),
                Words("{task.fields[figures]}"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            bar.add_task(description, total=None, figures="")
            bar.start()
            self._bar = bar
        else:
            tell(f"{description} ...")

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """Say how far the step is.

        Parameters
        ----------
        done, total : float
            How much, of how much; None where that is unknown.
        figures : str
            What else there is to say.
        """
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total, figures=figures)
        elif time.monotonic() - self._spoken > QUIET:
            self._spoken = time.monotonic()
            share = f"{done / total:.0%}" if total else f"{done:,.0f} s"
            tell(f"  {share} {figures}".rstrip())

    def finish(self, outcome: str = "") -> None:
        """End the step.

        Parameters
        ----------
        outcome : str
            What came of it.
        """
        seconds = time.monotonic() - self._started
        self.stop()
        said = f"{self._description}: {outcome}" if outcome else self._description
        line = f"{said} ({seconds:.1f} s)"
        if self._console.is_terminal:
            self._console.print("\N{CHECK MARK}", style="green", end=" ")
            self._console.print(line)
        else:
            tell(f"  {line}")

    def stop(self) -> None:
        """Take the bar away, whether or not the step is done."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextlib.contextmanager
def stages() -> Iterator[Callable[[str, float], None]]:
    """A step for each stage of a piece of work that tells what it is doing.

    Yields
    ------
    callable
        Takes what is being done, and for how many seconds now; other words begin another step.
    """
    steps = Steps()
    under_way = ""

    def progress(what: str, seconds: float) -> None:
        nonlocal under_way
        if what != under_way:
            if under_way:
                steps.finish()
            under_way = what
            steps.start(what)
        steps.advance(seconds, None, f"{seconds:.0f} s")

    try:
        yield progress
        if under_way:
            steps.finish()
    finally:
        steps.stop()
