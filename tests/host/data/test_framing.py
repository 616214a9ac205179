"""Framing, against MNIST itself: its digits elsewhere and in other sizes are its digits again."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.framing import FAINT, FRAMINGS, frame_image
from allspin.sim.network.golden import GoldenModel

SHAPE = (28, 28)


@pytest.fixture(scope="module")
def digits():
    return load_test_set()[0]


@pytest.fixture(scope="module")
def model():
    return GoldenModel(open_network("mnist-10"))


def framed(grey, shape=SHAPE, framing=None):
    return frame_image(np.asarray(grey, np.float32), shape, framing).image


@pytest.mark.parametrize("inverted", [False, True])
def test_a_digit_of_mnist_stays_as_it_is(digits, inverted):
    for digit in digits[:500]:
        found = frame_image((255.0 - digit if inverted else digit).astype(np.float32), SHAPE)
        assert np.array_equal(found.image, digit)
        assert found.inverted == inverted


def test_a_digit_that_was_moved_comes_back_to_the_pixel(digits):
    """Place and size are those that LeCun's program gave it."""
    rng = np.random.default_rng(1)
    compared = 0
    for digit in digits[:300]:
        top = digit.max()
        faint = digit <= FAINT * top
        rows, columns = ((~faint).any(axis=axis) for axis in (1, 0))
        whole = digit.any(axis=1), digit.any(axis=0)
        if not (np.array_equal(rows, whole[0]) and np.array_equal(columns, whole[1])):
            continue  # an edge is too faint to be told from a blur
        compared += 1
        canvas = np.zeros((60, 45))
        y, x = rng.integers(0, (32, 17))
        canvas[y : y + 28, x : x + 28] = digit
        assert np.array_equal(framed(canvas), np.rint(digit / top * 255))
    assert compared > 150


def placed(digit, scale, rng, resample=Image.Resampling.BICUBIC):
    """A digit on a canvas of half again its size, somewhere."""
    side = round(28 * scale)
    large = np.asarray(Image.fromarray(digit).resize((side, side), resample), np.float32)
    canvas = np.zeros((side * 3 // 2, side * 3 // 2), np.float32)
    y, x = rng.integers(0, side // 2, 2)
    canvas[y : y + side, x : x + side] = large
    return canvas


@pytest.mark.parametrize(
    ("scale", "paper", "noise", "share"),
    [
        (0.75, 255, 0, 0.97),
        (2, 0, 0, 0.99),
        (4, 120, 8, 0.97),
    ],
)
def test_a_digit_elsewhere_and_in_another_size_has_the_same_class(
    digits, model, scale, paper, noise, share
):
    rng = np.random.default_rng(2)
    made = []
    for digit in digits[:200]:
        canvas = placed(digit, scale, rng)
        if noise:
            # A camera's view of ink on grey paper.
            canvas = paper - canvas * (paper - 30) / 255 + rng.normal(0, noise, canvas.shape)
        made.append(framed(canvas if paper == 0 or noise else paper - canvas))
    same = model.classify(np.array(made)) == model.classify(digits[:200])
    assert np.mean(same) >= share, np.mean(same)


def test_a_digit_that_fills_the_picture_is_not_taken_for_paper(digits, model):
    made = []
    for digit in digits[:200]:
        rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
        made.append(framed(255.0 - digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))
    assert np.mean(model.classify(np.array(made)) == model.classify(digits[:200])) > 0.98


def test_other_networks_see_the_whole_picture():
    grey = np.full((40, 40), 255.0)
    grey[:20, :20] = 0
    found = frame_image(grey.astype(np.float32), (8, 16))
    assert (found.framing, found.inverted) == ("whole", True)
    expected = np.zeros((8, 16))
    expected[:4, 4:8] = 255
    # Sides keep their ratio; bicubic edges are a little soft.
    assert np.abs(found.image - expected).max() < 40
    assert frame_image(grey.astype(np.float32), (8, 16), "mnist").framing == "mnist"


@settings(max_examples=60)
@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements=st.floats(0, 255, width=32),
    ),
    st.sampled_from([SHAPE, (8, 8), (20, 24), (2, 300)]),
    st.sampled_from([None, *FRAMINGS]),
)
def test_any_picture_is_framed_or_shows_nothing(grey, shape, framing):
    try:
        found = frame_image(grey, shape, framing)
    except ValueError as error:
        assert "shows nothing" in str(error)  # noqa: PT017
    else:
        assert found.image.shape == shape
        assert found.image.any()


def test_a_thin_stroke_on_uneven_paper_is_ink_and_a_dot_is_not():
    paper = np.random.default_rng(3).integers(248, 256, (120, 120)).astype(np.float32)
    line = paper.copy()
    line[20:100, 60] = 0
    even = np.full_like(paper, 252)
    even[20:100, 60] = 0
    image, wanted = (frame_image(grey, (28, 28)).image for grey in (line, even))
    assert np.array_equal(image.max(axis=0) > 128, wanted.max(axis=0) > 128)
    dot = paper.copy()
    dot[60, 60] = 0
    with pytest.raises(ValueError, match="specks"):
        frame_image(dot, (28, 28))
