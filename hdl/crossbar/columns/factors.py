"""Products with a number that is known: sums of shifted values, as few as will do."""

from amaranth.hdl import Value


def signed_digits(factor: int) -> list[tuple[int, int]]:
    """Powers of two that a number is the sum of, the fewest, none next to another.

    Parameters
    ----------
    factor : int
        The number.

    Returns
    -------
    list of tuple of int
        Of each its exponent and its sign, 1 or -1, the lowest first; none for 0.

    Examples
    --------
    >>> signed_digits(28)
    [(2, -1), (5, 1)]
    """
    found = []
    exponent = 0
    while factor:
        if factor % 2:
            sign = 2 - factor % 4
            found.append((exponent, sign))
            factor -= sign
        factor //= 2
        exponent += 1
    return found


def times(value: Value, factor: int) -> Value:
    """A value times a number, without a register.

    Parameters
    ----------
    value : Value
        The value.
    factor : int
        The number, at least 1.
    """
    *lower, (exponent, _) = signed_digits(factor)
    product = value << exponent  # the highest digit of a positive number is positive
    for exponent, sign in lower:
        product = product + (value << exponent) if sign > 0 else product - (value << exponent)
    return product
