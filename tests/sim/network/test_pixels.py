from fractions import Fraction

import numpy as np
import pytest

from allspin.sim.network.formats import pixel_values, quantise_pixels, row_values


@pytest.mark.parametrize("pixel_bits", range(1, 9))
def test_values_are_the_nearest(pixel_bits: int) -> None:
    top = 2**pixel_bits - 1
    # There is never a tie: 2 * grey * top is even, an odd multiple of 255 is odd.
    expected = [round(Fraction(grey * top, 255)) for grey in range(256)]
    assert pixel_values(pixel_bits).tolist() == expected
    grey = np.arange(256, dtype=np.uint8)[np.newaxis]
    assert row_values(grey, pixel_bits).tolist() == [expected]
    assert row_values(grey, pixel_bits).dtype == np.float32
    assert quantise_pixels(grey, pixel_bits).tolist() == [expected]


def test_eight_bits_change_nothing() -> None:
    assert pixel_values(8).tolist() == list(range(256))


def test_one_bit_is_a_threshold_in_the_middle() -> None:
    assert pixel_values(1).tolist() == [0] * 128 + [1] * 128


@pytest.mark.parametrize("pixel_bits", [0, 9])
def test_range(pixel_bits: int) -> None:
    with pytest.raises(ValueError, match=f"^pixel_bits must be from 1 to 8, not {pixel_bits}$"):
        pixel_values(pixel_bits)


def test_images_become_one_row_a_pixel() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10
    expected = [[round(int(grey) * 15 / 255) for grey in image.flat] for image in images]
    assert quantise_pixels(images, 4).tolist() == expected
    assert quantise_pixels(images.reshape(2, 12), 4).tolist() == expected


def test_no_images() -> None:
    assert quantise_pixels(np.empty((0, 3, 4), np.uint8), 4).shape == (0, 12)
