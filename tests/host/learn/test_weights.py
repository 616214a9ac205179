"""Weights that pulses move, against closed forms and moments."""

import math

import numpy as np
import pytest

from allspin.host.learn.paper_types import linear_synapse, raw_synapse
from allspin.host.learn.parameters import ArrayParameters
from allspin.host.learn.weights import PulsedWeights
from allspin.sim.chip.device_deviates import device_deviates
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

SHAPE = (200, 150)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0.0}, "`rate` must be a number from 1e-09"),
        ({"rounding": "up"}, "`rounding` must be one of stochastic, nearest"),
        ({"update": "fast"}, "`update` must be one of equal, width, sign"),
        ({"full_scale": 0}, "`full_scale` must be a number from 1e-06"),
    ],
)
def test_parameters_name_their_ranges(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArrayParameters(**change)


def pulsed(synapse, start, *, rounding="nearest", scheme="equal", seed=7, shape=SHAPE):
    parameters = ArrayParameters(rounding=rounding, update=scheme, seed=seed)
    return PulsedWeights(synapse, parameters, np.full(shape, start, np.float32))


def change(weights, amount):
    weights.update(np.full(weights.stored.shape, amount, np.float32))


def test_the_first_weights_are_states_with_the_mean_that_was_asked_for() -> None:
    weights = pulsed(linear_synapse(11), 0.05)
    assert set(np.unique(np.rint(weights.stored * 1000))) == {0, 200}
    assert weights.stored.mean() == pytest.approx(0.05, abs=0.003)


def test_equal_steps_move_whole_states_and_stop_at_the_end() -> None:
    weights = pulsed(linear_synapse(11), 0.0)
    change(weights, 0.09)  # less than half a step is lost
    assert not weights.stored.any()
    assert weights.devices[0].pulse_counts.sum() == 0
    for step, expected in ((0.2 * 3, 0.6), (-0.2, 0.4), (100.0, 1.0)):
        change(weights, step)
        assert np.allclose(weights.stored, expected, atol=1e-6)
    assert np.array_equal(weights.matrix, weights.stored)


@pytest.mark.parametrize("share", [0.3, -0.3, -1.7])
def test_random_rounding_keeps_the_mean(share) -> None:
    weights = pulsed(linear_synapse(101), 0.0, rounding="stochastic")
    change(weights, 0.02 * share)
    steps = weights.stored / 0.02
    assert set(np.unique(np.rint(steps))) == {math.floor(share), math.ceil(share)}
    assert steps.mean() == pytest.approx(share, abs=5 * 0.5 / math.sqrt(steps.size))


@pytest.mark.parametrize(("sign", "a"), [(1, 22.0), (-1, 9.0)])
def test_raw_pulses_follow_neurosims_normalised_curve(sign, a) -> None:
    """(1 - exp(-P / A)) / (1 - exp(-P_max / A)), as NeuroSim normalises it."""
    weights = pulsed(raw_synapse(), -sign, shape=(1, 1))
    for pulse in range(1, 101):
        change(weights, sign * 2 / 100)
        expected = (1 - math.exp(-pulse / a)) / (1 - math.exp(-100 / a))
        assert (1 + sign * float(weights.stored[0, 0])) / 2 == pytest.approx(expected, abs=2e-5)
    assert weights.devices[0].pulse_counts.sum() == 100


def test_pulses_of_computed_width_make_equal_steps_of_a_nonlinear_device() -> None:
    weights = pulsed(raw_synapse(), -1.0, scheme="width")
    for step in (3, 5, -4, 90, -60):
        before = weights.stored.copy()
        change(weights, step * 2 / 100)
        assert np.allclose(weights.stored, before + step * 2 / 100, atol=2e-6)


def test_cycle_to_cycle_deviation_is_of_the_range_by_polarity_and_where_pulses_fall() -> None:
    synapse = linear_synapse(125, CycleVariation(0.03, 0.01))
    weights = pulsed(synapse, 0.0)
    start = weights.stored.copy()
    asked = np.zeros(SHAPE, np.float32)
    step = np.float32(2 / (synapse.states - 1))
    asked[:100], asked[100:150] = step, -step
    weights.update(asked)
    moved = weights.stored - start
    assert moved[:100].std() == pytest.approx(0.03 * 2, rel=0.03)
    assert moved[:100].mean() == pytest.approx(step, abs=0.003)
    assert moved[100:150].std() == pytest.approx(0.01 * 2, rel=0.03)
    assert not moved[150:].any()
    # The film stays within its range with any deviation.
    weights = pulsed(linear_synapse(10, CycleVariation(0.5, 0.5)), 0.9)
    change(weights, 2 / 9)
    assert -1 <= weights.stored.min() <= weights.stored.max() <= 1


def test_a_devices_own_factor_scales_the_read_weight_not_the_film() -> None:
    weights = pulsed(linear_synapse(11, d2d=DeviceVariation(0.1, 0.4, "weight")), 0.2)
    potentiation, depression = device_deviates(weights.synapse, 7, 0, SHAPE)
    film = weights.stored.copy()
    assert np.allclose(weights.matrix, film * (1 + 0.4 * depression), atol=1e-6)
    asked = np.zeros(SHAPE, np.float32)
    asked[0] = 0.2
    weights.update(asked)
    assert np.allclose(weights.stored[0], film[0] + 0.2, atol=1e-6)
    assert np.allclose(
        weights.matrix[0], weights.stored[0] * (1 + 0.1 * potentiation[0]), atol=1e-6
    )
    assert np.allclose(weights.matrix[1:], film[1:] * (1 + 0.4 * depression[1:]), atol=1e-6)
