"""The one exception that a command turns into a line on stderr and exit status 2; wrong names."""

import contextlib
import difflib
import math
from collections.abc import Iterable, Iterator

LIKENESS = 0.6
"""How like a name must be to be what was meant, of 1."""


class UserError(Exception):
    """Wrong input that the user can correct.

    Its message is one line that names what is wrong and what to do about it.
    """


@contextlib.contextmanager
def refused(what: str = "", advice: str = "") -> Iterator[None]:
    """Turn a `ValueError` of what a user gave into a `UserError`.

    Parameters
    ----------
    what : str
        What is wrong, before the error's own words.
    advice : str
        What to do about it, behind them.

    Raises
    ------
    UserError
        In place of a `ValueError`.
    """
    try:
        yield
    except ValueError as error:
        raise UserError(f"{what}{error}{advice}") from error


def meant(name: object, known: Iterable[object]) -> str:
    """A question for the end of a message: which of the known names was meant, if one is like it.

    Parameters
    ----------
    name : object
        What was given; only a str is like a name.
    known : iterable of object
        The names.

    Returns
    -------
    str
        Such as `` (did you mean virtual?)``; empty if none is like it.
    """
    if not isinstance(name, str):
        return ""
    names = {str(each).lower(): str(each) for each in known}
    close = difflib.get_close_matches(name.lower(), names, 1, LIKENESS)
    return f" (did you mean {names[close[0]]}?)" if close else ""


def not_one_of(name: str, value: object, known: Iterable[object]) -> str:
    """What to say of a value that is none of a few.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object
        What was given.
    known : iterable of object
        What it may be.
    """
    known = list(known)
    listed = ", ".join(map(str, known))
    return f"{name} must be one of {listed}, not {value!r}{meant(value, known)}"


# Numbers and readings that a device is made of, checked when it is made.


def check_number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a float, or raise with the legal range.

    Raises
    ------
    ValueError
        If it is no number, NaN, or outside the range (both ends included).
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")


def check_reading(name: str, reading: object, known: dict[str, str]) -> None:
    """Raise `ValueError` unless a reading is one of the known ones."""
    if reading not in known:
        raise ValueError(not_one_of(name, reading, known))
