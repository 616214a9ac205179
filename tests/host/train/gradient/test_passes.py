"""Passes, against the golden model, against differences, and those of chips against chips."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.data.catalogue import open_device
from allspin.host.train.gradient import chip_pass
from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.gradient.passes import backward, forward
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import Occasion, TrainingTarget
from allspin.host.train.training_chips import chip_law
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming

SHAPE = (5, 8)
PAPER = open_device("paper")
FORMATS = TrainingParameters(states=10, target=TrainingTarget(PAPER)).formats
FLOAT = NumberFormats(NEURONS["sot"](), 10, 4, 4, 8, 8)
FINE = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 12)
"""Rounding changes little here."""
Adcs = Sequence[Adc | None]


def grey(count: int, seed: int) -> np.ndarray:
    """Images with many dark pixels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    return images * (rng.random(images.shape) < 0.4)


def make(
    formats: NumberFormats, hidden: tuple[int, ...], seed: int, adcs: Adcs | None = None
) -> tuple[LatentNetwork, np.ndarray]:
    """A network whose numbers are all away from their defaults, and row values for it.

    It is quantised if it is to have converters or none.
    """
    rng = np.random.default_rng(seed)
    network = LatentNetwork(formats, (SHAPE[0] * SHAPE[1], *hidden, 4), rng)
    values = quantise_pixels(grey(60, seed), formats.pixel_bits).astype(np.float32).T
    network.fit_first_weights(values)
    network.values += 0.1 * rng.standard_normal(network.values.shape, dtype=np.float32)
    if adcs is not None:
        network.start_quantising()
        network.adcs = list(adcs)
    return network, values


def differences(
    part: np.ndarray, loss: Callable[[], float], step: np.float32, places: int
) -> np.ndarray:
    """Slopes of a loss by the first values of a part of a network's."""
    slopes = []
    for place in list(np.ndindex(part.shape))[:places]:
        before = part[place]
        ends = []
        for part[place] in (before + step, before - step):
            ends.append(loss())
        part[place] = before
        slopes.append((ends[0] - ends[1]) / (2 * step))
    return np.array(slopes)


