"""A training's progress on stderr: a bar on a terminal, a line now and then elsewhere."""

import time
from typing import Self

from rich.progress import BarColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from allspin.host.show.say import tell
from allspin.host.show.terminal import Terminal, Words
from allspin.host.training.recipe import Progress

LINES = 10
"""Epochs between two lines of progress where there is no terminal."""


class TrainingBar:
    """Shows what `allspin.host.training.recipe.train` reports, while it is entered."""

    def __init__(self) -> None:
        console = Terminal(stderr=True)
        self._start = time.perf_counter()
        self._terminal = console.is_terminal
        self._bar = Bar(
            Words("{task.description}"),
            BarColumn(),
            Words("{task.fields[figures]}, time left"),
            TimeRemainingColumn(),
            console=console,
            disable=not self._terminal,
            transient=True,
        )
        self._task = self._bar.add_task("starting", figures="no figures yet")
        self._accuracy = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where the training is."""
        where = f"{progress.phase} {progress.epoch}/{progress.epochs}"
        ended = progress.validation_accuracy is not None
        if ended:
            self._accuracy = f", validation {progress.validation_accuracy:.2%}"
        if self._terminal:
            self._bar.update(
                self._task,
                completed=progress.step,
                total=progress.steps,
                description=where,
                figures=f"loss {progress.loss:.3f}{self._accuracy}",
            )
        elif ended and (progress.epoch in (1, progress.epochs) or progress.epoch % LINES == 0):
            spent = time.perf_counter() - self._start
            left = spent * (progress.steps / progress.step - 1)
            tell(f"{where}: loss {progress.loss:.4f}{self._accuracy}, {left:.0f} s left")
