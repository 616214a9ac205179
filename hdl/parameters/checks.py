"""Checks of the attributes of frozen objects."""

from allspin.sim.errors import not_one_of
from allspin.sim.network.levels import check_range


def keep_in_range(owner: object, name: str, low: int, high: int) -> None:
    """Check an attribute of a frozen object and keep it as a plain int."""
    object.__setattr__(owner, name, check_range(name, getattr(owner, name), low, high))


def keep_one_of(owner: object, name: str, allowed: tuple[int, ...] | tuple[str, ...]) -> None:
    """Check that an attribute of a frozen object is one of a few values."""
    value = getattr(owner, name)
    if isinstance(value, bool) or value not in allowed:
        raise ValueError(not_one_of(name, value, allowed))


def check_power_of_two(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int, or raise with the legal range.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If it is outside the range or no power of two.
    """
    number = check_range(name, value, low, high)
    if number & (number - 1):
        raise ValueError(f"{name} must be a power of two from {low} to {high}, not {number}")
    return number
