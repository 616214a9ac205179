"""What a cell of a table says: a number, nothing, or something that is neither."""

import math
import re

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
    if DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if NUMBER.fullmatch(text):
        value = float(text)
        if abs(value) > MAX_MAGNITUDE and any(
            math.isclose(abs(value), sentinel, rel_tol=1e-4) for sentinel in SENTINELS
        ):
            return math.nan
        return value if abs(value) >= 1 / MAX_MAGNITUDE else 0.0
    missing = text.lower() in NOT_NUMBERS or WINDOWS.fullmatch(text)
    return math.nan if missing else None


def is_number(text: str) -> bool:
    """Whether a cell has a number, or a sign for one that is missing; not an empty one."""
    return bool(text) and number(text) is not None


def wrong(name: str, text: str) -> str:
    """What is to be said of a cell that has something else than a number."""
    if NUMBER.match(text):
        return (
            f"{name} is {text!r}, a number with something behind it; give plain "
            "numbers and the unit in the header, as in R_AH (ohm)"
        )
    return f"{name} is {text!r}; give a number"
