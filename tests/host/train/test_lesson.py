"""Loss and gradient of a batch, and the law of chips against chips."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.loss import softmax
from allspin.host.train.gradient.passes import forward
from allspin.host.train.lesson import Lesson, teacher_shares
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import Occasion, TrainingTarget
from allspin.host.train.training_chips import chip_law
from allspin.host.train.training_options import Robustness
from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.golden import activate
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")
FORMATS = TrainingParameters(states=10, target=TrainingTarget(PAPER)).formats
OPEN = Occasion(Programming(), False, 1.0)
LAW = chip_law(PAPER, FORMATS, OPEN)
NONE = np.zeros(10, np.float32)
STILL = ChipLaw(FORMATS.levels.astype(np.float32), NONE, NONE, NONE)
RNG = np.random.default_rng(0)
VALUES = RNG.integers(0, 16, (40, 64)).astype(np.float32)
LABELS = RNG.integers(0, 4, 64)


def network(seed: int, hidden: int = 6) -> LatentNetwork:
    made = LatentNetwork(FORMATS, (40, hidden, 4), np.random.default_rng(seed))
    made.fit_first_weights(VALUES)
    return made


def pupil() -> LatentNetwork:
    made = network(1)
    made.start_quantising()
    return made


def gradient(*laws: tuple[float, ChipLaw], teacher: LatentNetwork | None = None) -> np.ndarray:
    lesson = Lesson(0.0, laws, Robustness(), teacher)
    return lesson.gradient(pupil(), VALUES, LABELS, np.random.default_rng(2))[1]


@pytest.mark.parametrize("laws", [(), [(1.0, STILL)], [(0.25, STILL), (0.75, STILL)]])
def test_loss_and_slope_are_those_of_the_cross_entropy(laws: list[tuple[float, ChipLaw]]) -> None:
    """By the scale of the logits, whose gradient no rounding disturbs."""
    one = pupil()

    def loss(scale: float) -> tuple[float, np.ndarray]:
        one.log_scale[:] = scale
        return Lesson(0.0, laws).gradient(one, VALUES, LABELS, np.random.default_rng(2))

    answers = forward(one, VALUES)[0]
    shares = softmax(answers * np.exp(np.float32(0.5)))
    expected = -np.log(shares[np.arange(64), LABELS]).mean()
    assert loss(0.5)[0] == pytest.approx(expected, rel=1e-2 if laws else 1e-5)
    slope = (loss(0.51)[0] - loss(0.49)[0]) / 0.02
    assert loss(0.5)[1][-1] == pytest.approx(slope, rel=1e-2)


def test_a_pupil_that_says_what_its_teacher_says_has_nothing_to_learn_of_it() -> None:
    lesson = Lesson(0.0, [(1.0, LAW)], Robustness(taught=1.0, temperature=3.0))
    logits = np.random.default_rng(3).standard_normal((64, 4)).astype(np.float32)
    _, slope = lesson.loss(logits, LABELS, softmax(logits / np.float32(3)))
    np.testing.assert_allclose(slope, 0, atol=1e-6)
    _, slope = lesson.loss(logits, LABELS, softmax(logits[::-1] / np.float32(3)))
    assert np.abs(slope).max() > 0.1
    assert not np.allclose(gradient((1.0, LAW)), gradient((1.0, LAW), teacher=network(5, 20)))


def test_images_are_shared_out_between_the_laws() -> None:
    """A law with no share changes nothing; with halves the gradient is the sum of both."""
    np.testing.assert_array_equal(gradient((1.0, LAW), (0.0, STILL)), gradient((1.0, LAW)))
    halves = [gradient((0.5, one), (0.5, other)) for one in (LAW, STILL) for other in (LAW, STILL)]
    assert len({each.tobytes() for each in halves}) == 4
    shared, whole = gradient((0.25, STILL), (0.75, STILL)), gradient((1.0, STILL))
    np.testing.assert_allclose(shared, whole, atol=0.02 * np.abs(whole).max())


def test_chips_that_differ_are_judged_worse() -> None:
    """By the answers of the machine itself, which chips without variation all give."""
    one = pupil()
    answers = np.argmax(forward(one, VALUES)[0], axis=1)

    def judged(*laws: tuple[float, ChipLaw]) -> float:
        return Lesson(0.0, laws).accuracy(one, VALUES, answers)

    assert judged() == 1
    # Draws are not quite 0, and a sum may lie where the converter rounds.
    same, varied = judged((1.0, STILL)), judged((1.0, LAW))
    assert same > 0.98
    assert 0.25 < varied < same - 0.05
    assert judged((0.5, LAW), (0.5, STILL)) == pytest.approx((same + varied) / 2, abs=0.05)


def test_a_teacher_answers_as_its_network_computes() -> None:
    teacher = network(5, 20)
    teacher.log_scale[:] = 1.3
    expected = softmax(forward(teacher, VALUES)[0] * np.exp(np.float32(1.3)) / 4)
    np.testing.assert_allclose(teacher_shares(teacher, VALUES, 4.0), expected, atol=1e-5)


# Laws.


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
def test_columns_of_chips_sum_to_what_the_law_says(scheme: str) -> None:
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
    # Where the clamp takes half, the mean follows the level no longer.
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
