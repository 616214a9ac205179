"""Bent images: the places of their pixels, and the amounts of bending."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.train.augment import Bending, bilinear
from allspin.host.train.training_options import AUGMENTATIONS, Augmentation

SHAPE = (9, 12)
STILL = AUGMENTATIONS["none"]


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, *SHAPE)).astype(np.float32)


def draw(how: Augmentation, count: int, seed: int, shape: tuple[int, int] = SHAPE):
    """Draw transformations."""
    return Bending(shape, how).draw(count, np.random.default_rng(seed))


def bend(mixing, image: np.ndarray) -> np.ndarray:
    """Apply each transformation to an image, shape (transformations, y, x)."""
    count = mixing.shape[0] // image.size
    return (mixing @ np.tile(image.ravel(), count)).reshape(count, *image.shape)


def read(image: np.ndarray, y: float, x: float) -> float:
    """The bilinear surface through the pixels, dark outside, one tent at a time."""
    total = 0.0
    for row, column in np.ndindex(image.shape):
        tent = max(0.0, 1 - abs(y - row)) * max(0.0, 1 - abs(x - column))
        total += tent * float(image[row, column])
    return total


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 8.0))
def test_bilinear_reads_between_the_pixels(seed: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    places = np.indices(SHAPE).reshape(2, -1) + rng.normal(0, reach, (2, SHAPE[0] * SHAPE[1]))
    places = places.astype(np.float32)
    (image,) = pictures(1)
    (bent,) = bend(bilinear(SHAPE, places[:1], places[1:]), image)
    expected = [read(image, y, x) for y, x in places.T.tolist()]
    np.testing.assert_allclose(bent.ravel(), expected, atol=2e-3)


def centroids(name: str, amount: float, dot: tuple[int, int]) -> np.ndarray:
    """Return the places of a soft dot of a 29 x 29 image under many draws, from the centre."""
    how = dataclasses.replace(STILL, **{name: amount})
    y, x = np.indices((29, 29)) - 14.0
    image = np.exp(-2 * ((y - dot[0]) ** 2 + (x - dot[1]) ** 2)).astype(np.float32)
    bent = bend(draw(how, 400, 2, (29, 29)), image)
    whole = bent.sum(axis=(1, 2))
    return np.transpose([(bent * y).sum(axis=(1, 2)) / whole, (bent * x).sum(axis=(1, 2)) / whole])


def test_each_amount_is_a_standard_deviation() -> None:
    landed = centroids("rotation", 8.0, (0, 8))
    np.testing.assert_allclose(np.hypot(*landed.T), 8.0, atol=0.1)
    assert 7.0 < np.rad2deg(np.arctan2(landed[:, 0], landed[:, 1])).std() < 9.0
    assert np.all(np.abs(centroids("shift", 1.5, (0, 0)).std(axis=0) - 1.5) < 0.2)
    # A stretch moves far pixels only; the middle is a knot.
    assert np.all(centroids("stretch", 0.1, (0, 0)).std(axis=0) < 0.05)
    assert 0.6 < centroids("stretch", 0.1, (0, 8)).std(axis=0)[1] < 1.0
    assert np.all(np.abs(centroids("elastic", 1.0, (0, 0)).std(axis=0) - 1.0) < 0.25)


def test_amounts_in_pixels_are_those_of_28_by_28() -> None:
    """A dot of an image that is twice as high lands as far away along x, and twice along y."""
    how = dataclasses.replace(STILL, shift=1.0)
    y, x = (places - middle for places, middle in zip(np.indices((56, 28)), (28, 14), strict=True))
    dot = np.exp(-((y**2 + x**2) / 4)).astype(np.float32)
    landed = bend(draw(how, 400, 5, (56, 28)), dot)
    whole = landed.sum(axis=(1, 2))
    spread = [float(((landed * axis).sum(axis=(1, 2)) / whole).std()) for axis in (y, x)]
    assert spread == pytest.approx([2.0, 1.0], rel=0.15)


def test_draws_differ_and_each_bends_its_own_images() -> None:
    images = pictures(3)
    mixing = draw(Augmentation(), 3, 7)
    size = SHAPE[0] * SHAPE[1]
    whole = (mixing @ images.ravel()).reshape(images.shape)
    for number, image in enumerate(images):
        rows = slice(number * size, (number + 1) * size)
        assert np.array_equal((mixing[rows, rows] @ image.ravel()).reshape(SHAPE), whole[number])
    bent = bend(mixing, images[0])
    assert not np.array_equal(bent[0], bent[1])


def test_a_mirror_image_has_left_and_right_exchanged_and_comes_as_often_as_it_should() -> None:
    (image,) = pictures(1)
    mirrored = 0
    for bent in bend(draw(dataclasses.replace(STILL, mirror=0.3), 400, 3), image):
        other = np.abs(bent - image[:, ::-1]).max() < 1e-2
        assert other != (np.abs(bent - image).max() < 1e-2)
        mirrored += int(other)
    assert 0.2 < mirrored / 400 < 0.4
