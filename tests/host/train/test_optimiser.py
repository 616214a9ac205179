import math

import numpy as np

from allspin.host.train.latent import Adam


def test_steps_are_those_of_the_paper() -> None:
    """Algorithm 1 of Kingma and Ba, one number at a time, in double precision."""
    rng = np.random.default_rng(3)
    parameters = [np.array([0.5, -2.0], np.float32), np.array([[1.0]], np.float32)]
    expected = [0.5, -2.0, 1.0]
    adam = Adam(parameters, memory=10)
    first, second = [0.0] * 3, [0.0] * 3
    for step in range(1, 30):
        gradients = rng.normal(0, 10.0 ** rng.integers(-3, 3), 3).astype(np.float32)
        rate = 0.1 / step
        for i in range(3):
            g = float(gradients[i])
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            corrected = first[i] / (1 - 0.9**step)
            root = math.sqrt(second[i] / (1 - 0.999**step))
            expected[i] -= rate * corrected / (root + 1e-8)
        adam.step([gradients[:2].copy(), gradients[2:].reshape(1, 1).copy()], rate)
        found = [*parameters[0].tolist(), *parameters[1].ravel().tolist()]
        np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_the_average_is_the_mean_of_all_steps_while_they_are_few() -> None:
    parameter = np.array([0.0], np.float32)
    adam = Adam([parameter], memory=1000)
    seen = [0.0]
    for value in (4.0, -1.0, 3.5, 8.0):
        adam.step([np.zeros(1, np.float32)], 0.0)
        parameter[:] = value
        seen.append(value)
        adam.follow()
        np.testing.assert_allclose(adam.average[0], np.mean(seen), rtol=1e-6)


def test_the_average_forgets_over_its_memory() -> None:
    parameter = np.array([1.0], np.float32)
    adam = Adam([parameter], memory=20)
    for _ in range(200):
        adam.step([np.zeros(1, np.float32)], 0.0)
        adam.follow()
    parameter[:] = 0.0
    for _ in range(20):
        adam.step([np.zeros(1, np.float32)], 0.0)
        adam.follow()
    np.testing.assert_allclose(adam.average[0], (1 - 1 / 20) ** 20, rtol=1e-4)
