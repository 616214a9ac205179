"""What shows the steps of a longer piece of work."""

from typing import Protocol


class Display(Protocol):
    """What shows the steps."""

    def start(self, description: str) -> None:
        """A step begins."""

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """It has come so far; `total` is None where it is unknown, and `done` in seconds."""

    def finish(self, outcome: str = "") -> None:
        """It is done."""


class Silent:
    """A `Display` that shows nothing."""

    def start(self, description: str) -> None:
        """Nothing."""

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """Nothing."""

    def finish(self, outcome: str = "") -> None:
        """Nothing."""


class BuildWatch:
    """Passes a build's progress on to a display, and knows whether there was any.

    Parameters
    ----------
    display : Display
        Where a step is under way.

    Attributes
    ----------
    outcome : str
        For the step's end: whether something was compiled, or was there.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self.outcome = "; compiled before, and kept"

    def __call__(self, what: str, seconds: float) -> None:
        """Take what is being done, and for how many seconds now."""
        self.outcome = "; compiled once, and kept"
        self._display.advance(seconds, None, what)
