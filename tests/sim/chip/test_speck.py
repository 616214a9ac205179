"""Speck32/64 against the family's definition, itself held to the published vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allspin.sim.chip.generator import CHUNK, encrypt, round_keys


def speck(bits: int, rounds: int, key: list[int], block: tuple[int, int]) -> tuple[int, int]:
    """Speck with words of any width, one word after another, as the paper's figures have it.

    The key is written as the paper writes it: the word that is used first comes last.
    """
    right, left = (7, 2) if bits == 16 else (8, 3)
    modulus = 2**bits

    def turned(word: int, places: int) -> int:
        """The word as a string of bits, turned to the left."""
        text = f"{word:0{bits}b}"
        places %= bits
        return int(text[places:] + text[:places], 2)

    k, *rest = reversed(key)
    x, y = block
    for number in range(rounds):
        x = (turned(x, -right) + y) % modulus ^ k
        y = turned(y, left) ^ x
        other = (turned(rest.pop(0), -right) + k) % modulus ^ number
        k = turned(k, left) ^ other
        rest.append(other)
    return x, y


# Appendix C of "The Simon and Speck Families of Lightweight Block Ciphers".
PUBLISHED = [
    (16, 22, "1918 1110 0908 0100", "6574 694c", "a868 42f2"),
    (24, 22, "121110 0a0908 020100", "20796c 6c6172", "c049a5 385adc"),
    (24, 23, "1a1918 121110 0a0908 020100", "6d2073 696874", "735e10 b6445d"),
    (32, 26, "13121110 0b0a0908 03020100", "74614620 736e6165", "9f7952ec 4175946c"),
    (32, 27, "1b1a1918 13121110 0b0a0908 03020100", "3b726574 7475432d", "8c6fa548 454e028b"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("bits", "rounds", "key", "plain", "cipher"), PUBLISHED)
def test_the_reference_meets_the_published_vectors(
    bits: int, rounds: int, key: str, plain: str, cipher: str
) -> None:
    upper, lower = words(plain)
    assert list(speck(bits, rounds, words(key), (upper, lower))) == words(cipher)


def test_published_vector() -> None:
    assert int(encrypt(0x1918_1110_0908_0100, 0x6574, 0x694C)) == 0xA868_42F2


@given(st.lists(st.integers(0, 2**16 - 1), min_size=6, max_size=6))
def test_any_key_and_block(numbers: list[int]) -> None:
    *key, x, y = numbers
    packed = int("".join(f"{word:04x}" for word in key), 16)
    upper, lower = speck(16, 22, key, (x, y))
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
