import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.train.augment import (
    AUGMENTATIONS,
    LIMITS,
    Augmentation,
    Augmenter,
    Transformations,
    bilinear,
)

SHAPE = (9, 12)
STILL = Augmentation(rotation=0.0, stretch=0.0, shift=0.0, elastic=0.0)


def pictures(count: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, *shape)).astype(np.float32)


def bend(transformations: Transformations, images: np.ndarray) -> np.ndarray:
    """What each transformation makes of the images, shape (transformations, images, y, x)."""
    columns = images.reshape(len(images), -1).T
    bent = transformations.bend(np.repeat(columns[None], len(transformations.sources), axis=0))
    return bent.transpose(0, 2, 1).reshape(-1, *images.shape)


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
    (bent,) = bend(bilinear(SHAPE, places[:1], places[1:]), images)
    expected = [read(images[0], y, x) for y, x in places.T.tolist()]
    np.testing.assert_allclose(bent[0].ravel(), expected, atol=2e-3)


def test_no_augmentation_leaves_images_alone() -> None:
    images = pictures(4)
    (bent,) = bend(Augmenter(SHAPE, STILL).draw(1, np.random.default_rng(1)), images)
    np.testing.assert_allclose(bent, images, atol=1e-2)


def centroids(augmentation: Augmentation, dot: tuple[int, int], count: int = 400) -> np.ndarray:
    """Where a soft dot of a 29 x 29 image lands under many draws, relative to the centre."""
    shape = (29, 29)
    y, x = np.indices(shape) - 14.0
    image = np.exp(-2 * ((y - dot[0]) ** 2 + (x - dot[1]) ** 2))
    drawn = Augmenter(shape, augmentation).draw(count, np.random.default_rng(2))
    bent = bend(drawn, image[None].astype(np.float32))[:, 0]
    whole = bent.sum(axis=(1, 2))
    return np.transpose([(bent * y).sum(axis=(1, 2)) / whole, (bent * x).sum(axis=(1, 2)) / whole])


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
    drawn = augmenter.draw(2, np.random.default_rng(7))
    again = augmenter.draw(2, np.random.default_rng(7))
    assert np.array_equal(drawn.shares, again.shares)
    assert np.array_equal(drawn.sources, again.sources)
    assert not np.array_equal(drawn.shares[0], drawn.shares[1])


def test_each_transformation_bends_its_own_images() -> None:
    drawn = Augmenter(SHAPE, Augmentation()).draw(3, np.random.default_rng(7))
    images = pictures(6).reshape(3, 2, -1).transpose(0, 2, 1)
    bent = drawn.bend(images)
    for number in range(3):
        alone = Transformations(drawn.sources[[number]], drawn.shares[[number]])
        assert np.array_equal(alone.bend(images[[number]])[0], bent[number])


def test_a_mirror_image_has_left_and_right_exchanged_and_comes_as_often_as_it_should() -> None:
    images = pictures(1)
    only = dataclasses.replace(STILL, mirror=0.3)
    mirrored = 0
    for bent in bend(Augmenter(SHAPE, only).draw(400, np.random.default_rng(3)), images):
        other = np.abs(bent - images[:, :, ::-1]).max() < 1e-2
        assert other != (np.abs(bent - images).max() < 1e-2)
        mirrored += int(other)
    assert 0.2 < mirrored / 400 < 0.4


def test_objects_are_shifted_and_mirrored_and_nothing_else() -> None:
    dots = np.zeros((1, *SHAPE), np.float32)
    dots[0, 4, 3] = dots[0, 4, 8] = 100.0
    sides = set()
    drawn = Augmenter(SHAPE, AUGMENTATIONS["objects"]).draw(40, np.random.default_rng(4))
    for sources, shares in zip(drawn.sources, drawn.shares, strict=True):
        # Whatever is read, it is the picture or its mirror image, moved by one vector.
        sources = sources[:, 0].reshape(SHAPE)
        inside = shares.min(axis=1).reshape(SHAPE) > 0
        rows, columns = np.divmod(sources, SHAPE[1])
        steps = np.diff(columns, axis=1)[inside[:, 1:] & inside[:, :-1]]
        assert np.ptp(steps) == 0
        assert np.ptp((rows - np.arange(SHAPE[0])[:, None])[inside]) == 0
        sides.add(int(steps[0]))
    assert sides == {1, -1}


def test_draws_without_mirror_images_are_those_that_networks_were_trained_with() -> None:
    rng = np.random.default_rng(7)
    Augmenter(SHAPE, Augmentation()).draw(3, rng)
    drawn = np.random.default_rng(7).standard_normal(3 * (1 + 2 + 1 + 2 + 50), dtype=np.float32)
    assert drawn.size == 168
    again = np.random.default_rng(7)
    again.standard_normal(168, dtype=np.float32)
    assert rng.bit_generator.state == again.bit_generator.state


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("none", (0, 0, 0, 0, 0)),
        ("digits", (5, 0.05, 0.7, 0.5, 0)),
        ("objects", (0, 0, 1, 0, 0.5)),
        ("objects,shift=2", (0, 0, 2, 0, 0.5)),
        ("digits, rotation=3 ,mirror=1", (3, 0.05, 0.7, 0.5, 1)),
    ],
)
def test_an_augmentation_is_named_by_a_text(text: str, amounts: tuple[float, ...]) -> None:
    found = Augmentation.parse(text)
    assert dataclasses.astuple(found) == amounts
    assert Augmentation.parse(found.text) == found
    assert (found.text == text) == (text in AUGMENTATIONS)


@given(st.builds(Augmentation, **{name: st.floats(0, most) for name, most in LIMITS.items()}))
def test_any_augmentation_has_a_text(augmentation: Augmentation) -> None:
    assert Augmentation.parse(augmentation.text) == augmentation


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("letters", "augment must be one of none, digits, objects, not 'letters'"),
        ("", "augment must be one of none, digits, objects, not ''"),
        ("digits,shift", "augment takes amounts such as shift=1, not 'shift'"),
        ("digits,shift=x", "augment takes amounts such as shift=1, not 'shift=x'"),
        ("digits,zoom=1", "augment has no amount 'zoom'; it has rotation, stretch, shift"),
        ("digits,mirror=2", "mirror must be a number from 0 to 1, not 2.0"),
        ("digits,shift=-1", "shift must be a number from 0 to 1000, not -1.0"),
        ("digits,rotation=nan", "rotation must be a number from 0 to 180, not nan"),
    ],
)
def test_what_no_augmentation_has_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Augmentation.parse(text)
