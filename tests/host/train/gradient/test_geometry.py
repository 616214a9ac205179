"""Training of convolutions, against the golden model and against differences."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.train.gradient.geometry import ConvolutionGeometry
from allspin.host.train.gradient.loss import softmax
from allspin.host.train.gradient.passes import backward, forward
from allspin.host.train.kernels import convolutions, read_conv
from allspin.host.train.lesson import teacher_shares
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS
from tests.host.train.gradient.convolutions import FINE, SHAPE, TEXTS, grey, make
from tests.host.train.gradient.latent_networks import (
    differences,
    direction,
)
from tests.host.train.paper import FORMATS


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(TEXTS),
    st.sampled_from([(), (6,)]),
    st.sampled_from(sorted(NEURONS)),
    st.none() | st.builds(Adc, st.sampled_from([8, 16]), st.integers(2, 8), st.integers(4, 11)),
    st.integers(0, 1000),
)
def test_quantised_it_is_the_golden_model_bit_for_bit(
    text: str, hidden: tuple[int, ...], neuron: str, adc: Adc | None, seed: int
) -> None:
    formats = dataclasses.replace(FINE, neuron=NEURONS[neuron](), pixel_bits=4)
    network, values = make(formats, text, seed, hidden, adc)
    golden = GoldenModel(network.export(SHAPE, {})).logits(grey(40, seed))
    assert np.array_equal(forward(network, values)[1][-1].sums, golden)


@pytest.mark.parametrize("text", TEXTS)
def test_slopes_go_back_the_way_that_values_came(text: str) -> None:
    """Folding is the transpose of unrolling: ``<A x, y> = <x, A' y>``."""
    rng = np.random.default_rng(0)
    for kind, each in zip(convolutions(read_conv(text), SHAPE), read_conv(text), strict=True):
        geometry = ConvolutionGeometry(kind)
        x = rng.standard_normal((5, kind.inputs(geometry.rows(0)))).astype(np.float32)
        there = geometry.unroll(x)
        y = rng.standard_normal(there.shape).astype(np.float32)
        assert np.sum(there * y) == pytest.approx(np.sum(x * geometry.fold(y)), rel=1e-3)
        activations = rng.integers(0, 3, (5 * kind.positions, each.columns)).astype(np.float32)
        handed, back = geometry.pass_on(activations)
        slopes = rng.standard_normal(handed.shape).astype(np.float32)
        assert np.sum(activations * back(slopes)) == pytest.approx(
            np.sum(handed * slopes), rel=1e-3, abs=1e-3
        )


@pytest.mark.parametrize("text", TEXTS)
def test_the_gradient_is_the_slope_of_the_loss(text: str) -> None:
    network, values = make(FORMATS, text, 3, (5,), quantised=False)
    asked = direction(40)
    gradient = network.parts(backward(network, asked, forward(network, values)[1]))[:-1]

    def loss() -> float:
        return float(np.sum(forward(network, values)[0].astype(np.float64) * asked))

    for part, found in zip(network.parts(network.values)[:-1], gradient, strict=True):
        expected = differences(part, loss, 0.01, 20)
        most = 0.08 * float(np.abs(expected).max())
        np.testing.assert_allclose(found.ravel()[:20], expected, atol=most)


def test_a_teacher_with_kernels_answers_as_its_network_computes() -> None:
    teacher, values = make(FORMATS, TEXTS[1], 0, (9,), quantised=False)
    teacher.pass_images = 16
    expected = softmax(forward(teacher, values)[0] * np.exp(teacher.log_scale) / np.float32(4))
    np.testing.assert_allclose(teacher_shares(teacher, values, 4.0), expected, atol=1e-5)
