"""Numbers as instruments write them, and the units of columns and options."""

import math
import re
from collections.abc import Callable, Iterable

from allspin.sim.errors import UserError

MAX_MAGNITUDE = 1e30
"""Largest magnitude of a quantity in any unit, and of its inverse; fourth powers stay finite."""
NUMBER = re.compile(r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
NOT_NUMBERS = {
    *("", "nan", "-nan", "+nan", "inf", "-inf", "+inf", "#n/a", "n/a", "na", "-", "--", "null"),
    *("none", "overflow", "overrange", "overload", "ovld", "ovfl", "o.l", "ol", "#value!"),
    *("open", "infinity", "-infinity", "+infinity"),
}
"""Words in lower case for a value that is missing or beyond a meter's range."""
WINDOWS = re.compile(r"[+-]?1[.,]#(inf|ind|[qs]nan|r)0*", re.IGNORECASE)
"""The same words as C libraries of Windows print them."""
SENTINELS = (9.9e37, 9.91e37)
"""Numbers that SCPI defines for infinity and for not-a-number."""
SHOWN = 4
"""Number of values that a message lists."""


def number(text: str) -> float | None:
    """Return the number in a cell: NaN for a missing value, None for any other text.

    A magnitude below the inverse of `MAX_MAGNITUDE` becomes 0; one above `MAX_MAGNITUDE` is kept.
    """
    text = text.strip()
    if "," in text and DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not NUMBER.fullmatch(text):
        missing = text.lower() in NOT_NUMBERS or WINDOWS.fullmatch(text)
        return math.nan if missing else None
    value = float(text)
    size = abs(value)
    if size > MAX_MAGNITUDE and any(math.isclose(size, one, rel_tol=1e-4) for one in SENTINELS):
        return math.nan
    return value if size >= 1 / MAX_MAGNITUDE else 0.0


def is_number(text: str) -> bool:
    """Return True if a cell has a number or a mark of a missing one; an empty cell has neither."""
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
"""Names of each base unit."""
CASE_MATTERS = ("S", "T", "K", "C", "s", "m")
"""Names of one letter that another unit or prefix has in the other case."""
FIXED = {
    **dict.fromkeys(("min", "minutes"), ("s", 60.0)),
    **dict.fromkeys(("h", "hours"), ("s", 3600.0)),
    "d": ("s", 86400.0),
    **dict.fromkeys(("", "1", "a.u.", "au", "arb. units", "normalised", "normalized"), ("", 1.0)),
    **dict.fromkeys(("#", "-", "n", "no.", "pulse", "pulses", "count", "counts"), ("", 1.0)),
    "%": ("", 0.01),
}
"""Base unit and factor of units in lower case that take no prefix."""
SIGNS = str.maketrans({"\u00b5": "\u03bc", "\u2126": "\u03c9", "\u03a9": "\u03c9"})
"""Unicode has two micro signs and three ohm signs."""


def unit_of(text: str) -> tuple[str, float] | None:
    """Return the base unit and the factor of a written unit, or None for an unknown one.

    The base unit is one of `BASES`, or empty for an arbitrary unit.
    """
    text = text.strip().translate(SIGNS)
    if text.lower() in FIXED:
        return FIXED[text.lower()]
    for base, names in BASES.items():
        for name in names:
            prefix = text[: -len(name)].strip()
            end = text[-len(name) :]
            same = end == name if name in CASE_MATTERS else end.lower() == name
            if same and prefix in PREFIXES and not _is_ambiguous(prefix, end, base):
                return base, PREFIXES[prefix]
    return None


def _is_ambiguous(prefix: str, end: str, base: str) -> bool:
    """Return True if a capital prefix may have been meant as milli."""
    if prefix == "M" and len(end) > 1 and end.isupper():
        return True  # MOHM
    # Mega-ampere and mega-volt do not occur in a laboratory.
    return prefix in ("M", "G") and base in ("A", "V")


def base_of(text: str) -> str:
    """Return the base unit of a written unit; empty for an arbitrary or unknown one."""
    return (unit_of(text) or ("", 1.0))[0]


QUANTITY = re.compile(r"\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(\S*)\s*")


def quantity(base: str, option: str) -> Callable[[str], float]:
    """Return a parser of an option's value with its unit, such as ``0.1mA``, to the base unit.

    The parser raises a `UserError` that names the option.
    """

    def parse(text: str) -> float:
        match = QUANTITY.fullmatch(text)
        value = number(match[1]) if match else None
        unit = unit_of(match[2]) if match else None
        if value and unit and unit[0] == base and abs(value) * unit[1] < MAX_MAGNITUDE:
            return value * unit[1]
        raise UserError(f"{option} takes a value with its unit, such as 0.1m{base}, not {text!r}")

    return parse


def ordered(values: Iterable[str]) -> list[str]:
    """Sort values by magnitude, words last; decimal commas become points, as conditions need."""
    sizes = []
    for text in values:
        value = number(text)
        if value is None or math.isnan(value):
            sizes.append((math.inf, text))
        else:
            sizes.append((abs(value), f"{value:.10g}"))
    return [text for _, text in sorted(sizes)]


def few(values: Iterable[str]) -> str:
    """List the first distinct values, and the number of the others."""
    shown = [text or "nothing" for text in ordered(set(values))]
    more = len(shown) - SHOWN
    return ", ".join(shown[:SHOWN]) + (f" and {more} more" if more > 0 else "")
