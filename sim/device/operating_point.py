"""An operating point: pulse current, pulse width, field and temperature, as far as they are given.

It is written as ``current=9mA,temperature=350``: without a unit a number is in ampere, seconds,
tesla or kelvin.
"""

import decimal
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

PREFIXES = {"p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "": 0, "k": 3, "M": 6}
"""Powers of ten."""
MU_0 = Decimal("1.25663706127e-6")
"""Magnetic constant in tesla a (ampere a metre), CODATA 2022."""
UNITS = {
    "current": {"A": Decimal(1)},
    "width": {"s": Decimal(1)},
    "field": {"T": Decimal(1), "Oe": Decimal("1e-4"), "A/m": MU_0},
    "temperature": {"K": Decimal(1)},
}
"""Units of each axis, its own first, and what one of each is in that."""
AXES = tuple(UNITS)
"""What a device's response may have been measured over."""
MOST = 1e12
"""In any unit: far beyond what is ever set."""
NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?)\s*([A-Za-zµμ/]*)")
LONGEST = 200
"""Characters of a point's text."""


def check_axis(name: str, value: object) -> float:
    """The value of an axis as a float, or `ValueError`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MOST:
        if name == "field" or value > 0:
            return float(value)
        raise ValueError(f"{name} must be above 0, not {value:g}")
    raise ValueError(f"{name} must be a number, not {value!r}")


@dataclass(frozen=True)
class OperatingPoint:
    """Where a device is taken; what is None is as the device's file has it.

    Parameters
    ----------
    current : float or None
        Of a pulse, in ampere.
    width : float or None
        Of a pulse, in seconds.
    field : float or None
        In tesla.
    temperature : float or None
        In kelvin.

    Raises
    ------
    ValueError
        If one of them is no number, or not above 0 (the field may be).

    Examples
    --------
    >>> OperatingPoint.parse("current=9mA,temperature=350").current
    0.009
    """

    current: float | None = None
    width: float | None = None
    field: float | None = None
    temperature: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None:
                object.__setattr__(self, name, check_axis(name, value))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The point that a text says, such as ``current=9mA,temperature=350``.

        Raises
        ------
        ValueError
            If it says none; the message is one line.
        """
        given: dict[str, float] = {}
        for part in text[:LONGEST].split(","):
            name, sign, value = (word.strip() for word in part.partition("="))
            if not sign or name not in UNITS:
                raise ValueError(
                    f"a point is such as current=9mA,temperature=350, of {', '.join(UNITS)}, "
                    f"not {text[:LONGEST]!r}"
                )
            if name in given:
                raise ValueError(f"{text!r} has {name} twice")
            given[name] = _number(name, value)
        return cls(**given)

    def given(self) -> dict[str, float]:
        """Values of the axes that are given, by their names."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def within(self, rest: Mapping[str, float]) -> "OperatingPoint":
        """The point with what it lacks taken from elsewhere."""
        return OperatingPoint(**{**rest, **self.given()})

    def __str__(self) -> str:
        return ",".join(f"{name}={shown(name, value)}" for name, value in self.given().items())


def shown(name: str, value: float) -> str:
    """An axis' value with its unit, as `OperatingPoint.parse` reads it."""
    unit = next(iter(UNITS[name]))
    if name == "temperature" or not value:
        return f"{value:.12g}{unit}"
    power = min(max(3 * math.floor(math.log10(abs(value) * (1 + 1e-12)) / 3), -12), 6)
    prefix = next(prefix for prefix, own in PREFIXES.items() if own == power)
    return f"{float(Decimal(repr(value)).scaleb(-power)):.12g}{prefix}{unit}"


def _number(name: str, text: str) -> float:
    """A value in the axis' own unit."""
    match = NUMBER.fullmatch(text)
    known = " or ".join(UNITS[name])
    if match is None:
        raise ValueError(f"{name} must be a number, in {known} where it has a unit, not {text!r}")
    number, unit = match.groups()
    for own, factor in UNITS[name].items():
        prefix = unit.removesuffix(own) if unit else ""
        if (not unit or unit.endswith(own)) and prefix in PREFIXES:
            try:
                # In decimals, so that 1.1mA is what a file has as 0.0011.
                return float((Decimal(number) * factor).scaleb(PREFIXES[prefix]))
            except decimal.DecimalException:
                break
    raise ValueError(f"{name} must be in {known}, not {text!r}")
