"""Progress on stderr: bars on a terminal, lines that grow elsewhere; never silent for long."""

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.text import Text

from allspin.host.show.say import (
    Beat,
    Display,
    Rewritten,
    clock,
    shortened,
    tell,
    warn,
)
from allspin.host.show.table import Terminal, Words

BAR = 10
"""Width of a bar, which leaves room for words in 80 columns."""
CLOCK = 17
"""Width of what `clock` says, at most."""
GAPS = 3
"""Spaces between the parts of a bar."""


class _Clock(ProgressColumn):
    """What `clock` says of a bar."""

    def render(self, task: Task) -> Text:
        return Text(clock(task.elapsed or 0.0, task.time_remaining))


class Steps(Display, contextlib.AbstractContextManager["Steps"]):
    """Steps of a longer piece of work, one after another.

    On a terminal the step under way has a bar with the time that it takes, and so it has in a
    notebook; elsewhere a line of dots that grows, with now and then how far it is.

    Parameters
    ----------
    lasting : bool
        Whether a line stays of each step that is done.
    """

    def __init__(self, lasting: bool = True) -> None:
        self._lasting = lasting
        self._console = Terminal(stderr=True)
        self._bar: Progress | None = None
        self._beat: Beat | None = None
        self._description = ""
        self._started = 0.0
        self._state: tuple[float, float | None, str] = (0.0, None, "")
        self._first = (0.0, -1.0)

    def start(self, description: str) -> None:
        """Begin a step.

        Parameters
        ----------
        description : str
            What is being done.
        """
        self.stop()
        if not (self._console.is_terminal or in_notebook()):
            tell(f"{description} ...")
        self._begin(description)

    def _begin(self, description: str, first: str = "") -> None:
        self._description = description
        self._started = time.monotonic()
        self._state = (0.0, None, "")
        self._first = (self._started, -1.0)
        if in_notebook():
            self._beat = Rewritten(self._drawn)
            return
        if not self._console.is_terminal:
            self._beat = Beat(self._far, first)
            return
        bar = Progress(
            Words("{task.description}"),
            BarColumn(bar_width=BAR),
            Words("{task.fields[figures]}"),
            _Clock(),
            console=self._console,
            transient=True,
        )
        bar.add_task(self._words("")[0], total=None, figures="")
        bar.start()
        self._bar = bar

    def _words(self, figures: str) -> tuple[str, str]:
        """Description and figures beside the bar, as short as the terminal is narrow."""
        room = max(20, self._console.width - BAR - CLOCK - GAPS)
        shown = shortened(figures, room // 2)
        return shortened(self._description, room - len(shown)), shown

    def _far(self) -> str:
        """How far the step is, in words."""
        now = time.monotonic()
        done, total, figures = self._state
        told = clock(now - self._started, self._left(now))
        if total:
            told = f"{done / total:.0%}, {told}"
        return f"{told} {figures}".rstrip()

    def _drawn(self) -> str:
        """The step with a bar, in characters."""
        done, total, _ = self._state
        full = "\N{FULL BLOCK}" * round(BAR * min(1.0, done / total) if total else 0)
        return f"{self._description} {full:\N{LIGHT SHADE}<{BAR}} {self._far()}"

    def _left(self, now: float) -> float | None:
        """Seconds that are left, by what was done since it was first told; None if unknown."""
        done, total, _ = self._state
        since, before = self._first
        if not total or done <= before:
            return None
        return (now - since) / (done - before) * max(0.0, total - done)

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """Say how far the step is.

        Parameters
        ----------
        done, total : float
            How much, of how much; None where that is unknown.
        figures : str
            What else there is to say.
        """
        if self._first[1] < 0:  # what an earlier run has done took no time now
            self._first = (time.monotonic(), done)
        self._state = (done, total, figures)
        if self._bar is not None:
            words, shown = self._words(figures)
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=done, total=total, description=words, figures=shown)

    def finish(self, outcome: str = "") -> None:
        """End the step.

        Parameters
        ----------
        outcome : str
            What came of it.
        """
        seconds = time.monotonic() - self._started
        self.stop()
        if not self._lasting:
            return
        said = f"{self._description}: {outcome}" if outcome else self._description
        line = f"{said} ({seconds:.1f} s)"
        if self._console.is_terminal:
            self._console.print("\N{CHECK MARK}", style="green", end=" ")
            self._console.print(line)
        else:
            tell(f"  {line}")

    def log(self, line: str) -> None:
        """Print a line, where there is no bar."""
        if not (self._console.is_terminal or in_notebook()):
            tell(f"{line}, {self._far().removesuffix(self._state[2]).rstrip()}")

    def note(self, line: str) -> None:
        """See `Display`; on a command line it is a line that names the program."""
        if self._lasting:
            warn(line)
        else:
            super().note(line)

    def stop(self) -> None:
        """Take the bar away, whether or not the step is done."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._beat is not None:
            self._beat.stop()
            self._beat = None

    @contextlib.contextmanager
    def waiting(self, description: str) -> Iterator[None]:
        """A step of which nothing stays, and which is not told unless it takes seconds.

        Parameters
        ----------
        description : str
            What is being done.
        """
        self.stop()
        self._begin(description, f"{description} ...")
        try:
            yield
        finally:
            self.stop()

    def __exit__(self, *_: object) -> None:
        self.stop()


def in_notebook() -> bool:
    """Whether stderr is shown in a notebook."""
    return type(sys.stderr).__module__.partition(".")[0] == "ipykernel"


@contextlib.contextmanager
def showing(progress: Display | bool | None) -> Iterator[Display]:
    """What shows how far a function is, until it ends.

    Parameters
    ----------
    progress : Display or bool, optional
        Something of the caller's; or whether there shall be a bar: by default where somebody sees
        it, in a terminal or a notebook.
    """
    if progress is None:
        progress = sys.stderr.isatty() or in_notebook()
    if progress is True:
        with Steps(lasting=False) as steps:
            yield steps
    else:
        yield progress or Display()
