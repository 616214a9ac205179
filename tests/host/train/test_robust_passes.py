"""Passes under a law, against the machine's own pass, against chips, and against differences."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.train import robust_passes as passes
from allspin.host.train.latent import LatentNetwork
from allspin.host.train.parameters import TrainingParameters, TrainingTarget
from allspin.host.train.passes import backward as machines_backward
from allspin.host.train.passes import forward as undisturbed
from allspin.host.train.robust_passes import backward, forward
from allspin.host.train.robustness import ChipLaw, ColumnLaw, TileLaw, chip_law
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import AdcVariation, Device, Imperfections
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")
PARAMETERS = TrainingParameters(states=10, target=TrainingTarget(PAPER))
STILL = np.zeros(10, np.float32)


def made(
    parameters: TrainingParameters, hidden: int, seed: int
) -> tuple[LatentNetwork, npt.NDArray]:
    """A quantised network of 40 rows and 4 classes, and row values."""
    rng = np.random.default_rng(seed)
    network = LatentNetwork(parameters.formats, (40, hidden, 4), rng)
    top = parameters.formats.input_top(0) + 1
    values = rng.integers(0, top, (40, 60)).astype(np.float32)
    network.fit_first_weights(values)
    network.start_quantising()
    return network, values


def quiet(network: LatentNetwork) -> ChipLaw:
    """A law of chips that do not differ."""
    levels = network.formats.levels.astype(np.float32)
    still = np.zeros_like(levels)
    return ChipLaw(levels, still, still + 1, still, 0.0, ColumnLaw())


@pytest.mark.parametrize("adcs", [[None, None], [Adc(16, 4, 9), Adc(8, 5, 7)]])
def test_chips_that_do_not_differ_are_the_machine(
    adcs: list[Adc | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "LEAST_VARIANCE", 1e-12)
    network, values = made(PARAMETERS, 6, 0)
    values[16:32, :20] = 0  # a tile that some images do not drive
    network.adcs = adcs
    sums, record = forward(network, values, quiet(network), np.random.default_rng(1))
    expected, known = undisturbed(network, values)
    np.testing.assert_array_equal(record[1].drive, known[1].drive)
    np.testing.assert_allclose(sums, expected, atol=1e-4)
    direction = np.random.default_rng(2).standard_normal(sums.shape).astype(np.float32)
    for one, other in zip(
        backward(network, direction, record, quiet(network)),
        machines_backward(network, direction, known),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=0.01 * float(np.abs(other).max()))


WRONG = dataclasses.replace(
    PAPER,
    adc=AdcVariation(offset=0.5, gain=0.1, noise=0.5),
    imperfections=Imperfections(read_noise=0.1, amplifier_offset=0.1, amplifier_gain=0.1),
)
"""A device whose converters of tiles, and amplifiers before them, are wrong."""


@pytest.mark.parametrize(
    ("device", "adcs"),
    [(PAPER, [None, None]), (PAPER, [Adc(16, 8, 6), None]), (WRONG, [Adc(16, 8, 6)] * 2)],
)
def test_logits_scatter_as_those_of_chips_do(device: Device, adcs: list[Adc | None]) -> None:
    """One image on 300 chips of the generator, and 20,000 times under the law."""
    network, values = made(PARAMETERS, 12, 3)
    network.adcs = adcs
    law = chip_law(device, network.formats, Programming(), False, tiled=adcs[0] is not None)
    sums, _ = forward(
        network, np.repeat(values[:, :1], 20_000, axis=1), law, np.random.default_rng(4)
    )
    exported = network.export((1, 40), {})
    image = np.rint(values[:, 0] * 17).astype(np.uint8).reshape(1, 1, 40)
    unit = network.formats.input_top(1) * network.formats.outermost
    logits = []
    for seed in range(300):
        chip = Chip(device, seed)
        words = program_chip(chip, exported, Programming()).words
        logits.append(
            GoldenModel(chip.varied(exported), words, chip.noise(exported)).logits(image)[0]
        )
    chips = np.array(logits) / unit
    deviation = chips.std(axis=0)
    assert np.all(np.abs(sums.mean(axis=0) - chips.mean(axis=0)) < 4 * deviation / np.sqrt(300))
    np.testing.assert_allclose(sums.std(axis=0), deviation, rtol=0.2)


@pytest.mark.parametrize("adcs", [[None, None], [Adc(16, 12, 4), Adc(8, 13, 4)]])
def test_the_gradient_is_the_slope_of_the_loss_with_the_same_draws(
    adcs: list[Adc | None],
) -> None:
    """At 128 states and 8 bits rounding changes little."""
    parameters = dataclasses.replace(
        PARAMETERS, states=128, pixel_bits=8, hidden_bits=8, target=None
    )
    network, values = made(parameters, 5, 5)
    network.adcs = adcs
    values = np.tile(values, (1, 50))
    levels = network.formats.levels.astype(np.float32)
    law = ChipLaw(
        0.9 * levels,
        2 * levels**2 + 1,
        np.full(128, 0.9, np.float32),
        4 * levels,
        0.0,
        ColumnLaw(gain=0.1, pivot=0.3, sum_gain=0.05, threshold=0.05, use=0.01),
        TileLaw(read=0.01, steps=1.0, gain=0.05),
    )
    direction = np.random.default_rng(6).standard_normal((3000, 4)).astype(np.float32)

    def loss() -> float:
        sums, _ = forward(network, values, law, np.random.default_rng(7))
        return float(np.sum(sums.astype(np.float64) * direction))

    _, record = forward(network, values, law, np.random.default_rng(7))
    gradients = backward(network, direction, record, law)
    for number, (parameter, gradient) in enumerate(
        zip(network.parameters[:-1], gradients[:-1], strict=True)
    ):
        step = np.float32(4 * 2 / 127 if number < 2 else 0.04)
        slopes, found = [], []
        for place in list(np.ndindex(parameter.shape))[:20]:
            before = parameter[place]
            if number < 2 and abs(before) > 0.9:
                continue
            ends = []
            for to in (before + step, before - step):
                parameter[place] = to
                ends.append(loss())
            parameter[place] = before
            slopes.append((ends[0] - ends[1]) / (2 * step))
            found.append(gradient[place])
        # Steps of the current are as large as single slopes are, so they are compared together.
        expected, got = np.array(slopes), np.array(found)
        assert got @ expected == pytest.approx(expected @ expected, rel=0.15), number
        assert np.corrcoef(got, expected)[0, 1] > 0.98, number


@pytest.mark.parametrize("name", ["gain", "sum_gain", "threshold", "use"])
def test_each_figure_of_a_column_moves_currents(name: str) -> None:
    network, values = made(PARAMETERS, 6, 0)
    law = dataclasses.replace(quiet(network), columns=ColumnLaw(**{name: 0.3}))
    _, record = forward(network, values, law, np.random.default_rng(1))
    _, known = undisturbed(network, values)
    assert np.mean(record[1].drive != known[1].drive) > 0.2


def test_noise_of_a_read_widens_every_sum() -> None:
    network, values = made(PARAMETERS, 6, 0)
    law = dataclasses.replace(quiet(network), read=0.1)
    alike = np.repeat(values[:, :1], 4000, axis=1)
    _, record = forward(network, alike, law, np.random.default_rng(1))
    np.testing.assert_allclose(record[0].sums.std(axis=0), 0.1 * 252 * 15, rtol=0.05)


FIGURES = {"read": 0.3, "steps": 9.0, "gain": 0.3}


@pytest.mark.parametrize("name", FIGURES)
def test_errors_of_a_tile_are_before_its_converter_and_only_where_a_row_is_driven(
    name: str,
) -> None:
    network, values = made(PARAMETERS, 6, 0)
    network.adcs = [Adc(16, 16, 2), Adc(8, 16, 0)]
    law = dataclasses.replace(quiet(network), tiles=TileLaw(**{name: FIGURES[name]}))
    alike = np.repeat(values[:, :1], 4000, axis=1)
    alike[16:32] = 0
    _, record = forward(network, alike, law, np.random.default_rng(1))
    first, silent, _ = record[0].reads
    means = np.abs(alike[:16, 0] @ network.words(0)[:16])
    expected = {"read": 0.3 * 252 * 15, "steps": 9.0 * 4, "gain": 0.3 * means}[name]
    # A conversion rounds: the deviation of what lies evenly within a step of four words.
    rounded = np.broadcast_to(np.hypot(expected, 4 / np.sqrt(12)), means.shape)
    np.testing.assert_allclose(first.sums.std(axis=0), rounded, rtol=0.06)
    assert not silent.sums.any()
    assert silent.slope is not None
    assert not silent.slope.any()
