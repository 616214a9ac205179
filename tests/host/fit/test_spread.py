"""Which reading the data have, and what is taken off for what cycles leave."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from allspin.host.fit.response import Interval, fit_response
from allspin.host.fit.spread import (
    DEVICE_CHOICES,
    chi_interval,
    cycle_spread,
    device_spread,
)
from allspin.sim.synapse.response import Polarity

P, D = Polarity
Makes = Callable[..., Any]


def fitted(curves: list[Any], polarity: Polarity = P) -> Any:
    return fit_response([one for one in curves if one.polarity is polarity], polarity)


@pytest.mark.parametrize("occasion", ["write", "pulse"])
def test_the_occasion_is_told_from_the_data(occasion: str, known: Makes) -> None:
    device = known(a=(30, 25), c2c=(0.01, 0.01), occasion=occasion)
    for seed in range(10):
        for polarity in Polarity:
            assert cycle_spread(fitted(device.draw(seed, 1, 4), polarity)).occasion == occasion


@pytest.mark.parametrize("reading", DEVICE_CHOICES)
def test_the_reading_that_made_the_data_explains_most(reading: str, known: Makes) -> None:
    device = known(c2c=(0.01, 0.01), d2d=(0.2, 0.2), reading=reading)
    right = [
        device_spread(fit := fitted(device.draw(seed, 6, 3), polarity), cycle_spread(fit)).best
        for seed in range(8)
        for polarity in Polarity
    ]
    assert right.count(reading) >= 15


def test_one_device_says_nothing_of_others(known: Makes) -> None:
    fit = fitted(known().draw(0, 1, 4))
    assert device_spread(fit, cycle_spread(fit)).readings == {}


def test_equal_devices_have_no_spread_of_their_own(known: Makes) -> None:
    fit = fitted(known(c2c=(0.05, 0.05)).draw(3, 6, 4))
    for reading, spread in device_spread(fit, cycle_spread(fit)).readings.items():
        # What cycles leave in a mean of 4 x 51 points would be 0.004 and more.
        assert spread.low == 0, reading


def test_cycle_figure_needs_no_model(known: Makes) -> None:
    # Curves that the model cannot follow: cycles still differ by what they differ by.
    device = known(c2c=(0.02, 0.02))
    curves = device.draw(5, 2, 6)
    bent = [
        type(one)(one.device, one.cycle, one.polarity, one.x, one.resistance + np.sin(one.x / 3))
        for one in curves
    ]
    fit = fitted(bent)
    spread = cycle_spread(fit)
    assert spread.basis == "cycles"
    assert spread.write.value * fit.span.value == pytest.approx(0.02, rel=0.1)
    assert cycle_spread(fitted(device.draw(5, 2, 1))).basis == "points"


def test_chi_interval_is_the_textbook_s() -> None:
    one = chi_interval(2.0, 9)
    assert one.low == pytest.approx(2 * np.sqrt(9 / stats.chi2.isf(0.025, 9)))
    assert one.high == pytest.approx(2 * np.sqrt(9 / stats.chi2.isf(0.975, 9)))


def test_a_ratio_s_interval() -> None:
    plain = Interval(0.2, 0.1, 0.3).over(Interval(2.0, 2.0, 2.0))
    assert (plain.value, plain.low, plain.high) == pytest.approx((0.1, 0.05, 0.15))
    wider = Interval(0.2, 0.1, 0.3).over(Interval(2.0, 1.5, 2.5))
    assert wider.low < plain.low
    assert wider.high > plain.high
    nothing = Interval(0.0, 0.0, 0.3).over(Interval(2.0, 1.5, 2.5))
    assert (nothing.value, nothing.low) == (0, 0)
    assert nothing.high == pytest.approx(0.2)
    assert Interval(0.2, 0.1, 0.3).over(Interval(2.0, -1.0, 5.0)).high == np.inf
