"""A display that remembers, for tests of what a study shows of its steps."""

import pytest


class Seen:
    """An `allspin.host.show.display.Display` that remembers what it was shown.

    Attributes
    ----------
    lines : list of str
        Each step's description and, behind it, its outcome.
    done : list of (float, float or None)
        How far steps had come, and of how much.
    figures : list of str
        What was said with it.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.done: list[tuple[float, float | None]] = []
        self.figures: list[str] = []

    def start(self, description: str) -> None:
        self.lines.append(description)

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        self.done.append((done, total))
        self.figures.append(figures)

    def finish(self, outcome: str = "") -> None:
        self.lines.append(outcome)


@pytest.fixture
def seen() -> Seen:
    """Nothing was shown yet."""
    return Seen()
