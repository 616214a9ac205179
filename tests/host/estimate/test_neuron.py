"""Neuron curves drawn from a ReLU that saturates, and the fitted parameters."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.estimate.neuron import fit_neuron, select
from allspin.host.lab.curves import Curve

CURRENT = np.linspace(0, 20e-3, 61)
THRESHOLD, SLOPE, SOFTNESS, HEIGHT = 6e-3, 50.0, 0.5e-3, 0.4


def response(
    i: npt.NDArray[np.float64], threshold: float, slope: float, height: float
) -> npt.NDArray[np.float64]:
    """Two rounded knees, by the logistic function's integral."""

    def knee(at: float) -> Any:
        x = (i - at) / SOFTNESS
        return SOFTNESS * (np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))

    return slope * (knee(threshold) - knee(threshold + height / slope))


def draw(
    seed: int,
    devices: int,
    cycles: int,
    height: float = HEIGHT,
    spread: tuple[float, float] = (0.0, 0.0),
    noise: float = 0.014,
    sign: float = 1.0,
) -> list[Curve]:
    rng = np.random.default_rng(seed)
    full = min(height, SLOPE * (CURRENT[-1] - THRESHOLD))
    curves = []
    for device in range(devices):
        threshold = THRESHOLD + spread[0] * CURRENT[-1] * rng.normal()
        slope = SLOPE * (1 + spread[1] * rng.normal())
        mean = response(CURRENT, threshold, slope, height)
        for cycle in range(cycles):
            r = -0.2 + mean + noise * full * rng.normal(size=CURRENT.size)
            curves.append(Curve(f"n{device}", str(cycle), None, CURRENT, sign * r))
    return curves


def test_an_exact_curve_is_found_again() -> None:
    fit = fit_neuron(draw(0, 1, 1, noise=1e-9))
    expected = {"base": -0.2, "threshold": 6e-3, "slope": 50, "softness": 0.5e-3, "height": 0.4}
    found = {name: one.value for name, one in fit.values.items()}
    assert found == pytest.approx(expected, rel=1e-3)
    truth = {"threshold": 0.3, "slope": 50 * 20e-3 / 0.4, "softness": 0.025, "saturation": 1}
    assert vars(fit.neuron) == pytest.approx(truth, rel=1e-2)
    # In fractions of full scale it is the curve that was drawn.
    shares = fit.neuron.response(CURRENT / 20e-3) * 0.4
    assert shares == pytest.approx(response(CURRENT, 6e-3, 50, 0.4), abs=1e-3)


def test_data_that_end_before_saturation() -> None:
    fit = fit_neuron(draw(2, 1, 4, height=5.0))
    assert ("height" in fit.values, fit.neuron.saturation, fit.goodness.described) == (
        False,
        1,
        True,
    )
    assert fit.full_resistance == pytest.approx(50 * 14e-3, rel=0.02)


@pytest.mark.parametrize(
    ("devices", "cycles", "spread"), [(1, 1, (0, 0)), (1, 4, (0, 0)), (5, 1, (0.03, 0.06))]
)
def test_intervals_hold_the_truth(devices: int, cycles: int, spread: tuple[float, float]) -> None:
    hits: dict[str, int] = defaultdict(int)
    draws = 25
    for seed in range(draws):
        fit = fit_neuron(draw(seed, devices, cycles, spread=spread))
        found = {
            "threshold": (fit.values["threshold"], THRESHOLD),
            "slope": (fit.values["slope"], SLOPE),
            "base": (fit.values["base"], -0.2),
            "height": (fit.values["height"], HEIGHT),
            "use": (fit.use, 0.014),
            "gain": (fit.gain, spread[1]),
            "threshold D2D": (fit.threshold_spread, spread[0]),
        }
        for name, (interval, truth) in found.items():
            hits[name] += interval is None or interval.low <= truth <= interval.high
    # 23.75 of 25 on average; fewer than 20 are a matter of one in a thousand.
    assert all(count >= 20 for count in hits.values()), dict(hits)


def test_a_sigmoid_turned_over_is_not_described() -> None:
    humps = np.sin(np.linspace(0, 3, 61)) + np.random.default_rng(0).normal(0, 0.01, (3, 61))
    curves = [Curve("n", str(k), None, CURRENT, hump) for k, hump in enumerate(humps)]
    assert not fit_neuron(curves).goodness.described


@pytest.mark.parametrize(
    ("sign", "currents", "ends"),
    [(1, None, (0, 20e-3)), (-1, None, (0, 20e-3)), (1, (4.5e-3, 12.5e-3), (5e-3, 12e-3))],
)
def test_currents_of_both_signs_are_cut_to_one(sign: int, currents: Any, ends: Any) -> None:
    both = np.linspace(-10e-3, 20e-3, 31)
    (found,) = select([Curve("n", "", None, sign * both, both)], currents)
    assert (found.x.min(), found.x.max()) == pytest.approx(ends)


@pytest.mark.parametrize("way", [1, -1])
def test_of_a_loop_s_branch_the_side_that_switches_is_fitted(way: int) -> None:
    """Both branches of a loop as in the paper's Fig. 4c are one neuron."""
    both = np.linspace(-20e-3, 20e-3, 121)[::way]
    r = way * response(way * both, THRESHOLD, SLOPE, HEIGHT)
    noisy = r + np.random.default_rng(0).normal(0, 1e-3, both.size)
    (chosen,) = select([Curve("n", "", None, both, noisy)], None)
    assert chosen.x.min() >= 0
    fit = fit_neuron([chosen])
    assert fit.values["threshold"].value == pytest.approx(THRESHOLD, rel=0.02)
    assert abs(fit.values["slope"].value) == pytest.approx(SLOPE, rel=0.02)
    assert fit.neuron.slope == pytest.approx(SLOPE * 20e-3 / HEIGHT, rel=0.03)


@pytest.mark.parametrize(("heating", "height"), [(400.0, HEIGHT), (-300.0, HEIGHT), (400.0, 5.0)])
def test_heating_is_told_from_switching(heating: float, height: float) -> None:
    """In ohm per squared ampere; 400 are 0.16 ohm at full current."""
    curves = [
        replace(one, resistance=one.resistance + heating * one.x**2)
        for one in draw(3, 3, 4, height=height, noise=0.003)
    ]
    fit = fit_neuron(curves)
    assert fit.goodness.described
    found = {name: one.value for name, one in fit.values.items()}
    expected = {"threshold": THRESHOLD, "slope": SLOPE, "heating": heating, "height": height}
    if height > 1:  # the data end before
        del expected["height"]
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=0.04)
    assert fit.full_resistance == pytest.approx(
        min(HEIGHT if height < 1 else 0.7, height), rel=0.04
    )
    # A neuron without heating shows no such part.
    assert "heating" not in fit_neuron(draw(3, 3, 4, height=height)).values
