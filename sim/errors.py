"""What may be given: legal ranges, parameters, and options; and what is said where it is wrong.

Wrong input is a `UserError`, which a command turns into a line on stderr and exit status 2. A
frozen dataclass under `Parameters` declares its fields by `number` and `choice`; they are checked
when it is made, and files, reports and options know them by the same description. What a command
line says of a field is described by `option` (`allspin.host.cli.options.add_options`).
"""

import contextlib
import dataclasses
import difflib
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Self

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
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
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


def number(
    default: Any = dataclasses.MISSING,
    low: float = -math.inf,
    high: float = math.inf,
    unit: str = "",
) -> Any:
    """A field that is a number within a range, both ends included.

    Parameters
    ----------
    default : float or None, optional
        Its default; where it is None, so may the value be: it is not known.
    low, high : float
        The range.
    unit : str
        What reports call its unit; those without are left out there.
    """
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "unit": unit})


def choice(default: str, known: dict[str, str]) -> Any:
    """A field that is one of some readings, each with what it means."""
    return dataclasses.field(default=default, metadata={"known": known})


class Parameters:
    """Parameters that are checked as they are made.

    Raises
    ------
    ValueError
        If a value is outside its range, or none that is known.
    """

    def __post_init__(self) -> None:
        for name, field in described(type(self)).items():
            value, about = getattr(self, name), field.metadata
            if "known" in about:
                check_one_of(self.called(name), value, about["known"])
            elif "low" in about and not (value is None and field.default is None):
                checked = check_number(self.called(name), value, about["low"], about["high"])
                object.__setattr__(self, name, checked)

    def called(self, name: str) -> str:
        """What messages call a parameter."""
        return name

    def figures(self) -> list[str]:
        """Numbers with a unit that are not 0, a line each, for reports."""
        return [
            f"{name} {value:g} {unit}"
            for name, unit in units(type(self)).items()
            if (value := getattr(self, name))
        ]


def described(kind: Any) -> dict[str, dataclasses.Field[Any]]:
    """Fields of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(kind)}


def units(kind: Any) -> dict[str, str]:
    """Unit of each field that has one."""
    fields = described(kind)
    return {name: unit for name in fields if (unit := fields[name].metadata.get("unit"))}


class Shown:
    """A model that a notebook shows as a card.

    Attributes
    ----------
    card : callable
        Makes the HTML. `allspin/__init__.py` sets it for all models at once, when a name of the
        package is first asked for, or `allspin.host.draw.cards` where that is imported. Until then
        there is none, and a notebook shows the model's `repr`.
    """

    card: ClassVar[Callable[[Any], str | None]] = staticmethod(lambda model: None)

    def _repr_html_(self) -> str | None:
        return Shown.card(self)


def option(
    words: str, metavar: str | tuple[str, ...] | None = None, *, flag: str | None = None, **how: Any
) -> dict[str, Any]:
    """Metadata of a dataclass's field that is an option of a command.

    Parameters
    ----------
    words : str
        Its help.
    metavar : str or tuple of str, optional
        What its value is called; a switch has none.
    flag : str, optional
        What it is called where that is not the field's name, such as ``--program``.
    **how
        More for `argparse`: ``type`` where it is not the field's own, ``choices``, ``action``.

    Examples
    --------
    >>> option("states of a synapse, 2 to 128 (10)", "N")["how"]["metavar"]
    'N'
    """
    return {"flag": flag, "how": {"help": words, "metavar": metavar, **how}}


def listed(text: str) -> tuple[str, ...]:
    """The words of a list with commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def megahertz(text: str) -> float:
    """A frequency in MHz as Hz."""
    return 1e6 * float(text)
