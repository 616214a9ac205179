"""The law of chips, by which training draws errors, against chips of the generator."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest

from allspin.host.train.target import Occasion
from allspin.host.train.training_chips import chip_law
from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.golden import activate
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.host.train.paper import FORMATS, OPEN, PAPER

LAW = chip_law(PAPER, FORMATS, OPEN)


def clamped(mean: float, deviation: float) -> tuple[float, float]:
    """Mean and deviation of a normal value, rounded and clamped to words of 8 bits."""
    normal = NormalDist(mean, deviation)
    words = np.arange(-127, 128)
    below = np.array([normal.cdf(word + 0.5) for word in words[:-1]])
    share = np.diff(np.concatenate([[0], below, [1]]))
    middle = float(share @ words)
    return middle, float(np.sqrt(share @ (words - middle) ** 2))


@pytest.mark.parametrize(
    ("state", "word", "c2c", "d2d"),
    [
        # By potentiation at the range's end, half of which the clamp takes; by depression near 0.
        (9, 126, 0.065, 0.13),
        (0, -126, 0.065, 0.13),
        (4, -10, 0.029, 0.48),
        (5, 19, 0.029, 0.48),
    ],
)
def test_a_state_has_the_mean_and_deviation_of_the_figures(
    state: int, word: int, c2c: float, d2d: float
) -> None:
    mean, deviation = clamped(word, float(np.hypot(c2c * 252, d2d * abs(word))))
    assert LAW.mean[state] == pytest.approx(mean, abs=4 * deviation / 64)
    assert np.sqrt(LAW.variance[state]) == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("scheme", ["open-loop", "write-verify"])
def test_columns_of_chips_sum_to_the_mean_and_variance_of_the_law(scheme: str) -> None:
    programming = Programming(scheme)
    law = chip_law(PAPER, FORMATS, Occasion(programming, False, 1.0))
    rng = np.random.default_rng(0)
    states = rng.integers(0, 10, (60, 40)).astype(np.uint8)
    drive = rng.integers(0, 16, 60).astype(float)
    made = FORMATS.network([Layer(states, FORMATS.levels)], (1, 60), {})
    chips = [program(made, PAPER, seed, programming).words[0] for seed in range(25)]
    off = np.array([drive @ words - drive @ law.mean[states] for words in chips])
    off /= np.sqrt(drive**2 @ law.variance[states])
    assert abs(off.mean()) < 4 / np.sqrt(off.size) + 0.02
    assert off.std() == pytest.approx(1, abs=4 / np.sqrt(2 * off.size) + 0.02)


def test_neighbours_tell_how_both_moments_follow_a_level() -> None:
    levels = FORMATS.levels.astype(float)
    # In the middle the deviation grows away from 0, and the mean is the level.
    assert LAW.variance_slope[6] > 0 > LAW.variance_slope[3]
    assert LAW.mean_slope[4] == pytest.approx(1, abs=0.1)
    # At a level where the clamp takes half, the mean no longer follows the level.
    assert LAW.mean_slope[9] < 0.9
    end = (LAW.variance[9] - LAW.variance[8]) / (levels[9] - levels[8])
    assert LAW.variance_slope[9] == pytest.approx(end, rel=1e-3)
    # States that share a level share a slope.
    own = (-126, -99, -10, -10, -10, 19, 36, 76, 99, 126)
    law = chip_law(PAPER, dataclasses.replace(FORMATS, own_levels=own), OPEN)
    assert np.all(np.isfinite(law.variance_slope))
    assert len(set(law.variance_slope[2:5])) == 1


def test_calibration_leaves_a_gain_about_half_an_answer() -> None:
    """The same sum brings each calibrated neuron of a chip to where the mean neuron is."""
    law = chip_law(PAPER, FORMATS, Occasion(Programming(), True, 1.0))
    assert (law.threshold, law.gain, law.use) == (0, 0.18, 0.014)
    states, gains = np.full((1, 30), 9, np.uint8), np.full(30, 100)
    converter = Converter(gains, np.zeros_like(gains), 10)
    first = Layer(states, FORMATS.levels, converter, FORMATS.table)
    last = Layer(np.zeros((30, 2), np.uint8), FORMATS.levels)
    made = FORMATS.network([first, last], (1, 1), {})
    chip = Chip(PAPER, 3)
    varied = vary_columns(chip, calibrate(chip, made)[0]).layers[0].converter
    assert varied is not None
    wanted = round(law.pivot * FORMATS.current_top)
    assert activate(made, first, np.array([wanted - 1, wanted])).tolist() == [7, 8]
    currents = (wanted * 1024 // 100 * varied.gains >> 10) - varied.offsets
    np.testing.assert_allclose(currents, wanted, atol=6)


def test_imperfections_of_a_device_are_in_its_law() -> None:
    wrong = Imperfections(hall_offset=0.2, amplifier_gain=0.03, converter_gain=0.04, read_noise=0.1)
    device = dataclasses.replace(PAPER, imperfections=wrong)
    worse, tiled = (chip_law(device, FORMATS, OPEN, tiles) for tiles in (False, True))
    added = np.sqrt(worse.variance[4] - LAW.variance[4])
    assert added == pytest.approx(0.2 * 252, rel=0.1)
    assert (worse.sum_gain, worse.read) == (pytest.approx(0.05), 0.1)
    assert (tiled.sum_gain, tiled.tile_gain) == (pytest.approx(0.04), pytest.approx(0.03))
