"""Receivers of a computation's progress: the base class, which shows nothing."""

import warnings


class Display:
    """Receiver of a computation's steps; this one shows nothing."""

    def start(self, description: str) -> None:
        """Begin a step."""

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """Report how far the step is; without a total, `done` is in seconds."""

    def finish(self, outcome: str = "") -> None:
        """End the step."""

    def log(self, line: str) -> None:
        """Report how far the step is to users who see no bar."""

    def note(self, line: str) -> None:
        """Tell the user of something odd about their input, as a Python warning."""
        warnings.warn(line, stacklevel=4)


class BuildWatch:
    """Callback of a build: passes its progress to a display, and notes whether it compiled.

    Parameters
    ----------
    progress : Display
        Display that has begun a step.

    Attributes
    ----------
    outcome : str
        Outcome of the step: compiled now, or taken from the cache.
    """

    def __init__(self, progress: Display) -> None:
        self._progress = progress
        self.outcome = "; compiled before, and kept"

    def __call__(self, what: str, seconds: float) -> None:
        """Pass on the compiler's present task, and its seconds so far."""
        self.outcome = "; compiled once, and kept"
        self._progress.advance(seconds, None, what)
