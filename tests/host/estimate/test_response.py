"""Fits of the pulse response, their intervals, and variation between cycles and devices."""

import itertools
import math
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.estimate.intervals import Interval
from allspin.host.estimate.response import ResponseFit, fit_response
from allspin.host.estimate.spread import (
    correlation,
    cycle_spread,
    device_spread,
)
from allspin.host.lab.curves import Curve
from allspin.sim.synapse.response import Polarity, PulseResponse
from tests.host.fit.known import Known

P, D = Polarity


@settings(max_examples=30)
@given(
    st.one_of(st.floats(3, 300), st.floats(-300, -10)),
    st.floats(-5, -0.5),
    st.floats(0.5, 5),
    st.sampled_from(Polarity),
)
def test_exact_curves_are_found_again(
    a: float, low: float, high: float, polarity: Polarity
) -> None:
    response = PulseResponse(a, 60, low, high)
    n = np.arange(61.0)
    values = response.depressed(60 - n) if polarity else response.potentiated(n)
    fit = fit_response([Curve("d", "", polarity, n, values)], polarity)
    assert fit.nonlinearity.value == pytest.approx(a, rel=1e-4)
    assert (fit.low.value, fit.high.value) == pytest.approx((low, high), rel=1e-5)
    assert fit.mean_curve(n) == pytest.approx(values, abs=1e-4 * (high - low))


def test_a_straight_line_is_not_excluded_where_it_fits() -> None:
    rng = np.random.default_rng(0)
    n = np.arange(51.0)
    curves = [Curve("d", str(k), P, n, n / 50 + rng.normal(0, 0.02, 51)) for k in range(5)]
    fit = fit_response(curves, P)
    assert fit.basis == "cycles"
    assert fit.nonlinearity.high == math.inf or fit.nonlinearity.low == -math.inf


SCENARIOS = {
    "one device, one cycle": ({}, 1, 1),
    "one device, many cycles": ({"c2c": (0.065, 0.029)}, 1, 8),
    "devices of different A": ({"d2d": (0.1, 0.15), "reading": "nonlinearity"}, 5, 2),
    "devices of different offset": ({"d2d": (0.05, 0.1), "reading": "range"}, 4, 1),
    "devices of different weight": ({"d2d": (0.13, 0.2), "reading": "weight"}, 5, 2),
    "devices of different span": ({"d2d": (0.13, 0.1), "reading": "span"}, 5, 2),
    "deviations on each pulse": ({"a": (30, 25), "c2c": (0.01, 0.006), "occasion": "pulse"}, 1, 6),
}
DRAWS = 25


def fit_of(curves: list[Curve], polarity: Polarity = P) -> ResponseFit:
    return fit_response([one for one in curves if one.polarity is polarity], polarity)


