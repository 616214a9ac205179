"""Convolutions against SciPy's correlation, and refusals of illegal ones."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.signal import correlate

from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import DENSE, Convolution
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.network.reference import pooled, under_kernels
from tests.sim.network.any_network import convolutions

FIRST = Convolution((28, 28, 1), (5, 5), (2, 2))
SECOND = Convolution((12, 12, 6), (5, 5), (2, 2))
NETWORK = random_network((784, 6, 16, 10), 1, kinds=(FIRST, SECOND), image_shape=(28, 28))


@st.composite
def laid(draw: st.DrawFn) -> tuple[Convolution, np.ndarray, np.ndarray]:
    """A convolution, maps (images, height, width, channels), and kernels with as many columns."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, 3)))
    kind = draw(convolutions(shape))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kernels = rng.integers(-128, 128, (*kind.kernel, shape[2], 4))
    return kind, rng.integers(0, 256, (3, *shape)), kernels


@given(laid())
@settings(deadline=None)
def test_im2col_and_pooled_uses_are_those_of_the_plain_model(
    case: tuple[Convolution, np.ndarray, np.ndarray],
) -> None:
    kind, maps, kernels = case
    rows = kernels[..., 0].size
    driven = kind.im2col(maps.reshape(3, -1), rows)
    assert np.array_equal(
        driven.reshape(-1, kind.positions, rows), under_kernels(kind, maps.reshape(3, -1))
    )
    uses = np.random.default_rng(0).integers(0, 16, (3, kind.positions * 4), np.uint8)
    assert np.array_equal(uses[:, kind.pooled_uses(4)].max(axis=1), pooled(kind, uses))


@given(laid())
@settings(deadline=None)
def test_both_models_sum_as_scipy_does(case: tuple[Convolution, np.ndarray, np.ndarray]) -> None:
    kind, maps, kernels = case
    top, left, bottom, right = kind.padding
    padded = np.pad(maps, ((0, 0), (top, bottom), (left, right), (0, 0)))
    expected = [
        [
            correlate(each, kernels[..., column], mode="valid", method="direct")[..., 0]
            for column in range(4)
        ]
        for each in padded
    ]
    expected = np.moveaxis(np.array(expected), 1, 3)[:, :: kind.stride[0], :: kind.stride[1]]
    assert expected.shape == (3, *kind.places, 4)
    values, words = maps.reshape(3, -1), kernels.reshape(-1, 4)
    plain = under_kernels(kind, values) @ words
    assert np.array_equal(plain.reshape(expected.shape), expected)
    fast = kind.products(values.astype(float), words.astype(float))
    assert np.array_equal(fast.reshape(expected.shape), expected)
    rows = kind.products(values.astype(float), words[1:3].astype(float), 1)
    parts = under_kernels(kind, values)[..., 1:3] @ words[1:3]
    assert np.array_equal(rows, parts.reshape(rows.shape))


@pytest.mark.parametrize("shape", [(7, 5, 1), (2, 3, 1), (4, 6, 1)])
def test_of_2_x_2_the_largest_is_handed_on(shape: tuple[int, int, int]) -> None:
    """Any memory order of activations gives the same; an odd last line or column is left out."""
    kind = Convolution(shape, (1, 1), pool=2)
    maps = np.random.default_rng(1).integers(0, 16, (3, *shape[:2], 4), np.uint8)
    high, wide = shape[0] // 2, shape[1] // 2
    expected = [
        [maps[image, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].reshape(4, 4).max(axis=0).tolist()]
        for image in range(3)
        for y in range(high)
        for x in range(wide)
    ]
    flat = maps.reshape(3, -1)
    for found in (
        pooled(kind, flat),
        kind.pass_on(flat),
        kind.pass_on(np.asfortranarray(flat)),
    ):
        assert found.reshape(-1, 1, 4).tolist() == expected


def test_a_network_of_convolutions_knows_its_sizes() -> None:
    first, second, last = NETWORK.layers
    assert NETWORK.topology == (784, 864, 256, 10)
    assert [layer.states.shape for layer in NETWORK.layers] == [(25, 6), (150, 16), (256, 10)]
    assert [layer.uses for layer in NETWORK.layers] == [864, 256, 10]
    assert (first.inputs, second.kind.positions, last.kind) == (784, 16, DENSE)
    halved = replace(FIRST, pool=2)
    assert (halved.places, halved.shape(6)) == ((12, 12), (6, 6, 6))
    wide = Convolution((28, 28, 3), (3, 4), (2, 1), (1, 1, 0, 2))
    assert (wide.places, wide.rows((28, 28, 3))) == ((14, 28), 36)
    per = replace(NETWORK, neuron_per="position")
    assert [[net.neurons(n) for n in range(3)] for net in (NETWORK, per)] == [
        [6, 16, 10],
        [864, 256, 10],
    ]


