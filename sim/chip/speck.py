"""Speck32/64: the published block cipher whose blocks are the random bits of every draw of a chip.

It needs 16-bit additions, rotations and exclusive ors only, so gateware draws the same numbers with
a few hundred cells of logic. Nothing here is kept secret.

Source: R. Beaulieu, D. Shors, J. Smith, S. Treatman-Clark, B. Weeks, L. Wingers, "The Simon and
Speck Families of Lightweight Block Ciphers", 2013, section 4 and appendix C.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_range

ROUNDS = 22
KEY_BITS = 64
WORD_BITS = 16
MASK = 2**WORD_BITS - 1
RIGHT = 7
"""Rotation of the upper word, to the right."""
LEFT = 2
"""Rotation of the lower word, to the left."""
CHUNK = 65_536
"""Blocks encrypted at a time, so that they stay in the cache."""

Words = npt.NDArray[np.uint16]


@lru_cache(maxsize=256)
def round_keys(key: int) -> tuple[int, ...]:
    """Expand a key.

    Parameters
    ----------
    key : int
        64 bits; the word that is used first is the lowest.

    Returns
    -------
    tuple of int
        The 22 round keys, 16 bits each.

    Raises
    ------
    ValueError
        If the key does not fit 64 bits.
    """
    key = check_range("key", key, 0, 2**KEY_BITS - 1)
    lower, *uppers = (key >> shift & MASK for shift in range(0, KEY_BITS, WORD_BITS))
    keys = [lower]
    for number in range(ROUNDS - 1):
        upper = uppers.pop(0)
        upper = (upper >> RIGHT | upper << WORD_BITS - RIGHT) & MASK
        upper = (upper + lower & MASK) ^ number
        lower = ((lower << LEFT | lower >> WORD_BITS - LEFT) & MASK) ^ upper
        uppers.append(upper)
        keys.append(lower)
    return tuple(keys)


def _encrypt_chunk(upper: Words, lower: Words, keys: tuple[int, ...]) -> None:
    """Encrypt a chunk of blocks in place."""
    part = np.empty_like(upper)
    # NumPy shifts to the left at half the speed at which it multiplies.
    turn_right, turn_left = np.uint16(1 << WORD_BITS - RIGHT), np.uint16(1 << LEFT)
    for key in map(np.uint16, keys):
        np.multiply(upper, turn_right, out=part)
        np.right_shift(upper, RIGHT, out=upper)
        np.bitwise_or(upper, part, out=upper)
        np.add(upper, lower, out=upper)
        np.bitwise_xor(upper, key, out=upper)
        np.right_shift(lower, WORD_BITS - LEFT, out=part)
        np.multiply(lower, turn_left, out=lower)
        np.bitwise_or(lower, part, out=lower)
        np.bitwise_xor(lower, upper, out=lower)


def encrypt(key: int, upper: npt.ArrayLike, lower: npt.ArrayLike) -> npt.NDArray[np.uint32]:
    """Encrypt blocks under one key.

    Parameters
    ----------
    key : int
        64 bits.
    upper, lower : array_like of int
        The two halves of each block, 0 to 65535; they broadcast.

    Returns
    -------
    ndarray of uint32
        Each encrypted block, its upper half in the upper bits.

    Examples
    --------
    The published test vector:

    >>> hex(int(encrypt(0x1918_1110_0908_0100, 0x6574, 0x694C)))
    '0xa86842f2'
    """
    keys = round_keys(key)
    uppers, lowers = np.broadcast_arrays(
        np.asarray(upper).astype(np.uint16), np.asarray(lower).astype(np.uint16)
    )
    blocks = np.empty(uppers.shape, np.uint32)
    flat = blocks.reshape(-1)
    uppers, lowers = uppers.reshape(-1), lowers.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        part = slice(start, start + CHUNK)
        x, y = uppers[part].copy(), lowers[part].copy()
        _encrypt_chunk(x, y, keys)
        np.left_shift(x, WORD_BITS, out=flat[part], dtype=np.uint32)
        flat[part] |= y
    return blocks
