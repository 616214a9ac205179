"""The cut normal distribution, against integrals."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import integrate, stats

from allspin.sim.synapse.cut_normal import cut_moments, uncut


@pytest.mark.parametrize(
    ("mean", "deviation"), [(0.5, 0.1), (0.02, 0.1), (1.0, 0.05), (0.9, 0.8), (0.3, 1e-4)]
)
def test_moments_are_integrals(mean: float, deviation: float) -> None:
    def of(power: int) -> float:
        inside = integrate.quad(
            lambda x: x**power * stats.norm.pdf(x, mean, deviation),
            0,
            1,
            points=[min(max(mean, 0), 1)],
            limit=400,
            epsabs=1e-13,
        )[0]
        return float(inside + stats.norm.sf(1, mean, deviation))

    got = cut_moments(np.array([mean]), np.array([deviation]))
    assert got[0][0] == pytest.approx(of(1), abs=1e-9)
    assert got[1][0] == pytest.approx(np.sqrt(of(2) - of(1) ** 2), rel=1e-6)


@given(st.floats(0, 1), st.floats(1e-5, 1))
def test_uncut_is_the_inverse(mean: float, deviation: float) -> None:
    after = cut_moments(np.array([mean]), np.array([deviation]))
    again = cut_moments(*uncut(*after))
    assert again[0] == pytest.approx(after[0], abs=1e-8)
    assert again[1] == pytest.approx(after[1], abs=1e-8)


@given(st.floats(0, 1), st.floats(0, 1))
def test_any_mean_is_kept(mean: float, share: float) -> None:
    """Also where a normal distribution would have to lie far beyond the end."""
    deviation = share * np.sqrt(mean * (1 - mean))
    found = uncut(np.array([mean]), np.array([deviation]))
    assert -100 <= found[0][0] <= 101
    kept = cut_moments(*found)
    assert kept[0] == pytest.approx(mean, abs=1e-6)
    assert kept[1] <= deviation + 1e-3
    # The deviation too, unless almost all films are at an end.
    if 1e-4 < mean < 1 - 1e-4:
        assert kept[1] >= 0.97 * deviation - 1e-8


def test_without_a_deviation_the_moments_stay() -> None:
    means = np.array([0.0, 0.3, 1.0])
    found = uncut(means, np.zeros(3))
    assert np.array_equal(found, [means, np.zeros(3)])
    assert np.array_equal(cut_moments(*found), [means, np.zeros(3)])
