"""Factors of a grid: title, default values, and the check of each value."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allspin.host.data.catalogue import Held
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, not_one_of, refused
from allspin.sim.network.network import Network
from allspin.sim.parameters import Parameters, described

MAX_SCALE = 100.0
"""Largest factor on a figure of the device."""
TRUE = "yes"
FALSE = "no"

Check = Callable[[str, Any], Any]
"""Check of a value by the factor's name: returns the value to use, or raises a `UserError`."""


@dataclass(frozen=True)
class Factor:
    """Quantity that a grid varies.

    Attributes
    ----------
    check : callable
        Check of its values.
    default : tuple
        Values unless the grid gives some; empty for those of the device or the network.
    title : str
        Title in pictures.
    """

    check: Check
    default: tuple[Any, ...]
    title: str


def factor(check: Check, title: str, *default: Any) -> Any:
    """Declare a field of a point that is a `Factor`."""
    return field(metadata={"factor": Factor(check, default, title)})


def figure(kind: type[Parameters], name: str, title: str) -> Any:
    """Declare a factor that replaces a figure of the device, within that figure's range."""
    bounds = described(kind)[name].metadata
    return factor(number_check(bounds["low"], bounds["high"]), title)


def scale(title: str) -> Any:
    """Declare a factor that multiplies a figure of the device."""
    return factor(number_check(0, MAX_SCALE), f"{title}, times the device's", 1.0)


def number_check(low: float, high: float, kind: type[int] | type[float] = float) -> Check:
    """Return a check of numbers from `low` to `high`, which may be given as text."""

    def check(name: str, value: Any) -> float:
        if isinstance(value, str):
            with suppress(ValueError):
                value = kind(value)
        number = None if isinstance(value, bool) else value
        if isinstance(number, int | kind) and low <= number <= high:
            return kind(number)
        bounds = f"from {low} to {high}" if kind is int else f"a number from {low:g} to {high:g}"
        raise UserError(f"`{name}` must be {bounds}, not {value!r}")

    return check


def word_check(known: Mapping[str, str]) -> Check:
    """Return a check of words that accepts those which are known."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise UserError(not_one_of(f"`{name}`", value, known))
        return value

    return check


def model_check(open_model: Callable[[Any], Network | Device]) -> Check:
    """Return a check of networks or devices: objects, names or files, which stay unopened."""

    def check(name: str, value: Any) -> str:
        if hasattr(value, "save"):
            return Held.of(open_model(value))
        if isinstance(value, Path):
            value = str(value)
        return check_name(name, value)

    return check


def check_name(name: str, value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise UserError(f"`{name}` must be a name, not {value!r}")
    return value


def check_truth(name: str, value: Any) -> bool:
    """Return True or False, which may be given as `TRUE` or `FALSE`."""
    if value in (TRUE, FALSE):
        return value == TRUE
    if not isinstance(value, bool):
        raise UserError(
            f"`{name}` must be {TRUE} or {FALSE} (in a file true or false), not {value!r}"
        )
    return value


def check_operating_point(name: str, value: Any) -> str:
    """Return an operating point's text in its usual form."""
    if not isinstance(value, str):
        raise UserError(f"`{name}` must be such as current=9mA,temperature=350, not {value!r}")
    with refused(f"{name}: "):
        return str(OperatingPoint.parse(value))


def spell(value: Any) -> Any:
    """Return a value as tables have it: `TRUE` or `FALSE` in place of a bool."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    return value
