"""Distributions of a pulse's change, against numbers drawn from them."""

import numpy as np
import pytest

from allspin.sim.synapse.pulse_changes import Changes


def test_changes_of_shares_have_the_moments_of_what_is_interpolated() -> None:
    shares, places = np.array([0.1, 0.3, 0.8, 0.95]), np.array([0.0, 1.0, 4.0])
    changes = np.array([[-1.0, 0, 0], [0, 1, 0], [0.5, 2, 5], [3, 3, 9]])
    law = Changes.of_shares(places, shares, changes)
    assert law.weights.sum() == pytest.approx(1)
    # The inverse of the cumulative distribution, at very many equal steps.
    u = (np.arange(200_000) + 0.5) / 200_000
    mean, deviation = law.moments()
    for place in range(3):
        drawn = np.interp(u, shares, changes[:, place])
        assert mean[place] == pytest.approx(drawn.mean(), abs=1e-5)
        assert deviation[place] == pytest.approx(drawn.std(), rel=1e-4, abs=1e-9)
    between = law.at(np.array([2.5]))[:, 0]
    assert law.weights @ between == pytest.approx((mean[1] + mean[2]) / 2)
    assert np.array_equal(law.at(np.array([9.0])), law.values[:, 2:])


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_changes_of_pairs_are_those_of_films(noise: float) -> None:
    """Films at any R_AH, pulsed once: skewed changes, in proportion to what is left to go."""
    rng = np.random.default_rng(0)
    before = rng.uniform(0, 1, 40_000)
    skewed = rng.gamma(2, 1, before.size) - 2
    after = np.clip(before + 0.1 * (1.2 - before) + 0.03 * skewed / np.sqrt(2), 0, 1)
    first, second = rng.normal(0, noise, (2, before.size))
    law = Changes.of_pairs(before + first, after + second, (0.0, 1.0), noise)
    assert (law.low, law.high) == (0, 1)
    mean, deviation = law.moments()
    middle = (law.places > 0.1) & (law.places < 0.8)
    assert mean[middle] == pytest.approx(0.1 * (1.2 - law.places[middle]), abs=0.004)
    assert deviation[middle] == pytest.approx(np.full(middle.sum(), 0.03), rel=0.2)
    assert deviation[middle].mean() == pytest.approx(0.03, rel=0.03)
    own = law.values[:, middle] - mean[middle]
    skews = np.mean(own**3, axis=0) / deviation[middle] ** 3
    # The meter's noise takes of the skew what it adds to the deviation.
    wanted = np.sqrt(2) * (0.03 / np.hypot(0.03, np.sqrt(2) * noise)) ** 3
    assert skews.mean() == pytest.approx(wanted, abs=0.3)


def test_normal_changes() -> None:
    law = Changes.normal(np.array([0.0, 2.0]), np.array([0.5, 0.0]), np.array([0.1, 0.3]))
    mean, deviation = law.moments()
    assert mean == pytest.approx([0.5, 0.0])
    assert deviation == pytest.approx([0.1, 0.3])
    assert (law.low, law.high) == (0, 2)
