"""Passes of the machine, against the golden model and against differences."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.gradient.passes import backward, forward
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS
from tests.host.train.gradient.dense import FINE, SHAPE, Adcs, grey, make
from tests.host.train.gradient.latent_networks import (
    differences,
    direction,
)
from tests.host.train.paper import FORMATS

FLOAT = NumberFormats(NEURONS["sot"](), 10, 4, 4, 8, 8)

machines = st.builds(
    lambda neuron, rah_bits, states, pixel_bits, hidden_bits, wide: NumberFormats(
        NEURONS[neuron](),
        min(states, 2 ** (rah_bits - 1)),
        pixel_bits,
        hidden_bits,
        rah_bits,
        max(8 + 2 * wide, hidden_bits),
    ),
    st.sampled_from(sorted(NEURONS)),
    st.integers(2, 8),
    st.sampled_from([2, 3, 10, 100, 128]),
    st.integers(1, 8),
    st.integers(1, 8),
    st.booleans(),
)
converters = st.none() | st.builds(
    Adc, st.sampled_from([8, 16, 64]), st.integers(2, 8), st.integers(4, 11)
)


@settings(deadline=None, max_examples=80)
@given(
    machines,
    st.sampled_from([(), (6,), (9, 5), (3, 8, 4)]),
    st.integers(0, 1000),
    st.lists(converters, min_size=4, max_size=4),
)
def test_quantised_it_is_the_golden_model_bit_for_bit(
    formats: NumberFormats, hidden: tuple[int, ...], seed: int, adcs: Adcs
) -> None:
    network, values = make(formats, hidden, seed, adcs[: len(hidden) + 1])
    sums, record = forward(network, values)
    golden = GoldenModel(network.export(SHAPE, {})).logits(grey(60, seed))
    assert np.array_equal(record[-1].sums, golden)
    unit = formats.input_top(0 if not hidden else 1) * formats.outermost
    np.testing.assert_allclose(sums * unit, golden, rtol=1e-5, atol=1e-3)


def test_large_column_sums_stay_exact() -> None:
    """784 rows of 8-bit pixels and 127 leave the range in which float32 counts by ones."""
    formats = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 10)
    network = LatentNetwork(formats, (784, 3, 2), np.random.default_rng(0))
    network.start_quantising()
    network.weights[0][:] = np.float32(1)
    network.weights[0][::3] = np.float32(125 / 127)
    images = np.random.default_rng(1).integers(250, 256, (200, 28, 28), dtype=np.uint8)
    values = images.reshape(200, -1).astype(np.float32).T
    _, record = forward(network, values)
    trace = GoldenModel(network.export((28, 28), {})).trace(images)
    assert trace[0].sums.max() > 2**24
    assert np.array_equal(record[0].sums, trace[0].sums)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    """Against finite differences, value by value, with real numbers."""
    network, values = make(FLOAT, (6, 5), 3)
    asked = direction(60)
    gradient = backward(network, asked, forward(network, values)[1])

    def loss() -> float:
        return float(np.sum(forward(network, values)[0].astype(np.float64) * asked))

    *parts, _ = zip(network.parts(network.values), network.parts(gradient), strict=True)
    for part, found in parts:
        slopes = differences(part, loss, 0.03, 40)
        most = 0.05 * float(np.abs(found).max())
        np.testing.assert_allclose(found.ravel()[:40], slopes, atol=most)


def test_the_straight_through_gradient_is_that_of_the_network_without_rounding() -> None:
    network, values = make(FINE, (12,), 5, [None, None])
    gradients = []
    for network.quantised in (True, False):
        gradient = backward(network, direction(60), forward(network, values)[1])
        gradients.append(network.parts(gradient))
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=0.05 * np.abs(other).max())


def test_a_saturated_conversion_passes_no_gradient_to_its_tile_alone() -> None:
    """By hand, cell by cell of the last layer."""
    network, values = make(FORMATS, (9,), 3, [Adc(8, 3, 9), Adc(8, 3, 8)])
    slope = direction(60)
    _, record = forward(network, values)
    gradient = network.parts(backward(network, slope, record))[1]
    drive, words = record[1].drive.astype(int), network.words(1).astype(int)
    wanted = np.zeros(words.shape)
    saturated = 0
    for image, column, tile in np.ndindex(60, 4, 2):
        rows = slice(8 * tile, 8 * tile + 8)
        code = (int(drive[image, rows] @ words[rows, column]) + 128) >> 8
        if -4 <= code <= 3:
            wanted[rows, column] += slope[image, column] * drive[image, rows] / 15
        else:
            saturated += 1
    assert saturated > 20
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("noise", [np.full(10, 0.1), np.linspace(0, 0.09, 10), 0.1])
def test_noise_has_the_size_that_was_asked_for(noise: float | np.ndarray) -> None:
    """A share of the range of R_AH, on every weight by its state, anew in each pass."""
    network, _ = make(FORMATS, (200,), 1, [None, None])
    one = np.zeros((40, 1), np.float32)
    rng = np.random.default_rng(0)
    states = network.states(0).astype(int)
    by_state: list[list[float]] = [[] for _ in range(10)]
    for row in range(40):
        one[:], one[row] = 0, 1
        added = forward(network, one, noise, rng)[1][0].sums - forward(network, one)[1][0].sums
        for state, each in zip(states[row], added[0], strict=True):
            by_state[state].append(each)
    for state, draws in enumerate(by_state):
        size = np.broadcast_to(noise, 10)[state] * (126 + 126)
        assert np.std(draws) == pytest.approx(size, rel=5 / np.sqrt(2 * len(draws)))


def test_quantising_keeps_the_outputs_of_the_network() -> None:
    network, values = make(FINE, (12,), 2)
    before = forward(network, values)[0] * np.exp(network.log_scale)
    network.start_quantising()
    after = forward(network, values)[0] * np.exp(network.log_scale)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98


def test_straight_through_each_use_is_drawn_and_learnt_by_its_mean() -> None:
    drawn = NumberFormats(NEURONS["stochastic"](), 10, 4, 4, 8, 8, straight_through=True)
    network, values = make(drawn, (6,), 3, [None, None])
    rng = np.random.default_rng(1)
    passes = [forward(network, values, 0.0, rng)[1] for _ in range(400)]
    uses = np.array([record[1].drive for record in passes])
    _, mean = forward(network, values)
    assert set(np.unique(uses)) == {0, 15}
    # A mean activation is rounded to a fifteenth; 400 uses scatter by a fortieth at most.
    assert np.abs(uses.mean(axis=0) - mean[1].drive).max() < 15 * (1 / 30 + 4.5 / 40)
    drawn_slopes, slopes = passes[0][0].slopes, mean[0].slopes
    assert drawn_slopes is not None
    assert slopes is not None
    assert np.array_equal(drawn_slopes, slopes)
