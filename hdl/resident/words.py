"""Images as an SDRAM has them: words of 16 bits; without Amaranth, for hosts without gateware.

An image is its label and then, for each fifteen groups of values, a *map*: bit k says that group k
is not blank, bit 15 that no map follows. Behind a map come its groups, a word each, in order. A
group has four values that follow one another, or two where values have more than four bits, the
first lowest. The last map has at least one group, of zeros where the image is blank.
"""

import numpy as np
import numpy.typing as npt

WORD_BITS = 16
MAP_GROUPS = WORD_BITS - 1


def values_per_word(value_bits: int) -> int:
    """Values of a group, which share a word: four, or two of more than four bits."""
    return 4 if value_bits <= 4 else 2


def pack_words(
    values: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], value_bits: int
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
    """Images as words.

    Parameters
    ----------
    values : ndarray of uint8, shape (images, rows)
        Row values, below ``2**value_bits``.
    labels : ndarray of int, shape (images,)
        Their classes.
    value_bits : int
        Width of a value, 1 to 8.

    Returns
    -------
    words : ndarray of uint16
        All images, one after another.
    sizes : ndarray of int64, shape (images,)
        Words of each image.
    """
    per_word = values_per_word(value_bits)
    maps = -(-values.shape[1] // (per_word * MAP_GROUPS))
    padded = np.zeros((len(values), maps * MAP_GROUPS * per_word), np.uint16)
    padded[:, : values.shape[1]] = values
    shifts = np.arange(per_word, dtype=np.uint16) * (WORD_BITS // per_word)
    groups = (padded.reshape(len(values), maps, MAP_GROUPS, per_word) << shifts).sum(3, np.uint16)
    there = groups != 0
    there[~there.any((1, 2)), 0, 0] = True
    last = maps - 1 - there.any(2)[:, ::-1].argmax(1)
    lines = np.zeros((len(values), 1 + maps * WORD_BITS), np.uint16)
    lines[:, 0] = labels
    blocks = lines[:, 1:].reshape(len(values), maps, WORD_BITS)
    blocks[:, :, 0] = (there << np.arange(MAP_GROUPS, dtype=np.uint16)).sum(2, np.uint16)
    blocks[np.arange(len(values)), last, 0] |= 1 << MAP_GROUPS
    blocks[:, :, 1:] = groups
    kept = np.ones(lines.shape, bool)
    kept[:, 1:].reshape(blocks.shape)[:, :, 0] = np.arange(maps) <= last[:, np.newaxis]
    kept[:, 1:].reshape(blocks.shape)[:, :, 1:] = there
    return lines[kept], kept.sum(1)
