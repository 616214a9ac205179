"""Units of columns and of options: what they measure in, and how much of it they are."""

import re

from allspin.sim.errors import UserError

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
    "s": ("s", "sec", "seconds"),
    "m": ("m",),
}
"""Names of each unit; only those of one letter that are another's too keep their case."""
ARBITRARY = {
    "": 1.0,
    "1": 1.0,
    "a.u.": 1.0,
    "au": 1.0,
    "arb. units": 1.0,
    "normalised": 1.0,
    "normalized": 1.0,
    "%": 0.01,
}
"""Names of no unit, in small letters."""
SMALL = ("A", "V")
"""Units of which nobody has a million: a capital M would be a thousandth."""
QUANTITY = re.compile(r"\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(\S*)\s*")


def unit_of(text: str) -> tuple[str, float] | None:
    """Base unit and factor of a unit as it is written; None for one that is not known.

    The base unit is one of `BASES`, or empty for an arbitrary one.
    """
    # There are two micro signs and two ohm signs in Unicode.
    text = text.strip().replace("\u00b5", "\u03bc").replace("\u2126", "\u03c9")
    text = text.replace("\u03a9", "\u03c9")
    if text.lower() in ARBITRARY:
        return "", ARBITRARY[text.lower()]
    for base, names in BASES.items():
        for name in names:
            own_case = name in ("S", "T", "K", "s", "m")
            end = text[-len(name) :]
            if (end if own_case else end.lower()) != name:
                continue
            prefix = text[: -len(name)].strip()
            # All capitals do not tell a thousandth from a million.
            shouted = prefix == "M" and len(name) > 1 and end.isupper()
            if prefix not in PREFIXES or shouted or (prefix in "MG" and prefix and base in SMALL):
                continue
            return base, PREFIXES[prefix]
    return None


def quantity(text: str, base: str, option: str) -> float:
    """A value with its unit, such as ``0.1mA``, in the base unit.

    Raises
    ------
    UserError
        If it is none, with the option that gave it.
    """
    match = QUANTITY.fullmatch(text)
    unit = unit_of(match[2]) if match else None
    try:
        value = float(match[1]) if match else 0.0
    except ValueError:
        value = 0.0
    if unit is None or unit[0] != base or not 0 < abs(value) * unit[1] < 1e30:
        raise UserError(f"{option} takes a value with its unit, such as 0.1m{base}, not {text!r}")
    return value * unit[1]
