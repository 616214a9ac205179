"""Speck32/64 against the algorithm word by word and the published vector."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.sim.chip.speck import CHUNK, encrypt, round_keys


def turned(word: int, places: int) -> int:
    """Rotate a word of 16 bits to the left, as a string."""
    text = f"{word:016b}"
    return int(text[places:] + text[:places], 2)


def speck(*key: int, block: tuple[int, int]) -> tuple[int, int]:
    """Encrypt as in the paper's figures; the word of the key that is used first comes last."""
    k, *rest = reversed(key)
    x, y = block
    for number in range(22):
        x = (turned(x, -7) + y) % 2**16 ^ k
        y = turned(y, 2) ^ x
        other = (turned(rest.pop(0), -7) + k) % 2**16 ^ number
        k = turned(k, 2) ^ other
        rest.append(other)
    return x, y


def test_the_published_vector() -> None:
    """Source: appendix C of "The Simon and Speck Families of Lightweight Block Ciphers"."""
    cipher = speck(0x1918, 0x1110, 0x0908, 0x0100, block=(0x6574, 0x694C))
    assert cipher == (0xA868, 0x42F2)
    assert int(encrypt(0x1918_1110_0908_0100, 0x6574, 0x694C)) == 0xA868_42F2


@given(st.lists(st.integers(0, 2**16 - 1), min_size=6, max_size=6))
def test_any_key_and_block(numbers: list[int]) -> None:
    *key, x, y = numbers
    packed = int("".join(f"{word:04x}" for word in key), 16)
    upper, lower = speck(*key, block=(x, y))
    assert int(encrypt(packed, x, y)) == upper << 16 | lower


def test_arrays_broadcast_and_chunks_join() -> None:
    rows, columns = np.arange(5)[:, None], np.arange(CHUNK // 2)
    blocks = encrypt(99, rows, columns)
    assert blocks.shape == (5, CHUNK // 2)
    for row, column in [(0, 0), (1, CHUNK // 2 - 1), (2, 0), (4, 17)]:
        assert blocks[row, column] == encrypt(99, row, column)


@pytest.mark.parametrize("key", [-1, 2**64])
def test_a_key_has_64_bits(key: int) -> None:
    with pytest.raises(ValueError, match=f"key must be from 0 to {2**64 - 1}"):
        round_keys(key)
