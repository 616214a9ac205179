"""Numbers as instruments write them, and the units of columns and options."""

import math
import re
from collections.abc import Callable, Iterable

from allspin.sim.errors import UserError

MAX_MAGNITUDE = 1e30
"""No quantity here is larger in any unit, nor its inverse; fourth powers are still numbers."""
NUMBER = re.compile(r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
NOT_NUMBERS = {
    *("", "nan", "-nan", "+nan", "inf", "-inf", "+inf", "#n/a", "n/a", "na", "-", "--", "null"),
    *("none", "overflow", "overrange", "overload", "ovld", "ovfl", "o.l", "ol", "#value!"),
    *("open", "infinity", "-infinity", "+infinity"),
}
"""What stands for a value that is missing or beyond a meter's range, in small letters."""
WINDOWS = re.compile(r"[+-]?1[.,]#(inf|ind|[qs]nan|r)0*", re.IGNORECASE)
"""The same as C libraries of Windows write it."""
SENTINELS = (9.9e37, 9.91e37)
"""Numbers that stand for the same: SCPI's infinity, and its not a number."""


def number(text: str) -> float | None:
    """The number in a cell: NaN where a value is missing, None where there is something else.

    Below the inverse of `MAX_MAGNITUDE` it is 0; above `MAX_MAGNITUDE` it is as it is written.
    """
    text = text.strip()
    if "," in text and DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not NUMBER.fullmatch(text):
        return math.nan if (text.lower() in NOT_NUMBERS or WINDOWS.fullmatch(text)) else None
    value, size = float(text), abs(float(text))
    if size > MAX_MAGNITUDE and any(math.isclose(size, one, rel_tol=1e-4) for one in SENTINELS):
        return math.nan
    return value if size >= 1 / MAX_MAGNITUDE else 0.0


def is_number(text: str) -> bool:
    """Whether a cell has a number, or a sign for one that is missing; not an empty one."""
    return bool(text) and number(text) is not None


PREFIXES = {
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "\u03bc": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "G": 1e9,
}
BASES = {
    "ohm": ("ohm", "ohms", "\u03c9"),
    "S": ("S", "siemens"),
    "V": ("v", "volt", "volts"),
    "A": ("a", "amp", "amps", "ampere", "amperes"),
    "T": ("T", "tesla"),
    "Oe": ("oe", "oersted"),
    "K": ("K", "kelvin"),
    "C": ("C", "\u00b0c", "degc", "celsius"),
    "s": ("s", "sec", "seconds"),
    "m": ("m",),
}
"""Names of each unit; only those of one letter that are another's too keep their case."""
WHOLE = {
    **{name: ("s", 60.0) for name in ("min", "minutes")},
    **{name: ("s", 3600.0) for name in ("h", "hours")},
    "d": ("s", 86400.0),
    **{
        name: ("", 1.0)
        for name in (
            *("", "1", "a.u.", "au", "arb. units", "normalised", "normalized"),
            *("#", "-", "n", "no.", "pulse", "pulses", "count", "counts"),
        )
    },
    "%": ("", 0.01),
}
"""Units in small letters that take no prefix: longer times, and arbitrary ones."""
SIGNS = str.maketrans({"\u00b5": "\u03bc", "\u2126": "\u03c9", "\u03a9": "\u03c9"})
"""There are two micro signs and three ohm signs in Unicode."""


def unit_of(text: str) -> tuple[str, float] | None:
    """Base unit and factor of a unit as it is written; None for one that is not known.

    The base unit is one of `BASES`, or empty for an arbitrary one.
    """
    text = text.strip().translate(SIGNS)
    if text.lower() in WHOLE:
        return WHOLE[text.lower()]
    for base, name in ((base, name) for base, names in BASES.items() for name in names):
        prefix, end = text[: -len(name)].strip(), text[-len(name) :]
        # Of one letter, units are told apart by capitals, but for ampere and volt.
        same = (end if name in ("S", "T", "K", "C", "s", "m") else end.lower()) == name
        # All capitals do not tell a thousandth from a million; and nobody has a million of
        # amperes or volts: a capital M would be a thousandth.
        shouted = prefix == "M" and len(name) > 1 and end.isupper()
        large = prefix in ("M", "G") and base in ("A", "V")
        if same and prefix in PREFIXES and not shouted and not large:
            return base, PREFIXES[prefix]
    return None


def base_of(text: str) -> str:
    """The base unit of a unit as it is written; empty for an arbitrary one, or one not known."""
    return (unit_of(text) or ("", 1.0))[0]


QUANTITY = re.compile(r"\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(\S*)\s*")


def quantity(base: str, option: str) -> Callable[[str], float]:
    """What reads an option's value with its unit, such as ``0.1mA``, in the base unit.

    It raises a `UserError` with the option if a text is none.
    """

    def read(text: str) -> float:
        match = QUANTITY.fullmatch(text)
        value, unit = (number(match[1]), unit_of(match[2])) if match else (None, None)
        if value and unit and unit[0] == base and abs(value) * unit[1] < MAX_MAGNITUDE:
            return value * unit[1]
        raise UserError(f"{option} takes a value with its unit, such as 0.1m{base}, not {text!r}")

    return read


# How messages tell some values.

SHOWN = 4
"""Values that a message has."""


def ordered(values: Iterable[str]) -> list[str]:
    """Values by magnitude, words last, without a decimal comma, as a condition takes them."""
    sizes = [
        (math.inf, text) if value is None or math.isnan(value) else (abs(value), f"{value:.10g}")
        for text, value in ((text, number(text)) for text in values)
    ]
    return [text for _, text in sorted(sizes)]


def few(values: Iterable[str]) -> str:
    """The first of some values, and how many more there are."""
    shown = [text or "nothing" for text in ordered(set(values))]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" * (len(shown) > SHOWN))
