"""The runs test against all arrangements of signs, and what is called described."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allspin.host.fit.columns import Curve, Measurement
from allspin.host.fit.goodness import runs_test
from allspin.host.fit.response import fit_response
from allspin.host.fit.result import PolarityResult, judge_polarity
from allspin.sim.synapse.response import Polarity

Makes = Callable[..., Any]


def one_polarity(measurement: Measurement, polarity: Polarity) -> PolarityResult:
    return judge_polarity(fit_response(measurement.of(polarity), polarity))


def test_runs_against_every_arrangement() -> None:
    above, below = 6, 6
    counts = []
    for places in itertools.combinations(range(above + below), above):
        signs = -np.ones(above + below)
        signs[list(places)] = 1
        counts.append(1 + np.count_nonzero(np.diff(signs)))
    found = np.array(counts)
    for runs in range(2, 12):
        # An arrangement of six and six with as many runs.
        ups = [1] * ((runs + 1) // 2 - 1) + [6 - ((runs + 1) // 2 - 1)]
        downs = [1] * (runs // 2 - 1) + [6 - (runs // 2 - 1)]
        parts = itertools.chain.from_iterable(
            itertools.zip_longest(ups, [-part for part in downs], fillvalue=0)
        )
        signs = np.concatenate([np.full(abs(part), np.sign(part)) for part in parts if part])
        got, expected, p_value = runs_test(signs)
        assert got == runs
        assert expected == pytest.approx(found.mean())
        assert p_value == pytest.approx(np.mean(found <= runs), abs=0.02)


def test_too_few_signs_tell_nothing_and_one_sign_tells_much() -> None:
    assert runs_test(np.array([1.0, 1, -1, -1]))[2] == 1
    assert runs_test(np.ones(5))[2] == 1
    assert runs_test(np.ones(20))[2] == pytest.approx(2.0**-19)
    assert runs_test(np.zeros(20)) == (0, 1, 1)


@pytest.mark.parametrize(
    ("devices", "cycles", "occasion"),
    # One cycle cannot tell a deviation that lasts from a curve of another shape.
    [(1, 1, "write"), (1, 5, "write"), (1, 5, "pulse"), (4, 3, "write"), (4, 3, "pulse")],
)
def test_the_model_s_own_data_are_described(
    devices: int, cycles: int, occasion: str, known: Makes
) -> None:
    device = known(a=(30, 25), c2c=(0.02, 0.02), occasion=occasion)
    described = [
        one_polarity(Measurement(device.draw(seed, devices, cycles), "ohm", "A"), polarity)
        for seed in range(20)
        for polarity in Polarity
    ]
    assert sum(one.goodness.described for one in described) >= 39


@pytest.mark.parametrize(("devices", "cycles"), [(1, 1), (1, 5), (4, 3)])
def test_a_sigmoid_is_not_described(devices: int, cycles: int) -> None:
    rng = np.random.default_rng(0)
    n = np.arange(61.0)
    curves = [
        Curve(f"d{device}", str(cycle), Polarity.POTENTIATION, n, np.tanh((n - 30) / 10) + noise)
        for device in range(devices)
        for cycle in range(cycles)
        for noise in [rng.normal(0, 0.03, 61)]
    ]
    result = one_polarity(Measurement(curves, "ohm", "A"), Polarity.POTENTIATION)
    assert not result.goodness.described
    assert result.goodness.misfit > 0.05
    assert result.goodness.runs_p_value < 1e-6
    assert "runs where" in str(result.goodness)


def test_a_small_misfit_will_do(known: Makes) -> None:
    # Half a per cent of the range, seen clearly: it is no reason to refuse.
    device = known(c2c=(0.001, 0.001))
    curves = [
        Curve(one.device, one.cycle, one.polarity, one.x, one.resistance + 0.005 * np.sin(one.x))
        for one in device.draw(0, 1, 4)
    ]
    result = one_polarity(Measurement(curves, "ohm", "A"), Polarity.DEPRESSION)
    assert result.goodness.misfit == pytest.approx(0.005 / np.sqrt(2), rel=0.2)
    assert result.goodness.described
