"""A training's progress on stderr: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from typing import Self

from allspin.host.show.beat import clock
from allspin.host.show.progress import Steps
from allspin.host.show.say import tell
from allspin.host.training.trainer import Progress

LINES = 10
"""Epochs between two lines of progress where there is no terminal."""


class TrainingBar:
    """Shows what `allspin.host.training.train.train` reports, while it is entered."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._steps = Steps()
        self._accuracy = ""

    def __enter__(self) -> Self:
        self._steps.start("training")
        return self

    def __exit__(self, *_: object) -> None:
        self._steps.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where the training is."""
        where = f"{progress.phase} {progress.epoch}/{progress.epochs}"
        ended = progress.validation_accuracy is not None
        if ended:
            self._accuracy = f", validation {progress.validation_accuracy:.2%}"
        loss = f"{where}, loss {progress.loss:.3f}{self._accuracy}"
        self._steps.advance(progress.step, progress.steps, loss)
        listed = progress.epoch in (1, progress.epochs) or progress.epoch % LINES == 0
        if ended and listed and not sys.stderr.isatty():
            spent = time.perf_counter() - self._start
            left = spent * (progress.steps / progress.step - 1)
            tell(f"{where}: loss {progress.loss:.4f}{self._accuracy}, {clock(spent, left)}")
