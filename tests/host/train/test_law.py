"""What training takes chips for, against chips."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.train.parameters import TrainingParameters, TrainingTarget
from allspin.host.train.robustness import FIRST_TRAINING_CHIP, chip_law, half_scale_current
from allspin.sim.chip.chip import Chip, calibrate
from allspin.sim.device.device import Imperfections
from allspin.sim.network.golden import activate
from allspin.sim.network.network import Converter, Layer
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")
FORMATS = TrainingParameters(states=10, target=TrainingTarget(PAPER)).formats
OPEN = Programming()


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
    law = chip_law(PAPER, FORMATS, OPEN, False)
    mean, deviation = clamped(word, float(np.hypot(c2c * 252, d2d * abs(word))))
    assert law.mean[state] == pytest.approx(mean, abs=4 * deviation / 64)
    assert np.sqrt(law.variance[state]) == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("scheme", ["open-loop", "write-verify"])
def test_columns_of_chips_sum_to_what_the_law_says(scheme: str) -> None:
    programming = Programming(scheme)
    law = chip_law(PAPER, FORMATS, programming, False)
    rng = np.random.default_rng(0)
    states = rng.integers(0, 10, (60, 40)).astype(np.uint8)
    drive = rng.integers(0, 16, 60).astype(float)
    network = FORMATS.network([Layer(states, FORMATS.levels)], (1, 60), {})
    off = np.array(
        [
            (drive @ program_chip(Chip(PAPER, seed), network, programming).words[0])
            - drive @ law.mean[states]
            for seed in range(25)
        ]
    ) / np.sqrt(drive**2 @ law.variance[states])
    assert abs(off.mean()) < 4 / np.sqrt(off.size) + 0.02
    assert off.std() == pytest.approx(1, abs=4 / np.sqrt(2 * off.size) + 0.02)


def test_neighbours_tell_how_both_moments_follow_a_level() -> None:
    law = chip_law(PAPER, FORMATS, OPEN, False)
    levels = FORMATS.levels.astype(float)
    # In the middle the deviation grows away from 0, and the mean is the level.
    assert law.variance_slope[6] > 0 > law.variance_slope[3]
    assert law.mean_slope[4] == pytest.approx(1, abs=0.1)
    # Where the clamp takes half, the mean follows the level no longer.
    assert law.mean_slope[9] < 0.9
    end = (law.variance[9] - law.variance[8]) / (levels[9] - levels[8])
    assert law.variance_slope[9] == pytest.approx(end, rel=1e-3)


def test_states_that_share_a_level_share_a_slope() -> None:
    formats = dataclasses.replace(
        FORMATS, own_levels=(-126, -99, -10, -10, -10, 19, 36, 76, 99, 126)
    )
    law = chip_law(PAPER, formats, OPEN, False)
    assert np.all(np.isfinite(law.variance_slope))
    assert len(set(law.variance_slope[2:5])) == 1


def test_calibration_leaves_a_gain_about_half_an_answer() -> None:
    """The same sum brings each calibrated neuron of a chip to where the mean neuron is."""
    law = chip_law(PAPER, FORMATS, OPEN, True).columns
    assert (law.threshold, law.gain, law.use) == (0, 0.18, 0.014)
    columns = 30
    network = FORMATS.network(
        [
            Layer(
                np.full((1, columns), 9, np.uint8),
                FORMATS.levels,
                Converter(np.full(columns, 100), np.full(columns, 0), 10),
                FORMATS.table,
            ),
            Layer(np.zeros((columns, 2), np.uint8), FORMATS.levels),
        ],
        (1, 1),
        {},
    )
    chip = Chip(PAPER, 3)
    varied = chip.varied(calibrate(chip, network).network).layers[0].converter
    assert varied is not None
    wanted = round(law.pivot * FORMATS.current_top)
    assert activate(network, network.layers[0], np.array([wanted - 1, wanted])).tolist() == [7, 8]
    sums = wanted * 1024 // 100
    currents = (sums * varied.gains >> 10) - varied.offsets
    np.testing.assert_allclose(currents, wanted, atol=6)
    assert half_scale_current(FORMATS) == law.pivot


def test_imperfections_of_a_device_are_in_its_law() -> None:
    wrong = Imperfections(hall_offset=0.2, amplifier_gain=0.03, converter_gain=0.04, read_noise=0.1)
    worse = chip_law(dataclasses.replace(PAPER, imperfections=wrong), FORMATS, OPEN, False)
    plain = chip_law(PAPER, FORMATS, OPEN, False)
    added = np.sqrt(worse.variance[4] - plain.variance[4])
    assert added == pytest.approx(0.2 * 252, rel=0.1)
    assert (worse.columns.sum_gain, worse.read) == (pytest.approx(0.05), 0.1)


def test_training_has_chips_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(device: object, seed: int) -> Chip:
        seen.append(seed)
        return Chip(PAPER, seed)

    monkeypatch.setattr("allspin.host.train.robustness.Chip", watched)
    chip_law(PAPER, FORMATS, OPEN, False)
    assert seen
    assert min(seen) >= FIRST_TRAINING_CHIP > 2**31
