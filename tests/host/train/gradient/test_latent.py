"""A network's levels, and how its numbers follow their gradients."""

import math

import numpy as np

from allspin.host.data.catalogue import open_device
from allspin.host.train.gradient.adam import Adam
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import TrainingTarget


def test_weights_take_the_state_whose_level_is_nearest() -> None:
    parameters = TrainingParameters(states=10, target=TrainingTarget(open_device("paper")))
    network = LatentNetwork(parameters.formats, (40, 30, 3), np.random.default_rng(0))
    network.start_quantising()
    levels = parameters.formats.levels.astype(float)
    distance = np.abs(network.weights[0].astype(float)[..., None] * 126 - levels)
    states = network.states(0).astype(int)
    taken = np.take_along_axis(distance, states[..., None], -1)[..., 0]
    # A sixty-fifth of a word is the grid's own step.
    assert np.all(taken <= distance.min(axis=-1) + 1 / 30)
    np.testing.assert_array_equal(network.words(0), levels[states])
    np.testing.assert_array_equal(network.export((1, 40), {}).layers[0].words, network.words(0))


def test_steps_are_those_of_the_paper() -> None:
    """Algorithm 1 of Kingma and Ba, one number at a time, in double precision."""
    rng = np.random.default_rng(3)
    values = np.array([0.5, -2.0, 1.0], np.float32)
    expected = values.tolist()
    adam = Adam(values, memory=10)
    first, second = [0.0] * 3, [0.0] * 3
    for step in range(1, 30):
        gradient = rng.normal(0, 10.0 ** rng.integers(-3, 3), 3).astype(np.float32)
        rate = 0.1 / step
        for i in range(3):
            g = float(gradient[i])
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            corrected = first[i] / (1 - 0.9**step)
            root = math.sqrt(second[i] / (1 - 0.999**step))
            expected[i] -= rate * corrected / (root + 1e-8)
        adam.step(gradient, rate)
        np.testing.assert_allclose(values, expected, rtol=2e-5)


def test_the_average_is_the_mean_of_all_steps_while_they_are_few_and_then_forgets() -> None:
    value = np.array([0.0], np.float32)
    adam = Adam(value, memory=20)
    seen = [0.0]
    for each in (4.0, -1.0, 3.5, 8.0):
        adam.step(np.zeros(1, np.float32), 0.0)
        value[:] = each
        seen.append(each)
        adam.follow()
        np.testing.assert_allclose(adam.average, np.mean(seen), rtol=1e-6)
    adam.average[:], value[:] = 1, 0
    for _ in range(40):
        adam.step(np.zeros(1, np.float32), 0.0)
        adam.follow()
    expected = np.prod([1 - 1 / min(step + 1, 20) for step in range(5, 45)])
    np.testing.assert_allclose(adam.average, expected, rtol=1e-4)
