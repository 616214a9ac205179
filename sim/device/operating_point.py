"""An operating point: pulse current, pulse width, field and temperature, each optional.

Its text is such as ``current=9mA,temperature=350``. A number without a unit is in A, s, T or K.
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
"""Magnetic constant in T per (A/m), CODATA 2022."""
UNITS = {
    "current": {"A": Decimal(1)},
    "width": {"s": Decimal(1)},
    "field": {"T": Decimal(1), "Oe": Decimal("1e-4"), "A/m": MU_0},
    "temperature": {"K": Decimal(1)},
}
"""Units of each axis, with their factor to the axis' own unit, which is the first."""
AXES = tuple(UNITS)
"""Axes over which a device's response may be measured."""
MOST = 1e12
"""Largest magnitude in any unit."""
NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?)\s*([A-Za-zµμ/]*)")
LONGEST = 200
"""Largest number of characters of a point's text."""


def check_axis(name: str, value: object) -> float:
    """Return the value of an axis as a float; raise `ValueError` if it is not legal."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MOST:
        if name == "field" or value > 0:
            return float(value)
        raise ValueError(f"{name} must be above 0, not {value:g}")
    raise ValueError(f"{name} must be a number, not {value!r}")


@dataclass(frozen=True)
class OperatingPoint:
    """Operating point of a device; a value of None is that of the device's file.

    Parameters
    ----------
    current : float or None
        Current of a pulse, in A.
    width : float or None
        Width of a pulse, in s.
    field : float or None
        Magnetic field, in T.
    temperature : float or None
        Temperature, in K.

    Raises
    ------
    ValueError
        If a value is not a number, or a value other than the field is not above 0.

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
        """Parse a text such as ``current=9mA,temperature=350``.

        Raises
        ------
        ValueError
            If the text is not a point; the message is one line.
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
        """Return the given values by the names of their axes."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def within(self, rest: Mapping[str, float]) -> "OperatingPoint":
        """Return the point with missing values from `rest`."""
        return OperatingPoint(**{**rest, **self.given()})

    def __str__(self) -> str:
        return ",".join(f"{name}={shown(name, value)}" for name, value in self.given().items())


def shown(name: str, value: float) -> str:
    """Return an axis' value with its unit, as `OperatingPoint.parse` reads it."""
    unit = next(iter(UNITS[name]))
    if name == "temperature" or not value:
        return f"{value:.12g}{unit}"
    power = min(max(3 * math.floor(math.log10(abs(value) * (1 + 1e-12)) / 3), -12), 6)
    prefix = next(prefix for prefix, own in PREFIXES.items() if own == power)
    return f"{float(Decimal(repr(value)).scaleb(-power)):.12g}{prefix}{unit}"


def _number(name: str, text: str) -> float:
    """Return a value in the axis' own unit."""
    match = NUMBER.fullmatch(text)
    known = " or ".join(UNITS[name])
    if match is None:
        raise ValueError(f"{name} must be a number, in {known} where it has a unit, not {text!r}")
    number, unit = match.groups()
    for own, factor in UNITS[name].items():
        prefix = unit.removesuffix(own) if unit else ""
        if (not unit or unit.endswith(own)) and prefix in PREFIXES:
            try:
                # Decimal arithmetic makes 1.1mA equal to 0.0011 in a file.
                return float((Decimal(number) * factor).scaleb(PREFIXES[prefix]))
            except decimal.DecimalException:
                break
    raise ValueError(f"{name} must be in {known}, not {text!r}")
