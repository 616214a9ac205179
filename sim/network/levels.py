"""Signed R_AH words: what a synapse's state is worth in the crossbar.

The Hall resistance of a device follows its perpendicular magnetisation, so it is
signed and one device carries one signed weight. A state ``s`` of ``N`` sits at the
symmetric level ``2 s - (N - 1)`` (an even N has no zero level, an odd one has its middle
state there); the word is that level times the largest whole step that keeps the outermost
state within the word.
"""

import operator

import numpy as np
import numpy.typing as npt

MIN_STATES = 2
MAX_STATES = 128
MIN_RAH_BITS = 2
MAX_RAH_BITS = 8


def check_range(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int, or raise with the legal range.

    Parameters
    ----------
    name : str
        What the value is called in the message.
    value : object
        Anything that supports ``__index__``.
    low, high : int
        The legal range, both ends included.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If it is outside the range.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer from {low} to {high}, not {value!r}") from None
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low} to {high}, not {number}")
    return number


def full_scale(rah_bits: int) -> int:
    """Largest R_AH word of either sign: ``2**(rah_bits - 1) - 1``."""
    return 2 ** (rah_bits - 1) - 1


def uniform_levels(states: int, rah_bits: int = 8) -> npt.NDArray[np.int16]:
    """Words of `states` equally spaced R_AH levels.

    Parameters
    ----------
    states : int
        Number of states, 2 to 128.
    rah_bits : int
        Width of a signed R_AH word, 2 to 8.

    Returns
    -------
    ndarray of int16, shape (states,)
        Rising, symmetric about zero, without a zero if `states` is even; no unit (full
        scale is ``2**(rah_bits - 1) - 1``).

    Raises
    ------
    ValueError
        If the states do not fit: `states` needs ``2**(rah_bits - 1) >= states``.

    Examples
    --------
    >>> uniform_levels(10).tolist()
    [-126, -98, -70, -42, -14, 14, 42, 70, 98, 126]
    """
    states = check_range("states", states, MIN_STATES, MAX_STATES)
    rah_bits = check_range("rah_bits", rah_bits, MIN_RAH_BITS, MAX_RAH_BITS)
    if 2 ** (rah_bits - 1) < states:
        raise ValueError(
            f"{states} states need R_AH words of at least "
            f"{(states - 1).bit_length() + 1} bits, not {rah_bits}"
        )
    step = full_scale(rah_bits) // (states - 1)
    return ((2 * np.arange(states) - (states - 1)) * step).astype(np.int16)
