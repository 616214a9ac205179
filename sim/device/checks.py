"""Numbers and readings that a device is made of, checked when it is made."""

import math

from allspin.sim.errors import not_one_of


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


def check_reading(name: str, reading: object, known: dict[str, str]) -> None:
    """Raise `ValueError` unless a reading is one of the known ones."""
    if reading not in known:
        raise ValueError(not_one_of(name, reading, known))
