"""Passes of chips, against the machine, against chips of the generator and against differences."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from allspin.host.train.gradient import chip_pass
from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.gradient.passes import backward, forward
from allspin.host.train.training_chips import chip_law
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.adc import Adc
from tests.host.train.gradient.dense import FINE, Adcs, grey, make
from tests.host.train.gradient.latent_networks import (
    check_same_gradients,
    check_scatter,
    differences,
    direction,
)
from tests.host.train.paper import FORMATS, OPEN, PAPER


def quiet(formats: NumberFormats = FORMATS, /, **figures: Any) -> ChipLaw:
    """Return a law of chips that differ by the given figures only."""
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
    check_same_gradients(network, 60, record, known)


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
    """One image on chips of the generator, and 20,000 times under the law."""
    network, values = make(FORMATS, (12,), 3, adcs)
    law = chip_law(device, FORMATS, OPEN, adcs[0] is not None)
    alike = np.repeat(values[:, :1], 20_000, axis=1)
    sums, _ = forward(network, alike, law, np.random.default_rng(4))
    check_scatter(sums, network, device, grey(60, 3)[0])


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
        step = 4 * 2 / 127 if number < 2 else 0.04
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
    alike[16:] = 0  # the other tiles' sums are 0
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
