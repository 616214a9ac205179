"""Training of convolutions: against the golden model, against differences, and against chips."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from allspin.host.data.catalogue import open_device
from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.geometry import ConvolutionGeometry
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.loss import softmax
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.gradient.passes import backward, forward
from allspin.host.train.kernels import convolutions, read_conv
from allspin.host.train.lesson import Lesson, teacher_shares
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import Occasion, TrainingTarget
from allspin.host.train.training_chips import chip_law
from allspin.sim.chip.chip import Chip
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.sim.chip.model import golden

SHAPE = (7, 8)
PAPER = open_device("paper")
FORMATS = TrainingParameters(states=10, target=TrainingTarget(PAPER)).formats
FINE = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 10)
TEXTS = ("3x3x4 s2", "3x2x3 pad pool, 2x2x5 p1", "1x4x2, 3x3x3 s2 p1 pool", "3x3x3 pool")
OPEN = Occasion(Programming(), False, 1)


def grey(count: int, seed: int) -> np.ndarray:
    """Images with dark places as wide as a window."""
    rng = np.random.default_rng(seed)
    dark = np.kron(rng.random((count, 2, 2)) < 0.4, np.ones((4, 4)))[:, : SHAPE[0]]
    return (rng.integers(0, 256, (count, *SHAPE)) * ~dark.astype(bool)).astype(np.uint8)


def make(
    formats: NumberFormats,
    text: str,
    seed: int,
    hidden: tuple[int, ...] = (),
    adcs: Adc | None = None,
    per: str = "column",
    quantised: bool = True,
) -> tuple[LatentNetwork, np.ndarray]:
    """A network whose numbers are all away from their defaults, and row values for it."""
    rng, conv = np.random.default_rng(seed), read_conv(text)
    topology = (SHAPE[0] * SHAPE[1], *(each.columns for each in conv), *hidden, 4)
    network = LatentNetwork(formats, topology, rng, convolutions(conv, SHAPE), per)
    values = quantise_pixels(grey(40, seed), formats.pixel_bits).reshape(40, -1)
    values = values.astype(np.float32).T
    network.fit_first_weights(values)
    network.values += 0.1 * rng.standard_normal(network.values.shape, dtype=np.float32)
    if quantised:
        network.start_quantising()
        network.adcs = [adcs] * network.layers
    return network, values


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


def differences(network: LatentNetwork, loss: Any, step: float, number: int) -> np.ndarray:
    """Slopes of a loss by the first values of a part of a network's."""
    values, slopes = network.parts(network.values)[number].reshape(-1), []
    for place in range(min(20, len(values))):
        before, ends = values[place], []
        for values[place] in (before + np.float32(step), before - np.float32(step)):
            ends.append(loss())
        values[place] = before
        slopes.append((ends[0] - ends[1]) / (2 * step))
    return np.array(slopes)


@pytest.mark.parametrize("text", TEXTS)
def test_the_gradient_is_the_slope_of_the_loss(text: str) -> None:
    network, values = make(FORMATS, text, 3, (5,), quantised=False)
    asked = np.random.default_rng(4).standard_normal((40, 4)).astype(np.float32)
    parts = network.parts(backward(network, asked, forward(network, values)[1]))[:-1]

    def loss() -> float:
        return float(np.sum(forward(network, values)[0].astype(np.float64) * asked))

    for number, found in enumerate(parts):
        expected, got = differences(network, loss, 0.01, number), found.ravel()[:20]
        np.testing.assert_allclose(got, expected, atol=0.08 * float(np.abs(expected).max()))


# Chips.


def still(formats: NumberFormats = FORMATS, /, spread: float = 0.0, **figures: float) -> ChipLaw:
    """A law of chips whose cells differ by a spread of their level, and columns by some figures."""
    levels = formats.levels.astype(np.float32)
    draws = np.random.default_rng(9).standard_normal((4096, 1), dtype=np.float32)
    draws = (draws - draws.mean()) / draws.std()
    words = levels * (1 + np.float32(spread) * draws)
    slope = spread * np.sign(levels)
    variance = (spread * levels) ** 2
    law = levels, variance, 0 * levels + 1, np.gradient(variance, levels).astype(np.float32)
    return ChipLaw(*law, **figures, words=words, deviation_slope=slope)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("adc", [None, Adc(8, 4, 9)])
def test_chips_that_do_not_differ_are_the_machine(
    adc: Adc | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allspin.host.train.gradient.chip_pass.LEAST_VARIANCE", 1e-12)
    network, values = make(FORMATS, TEXTS[1], 0, (6,), adc)
    sums, record = forward(network, values, still(), np.random.default_rng(1))
    expected, known = forward(network, values)
    np.testing.assert_allclose(sums, expected, atol=1e-4)
    asked = np.random.default_rng(4).standard_normal((40, 4)).astype(np.float32)
    found, wanted = (network.parts(backward(network, asked, each)) for each in (record, known))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=0.01 * float(np.abs(other).max()))


@pytest.mark.parametrize("adc", [None, Adc(8, 12, 2)])
def test_all_positions_and_images_of_a_pass_see_one_chip(adc: Adc | None) -> None:
    """Errors of a cell, and of the circuits at the foot of a column, are shared."""
    network, values = make(FORMATS, "3x3x4 s2", 0, (), adc)
    values[:] = 9
    tops = dict.fromkeys(("gain", "sum_gain", "threshold", "read", "column_read"), 0.1)
    tops |= {"tile_read": 0.1, "column_tile_read": 0.1, "tile_steps": 9, "column_tile_steps": 9}
    law, rng = still(spread=0.3, **tops), np.random.default_rng(1)
    seen = [forward(network, values, law, rng)[1] for _ in range(2)]
    for pass_ in seen:
        assert np.ptp(pass_[0].sums, axis=0).max() < 0.1
        assert len(np.unique(pass_[1].drive.reshape(-1, 4), axis=0)) == 1
    assert np.abs(seen[0][0].sums[0] - seen[1][0].sums[0]).min() > 1


