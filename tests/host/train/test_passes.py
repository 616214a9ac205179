import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.train.latent import LatentNetwork, NumberFormats
from allspin.host.train.passes import backward, forward
from allspin.sim.network.formats import quantise_pixels, uniform_levels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS

SHAPE = (5, 7)


def grey(count: int, seed: int) -> np.ndarray:
    """Images with many dark pixels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    return images * (rng.random(images.shape) < 0.4)


def make(
    formats: NumberFormats, hidden: tuple[int, ...], seed: int
) -> tuple[LatentNetwork, np.ndarray]:
    """A network whose numbers are all away from their defaults, and row values for it."""
    rng = np.random.default_rng(seed)
    network = LatentNetwork(formats, (SHAPE[0] * SHAPE[1], *hidden, 4), rng)
    values = quantise_pixels(grey(50, seed), formats.pixel_bits).astype(np.float32).T
    network.fit_first_weights(values)
    for parameter in network.parameters:
        parameter += 0.1 * rng.standard_normal(parameter.shape, dtype=np.float32)
    return network, values


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


@settings(deadline=None, max_examples=60)
@given(machines, st.sampled_from([(), (6,), (9, 5), (3, 8, 4)]), st.integers(0, 1000))
def test_quantised_it_is_the_golden_model_bit_for_bit(
    formats: NumberFormats, hidden: tuple[int, ...], seed: int
) -> None:
    network, values = make(formats, hidden, seed)
    network.start_quantising()
    sums, _ = forward(network, values)
    last_top = formats.input_top(0 if not hidden else 1)
    words = (
        sums.astype(np.float64)
        * last_top
        * int(uniform_levels(formats.states, formats.rah_bits)[-1])
    )
    golden = GoldenModel(network.export(SHAPE, {}))
    expected = golden.logits(grey(50, seed))
    np.testing.assert_allclose(words, expected, rtol=1e-5, atol=1e-3)
    assert np.array_equal(np.rint(words), expected)


def test_large_column_sums_stay_exact() -> None:
    """784 rows of 8-bit pixels and 127 leave the range in which float32 counts by ones."""
    formats = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 10)
    network = LatentNetwork(formats, (784, 3, 2), np.random.default_rng(0))
    network.start_quantising()
    network.weights(0)[:] = np.float32(1)
    network.weights(0)[::3] = np.float32(125 / 127)
    images = np.random.default_rng(1).integers(250, 256, (200, 28, 28), dtype=np.uint8)
    values = images.reshape(200, -1).astype(np.float32).T
    _, record = forward(network, values)
    trace = GoldenModel(network.export((28, 28), {})).trace(images)
    assert trace[0].sums.max() > 2**24
    assert np.array_equal(record[0].sums, trace[0].sums)


FLOAT = NumberFormats(NEURONS["sot"](), 10, 4, 4, 8, 8)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    """Against finite differences, parameter by parameter, with real numbers."""
    network, values = make(FLOAT, (6, 5), 3)
    direction = np.random.default_rng(4).standard_normal((50, 4)).astype(np.float32)
    _, record = forward(network, values)
    gradients = backward(network, direction, record)

    def loss() -> float:
        return float(np.sum(forward(network, values)[0].astype(np.float64) * direction))

    for parameter, gradient in zip(network.parameters[:-1], gradients[:-1], strict=True):
        for place in list(np.ndindex(parameter.shape))[:40]:
            before, step = parameter[place], np.float32(0.03)
            parameter[place] = before + step
            above = loss()
            parameter[place] = before - step
            below = loss()
            parameter[place] = before
            slope = (above - below) / (2 * step)
            assert gradient[place] == pytest.approx(slope, abs=0.05 * float(np.abs(gradient).max()))


def test_the_straight_through_gradient_is_that_of_the_network_without_rounding() -> None:
    """At 128 states and 8 bits, rounding changes little, and so must the gradient."""
    formats = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 12)
    network, values = make(formats, (12,), 5)
    network.start_quantising()
    for layer in range(2):
        np.clip(network.weights(layer), -1, 1, out=network.weights(layer))
    direction = np.random.default_rng(6).standard_normal((50, 4)).astype(np.float32)
    rounded = backward(network, direction, forward(network, values)[1])
    network.quantised = False
    smooth = backward(network, direction, forward(network, values)[1])
    for one, other in zip(rounded[:-1], smooth[:-1], strict=True):
        np.testing.assert_allclose(one, other, atol=0.05 * np.abs(other).max())


def test_noise_has_the_size_that_was_asked_for() -> None:
    """A tenth of the range of R_AH, on every weight, anew in each pass."""
    network, _ = make(FLOAT, (6,), 1)
    network.start_quantising()
    one_pixel = np.zeros((35, 1), np.float32)
    one_pixel[3] = 1
    rng = np.random.default_rng(0)
    clean = forward(network, one_pixel)[1][0].sums
    noisy = [forward(network, one_pixel, 0.1, rng)[1][0].sums - clean for _ in range(2000)]
    spread = np.std(noisy, axis=0)
    np.testing.assert_allclose(spread, 0.1 * (126 + 126), rtol=0.08)


def test_quantising_keeps_what_the_network_computes() -> None:
    formats = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 12)
    network, values = make(formats, (12,), 2)
    before = forward(network, values)[0] * np.exp(network.parameters[-1])
    network.start_quantising()
    after = forward(network, values)[0] * np.exp(network.parameters[-1])
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98
