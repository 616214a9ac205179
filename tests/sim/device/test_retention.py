"""Thermal activation against closed forms and against regions that turn one by one."""

import math

import numpy as np
import pytest
from scipy import constants, special, stats

from allspin.sim.device.retention import BROAD, Retention, survival

K = constants.k / constants.e
"""Boltzmann's constant in electronvolt a kelvin."""


@pytest.mark.parametrize("temperature", [250.0, 300.0, 400.0])
def test_one_barrier_is_an_exponential(temperature: float) -> None:
    retention = Retention(0.9, attempt_time=2e-10, temperature=temperature)
    tau = 2e-10 * math.exp(0.9 / (K * temperature))
    times = tau * np.array([1e-3, 0.1, 0.5, 1, 2, 5])
    kept = [float(retention.kept(0.3, t)) for t in times]
    assert kept == pytest.approx(np.exp(-times / tau), rel=1e-6)
    assert retention.kept(0.3, 0.0) == 1


def test_an_even_distribution_of_barriers_is_the_integral_of_its_exponentials() -> None:
    low, high, temperature, attempt = 0.8, 1.2, 320.0, 1e-9
    sigma = (high - low) / math.sqrt(12)
    retention = Retention(
        1.0, attempt, within=sigma, distribution="uniform", temperature=temperature
    )
    kt = K * temperature
    for time in (1e2, 1e4, 1e6, 1e8):
        rates = [time / attempt * math.exp(-each / kt) for each in (low, high)]
        # With r = (t / tau0) exp(-E / kT) the integral of exp(-r) dE is kT times that of
        # exp(-r) / r dr.
        expected = kt / (high - low) * float(special.exp1(rates[1]) - special.exp1(rates[0]))
        assert float(retention.kept(0.5, time)) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_a_broad_distribution_falls_with_log_t_by_k_t_times_its_density(distribution: str) -> None:
    kt, within = K * 300, 0.5
    retention = Retention(1.0, 1e-9, within=within, distribution=distribution)
    times = np.array([1e6, 1e8, 1e10])
    for time in times:
        before, after = (float(retention.kept(0, t)) for t in (time / 1.1, time * 1.1))
        slope = (after - before) / (2 * math.log(1.1))
        # The density of barriers at the one that is being turned over.
        turned = kt * (math.log(time / 1e-9) + np.euler_gamma)
        if distribution == "uniform":
            density = 1 / (2 * math.sqrt(3) * within)
            assert abs(turned - 1) < math.sqrt(3) * within
        else:
            wide = math.hypot(within, kt * math.pi / math.sqrt(6))
            density = stats.norm.pdf(turned, 1, wide)
        assert slope == pytest.approx(-kt * density, rel=2e-3)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_the_two_ways_to_compute_it_meet(distribution: str) -> None:
    x = np.linspace(-200, 200, 81)
    below, above = (survival(x, BROAD + step, distribution) for step in (-1e-9, 1e-9))
    assert above == pytest.approx(below, abs=1e-4)
    assert np.all(np.diff(above) >= 0)


def test_barriers_lie_along_the_range() -> None:
    three = Retention((1.0, 0.6, 1.2))
    assert three.barrier_at([0, 0.25, 0.5, 1]) == pytest.approx([1.0, 0.8, 0.6, 1.2])
    placed = Retention((1.0, 0.6), positions=(0.2, 0.4))
    assert placed.barrier_at([0, 0.2, 0.3, 0.9]) == pytest.approx([1.0, 1.0, 0.8, 0.6])
    assert Retention(0.7).barrier_at([0.1, 0.9]) == pytest.approx([0.7, 0.7])
    # A weak state is lost, a strong one is not.
    kept = three.kept([0.0, 0.5, 1.0], 1e3)
    assert kept[0] > 0.9
    assert kept[1] < 1e-6
    assert kept[2] > 0.9999


def test_between_cells_a_deviate_is_one_of_barriers() -> None:
    retention = Retention(1.0, between=0.05)
    assert retention.kept(0.5, 1e5, [-1, 0, 2]) == pytest.approx(
        [float(Retention(own).kept(0.5, 1e5)) for own in (0.95, 1.0, 1.1)]
    )
