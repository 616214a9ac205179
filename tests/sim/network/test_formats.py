"""Number formats: levels of states, pixels as row values, converters of tiles."""

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from allspin.sim.network.adc import Adc
from allspin.sim.network.levels import full_scale, uniform_levels
from allspin.sim.network.pixels import pixel_values, quantise_pixels, row_values
from allspin.sim.network.random_network import random_network


def test_ten_states_as_published_in_the_design() -> None:
    assert uniform_levels(10).tolist() == [-126, -98, -70, -42, -14, 14, 42, 70, 98, 126]


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


@pytest.mark.parametrize(
    ("call", "says"),
    [
        *(
            (
                lambda n=n: uniform_levels(n),
                f"states must be from 2 to 128, not {n}",
            )
            for n in (1, 129, -2)
        ),
        *(
            (lambda bits=bits: uniform_levels(2, bits), f"rah_bits must be from 2 to 8, not {bits}")
            for bits in (1, 9)
        ),
        *(
            (lambda bits=bits: pixel_values(bits), f"pixel_bits must be from 1 to 8, not {bits}")
            for bits in (0, 9)
        ),
    ],
)
def test_arguments_out_of_range(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        call()


@pytest.mark.parametrize("pixel_bits", range(1, 9))
def test_values_are_the_nearest(pixel_bits: int) -> None:
    top = 2**pixel_bits - 1
    # Ties cannot occur: 2 * grey * top is even, an odd multiple of 255 is odd.
    expected = [round(Fraction(grey * top, 255)) for grey in range(256)]
    assert pixel_values(pixel_bits).tolist() == expected
    grey = np.arange(256, dtype=np.uint8)[np.newaxis]
    assert row_values(grey, pixel_bits).tolist() == [expected]
    assert row_values(grey, pixel_bits).dtype == np.float32
    assert quantise_pixels(grey, pixel_bits).tolist() == [expected]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows": 4}, "rows of a tile must be from 8 to 65536"),
        ({"rows": 24}, "a power of two from 8 to 65536, not 24"),
        ({"bits": 1}, "bits must be from 2 to 24"),
        ({"shift": 24}, "shift must be from 0 to 23"),
        *(({"offsets": [[one]]}, "do not fit int32") for one in (0.5, 2**31, float("nan"), "1")),
    ],
)
def test_illegal_converters(change: dict[str, Any], says: str) -> None:
    """Each message names the legal range."""
    with pytest.raises(ValueError, match=says):
        Adc(**(dict[str, Any](rows=8, bits=6, shift=0) | change))


def test_offsets_fit_the_layer() -> None:
    """One for each tile's column."""
    network = random_network((20, 7, 3), seed=4)
    with pytest.raises(ValueError, match=r"not \(2, 7\)"):
        dataclasses.replace(network.layers[0], adc=Adc(8, 6, 0, np.zeros((2, 7), np.int32)))
