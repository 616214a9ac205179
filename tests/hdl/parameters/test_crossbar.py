import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allspin.hdl.parameters.crossbar import CrossbarParameters, UniformLevels

CROSSBAR = CrossbarParameters(rows=784, columns=100, lanes=100)


def narrowest(low: int, high: int) -> int:
    """Bits of the narrowest two's complement number that holds both."""
    return next(
        bits for bits in range(1, 99) if -(2 ** (bits - 1)) <= low <= high < 2 ** (bits - 1)
    )


@pytest.mark.parametrize(
    ("rows", "value_bits", "rah_bits"),
    [(1, 1, 2), (2, 1, 2), (3, 1, 2), (1, 2, 3), (2, 2, 3), (3, 2, 2), (1, 4, 4), (2, 3, 2)],
)
def test_sum_bits_by_trying_everything(rows: int, value_bits: int, rah_bits: int) -> None:
    values = range(2**value_bits)
    words = range(-(2 ** (rah_bits - 1)), 2 ** (rah_bits - 1))
    products = {value * word for value in values for word in words}
    sums = {sum(terms) for terms in itertools.product(products, repeat=rows)}
    crossbar = CrossbarParameters(rows, 1, 1, value_bits, rah_bits)
    assert crossbar.sum_bits == narrowest(min(sums), max(sums))


@given(st.integers(1, 65535), st.integers(1, 8), st.integers(2, 8))
def test_sum_bits_by_the_two_extremes(rows: int, value_bits: int, rah_bits: int) -> None:
    top, half = 2**value_bits - 1, 2 ** (rah_bits - 1)
    crossbar = CrossbarParameters(rows, 1, 1, value_bits, rah_bits)
    assert crossbar.sum_bits == narrowest(-rows * top * half, rows * top * (half - 1))


def test_sum_bits_of_mnist_as_the_design_found_them() -> None:
    assert CROSSBAR.sum_bits == 22


@given(st.integers(1, 300), st.data())
def test_passes_visit_every_column(columns: int, data: st.DataObject) -> None:
    lanes = data.draw(st.integers(1, columns))
    crossbar = CrossbarParameters(1, columns, lanes)
    assert crossbar.passes == len(range(0, columns, lanes))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": 0}, "rows must be from 1 to 65535, not 0"),
        ({"rows": 65536}, "rows must be from 1 to 65535, not 65536"),
        ({"columns": 0}, "columns must be from 1 to 65535, not 0"),
        ({"columns": 65536}, "columns must be from 1 to 65535, not 65536"),
        ({"lanes": 0}, "lanes must be from 1 to 100, not 0"),
        ({"lanes": 101}, "lanes must be from 1 to 100, not 101"),
        ({"value_bits": 0}, "value_bits must be from 1 to 8, not 0"),
        ({"value_bits": 9}, "value_bits must be from 1 to 8, not 9"),
        ({"rah_bits": 1}, "rah_bits must be from 2 to 8, not 1"),
        ({"rah_bits": 9}, "rah_bits must be from 2 to 8, not 9"),
    ],
)
def test_crossbar_ranges(change: dict[str, int], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}$"):
        replace(CROSSBAR, **change)


SMALL = CrossbarParameters(rows=1, columns=1, lanes=1)


def test_a_sum_of_states_needs_fewer_bits_than_one_of_words() -> None:
    for rows, value_bits in ((1, 1), (3, 2), (784, 4), (16384, 8)):
        for count in (2, 10, 100):
            levels = UniformLevels(count, 1, -50)
            crossbar = CrossbarParameters(rows, 1, 1, value_bits, levels=levels)
            top = rows * (2**value_bits - 1)
            # Not signed, so a bit less than a signed number of that range.
            assert crossbar.lane_bits == narrowest(0, top * (count - 1)) - 1
            assert replace(crossbar, levels=None).lane_bits == crossbar.sum_bits


def test_a_fraction_of_a_row() -> None:
    with pytest.raises(TypeError, match=r"^rows must be an integer from 1 to 65535, not 7.5$"):
        CrossbarParameters(rows=7.5, columns=1, lanes=1)  # type: ignore[arg-type]


def test_levels_are_words_of_the_crossbar() -> None:
    with pytest.raises(ValueError, match=r"^level must be from -8 to 7, not -126$"):
        replace(SMALL, rah_bits=4, levels=UniformLevels(10, 28, -126))
