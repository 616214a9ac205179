"""Training of convolutions for chips: the law of chips against the machine and the generator."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats

from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.geometry import ConvolutionGeometry
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.gradient.passes import backward, forward
from allspin.host.train.kernels import convolutions, read_conv
from allspin.host.train.lesson import Lesson
from allspin.host.train.training_chips import chip_law
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.adc import Adc
from tests.host.train.gradient.convolutions import FINE, SHAPE, TEXTS, grey, make
from tests.host.train.gradient.latent_networks import (
    check_same_gradients,
    check_scatter,
    differences,
    direction,
)
from tests.host.train.paper import FORMATS, OPEN, PAPER


def still(formats: NumberFormats = FORMATS, /, spread: float = 0.0, **figures: float) -> ChipLaw:
    """Return a law of chips whose cells differ by a share of their level, with other figures."""
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
    check_same_gradients(network, 40, record, known)


@pytest.mark.parametrize("adc", [None, Adc(8, 12, 2)])
def test_all_positions_and_images_of_a_pass_see_one_chip(adc: Adc | None) -> None:
    """Errors of a cell, and of the circuits at the foot of a column, are shared."""
    network, values = make(FORMATS, "3x3x4 s2", 0, (), adc)
    values[:] = 9
    tops = dict.fromkeys(("gain", "sum_gain", "threshold", "read", "column_read"), 0.1)
    tops |= {"tile_read": 0.1, "column_tile_read": 0.1, "tile_steps": 9, "column_tile_steps": 9}
    law = still(spread=0.3, **tops)
    rng = np.random.default_rng(1)
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
    network.pass_images = 16
    seen = []
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
    """One image on chips of the generator, and in 2,000 passes under the law."""
    network, values = make(FORMATS, "3x3x6 s2", 3, (), adc, per)
    law = chip_law(device, FORMATS, OPEN, adc is not None)
    rng = np.random.default_rng(4)
    sums = np.concatenate([forward(network, values[:, :1], law, rng)[0] for _ in range(2000)])
    check_scatter(sums, network, device, grey(40, 3)[0])


@pytest.mark.parametrize("adc", [None, Adc(8, 12, 4)])
def test_the_gradient_of_chips_is_the_slope_of_the_loss_with_the_same_draws(
    adc: Adc | None,
) -> None:
    network, values = make(FINE, "3x3x4 s2", 5, (), adc)
    values = np.tile(values, (1, 10))
    figures = {"gain": 0.1, "pivot": 0.3, "sum_gain": 0.05, "threshold": 0.05, "tile_gain": 0.05}
    law = still(FINE, spread=0.2, **figures)
    asked = direction(400, 6)

    def run() -> Any:
        return forward(network, values, law, np.random.default_rng(7))

    def loss() -> float:
        return float(np.sum(run()[0].astype(np.float64) * asked))

    gradients = network.parts(backward(network, asked, run()[1]))
    for number in (0, 2, 3):  # kernels, gains and offsets
        step = 4 * 2 / 127 if number == 0 else 0.04
        part = network.parts(network.values)[number]
        inside = (np.abs(part.ravel()[:20]) <= 0.9) | (number >= 2)
        expected = differences(part, loss, step, 20)[inside]
        got = gradients[number].ravel()[:20][inside]
        assert got @ expected == pytest.approx(expected @ expected, rel=0.15), number
        assert np.corrcoef(got, expected)[0, 1] > 0.97, number
