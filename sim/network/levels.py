"""R_AH levels: the signed word that each state of a synapse stores.

The Hall resistance of a device follows its perpendicular magnetisation, so it is signed, and one
device carries one signed weight. State ``s`` of ``N`` has the symmetric level ``2 s - (N - 1)``: an
even N has no zero level, an odd N has its middle state at zero. The R_AH word is that level times
the largest integer step that keeps the outermost states within the word.
"""

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_range

MIN_STATES = 2
MAX_STATES = 128
MIN_RAH_BITS = 2
MAX_RAH_BITS = 8


def full_scale(rah_bits: int) -> int:
    """Return the largest R_AH word of either sign, ``2**(rah_bits - 1) - 1``."""
    return 2 ** (rah_bits - 1) - 1


def uniform_levels(states: int, rah_bits: int = 8) -> npt.NDArray[np.int16]:
    """Return the words of equally spaced R_AH levels.

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
    symmetric = 2 * np.arange(states) - (states - 1)
    return (symmetric * step).astype(np.int16)
