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
    """Shows nothing: a `Display` for whoever wants only what comes of the work."""

    def start(self, description: str) -> None:
        """Say nothing."""

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """Say nothing."""

    def finish(self, outcome: str = "") -> None:
        """Say nothing."""