def test_a_constant_channel_is_a_bias_of_the_last_layer() -> None:
    """A column of gain 0 whose offset asks for twice the full current, pooled or not."""
    kind = Convolution((9, 9, 1), (3, 3), (1, 1), (1, 1, 1, 1), pool=2)
    network = random_network((81, 3, 4), 5, kinds=(kind,), image_shape=(9, 9))
    first, last = network.layers
    assert first.converter is not None
    gains, offsets = first.converter.gains.copy(), first.converter.offsets.copy()
    gains[2], offsets[2] = 0, -512
    first = replace(first, converter=Converter(gains, offsets, first.converter.shift))
    network = replace(network, layers=(first, last))
    images = random_images(network, 20, 1)
    without = last.states.copy()
    without[2::3] = 0
    plain = replace(network, layers=(first, replace(last, states=without)))
    bias = 15 * (last.words[2::3].astype(int) - int(last.levels[0])).sum(axis=0)
    moved = GoldenModel(network).logits(images) - GoldenModel(plain).logits(images)
    assert np.array_equal(moved, np.tile(bias, (20, 1)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"map": (28, 28)}, "a map's height, width and channels must be 3 numbers, not 2"),
        ({"map": (0, 28, 1)}, "each of a map's height, width and channels must be from 1 to 65535"),
        ({"map": (300, 300, 1)}, "a map of 300 x 300 x 1 values has more than 65535"),
        ({"kernel": (0, 5)}, "each of a kernel's height and width must be from 1 to 65535, not 0"),
        ({"kernel": (29, 5)}, "a kernel of 29 x 5 does not fit a map of 28 x 28 with a padding of"),
        ({"stride": (2, 0)}, "each of a stride down and across must be from 1 to 65535, not 0"),
        ({"padding": (0, 5, 0, 0)}, "top, left, bottom and right must be from 0 to 4, not 5"),
        ({"pool": 3}, "pool must be from 1 to 2, not 3"),
        ({"kernel": (28, 5), "pool": 2}, r"with a padding of \(0, 0, 0, 0\), pooled"),
    ],
)
def test_illegal_convolutions(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(FIRST, **change)


def layer(number: int, **change: Any) -> Layer:
    return replace(NETWORK.layers[number], **change)


def position_converter(count: int) -> Converter:
    return Converter(np.zeros(count, np.int32), np.zeros(count, np.int32), 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"image_shape": (784, 1)}, r"\(784, 1\) do not fit a first layer of maps of 28 x 28 x 1"),
        ({"image_shape": (28, 28, 3)}, "do not fit a first layer of maps of 28 x 28 x 1"),
        ({"layers": NETWORK.layers[1:]}, "do not fit a first layer of maps of 12 x 12 x 6"),
        (
            {"layers": (layer(0), layer(1, kind=replace(SECOND, pool=2)), layer(2))},
            "layer 1 has maps of 2 x 2 x 16, but layer 2 has 256 rows",
        ),
        (
            {"layers": (layer(0, kind=replace(FIRST, pool=2)), *NETWORK.layers[1:])},
            "layer 0 has maps of 6 x 6 x 6, but layer 1 has maps of 12 x 12 x 6",
        ),
        (
            {"layers": (layer(0), layer(1, converter=None, table=None))},
            "the last layer must have one position, not 16",
        ),
        ({"neuron_per": "kernel"}, "neuron_per must be one of column, position, not 'kernel'"),
        (
            {"layers": (layer(0, converter=position_converter(864)), *NETWORK.layers[1:])},
            "layer 0 has V-I converters of positions, which share neurons",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(NETWORK, **change)


def test_uses_that_no_draw_can_name_are_refused() -> None:
    """The last possible address, 65,535, is position 255 of 256 columns."""
    kind = Convolution((16, 16, 1), (1, 1))
    widest = Layer(np.zeros((1, 256), np.uint8), np.array([0, 1]), kind=kind)
    assert widest.uses == 2**16
    with pytest.raises(ValueError, match=r"at most 65536 uses .* not 257 columns at 256 positions"):
        replace(widest, states=np.zeros((1, 257), np.uint8))
    one_more = Convolution((1, 65535, 1), (1, 3), padding=(0, 2, 0, 2))
    with pytest.raises(ValueError, match="not 1 columns at 65537 positions"):
        Layer(np.zeros((3, 1), np.uint8), np.array([0, 1]), kind=one_more)
    with pytest.raises(ValueError, match="kernels of 5 x 5 x 1 need 25 rows, not 24"):
        replace(NETWORK.layers[0], states=np.zeros((24, 6), np.uint8))
    with pytest.raises(ValueError, match="as many V-I converters, or 864, not 7"):
        layer(0, converter=position_converter(7))


def test_network_of_colour() -> None:
    """A network of one channel is a grey one; a dense layer takes channels as they lie."""
    assert replace(NETWORK, image_shape=(28, 28, 1)).image_shape == (28, 28)
    colour = random_network((2 * 3 * 3, 4), 1, image_shape=(2, 3, 3))
    images = random_images(colour, 5, 1)
    assert images.shape == (5, 2, 3, 3)
    assert np.array_equal(colour.predict(images), colour.predict(images.reshape(5, -1)))
    for wrong in (images.transpose(0, 3, 1, 2), images.reshape(5, 3, 6)):
        with pytest.raises(ValueError, match=r"images must have shape \(2, 3, 3\) each, not"):
            colour.predict(wrong)


def test_crossbars_are_told_of_a_network_that_uses_one_several_times():
    assert len(NETWORK.notes) == len(NETWORK.layers)
    assert random_network((4, 3, 2), 1).notes == []
