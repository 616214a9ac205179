"""Distributions of a pulse's change, against numbers drawn from them."""

import numpy as np
import pytest

from allspin.sim.synapse.pulse_changes import Changes


def test_changes_of_shares_have_the_moments_of_interpolated_draws() -> None:
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


def test_normal_changes() -> None:
    law = Changes.normal(np.array([0.0, 2.0]), np.array([0.5, 0.0]), np.array([0.1, 0.3]))
    mean, deviation = law.moments()
    assert mean == pytest.approx([0.5, 0.0])
    assert deviation == pytest.approx([0.1, 0.3])
    assert (law.low, law.high) == (0, 2)