def test_neurons_of_positions_differ_and_images_share_them() -> None:
    network, values = make(FORMATS, "3x3x4 s2", 0, per="position")
    values[:] = 9
    law = still(threshold=0.1, column_threshold=0.0)
    _, record = forward(network, values, law, np.random.default_rng(1))
    maps = record[1].drive.reshape(40, -1, 4)
    assert len(np.unique(maps, axis=0)) == 1
    assert len(np.unique(maps[0], axis=0)) > 3
    assert network.export(SHAPE, {}).neuron_per == "position"


def test_draws_of_uses_are_normal_and_independent() -> None:
    geometry = ConvolutionGeometry(convolutions(read_conv("3x3x4 s2"), SHAPE)[0])
    draws = geometry.normals(np.random.default_rng(0), (20_000, 4))
    assert draws.shape == (20_000, 4)
    assert stats.kstest(draws.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(draws, rowvar=False) - np.eye(4)).max() < 0.03
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.03


def test_each_pass_of_a_batch_has_a_chip_of_its_own() -> None:
    network, values = make(FORMATS, "3x3x4 s2", 0)
    values[:] = 9
    network.pass_images, seen = 16, []
    lesson = Lesson(0.0, [(1.0, still(spread=0.3))])
    inner = lesson.loss

    def loss(logits: np.ndarray, *others: Any) -> Any:
        seen.append(logits)
        return inner(logits, *others)

    lesson.loss = loss  # pyright: ignore[reportAttributeAccessIssue]
    lesson.gradient(network, values, np.zeros(40, np.int64), np.random.default_rng(0))
    assert [len(logits) for logits in seen] == [16, 16, 8]


WRONG = dataclasses.replace(
    PAPER,
    adc=AdcVariation(offset=0.5, gain=0.1, noise=0.5),
    imperfections=Imperfections(
        read_noise=0.05, amplifier_offset=0.1, amplifier_gain=0.1, converter_offset=0.05
    ),
)
"""A device whose converters of tiles, and amplifiers before them, are wrong."""


@pytest.mark.parametrize(
    ("device", "adc", "per"),
    [
        (PAPER, None, "column"),
        pytest.param(PAPER, None, "position", marks=pytest.mark.long),
        pytest.param(WRONG, Adc(8, 8, 5), "column", marks=pytest.mark.long),
    ],
)
def test_logits_scatter_as_those_of_chips_do(device: Device, adc: Adc | None, per: str) -> None:
    """One image on 300 chips of the generator, and in 2,000 passes under the law."""
    network, values = make(FORMATS, "3x3x6 s2", 3, (), adc, per)
    law, rng = chip_law(device, FORMATS, OPEN, adc is not None), np.random.default_rng(4)
    sums = np.concatenate([forward(network, values[:, :1], law, rng)[0] for _ in range(2000)])
    exported, logits = network.export(SHAPE, {}), []
    for seed in range(300):
        chip = Chip(device, seed)
        words = program(exported, chip.device, chip.seed, Programming()).words
        logits.append(golden(chip, exported, words).logits(grey(40, 3)[:1])[0])
    chips = np.array(logits) / (FORMATS.input_top(1) * FORMATS.outermost)
    deviation = chips.std(axis=0)
    assert np.all(np.abs(sums.mean(axis=0) - chips.mean(axis=0)) < 4 * deviation / np.sqrt(300))
    np.testing.assert_allclose(sums.std(axis=0), deviation, rtol=0.2)


@pytest.mark.parametrize("adc", [None, Adc(8, 12, 4)])
def test_the_gradient_of_chips_is_the_slope_of_the_loss_with_the_same_draws(
    adc: Adc | None,
) -> None:
    network, values = make(FINE, "3x3x4 s2", 5, (), adc)
    values = np.tile(values, (1, 10))
    figures = {"gain": 0.1, "pivot": 0.3, "sum_gain": 0.05, "threshold": 0.05, "tile_gain": 0.05}
    law = still(FINE, spread=0.2, **figures)
    asked = np.random.default_rng(6).standard_normal((400, 4)).astype(np.float32)

    def run() -> Any:
        return forward(network, values, law, np.random.default_rng(7))

    def loss() -> float:
        return float(np.sum(run()[0].astype(np.float64) * asked))

    gradients = network.parts(backward(network, asked, run()[1]))
    for number in (0, 2, 3):  # kernels, gains and offsets
        step, part = 4 * 2 / 127 if number == 0 else 0.04, network.parts(network.values)[number]
        inside = (np.abs(part.ravel()[:20]) <= 0.9) | (number >= 2)
        expected = differences(network, loss, step, number)[inside]
        got = gradients[number].ravel()[:20][inside]
        assert got @ expected == pytest.approx(expected @ expected, rel=0.15), number
        assert np.corrcoef(got, expected)[0, 1] > 0.97, number


def test_a_teacher_with_kernels_answers_as_its_network_computes() -> None:
    teacher, values = make(FORMATS, TEXTS[1], 0, (9,), quantised=False)
    teacher.pass_images = 16
    expected = softmax(forward(teacher, values)[0] * np.exp(teacher.log_scale) / np.float32(4))
    np.testing.assert_allclose(teacher_shares(teacher, values, 4.0), expected, atol=1e-5)