@pytest.mark.parametrize(
    "name",
    # A span and a weight differ from an offset only in the way that a curve changes, which the
    # test of the reading that explains most sees.
    [
        pytest.param(name, marks=pytest.mark.long if name.endswith(("span", "weight")) else ())
        for name in SCENARIOS
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    figures, devices, cycles = SCENARIOS[name]
    device = Known(**figures)
    hits: dict[str, int] = defaultdict(int)
    for seed, polarity in itertools.product(range(DRAWS), Polarity):
        fit = fit_of(device.draw(seed, devices, cycles), polarity)
        spread = cycle_spread(fit)
        d2d = device_spread(fit, spread).readings.get(device.reading)
        for what, interval, truth in (
            ("A", fit.nonlinearity, device.a[polarity]),
            ("R_min", fit.low, -0.4),
            ("R_max", fit.high, 0.6),
            ("span", fit.span, 1.0),
            ("C2C", spread.of(device.occasion), device.c2c[polarity]),
            ("D2D", d2d, device.d2d[polarity]),
        ):
            if interval is not None:
                hits[f"{what} {polarity.name}"] += interval.low <= truth <= interval.high
    # 23.75 of 25 on average; fewer than 20 are a matter of one in a thousand, and all of
    # them throughout would be too wide.
    assert all(count >= 20 for count in hits.values()), dict(hits)
    assert sum(hits.values()) < DRAWS * len(hits), dict(hits)


@pytest.mark.parametrize("occasion", ["write", "pulse"])
def test_the_occasion_is_told_from_the_data(occasion: str) -> None:
    device = Known(a=(30, 25), c2c=(0.01, 0.01), occasion=occasion)
    for seed, polarity in itertools.product(range(10), Polarity):
        assert cycle_spread(fit_of(device.draw(seed, 1, 4), polarity)).occasion == occasion


@pytest.mark.parametrize(
    "reading",
    [
        "weight",
        "nonlinearity",
        # Scenarios of intervals see mistakes in these, too.
        pytest.param("range", marks=pytest.mark.long),
        pytest.param("span", marks=pytest.mark.long),
    ],
)
def test_the_reading_that_made_the_data_explains_most(reading: str) -> None:
    device = Known(c2c=(0.01, 0.01), d2d=(0.2, 0.2), reading=reading)
    right = 0
    for seed, polarity in itertools.product(range(8), Polarity):
        fit = fit_of(device.draw(seed, 6, 3), polarity)
        shares = device_spread(fit, cycle_spread(fit)).explained
        right += max(shares, key=lambda name: shares[name]) == reading
    assert right >= 15


def test_equal_devices_have_no_spread_of_their_own() -> None:
    fit = fit_of(Known(c2c=(0.05, 0.05)).draw(3, 6, 4))
    for reading, spread in device_spread(fit, cycle_spread(fit)).readings.items():
        # The part of C2C in a mean of 4 x 51 points would be 0.004 and more.
        assert spread.low == 0, reading


def offset_devices(rng: np.random.Generator, devices: int, correlation: float) -> list[Curve]:
    """Devices whose offsets in both polarities go together, two cycles of each."""
    n, found = np.arange(41.0), []
    for device in range(devices):
        up = rng.normal()
        down = correlation * up + math.sqrt(1 - correlation**2) * rng.normal()
        for polarity, own in ((P, up), (D, down)):
            law = PulseResponse(20.0, 40, -1.0, 1.0)
            way = law.depressed(40 - n) if polarity else law.potentiated(n)
            for cycle in range(2):
                values = way + 0.1 * own + rng.normal(0, 0.05, 41)
                found.append(Curve(f"d{device}", str(cycle), polarity, n, values))
    return found


def together(curves: list[Curve]) -> Interval | None:
    fits = [fit_of(curves, polarity) for polarity in Polarity]
    return correlation(fits, [cycle_spread(fit) for fit in fits], "range")


@pytest.mark.parametrize(
    "truth", [*(pytest.param(truth, marks=pytest.mark.long) for truth in (-0.5, 0.0)), 0.7]
)
def test_a_correlation_s_interval_holds_the_truth_as_often_as_it_says(truth: float) -> None:
    rng = np.random.default_rng(1)
    found = [together(offset_devices(rng, 25, truth)) for _ in range(20)]
    assert all(found)
    # 19 of 20 on average; fewer than 16 are a matter of one in four hundred.
    assert sum(one.low <= truth <= one.high for one in found if one) >= 16
    assert np.mean([one.value for one in found if one]) == pytest.approx(truth, abs=0.12)


def test_three_devices_have_no_correlation() -> None:
    assert together(offset_devices(np.random.default_rng(0), 3, 0.9)) is None


def test_cycle_figure_needs_no_model() -> None:
    # The model does not describe these curves; the deviation of cycles is the same.
    curves = Known(c2c=(0.02, 0.02)).draw(5, 2, 6)
    bent = [replace(one, resistance=one.resistance + np.sin(one.x / 3)) for one in curves]
    fit = fit_of(bent)
    spread = cycle_spread(fit)
    assert spread.write.value * fit.span.value == pytest.approx(0.02, rel=0.1)
    assert (spread.basis, cycle_spread(fit_of(curves[::6])).basis) == ("cycles", "points")


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ((2.0, 2.0, 2.0), (0.1, 0.05, 0.15)),
        ((2.0, 1.5, 2.5), (0.1, 0.0479, 0.1647)),
        ((2.0, -1.0, 5.0), (0.1, 0, math.inf)),
    ],
)
def test_a_ratio_s_interval(unit: Any, expected: Any) -> None:
    ratio = Interval(0.2, 0.1, 0.3).over(Interval(*unit))
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx(expected, rel=1e-2)
    nothing = Interval(0.0, 0.0, 0.3).over(Interval(2.0, 1.5, 2.5))
    assert vars(nothing) == pytest.approx({"value": 0, "low": 0, "high": 0.2})
