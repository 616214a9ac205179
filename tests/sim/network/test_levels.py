import numpy as np
import pytest

from allspin.sim.network.formats import full_scale, uniform_levels


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
