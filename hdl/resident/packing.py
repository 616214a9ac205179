"""Packing of images to words of 16 bits for an SDRAM; without Amaranth, for hosts without gateware.

An image is its label and then, for each fifteen groups of values, a *map*: bit k means that group k
is not blank, bit 15 that no further map follows. A map's groups follow it, a word each, in order. A
group has four consecutive values, or two of more than four bits, the first lowest. The last map has
at least one group, which is zero for a blank image.
"""

import numpy as np
import numpy.typing as npt

WORD_BITS = 16
MAP_GROUPS = WORD_BITS - 1


def values_per_word(value_bits: int) -> int:
    """Return the number of values in a word: four, or two of more than four bits."""
    return 4 if value_bits <= 4 else 2


def most_words(rows: int, value_bits: int) -> int:
    """Return the number of words of an image without a blank group."""
    groups = -(-rows // values_per_word(value_bits))
    return 1 + -(-groups // MAP_GROUPS) + groups


def pack_words(
    values: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], value_bits: int
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
    """Pack images to words.

    Parameters
    ----------
    values : ndarray of uint8, shape (images, rows)
        Row values, below ``2**value_bits``.
    labels : ndarray of int, shape (images,)
        Classes of the images.
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
    heads = (there << np.arange(MAP_GROUPS, dtype=np.uint16)).sum(2, np.uint16)
    heads[np.arange(len(values)), last] |= 1 << MAP_GROUPS
    lines = [labels.astype(np.uint16)[:, np.newaxis]]
    kept = [np.ones((len(values), 1), bool)]
    for each in range(maps):
        lines += [heads[:, each : each + 1], groups[:, each]]
        kept += [last[:, np.newaxis] >= each, there[:, each]]
    chosen = np.hstack(kept)
    return np.hstack(lines)[chosen].astype("<u2"), chosen.sum(1)
