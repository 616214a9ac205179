"""Lines of text on stdout and stderr, which whatever they name leave a terminal as it is."""

import sys
import threading
import unicodedata

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


def say(text: str) -> None:
    """Print to stdout."""
    print(printable(text))


class _Stderr:
    """Lines on stderr, of which the last may be unfinished."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unfinished = False

    def write(self, text: str, end: str = "\n") -> None:
        """Print on a line of its own."""
        with self._lock:
            begin = "\n" if self._unfinished else ""
            self._unfinished = False
            print(begin + text, end=end, file=sys.stderr, flush=True)

    def grow(self, text: str) -> None:
        """Print more of a line."""
        with self._lock:
            self._unfinished = True
            print(text, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End an unfinished line."""
        with self._lock:
            if self._unfinished:
                print(file=sys.stderr, flush=True)
            self._unfinished = False


_stderr = _Stderr()


def tell(text: str) -> None:
    """Print progress to stderr, at once."""
    _stderr.write(printable(text))


def tell_more(text: str) -> None:
    """Print progress to stderr on a line that goes on; whatever comes next begins another."""
    _stderr.grow(printable(text))


def tell_no_more() -> None:
    """End the line that `tell_more` began, if nothing has ended it."""
    _stderr.end()


def pass_on(text: str) -> None:
    """Print a piece of another program's output to stderr, as it came."""
    _stderr.write(printable(text, LAYOUT + OVERWRITING), end="")


def warn(message: object) -> None:
    """Print a line to stderr that names the program."""
    _stderr.write(f"allspin: {printable(one_line(message))}")


def one_line(message: object) -> str:
    """A message without its line breaks, and with no more of a very long word than its begin."""
    return " ".join(
        word if len(word) <= (LONGEST_PATH if "/" in word else LONGEST) else f"{word[:SHOWN]}..."
        for word in str(message).split()
    )


def spoken(seconds: float) -> str:
    """A length of time in words, such as ``10 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.0f} h"
