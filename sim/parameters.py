"""Parameters with range and unit, which a frozen dataclass checks when it is made."""

import dataclasses
import math
import reprlib
import typing
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

import numpy as np

from allspin.sim.errors import check_number, check_one_of, check_range


def number(
    default: Any = dataclasses.MISSING,
    low: float = -math.inf,
    high: float = math.inf,
    unit: str = "",
) -> Any:
    """Declare a field that is a number within a range, both ends included.

    Parameters
    ----------
    default : float or None, optional
        Default of the field. If it is None, a value may be None too: it is not known.
    low, high : float
        Range of the values.
    unit : str
        Unit in reports, which leave out numbers without one.
    """
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "unit": unit})


def choice(default: Any, known: Iterable[str]) -> Any:
    """Declare a field that is one of some words; None is allowed if it is the default."""
    return dataclasses.field(default=default, metadata={"known": known})


class Parameters:
    """Dataclass whose fields are checked when it is made; those of type int must be whole numbers.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, no whole number, or an unknown word.
    """

    def __post_init__(self) -> None:
        for name, field in described(type(self)).items():
            value = getattr(self, name)
            about = {} if value is None and field.default is None else field.metadata
            if "known" in about:
                check_one_of(self.called(name), value, about["known"])
            elif "low" in about:
                kind = getattr(field.type, "__origin__", field.type)  # without Annotated
                check: Any = check_range if kind in (int, int | None) else check_number
                checked = check(self.called(name), value, about["low"], about["high"])
                object.__setattr__(self, name, checked)

    def called(self, name: str) -> str:
        """Return the name of a parameter in messages."""
        return name

    def figures(self) -> list[str]:
        """Return the numbers with a unit that are not 0, a line each, for reports."""
        return [
            f"{name} {value:g} {unit}"
            for name, unit in units(type(self)).items()
            if (value := getattr(self, name))
        ]


def described(kind: Any) -> dict[str, dataclasses.Field[Any]]:
    """Return the fields of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(kind)}


def units(kind: Any) -> dict[str, str]:
    """Return the unit of each field that has one."""
    fields = described(kind)
    return {name: unit for name in fields if (unit := fields[name].metadata.get("unit"))}


def equal_values(one: Any, other: Any) -> bool:
    """Return True if two values are of one type and equal, with all arrays and dataclasses in them.

    Parameters
    ----------
    one, other : object
        Values; arrays must have one shape and type.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(equal_values, one, other))
    if dataclasses.is_dataclass(one):
        names = described(type(one))
        return all(equal_values(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


LONGEST_REPR = 300
"""Most characters of the `repr` of a model."""


class Brief:
    """Dataclass whose `repr` is a line of at most `LONGEST_REPR` characters."""

    def __init_subclass__(cls) -> None:
        # Here, since a dataclass would write one of its own, with every value of every array.
        cls.__repr__ = Brief.__repr__

    def __repr__(self) -> str:
        values = ", ".join(
            f"{name}={reprlib.repr(getattr(self, name))}" for name in described(type(self))
        )
        text = " ".join(f"{type(self).__name__}({values})".split())
        return text if len(text) <= LONGEST_REPR else f"{text[: LONGEST_REPR - 4]}...)"


class Shown(Brief):
    """A model or a result: a line in a terminal, a card in a notebook, a figure by `plot`.

    Attributes
    ----------
    card : callable
        Makes the HTML. `allspin/__init__.py` sets it for all models at once, when a name of the
        package is first asked for; likewise ``drawn``, which makes the figure, and ``found``,
        which opens a model by its class and its name or file. Until then there is no card, and a
        notebook shows the model's `repr`.
    """

    card: ClassVar[Callable[[Any], str | None]] = staticmethod(lambda model: None)

    @classmethod
    def named(cls, given: Any) -> Self:
        """A model, or the one that a name or a file says; `UserError` if it cannot be read."""
        return given if isinstance(given, cls) else typing.cast(Any, Shown).found(cls, given)

    def plot(self) -> Any:
        """The figure of it, a `matplotlib.figure.Figure`."""
        return typing.cast(Any, Shown).drawn(self)

    def _repr_html_(self) -> str | None:
        return Shown.card(self)
