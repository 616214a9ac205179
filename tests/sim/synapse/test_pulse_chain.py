"""Chains against closed forms, and against films that are pulsed one by one."""

import itertools

import numpy as np
import pytest

from allspin.sim.synapse.pulse_chain import Chain, after, until_still
from allspin.sim.synapse.pulse_changes import Changes
from tests.sim.synapse.monte_carlo import HIGH, LOW, Table

FILMS = 100_000


def law(table: Table) -> Changes:
    return Changes.of_shares(table.places, table.shares, table.changes)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("noise", [0.003, 0.05])
def test_trains_are_those_of_films_pulsed_one_by_one(sign: int, noise: float) -> None:
    table = Table(sign, noise)
    films = table.trains(25, FILMS, np.random.default_rng(0))
    mean, deviation = after(law(table), table.start, np.arange(26))
    span = HIGH - LOW
    sure = 4 * films.std(axis=1).max() / span / np.sqrt(FILMS)
    assert mean / span == pytest.approx(films.mean(axis=1) / span, abs=1e-4 + sure)
    assert deviation / span == pytest.approx(films.std(axis=1) / span, rel=0.02, abs=3e-4)


def test_from_any_state_by_any_number_of_pulses() -> None:
    """Normal steps towards a place, far from both ends: the closed form of such a process."""
    places = np.linspace(0.0, 10.0, 41)
    changes = Changes.normal(places, 0.1 * (5 - places), np.full(41, 0.05))
    starts, pulses = np.array([[4.0], [5.5]]), np.array([0, 1, 7, 30])
    mean, deviation = after(changes, starts, pulses)
    kept = 0.9**pulses
    assert mean == pytest.approx(5 + (starts - 5) * kept, abs=1e-9)
    wanted = 0.05 * np.sqrt((1 - kept**2) / (1 - 0.81)) * np.ones((2, 1))
    assert deviation == pytest.approx(wanted, rel=2e-3)
    # Between whole pulses mean and variance lie on straight lines.
    half = after(changes, 4.0, 1.5)
    one, two = (after(changes, 4.0, number) for number in (1, 2))
    assert half[0] == pytest.approx((one[0] + two[0]) / 2)
    assert half[1] ** 2 == pytest.approx((one[1] ** 2 + two[1] ** 2) / 2)


def test_a_film_ends_at_the_ends() -> None:
    """One pulse of pure noise from an end: half of a normal distribution stays at the end."""
    changes = Changes.normal(np.array([0.0, 1.0]), np.zeros(2), np.full(2, 0.1))
    for start, sign in ((0.0, 1), (1.0, -1)):
        mean, deviation = after(changes, start, 1)
        assert mean == pytest.approx(start + sign * 0.1 / np.sqrt(2 * np.pi), rel=3e-3)
        assert deviation == pytest.approx(0.1 * np.sqrt(0.5 - 0.5 / np.pi), rel=3e-3)


def test_a_coarse_grid_adds_no_deviation() -> None:
    """With 60 nodes and 1 % of noise a pulse, neighbours alone would add half of it."""
    changes = Changes.normal(np.array([0.0, 1.0]), np.full(2, 0.02), np.full(2, 0.01))
    _, variance = next(itertools.islice(Chain(changes, 60).pulses(), 20, None))
    assert np.sqrt(variance[15]) == pytest.approx(0.01 * np.sqrt(20), rel=1e-3)


def test_pulses_until_the_film_is_still() -> None:
    places = np.linspace(0.0, 1.0, 11)
    changes = Changes.normal(places, 0.5 * (1.1 - places), np.zeros(11))
    # From 0 the film is at 1.1 (1 - 2^-n), and saturated after four pulses.
    assert until_still(changes, 0.0, 100, 1e-4) == 4
    assert until_still(changes, 0.0, 2, 1e-4) == 2
    back = Changes.normal(places, -0.5 * places, np.zeros(11))
    assert until_still(back, 1.0, 100, 1e-3) == 9
