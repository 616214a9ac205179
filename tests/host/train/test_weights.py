"""Weights that pulses move, against closed forms and moments."""

import math

import numpy as np
import pytest

from allspin.host.train.in_array import linear_synapse, raw_synapse
from allspin.host.train.in_array_weights import PulsedWeights, SoftwareWeights, device_deviates
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation

SHAPE = (200, 150)


def pulsed(synapse, start, *, rounding="nearest", scheme="equal", seed=0, shape=SHAPE):
    return PulsedWeights(
        synapse,
        np.full(shape, start, np.float32),
        layer=0,
        chip=7,
        rng=np.random.default_rng(seed),
        rounding=rounding,
        scheme=scheme,
    )


def change(weights, amount):
    weights.update(np.full(weights.film.shape, amount, np.float32))


def test_software_weights_take_the_change_and_leave_the_initial_ones_alone():
    initial = np.zeros((2, 2), np.float32)
    weights = SoftwareWeights(initial)
    change_asked = np.array([[1, -2], [0, 3]], np.float32)
    weights.update(change_asked.copy())
    assert np.array_equal(weights.matrix, change_asked)
    assert not initial.any()


def test_the_first_weights_are_states_and_their_mean_is_what_was_asked_for():
    weights = pulsed(linear_synapse(11), 0.05)
    assert set(np.unique(np.rint(weights.film * 1000))) == {0, 200}
    assert weights.film.mean() == pytest.approx(0.05, abs=0.003)


def test_equal_steps_move_whole_states_and_stop_at_the_end():
    weights = pulsed(linear_synapse(11), 0.0)
    change(weights, 0.2 * 3)
    assert np.allclose(weights.film, 0.6, atol=1e-6)
    change(weights, -0.2)
    assert np.allclose(weights.film, 0.4, atol=1e-6)
    change(weights, 100.0)
    assert np.allclose(weights.film, 1.0)
    assert weights.matrix is weights.film


def test_changes_of_less_than_half_a_step_are_lost_when_rounded_to_the_nearest():
    weights = pulsed(linear_synapse(11), 0.0)
    change(weights, 0.09)
    assert not weights.film.any()
    assert weights.pulses == 0


@pytest.mark.parametrize("share", [0.3, -0.3, -1.7])
def test_rounded_at_random_the_mean_is_what_was_asked_for(share):
    weights = pulsed(linear_synapse(101), 0.0, rounding="stochastic")
    change(weights, 0.02 * share)
    steps = weights.film / 0.02
    assert set(np.unique(np.rint(steps))) == {math.floor(share), math.ceil(share)}
    assert steps.mean() == pytest.approx(share, abs=5 * 0.5 / math.sqrt(steps.size))


@pytest.mark.parametrize(("sign", "a"), [(1, 22.0), (-1, 9.0)])
def test_raw_pulses_follow_neurosims_normalised_curve(sign, a):
    """(1 - exp(-P / A)) / (1 - exp(-P_max / A)), as NeuroSim normalises it."""
    weights = pulsed(raw_synapse(), -sign, shape=(1, 1))
    step = sign * 2 / 99
    for pulse in range(1, 101):
        change(weights, step)
        expected = (1 - math.exp(-pulse / a)) / (1 - math.exp(-100 / a))
        assert (1 + sign * float(weights.film[0, 0])) / 2 == pytest.approx(expected, abs=2e-5)
    assert weights.pulses == 100


def test_pulses_of_computed_width_make_equal_steps_of_a_nonlinear_device():
    weights = pulsed(raw_synapse(), -1.0, scheme="width")
    for step in (3, 5, -4, 90, -60):
        before = weights.film.copy()
        change(weights, step * 2 / 99)
        assert np.allclose(weights.film, before + step * 2 / 99, atol=2e-6)


def test_cycle_to_cycle_deviation_is_of_the_range_and_by_polarity_and_only_where_pulses_fall():
    synapse = linear_synapse(1001 // 8, CycleVariation(0.03, 0.01))
    weights = pulsed(synapse, 0.0)
    start = weights.film.copy()
    asked = np.zeros(SHAPE, np.float32)
    step = np.float32(2 / (synapse.states - 1))
    asked[:100], asked[100:150] = step, -step
    weights.update(asked)
    moved = weights.film - start
    assert moved[:100].std() == pytest.approx(0.03 * 2, rel=0.03)
    assert moved[:100].mean() == pytest.approx(step, abs=0.003)
    assert moved[100:150].std() == pytest.approx(0.01 * 2, rel=0.03)
    assert not moved[150:].any()


def test_the_film_stays_within_its_range_whatever_the_deviation():
    weights = pulsed(linear_synapse(10, CycleVariation(0.5, 0.5)), 0.9)
    change(weights, 2 / 9)
    assert -1 <= weights.film.min() <= weights.film.max() <= 1


def test_a_devices_own_factor_scales_what_is_read_not_what_the_film_holds():
    d2d = DeviceVariation(0.1, 0.4, "weight")
    weights = pulsed(linear_synapse(11, d2d=d2d), 0.2)
    potentiation, depression = device_deviates(7, 0, SHAPE)
    film = weights.film.copy()
    assert np.allclose(weights.matrix, film * (1 + 0.4 * depression), atol=1e-6)
    asked = np.zeros(SHAPE, np.float32)
    asked[0] = 0.2
    weights.update(asked)
    assert np.allclose(weights.film[0], film[0] + 0.2, atol=1e-6)
    assert np.allclose(weights.matrix[0], weights.film[0] * (1 + 0.1 * potentiation[0]), atol=1e-6)
    assert np.allclose(weights.matrix[1:], film[1:] * (1 + 0.4 * depression[1:]), atol=1e-6)


def test_the_draws_are_named_by_their_seed():
    films = []
    for seed in (1, 1, 2):
        weights = pulsed(
            linear_synapse(10, CycleVariation(0.1, 0.1)), 0.0, rounding="stochastic", seed=seed
        )
        change(weights, 0.3)
        films.append(weights.film)
    assert np.array_equal(films[0], films[1])
    assert not np.array_equal(films[0], films[2])
