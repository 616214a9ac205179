"""Draws of the generator against slow formulations and the normal distribution."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from allspin.sim.chip.generator import (
    Purpose,
    cell_normals,
    column_normals,
    draw_bits,
    largest_normal,
    normal_table,
    normal_values,
    normals,
    use_normals,
)
from allspin.sim.chip.speck import encrypt

UNIT = 2.0**-13


def slow_normal(bits: int) -> int:
    """A normal value as the document defines it, by strings of bits."""
    sign, text = bits >> 31, f"{bits & 0x7FFFFFFF:031b}"
    zeros = len(text) - len(text.lstrip("0"))
    group = min(zeros, 15)
    # Behind the leading one of an octave, or behind the 15 zeros of the last group.
    rest = text[15:] if group == 15 else text[zeros + 1 :]
    segment, place = int(rest[:5], 2), int(rest[5:15], 2)
    magnitudes, falls = normal_table()
    entry = 32 * group + segment
    fall = (int(falls[entry]) * (2 * place + 1) + 1024) // 2048
    magnitude = int(magnitudes[entry]) - fall
    return -magnitude if sign else magnitude


@given(st.integers(0, 2**32 - 1))
def test_normal_value_of_any_bits(bits: int) -> None:
    assert int(normal_values(np.array(bits, np.uint32))) == slow_normal(bits)


def test_normal_values_where_groups_and_segments_meet() -> None:
    edges = {(32 + segment) << shift for segment in range(32) for shift in range(26)}
    edges |= {segment << 11 for segment in range(32)} | {2**power for power in range(32)}
    shares = {edge + step for edge in edges for step in (-1, 0, 1)}
    for share in sorted(share for share in shares if 0 <= share < 2**31):
        for bits in (share, share | 2**31):
            assert int(normal_values(np.array([bits], np.uint32))[0]) == slow_normal(bits)


def test_table_is_the_inverse_distribution_to_half_a_unit() -> None:
    magnitudes, _ = (table.astype(int) for table in normal_table())
    shares = [
        2.0 ** -(group + 2) * (1 + segment / 32) if group < 15 else segment * 2.0**-21
        for group in range(16)
        for segment in range(32)
    ]
    first = 15 * 32
    expected = stats.norm.isf(np.delete(shares, first)) / UNIT
    got = np.delete(magnitudes, first)
    assert np.abs(got - expected).max() <= 0.5
    # No tie is so near that another machine's logarithm could round it the other way.
    assert np.abs(np.abs(got - expected) - 0.5).min() > 1e-6


DIGEST = "4ed5d611e4f1da636ce70a36eea19c9a4787e367fe6051f09983f5f79249d402"


def test_table_is_the_one_for_good() -> None:
    content = b"".join(table.astype(">u2").tobytes() for table in normal_table())
    assert hashlib.sha256(content).hexdigest() == DIGEST


def test_key_and_block_of_an_address() -> None:
    key = 0x1234_0A0C_DEAD_BEEF
    got = draw_bits(0xDEAD_BEEF, 10, Purpose.CONVERTER_OFFSET, 0xABCD, 0x0123, 0x1234)
    assert int(got) == int(encrypt(key, 0xABCD, 0x0123))


def test_columns_stand_in_row_0() -> None:
    values = column_normals(1, 2, Purpose.NEURON_GAIN, 5)
    assert values.tolist() == cell_normals(1, 2, Purpose.NEURON_GAIN, (1, 5))[0].tolist()


def test_an_image_has_its_draws_whatever_it_is_computed_with() -> None:
    first = 2**16 - 3
    values = use_normals(1, 0, Purpose.NEURON_USE, first, 6, 4)
    for place in range(6):
        alone = use_normals(1, 0, Purpose.NEURON_USE, first + place, 1, 4)
        assert values[place].tolist() == alone[0].tolist()
    # Image 65536 is row 0 of number 1.
    assert values[3].tolist() == normals(1, 0, Purpose.NEURON_USE, 0, np.arange(4), 1).tolist()


def test_some_draws_alone_are_those_of_all() -> None:
    first = 2**16 - 3
    every = use_normals(1, 0, Purpose.NEURON_USE, first, 6, 5, 7)
    for places in ([0, 4, 9, 14, 15, 29], [3, 16], [20], []):
        wanted = np.array(places, int)
        some = use_normals(1, 0, Purpose.NEURON_USE, first, 6, 5, 7, wanted)
        assert some.tolist() == every.reshape(-1)[wanted].tolist()
    # A layer with more draws than 32 bits can count.
    far = use_normals(1, 0, Purpose.NEURON_USE, 0, 2**28, 20, places=np.array([20 * (2**28 - 1)]))
    assert far.tolist() == use_normals(1, 0, Purpose.NEURON_USE, 2**28 - 1, 1, 20)[0, :1].tolist()


def test_no_normal_value_is_larger_than_the_largest() -> None:
    bits = np.concatenate([np.arange(2**12), 2**31 + np.arange(2**12)]).astype(np.uint32)
    assert int(np.abs(normal_values(bits)).max()) <= largest_normal()
    assert largest_normal() == int(normal_table()[0][480])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((2**32, 0, 2, 0, 0), "chip seed must be from 0 to 4294967295"),
        ((-1, 0, 2, 0, 0), "chip seed must be from 0"),
        ((0, 15, 2, 0, 0), "layer must be from 0 to 14"),
        ((0, 0, 2, 65536, 0), "row must be from 0 to 65535"),
        ((0, 0, 2, 0, -1), "column must be from 0 to 65535"),
        ((0, 0, 2, 0, 0, 65536), "number of the draw must be from 0 to 65535"),
    ],
)
def test_addresses_out_of_range(arguments: tuple[int, ...], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        draw_bits(*arguments)  # type: ignore[arg-type]


def test_addresses_are_integers() -> None:
    with pytest.raises(TypeError, match="row must be of integers, not float64"):
        draw_bits(0, 0, Purpose.WRITE, 1.0, 0)


def test_purposes_are_those_of_the_document() -> None:
    document = Path(__file__).parents[3] / "docs" / "generator.md"
    rows = re.findall(r"^\| (\d+) \| `([A-Z0-9_]+)` \|", document.read_text("utf-8"), re.M)
    assert {name: int(number) for number, name in rows} == dict(Purpose.__members__)
    assert len(rows) == 20


def test_images_are_numbered_to_32_bits() -> None:
    with pytest.raises(ValueError, match="number of the last image"):
        use_normals(0, 0, Purpose.READ, 2**32 - 1, 2, 1)
    with pytest.raises(ValueError, match="number of the first image must be from 0 to"):
        use_normals(0, 0, Purpose.READ, -1, 2, 1)
    assert use_normals(0, 0, Purpose.READ, 2**32 - 1, 1, 1).shape == (1, 1)
    assert use_normals(0, 0, Purpose.READ, 2**32, 0, 3).shape == (0, 3)
    assert use_normals(0, 0, Purpose.READ, 0, 0, 3, places=np.array([], int)).shape == (0,)
    assert use_normals(0, 0, Purpose.READ, 0, 0, 3).shape == (0, 3)


def test_columns_of_uses_are_numbered_to_16_bits() -> None:
    assert use_normals(0, 0, Purpose.READ, 0, 1, 1, 65535).shape == (1, 1)
    with pytest.raises(ValueError, match="last column must be from 65534 to 65535, not 65536"):
        use_normals(0, 0, Purpose.READ, 0, 1, 2, 65535)
    with pytest.raises(ValueError, match="first column must be from 0 to 65535, not -1"):
        use_normals(0, 0, Purpose.READ, 0, 1, 2, -1)
