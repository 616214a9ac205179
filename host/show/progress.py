"""Progress on stderr: bars in terminals and notebooks, growing lines of dots elsewhere."""

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.text import Text

from allspin.host.show.beat import Beat, RewrittenBeat, clock
from allspin.host.show.display import Display
from allspin.host.show.say import shortened, tell, warn
from allspin.host.show.terminal import Terminal, Words

Given = ParamSpec("Given")
Result = TypeVar("Result")

BAR = 10
"""Characters of a bar, which leaves room for words in 80 columns."""
CLOCK = 17
"""Most characters of the time beside a bar."""
GAPS = 3
"""Spaces between the parts of a bar."""


class _Clock(ProgressColumn):
    """Time elapsed and time left."""

    def render(self, task: Task) -> Text:
        return Text(clock(task.elapsed or 0.0, task.time_remaining))


class Steps(Display, contextlib.AbstractContextManager["Steps"]):
    """Steps of a computation, one after another.

    In a terminal and in a notebook the present step has a bar and a clock. Elsewhere it is a
    growing line of dots with a report of progress now and then.

    Parameters
    ----------
    lasting : bool
        True if a line stays of each finished step.
    named : callable
        Rewrites a text of which parameters are named between backticks, as the command line
        shows them.
    """

    def __init__(self, lasting: bool = True, named: Callable[[str], str] = str) -> None:
        self._lasting = lasting
        self.named = named
        self._console = Terminal(stderr=True)
        self._bar: Progress | None = None
        self._beat: Beat | None = None
        self._description = ""
        self._started = 0.0
        self._done = 0.0
        self._total: float | None = None
        self._figures = ""
        # Time and progress of the first report, to extrapolate from; negative before it.
        self._first_time = 0.0
        self._first_done = -1.0

    @property
    def _has_bar(self) -> bool:
        return self._console.is_terminal or in_notebook()

    def start(self, description: str) -> None:
        """Begin a step.

        Parameters
        ----------
        description : str
            The step, such as ``training``.
        """
        self.stop()
        if not self._has_bar:
            tell(f"{description} ...")
        self._begin(description)

    def _begin(self, description: str, first: str = "") -> None:
        self._description = description
        self._started = time.monotonic()
        self._done = 0.0
        self._total = None
        self._figures = ""
        self._first_time = self._started
        self._first_done = -1.0
        if in_notebook():
            self._beat = RewrittenBeat(self._text_with_bar)
        elif self._console.is_terminal:
            self._bar = self._started_bar()
        else:
            self._beat = Beat(self._progress_text, first)

    def _started_bar(self) -> Progress:
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
        return bar

    def _words(self, figures: str) -> tuple[str, str]:
        """Shorten description and figures to the room beside the bar."""
        room = max(20, self._console.width - BAR - CLOCK - GAPS)
        figures = shortened(figures, room // 2)
        return shortened(self._description, room - len(figures)), figures

    def _progress_text(self) -> str:
        """Return share, time and figures in words."""
        now = time.monotonic()
        text = clock(now - self._started, self._seconds_left(now))
        if self._total:
            text = f"{self._done / self._total:.0%}, {text}"
        return f"{text} {self._figures}".rstrip()

    def _text_with_bar(self) -> str:
        """Return the step with a bar of block characters."""
        share = min(1.0, self._done / self._total) if self._total else 0
        full = "\N{FULL BLOCK}" * round(BAR * share)
        return f"{self._description} {full:\N{LIGHT SHADE}<{BAR}} {self._progress_text()}"

    def _seconds_left(self, now: float) -> float | None:
        """Extrapolate the rate since the first report; None if unknown."""
        if not self._total or self._done <= self._first_done:
            return None
        rate = (now - self._first_time) / (self._done - self._first_done)
        return rate * max(0.0, self._total - self._done)

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """Report how far the step is.

        Parameters
        ----------
        done, total : float
            Units of work that are done, and all of them; None if unknown.
        figures : str
            Further figures, such as an accuracy.
        """
        if self._first_done < 0:  # work of an earlier run took no time now
            self._first_time = time.monotonic()
            self._first_done = done
        self._done = done
        self._total = total
        self._figures = figures
        if self._bar is not None:
            words, beside = self._words(figures)
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=done, total=total, description=words, figures=beside)

    def finish(self, outcome: str = "") -> None:
        """End the step, and print its outcome and its time if steps are lasting."""
        seconds = time.monotonic() - self._started
        self.stop()
        if not self._lasting:
            return
        text = f"{self._description}: {outcome}" if outcome else self._description
        line = f"{text} ({seconds:.1f} s)"
        if self._console.is_terminal:
            self._console.print("\N{CHECK MARK}", style="green", end=" ")
            self._console.print(line)
        else:
            tell(f"  {line}")

    def log(self, line: str) -> None:
        """Print a line with the progress, where no bar shows it."""
        if not self._has_bar:
            tell(f"{line}, {self._progress_text().removesuffix(self._figures).rstrip()}")

    def note(self, line: str) -> None:
        """Tell the user of something odd: on a command line a line that names the program."""
        if self._lasting:
            warn(self.named(line))
        else:
            super().note(line)

    def stop(self) -> None:
        """Remove the bar, whether the step is finished or not."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._beat is not None:
            self._beat.stop()
            self._beat = None

    @contextlib.contextmanager
    def waiting(self, description: str) -> Iterator[None]:
        """Show a step that leaves no line, and is shown only if it takes seconds."""
        self.stop()
        self._begin(description, f"{description} ...")
        try:
            yield
        finally:
            self.stop()

    def __exit__(self, *_: object) -> None:
        self.stop()


def in_notebook() -> bool:
    """Return True if stderr is shown in a notebook."""
    return type(sys.stderr).__module__.partition(".")[0] == "ipykernel"


@contextlib.contextmanager
def showing(progress: Display | bool | None) -> Iterator[Display]:
    """Show a function's progress until it ends.

    Parameters
    ----------
    progress : Display or bool, optional
        The caller's display, or True for a bar, or False for none; by default a bar in a
        terminal or a notebook.
    """
    if progress is None:
        progress = sys.stderr.isatty() or in_notebook()
    if progress is True:
        with Steps(lasting=False) as steps:
            yield steps
    else:
        yield progress or Display()


def shows_progress(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Open the display that a function's keyword ``progress`` asks for, until the function ends."""

    @functools.wraps(function)
    def called(*given: Given.args, **options: Given.kwargs) -> Result:
        asked: Any = options.get("progress")
        with showing(asked) as options["progress"]:
            return function(*given, **options)

    return called
