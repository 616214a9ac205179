"""The exception that commands show as a line on stderr with exit status 2; checks of ranges."""

import contextlib
import difflib
import math
import operator
import typing
from collections.abc import Iterable, Iterator
from numbers import Real
from typing import Self

LIKENESS = 0.6
"""Similarity, from 0 to 1, at which a known name is suggested."""


class UserError(Exception):
    """Wrong input that the user can correct.

    Its message is one line that names the error and its remedy.
    """


def one_line(error: BaseException) -> str:
    """Return an error's message in one line: the system's text, its own, or its type."""
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(words.split()) or type(error).__name__


@contextlib.contextmanager
def refused(
    what: str = "",
    advice: str = "",
    kinds: type[Exception] | tuple[type[Exception], ...] = ValueError,
) -> Iterator[None]:
    """Turn errors about a user's input into a `UserError` of one line.

    Parameters
    ----------
    what : str
        Text before the error's own message.
    advice : str
        Text after the error's own message.
    kinds : type or tuple of types
        Errors to turn; a `UserError` stays as it is.

    Raises
    ------
    UserError
        Instead of such an error.
    """
    try:
        yield
    except UserError:
        raise
    except kinds as error:
        text = f"{what}{one_line(error)}{advice}"  # a file's own names may have line ends
        raise UserError(" ".join(text.splitlines())) from error


def meant(name: object, known: Iterable[object]) -> str:
    """Return a question for the end of a message that suggests a similar known name.

    All names that contain `name` as a word are suggested, such as ``pixel_bits`` for ``bits``.

    Parameters
    ----------
    name : object
        Given name; only a str has similar names.
    known : iterable of object
        Known names.

    Returns
    -------
    str
        Text such as `` (did you mean virtual?)``; empty without a similar name.
    """
    if not isinstance(name, str):
        return ""
    names = {str(each).lower(): str(each) for each in known}
    whole = [each for each in names if name.lower() in each.split("_")]
    close = whole or difflib.get_close_matches(name.lower(), names, 1, LIKENESS)
    return f" (did you mean {' or '.join(names[each] for each in close)}?)" if close else ""


def not_one_of(name: str, value: object, known: Iterable[object]) -> str:
    """Return the message for a value that is not one of the known values.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        Given value.
    known : iterable of object
        Legal values.
    """
    known = list(known)
    listed = ", ".join(map(str, known))
    return f"{name} must be one of {listed}, not {value!r}{meant(value, known)}"


def check_range(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int, or raise with the legal range.

    Parameters
    ----------
    name : str
        Name of the value in the message.
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
        If it is outside the range or not a power of two.
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
        If it is not a number, NaN, or outside the range (both ends included).
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
"""Environment variable of the user's extensions: ``*.py`` files or modules, separated as in PATH.

`allspin.host.data.files` loads them.
"""


class UnknownKind(ValueError):
    """A kind of neuron or synapse that is not registered."""

    @classmethod
    def named(cls, what: str, known: Iterable[str], kind: object) -> Self:
        """Make the error of an unknown kind.

        Parameters
        ----------
        what : str
            Name of the register, such as ``neuron``.
        known : iterable of str
            Registered kinds.
        kind : object
            Given kind.
        """
        return cls(
            f"{not_one_of(what, kind, sorted(known))}; a kind of your own is registered by a file "
            f"that {VARIABLE} names"
        )
