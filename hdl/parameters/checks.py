"""Checks of the attributes of frozen objects."""

from allspin.sim.errors import check_range, not_one_of


def keep_in_range(owner: object, **ranges: tuple[int, int]) -> None:
    """Check attributes of a frozen object, and keep each as a plain int."""
    for name, (low, high) in ranges.items():
        object.__setattr__(owner, name, check_range(name, getattr(owner, name), low, high))


def keep_one_of(owner: object, name: str, allowed: tuple[int, ...] | tuple[str, ...]) -> None:
    """Check that an attribute of a frozen object is one of a few values."""
    value = getattr(owner, name)
    if isinstance(value, bool) or value not in allowed:
        raise ValueError(not_one_of(name, value, allowed))
