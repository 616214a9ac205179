"""Cycles that are bad as a whole, in data whose truth is known, and data without any."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allspin.host.fit.columns import Curve, Measurement
from allspin.host.fit.fit import fit_picture
from allspin.host.fit.options import FitOptions
from allspin.host.fit.result import fit_all
from allspin.host.fit.spread import outlying_cycles, set_aside
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

Makes = Callable[..., Any]
P, D = Polarity


def run_in(curves: list[Curve], cycles: int, share: float) -> list[Curve]:
    """Curves whose first cycles move by less than the others, by up to a share of the range."""
    found = []
    for curve in curves:
        start = curve.resistance[0]
        less = share if int(curve.cycle) < cycles else 0.0
        found.append(
            dataclasses.replace(curve, resistance=start + (curve.resistance - start) * (1 - less))
        )
    return found


def measured(curves: list[Curve]) -> Measurement:
    return Measurement(curves, "ohm", "A")


@pytest.mark.parametrize("occasion", ["write", "pulse"])
@pytest.mark.parametrize(("devices", "cycles"), [(1, 10), (1, 8), (3, 9)])
def test_first_cycles_that_are_bad_are_set_aside(
    known: Makes, occasion: str, devices: int, cycles: int
) -> None:
    truth = known(c2c=(0.008, 0.008), occasion=occasion, pulses=60)
    curves = run_in(truth.draw(1, devices, cycles), 2, 0.4)
    measurement, outliers = set_aside(measured(curves))
    assert {(one.device, one.cycle, one.polarity, one.x) for one in outliers} == {
        (f"d{device}", cycle, polarity, None)
        for device in range(devices)
        for cycle in "01"
        for polarity in Polarity
    }
    said = measurement.notes[-1]
    assert said.startswith(f"{4 * devices} of {2 * devices * cycles} cycles are set aside, which")
    assert "d0 cycle 0 potentiation, the whole cycle; d0 cycle 1 potentiation, the wh" in said
    assert outliers[0].to_dict()["at"] is None
    result = fit_all(measurement, FitOptions("x"))
    for polarity, part in result.polarities.items():
        assert part.cycles.of(occasion).value == pytest.approx(0.008, rel=0.25)
        assert part.fit.nonlinearity.value == pytest.approx(truth.a[polarity], rel=0.1)
    kept = fit_all(measured(curves), FitOptions("x"))
    assert max(part.cycles.write.value for part in kept.polarities.values()) > 0.05
    # They are drawn where they are.
    axes = fit_picture(result, "x", outliers=outliers).axes[0]
    drawn = [line for line in axes.lines if line.get_marker() == "x"]
    assert len(drawn) == 2 * devices


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "truth",
    [
        {"c2c": (0.03, 0.02)},
        {"c2c": (0.01, 0.006), "occasion": "pulse"},
        {"c2c": (0.03, 0.02), "occasion": "pulse"},
        {"c2c": (0.01, 0.01), "d2d": (0.3, 0.3), "reading": "nonlinearity"},
    ],
)
@pytest.mark.parametrize(("devices", "cycles"), [(1, 4), (1, 10), (5, 6)])
def test_good_cycles_stay(
    known: Makes, truth: dict[str, Any], devices: int, cycles: int, seed: int
) -> None:
    curves = known(**truth).draw(seed, devices, cycles)
    for polarity in Polarity:
        assert not outlying_cycles([one for one in curves if one.polarity is polarity]).any()


def test_cycles_that_lie_parallel_are_c2c() -> None:
    """Each cycle has one deviation for all of its points: of 500 hardly any is set aside."""
    n = np.arange(40.0)
    found = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        offsets = rng.normal(0, 0.05, 10)
        curves = [Curve("d", str(k), P, n, n / 39 + offset) for k, offset in enumerate(offsets)]
        found += int(outlying_cycles(curves).sum())
    assert found <= 6


def test_three_cycles_do_not_say_which_is_bad(known: Makes) -> None:
    curves = run_in(known(c2c=(0.008, 0.008)).draw(0, 2, 3), 1, 0.4)
    assert set_aside(measured(curves))[1] == []


def test_half_of_the_cycles_are_no_outliers(known: Makes) -> None:
    curves = run_in(known(c2c=(0.008, 0.008)).draw(0, 1, 10), 4, 0.4)
    with pytest.raises(UserError, match=r"4 of 10 cycles stand apart .*d0 cycle 0 .*cycle=3\.\.10"):
        set_aside(measured(curves))


def test_a_neuron_s_first_sweep() -> None:
    rng = np.random.default_rng(0)
    sweep = np.linspace(0, 12, 61)
    curves = []
    for cycle in range(6):
        late = 2.0 if cycle == 0 else 0.0
        r = 30 * np.clip(sweep - 4 - late, 0, 6) + rng.normal(0, 0.5, sweep.size)
        curves.append(Curve("n", str(cycle), None, sweep, r))
    assert outlying_cycles(curves).tolist() == [True] + [False] * 5
    assert str(set_aside(measured(curves))[1][0]) == "n cycle 0, the whole cycle"
