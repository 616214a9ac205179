import numpy as np
import pytest

from allspin.sim.network.formats import check_range, full_scale, uniform_levels


def test_ten_states_as_published_in_the_design() -> None:
    assert uniform_levels(10).tolist() == [-126, -98, -70, -42, -14, 14, 42, 70, 98, 126]


@pytest.mark.parametrize(
    ("states", "rah_bits", "outermost", "innermost"),
    [(100, 8, 99, 1), (128, 8, 127, 1), (2, 8, 127, 127), (2, 2, 1, 1), (16, 5, 15, 1)],
)
def test_outermost_and_innermost(
    states: int, rah_bits: int, outermost: int, innermost: int
) -> None:
    levels = uniform_levels(states, rah_bits)
    assert (levels[-1], levels[states // 2]) == (outermost, innermost)


@pytest.mark.parametrize("rah_bits", range(2, 9))
def test_every_number_of_states_that_fits(rah_bits: int) -> None:
    top = 2 ** (rah_bits - 1) - 1
    assert full_scale(rah_bits) == top
    for states in range(2, 129):
        if states > 2 ** (rah_bits - 1):
            fewest = next(bits for bits in range(2, 10) if 2 ** (bits - 1) >= states)
            with pytest.raises(ValueError, match=f"at least {fewest} bits, not {rah_bits}$"):
                uniform_levels(states, rah_bits)
            continue
        levels = uniform_levels(states, rah_bits).astype(int)
        assert len(levels) == states
        assert (0 in levels) == (states % 2 == 1)
        assert np.array_equal(levels, -levels[::-1])
        (pitch,) = set(np.diff(levels))
        # The largest even pitch: one step more and the outermost state leaves the word.
        assert pitch % 2 == 0
        assert levels[-1] <= top < (states - 1) * (pitch // 2 + 1)


@pytest.mark.parametrize("states", [1, 129, -2])
def test_states_outside_the_range(states: int) -> None:
    with pytest.raises(ValueError, match=f"^states must be from 2 to 128, not {states}$"):
        uniform_levels(states)


@pytest.mark.parametrize("rah_bits", [1, 9])
def test_rah_bits_outside_the_range(rah_bits: int) -> None:
    with pytest.raises(ValueError, match=f"^rah_bits must be from 2 to 8, not {rah_bits}$"):
        uniform_levels(2, rah_bits)


def test_check_range_takes_any_integer_and_gives_an_int() -> None:
    for value in (3, np.int8(3), np.uint64(3)):
        assert type(check_range("lanes", value, 3, 3)) is int


@pytest.mark.parametrize("value", [3.0, "3", None, np.float64(3), [3]])
def test_check_range_refuses_what_is_no_integer(value: object) -> None:
    with pytest.raises(TypeError, match=r"^lanes must be an integer from 1 to 8, not "):
        check_range("lanes", value, 1, 8)


@pytest.mark.parametrize("value", [0, 9, -1, 10**30])
def test_check_range_names_the_range(value: int) -> None:
    with pytest.raises(ValueError, match=f"^lanes must be from 1 to 8, not {value}$"):
        check_range("lanes", value, 1, 8)
