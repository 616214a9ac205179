"""Loss and gradient of a batch."""

import numpy as np
import pytest

from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.loss import softmax
from allspin.host.train.gradient.passes import forward
from allspin.host.train.lesson import Lesson, teacher_shares
from allspin.host.train.training_chips import chip_law
from allspin.host.train.training_options import Robustness
from tests.host.train.paper import FORMATS, OPEN, PAPER

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
    """The slope is taken along the scale of the logits, whose gradient no rounding disturbs."""
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


def test_a_pupil_that_agrees_with_its_teacher_has_no_gradient() -> None:
    lesson = Lesson(0.0, [(1.0, LAW)], Robustness(taught=1.0, temperature=3.0))
    logits = np.random.default_rng(3).standard_normal((64, 4)).astype(np.float32)
    _, slope = lesson.loss(logits, LABELS, softmax(logits / np.float32(3)))
    np.testing.assert_allclose(slope, 0, atol=1e-6)
    _, slope = lesson.loss(logits, LABELS, softmax(logits[::-1] / np.float32(3)))
    assert np.abs(slope).max() > 0.1
    assert not np.allclose(gradient((1.0, LAW)), gradient((1.0, LAW), teacher=network(5, 20)))


def test_images_are_shared_out_between_the_laws() -> None:
    """A law without a share has no effect; with halves the gradient is the sum of both."""
    np.testing.assert_array_equal(gradient((1.0, LAW), (0.0, STILL)), gradient((1.0, LAW)))
    halves = [gradient((0.5, one), (0.5, other)) for one in (LAW, STILL) for other in (LAW, STILL)]
    assert len({each.tobytes() for each in halves}) == 4
    shared, whole = gradient((0.25, STILL), (0.75, STILL)), gradient((1.0, STILL))
    np.testing.assert_allclose(shared, whole, atol=0.02 * np.abs(whole).max())


def test_chips_that_differ_are_judged_worse() -> None:
    """Labels are the answers of the machine itself, which chips without variation all give."""
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
