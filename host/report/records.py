"""Plain values of JSON that others wrote: taken where they are what they should be."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number, which true and false are not."""
    try:
        return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # an integer that is none of the numbers of the page, which are floats
        return False


def numeral(record: Mapping[str, Any], key: str) -> int | float | None:
    """The number at a key; None if there is none."""
    value = record.get(key)
    return value if is_number(value) else None


def string(record: Mapping[str, Any], key: str) -> str | None:
    """The text at a key, or a number as text; None if there is neither."""
    value = record.get(key)
    return str(value) if isinstance(value, str) or is_number(value) else None


def flag(record: Mapping[str, Any], key: str) -> bool | None:
    """The yes or no at a key; None if there is none."""
    value = record.get(key)
    return value if isinstance(value, bool) else None


def mapping(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object at a key; an empty one if there is none."""
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}


def records(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; none if there is no list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
