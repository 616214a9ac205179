"""Strokes become images as MNIST's do: in a box of 20 pixels, about the centre of mass."""

import numpy as np
import pytest

from allspin.host.data.datasets import load_test_set
from allspin.host.live.drawing import GRID, drawn_image

SEVEN = [[250, 200, 750, 200, 420, 850]]


@pytest.mark.parametrize("strokes", [SEVEN, [[10, 10, 60, 90]], [[0, 500, GRID, 520], [700, 0]]])
def test_a_drawing_is_framed_as_mnists_images_are(strokes):
    image = drawn_image(strokes, (28, 28))
    rows, columns = np.nonzero(image)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
    mass = image / image.sum()
    for axis in (0, 1):
        assert mass.sum(axis=1 - axis) @ np.arange(28) == pytest.approx(14, abs=0.51)
    # The test images have the same centre.
    images, _ = load_test_set()
    ink = images[:200].astype(float)
    centres = np.einsum("nij,i->n", ink, np.arange(28.0)) / ink.sum(axis=(1, 2))
    assert np.abs(centres - 14).max() < 0.7


def test_the_pen_is_as_wide_as_mnists():
    images, labels = load_test_set()
    sevens = (images[:1000][labels[:1000] == 7] > 127).sum(axis=(1, 2))
    low, high = np.quantile(sevens, (0.02, 0.98))
    assert low < (drawn_image(SEVEN, (28, 28)) > 127).sum() < high


@pytest.mark.parametrize("shape", [(28, 28), (5, 6), (12, 20)])
def test_nothing_drawn_is_a_blank_image(shape):
    blank = drawn_image([], shape)
    assert blank.shape == shape
    assert not blank.any()
    assert drawn_image([[100, 100, 900, 700]], shape).max() > 64