def direction(images: int, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((images, 4)).astype(np.float32)


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
        slopes = differences(part, loss, np.float32(0.03), 40)
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


def test_quantising_keeps_what_the_network_computes() -> None:
    network, values = make(FINE, (12,), 2)
    before = forward(network, values)[0] * np.exp(network.log_scale)
    network.start_quantising()
    after = forward(network, values)[0] * np.exp(network.log_scale)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98


# Chips.


def quiet(formats: NumberFormats = FORMATS, /, **figures: Any) -> ChipLaw:
    """A law of chips that do not differ but for some figures."""
    levels = formats.levels.astype(np.float32)
    return ChipLaw(levels, 0 * levels, 0 * levels + 1, 0 * levels, **figures)


@pytest.mark.parametrize("adcs", [[None, None], [Adc(16, 4, 9), Adc(8, 5, 7)]])
def test_chips_that_do_not_differ_are_the_machine(
    adcs: Adcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chip_pass, "LEAST_VARIANCE", 1e-12)
    network, values = make(FORMATS, (6,), 0, adcs)
    values[16:32, :20] = 0  # a tile that some images do not drive
    sums, record = forward(network, values, quiet(), np.random.default_rng(1))
    expected, known = forward(network, values)
    np.testing.assert_array_equal(record[1].drive, known[1].drive)
    np.testing.assert_allclose(sums, expected, atol=1e-4)
    found, wanted = (
        network.parts(backward(network, direction(60), each)) for each in (record, known)
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=0.01 * float(np.abs(other).max()))


WRONG = dataclasses.replace(
    PAPER,
    adc=AdcVariation(offset=0.5, gain=0.1, noise=0.5),
    imperfections=Imperfections(read_noise=0.1, amplifier_offset=0.1, amplifier_gain=0.1),
)
"""A device whose converters of tiles, and amplifiers before them, are wrong."""


@pytest.mark.parametrize(
    ("device", "adcs"),
    [
        (PAPER, [None, None]),
        pytest.param(PAPER, [Adc(16, 8, 6), None], marks=pytest.mark.long),
        pytest.param(WRONG, [Adc(16, 8, 6)] * 2, marks=pytest.mark.long),
    ],
)
def test_logits_scatter_as_those_of_chips_do(device: Device, adcs: Adcs) -> None:
    """One image on 300 chips of the generator, and 20,000 times under the law."""
    network, values = make(FORMATS, (12,), 3, adcs)
    law = chip_law(device, FORMATS, Occasion(Programming(), False, 1), adcs[0] is not None)
    alike = np.repeat(values[:, :1], 20_000, axis=1)
    sums, _ = forward(network, alike, law, np.random.default_rng(4))
    exported = network.export(SHAPE, {})
    logits = []
    for seed in range(300):
        chip = Chip(device, seed)
        words = program(exported, chip.device, chip.seed, Programming()).words
        golden = GoldenModel(
            vary_columns(chip, exported), words, ColumnNoise.of_chip(chip, exported)
        )
        logits.append(golden.logits(grey(60, 3)[:1])[0])
    chips = np.array(logits) / (FORMATS.input_top(1) * FORMATS.outermost)
    deviation = chips.std(axis=0)
    assert np.all(np.abs(sums.mean(axis=0) - chips.mean(axis=0)) < 4 * deviation / np.sqrt(300))
    np.testing.assert_allclose(sums.std(axis=0), deviation, rtol=0.2)


@pytest.mark.parametrize("adcs", [[None, None], [Adc(16, 12, 4), Adc(8, 13, 4)]])
def test_the_gradient_of_chips_is_the_slope_of_the_loss_with_the_same_draws(adcs: Adcs) -> None:
    formats = dataclasses.replace(FINE, current_bits=10)
    network, values = make(formats, (5,), 5, adcs)
    values = np.tile(values, (1, 50))
    levels = formats.levels.astype(np.float32)
    columns = {"gain": 0.1, "pivot": 0.3, "sum_gain": 0.05, "threshold": 0.05, "use": 0.01}
    tiles = {"tile_read": 0.01, "tile_steps": 1.0, "tile_gain": 0.05}
    law = dataclasses.replace(
        quiet(formats, **columns, **tiles),
        mean=0.9 * levels,
        variance=2 * levels**2 + 1,
        mean_slope=np.full(128, 0.9, np.float32),
        variance_slope=4 * levels,
    )
    asked = direction(3000, 6)

    def loss() -> float:
        sums, _ = forward(network, values, law, np.random.default_rng(7))
        return float(np.sum(sums.astype(np.float64) * asked))

    _, record = forward(network, values, law, np.random.default_rng(7))
    gradients = network.parts(backward(network, asked, record))
    for number, (part, gradient) in enumerate(
        zip(network.parts(network.values)[:-1], gradients[:-1], strict=True)
    ):
        step = np.float32(4 * 2 / 127 if number < 2 else 0.04)
        # A weight is clipped beyond the outermost level.
        inside = (np.abs(part.ravel()[:20]) <= 0.9) | (number >= 2)
        expected = differences(part, loss, step, 20)[inside]
        got = gradient.ravel()[:20][inside]
        # Steps of the current are as large as single slopes are, so they are compared together.
        assert got @ expected == pytest.approx(expected @ expected, rel=0.15), number
        assert np.corrcoef(got, expected)[0, 1] > 0.98, number


def test_noise_of_a_read_widens_every_sum() -> None:
    network, values = make(FORMATS, (6,), 0, [None, None])
    alike = np.repeat(values[:, :1], 4000, axis=1)
    _, record = forward(network, alike, quiet(read=0.1), np.random.default_rng(1))
    np.testing.assert_allclose(record[0].sums.std(axis=0), 0.1 * 252 * 15, rtol=0.05)


FIGURES = {"tile_read": 0.3, "tile_steps": 9.0, "tile_gain": 0.3}


@pytest.mark.parametrize("name", FIGURES)
def test_errors_of_a_tile_are_before_its_converter_and_only_where_a_row_is_driven(
    name: str,
) -> None:
    network, values = make(FORMATS, (6,), 0, [Adc(16, 16, 2), Adc(8, 16, 0)])
    alike = np.repeat(values[:, :1], 4000, axis=1)
    alike[16:] = 0  # the other tiles' sums are nothing
    law = quiet(**{name: FIGURES[name]})
    _, record = forward(network, alike, law, np.random.default_rng(1))
    means = np.abs(alike[:16, 0] @ network.words(0)[:16])
    expected = {
        "tile_read": 0.3 * 252 * 15,
        "tile_steps": 9.0 * 4,
        "tile_gain": 0.3 * means,
    }[name]
    # A conversion rounds with the deviation of a uniform value within a step of four words.
    rounded = np.broadcast_to(np.hypot(expected, 4 / np.sqrt(12)), means.shape)
    np.testing.assert_allclose(record[0].sums.std(axis=0), rounded, rtol=0.06)
    gradient = network.parts(backward(network, direction(4000), record))[0]
    assert gradient[:16].any()
    assert not gradient[16:].any()


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
