"""Lines of text on stdout and stderr, safe for a terminal whatever names they hold."""

import sys
import threading
import unicodedata

LONGEST = 260
"""Longest word of a message, in characters: more than a quoted file name or a number needs."""
LONGEST_PATH = 4200
"""Longest word with slashes, in characters."""
SHOWN = 60
"""Characters that are kept of a longer word."""
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of characters that control a terminal, or are invisible in it."""
LAYOUT = "\n\t"
OVERWRITING = "\r\b"
"""Characters that programs draw their progress with."""


def printable(text: str, layout: str = LAYOUT) -> str:
    r"""Escape invisible and control characters, such as ``\x1b``, except those of `layout`.

    Names of files and networks come from strangers: they may hold control characters, and
    marks that reverse the order of the text that follows.
    """
    if text.isprintable():
        return text
    characters = []
    for character in text:
        if unicodedata.category(character) in UNSEEN and character not in layout:
            character = character.encode("unicode_escape").decode()
        characters.append(character)
    return "".join(characters)


def shortened(text: str, most: int) -> str:
    """Cut a text to at most `most` characters, the last of them an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def one_line(message: object) -> str:
    """Join a message's lines, and cut words longer than `LONGEST`."""
    words = []
    for word in str(message).split():
        most = LONGEST_PATH if "/" in word else LONGEST
        words.append(word if len(word) <= most else f"{word[:SHOWN]}...")
    return " ".join(words)


class Stderr:
    """Writer of lines to stderr that ends an unfinished line before the next one.

    Attributes
    ----------
    unfinished : bool
        True if the last line has no end yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.unfinished = False

    def write(self, text: str, end: str = "\n") -> None:
        """Print text on a line of its own."""
        with self._lock:
            begin = "\n" if self.unfinished else ""
            self.unfinished = False
            print(begin + text, end=end, file=sys.stderr, flush=True)

    def grow(self, text: str, unfinished: bool = True) -> None:
        """Append text to the present line."""
        with self._lock:
            self.unfinished = unfinished
            print(text, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End an unfinished line."""
        with self._lock:
            if self.unfinished:
                print(file=sys.stderr, flush=True)
            self.unfinished = False


stderr = Stderr()


def say(text: str) -> None:
    """Print to stdout."""
    print(printable(text))


def tell(text: str) -> None:
    """Print progress to stderr, at once."""
    stderr.write(printable(text))


def pass_on(text: str) -> None:
    """Print a piece of another program's output to stderr, with its carriage returns."""
    stderr.write(printable(text, LAYOUT + OVERWRITING), end="")


def warn(message: object) -> None:
    """Print a line to stderr that begins with the program's name."""
    stderr.write(f"allspin: {printable(one_line(message))}")
