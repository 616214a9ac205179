"""The one exception that a command turns into a line on stderr and exit status 2; legal ranges."""

import contextlib
import difflib
import math
import operator
import typing
from collections.abc import Iterable, Iterator
from numbers import Real
from typing import Self

LIKENESS = 0.6
"""How like a name must be to be what was meant, of 1."""


class UserError(Exception):
    """Wrong input that the user can correct.

    Its message is one line that names what is wrong and what to do about it.
    """


def one_line(error: BaseException) -> str:
    """What an error says, in one line: the system's words, else its own, else its type."""
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(words.split()) or type(error).__name__


@contextlib.contextmanager
def refused(
    what: str = "",
    advice: str = "",
    kinds: type[Exception] | tuple[type[Exception], ...] = ValueError,
) -> Iterator[None]:
    """Turn an error about what a user gave into a `UserError` of one line.

    Parameters
    ----------
    what : str
        What is wrong, before the error's own words.
    advice : str
        What to do about it, behind them.
    kinds : type or tuple of types
        Errors that are turned; a `UserError` stays as it is.

    Raises
    ------
    UserError
        In place of such an error.
    """
    try:
        yield
    except UserError:
        raise
    except kinds as error:
        raise UserError(f"{what}{one_line(error)}{advice}") from error


def meant(name: object, known: Iterable[object]) -> str:
    """A question for the end of a message: which of the known names was meant, if one is like it.

    Names that have it as a word of theirs, such as ``pixel_bits`` has ``bits``, are all told.

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
    whole = [each for each in names if name.lower() in each.split("_")]
    close = whole or difflib.get_close_matches(name.lower(), names, 1, LIKENESS)
    return f" (did you mean {' or '.join(names[each] for each in close)}?)" if close else ""


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


def check_range(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int, or raise with the legal range.

    Parameters
    ----------
    name : str
        What the value is called in the message.
    value : object
        Anything that supports ``__index__``.
    low, high : int
        The legal range, both ends included.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If it is outside the range.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer from {low} to {high}, not {value!r}") from None
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low} to {high}, not {number}")
    return number


def check_power_of_two(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int, or raise with the legal range.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If it is outside the range or no power of two.
    """
    number = check_range(name, value, low, high)
    if number & (number - 1):
        raise ValueError(f"{name} must be a power of two from {low} to {high}, not {number}")
    return number


def check_number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a float, or raise with the legal range.

    Raises
    ------
    ValueError
        If it is no number, NaN, or outside the range (both ends included).
    """
    number = typing.cast(float, value)  # NumPy's too
    if isinstance(value, Real) and not isinstance(value, bool) and low <= number <= high:
        return float(value)
    raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")


def check_one_of(name: str, value: object, known: Iterable[object]) -> None:
    """Raise `ValueError` with the known values unless `value` is one of them."""
    known = list(known)
    if value not in known:
        raise ValueError(not_one_of(name, value, known))


VARIABLE = "ALLSPIN_EXTENSIONS"
"""Environment variable of kinds of the user's own: files ``*.py`` or modules, separated as in PATH.

`allspin.host.data.files` loads them.
"""


class UnknownKind(ValueError):
    """A kind of neuron or synapse that nobody has registered."""

    @classmethod
    def named(cls, what: str, known: Iterable[str], kind: object) -> Self:
        """The error that says so.

        Parameters
        ----------
        what : str
            What there are kinds of, such as ``neuron``.
        known : iterable of str
            The kinds that are registered.
        kind : object
            What was named in their place.
        """
        return cls(
            f"{not_one_of(what, kind, sorted(known))}; a kind of your own is registered by a file "
            f"that {VARIABLE} names"
        )
