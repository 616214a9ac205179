"""Lines of text on stdout and stderr, which whatever they name leave a terminal as it is."""

import contextlib
import importlib.metadata
import os
import re
import subprocess
import sys
import threading
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path

# Which allspin this is: its commit, and its version.

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("allspin", "sim", "hdl", "boards", "host")
CHANGED = " and changes"
"""What is said of sources that are not those of the commit."""


def version() -> str | None:
    """The version that is installed; None where allspin runs from its folder."""
    try:
        return importlib.metadata.version("allspin")
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """The commit that is checked out; None where this is no clone, or git is missing.

    With `CHANGED` where the sources are not its own.
    """
    try:
        answer = _git("rev-parse", "--show-toplevel", "HEAD")
        if answer.returncode:
            return None
        folder, revision = answer.stdout.splitlines()
        # An installed copy may lie in some other project's clone.
        if Path(folder) != ROOT:
            return None
        changed = _git("diff", "--quiet", "HEAD", "--", *SOURCES).returncode
    except OSError:
        return None
    return revision + CHANGED if changed else revision


def short_commit(revision: str) -> str:
    """A commit in few characters, for people."""
    number, *changed = revision.partition(" ")
    return "".join([number[:12], *changed])


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)


# What shows the steps of a longer piece of work.


class Display:
    """What shows the steps; this one shows nothing."""

    def start(self, description: str) -> None:
        """A step begins."""

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        """It has come so far; `total` is None where it is unknown, and `done` in seconds."""

    def finish(self, outcome: str = "") -> None:
        """It is done."""

    def log(self, line: str) -> None:
        """How far it is, for those who see no bar."""

    def note(self, line: str) -> None:
        """Something odd about what the user gave, which they should know; a Python warning."""
        warnings.warn(with_keywords(line), stacklevel=4)


class BuildWatch:
    """Passes a build's progress on to a display, and knows whether there was any.

    Parameters
    ----------
    progress : Display
        Where a step is under way.

    Attributes
    ----------
    outcome : str
        For the step's end: whether something was compiled, or was there.
    """

    def __init__(self, progress: Display) -> None:
        self._progress = progress
        self.outcome = "; compiled before, and kept"

    def __call__(self, what: str, seconds: float) -> None:
        """Take what is being done, and for how many seconds now."""
        self.outcome = "; compiled once, and kept"
        self._progress.advance(seconds, None, what)


LONGEST = 260
"""Characters of a word of a message: a file's name in quotes is shorter, a number may be longer."""
LONGEST_PATH = 4200
"""Characters of a word that has folders."""
SHOWN = 60
"""Characters that are shown of one that is longer."""
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of characters that do something to a terminal in place of being seen on it."""
LAYOUT = "\n\t"
OVERWRITING = "\r\b"
"""What programs draw their progress with."""


def printable(text: str, layout: str = LAYOUT) -> str:
    r"""A text with escapes, such as ``\x1b``, for what is not seen, but line breaks and tabs.

    Names of files and networks come from strangers: they may hold control characters, and
    marks that turn the order of what follows.
    """
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in UNSEEN and character not in layout
        else character
        for character in text
    )


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters, cut with an ellipsis where it must be."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def say(text: str) -> None:
    """Print to stdout."""
    print(printable(text))


class _Stderr:
    """Lines on stderr, of which the last may be unfinished."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.unfinished = False

    def write(self, text: str, end: str = "\n") -> None:
        """Print on a line of its own."""
        with self._lock:
            begin = "\n" if self.unfinished else ""
            self.unfinished = False
            print(begin + text, end=end, file=sys.stderr, flush=True)

    def grow(self, text: str, unfinished: bool = True) -> None:
        """Print more of a line."""
        with self._lock:
            self.unfinished = unfinished
            print(text, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End an unfinished line."""
        with self._lock:
            if self.unfinished:
                print(file=sys.stderr, flush=True)
            self.unfinished = False


_stderr = _Stderr()


def tell(text: str) -> None:
    """Print progress to stderr, at once."""
    _stderr.write(printable(text))


def pass_on(text: str) -> None:
    """Print a piece of another program's output to stderr, as it came."""
    _stderr.write(printable(text, LAYOUT + OVERWRITING), end="")


def warn(message: object) -> None:
    """Print a line to stderr that names the program."""
    _stderr.write(f"allspin: {printable(one_line(message))}")


def with_keywords(text: str) -> str:
    """A text with names between backticks for its options: `lanes` for --lanes."""
    return re.sub(
        r"(?<![\w-])--([a-z][a-z0-9-]+)", lambda name: f"`{name[1].replace('-', '_')}`", text
    )


def one_line(message: object) -> str:
    """A message without its line breaks, and with no more of a very long word than its begin."""
    return " ".join(
        word if len(word) <= (LONGEST_PATH if "/" in word else LONGEST) else f"{word[:SHOWN]}..."
        for word in str(message).split()
    )


# A line of dots on stderr that grows while something goes on, and times in words.

TICK = 1.8
"""Seconds after which something without a terminal shows that it goes on, and again: below two."""
VARIABLE = "ALLSPIN_TICK"
"""Environment variable with other seconds, for logs that should be short."""
TOLD = 5
"""Each so many ticks it says how far it is."""


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def clock(elapsed: float, left: float | None) -> str:
    """How long something takes, and how long it will where that is known, in words."""
    return _span(elapsed) if left is None else f"{_span(elapsed)}, {_span(left)} left"


def tick() -> float:
    """Seconds between two dots: those of the environment, if that has a number above 0."""
    with contextlib.suppress(ValueError):
        seconds = float(os.environ.get(VARIABLE, ""))
        if 0 < seconds < threading.TIMEOUT_MAX:
            return seconds
    return TICK


class Beat:
    """A thread that shows that something goes on, by a line of dots that grows.

    Parameters
    ----------
    say : callable
        What it says now and then: how far it is, in words.
    first : str
        A line before the first dot.
    """

    def __init__(self, say: Callable[[], str], first: str = "") -> None:
        self._say = say
        self._first = first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        ticks, seconds = 0, tick()
        # Whoever reads stderr may have left: then there is nobody to be told.
        with contextlib.suppress(OSError, ValueError):
            while not self._over.wait(seconds):
                if not ticks and self._first:
                    tell(self._first)
                ticks += 1
                told = f" {self._say()} " if ticks % TOLD == 0 else "."
                _stderr.grow(printable(f"{'' if ticks > 1 else '  '}{told}"))

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join()
        _stderr.end()


WIDTH, OFTEN = 79, 0.25
"""Characters of a line that is written over, and seconds after which it is."""


class Rewritten(Beat):
    """The same by a line that is written over, as notebooks show it, and of which nothing stays."""

    def _run(self) -> None:
        while not self._over.wait(OFTEN):
            _stderr.grow(f"\r{printable(shortened(self._say(), WIDTH)):{WIDTH}}")
        if _stderr.unfinished:
            _stderr.grow(f"\r{'':{WIDTH}}\r", unfinished=False)
