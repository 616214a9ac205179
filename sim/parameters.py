"""Parameters and options, described once: default, range, unit and help.

A frozen dataclass under `Parameters` declares its fields by `number` and `choice`; they are checked
when it is made, and files, reports and options know them by the same description. What a command
line says of a field is described by `option` (`allspin.host.cli.options.add_options`).
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, ClassVar

from allspin.sim.errors import check_number, check_one_of


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
