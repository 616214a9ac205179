"""What is learnt of a batch: labels, a teacher, and both kinds of chips."""

import dataclasses

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.train.latent import LatentNetwork
from allspin.host.train.parameters import TrainingParameters, TrainingTarget
from allspin.host.train.passes import forward as undisturbed
from allspin.host.train.robust import RobustLesson, Teacher, softmax
from allspin.host.train.robustness import ChipLaw, ColumnLaw, Robustness, chip_law
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")
FORMATS = TrainingParameters(states=10, target=TrainingTarget(PAPER)).formats
LAW = chip_law(PAPER, FORMATS, Programming(), False)
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


def gradients(lesson: RobustLesson) -> list[np.ndarray]:
    return lesson.gradients(pupil(), VALUES, LABELS, np.random.default_rng(2))[1]


def test_without_a_teacher_the_slope_is_that_of_the_cross_entropy() -> None:
    lesson = RobustLesson([(1.0, LAW)], Robustness(taught=0), None)
    logits = np.random.default_rng(3).standard_normal((64, 4)).astype(np.float32)
    loss, slope = lesson._loss(logits, LABELS, None)
    assert loss == pytest.approx(-np.log(softmax(logits)[np.arange(64), LABELS]).sum(), rel=1e-5)
    step = np.zeros_like(logits)
    step[5, 2] = 1e-2
    ends = [lesson._loss(logits + sign * step, LABELS, None)[0] for sign in (1, -1)]
    assert slope[5, 2] == pytest.approx((ends[0] - ends[1]) / 2e-2, abs=1e-3)


def test_a_pupil_that_says_what_its_teacher_says_has_nothing_to_learn_of_it() -> None:
    lesson = RobustLesson([(1.0, LAW)], Robustness(taught=1.0, temperature=3.0), None)
    logits = np.random.default_rng(3).standard_normal((64, 4)).astype(np.float32)
    _, slope = lesson._loss(logits, LABELS, softmax(logits / np.float32(3)))
    np.testing.assert_allclose(slope, 0, atol=1e-6)
    _, slope = lesson._loss(logits, LABELS, softmax(logits[::-1] / np.float32(3)))
    assert np.abs(slope).max() > 0.1


def test_the_teacher_changes_what_is_learnt() -> None:
    alone = gradients(RobustLesson([(1.0, LAW)], Robustness(), None))
    taught = gradients(RobustLesson([(1.0, LAW)], Robustness(), network(5, 20)))
    assert not np.allclose(alone[0], taught[0])


def test_images_are_shared_out_between_the_laws() -> None:
    """A law with no share changes nothing, and halves have the mean of both gradients' sizes."""
    still = dataclasses.replace(LAW, variance=0 * LAW.variance, variance_slope=0 * LAW.mean)
    lesson = RobustLesson([(0.25, LAW), (0.75, still)], Robustness(), None)
    assert [part.stop - part.start for _, part in lesson._parts(64)] == [16, 48]
    whole = RobustLesson([(1.0, LAW), (0.0, still)], Robustness(), None)
    only = RobustLesson([(1.0, LAW)], Robustness(), None)
    for one, other in zip(gradients(whole), gradients(only), strict=True):
        np.testing.assert_array_equal(one, other)


def test_chips_that_differ_are_judged_worse() -> None:
    """By the answers of the machine itself, which chips without variation all give."""
    one = pupil()
    answers = np.argmax(undisturbed(one, VALUES)[0], axis=1)
    levels = FORMATS.levels.astype(np.float32)
    still = ChipLaw(levels, 0 * levels, 0 * levels, 0 * levels, 0.0, ColumnLaw())

    def judged(*laws: tuple[float, ChipLaw]) -> float:
        return RobustLesson(list(laws), Robustness(), None).accuracy(one, VALUES, answers)

    # Draws are not quite 0, and a sum may lie where the converter rounds.
    same = judged((1.0, still))
    assert same > 0.98
    varied = judged((1.0, LAW))
    assert 0.25 < varied < same - 0.05
    assert judged((0.5, LAW), (0.5, still)) == pytest.approx((same + varied) / 2, abs=0.05)


def test_a_teacher_answers_as_its_network_computes() -> None:
    teacher = network(5, 20)
    teacher.parameters[-1][:] = 1.3
    sums, _ = undisturbed(teacher, VALUES)
    expected = softmax(sums * np.exp(np.float32(1.3)) / 4)
    np.testing.assert_allclose(Teacher(teacher, 4.0).answers(VALUES), expected, atol=1e-5)
