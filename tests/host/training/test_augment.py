import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.training.augment import Augmentation, Augmenter, Transformation, bilinear

SHAPE = (9, 12)
STILL = Augmentation(rotation=0.0, stretch=0.0, shift=0.0, elastic=0.0)


def pictures(count: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, *shape)).astype(np.float32)


def bend(transformation: Transformation, images: np.ndarray) -> np.ndarray:
    return transformation.bend(images.reshape(len(images), -1).T).T.reshape(images.shape)


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
    images = pictures(1)
    (transformation,) = bilinear(SHAPE, places[:1], places[1:])
    expected = [read(images[0], y, x) for y, x in places.T.tolist()]
    np.testing.assert_allclose(bend(transformation, images)[0].ravel(), expected, atol=2e-3)


def test_no_augmentation_leaves_images_alone() -> None:
    images = pictures(4)
    (transformation,) = Augmenter(SHAPE, STILL).draw(1, np.random.default_rng(1))
    np.testing.assert_allclose(bend(transformation, images), images, atol=1e-2)


def centroids(augmentation: Augmentation, dot: tuple[int, int], count: int = 400) -> np.ndarray:
    """Where a soft dot of a 29 x 29 image lands under many draws, relative to the centre."""
    shape = (29, 29)
    y, x = np.indices(shape) - 14.0
    image = np.exp(-2 * ((y - dot[0]) ** 2 + (x - dot[1]) ** 2))
    landed = []
    for transformation in Augmenter(shape, augmentation).draw(count, np.random.default_rng(2)):
        bent = bend(transformation, image[None].astype(np.float32))[0]
        landed.append([(bent * y).sum() / bent.sum(), (bent * x).sum() / bent.sum()])
    return np.array(landed)


def test_a_rotation_turns_by_its_standard_deviation() -> None:
    only = Augmentation(rotation=8.0, stretch=0.0, shift=0.0, elastic=0.0)
    landed = centroids(only, (0, 8))
    np.testing.assert_allclose(np.hypot(*landed.T), 8.0, atol=0.1)
    angles = np.rad2deg(np.arctan2(landed[:, 0], landed[:, 1]))
    assert 7.0 < angles.std() < 9.0


def test_a_shift_moves_by_its_standard_deviation() -> None:
    only = Augmentation(rotation=0.0, stretch=0.0, shift=1.5, elastic=0.0)
    assert np.all(np.abs(centroids(only, (0, 0)).std(axis=0) - 1.5) < 0.2)


def test_a_stretch_moves_far_pixels_only() -> None:
    only = Augmentation(rotation=0.0, stretch=0.1, shift=0.0, elastic=0.0)
    assert np.all(centroids(only, (0, 0)).std(axis=0) < 0.05)
    assert 0.6 < centroids(only, (0, 8)).std(axis=0)[1] < 1.0


def test_an_elastic_draw_moves_a_knot_by_its_standard_deviation() -> None:
    only = Augmentation(rotation=0.0, stretch=0.0, shift=0.0, elastic=1.0)
    assert np.all(np.abs(centroids(only, (0, 0)).std(axis=0) - 1.0) < 0.25)


def test_draws_differ_and_repeat() -> None:
    augmenter = Augmenter(SHAPE, Augmentation())
    one, two = augmenter.draw(2, np.random.default_rng(7))
    again, _ = augmenter.draw(2, np.random.default_rng(7))
    assert np.array_equal(one.shares, again.shares)
    assert np.array_equal(one.sources, again.sources)
    assert not np.array_equal(one.shares, two.shares)
