"""Uniform levels, and the tables that have them."""

import numpy as np
import pytest

from allspin.hdl.parameters.uniform_levels import UniformLevels


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ([-1, 1], (2, 2, -1)), ([-127, 127], (2, 254, -127)), ([-9, -3, 3, 9], (4, 6, -9)),
        ([-2, 0, 2], (3, 2, -2)), ([-1, 2], (2, 3, -1)), ([0, 5, 10], (3, 5, 0)),
        ([*range(-128, 0)], (128, 1, -128)),
    ],
)  # fmt: skip
def test_of_a_table(levels: list[int], found: tuple[int, int, int]) -> None:
    uniform = UniformLevels.from_table(np.array(levels, np.int16))
    assert uniform == UniformLevels(*found)
    assert uniform is not None
    assert list(uniform.words) == levels


@pytest.mark.parametrize("levels", [[5], [0, 0], [1, -1], [-9, -3, 4, 9], [-3, 0, 3, 5]])
def test_tables_of_other_levels(levels: list[int]) -> None:
    assert UniformLevels.from_table(np.array(levels, np.int16)) is None


@pytest.mark.parametrize(("count", "bits"), [(2, 1), (3, 2), (4, 2), (10, 4), (16, 4), (100, 7)])
def test_the_fewest_bits(count: int, bits: int) -> None:
    assert UniformLevels(count, 1, -100).bits == bits
